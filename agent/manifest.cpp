// SPDX-License-Identifier: Apache-2.0
#include "agent/manifest.h"

#include "patch/bytes.h"

namespace mote {
namespace {

constexpr uint32_t kTagSize = 8;  // a purpose for each signature: none passes for another

void StartTagged(const Sha256Functions& sha256, uint8_t kind) {
  const uint8_t tag[kTagSize] = {'m', 'o', 't', 'e', '-', kind, '1', 0};
  sha256.start(sha256.context);
  sha256.update(sha256.context, tag, kTagSize);
}

void DigestTagged(const Sha256Functions& sha256, uint8_t kind, const uint8_t* part, uint32_t size,
                  uint8_t* digest) {
  StartTagged(sha256, kind);
  sha256.update(sha256.context, part, size);
  sha256.finish(sha256.context, digest);
}

SignatureAlgorithm Algorithm(uint8_t number) { return static_cast<SignatureAlgorithm>(number); }

// Bytes of two algorithms' part: the first signs it, the second is of the key that it may end with.
uint32_t PartSize(const uint8_t* algorithms, uint32_t fixed) {
  const uint32_t key = PublicKeySize(Algorithm(algorithms[1]));
  if (PublicKeySize(Algorithm(algorithms[0])) == 0) return 0;
  if (key == 0 && algorithms[1] != 0) return 0;
  if ((algorithms[2] | algorithms[3]) != 0) return 0;
  return fixed + key;
}

}  // namespace

PublicKey ReadKey(SignatureAlgorithm algorithm, const uint8_t* bytes) {
  PublicKey key{};
  key.algorithm = algorithm;
  for (uint32_t i = 0; i < PublicKeySize(algorithm); ++i) key.bytes[i] = bytes[i];
  return key;
}

uint32_t VendorPartSize(const uint8_t* part) { return PartSize(part, kVendorFixedSize); }

uint32_t ServerPartSize(const uint8_t* part) {
  const uint8_t encryption = part[kServerEncryption], bits = part[kServerPieceBits];
  const uint32_t parameter = EncryptionParameterSize(static_cast<Encryption>(encryption));
  if ((parameter == 0) != (encryption == 0) || part[kServerReserved] != 0) return 0;
  if (encryption == 0 ? bits != 0 : bits < kMinPieceBits || bits > kMaxPieceBits) return 0;
  return kServerFixedSize + parameter;
}

VendorPart ParseVendorPart(const uint8_t* part) {
  VendorPart vendor;
  vendor.algorithm = Algorithm(part[0]);
  vendor.application = VendorField(part, kVendorApplication);
  vendor.hardware = VendorField(part, kVendorHardware);
  vendor.version = VendorField(part, kVendorVersion);
  vendor.security_counter = VendorField(part, kVendorCounter);
  vendor.size = VendorField(part, kVendorImageSize);
  vendor.link_address = VendorField(part, kVendorLinkAddress);
  vendor.server_epoch = VendorField(part, kVendorEpoch);
  vendor.digest = part + kVendorDigest;
  vendor.server_key = ReadKey(Algorithm(part[1]), part + kVendorKey);
  return vendor;
}

ServerPart ParseServerPart(const uint8_t* part) {
  ServerPart server;
  server.device = part + kServerDevice;
  server.nonce = part + kServerNonce;
  server.base_version = LoadLittle(part + kServerBaseVersion, 4);
  server.base_prefix = part + kServerBasePrefix;
  server.delta_size = LoadLittle(part + kServerDeltaSize, 4);
  server.decoder_ram = LoadLittle(part + kServerRam, 4);
  server.codec = part[kServerCodec];
  server.encryption = static_cast<Encryption>(part[kServerEncryption]);
  server.piece_bits = part[kServerPieceBits];
  server.delta_digest = part + kServerDeltaDigest;
  server.parameter = part + kServerParameter;
  return server;
}

void VendorDigest(const Sha256Functions& sha256, const uint8_t* part, uint8_t* digest) {
  DigestTagged(sha256, 'v', part, VendorPartSize(part), digest);
}

void ServerDigest(const Sha256Functions& sha256, const uint8_t* vendor_digest,
                  const uint8_t* base_digest, const uint8_t* part, uint8_t* digest) {
  StartTagged(sha256, 's');
  sha256.update(sha256.context, vendor_digest, kDigestSize);
  sha256.update(sha256.context, base_digest, kDigestSize);
  sha256.update(sha256.context, part, ServerPartSize(part));
  sha256.finish(sha256.context, digest);
}

uint32_t StatementSize(const uint8_t* statement) {
  return PartSize(statement + kStatementAlgorithm, kStatementFixedSize);
}

Statement ParseStatement(const uint8_t* statement) {
  return {LoadLittle(statement + kStatementSequence, 4), LoadLittle(statement + kStatementEpoch, 4),
          Algorithm(statement[kStatementAlgorithm]),
          ReadKey(Algorithm(statement[kStatementRootAlgorithm]), statement + kStatementRoot)};
}

void StatementDigest(const Sha256Functions& sha256, const uint8_t* statement, uint8_t* digest) {
  DigestTagged(sha256, 'k', statement, StatementSize(statement), digest);
}

void WriteToken(const Token& token, uint8_t* bytes) {
  for (uint32_t i = 0; i < kTrustHeaderSize; ++i) bytes[i] = kTokenHeader[i];
  for (uint32_t i = 0; i < kDeviceIdSize; ++i) bytes[kTokenDevice + i] = token.device[i];
  for (uint32_t i = 0; i < kNonceSize; ++i) bytes[kTokenNonce + i] = token.nonce[i];
  StoreLittle(bytes + kTokenApplication, 4, token.application);
  StoreLittle(bytes + kTokenHardware, 4, token.hardware);
  StoreLittle(bytes + kTokenVersion, 4, token.version);
  StoreLittle(bytes + kTokenCounter, 4, token.security_counter);
  for (uint32_t i = 0; i < kTokenBaseSize; ++i) bytes[kTokenBase + i] = token.base[i];
  StoreLittle(bytes + kTokenRam, 4, token.decoder_ram);
  StoreLittle(bytes + kTokenLinkAddress, 4, token.link_address);
  StoreLittle(bytes + kTokenCapacity, 4, token.capacity);
  StoreLittle(bytes + kTokenCodecs, 2, token.codecs);
  StoreLittle(bytes + kTokenArchitectures, 2, token.architectures);
  bytes[kTokenSignatures] = token.signatures;
  bytes[kTokenEncryptions] = token.encryptions;
  bytes[kTokenPieceBits] = token.piece_bits;
  bytes[kTokenFlags] = token.small_model ? kTokenSmallModel : 0;
}

Status ReadToken(const uint8_t* bytes, Token& token) {
  for (uint32_t i = 0; i < kTrustHeaderSize; ++i) {
    if (bytes[i] != kTokenHeader[i]) return Status::kUnsupported;
  }
  for (uint32_t i = 0; i < kDeviceIdSize; ++i) token.device[i] = bytes[kTokenDevice + i];
  for (uint32_t i = 0; i < kNonceSize; ++i) token.nonce[i] = bytes[kTokenNonce + i];
  token.application = LoadLittle(bytes + kTokenApplication, 4);
  token.hardware = LoadLittle(bytes + kTokenHardware, 4);
  token.version = LoadLittle(bytes + kTokenVersion, 4);
  token.security_counter = LoadLittle(bytes + kTokenCounter, 4);
  for (uint32_t i = 0; i < kTokenBaseSize; ++i) token.base[i] = bytes[kTokenBase + i];
  token.decoder_ram = LoadLittle(bytes + kTokenRam, 4);
  token.link_address = LoadLittle(bytes + kTokenLinkAddress, 4);
  token.capacity = LoadLittle(bytes + kTokenCapacity, 4);
  token.codecs = static_cast<uint16_t>(LoadLittle(bytes + kTokenCodecs, 2));
  token.architectures = static_cast<uint16_t>(LoadLittle(bytes + kTokenArchitectures, 2));
  token.signatures = bytes[kTokenSignatures];
  token.encryptions = bytes[kTokenEncryptions];
  token.piece_bits = bytes[kTokenPieceBits];
  token.small_model = (bytes[kTokenFlags] & kTokenSmallModel) != 0;
  return (bytes[kTokenFlags] & ~kTokenSmallModel) != 0 ? Status::kUnsupported : Status::kDone;
}

}  // namespace mote
