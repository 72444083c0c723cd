// SPDX-License-Identifier: Apache-2.0
// The verifiers of crypto/ on signatures that others made: the commands openssl and minisign,
// libcrypto, the RFC and Project Wycheproof; and on what must not be taken for one.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "agent/sha256.h"
#include "crypto/signature_bearssl.h"
#include "crypto/signature_either.h"
#include "crypto/signature_sodium.h"
#include "diff/sha256.h"
#include "tests/crypto/support.h"
#include "tests/support/images.h"

namespace mote::testing {
namespace {

constexpr SignatureAlgorithm kP256 = SignatureAlgorithm::kP256;
constexpr SignatureAlgorithm kEd25519 = SignatureAlgorithm::kEd25519;

bool Verify(const SignatureVerifier& verifier, const PublicKey& key,
            std::span<const uint8_t> digest, std::span<const uint8_t> signature) {
  EXPECT_EQ(digest.size(), kDigestSize);
  EXPECT_EQ(signature.size(), kSignatureSize);
  // On the heap, with nothing behind: sanitizers see who reads further.
  const Bytes own_digest(digest.begin(), digest.end());
  const Bytes own_signature(signature.begin(), signature.end());
  return verifier.verify(verifier.context, key, own_digest.data(), own_signature.data());
}

struct Signed {
  Bytes key, digest, signature;
};

std::string Describe(const Signed& item) {
  return "key " + ToHex(item.key) + ", digest " + ToHex(item.digest) + ", signature " +
         ToHex(item.signature);
}

// Each by its own key and of its own digest: five in a row are by the same key.
void ExpectOnlyWhatWasSigned(const SignatureVerifier& verifier, SignatureAlgorithm algorithm,
                             const std::vector<Signed>& items) {
  const auto verifies = [&](const Signed& item) {
    return Verify(verifier, MakeKey(algorithm, item.key), item.digest, item.signature);
  };
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_TRUE(verifies(items[i])) << Describe(items[i]);
    Signed other = items[i];
    other.key = items[(i + 5) % items.size()].key;
    EXPECT_FALSE(verifies(other)) << Describe(other);
    other = items[i];
    other.digest = items[(i + 1) % items.size()].digest;
    EXPECT_FALSE(verifies(other)) << Describe(other);
  }
}

// Every single bit of signature, digest and key.
void ExpectFlipsRefused(const SignatureVerifier& verifier, SignatureAlgorithm algorithm,
                        const Signed& item) {
  ASSERT_TRUE(Verify(verifier, MakeKey(algorithm, item.key), item.digest, item.signature));
  for (const auto part : {&Signed::key, &Signed::digest, &Signed::signature}) {
    for (size_t bit = 0; bit < (item.*part).size() * 8; ++bit) {
      Signed other = item;
      (other.*part)[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_FALSE(Verify(verifier, MakeKey(algorithm, other.key), other.digest, other.signature))
          << Describe(other);
    }
  }
}

// ---- P-256, with each of BearSSL's arithmetics.

struct Arithmetic {
  const char* name;
  const br_ec_impl* curve;
};
void PrintTo(const Arithmetic& arithmetic, std::ostream* out) { *out << arithmetic.name; }

class P256 : public ::testing::TestWithParam<Arithmetic> {
 protected:
  const SignatureVerifier verifier_ = BearsslP256Verifier(GetParam().curve);
  bool Verifies(const Signed& item) const {
    return Verify(verifier_, MakeKey(kP256, item.key), item.digest, item.signature);
  }
};

INSTANTIATE_TEST_SUITE_P(Bearssl, P256,
                         ::testing::Values(Arithmetic{"prime_i15", &br_ec_prime_i15},
                                           Arithmetic{"p256_m15", &br_ec_p256_m15}),
                         [](const auto& param) { return param.param.name; });

// The end of a public key in DER is the key itself.
Bytes KeyFromDer(const Bytes& der, size_t size) { return Bytes(der.end() - size, der.end()); }

// By the openssl command: `keys` keys, each with `messages` messages.
std::vector<Signed> OpensslP256(int keys, int messages) {
  const Folder folder;
  Random random(1);
  std::vector<Signed> items;
  for (int i = 0; i < keys; ++i) {
    folder.Run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key");
    folder.Run("openssl pkey -in key -pubout -outform DER -out public");
    for (int j = 0; j < messages; ++j) {
      const Bytes message = RandomBytes(random, random.Below(300));
      folder.Write("message", message);
      folder.Run("openssl dgst -sha256 -sign key -out signature message");
      const Sha256::Digest digest = Sha256::Of(message);
      items.push_back({KeyFromDer(folder.Read("public"), 64), Bytes(digest.begin(), digest.end()),
                       RawSignature(folder.Read("signature"))});
    }
  }
  return items;
}

TEST_P(P256, OpensslSigns) { ExpectOnlyWhatWasSigned(verifier_, kP256, OpensslP256(20, 5)); }

TEST_P(P256, RefusesFlips) { ExpectFlipsRefused(verifier_, kP256, OpensslP256(1, 1)[0]); }

const Bytes kOrder = Hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
const Bytes kPrime = Hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
// The point with x = 0: its y is the square root of the curve's constant.
const Bytes kRootOfB = Hex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");

Bytes Number(uint8_t small) {
  Bytes number(32);
  number[31] = small;
  return number;
}

Bytes Join(const Bytes& a, const Bytes& b) {
  Bytes both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

// order - number, and order + number where that has 32 bytes.
Bytes FromOrder(const Bytes& number, int sign) {
  Bytes result(32);
  int carry = 0;
  for (int i = 31; i >= 0; --i) {
    const int sum = kOrder[i] + sign * number[i] + carry;
    result[i] = static_cast<uint8_t>(sum);
    carry = sum >> 8;
  }
  return result;
}

TEST_P(P256, RefusesNumbersOutOfRange) {
  for (const Signed& item : OpensslP256(4, 1)) {
    const Bytes r(item.signature.begin(), item.signature.begin() + 32);
    const Bytes s(item.signature.begin() + 32, item.signature.end());
    std::vector<Bytes> bad = {Number(0), kOrder, kPrime, Bytes(32, 0xFF), Bytes(32, 0x80)};
    for (uint8_t small = 1; small <= 3; ++small) {
      bad.push_back(Number(small));
      bad.push_back(FromOrder(Number(small), -1));
      bad.push_back(FromOrder(Number(small), 1));
    }
    for (const Bytes& number : bad) {
      for (const Bytes& signature : {Join(number, s), Join(r, number), Join(number, r),
                                     Join(s, number), Join(number, number)}) {
        const Signed other = {item.key, item.digest, signature};
        EXPECT_FALSE(Verifies(other)) << Describe(other);
      }
      for (const Bytes& also : bad) {
        const Signed other = {item.key, item.digest, Join(number, also)};
        EXPECT_FALSE(Verifies(other)) << Describe(other);
      }
    }
    // Of each signature there are two: ECDSA takes order - s as well.
    EXPECT_TRUE(Verifies({item.key, item.digest, Join(r, FromOrder(s, -1))}));
  }
}

// r = 0 with a digest of 0 and the like: what BearSSL computes then is infinity, or nothing.
TEST_P(P256, RefusesZeros) {
  const Bytes key = OpensslP256(1, 1)[0].key;
  Random random(2);
  for (const Bytes& digest : {Number(0), Number(1), kOrder, Bytes(32, 0xFF)}) {
    for (int i = 0; i < 8; ++i) {
      const Signed item = {key, digest, Join(Number(0), RandomBytes(random, 32))};
      EXPECT_FALSE(Verifies(item)) << Describe(item);
    }
    EXPECT_FALSE(Verifies({key, digest, Bytes(64)}));
  }
}

TEST_P(P256, RefusesKeysThatAreNone) {
  const Signed item = OpensslP256(1, 1)[0];
  const Bytes x(item.key.begin(), item.key.begin() + 32);
  const Bytes y(item.key.begin() + 32, item.key.end());
  for (const Bytes& key :
       {Bytes(64), Bytes(64, 0xFF), Join(y, x), Join(x, x), Join(x, Number(0)), Join(Number(0), y),
        Join(x, kPrime), Join(kPrime, y), Join(kPrime, kPrime), Join(Number(0), kPrime)}) {
    EXPECT_FALSE(Verifies({key, item.digest, item.signature})) << ToHex(key);
  }
  Random random(3);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(Verifies({RandomBytes(random, 64), item.digest, item.signature}));
  }
}

// A coordinate has one representation: p is not 0. The signature is a true one for the first key.
TEST_P(P256, RefusesKeysAboveThePrime) {
  const Bytes key = Join(Number(0), kRootOfB);
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const Forgery forgery = Forge(key, seed);
    EXPECT_TRUE(Verifies({key, forgery.digest, forgery.signature}));
    EXPECT_FALSE(Verifies({Join(kPrime, kRootOfB), forgery.digest, forgery.signature}));
  }
}

TEST_P(P256, TakesNoOtherAlgorithm) {
  const Signed item = OpensslP256(1, 1)[0];
  PublicKey key = MakeKey(kP256, item.key);
  for (int algorithm = 0; algorithm < 256; ++algorithm) {
    key.algorithm = static_cast<SignatureAlgorithm>(algorithm);
    EXPECT_EQ(Verify(verifier_, key, item.digest, item.signature), algorithm == 1);
  }
  EXPECT_EQ(verifier_.algorithms, 1 << 1);
}

TEST_P(P256, Wycheproof) {
  int run = 0;
  const nlohmann::json file = Wycheproof("ecdsa_secp256r1_sha256_p1363_test");
  for (const auto& group : file.at("testGroups")) {
    const Bytes point = Hex(group.at("key").at("uncompressed").get<std::string>());
    ASSERT_EQ(point.size(), 65u);
    for (const auto& test : group.at("tests")) {
      const Bytes signature = Hex(test.at("sig").get<std::string>());
      if (signature.size() != kSignatureSize) {
        // Cannot come to the verifier: what travels has 64 bytes.
        EXPECT_NE(test.at("result"), "valid");
        continue;
      }
      const Sha256::Digest digest = Sha256::Of(Hex(test.at("msg").get<std::string>()));
      const Signed item = {Bytes(point.begin() + 1, point.end()),
                           Bytes(digest.begin(), digest.end()), signature};
      ASSERT_NE(test.at("result"), "acceptable");
      EXPECT_EQ(Verifies(item), test.at("result") == "valid") << test;
      ++run;
    }
  }
  EXPECT_GE(run, 200);
}

// ---- Ed25519.

class Ed25519 : public ::testing::Test {
 protected:
  const SignatureVerifier verifier_ = SodiumEd25519Verifier();
  bool Verifies(const Signed& item) const {
    return Verify(verifier_, MakeKey(kEd25519, item.key), item.digest, item.signature);
  }
};

std::vector<Signed> OpensslEd25519(int keys, int messages) {
  const Folder folder;
  Random random(4);
  std::vector<Signed> items;
  for (int i = 0; i < keys; ++i) {
    folder.Run("openssl genpkey -algorithm ED25519 -out key");
    folder.Run("openssl pkey -in key -pubout -outform DER -out public");
    for (int j = 0; j < messages; ++j) {
      const Bytes digest = RandomBytes(random, kDigestSize);
      folder.Write("digest", digest);
      folder.Run("openssl pkeyutl -sign -rawin -inkey key -in digest -out signature");
      items.push_back({KeyFromDer(folder.Read("public"), 32), digest, folder.Read("signature")});
    }
  }
  return items;
}

TEST_F(Ed25519, OpensslSigns) {
  ExpectOnlyWhatWasSigned(verifier_, kEd25519, OpensslEd25519(10, 5));
}

TEST_F(Ed25519, RefusesFlips) { ExpectFlipsRefused(verifier_, kEd25519, OpensslEd25519(1, 1)[0]); }

// The second line of minisign's files: two letters, 8 bytes that name the key, and what they hold.
Bytes FromMinisign(const Bytes& file, size_t size) {
  const std::string text(file.begin(), file.end());
  const size_t begin = text.find('\n') + 1;
  const std::string line = text.substr(begin, text.find('\n', begin) - begin);
  Bytes bytes(10 + size);
  size_t decoded = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), line.data(), line.size(), nullptr, &decoded,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      decoded != bytes.size() || bytes[0] != 'E' || bytes[1] != 'd') {
    throw std::runtime_error("not what minisign writes: " + text);
  }
  return Bytes(bytes.begin() + 10, bytes.end());
}

