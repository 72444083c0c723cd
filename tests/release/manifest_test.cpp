// SPDX-License-Identifier: Apache-2.0
// What the host writes, read by the device's parser and by the host's; statements and approvals;
// hostile files.
#include <algorithm>
#include <random>

#include "patch/bytes.h"
#include "release/approval.h"
#include "release/digests.h"
#include "release/verify.h"
#include "tests/release/support.h"

namespace mote::testing {
namespace {

constexpr KeyType kSigningTypes[] = {KeyType::kP256, KeyType::kEd25519};

ReleaseFields SomeFields(KeyType server) {
  ReleaseFields fields;
  fields.application = 0x11223344;
  fields.hardware = 0x55667788;
  fields.version = 0x01020003;
  fields.security_counter = 9;
  fields.link_address = 0x08008000;
  fields.server_key = VerifyingKey(KeyOf(server));
  fields.server_epoch = 4;
  return fields;
}

struct ServerBytes {
  Bytes device = SomeImage(kDeviceIdSize, 1), nonce = SomeImage(kNonceSize, 2),
        base = SomeImage(kDigestSize, 3), delta = SomeImage(kDigestSize, 4),
        parameter = SomeImage(64, 5);
  ServerPart part(Encryption encryption) const {
    return {device.data(),
            nonce.data(),
            0x01010002,
            base.data(),
            1234,
            4096,
            0x02,
            encryption,
            encryption == Encryption::kNone ? uint8_t{0} : uint8_t{10},
            delta.data(),
            parameter.data()};
  }
};

// A manifest with both parts, for this base.
Bytes SomeManifest(KeyType type, std::span<const uint8_t> image, const ServerBytes& server,
                   Encryption encryption) {
  const Release release = MakeRelease(SomeFields(type), image, KeyOf(type, 1));
  Sha256::Digest base;
  std::ranges::copy(server.base, base.begin());
  return WriteManifest(release.bytes(), base, WriteServerPart(server.part(encryption)),
                       KeyOf(type));
}

TEST(Manifest, TheDeviceReadsTheVendorPart) {
  const Bytes image = SomeImage(1000, 7);
  for (const KeyType type : kSigningTypes) {
    const ReleaseFields fields = SomeFields(type);
    const Release release = MakeRelease(fields, image, KeyOf(type, 1));
    const uint32_t size = VendorPartSize(release.bytes().data() + 4);
    EXPECT_EQ(release.bytes().size(), 4 + size + kSignatureSize);
    EXPECT_EQ(release.bytes()[3], 1);
    const VendorPart vendor = ParseVendorPart(release.bytes().data() + 4);
    EXPECT_EQ(vendor.algorithm, VerifyingKey(KeyOf(type)).algorithm);
    EXPECT_EQ(vendor.application, fields.application);
    EXPECT_EQ(vendor.hardware, fields.hardware);
    EXPECT_EQ(vendor.version, fields.version);
    EXPECT_EQ(vendor.security_counter, fields.security_counter);
    EXPECT_EQ(vendor.size, image.size());
    EXPECT_EQ(vendor.link_address, fields.link_address);
    EXPECT_EQ(vendor.server_epoch, fields.server_epoch);
    EXPECT_TRUE(std::ranges::equal(ImageDigest(vendor), Sha256::Of(image)));
    EXPECT_EQ(HostPublicKey::FromDevice(vendor.server_key), KeyOf(type).public_key());
  }
}

TEST(Manifest, TheDigestsAreThoseOfTheFormat) {
  const Bytes image = SomeImage(1000, 7);
  const ServerBytes server;
  const Bytes manifest = SomeManifest(KeyType::kP256, image, server, Encryption::kNone);
  const OfferView view = ReadOffer(manifest);
  // FORMAT.md, 8, once more and by hand.
  const auto tagged = [](const char* tag, std::initializer_list<std::span<const uint8_t>> parts) {
    Sha256 sha256;
    sha256.Update({reinterpret_cast<const uint8_t*>(tag), 8});
    for (const auto part : parts) sha256.Update(part);
    return sha256.Finish();
  };
  const auto vendor = tagged("mote-v1\0", {std::span(manifest).subspan(4, 128)});
  EXPECT_TRUE(VerifySignature(VerifyingKey(KeyOf(KeyType::kP256, 1)), vendor,
                              std::span(manifest).subspan(132, 64)));
  const auto signed_by_server =
      tagged("mote-s1\0", {vendor, server.base, std::span(manifest).subspan(196, 68)});
  EXPECT_TRUE(VerifySignature(VerifyingKey(KeyOf(KeyType::kP256)), signed_by_server,
                              std::span(manifest).subspan(264, 64)));
  EXPECT_EQ(ServerDigestOf(
                view.vendor_part,
                [&] {
                  Sha256::Digest base;
                  std::ranges::copy(server.base, base.begin());
                  return base;
                }(),
                view.server_part),
            signed_by_server);
}

TEST(Manifest, SizesAreThoseOfTheFormat) {
  const Bytes image = SomeImage(100, 7);
  const ServerBytes server;
  EXPECT_EQ(SomeManifest(KeyType::kP256, image, server, Encryption::kNone).size(), 328u);
  EXPECT_EQ(SomeManifest(KeyType::kEd25519, image, server, Encryption::kNone).size(), 296u);
  EXPECT_EQ(SomeManifest(KeyType::kP256, image, server, Encryption::kSharedKey).size(), 344u);
  EXPECT_EQ(SomeManifest(KeyType::kP256, image, server, Encryption::kX25519).size(), 360u);
  EXPECT_EQ(SomeManifest(KeyType::kP256, image, server, Encryption::kP256).size(),
            kMaxManifestSize);
}

TEST(Manifest, TheDeviceReadsTheServerPart) {
  const ServerBytes server;
  for (const Encryption encryption :
       {Encryption::kNone, Encryption::kSharedKey, Encryption::kX25519, Encryption::kP256}) {
    const ServerPart written = server.part(encryption);
    const Bytes bytes = WriteServerPart(written);
    ASSERT_EQ(ServerPartSize(bytes.data()), bytes.size());
    const ServerPart read = ParseServerPart(bytes.data());
    EXPECT_TRUE(std::equal(read.device, read.device + kDeviceIdSize, written.device));
    EXPECT_TRUE(std::equal(read.nonce, read.nonce + kNonceSize, written.nonce));
    EXPECT_EQ(read.base_version, written.base_version);
    EXPECT_TRUE(std::equal(read.base_prefix, read.base_prefix + 4, written.base_prefix));
    EXPECT_EQ(read.delta_size, written.delta_size);
    EXPECT_EQ(read.decoder_ram, written.decoder_ram);
    EXPECT_EQ(read.codec, written.codec);
    EXPECT_EQ(read.encryption, written.encryption);
    EXPECT_EQ(read.piece_bits, written.piece_bits);
    EXPECT_TRUE(std::equal(read.delta_digest, read.delta_digest + 32, written.delta_digest));
    EXPECT_TRUE(std::equal(read.parameter, read.parameter + EncryptionParameterSize(encryption),
                           written.parameter));
  }
  ServerPart wrong = server.part(Encryption::kNone);
  wrong.piece_bits = 10;
  EXPECT_EQ(StatusOf([&] { WriteServerPart(wrong); }), Status::kBadArgument);
  wrong = server.part(Encryption::kX25519);
  for (const uint8_t bits : {0, 4, 17}) {
    wrong.piece_bits = bits;
    EXPECT_EQ(StatusOf([&] { WriteServerPart(wrong); }), Status::kBadArgument);
  }
}

TEST(Manifest, EveryBitIsSigned) {
  const Bytes image = SomeImage(300, 7);
  for (const KeyType type : kSigningTypes) {
    ServerBytes server;
    const Bytes base = SomeImage(50, 8);
    std::ranges::copy(Sha256::Of(base), server.base.begin());
    const Bytes manifest = SomeManifest(type, image, server, Encryption::kX25519);
    const TrustedKeys trusted{VerifyingKey(KeyOf(type, 1))};
    const auto verify = [&](const Bytes& bytes) {
      return StatusOf([&] {
        const OfferView view = ReadOffer(bytes);
        if (!view.payload.empty()) throw Error(Status::kCorrupt, "too long");
        VerifyVendor(view, trusted);
        if (!view.has_server_part()) throw Error(Status::kCorrupt, "no server part");
        VerifyServer(view, base);
      });
    };
    ASSERT_EQ(verify(manifest), Status::kDone);
    for (size_t i = 0; i < manifest.size(); ++i) {
      Bytes changed = manifest;
      changed[i] ^= static_cast<uint8_t>(1 << i % 8);
      EXPECT_NE(verify(changed), Status::kDone) << i;
    }
    for (size_t size = 0; size < manifest.size(); ++size) {
      const Status status =
          verify(Bytes(manifest.begin(), manifest.begin() + static_cast<long>(size)));
      EXPECT_EQ(status, size < 4 ? Status::kUnsupported : Status::kCorrupt) << size;
    }
  }
}

TEST(Manifest, WrongBaseAndWrongKeys) {
  const Bytes image = SomeImage(300, 7);
  const Bytes base = SomeImage(50, 8);
  ServerBytes server;
  std::ranges::copy(Sha256::Of(base), server.base.begin());
  const Bytes manifest = SomeManifest(KeyType::kP256, image, server, Encryption::kNone);
  const OfferView view = ReadOffer(manifest);
  EXPECT_EQ(StatusOf([&] { VerifyServer(view, SomeImage(50, 9)); }), Status::kWrongBase);
  EXPECT_EQ(StatusOf([&] { VerifyVendor(view, {VerifyingKey(KeyOf(KeyType::kP256, 2))}); }),
            Status::kBadSignature);
  EXPECT_EQ(StatusOf([&] { VerifyVendor(view, {VerifyingKey(KeyOf(KeyType::kEd25519, 1))}); }),
            Status::kBadSignature);
  TrustedKeys revoked{VerifyingKey(KeyOf(KeyType::kP256, 1)), 1, 5};
  EXPECT_EQ(StatusOf([&] { VerifyVendor(view, revoked); }), Status::kBadSignature);
  revoked.server_epoch = 4;
  EXPECT_EQ(StatusOf([&] { VerifyVendor(view, revoked); }), Status::kDone);
  EXPECT_EQ(StatusOf([&] { VerifyImage(view.vendor(), image); }), Status::kDone);
  EXPECT_EQ(StatusOf([&] { VerifyImage(view.vendor(), SomeImage(300, 8)); }), Status::kCorrupt);
  EXPECT_EQ(StatusOf([&] { VerifyImage(view.vendor(), SomeImage(299, 7)); }), Status::kCorrupt);
}

TEST(Manifest, WhatAVendorCannotSay) {
  const Bytes image = SomeImage(10, 1);
  ReleaseFields fields = SomeFields(KeyType::kP256);
  EXPECT_EQ(StatusOf([&] { WriteVendorPart(fields, SignatureAlgorithm::kP256, {}); }),
            Status::kBadImage);
  EXPECT_EQ(StatusOf([&] { WriteVendorPart(fields, SignatureAlgorithm::kNone, image); }),
            Status::kBadArgument);
  const Bytes part = WriteVendorPart(fields, SignatureAlgorithm::kP256, image);
  EXPECT_EQ(StatusOf([&] { WriteRelease(part, KeyOf(KeyType::kEd25519)); }), Status::kBadArgument);
  EXPECT_EQ(StatusOf([&] { WriteRelease(part, KeyOf(KeyType::kX25519)); }), Status::kUnsupported);
  fields.version = 0;
  EXPECT_EQ(StatusOf([&] { WriteVendorPart(fields, SignatureAlgorithm::kP256, image); }),
            Status::kBadArgument);
  const ServerBytes server;
  const Bytes offer = SomeManifest(KeyType::kP256, image, server, Encryption::kNone);
  EXPECT_EQ(StatusOf([&] { Release{offer}; }), Status::kUnsupported);
}

TEST(Manifest, Versions) {
  EXPECT_EQ(ParseVersion("1.2.3"), 0x01020003u);
  EXPECT_EQ(ParseVersion("255.255.65535"), 0xFFFFFFFFu);
  EXPECT_EQ(VersionText(0x01020003), "1.2.3");
  EXPECT_EQ(VersionText(0xFFFFFFFF), "255.255.65535");
  for (const char* wrong : {"", "1", "1.2", "1.2.3.4", "256.0.0", "0.256.0", "0.0.65536", "1..2",
                            "-1.2.3", "1.2.3 ", " 1.2.3", "1.2.x", "+1.2.3", "v1.2.3"}) {
    EXPECT_EQ(ParseVersion(wrong), std::nullopt) << wrong;
  }
}

TEST(Statements, TheDeviceReadsThem) {
  for (const KeyType type : kSigningTypes) {
    for (const KeyType next : kSigningTypes) {
      const Bytes bytes = WriteStatement(KeyOf(type), 7, 3, VerifyingKey(KeyOf(next, 1)));
      ASSERT_EQ(StatementSize(bytes.data() + 4), bytes.size() - 4 - kSignatureSize);
      const Statement statement = ParseStatement(bytes.data() + 4);
      EXPECT_EQ(statement.sequence, 7u);
      EXPECT_EQ(statement.server_epoch, 3u);
      EXPECT_EQ(statement.algorithm, VerifyingKey(KeyOf(type)).algorithm);
      EXPECT_EQ(HostPublicKey::FromDevice(statement.root), KeyOf(next, 1).public_key());
    }
    EXPECT_EQ(WriteStatement(KeyOf(type), 1, 0, {}).size(), 80u);
  }
  EXPECT_EQ(StatusOf([] { WriteStatement(KeyOf(KeyType::kP256), 0, 0, {}); }),
            Status::kBadArgument);
}

TEST(Statements, AChainReplacesTheRootKey) {
  const PrivateKey& first = KeyOf(KeyType::kP256);
  const PrivateKey& second = KeyOf(KeyType::kEd25519);
  const PrivateKey& third = KeyOf(KeyType::kP256, 1);
  const Bytes one = WriteStatement(first, 1, 1, VerifyingKey(second));
  const Bytes two = WriteStatement(second, 2, 1, VerifyingKey(third));
  const Bytes lower = WriteStatement(third, 3, 0, {});
  TrustedKeys trusted{VerifyingKey(first)};
  EXPECT_EQ(StatusOf([&] { TakeStatement(trusted, two); }), Status::kBadSignature);
  EXPECT_TRUE(TakeStatement(trusted, one));
  EXPECT_FALSE(TakeStatement(trusted, one));  // once
  EXPECT_TRUE(TakeStatement(trusted, two));
  EXPECT_EQ(StatusOf([&] { TakeStatement(trusted, lower); }), Status::kDowngrade);
  EXPECT_EQ(HostPublicKey::FromDevice(trusted.root), third.public_key());
  EXPECT_EQ(trusted.server_epoch, 1u);
  EXPECT_EQ(trusted.sequence, 2u);

  // In front of a manifest, as they travel.
  const Release release = MakeRelease(SomeFields(KeyType::kP256), SomeImage(20, 1), third);
  Bytes offer = one;
  offer.insert(offer.end(), two.begin(), two.end());
  offer.insert(offer.end(), release.bytes().begin(), release.bytes().end());
  offer.push_back(0xD1);
  const OfferView view = ReadOffer(offer);
  ASSERT_EQ(view.statements.size(), 2u);
  EXPECT_TRUE(std::ranges::equal(view.statements[1], two));
  EXPECT_TRUE(std::ranges::equal(view.manifest, release.bytes()));
  EXPECT_EQ(view.payload.size(), 1u);
  EXPECT_EQ(StatusOf([&] { VerifyVendor(view, trusted); }), Status::kDone);

  Bytes junk = one;
  junk.push_back(0);
  EXPECT_EQ(StatusOf([&] { ReadOffer(junk); }), Status::kCorrupt);
}

TEST(Statements, EveryBitIsSigned) {
  const Bytes bytes =
      WriteStatement(KeyOf(KeyType::kP256), 7, 3, VerifyingKey(KeyOf(KeyType::kEd25519)));
  for (size_t i = 0; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] ^= static_cast<uint8_t>(1 << i % 8);
    EXPECT_NE(StatusOf([&] {
                const OfferView view = ReadOffer(changed);
                TrustedKeys trusted{VerifyingKey(KeyOf(KeyType::kP256))};
                if (!TakeStatement(trusted, view.statements.at(0))) {
                  throw Error(Status::kStale, "skipped");
                }
              }),
              Status::kDone)
        << i;
  }
}

struct Approvers {
  Bytes part =
      WriteVendorPart(SomeFields(KeyType::kP256), SignatureAlgorithm::kP256, SomeImage(100, 1));
  ApprovalPolicy policy{
      2,
      {VerifyingKey(KeyOf(KeyType::kP256)), VerifyingKey(KeyOf(KeyType::kEd25519)),
       VerifyingKey(KeyOf(KeyType::kP256, 1))}};

