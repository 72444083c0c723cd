// SPDX-License-Identifier: Apache-2.0
// The ciphers of the large build, each with a known answer of its specification: BearSSL's. Version
// 2 has SHA-512, too.
#include "ports/microbit/app/self_test.h"

#include <stdint.h>
#include <string.h>

#include "bearssl.h"

#include "ports/microbit/app/app.h"

enum { kLargest = 64 };

static void Hash(const br_hash_class* hash, uint8_t* to) {
  br_hash_compat_context context;
  hash->init(&context.vtable);
  hash->update(&context.vtable, "abc", 3);
  hash->out(&context.vtable, to);
}

static void Md5(uint8_t* to) { Hash(&br_md5_vtable, to); }
static void Sha1(uint8_t* to) { Hash(&br_sha1_vtable, to); }
static void Sha256(uint8_t* to) { Hash(&br_sha256_vtable, to); }
#if APP_VERSION >= 2
static void Sha512(uint8_t* to) { Hash(&br_sha512_vtable, to); }
#endif

static void Hmac(uint8_t* to) {
  static const char text[] = "what do ya want for nothing?";
  br_hmac_key_context key;
  br_hmac_context context;
  br_hmac_key_init(&key, &br_sha256_vtable, "Jefe", 4);
  br_hmac_init(&context, &key, 0);
  br_hmac_update(&context, text, sizeof text - 1);
  br_hmac_out(&context, to);
}

static void Count(uint8_t* to, unsigned first, unsigned step, unsigned count) {
  for (unsigned i = 0; i < count; ++i) to[i] = (uint8_t)(first + i * step);
}

// There and back and there again.
static void Aes(uint8_t* to) {
  uint8_t key[16], start[16];
  br_aes_big_cbcenc_keys forth;
  br_aes_big_cbcdec_keys back;
  Count(key, 0, 1, sizeof key);
  Count(to, 0, 0x11, 16);
  br_aes_big_cbcenc_init(&forth, key, sizeof key);
  br_aes_big_cbcdec_init(&back, key, sizeof key);
  for (unsigned i = 0; i < 3; ++i) {
    memset(start, 0, sizeof start);
    if (i == 1) {
      br_aes_big_cbcdec_run(&back, start, to, 16);
    } else {
      br_aes_big_cbcenc_run(&forth, start, to, 16);
    }
  }
}

static void AesGcm(uint8_t* to) {
  static const uint8_t zeros[16];
  br_aes_big_ctr_keys key;
  br_gcm_context context;
  br_aes_big_ctr_init(&key, zeros, 16);
  br_gcm_init(&context, &key.vtable, br_ghash_ctmul32);
  br_gcm_reset(&context, zeros, 12);
  br_gcm_flip(&context);
  memset(to, 0, 16);
  br_gcm_run(&context, 1, to, 16);
  br_gcm_get_tag(&context, to + 16);
}

static void Des(uint8_t* to) {
  static const uint8_t key[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF};
  uint8_t start[8] = {0};
  br_des_tab_cbcenc_keys context;
  br_des_tab_cbcenc_init(&context, key, sizeof key);
  memcpy(to, "Now is t", 8);
  br_des_tab_cbcenc_run(&context, start, to, 8);
}

static void ChaCha20Poly1305(uint8_t* to) {
  char text[] =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  uint8_t key[32], nonce[12] = {7}, more[12] = {0x50, 0x51, 0x52, 0x53};
  Count(key, 0x80, 1, sizeof key);
  Count(nonce + 4, 0x40, 1, 8);
  Count(more + 4, 0xC0, 1, 8);
  br_poly1305_ctmul32_run(key, nonce, text, sizeof text - 1, more, sizeof more, to,
                          br_chacha20_ct_run, 1);
}

// RFC 7748, 6.1: Alice's public key.
static void X25519(uint8_t* to) {
  static const uint8_t secret[32] =
      "\x77\x07\x6d\x0a\x73\x18\xa5\x7d\x3c\x16\xc1\x72\x51\xb2\x66\x45"
      "\xdf\x4c\x2f\x87\xeb\xc0\x99\x2a\xb1\x77\xfb\xa5\x1d\xb9\x2c\x2a";
  memset(to, 0, 32);
  to[0] = 9;
  br_ec_c25519_m15.mul(to, 32, secret, sizeof secret, BR_EC_curve25519);
}

static const struct Test {
  void (*run)(uint8_t* to);
  const char* answer;
  unsigned size;
} tests[] = {
    {Md5, "\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72", 16},
    {Sha1, "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d", 20},
    {Sha256,
     "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
     "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
     32},
#if APP_VERSION >= 2
    {Sha512,
     "\xdd\xaf\x35\xa1\x93\x61\x7a\xba\xcc\x41\x73\x49\xae\x20\x41\x31"
     "\x12\xe6\xfa\x4e\x89\xa9\x7e\xa2\x0a\x9e\xee\xe6\x4b\x55\xd3\x9a"
     "\x21\x92\x99\x2a\x27\x4f\xc1\xa8\x36\xba\x3c\x23\xa3\xfe\xeb\xbd"
     "\x45\x4d\x44\x23\x64\x3c\xe8\x0e\x2a\x9a\xc9\x4f\xa5\x4c\xa4\x9f",
     64},
#endif
    {Hmac,
     "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
     "\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43",
     32},
    {Aes, "\x69\xc4\xe0\xd8\x6a\x7b\x04\x30\xd8\xcd\xb7\x80\x70\xb4\xc5\x5a", 16},
    {AesGcm,
     "\x03\x88\xda\xce\x60\xb6\xa3\x92\xf3\x28\xc2\xb9\x71\xb2\xfe\x78"
     "\xab\x6e\x47\xd4\x2c\xec\x13\xbd\xf5\x3a\x67\xb2\x12\x57\xbd\xdf",
     32},
    {Des, "\x3f\xa4\x0e\x8a\x98\x4d\x48\x15", 8},
    {ChaCha20Poly1305, "\x1a\xe1\x0b\x59\x4f\x09\xe2\x6a\x7e\x90\x2e\xcb\xd0\x60\x06\x91", 16},
    {X25519,
     "\x85\x20\xf0\x09\x89\x30\xa7\x54\x74\x8b\x7d\xdc\xb4\x3e\xf7\x5a"
     "\x0d\xbf\x3a\x0d\x26\x38\x1a\xf4\xeb\xa4\xa9\x8e\xaa\x9b\x4e\x6a",
     32},
};

unsigned SelfTest(unsigned* count) {
  unsigned right = 0;
  *count = sizeof tests / sizeof tests[0];
  for (unsigned i = 0; i < *count; ++i) {
    uint8_t result[kLargest];
    tests[i].run(result);
    right += memcmp(result, tests[i].answer, tests[i].size) == 0;
  }
  return right;
}