TEST_F(Ed25519, MinisignSigns) {
  const Folder folder;
  Random random(5);
  for (int i = 0; i < 4; ++i) {
    folder.Run("minisign -G -f -W -p public -s secret");
    for (int j = 0; j < 4; ++j) {
      const Bytes digest = RandomBytes(random, kDigestSize);
      folder.Write("digest", digest);
      // Legacy: of the message itself, not of its BLAKE2b.
      folder.Run("minisign -S -l -s secret -m digest -x signature");
      const Signed item = {FromMinisign(folder.Read("public"), 32), digest,
                           FromMinisign(folder.Read("signature"), 64)};
      EXPECT_TRUE(Verifies(item)) << Describe(item);
      if (i == 0 && j == 0) ExpectFlipsRefused(verifier_, kEd25519, item);
    }
  }
}

// S + L has the same meaning as S to who does not look: RFC 8032 has it refused.
TEST_F(Ed25519, RefusesOtherForms) {
  const Bytes order =
      Hex("edd3f55c1a631258d69cf7a2def9de14"
          "00000000000000000000000000000010");
  for (Signed item : OpensslEd25519(5, 1)) {
    for (int times = 0; times < 8; ++times) {
      EXPECT_EQ(Verifies(item), times == 0) << Describe(item);
      int carry = 0;
      for (int i = 0; i < 32; ++i) {  // lowest byte first
        carry += item.signature[32 + i] + order[i];
        item.signature[32 + i] = static_cast<uint8_t>(carry);
        carry >>= 8;
      }
    }
  }
}

