// SPDX-License-Identifier: Apache-2.0
// The manifest: what a vendor says of an image, and what an update server says of one offer of it
// to one device. FORMAT.md, 8 to 11, has the bytes; here they are taken apart and their digests
// computed. Device and host use the same functions; the host's writer is release/manifest_writer.h.
#pragma once

#include <stdint.h>

#include "agent/sha256.h"
#include "agent/signature.h"
#include "patch/bytes.h"
#include "patch/status.h"

namespace mote {

/// The first bytes of each kind: "mt", the kind, and a version; the last bit of a manifest's
/// version says that a server part follows.
constexpr uint32_t kTrustHeaderSize = 4;
constexpr uint8_t kManifestHeader[kTrustHeaderSize] = {'m', 't', 'M', 1};
constexpr uint8_t kHasServerPart = 0x80;
constexpr uint8_t kStatementHeader[kTrustHeaderSize] = {'m', 't', 'K', 1};
constexpr uint8_t kTokenHeader[kTrustHeaderSize] = {'m', 't', 'T', 1};

constexpr uint32_t kDeviceIdSize = 8;
constexpr uint32_t kNonceSize = 8;
/// Bytes of the base image's digest that travel; the signature covers all of it.
constexpr uint32_t kBasePrefixSize = 4;

constexpr uint32_t kVendorFixedSize = 64;  ///< of the vendor part, without the server's key
constexpr uint32_t kMaxVendorPart = kVendorFixedSize + kMaxPublicKeySize;
/// The vendor part and its signature: what a slot's record keeps.
constexpr uint32_t kMaxVendorSigned = kMaxVendorPart + kSignatureSize;
constexpr uint32_t kServerFixedSize = 68;  ///< of the server part, without encryption parameters
constexpr uint32_t kMaxEncryptionParameter = 64;
constexpr uint32_t kMaxServerPart = kServerFixedSize + kMaxEncryptionParameter;
constexpr uint32_t kMaxManifestSize =
    kTrustHeaderSize + kMaxVendorSigned + kMaxServerPart + kSignatureSize;

/// How a payload is encrypted (FORMAT.md, 10).
enum class Encryption : uint8_t {
  kNone = 0,
  kSharedKey = 1,  ///< a key of 32 bytes that device and server have; parameter: a salt, 16 bytes
  kX25519 = 2,     ///< parameter: the sender's ephemeral key, 32 bytes (RFC 7748)
  kP256 = 3,       ///< parameter: the sender's ephemeral key, x and y, 64 bytes
};

/// Encrypted pieces have 1 << kMinPieceBits to 1 << kMaxPieceBits bytes.
constexpr uint8_t kMinPieceBits = 5, kMaxPieceBits = 16;
/// Bytes behind each piece.
constexpr uint32_t kPieceTagSize = 16;

/// Bytes of its parameter; 0 for kNone and for what is unknown.
constexpr uint32_t EncryptionParameterSize(Encryption encryption) {
  return encryption == Encryption::kSharedKey ? 16
         : encryption == Encryption::kX25519  ? 32
         : encryption == Encryption::kP256    ? 64
                                              : 0;
}

/// Where the vendor part has its fields; numbers of 4 bytes but for the digest and the key.
constexpr uint32_t kVendorApplication = 4, kVendorHardware = 8, kVendorVersion = 12,
                   kVendorCounter = 16, kVendorImageSize = 20, kVendorLinkAddress = 24,
                   kVendorEpoch = 28, kVendorDigest = 32, kVendorKey = kVendorFixedSize;

/// One of them.
inline uint32_t VendorField(const uint8_t* part, uint32_t offset) {
  return LoadLittle(part + offset, 4);
}

/// The vendor part. `server_key.algorithm` kNone: nobody may offer it to single devices.
struct VendorPart {
  SignatureAlgorithm algorithm;  ///< of the vendor's signature
  uint32_t application;
  uint32_t hardware;
  uint32_t version;
  uint32_t security_counter;
  uint32_t size;          ///< bytes of the image
  uint32_t link_address;  ///< kAnyAddress: anywhere
  uint32_t server_epoch;  ///< of the server's key: a statement may revoke all older ones
  const uint8_t* digest;  ///< SHA-256 of the image; in the bytes that were parsed
  PublicKey server_key;
};

/// Where the server part has its fields.
constexpr uint32_t kServerDevice = 0, kServerNonce = 8, kServerBaseVersion = 16,
                   kServerBasePrefix = 20, kServerDeltaSize = 24, kServerRam = 28,
                   kServerCodec = 32, kServerEncryption = 33, kServerPieceBits = 34,
                   kServerReserved = 35, kServerDeltaDigest = 36,
                   kServerParameter = kServerFixedSize;

/// The server part.
struct ServerPart {
  const uint8_t* device;  ///< kDeviceIdSize bytes; as all pointers here, in the bytes parsed
  const uint8_t* nonce;   ///< kNonceSize bytes
  uint32_t base_version;
  const uint8_t* base_prefix;  ///< kBasePrefixSize bytes; zeros: a full image
  uint32_t delta_size;         ///< bytes, before encryption
  uint32_t decoder_ram;        ///< bytes, kUpdaterRam and the codec's memory
  uint8_t codec;               ///< the second byte of the delta: codec and parameter
  Encryption encryption;
  uint8_t piece_bits;           ///< with encryption: pieces of 1 << piece_bits bytes
  const uint8_t* delta_digest;  ///< SHA-256 of the delta, before encryption
  const uint8_t* parameter;     ///< EncryptionParameterSize() bytes
};

/// A key that stands in a manifest or statement. `bytes`: PublicKeySize() of them.
PublicKey ReadKey(SignatureAlgorithm algorithm, const uint8_t* bytes);

/// Bytes of a vendor part that starts with these algorithms, without its signature; 0 if it cannot
/// be: unknown algorithms, flags. Looks at the first four bytes.
uint32_t VendorPartSize(const uint8_t* part);
/// Bytes of a server part, without its signature; 0 for an unknown encryption or flags. Looks at
/// the first kServerFixedSize bytes.
uint32_t ServerPartSize(const uint8_t* part);

/// Hosts and tests take them apart whole; the agent looks at single fields, which is less code.
/// REQUIRES: VendorPartSize(part) is not 0, and so many bytes are there.
VendorPart ParseVendorPart(const uint8_t* part);
/// REQUIRES: ServerPartSize(part) is not 0, and so many bytes are there.
ServerPart ParseServerPart(const uint8_t* part);

/// What the vendor signs: SHA-256 of "mote-v1", a zero byte, and the vendor part. `digest`:
/// kDigestSize bytes. REQUIRES: VendorPartSize(part) is not 0.
void VendorDigest(const Sha256Functions& sha256, const uint8_t* part, uint8_t* digest);
/// What the server signs: SHA-256 of "mote-s1", a zero byte, the vendor's digest, the whole digest
/// of the base image (zeros for a full image), and the server part.
void ServerDigest(const Sha256Functions& sha256, const uint8_t* vendor_digest,
                  const uint8_t* base_digest, const uint8_t* part, uint8_t* digest);

// ---- Statements: a vendor replaces keys (FORMAT.md, 9).

constexpr uint32_t kStatementFixedSize = 12;  ///< behind the header, without the new key
constexpr uint32_t kMaxStatementSize =
    kTrustHeaderSize + kStatementFixedSize + kMaxPublicKeySize + kSignatureSize;

/// Where a statement has its fields, behind the header.
constexpr uint32_t kStatementSequence = 0, kStatementEpoch = 4, kStatementAlgorithm = 8,
                   kStatementRootAlgorithm = 9, kStatementRoot = kStatementFixedSize;

struct Statement {
  uint32_t sequence;             ///< counts the vendor's statements; must be above the last one's
  uint32_t server_epoch;         ///< server keys of older epochs are refused from here on
  SignatureAlgorithm algorithm;  ///< of the signature: of the root key that is there
  PublicKey root;                ///< replaces it; kNone: it stays
};

/// Bytes of a statement without header and signature; 0 for unknown algorithms or flags. Looks at
/// the first kStatementFixedSize bytes behind the header.
uint32_t StatementSize(const uint8_t* statement);
/// REQUIRES: StatementSize(statement) is not 0, and so many bytes are there.
Statement ParseStatement(const uint8_t* statement);
/// What the vendor signs: SHA-256 of "mote-k1", a zero byte, and the statement.
void StatementDigest(const Sha256Functions& sha256, const uint8_t* statement, uint8_t* digest);

// ---- Tokens: what a device asks for (FORMAT.md, 11).

constexpr uint32_t kTokenSize = 64;

/// Where its fields are.
constexpr uint32_t kTokenDevice = 4, kTokenNonce = 12, kTokenApplication = 20, kTokenHardware = 24,
                   kTokenVersion = 28, kTokenCounter = 32, kTokenBase = 36, kTokenRam = 44,
                   kTokenLinkAddress = 48, kTokenCapacity = 52, kTokenCodecs = 56,
                   kTokenArchitectures = 58, kTokenSignatures = 60, kTokenEncryptions = 61,
                   kTokenPieceBits = 62, kTokenFlags = 63;
constexpr uint32_t kTokenBaseSize = 8;
constexpr uint8_t kTokenSmallModel = 1;  ///< a flag

/// What a device tells the server. Not signed: who changes it gets an offer that the device
/// refuses.
struct Token {
  uint8_t device[kDeviceIdSize];
  uint8_t nonce[kNonceSize];
  uint32_t application;
  uint32_t hardware;
  uint32_t version;              ///< of what runs
  uint32_t security_counter;     ///< the lowest that it takes
  uint8_t base[kTokenBaseSize];  ///< the first bytes of the SHA-256 of what runs; zeros: not known
  uint32_t decoder_ram;          ///< bytes, kUpdaterRam and the codec's memory
  uint32_t link_address;         ///< where the new image has to be linked; kAnyAddress: anywhere
  uint32_t capacity;             ///< bytes that the slot to be written has room for
  uint16_t codecs;               ///< bit 1 << Codec for each
  uint16_t architectures;        ///< bit 1 << ArchitectureId for each that codec model predicts
  uint8_t signatures;            ///< bit 1 << SignatureAlgorithm for each
  uint8_t encryptions;  ///< bit 1 << Encryption for each; kNone among them if it takes plain ones
  uint8_t piece_bits;   ///< encrypted pieces of up to 1 << piece_bits bytes
  bool small_model;     ///< codec model's smallest profile only (MOTE_SMALL_MODEL)
};

/// Writes kTokenSize bytes.
void WriteToken(const Token& token, uint8_t* bytes);
/// Reads kTokenSize bytes. kDone, or kUnsupported: not a token, or one of another version.
Status ReadToken(const uint8_t* bytes, Token& token);

}  // namespace mote