  Approval By(const PrivateKey& key) const { return ReadApproval(WriteApproval(part, key)); }
  Status Check(const std::vector<Approval>& approvals) const {
    return StatusOf([&] { CheckApprovals(policy, part, approvals); });
  }
};

TEST(Approvals, KOfN) {
  const Approvers a;
  const Approval alice = a.By(KeyOf(KeyType::kP256));
  const Approval bob = a.By(KeyOf(KeyType::kEd25519));
  const Approval carol = a.By(KeyOf(KeyType::kP256, 1));
  EXPECT_EQ(a.Check({alice, bob}), Status::kDone);
  EXPECT_EQ(a.Check({carol, bob, alice}), Status::kDone);
  EXPECT_EQ(a.Check({}), Status::kBadSignature);
  EXPECT_EQ(a.Check({alice}), Status::kBadSignature);
  EXPECT_EQ(a.Check({alice, alice}), Status::kBadSignature);
  // ECDSA signs differently each time: a second approval by Alice is still Alice's.
  EXPECT_EQ(a.Check({alice, a.By(KeyOf(KeyType::kP256))}), Status::kBadSignature);
  EXPECT_EQ(a.Check({alice, a.By(KeyOf(KeyType::kP256, 2))}), Status::kBadSignature);
}

TEST(Approvals, AreForOneVendorPart) {
  const Approvers a;
  for (size_t i = 0; i < a.part.size(); ++i) {
    Approvers other = a;
    other.part[i] ^= 1;
    if (VendorPartSize(other.part.data()) != other.part.size()) continue;
    const Approval approval = a.By(KeyOf(KeyType::kP256));
    EXPECT_EQ(StatusOf([&] { CheckApproval(other.policy, other.part, approval); }),
              Status::kBadSignature)
        << i;
  }
  // A vendor's signature is no approval.
  Approval forged = a.By(KeyOf(KeyType::kP256));
  forged.signature = KeyOf(KeyType::kP256).Sign(VendorDigestOf(a.part));
  EXPECT_EQ(StatusOf([&] { CheckApproval(a.policy, a.part, forged); }), Status::kBadSignature);
}

TEST(Approvals, PoliciesThatCannotBe) {
  Approvers a;
  a.policy.threshold = 0;
  EXPECT_EQ(a.Check({}), Status::kBadArgument);
  a.policy.threshold = 4;
  EXPECT_EQ(a.Check({}), Status::kBadArgument);
  a.policy.threshold = 1;
  a.policy.approvers.push_back(a.policy.approvers[0]);
  EXPECT_EQ(a.Check({}), Status::kBadArgument);
}

// Reading what was changed at random must not read beyond it (the sanitizers see that).
TEST(Hostile, ChangedFilesAreReadOrRefused) {
  const ServerBytes server;
  const Bytes image = SomeImage(30, 1);
  Bytes offer = WriteStatement(KeyOf(KeyType::kP256), 1, 0, VerifyingKey(KeyOf(KeyType::kEd25519)));
  const Bytes manifest = SomeManifest(KeyType::kP256, image, server, Encryption::kP256);
  offer.insert(offer.end(), manifest.begin(), manifest.end());
  const Bytes approval =
      WriteApproval(WriteVendorPart(SomeFields(KeyType::kP256), SignatureAlgorithm::kP256, image),
                    KeyOf(KeyType::kP256));
  std::mt19937 random(1);
  const auto read = [](const Bytes& bytes) {
    const Status offer_status = StatusOf([&] {
      const OfferView view = ReadOffer(bytes);
      for (const auto statement : view.statements) ParseStatement(statement.data() + 4);
      if (view.manifest.empty()) return;
      view.vendor();
      if (view.has_server_part()) PayloadSize(view.server());
    });
    const Status approval_status = StatusOf([&] { ReadApproval(bytes); });
    for (const Status status : {offer_status, approval_status}) {
      EXPECT_TRUE(status == Status::kDone || status == Status::kCorrupt ||
                  status == Status::kUnsupported);
    }
  };
  for (const Bytes& file : {offer, approval}) {
    for (int i = 0; i < 20000; ++i) {
      Bytes changed = file;
      for (unsigned n = random() % 4 + 1; n != 0; --n) {
        // The first bytes of each part decide on most.
        const size_t at = random() % 2 == 0 ? random() % 24 : random() % changed.size();
        changed[at] = static_cast<uint8_t>(random() % 3 == 0 ? random() % 4 : random());
      }
      if (random() % 2 == 0) changed.resize(random() % (changed.size() + 1));
      changed.shrink_to_fit();
      read(changed);
    }
  }
}

}  // namespace
}  // namespace mote::testing
