// SPDX-License-Identifier: Apache-2.0
// Encrypted payloads (FORMAT.md, 10) on a device that has BearSSL: ChaCha20-Poly1305, HKDF-SHA256,
// and the three ways to a secret, of which the linker takes those that are named. Which sources of
// BearSSL these are: crypto/bearssl_sources.
//
//   constexpr mote::BearsslSecret secrets[] = {mote::BearsslX25519Secret(device_key)};
//   constexpr mote::BearsslSecrets mine = {secrets, 1};
//   config.cipher = mote::BearsslCipher(&mine);
#pragma once

#include <bearssl_ec.h>

#include "agent/payload_key.h"

namespace mote {

/// Bytes of a key of the device's, and of the secret that it makes.
constexpr uint32_t kBearsslSecretSize = 32;

/// A key of the device's, and how a payload's secret is made with it.
struct BearsslSecret {
  Encryption encryption;
  /// Writes kBearsslSecretSize bytes to `secret`. False: `parameter`, EncryptionParameterSize()
  /// bytes, is no point of the curve, or one that makes the same secret with every key.
  bool (*agree)(const BearsslSecret& self, const uint8_t* parameter, uint8_t* secret);
  const uint8_t* key;       ///< kBearsslSecretSize bytes, the caller's
  const br_ec_impl* curve;  ///< BearSSL's arithmetic; null for a shared key
};

// Their `agree`.
bool BearsslAgreeShared(const BearsslSecret& self, const uint8_t* parameter, uint8_t* secret);
bool BearsslAgreeX25519(const BearsslSecret& self, const uint8_t* parameter, uint8_t* secret);
bool BearsslAgreeP256(const BearsslSecret& self, const uint8_t* parameter, uint8_t* secret);

/// `key`: 32 bytes, which the server has as well.
constexpr BearsslSecret BearsslSharedSecret(const uint8_t* key) {
  return {Encryption::kSharedKey, &BearsslAgreeShared, key, nullptr};
}
/// `key`: a private key of RFC 7748, 32 bytes. br_ec_c25519_i15 is the smallest arithmetic,
/// br_ec_c25519_m15 is faster.
constexpr BearsslSecret BearsslX25519Secret(const uint8_t* key,
                                            const br_ec_impl* curve = &br_ec_c25519_i15) {
  return {Encryption::kX25519, &BearsslAgreeX25519, key, curve};
}
/// `key`: a private key, 32 bytes, highest first, from 1 to below the curve's order. `curve` as for
/// BearsslP256Verifier, and best the same one.
constexpr BearsslSecret BearsslP256Secret(const uint8_t* key,
                                          const br_ec_impl* curve = &br_ec_prime_i15) {
  return {Encryption::kP256, &BearsslAgreeP256, key, curve};
}

/// What a device has; at most one for each encryption.
struct BearsslSecrets {
  const BearsslSecret* secrets;
  uint32_t count;
};

/// `secrets` is the caller's and stays where it is, as do the keys in it. A piece is decrypted only
/// after its tag was found right; before, and if it is not, it is left as it came.
PayloadCipher BearsslCipher(const BearsslSecrets* secrets);

/// HKDF with SHA-256 (RFC 5869), its first 32 bytes to `key`. Any sizes, also 0; no null pointers.
void BearsslHkdf(const uint8_t* salt, uint32_t salt_size, const uint8_t* secret,
                 uint32_t secret_size, const uint8_t* info, uint32_t info_size, uint8_t* key);

}  // namespace mote
