// SPDX-License-Identifier: Apache-2.0
#include "release/manifest_writer.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "patch/bytes.h"
#include "patch/format.h"
#include "release/digests.h"

namespace mote {
namespace {

constexpr unsigned kVersionShift[] = {24, 16, 0};
constexpr uint32_t kVersionMost[] = {0xFF, 0xFF, 0xFFFF};

void Append(std::vector<uint8_t>& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

std::span<const uint8_t> KeyBytes(const PublicKey& key) {
  return {key.bytes, PublicKeySize(key.algorithm)};
}

}  // namespace

std::vector<uint8_t> WriteVendorPart(const ReleaseFields& fields, SignatureAlgorithm algorithm,
                                     std::span<const uint8_t> image) {
  if (PublicKeySize(algorithm) == 0) throw Error(Status::kBadArgument, "no signature algorithm");
  if (fields.version == 0) throw Error(Status::kBadArgument, "version 0.0.0 means no version");
  if (image.empty()) throw Error(Status::kBadImage, "the image has no bytes: no device takes it");
  if (image.size() > kMaxImageSize) {
    throw Error(Status::kBadImage, "images above 2 GiB - 1 are not supported: split them");
  }
  std::vector<uint8_t> part;
  part.reserve(kMaxVendorPart);
  part.resize(kVendorFixedSize);
  part[0] = static_cast<uint8_t>(algorithm);
  StoreLittle(&part[kVendorApplication], 4, fields.application);
  StoreLittle(&part[kVendorHardware], 4, fields.hardware);
  StoreLittle(&part[kVendorVersion], 4, fields.version);
  StoreLittle(&part[kVendorCounter], 4, fields.security_counter);
  StoreLittle(&part[kVendorImageSize], 4, static_cast<uint32_t>(image.size()));
  StoreLittle(&part[kVendorLinkAddress], 4, fields.link_address);
  StoreLittle(&part[kVendorEpoch], 4, fields.server_epoch);
  std::ranges::copy(Sha256::Of(image), &part[kVendorDigest]);
  if (fields.server_key) {
    part[1] = static_cast<uint8_t>(fields.server_key->algorithm);
    Append(part, KeyBytes(*fields.server_key));
  }
  return part;
}

std::vector<uint8_t> WriteRelease(std::span<const uint8_t> vendor_part, const PrivateKey& vendor) {
  const PublicKey key = vendor.public_key().ForSignatures();
  if (vendor_part.empty() || vendor_part[0] != static_cast<uint8_t>(key.algorithm)) {
    throw Error(Status::kBadArgument, "the vendor part is for a key of another type");
  }
  std::vector<uint8_t> release;
  release.reserve(kMaxManifestSize);
  Append(release, kManifestHeader);
  Append(release, vendor_part);
  Append(release, vendor.Sign(VendorDigestOf(vendor_part)));
  return release;
}

std::vector<uint8_t> WriteServerPart(const ServerPart& server) {
  std::vector<uint8_t> part;
  part.reserve(kMaxServerPart);
  part.resize(kServerFixedSize);
  std::copy_n(server.device, kDeviceIdSize, &part[kServerDevice]);
  std::copy_n(server.nonce, kNonceSize, &part[kServerNonce]);
  StoreLittle(&part[kServerBaseVersion], 4, server.base_version);
  std::copy_n(server.base_prefix, kBasePrefixSize, &part[kServerBasePrefix]);
  StoreLittle(&part[kServerDeltaSize], 4, server.delta_size);
  StoreLittle(&part[kServerRam], 4, server.decoder_ram);
  part[kServerCodec] = server.codec;
  part[kServerEncryption] = static_cast<uint8_t>(server.encryption);
  part[kServerPieceBits] = server.piece_bits;
  std::copy_n(server.delta_digest, kDigestSize, &part[kServerDeltaDigest]);
  // The device's own function says what goes together.
  const uint32_t size = ServerPartSize(part.data());
  if (size == 0) throw Error(Status::kBadArgument, "encryption and piece size do not go together");
  Append(part, {server.parameter, size - kServerFixedSize});
  return part;
}

std::vector<uint8_t> WriteManifest(std::span<const uint8_t> release,
                                   const Sha256::Digest& base_digest,
                                   std::span<const uint8_t> server_part, const PrivateKey& server) {
  const std::span<const uint8_t> vendor_part =
      release.subspan(kTrustHeaderSize, VendorPartSize(&release[kTrustHeaderSize]));
  std::vector<uint8_t> manifest(release.begin(), release.end());
  manifest[kTrustHeaderSize - 1] |= kHasServerPart;
  Append(manifest, server_part);
  Append(manifest, server.Sign(ServerDigestOf(vendor_part, base_digest, server_part)));
  return manifest;
}

void ProvisionRecord(SlotRecord& record, std::span<const uint8_t> release) {
  const std::span<const uint8_t> signed_part = release.subspan(kTrustHeaderSize);
  const VendorPart vendor = ParseVendorPart(signed_part.data());
  record.state = SlotState::kConfirmed;
  record.boots_left = 0;
  record.has_digest = record.has_release = true;
  record.size = vendor.size;
  std::copy_n(vendor.digest, kDigestSize, record.digest);
  std::ranges::copy(signed_part, record.release);
}

std::vector<uint8_t> WriteStatement(const PrivateKey& root, uint32_t sequence,
                                    uint32_t server_epoch,
                                    const std::optional<PublicKey>& new_root) {
  if (sequence == 0) throw Error(Status::kBadArgument, "sequence numbers start at 1");
  const PublicKey key = root.public_key().ForSignatures();
  std::vector<uint8_t> statement;
  statement.reserve(kMaxStatementSize);
  statement.resize(kTrustHeaderSize + kStatementFixedSize);
  std::ranges::copy(kStatementHeader, &statement[0]);
  uint8_t* const part = &statement[kTrustHeaderSize];
  StoreLittle(part + kStatementSequence, 4, sequence);
  StoreLittle(part + kStatementEpoch, 4, server_epoch);
  part[kStatementAlgorithm] = static_cast<uint8_t>(key.algorithm);
  if (new_root) {
    part[kStatementRootAlgorithm] = static_cast<uint8_t>(new_root->algorithm);
    Append(statement, KeyBytes(*new_root));
  }
  Append(statement, root.Sign(StatementDigestOf(statement)));
  return statement;
}

std::optional<uint32_t> ParseVersion(std::string_view text) {
  uint32_t version = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 3; ++i) {
    if (i != 0 && (at == end || *at++ != '.')) return {};
    uint32_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number > kVersionMost[i]) return {};
    version |= number << kVersionShift[i];
    at = next;
  }
  return at == end ? std::optional(version) : std::nullopt;
}

std::string VersionText(uint32_t version) {
  std::string text;
  for (int i = 0; i < 3; ++i) {
    if (i != 0) text += '.';
    text += std::to_string(version >> kVersionShift[i] & kVersionMost[i]);
  }
  return text;
}

}  // namespace mote
