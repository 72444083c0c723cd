// SPDX-License-Identifier: Apache-2.0
// The cipher of crypto/ against libsodium, libcrypto, the RFCs' examples and Project Wycheproof.
#include "crypto/cipher_bearssl.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <sodium.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/crypto/support.h"
#include "tests/support/images.h"

namespace mote::testing {
namespace {

Bytes Join(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  Bytes both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

// A pointer to the bytes that is one also where there are none.
uint8_t* Data(Bytes& bytes) {
  static uint8_t none = 0;
  return bytes.empty() ? &none : bytes.data();
}
const uint8_t* Data(const Bytes& bytes) { return Data(const_cast<Bytes&>(bytes)); }

// ---- ChaCha20-Poly1305.

// What `open` makes of it; nothing where it refuses, and then it must have left the data alone.
std::optional<Bytes> Open(const Bytes& key, const Bytes& nonce, const Bytes& data,
                          const Bytes& tag) {
  const BearsslSecrets none = {nullptr, 0};
  const PayloadCipher cipher = BearsslCipher(&none);
  Bytes piece = data;
  const bool opened = cipher.open(cipher.context, key.data(), nonce.data(), Data(piece),
                                  static_cast<uint32_t>(piece.size()), tag.data());
  if (opened) return piece;
  EXPECT_EQ(piece, data) << "decrypted without a tag";
  return std::nullopt;
}

struct Sealed {
  Bytes key, nonce, data, tag;
};

Sealed Seal(const Bytes& key, const Bytes& nonce, const Bytes& plain) {
  Sealed sealed = {key, nonce, Bytes(plain.size()), Bytes(16)};
  unsigned long long size = 0;
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(Data(sealed.data), sealed.tag.data(), &size,
                                                     Data(plain), plain.size(), nullptr, 0, nullptr,
                                                     nonce.data(), key.data());
  return sealed;
}

TEST(Cipher, OpensWhatLibsodiumSeals) {
  Random random(1);
  for (uint32_t size = 0; size < 4096; size += size < 200 ? 1 : 97) {
    const Bytes plain = RandomBytes(random, size);
    const Sealed sealed = Seal(RandomBytes(random, 32), RandomBytes(random, 12), plain);
    EXPECT_EQ(Open(sealed.key, sealed.nonce, sealed.data, sealed.tag), plain) << size;
  }
  // The largest piece; and bytes that make long carries in Poly1305.
  for (const Bytes& plain : {RandomBytes(random, 65536), Bytes(65536), Bytes(65536, 0xFF)}) {
    const Sealed sealed = Seal(RandomBytes(random, 32), RandomBytes(random, 12), plain);
    EXPECT_EQ(Open(sealed.key, sealed.nonce, sealed.data, sealed.tag), plain);
  }
}

TEST(Cipher, RefusesFlips) {
  Random random(2);
  for (const uint32_t size : {0, 1, 16, 37, 64}) {
    const Sealed sealed =
        Seal(RandomBytes(random, 32), RandomBytes(random, 12), RandomBytes(random, size));
    ASSERT_TRUE(Open(sealed.key, sealed.nonce, sealed.data, sealed.tag).has_value());
    for (const auto part : {&Sealed::key, &Sealed::nonce, &Sealed::data, &Sealed::tag}) {
      for (size_t bit = 0; bit < (sealed.*part).size() * 8; ++bit) {
        Sealed other = sealed;
        (other.*part)[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        EXPECT_FALSE(Open(other.key, other.nonce, other.data, other.tag).has_value()) << bit;
      }
    }
  }
}

TEST(Cipher, RefusesOtherSizes) {
  Random random(3);
  const Sealed sealed =
      Seal(RandomBytes(random, 32), RandomBytes(random, 12), RandomBytes(random, 100));
  for (size_t size = 0; size <= 132; ++size) {
    Bytes data = sealed.data;
    data.resize(size);
    EXPECT_EQ(Open(sealed.key, sealed.nonce, data, sealed.tag).has_value(), size == 100);
  }
}

// The RFC's examples of the whole construction have additional data, which mote has not. A piece of
// zeros is the cipher's stream, which the RFC has.
TEST(Cipher, Rfc8439Stream) {
  const Sealed sealed = Seal(Bytes(32), Bytes(12), Bytes(64));
  // A.1, test vector 2: block 1 of the key and the nonce that are zero.
  EXPECT_EQ(ToHex(sealed.data),
            "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
            "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
  EXPECT_EQ(Open(Bytes(32), Bytes(12), sealed.data, sealed.tag), Bytes(64));
}

TEST(Cipher, Wycheproof) {
  int run = 0;
  const nlohmann::json file = Wycheproof("chacha20_poly1305_test");
  for (const auto& group : file.at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const auto bytes = [&test](const char* name) {
        return Hex(test.at(name).template get<std::string>());
      };
      // mote has no additional data, and one size of nonces.
      if (!bytes("aad").empty() || bytes("iv").size() != 12) continue;
      const std::optional<Bytes> opened =
          Open(bytes("key"), bytes("iv"), bytes("ct"), bytes("tag"));
      ASSERT_NE(test.at("result"), "acceptable");
      EXPECT_EQ(opened.has_value(), test.at("result") == "valid") << test;
      if (opened.has_value()) {
        EXPECT_EQ(*opened, bytes("msg"));
      }
      ++run;
    }
  }
  EXPECT_GE(run, 38);
}

// ---- HKDF.

Bytes Hkdf(const Bytes& salt, const Bytes& secret, const Bytes& info) {
  Bytes key(32);
  BearsslHkdf(Data(salt), static_cast<uint32_t>(salt.size()), Data(secret),
              static_cast<uint32_t>(secret.size()), Data(info), static_cast<uint32_t>(info.size()),
              key.data());
  return key;
}

// RFC 5869, A.1 to A.3: the first 32 bytes of each.
TEST(Hkdf, Rfc5869) {
  const auto count = [](int from, int size) {
    Bytes bytes;
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(from + i));
    return bytes;
  };
  EXPECT_EQ(ToHex(Hkdf(count(0, 13), Bytes(22, 0x0B), count(0xF0, 10))),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  EXPECT_EQ(ToHex(Hkdf(count(0x60, 80), count(0, 80), count(0xB0, 80))),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c");
  EXPECT_EQ(ToHex(Hkdf({}, Bytes(22, 0x0B), {})),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

Bytes OpensslHkdf(Bytes salt, Bytes secret, Bytes info) {
  using Kdf = std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)>;
  using Context = std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)>;
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr), &EVP_KDF_free);
  const Context context(EVP_KDF_CTX_new(kdf.get()), &EVP_KDF_CTX_free);
  char hash[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end()};
  Bytes key(32);
  if (EVP_KDF_derive(context.get(), key.data(), key.size(), parameters) != 1) {
    throw std::runtime_error("EVP_KDF_derive");
  }
  return key;
}

TEST(Hkdf, AgreesWithOpenssl) {
  Random random(4);
  for (int i = 0; i < 300; ++i) {
    const Bytes salt = RandomBytes(random, 1 + random.Below(150));
    const Bytes secret = RandomBytes(random, 1 + random.Below(150));
    const Bytes info = RandomBytes(random, 1 + random.Below(150));
    EXPECT_EQ(Hkdf(salt, secret, info), OpensslHkdf(salt, secret, info));
  }
}

TEST(Hkdf, Wycheproof) {
  int run = 0;
  const nlohmann::json file = Wycheproof("hkdf_sha256_test");
  for (const auto& group : file.at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const auto bytes = [&test](const char* name) {
        return Hex(test.at(name).template get<std::string>());
      };
      if (test.at("result") != "valid") continue;  // asks for too much
      Bytes key = Hkdf(bytes("salt"), bytes("ikm"), bytes("info")), expected = bytes("okm");
      const size_t size = std::min(key.size(), expected.size());
      key.resize(size);
      expected.resize(size);
      EXPECT_EQ(key, expected) << test;
      ++run;
    }
  }
  EXPECT_GE(run, 100);
}

// ---- Secrets.

// What `secret` makes of a parameter; nothing where it refuses.
std::optional<Bytes> Agree(const BearsslSecret& secret, const Bytes& parameter) {
  EXPECT_EQ(parameter.size(), EncryptionParameterSize(secret.encryption));
  Bytes agreed(kBearsslSecretSize);
  if (!secret.agree(secret, parameter.data(), agreed.data())) return std::nullopt;
  return agreed;
}

TEST(Secret, SharedKeyIsItself) {
  Random random(5);
  const Bytes key = RandomBytes(random, 32);
  EXPECT_EQ(Agree(BearsslSharedSecret(key.data()), RandomBytes(random, 16)), key);
}

struct Arithmetic {
  const char* name;
  const br_ec_impl* curve;
};
void PrintTo(const Arithmetic& arithmetic, std::ostream* out) { *out << arithmetic.name; }
std::string ArithmeticName(const ::testing::TestParamInfo<Arithmetic>& param) {
  return param.param.name;
}

class X25519 : public ::testing::TestWithParam<Arithmetic> {
 protected:
  std::optional<Bytes> AgreeWith(const Bytes& key, const Bytes& point) const {
    return Agree(BearsslX25519Secret(key.data(), GetParam().curve), point);
  }
};

INSTANTIATE_TEST_SUITE_P(Bearssl, X25519,
                         ::testing::Values(Arithmetic{"c25519_i15", &br_ec_c25519_i15},
                                           Arithmetic{"c25519_m15", &br_ec_c25519_m15}),
                         ArithmeticName);

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bytes OpensslAgree(const Key& own, const Key& other) {
  using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
  const Context context(EVP_PKEY_CTX_new(own.get(), nullptr), &EVP_PKEY_CTX_free);
  Bytes secret(32);
  size_t size = secret.size();
  if (EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), secret.data(), &size) != 1 || size != 32) {
    throw std::runtime_error("EVP_PKEY_derive");
  }
  return secret;
}

