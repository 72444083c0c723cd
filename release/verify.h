// SPDX-License-Identifier: Apache-2.0
// Checks on the host what a device checks of an offer, as far as it does not depend on the device.
#pragma once

#include <stdint.h>

#include <optional>
#include <span>
#include <vector>

#include "agent/manifest.h"
#include "diff/sha256.h"
#include "release/manifest_reader.h"

namespace mote {

/// Whom a device trusts at one moment: it starts with the root key, and statements change it.
struct TrustedKeys {
  PublicKey root;
  uint32_t sequence = 0;      ///< of the last statement that was taken
  uint32_t server_epoch = 0;  ///< server keys of older ones are refused
};

/// Takes a whole statement; skips one whose sequence number is not above the last one's. Returns
/// whether it was taken. Throws Error: kBadSignature, kDowngrade (it lowers the server epoch).
/// REQUIRES: a statement as ReadOffer gives it.
bool TakeStatement(TrustedKeys& trusted, std::span<const uint8_t> statement);

/// Checks the vendor's signature, and that the server's key is not revoked. Throws
/// Error(kBadSignature). REQUIRES: view.manifest is not empty.
void VerifyVendor(const OfferView& view, const TrustedKeys& trusted);

/// Checks the server's signature. `base`: the whole base image; ignored for a full image, whose
/// base is nothing. Throws Error: kBadSignature; kWrongBase (another base image than the offer is
/// for). REQUIRES: view.has_server_part().
void VerifyServer(const OfferView& view, std::span<const uint8_t> base);

/// Whether an offer needs a base image.
bool NeedsBase(const ServerPart& server);

/// Checks an image against what the vendor says of it. Throws Error(kCorrupt).
void VerifyImage(const VendorPart& vendor, std::span<const uint8_t> image);

/// Checks that a delta in the clear is the one that the server announced. Throws Error(kCorrupt).
void VerifyDelta(const ServerPart& server, std::span<const uint8_t> delta);

}  // namespace mote
