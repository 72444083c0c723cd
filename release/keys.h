// SPDX-License-Identifier: Apache-2.0
// Keys on the host: of vendors, update servers and approvers, which sign, and of devices, which
// payloads are encrypted for. OpenSSL reads and writes the files and does P-256, libsodium Ed25519
// and X25519.
//
//   const mote::PrivateKey key = mote::PrivateKey::Generate(mote::KeyType::kP256);
//   write(key.ToPem(passphrase)); write(key.public_key().ToPem());
//   const mote::Signature signature = key.Sign(digest);
#pragma once

#include <stdint.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/signature.h"
#include "diff/error.h"
#include "diff/sha256.h"

struct evp_pkey_st;  // OpenSSL's; users of this header need not have it

namespace mote {

enum class KeyType : uint8_t {
  kP256,     ///< signs, and agrees on secrets (ECDH)
  kEd25519,  ///< signs
  kX25519,   ///< agrees on secrets
};

/// "p256", "ed25519", "x25519" and back; nothing for a name that is not known.
const char* KeyTypeName(KeyType type);
std::optional<KeyType> KeyTypeByName(std::string_view name);

using Signature = std::array<uint8_t, kSignatureSize>;
/// What two keys agree on, before it is hashed: 32 bytes.
using SharedSecret = std::array<uint8_t, 32>;

/// A public key of any type.
struct HostPublicKey {
  KeyType type = KeyType::kP256;
  /// As on devices: kP256: x and y, 32 bytes each, highest first; the others: 32 bytes.
  std::vector<uint8_t> bytes;

  bool operator==(const HostPublicKey&) const = default;

  /// Reads SubjectPublicKeyInfo in PEM ("BEGIN PUBLIC KEY"). Throws Error: kCorrupt (not such a
  /// file, a private key, a point that is not on the curve), kUnsupported (a key of another type).
  static HostPublicKey FromPem(std::string_view pem);
  /// From the bytes that a manifest has. REQUIRES: an algorithm other than kNone.
  static HostPublicKey FromDevice(const PublicKey& key);
  /// Writes SubjectPublicKeyInfo in PEM. Throws Error(kCorrupt): no point of the curve.
  std::string ToPem() const;
  /// As devices and manifests have it. Throws Error(kUnsupported): an X25519 key signs nothing.
  PublicKey ForSignatures() const;
};

/// Asks for the passphrase of a protected key, and is called only for one. It may throw.
using PassphraseSource = std::function<std::string()>;

/// A private key. Copies share it; the memory is wiped with the last one.
class PrivateKey {
 public:
  /// Throws Error(kUnsupported) where the system gives no random numbers.
  static PrivateKey Generate(KeyType type);
  /// Reads PKCS#8 in PEM, in the clear or protected by a passphrase (PBES2), and the older "EC
  /// PRIVATE KEY" of OpenSSL. Throws Error: kCorrupt (not such a file, damaged, a public key),
  /// kBadArgument (wrong passphrase), kUnsupported (a key of another type).
  static PrivateKey FromPem(std::string_view pem, const PassphraseSource& passphrase);

  /// Writes PKCS#8 in PEM; with a passphrase, which must not be empty, encrypted with AES-256-CBC
  /// (PBES2, PBKDF2 of HMAC-SHA-256). The caller keeps the result from others' eyes.
  std::string ToPem(const std::optional<std::string>& passphrase) const;

  KeyType type() const { return type_; }
  const HostPublicKey& public_key() const { return public_key_; }

  /// Signs a SHA-256 digest as FORMAT.md 8 says. kP256: r and s; another one each time. Throws
  /// Error(kUnsupported) for kX25519.
  Signature Sign(const Sha256::Digest& digest) const;

  /// What this key and `other` agree on: X25519, or the x coordinate of ECDH on P-256. Throws
  /// Error: kUnsupported (other types, or two different ones), kCorrupt (no point of the curve, or
  /// one of small order).
  SharedSecret Agree(const HostPublicKey& other) const;

 private:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key);
  SharedSecret Raw() const;

  std::shared_ptr<evp_pkey_st> key_;
  KeyType type_;
  HostPublicKey public_key_;
};

/// Whether both are the same key of the same algorithm.
bool SameKey(const PublicKey& a, const PublicKey& b);

/// Whether `signature`, kSignatureSize bytes, of what has the SHA-256 `digest` is by `key`. False
/// also for kNone and for a key that is no point of the curve.
bool VerifySignature(const PublicKey& key, const Sha256::Digest& digest,
                     std::span<const uint8_t> signature);

/// The same behind the device's function pointer, both algorithms: for simulated devices.
SignatureVerifier HostSignatureVerifier();

/// Overwrites what a secret stood in.
void Wipe(std::span<uint8_t> bytes);
void Wipe(std::string& text);

}  // namespace mote