bool OpensslVerifies(const Signed& item) {
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, item.key.data(), 32),
                &EVP_PKEY_free);
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  return key != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), item.signature.data(), 64, item.digest.data(), 32) == 1;
}

// The eight points of small order, and other ways to write them. To who checks only the equation,
// everyone can sign for such keys: s = 0, R one of those points, every eighth digest or so.
TEST_F(Ed25519, RefusesKeysOfSmallOrder) {
  const Bytes points[] = {
      Hex("0100000000000000000000000000000000000000000000000000000000000000"),
      Hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      Hex("0000000000000000000000000000000000000000000000000000000000000000"),
      Hex("0000000000000000000000000000000000000000000000000000000000000080"),
      Hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
      Hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
      Hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
      Hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
      // Not in their shortest form.
      Hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      Hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      Hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
      Hex("0100000000000000000000000000000000000000000000000000000000000080"),
      Hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
  };
  Random random(6);
  int elsewhere[std::size(points)] = {};
  for (size_t i = 0; i < std::size(points); ++i) {
    for (int j = 0; j < 16; ++j) {
      const Bytes digest = RandomBytes(random, kDigestSize);
      for (const Bytes& r : points) {
        const Signed item = {points[i], digest, Join(r, Bytes(32))};
        EXPECT_FALSE(Verifies(item)) << Describe(item);
        elsewhere[i] += OpensslVerifies(item);
      }
    }
  }
  // OpenSSL checks the equation only: these are forgeries.
  for (size_t i = 0; i < 8; ++i) EXPECT_GT(elsewhere[i], 0) << ToHex(points[i]);
}

