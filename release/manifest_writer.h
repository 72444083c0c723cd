// SPDX-License-Identifier: Apache-2.0
// Writes what agent/manifest.h reads: vendor part, server part, statements (FORMAT.md, 8 and 9).
#pragma once

#include <stdint.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/layout.h"
#include "agent/manifest.h"
#include "agent/metadata.h"
#include "diff/sha256.h"
#include "release/keys.h"

namespace mote {

/// What a vendor says of an image, besides its bytes.
struct ReleaseFields {
  uint32_t application = 0;
  uint32_t hardware = 0;
  uint32_t version = 0;           ///< as MakeVersion; not 0
  uint32_t security_counter = 0;  ///< grows when older images must never run again
  uint32_t link_address = kAnyAddress;
  std::optional<PublicKey> server_key;  ///< empty: nobody may offer it to single devices
  uint32_t server_epoch = 0;            ///< of that key; 0 without one
};

/// Writes the vendor part for `image`, which `algorithm` is going to sign. Throws Error:
/// kBadArgument (no algorithm, version 0), kBadImage (no bytes, or more than kMaxImageSize).
std::vector<uint8_t> WriteVendorPart(const ReleaseFields& fields, SignatureAlgorithm algorithm,
                                     std::span<const uint8_t> image);

/// A release: header, vendor part, signature. Throws Error(kBadArgument): the vendor part names
/// another algorithm than the key's.
std::vector<uint8_t> WriteRelease(std::span<const uint8_t> vendor_part, const PrivateKey& vendor);

/// Writes a server part. Throws Error(kBadArgument): encryption and piece bits that do not go
/// together. Pointers in `part` are to as many bytes as ServerPart says.
std::vector<uint8_t> WriteServerPart(const ServerPart& part);

/// A manifest with both parts. `base_digest`: of the whole base image, zeros for none. REQUIRES: a
/// release, whose server key is that of `server`.
std::vector<uint8_t> WriteManifest(std::span<const uint8_t> release,
                                   const Sha256::Digest& base_digest,
                                   std::span<const uint8_t> server_part, const PrivateKey& server);

/// Makes a slot's record what the factory programs for the image of this release: confirmed. Its
/// place among updates stays. REQUIRES: a release.
void ProvisionRecord(SlotRecord& record, std::span<const uint8_t> release);

/// Writes a whole statement, signed by `root`. Throws Error: kBadArgument (sequence number 0),
/// kUnsupported (an X25519 key).
std::vector<uint8_t> WriteStatement(const PrivateKey& root, uint32_t sequence,
                                    uint32_t server_epoch,
                                    const std::optional<PublicKey>& new_root);

/// 1.2.3 as FORMAT.md 8 says: 8, 8 and 16 bits. Nothing for what is not three numbers that fit.
std::optional<uint32_t> ParseVersion(std::string_view text);
std::string VersionText(uint32_t version);

}  // namespace mote
