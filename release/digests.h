// SPDX-License-Identifier: Apache-2.0
// The device's functions of agent/manifest.h with the host's SHA-256: what is signed is computed by
// the very code that a device verifies it with.
#pragma once

#include <stdint.h>

#include <algorithm>
#include <span>

#include "agent/manifest.h"
#include "diff/sha256.h"

namespace mote {

/// Computes with `state`, which must outlive the result and is the caller's.
inline Sha256Functions HostSha256(Sha256& state) {
  return {[](void* context) { *static_cast<Sha256*>(context) = Sha256(); },
          [](void* context, const uint8_t* data, uint32_t size) {
            static_cast<Sha256*>(context)->Update({data, size});
          },
          [](void* context, uint8_t* digest) {
            std::ranges::copy(static_cast<Sha256*>(context)->Finish(), digest);
          },
          &state,
          [](void* context, uint8_t* to) {
            static_cast<Sha256*>(context)->hash_state().save(context, to);
          },
          [](void* context, const uint8_t* from, uint32_t size) {
            static_cast<Sha256*>(context)->hash_state().restore(context, from, size);
          }};
}

/// What the vendor signs. REQUIRES: a whole vendor part.
inline Sha256::Digest VendorDigestOf(std::span<const uint8_t> vendor_part) {
  Sha256 state;
  Sha256::Digest digest;
  VendorDigest(HostSha256(state), vendor_part.data(), digest.data());
  return digest;
}

/// What the server signs. `base_digest`: zeros for a full image. REQUIRES: whole parts.
inline Sha256::Digest ServerDigestOf(std::span<const uint8_t> vendor_part,
                                     const Sha256::Digest& base_digest,
                                     std::span<const uint8_t> server_part) {
  Sha256 state;
  Sha256::Digest digest;
  ServerDigest(HostSha256(state), VendorDigestOf(vendor_part).data(), base_digest.data(),
               server_part.data(), digest.data());
  return digest;
}

/// What the root key signs. `statement`: a whole one, from its header on.
inline Sha256::Digest StatementDigestOf(std::span<const uint8_t> statement) {
  Sha256 state;
  Sha256::Digest digest;
  StatementDigest(HostSha256(state), statement.data() + kTrustHeaderSize, digest.data());
  return digest;
}

}  // namespace mote