TEST_F(Ed25519, TakesNoOtherAlgorithm) {
  const Signed item = OpensslEd25519(1, 1)[0];
  PublicKey key = MakeKey(kEd25519, item.key);
  for (int algorithm = 0; algorithm < 256; ++algorithm) {
    key.algorithm = static_cast<SignatureAlgorithm>(algorithm);
    EXPECT_EQ(Verify(verifier_, key, item.digest, item.signature), algorithm == 2);
  }
  EXPECT_EQ(verifier_.algorithms, 1 << 2);
}

// Few of its messages have 32 bytes; the others go to the function that is behind the adapter.
TEST_F(Ed25519, Wycheproof) {
  int run = 0, adapted = 0;
  const nlohmann::json file = Wycheproof("eddsa_test");
  for (const auto& group : file.at("testGroups")) {
    const Bytes key = Hex(group.at("key").at("pk").get<std::string>());
    for (const auto& test : group.at("tests")) {
      const Bytes signature = Hex(test.at("sig").get<std::string>());
      const Bytes message = Hex(test.at("msg").get<std::string>());
      if (signature.size() != kSignatureSize) {
        EXPECT_NE(test.at("result"), "valid");
        continue;
      }
      const bool valid = crypto_sign_verify_detached(signature.data(), message.data(),
                                                     message.size(), key.data()) == 0;
      EXPECT_EQ(valid, test.at("result") == "valid") << test;
      ++run;
      if (message.size() != kDigestSize) continue;
      EXPECT_EQ(Verifies({key, message, signature}), valid) << test;
      ++adapted;
    }
  }
  EXPECT_GE(run, 130);
  EXPECT_GE(adapted, 1);
}

// ---- Both.

TEST(Either, GoesToTheRightOne) {
  const Signed p256 = OpensslP256(1, 1)[0], ed25519 = OpensslEd25519(1, 1)[0];
  const EitherVerifier pairs[] = {{BearsslP256Verifier(), SodiumEd25519Verifier()},
                                  {SodiumEd25519Verifier(), BearsslP256Verifier()}};
  for (const EitherVerifier& pair : pairs) {
    const SignatureVerifier verifier = Either(&pair);
    EXPECT_EQ(verifier.algorithms, 1 << 1 | 1 << 2);
    ExpectFlipsRefused(verifier, kEd25519, ed25519);
    EXPECT_TRUE(Verify(verifier, MakeKey(kP256, p256.key), p256.digest, p256.signature));
    EXPECT_FALSE(Verify(verifier, MakeKey(kP256, p256.key), ed25519.digest, p256.signature));
    PublicKey key = MakeKey(kP256, p256.key);
    for (int algorithm = 0; algorithm < 256; ++algorithm) {
      key.algorithm = static_cast<SignatureAlgorithm>(algorithm);
      EXPECT_EQ(Verify(verifier, key, p256.digest, p256.signature), algorithm == 1) << algorithm;
    }
  }
}

}  // namespace
}  // namespace mote::testing
