// SPDX-License-Identifier: Apache-2.0
// Takes whole files apart: releases, offers, statements. What is in them may come from anywhere; it
// is checked for its form here and for its signatures in release/verify.h.
#pragma once

#include <stdint.h>

#include <optional>
#include <span>
#include <vector>

#include "agent/manifest.h"
#include "diff/error.h"

namespace mote {

/// Parts of a file, in whose bytes they point.
struct OfferView {
  /// Each with header and signature.
  std::vector<std::span<const uint8_t>> statements;
  /// Header to last signature. Empty: there are statements only.
  std::span<const uint8_t> manifest;
  std::span<const uint8_t> vendor_part, vendor_signature;
  /// Empty in a vendor-only manifest.
  std::span<const uint8_t> server_part, server_signature;
  /// What follows the manifest; empty in a release.
  std::span<const uint8_t> payload;

  VendorPart vendor() const { return ParseVendorPart(vendor_part.data()); }
  bool has_server_part() const { return !server_part.empty(); }
  ServerPart server() const { return ParseServerPart(server_part.data()); }
};

/// What a file is, by its first bytes.
enum class TrustFile { kManifest, kStatement, kToken, kApproval };
/// Nothing for anything else.
std::optional<TrustFile> TrustFileOf(std::span<const uint8_t> file);

/// Reads statements, a manifest and what follows it. Throws Error: kUnsupported (none of these, or
/// of a later version, unknown algorithms or flags), kCorrupt (it ends too early, other bytes
/// behind statements).
OfferView ReadOffer(std::span<const uint8_t> file);

/// Bytes of the payload that a server part announces: the delta and, with encryption, the tags.
uint64_t PayloadSize(const ServerPart& server);

/// The image's SHA-256 in a vendor part.
inline std::span<const uint8_t> ImageDigest(const VendorPart& vendor) {
  return {vendor.digest, kDigestSize};
}

/// A release in a store: a vendor-only manifest, and nothing else.
class Release {
 public:
  /// Throws Error as ReadOffer, and kUnsupported for what has statements, a server part or a
  /// payload.
  explicit Release(std::vector<uint8_t> bytes);

  const std::vector<uint8_t>& bytes() const { return bytes_; }
  /// Its pointers point into bytes().
  VendorPart vendor() const { return ParseVendorPart(bytes_.data() + kTrustHeaderSize); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace mote
