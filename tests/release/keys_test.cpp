// SPDX-License-Identifier: Apache-2.0
// Keys, their files and their signatures; the `openssl` command is the oracle.
#include "tests/release/support.h"

namespace mote::testing {
namespace {

constexpr KeyType kAllTypes[] = {KeyType::kP256, KeyType::kEd25519, KeyType::kX25519};

// How openssl calls them in genpkey.
std::string Genpkey(KeyType type) {
  return type == KeyType::kP256      ? "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
         : type == KeyType::kEd25519 ? "genpkey -algorithm ED25519"
                                     : "genpkey -algorithm X25519";
}

std::string DerOf(const Signature& signature) {
  // SEQUENCE of two INTEGERs (X.690, 8.3): as few bytes as it takes, the first bit not set.
  const auto integer = [](std::span<const uint8_t> number) {
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    std::string content(number.begin(), number.end());
    if ((number[0] & 0x80) != 0) content.insert(content.begin(), '\0');
    return std::string("\x02") + static_cast<char>(content.size()) + content;
  };
  const std::string both =
      integer(std::span(signature).first(32)) + integer(std::span(signature).last(32));
  return std::string("\x30") + static_cast<char>(both.size()) + both;
}

TEST(Keys, FilesComeBackAsTheyWere) {
  for (const KeyType type : kAllTypes) {
    const PrivateKey key = PrivateKey::Generate(type);
    EXPECT_EQ(key.type(), type);
    EXPECT_EQ(key.public_key().bytes.size(), type == KeyType::kP256 ? 64u : 32u);
    const PrivateKey again = PrivateKey::FromPem(key.ToPem({}), &NoPassphrase);
    EXPECT_EQ(again.public_key(), key.public_key());
    EXPECT_EQ(HostPublicKey::FromPem(key.public_key().ToPem()), key.public_key());
    EXPECT_NE(PrivateKey::Generate(type).public_key(), key.public_key());
  }
}

TEST(Keys, PassphraseProtects) {
  const PrivateKey key = PrivateKey::Generate(KeyType::kEd25519);
  const std::string pem = key.ToPem("correct horse");
  EXPECT_TRUE(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")) << pem;
  const auto with = [&](const std::string& passphrase) {
    return PrivateKey::FromPem(pem, [&] { return passphrase; });
  };
  EXPECT_EQ(with("correct horse").public_key(), key.public_key());
  EXPECT_EQ(StatusOf([&] { with("battery staple"); }), Status::kBadArgument);
  EXPECT_EQ(StatusOf([&] { with(""); }), Status::kBadArgument);
  EXPECT_EQ(StatusOf([&] { with(std::string(100000, 'x')); }), Status::kBadArgument);
  EXPECT_EQ(StatusOf([&] {
              PrivateKey::FromPem(
                  pem, []() -> std::string { throw Error(Status::kFileError, "no terminal"); });
            }),
            Status::kFileError);
  EXPECT_EQ(StatusOf([&] { key.ToPem(""); }), Status::kBadArgument);
}

TEST(Keys, OpensslReadsWhatIsWritten) {
  const Scratch scratch;
  for (const KeyType type : kAllTypes) {
    const PrivateKey key = PrivateKey::Generate(type);
    scratch.Write("key.pem", key.ToPem({}));
    scratch.Write("protected.pem", key.ToPem("secret words"));
    scratch.Write("expected.pem", key.public_key().ToPem());
    ASSERT_TRUE(scratch.Openssl("pkey -in key.pem -pubout -out a.pem")) << scratch.Read("log");
    ASSERT_TRUE(
        scratch.Openssl("pkey -in protected.pem -passin pass:'secret words' -pubout -out b.pem"))
        << scratch.Read("log");
    EXPECT_FALSE(scratch.Openssl("pkey -in protected.pem -passin pass:wrong -pubout -out c.pem"));
    ASSERT_TRUE(scratch.Openssl("pkey -pubin -in expected.pem -pubout -out d.pem"));
    for (const char* name : {"a.pem", "b.pem", "d.pem"}) {
      EXPECT_EQ(scratch.Read(name), scratch.Read("expected.pem")) << KeyTypeName(type);
    }
    ASSERT_TRUE(scratch.Openssl("asn1parse -in protected.pem"));
    const std::string structure = scratch.Read("log");
    EXPECT_NE(structure.find("aes-256-cbc"), std::string::npos) << structure;
    EXPECT_NE(structure.find("hmacWithSHA256"), std::string::npos) << structure;
    EXPECT_NE(structure.find(":0927C0"), std::string::npos) << structure;  // 600000 iterations
  }
}

TEST(Keys, ReadsWhatOpensslWrites) {
  const Scratch scratch;
  for (const KeyType type : kAllTypes) {
    ASSERT_TRUE(scratch.Openssl(Genpkey(type) + " -out key.pem")) << scratch.Read("log");
    ASSERT_TRUE(scratch.Openssl("pkey -in key.pem -pubout -out pub.pem"));
    ASSERT_TRUE(scratch.Openssl("pkcs8 -topk8 -in key.pem -passout pass:words -out locked.pem"));
    ASSERT_TRUE(scratch.Openssl("pkey -in key.pem -aes128 -passout pass:words -out locked2.pem"));
    const PrivateKey key = PrivateKey::FromPem(scratch.Read("key.pem"), &NoPassphrase);
    EXPECT_EQ(key.type(), type);
    EXPECT_EQ(HostPublicKey::FromPem(scratch.Read("pub.pem")), key.public_key());
    for (const char* name : {"locked.pem", "locked2.pem"}) {
      const auto locked =
          PrivateKey::FromPem(scratch.Read(name), [] { return std::string("words"); });
      EXPECT_EQ(locked.public_key(), key.public_key());
    }
  }
  ASSERT_TRUE(scratch.Openssl("ecparam -name prime256v1 -genkey -out old.pem"));
  EXPECT_EQ(PrivateKey::FromPem(scratch.Read("old.pem"), &NoPassphrase).type(), KeyType::kP256);
}

TEST(Keys, RefusesOtherFilesAndOtherKeys) {
  const Scratch scratch;
  for (const char* other :
       {"genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384", "genpkey -algorithm ED448"}) {
    ASSERT_TRUE(scratch.Openssl(std::string(other) + " -out key.pem")) << scratch.Read("log");
    ASSERT_TRUE(scratch.Openssl("pkey -in key.pem -pubout -out pub.pem"));
    EXPECT_EQ(StatusOf([&] { PrivateKey::FromPem(scratch.Read("key.pem"), &NoPassphrase); }),
              Status::kUnsupported);
    EXPECT_EQ(StatusOf([&] { HostPublicKey::FromPem(scratch.Read("pub.pem")); }),
              Status::kUnsupported);
  }
  const std::string pem = KeyOf(KeyType::kP256).ToPem({});
  const std::string pub = KeyOf(KeyType::kP256).public_key().ToPem();
  for (const std::string& text : {std::string(), std::string("hello"), pem.substr(0, 100), pub}) {
    EXPECT_EQ(StatusOf([&] { PrivateKey::FromPem(text, &NoPassphrase); }), Status::kCorrupt);
  }
  for (const std::string& text : {std::string(), std::string("hello"), pub.substr(0, 60), pem}) {
    EXPECT_EQ(StatusOf([&] { HostPublicKey::FromPem(text); }), Status::kCorrupt);
  }
  // x = y = 1 is no point of the curve.
  HostPublicKey nowhere{KeyType::kP256, Bytes(64)};
  nowhere.bytes[31] = nowhere.bytes[63] = 1;
  EXPECT_EQ(StatusOf([&] { nowhere.ToPem(); }), Status::kCorrupt);
}

TEST(Keys, SignaturesHoldForTheirKeyAndDigestOnly) {
  for (const KeyType type : {KeyType::kP256, KeyType::kEd25519}) {
    const PrivateKey& key = KeyOf(type);
    for (int i = 0; i < 40; ++i) {  // r and s of fewer than 32 bytes are one in 128
      const Sha256::Digest digest = Sha256::Of(SomeImage(100, static_cast<uint32_t>(i)));
      Signature signature = key.Sign(digest);
      EXPECT_TRUE(VerifySignature(VerifyingKey(key), digest, signature));
      EXPECT_FALSE(VerifySignature(VerifyingKey(KeyOf(type, 1)), digest, signature));
      EXPECT_FALSE(VerifySignature(VerifyingKey(key), Sha256::Of(SomeImage(99, 1)), signature));
      signature[static_cast<size_t>(i)] ^= 1;
      EXPECT_FALSE(VerifySignature(VerifyingKey(key), digest, signature));
    }
    EXPECT_FALSE(VerifySignature(VerifyingKey(key), Sha256::Of({}), Signature{}));
  }
  PublicKey nobody{};
  EXPECT_FALSE(VerifySignature(nobody, Sha256::Of({}), Signature{}));
  nobody.algorithm = SignatureAlgorithm::kP256;  // 0, 0 is no point of the curve
  EXPECT_FALSE(VerifySignature(nobody, Sha256::Of({}), Signature{}));
  EXPECT_EQ(StatusOf([] { KeyOf(KeyType::kX25519).Sign(Sha256::Of({})); }), Status::kUnsupported);
  EXPECT_EQ(StatusOf([] { KeyOf(KeyType::kX25519).public_key().ForSignatures(); }),
            Status::kUnsupported);
}

TEST(Keys, OpensslVerifiesTheSignatures) {
  const Scratch scratch;
  const Bytes message = SomeImage(1000, 3);
  const Sha256::Digest digest = Sha256::Of(message);
  scratch.Write("message", message);
  scratch.Write("digest", digest);
  for (int i = 0; i < 10; ++i) {
    const PrivateKey p256 = PrivateKey::Generate(KeyType::kP256);
    scratch.Write("p256.pem", p256.public_key().ToPem());
    scratch.Write("p256.sig", DerOf(p256.Sign(digest)));
    EXPECT_TRUE(scratch.Openssl("dgst -sha256 -verify p256.pem -signature p256.sig message"))
        << scratch.Read("log");
    EXPECT_FALSE(scratch.Openssl("dgst -sha256 -verify p256.pem -signature p256.sig digest"));
  }
  const PrivateKey& ed25519 = KeyOf(KeyType::kEd25519);
  scratch.Write("ed.pem", ed25519.public_key().ToPem());
  scratch.Write("ed.sig", ed25519.Sign(digest));
  const std::string verify = "pkeyutl -verify -pubin -inkey ed.pem -rawin -sigfile ed.sig -in ";
  EXPECT_TRUE(scratch.Openssl(verify + "digest")) << scratch.Read("log");
  EXPECT_FALSE(scratch.Openssl(verify + "message"));
}

TEST(Keys, VerifiesWhatOpensslSigns) {
  const Scratch scratch;
  const Sha256::Digest digest = Sha256::Of(SomeImage(1000, 3));
  scratch.Write("digest", digest);
  scratch.Write("key.pem", KeyOf(KeyType::kEd25519).ToPem({}));
  ASSERT_TRUE(scratch.Openssl("pkeyutl -sign -inkey key.pem -rawin -in digest -out sig"))
      << scratch.Read("log");
  const std::string text = scratch.Read("sig");
  const Bytes signature(text.begin(), text.end());
  EXPECT_TRUE(VerifySignature(VerifyingKey(KeyOf(KeyType::kEd25519)), digest, signature));
}

TEST(Keys, DeviceVerifierIsTheSame) {
  const SignatureVerifier verifier = HostSignatureVerifier();
  EXPECT_EQ(verifier.algorithms, 6);
  const Sha256::Digest digest = Sha256::Of({});
  for (const KeyType type : {KeyType::kP256, KeyType::kEd25519}) {
    const Signature signature = KeyOf(type).Sign(digest);
    EXPECT_TRUE(verifier.verify(verifier.context, VerifyingKey(KeyOf(type)), digest.data(),
                                signature.data()));
    EXPECT_FALSE(verifier.verify(verifier.context, VerifyingKey(KeyOf(type, 1)), digest.data(),
                                 signature.data()));
  }
}

TEST(Keys, BothSidesAgree) {
  for (const KeyType type : {KeyType::kP256, KeyType::kX25519}) {
    const SharedSecret secret = KeyOf(type).Agree(KeyOf(type, 1).public_key());
    EXPECT_EQ(secret, KeyOf(type, 1).Agree(KeyOf(type).public_key()));
    EXPECT_NE(secret, KeyOf(type, 1).Agree(KeyOf(type, 2).public_key()));
  }
  const auto agree = [](KeyType a, const HostPublicKey& b) {
    return StatusOf([&] { KeyOf(a).Agree(b); });
  };
  EXPECT_EQ(agree(KeyType::kP256, KeyOf(KeyType::kX25519).public_key()), Status::kUnsupported);
  EXPECT_EQ(agree(KeyType::kEd25519, KeyOf(KeyType::kEd25519).public_key()), Status::kUnsupported);
  EXPECT_EQ(agree(KeyType::kX25519, {KeyType::kX25519, Bytes(32)}), Status::kCorrupt);
  EXPECT_EQ(agree(KeyType::kP256, {KeyType::kP256, Bytes(64)}), Status::kCorrupt);
}

TEST(Keys, AgreesAsOpensslDoes) {
  const Scratch scratch;
  for (const KeyType type : {KeyType::kP256, KeyType::kX25519}) {
    scratch.Write("key.pem", KeyOf(type).ToPem({}));
    scratch.Write("peer.pem", KeyOf(type, 1).public_key().ToPem());
    ASSERT_TRUE(scratch.Openssl("pkeyutl -derive -inkey key.pem -peerkey peer.pem -out secret"));
    const SharedSecret secret = KeyOf(type).Agree(KeyOf(type, 1).public_key());
    EXPECT_EQ(scratch.Read("secret"), std::string(secret.begin(), secret.end()));
  }
}

}  // namespace
}  // namespace mote::testing