TEST_P(X25519, AgreesWithOpenssl) {
  Random random(6);
  for (int i = 0; i < 50; ++i) {
    const Bytes device = RandomBytes(random, 32), ephemeral = RandomBytes(random, 32);
    const auto make = [](const Bytes& bytes) {
      return Key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, bytes.data(), 32),
                 &EVP_PKEY_free);
    };
    const Key own = make(device), other = make(ephemeral);
    Bytes point(32);
    size_t size = 32;
    ASSERT_EQ(EVP_PKEY_get_raw_public_key(other.get(), point.data(), &size), 1);
    EXPECT_EQ(AgreeWith(device, point), OpensslAgree(own, other));
  }
}

// RFC 7748, 5.2, the first one, and 6.1, Bob's side.
TEST_P(X25519, Rfc7748) {
  EXPECT_EQ(AgreeWith(Hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                      Hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")),
            Hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
  EXPECT_EQ(AgreeWith(Hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
                      Hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")),
            Hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
}

TEST_P(X25519, Wycheproof) {
  int run = 0, refused = 0;
  const nlohmann::json file = Wycheproof("x25519_test");
  for (const auto& group : file.at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const auto bytes = [&test](const char* name) {
        return Hex(test.at(name).template get<std::string>());
      };
      ASSERT_NE(test.at("result"), "invalid");
      const auto& flags = test.at("flags");
      const bool zero = std::ranges::find(flags, "ZeroSharedSecret") != flags.end();
      const std::optional<Bytes> agreed = AgreeWith(bytes("private"), bytes("public"));
      EXPECT_EQ(agreed, zero ? std::nullopt : std::optional(bytes("shared"))) << test;
      ++run;
      refused += zero;
    }
  }
  EXPECT_GE(run, 500);
  EXPECT_GE(refused, 30);
}

class P256Secret : public ::testing::TestWithParam<Arithmetic> {
 protected:
  std::optional<Bytes> AgreeWith(const Bytes& key, const Bytes& point) const {
    return Agree(BearsslP256Secret(key.data(), GetParam().curve), point);
  }
};

INSTANTIATE_TEST_SUITE_P(Bearssl, P256Secret,
                         ::testing::Values(Arithmetic{"prime_i15", &br_ec_prime_i15},
                                           Arithmetic{"p256_m15", &br_ec_p256_m15}),
                         ArithmeticName);

struct P256Key {
  Key key;
  Bytes secret, point;
};

P256Key MakeP256Key() {
  P256Key made = {Key(EVP_EC_gen("P-256"), &EVP_PKEY_free), Bytes(32), Bytes(65)};
  BIGNUM* number = nullptr;
  size_t size = 0;
  if (EVP_PKEY_get_bn_param(made.key.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1 ||
      BN_bn2binpad(number, made.secret.data(), 32) != 32 ||
      EVP_PKEY_get_octet_string_param(made.key.get(), OSSL_PKEY_PARAM_PUB_KEY, made.point.data(),
                                      65, &size) != 1 ||
      size != 65 || made.point[0] != 4) {
    throw std::runtime_error("no key on P-256");
  }
  BN_clear_free(number);
  made.point.erase(made.point.begin());
  return made;
}

TEST_P(P256Secret, AgreesWithOpenssl) {
  for (int i = 0; i < 50; ++i) {
    const P256Key device = MakeP256Key(), ephemeral = MakeP256Key();
    EXPECT_EQ(AgreeWith(device.secret, ephemeral.point), OpensslAgree(device.key, ephemeral.key));
  }
}

TEST_P(P256Secret, RefusesWhatIsNotOnTheCurve) {
  const P256Key device = MakeP256Key(), ephemeral = MakeP256Key();
  for (size_t bit = 0; bit < 512; ++bit) {
    Bytes point = ephemeral.point;
    point[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(AgreeWith(device.secret, point).has_value()) << bit;
  }
  EXPECT_FALSE(AgreeWith(device.secret, Bytes(64)).has_value());
  EXPECT_FALSE(AgreeWith(device.secret, Bytes(64, 0xFF)).has_value());
  // x = 0 is on the curve, and p is another way to write it.
  const Bytes y = Hex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
  EXPECT_TRUE(AgreeWith(device.secret, Join(Bytes(32), y)).has_value());
  const Bytes p = Hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
  EXPECT_FALSE(AgreeWith(device.secret, Join(p, y)).has_value());
}

TEST_P(P256Secret, Wycheproof) {
  int run = 0, refused = 0;
  const nlohmann::json file = Wycheproof("ecdh_secp256r1_ecpoint_test");
  for (const auto& group : file.at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const auto bytes = [&test](const char* name) {
        return Hex(test.at(name).template get<std::string>());
      };
      const Bytes point = bytes("public");
      Bytes key = bytes("private");
      if (point.size() != 65 || point[0] != 4) continue;  // compressed: has no place in an offer
      while (key.size() > 32 && key[0] == 0) key.erase(key.begin());
      key.insert(key.begin(), 32 - key.size(), 0);
      const std::optional<Bytes> agreed = AgreeWith(key, Bytes(point.begin() + 1, point.end()));
      const bool valid = test.at("result") == "valid";
      EXPECT_EQ(agreed, valid ? std::optional(bytes("shared")) : std::nullopt) << test;
      ++run;
      refused += !valid;
    }
  }
  EXPECT_GE(run, 200);
  EXPECT_GE(refused, 16);
}

// ---- All of it: derive, as the agent calls it, against libsodium and libcrypto put together.

TEST(Derive, UsesTheSecretOfTheEncryption) {
  Random random(7);
  const Bytes shared = RandomBytes(random, 32), x25519 = RandomBytes(random, 32);
  const P256Key p256 = MakeP256Key(), ephemeral = MakeP256Key();
  const BearsslSecret secrets[] = {BearsslSharedSecret(shared.data()),
                                   BearsslX25519Secret(x25519.data()),
                                   BearsslP256Secret(p256.secret.data())};
  const Bytes info = RandomBytes(random, kKeyInfoSize);
  const Bytes salt = RandomBytes(random, 16);
  const Bytes number = RandomBytes(random, 32);
  Bytes point(32), agreed(32);
  crypto_scalarmult_base(point.data(), number.data());
  ASSERT_EQ(crypto_scalarmult(agreed.data(), x25519.data(), point.data()), 0);
  const struct {
    Encryption encryption;
    Bytes parameter, secret;
  } cases[] = {{Encryption::kSharedKey, salt, shared},
               {Encryption::kX25519, point, agreed},
               {Encryption::kP256, ephemeral.point, OpensslAgree(p256.key, ephemeral.key)}};

  for (uint32_t first = 0; first < 3; ++first) {
    for (uint32_t count = 0; first + count <= 3; ++count) {
      const BearsslSecrets mine = {secrets + first, count};
      const PayloadCipher cipher = BearsslCipher(&mine);
      EXPECT_EQ(cipher.encryptions, ((1 << count) - 1) << (first + 1));
      for (uint32_t i = 0; i < 3; ++i) {
        Bytes key(32);
        const bool has = i >= first && i < first + count;
        EXPECT_EQ(cipher.derive(cipher.context, cases[i].encryption, cases[i].parameter.data(),
                                info.data(), key.data()),
                  has);
        EXPECT_EQ(key, has ? OpensslHkdf(cases[i].parameter, cases[i].secret, info) : Bytes(32));
      }
      Bytes key(32);
      for (const int other : {0, 4, 255}) {
        EXPECT_FALSE(cipher.derive(cipher.context, static_cast<Encryption>(other),
                                   cases[2].parameter.data(), info.data(), key.data()));
      }
    }
  }
}

TEST(Derive, RefusesPoints) {
  Random random(8);
  const Bytes x25519 = RandomBytes(random, 32);
  const P256Key p256 = MakeP256Key();
  const BearsslSecret secrets[] = {BearsslX25519Secret(x25519.data()),
                                   BearsslP256Secret(p256.secret.data())};
  const BearsslSecrets mine = {secrets, 2};
  const PayloadCipher cipher = BearsslCipher(&mine);
  const Bytes zeros(64), info(kKeyInfoSize);
  Bytes key(32);
  for (const Encryption encryption : {Encryption::kX25519, Encryption::kP256}) {
    EXPECT_FALSE(cipher.derive(cipher.context, encryption, zeros.data(), info.data(), key.data()));
    EXPECT_EQ(key, Bytes(32));
  }
}

}  // namespace
}  // namespace mote::testing
