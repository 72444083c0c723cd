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
  StoreLittle(&part[4], 4, fields.application);
  StoreLittle(&part[8], 4, fields.hardware);
  StoreLittle(&part[12], 4, fields.version);
  StoreLittle(&part[16], 4, fields.security_counter);
  StoreLittle(&part[20], 4, static_cast<uint32_t>(image.size()));
  StoreLittle(&part[24], 4, fields.link_address);
  StoreLittle(&part[28], 4, fields.server_epoch);
  std::ranges::copy(Sha256::Of(image), &part[32]);
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
  std::copy_n(server.device, kDeviceIdSize, &part[0]);
  std::copy_n(server.nonce, kNonceSize, &part[8]);
  StoreLittle(&part[16], 4, server.base_version);
  std::copy_n(server.base_prefix, kBasePrefixSize, &part[20]);
  StoreLittle(&part[24], 4, server.delta_size);
  StoreLittle(&part[28], 4, server.decoder_ram);
  part[32] = server.codec;
  part[33] = static_cast<uint8_t>(server.encryption);
  part[34] = server.piece_bits;
  std::copy_n(server.delta_digest, kDigestSize, &part[36]);
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

std::vector<uint8_t> WriteStatement(const PrivateKey& root, uint32_t sequence,
                                    uint32_t server_epoch,
                                    const std::optional<PublicKey>& new_root) {
  if (sequence == 0) throw Error(Status::kBadArgument, "sequence numbers start at 1");
  const PublicKey key = root.public_key().ForSignatures();
  std::vector<uint8_t> statement;
  statement.reserve(kMaxStatementSize);
  statement.resize(kTrustHeaderSize + kStatementFixedSize);
  std::ranges::copy(kStatementHeader, &statement[0]);
  StoreLittle(&statement[4], 4, sequence);
  StoreLittle(&statement[8], 4, server_epoch);
  statement[12] = static_cast<uint8_t>(key.algorithm);
  if (new_root) {
    statement[13] = static_cast<uint8_t>(new_root->algorithm);
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
