// SPDX-License-Identifier: Apache-2.0
#include "crypto/cipher_bearssl.h"

#include <bearssl_block.h>
#include <bearssl_hash.h>
#include <bearssl_hmac.h>

namespace mote {
namespace {

static_assert(kBearsslSecretSize == kContentKeySize);

bool Derive(void* context, Encryption encryption, const uint8_t* parameter, const uint8_t* info,
            uint8_t* key) {
  const BearsslSecrets& mine = *static_cast<const BearsslSecrets*>(context);
  for (uint32_t i = 0; i < mine.count; ++i) {
    const BearsslSecret& self = mine.secrets[i];
    if (self.encryption != encryption) continue;
    uint8_t secret[kBearsslSecretSize];
    if (!self.agree(self, parameter, secret)) return false;
    BearsslHkdf(parameter, EncryptionParameterSize(encryption), secret, sizeof secret, info,
                kKeyInfoSize, key);
    return true;
  }
  return false;
}

/// For BearSSL's Poly1305, which runs ChaCha20 twice: for its own key, block 0, and to decrypt the
/// data. The second time comes before the tag can be compared, so it waits for Open.
uint32_t KeyBlockOnly(const void* key, const void* nonce, uint32_t block, void* data, size_t size) {
  return block == 0 ? br_chacha20_ct_run(key, nonce, block, data, size) : block;
}

bool Open(void*, const uint8_t* key, const uint8_t* nonce, uint8_t* data, uint32_t size,
          const uint8_t* tag) {
  uint8_t right[kPieceTagSize];
  br_poly1305_ctmul32_run(key, nonce, data, size, nullptr, 0, right, &KeyBlockOnly, /*encrypt=*/0);
  uint8_t differ = 0;
  for (uint32_t i = 0; i < kPieceTagSize; ++i) {
    differ = static_cast<uint8_t>(differ | (right[i] ^ tag[i]));
  }
  if (differ != 0) return false;
  br_chacha20_ct_run(key, nonce, 1, data, size);
  return true;
}

}  // namespace

bool BearsslAgreeShared(const BearsslSecret& self, const uint8_t*, uint8_t* secret) {
  CopyBytes(secret, self.key, kBearsslSecretSize);
  return true;
}

bool BearsslAgreeX25519(const BearsslSecret& self, const uint8_t* parameter, uint8_t* secret) {
  // BearSSL takes both in the order of RFC 7748, whatever its header says of multipliers.
  CopyBytes(secret, parameter, kBearsslSecretSize);
  if (self.curve->mul(secret, kBearsslSecretSize, self.key, kBearsslSecretSize, BR_EC_curve25519) !=
      1) {
    return false;
  }
  // All zero for points of small order, whatever the key is.
  uint8_t any = 0;
  for (uint32_t i = 0; i < kBearsslSecretSize; ++i) any |= secret[i];
  return any != 0;
}

bool BearsslAgreeP256(const BearsslSecret& self, const uint8_t* parameter, uint8_t* secret) {
  uint8_t point[1 + 2 * kBearsslSecretSize];
  point[0] = 4;  // not compressed
  CopyBytes(point + 1, parameter, 2 * kBearsslSecretSize);
  // 0 where the point is not on the curve. All that are on it have the curve's order.
  if (self.curve->mul(point, sizeof point, self.key, kBearsslSecretSize, BR_EC_secp256r1) != 1) {
    return false;
  }
  CopyBytes(secret, point + 1, kBearsslSecretSize);
  return true;
}

PayloadCipher BearsslCipher(const BearsslSecrets* secrets) {
  uint8_t encryptions = 0;
  for (uint32_t i = 0; i < secrets->count; ++i) {
    const uint32_t bit = 1u << static_cast<uint8_t>(secrets->secrets[i].encryption);
    encryptions = static_cast<uint8_t>(encryptions | bit);
  }
  // It comes back as const: see Derive.
  return {&Derive, &Open, const_cast<BearsslSecrets*>(secrets), encryptions};
}

// Of HKDF's second step one round makes all 32 bytes, so HMAC is all that it takes.
void BearsslHkdf(const uint8_t* salt, uint32_t salt_size, const uint8_t* secret,
                 uint32_t secret_size, const uint8_t* info, uint32_t info_size, uint8_t* key) {
  br_hmac_key_context hmac_key;
  br_hmac_context hmac;
  uint8_t pseudorandom_key[kContentKeySize];
  br_hmac_key_init(&hmac_key, &br_sha256_vtable, salt, salt_size);
  br_hmac_init(&hmac, &hmac_key, 0);
  br_hmac_update(&hmac, secret, secret_size);
  br_hmac_out(&hmac, pseudorandom_key);

  const uint8_t round = 1;
  br_hmac_key_init(&hmac_key, &br_sha256_vtable, pseudorandom_key, sizeof pseudorandom_key);
  br_hmac_init(&hmac, &hmac_key, 0);
  br_hmac_update(&hmac, info, info_size);
  br_hmac_update(&hmac, &round, 1);
  br_hmac_out(&hmac, key);
}

}  // namespace mote
