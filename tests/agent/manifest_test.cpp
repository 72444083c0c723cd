// SPDX-License-Identifier: Apache-2.0
// The bytes of FORMAT.md 8 to 11 and of METADATA.md 2 with trust, written down by hand from there,
// against the code that reads and writes them; and the digest of a delta that arrives in pieces.
#include "agent/manifest.h"

#include <numeric>

#include "release/digests.h"
#include "release/manifest_reader.h"
#include "release/manifest_writer.h"
#include "stream/delta_hash.h"
#include "tests/agent/trust_rig.h"

namespace mote::testing {
namespace {

// Bytes that count up.
Bytes Counting(uint8_t from, size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), from);
  return bytes;
}
Bytes operator+(Bytes a, std::span<const uint8_t> b) {
  Append(a, b);
  return a;
}

// FORMAT.md 8: a vendor part for a P-256 vendor and an Ed25519 server.
const Bytes kVendorBytes = Hex("01 02 00 00"
                               "04 03 02 01"   // application 0x01020304
                               "08 07 06 05"   // hardware 0x05060708
                               "03 00 02 01"   // version 1.2.3
                               "0C 0B 0A 09"   // security counter
                               "10 0F 0E 0D"   // bytes
                               "00 80 00 08"   // address 0x08008000
                               "14 13 12 11")  // epoch
                           + Counting(0x20, 32) + Counting(0x60, 32);
// ... and a server part with X25519.
const Bytes kServerBytes = Hex("A0 A1 A2 A3 A4 A5 A6 A7"
                               "B0 B1 B2 B3 B4 B5 B6 B7"
                               "02 00 02 01"  // base version 1.2.2
                               "C0 C1 C2 C3"
                               "78 56 34 12"   // delta
                               "B0 01 00 00"   // RAM 432
                               "01 02 0A 00")  // LZSS with 2^8, X25519, pieces of 2^10
                           + Counting(0x80, 32) + Counting(0xD0, 32);
const Bytes kStatementBytes = Hex("05 00 00 00"   // sequence number
                                  "07 00 00 00"   // epoch
                                  "02 01 00 00")  // signed by Ed25519, a new key of P-256
                              + Counting(0x11, 64);

TEST(Manifest, AVendorPartIsRead) {
  ASSERT_EQ(kVendorBytes.size(), 96u);
  ASSERT_EQ(VendorPartSize(kVendorBytes.data()), 96u);
  const VendorPart part = ParseVendorPart(kVendorBytes.data());
  EXPECT_EQ(part.algorithm, SignatureAlgorithm::kP256);
  EXPECT_EQ(part.application, 0x01020304u);
  EXPECT_EQ(part.hardware, 0x05060708u);
  EXPECT_EQ(part.version, 0x01020003u);
  EXPECT_EQ(part.security_counter, 0x090A0B0Cu);
  EXPECT_EQ(part.size, 0x0D0E0F10u);
  EXPECT_EQ(part.link_address, 0x08008000u);
  EXPECT_EQ(part.server_epoch, 0x11121314u);
  EXPECT_EQ(part.digest, kVendorBytes.data() + 32);
  EXPECT_EQ(part.server_key.algorithm, SignatureAlgorithm::kEd25519);
  EXPECT_EQ(Bytes(part.server_key.bytes, part.server_key.bytes + 32), Counting(0x60, 32));
  EXPECT_EQ(VendorField(kVendorBytes.data(), kVendorCounter), part.security_counter);
}

TEST(Manifest, AServerPartIsRead) {
  ASSERT_EQ(kServerBytes.size(), 100u);
  ASSERT_EQ(ServerPartSize(kServerBytes.data()), 100u);
  const ServerPart part = ParseServerPart(kServerBytes.data());
  EXPECT_EQ(Bytes(part.device, part.device + 8), Counting(0xA0, 8));
  EXPECT_EQ(Bytes(part.nonce, part.nonce + 8), Counting(0xB0, 8));
  EXPECT_EQ(part.base_version, 0x01020002u);
  EXPECT_EQ(Bytes(part.base_prefix, part.base_prefix + 4), Counting(0xC0, 4));
  EXPECT_EQ(part.delta_size, 0x12345678u);
  EXPECT_EQ(part.decoder_ram, 432u);
  EXPECT_EQ(part.codec, 1);
  EXPECT_EQ(part.encryption, Encryption::kX25519);
  EXPECT_EQ(part.piece_bits, 10);
  EXPECT_EQ(Bytes(part.delta_digest, part.delta_digest + 32), Counting(0x80, 32));
  EXPECT_EQ(Bytes(part.parameter, part.parameter + 32), Counting(0xD0, 32));
  EXPECT_EQ(WriteServerPart(part), kServerBytes);
}

TEST(Manifest, AStatementIsRead) {
  ASSERT_EQ(StatementSize(kStatementBytes.data()), 76u);
  const Statement statement = ParseStatement(kStatementBytes.data());
  EXPECT_EQ(statement.sequence, 5u);
  EXPECT_EQ(statement.server_epoch, 7u);
  EXPECT_EQ(statement.algorithm, SignatureAlgorithm::kEd25519);
  EXPECT_EQ(statement.root.algorithm, SignatureAlgorithm::kP256);
  EXPECT_EQ(Bytes(statement.root.bytes, statement.root.bytes + 64), Counting(0x11, 64));
}

TEST(Manifest, WhatIsSigned) {
  EXPECT_EQ(VendorDigestOf(kVendorBytes), Tagged("mote-v1", {kVendorBytes}));
  Sha256::Digest base;
  base.fill(0x77);
  EXPECT_EQ(
      ServerDigestOf(kVendorBytes, base, kServerBytes),
      Tagged("mote-s1", {AsBytes(Tagged("mote-v1", {kVendorBytes})), AsBytes(base), kServerBytes}));
  EXPECT_EQ(StatementDigestOf(Hex("6D 74 4B 01") + kStatementBytes),
            Tagged("mote-k1", {kStatementBytes}));
  // Nothing behind the parts is part of them.
  EXPECT_EQ(VendorDigestOf(kVendorBytes + kServerBytes), VendorDigestOf(kVendorBytes));
}

TEST(Manifest, SizesOfAllAlgorithms) {
  const uint32_t key[] = {0, 64, 32};
  Bytes part = kVendorBytes;
  Bytes statement = kStatementBytes;
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      const bool known = (a == 1 || a == 2) && b <= 2;
      part[0] = statement[8] = static_cast<uint8_t>(a);
      part[1] = statement[9] = static_cast<uint8_t>(b);
      ASSERT_EQ(VendorPartSize(part.data()), known ? 64 + key[b] : 0) << a << " " << b;
      ASSERT_EQ(StatementSize(statement.data()), known ? 12 + key[b] : 0) << a << " " << b;
    }
  }
  part[0] = statement[8] = 2;
  part[1] = statement[9] = 2;
  for (unsigned bit = 0; bit < 16; ++bit) {
    Bytes flagged = part, flagged_statement = statement;
    flagged[2 + bit / 8] = flagged_statement[10 + bit / 8] = static_cast<uint8_t>(1 << bit % 8);
    EXPECT_EQ(VendorPartSize(flagged.data()), 0u) << bit;
    EXPECT_EQ(StatementSize(flagged_statement.data()), 0u) << bit;
  }
}

TEST(Manifest, SizesOfAllEncryptions) {
  const uint32_t parameter[] = {0, 16, 32, 64};
  Bytes part = kServerBytes;
  for (unsigned encryption = 0; encryption < 256; ++encryption) {
    for (unsigned bits = 0; bits < 256; ++bits) {
      part[33] = static_cast<uint8_t>(encryption);
      part[34] = static_cast<uint8_t>(bits);
      const bool known = encryption == 0 ? bits == 0 : encryption <= 3 && bits >= 5 && bits <= 16;
      ASSERT_EQ(ServerPartSize(part.data()), known ? 68 + parameter[encryption] : 0)
          << encryption << " " << bits;
    }
  }
  part[33] = 2, part[34] = 10;
  for (unsigned flag = 1; flag < 256; ++flag) {
    part[35] = static_cast<uint8_t>(flag);
    ASSERT_EQ(ServerPartSize(part.data()), 0u);
  }
}

// FORMAT.md 8: "P-256 twice and no encryption make 328 bytes, Ed25519 296".
TEST(Manifest, SizesOfWholeOnes) {
  const struct {
    KeyType vendor, server;
    uint32_t size;
  } cases[] = {{KeyType::kP256, KeyType::kP256, 328},
               {KeyType::kEd25519, KeyType::kEd25519, 296},
               {KeyType::kP256, KeyType::kEd25519, 296},
               {KeyType::kEd25519, KeyType::kP256, 328}};
  for (const auto& c : cases) {
    const PrivateKey& vendor = TestKey(c.vendor, 0);
    const PrivateKey& server = TestKey(c.server, 1);
    ReleaseFields fields;
    fields.version = 1;
    fields.server_key = PublicOf(server);
    const Bytes image(10, 1);
    const Bytes release =
        WriteRelease(WriteVendorPart(fields, PublicOf(vendor).algorithm, image), vendor);
    EXPECT_EQ(release.size(), c.size - 68 - 64);
    Bytes part = kServerBytes;
    part.resize(68);
    part[33] = part[34] = 0;
    const Bytes manifest = WriteManifest(release, {}, part, server);
    EXPECT_EQ(manifest.size(), c.size);
    EXPECT_LE(manifest.size(), kMaxManifestSize);
    EXPECT_EQ(Bytes(manifest.begin(), manifest.begin() + 4), Hex("6D 74 4D 81"));
    EXPECT_EQ(Bytes(release.begin(), release.begin() + 4), Hex("6D 74 4D 01"));
    const OfferView view = ReadOffer(manifest);
    EXPECT_EQ(view.manifest.size(), c.size);
    EXPECT_EQ(AsBytes(view.server_part), part);
  }
  EXPECT_EQ(kMaxManifestSize, 4u + 128 + 64 + 132 + 64);
}

TEST(Manifest, TheHostWritesWhatTheDocumentSays) {
  // Against fields that tests/agent/trust_rig.h puts in order by hand.
  Random random(1);
  const Bytes image = RandomBytes(random, 333);
  TrustRig rig;
  const VendorFields expected = rig.Release(image, 0x01020003, 7, 0x08008000);
  ReleaseFields fields;
  fields.application = TrustRig::kApplication;
  fields.hardware = TrustRig::kHardware;
  fields.version = 0x01020003;
  fields.security_counter = 7;
  fields.link_address = 0x08008000;
  fields.server_key = PublicOf(*rig.server);
  fields.server_epoch = TrustRig::kEpoch;
  EXPECT_EQ(WriteVendorPart(fields, SignatureAlgorithm::kEd25519, image), expected.Part());
  // Ed25519 signs the same in the same way.
  EXPECT_EQ(WriteStatement(*rig.vendor, 3, 9, PublicOf(TestKey(KeyType::kP256, 1))),
            (StatementFields{3, 9, rig.vendor, &TestKey(KeyType::kP256, 1)}.Make()));
  EXPECT_EQ(WriteStatement(*rig.vendor, 3, 9, {}), (StatementFields{3, 9, rig.vendor}.Make()));
  EXPECT_EQ(ParseVersion("1.2.3"), 0x01020003u);
}

// FORMAT.md 11.
TEST(Manifest, AToken) {
  const Bytes bytes =
      Hex("6D 74 54 01"
          "A0 A1 A2 A3 A4 A5 A6 A7"
          "B0 B1 B2 B3 B4 B5 B6 B7"
          "04 03 02 01  08 07 06 05"  // application, hardware
          "03 00 02 01"               // version 1.2.3
          "09 00 00 00"               // security counter
          "C0 C1 C2 C3 C4 C5 C6 C7"
          "B0 01 00 00"   // RAM 432
          "00 80 00 08"   // address 0x08008000
          "00 00 03 00"   // room 0x30000
          "07 00  03 80"  // codecs; instruction sets 0, 1 and 15
          "06 0F 0A 01");
  ASSERT_EQ(bytes.size(), 64u);
  Token token;
  ASSERT_EQ(ReadToken(bytes.data(), token), Status::kDone);
  EXPECT_EQ(Bytes(token.device, token.device + 8), Counting(0xA0, 8));
  EXPECT_EQ(Bytes(token.nonce, token.nonce + 8), Counting(0xB0, 8));
  EXPECT_EQ(token.application, 0x01020304u);
  EXPECT_EQ(token.hardware, 0x05060708u);
  EXPECT_EQ(token.version, 0x01020003u);
  EXPECT_EQ(token.security_counter, 9u);
  EXPECT_EQ(Bytes(token.base, token.base + 8), Counting(0xC0, 8));
  EXPECT_EQ(token.decoder_ram, 432u);
  EXPECT_EQ(token.link_address, 0x08008000u);
  EXPECT_EQ(token.capacity, 0x30000u);
  EXPECT_EQ(token.codecs, 0x07);
  EXPECT_EQ(token.architectures, 0x8003);
  EXPECT_EQ(token.signatures, 0x06);
  EXPECT_EQ(token.encryptions, 0x0F);
  EXPECT_EQ(token.piece_bits, 10);
  EXPECT_TRUE(token.small_model);
  Bytes written(64, 0xEE);
  WriteToken(token, written.data());
  EXPECT_EQ(written, bytes);
  for (uint32_t i = 0; i < 4; ++i) {
    Bytes changed = bytes;
    changed[i] ^= 2;
    EXPECT_EQ(ReadToken(changed.data(), token), Status::kUnsupported) << i;
  }
  for (unsigned flags = 0; flags < 256; ++flags) {
    Bytes changed = bytes;
    changed[63] = static_cast<uint8_t>(flags);
    EXPECT_EQ(ReadToken(changed.data(), token), flags <= 1 ? Status::kDone : Status::kUnsupported);
  }
}

// ---- METADATA.md 2, in a layout with trust.

uint32_t Fnv(std::span<const uint8_t> bytes) {
  uint32_t hash = 0x811C9DC5;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x01000193;
  return hash;
}
Bytes Mark(uint32_t sequence, uint32_t number) {
  Bytes seed, mark;
  Append32(seed, sequence);
  Append32(seed, number);
  Append32(mark, number);
  Append32(mark, Fnv(seed));
  return mark;
}
// Two slots: 644 bytes are 0x284. Slot 0 confirmed with a release, slot 1 empty.
Bytes TrustedRecord(uint32_t sequence) {
  Bytes bytes = Hex("6D 74 4D 44  01 02 84 02");
  Append32(bytes, sequence);
  Append(bytes, Hex("00 01 00 00  00000000 00000000"
                    "0A 00 00 00"     // security counter
                    "0B 00 00 00"     // server epoch
                    "0C 00 00 00"     // statement
                    "02 01 00 00"));  // Ed25519, before it P-256
  Append(bytes, Counting(0x40, 32));
  bytes.resize(bytes.size() + 32);
  Append(bytes, Counting(0x90, 64));
  Append(bytes, Hex("04 00 03 00  34120000  07000000"));
  Append(bytes, Counting(0x00, 32));
  Append(bytes, Counting(0x30, 192));
  bytes.resize(bytes.size() + 236);
  Append32(bytes, Fnv(bytes));
  return bytes;
}
void Recheck(Bytes& record) {
  record.resize(record.size() - 4);
  Append32(record, Fnv(record));
}

class TrustedMetadata : public ::testing::Test {
 protected:
  static constexpr uint32_t kPage = 4 * TrustRig::kSector;
  void Write(const Bytes& record, uint32_t sequence, uint32_t seals = 2) {
    const uint32_t at = rig.layout.metadata.offset;
    rig.simulated.Blank(at, 2 * kPage);
    rig.simulated.Load(at, record);
    for (uint32_t i = 0; i < seals; ++i) {
      rig.simulated.Load(at + static_cast<uint32_t>(record.size()) + 8 * i, Mark(sequence, i));
    }
  }
  TrustRig rig;
};

TEST_F(TrustedMetadata, IsRead) {
  const Bytes record = TrustedRecord(9);
  ASSERT_EQ(record.size(), 172u + 2 * 236);
  Write(record, 9);
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  EXPECT_FALSE(rig.metadata.empty());
  EXPECT_TRUE(rig.metadata.certain());
  const TrustRecord& trust = rig.metadata.trust;
  EXPECT_EQ(trust.security_counter, 10u);
  EXPECT_EQ(trust.server_epoch, 11u);
  EXPECT_EQ(trust.statement, 12u);
  EXPECT_EQ(trust.root.algorithm, SignatureAlgorithm::kEd25519);
  EXPECT_EQ(Bytes(trust.root.bytes, trust.root.bytes + 32), Counting(0x40, 32));
  EXPECT_EQ(trust.previous_root.algorithm, SignatureAlgorithm::kP256);
  EXPECT_EQ(Bytes(trust.previous_root.bytes, trust.previous_root.bytes + 64), Counting(0x90, 64));
  const SlotRecord& slot = rig.metadata.slot(0);
  EXPECT_EQ(slot.state, SlotState::kConfirmed);
  EXPECT_TRUE(slot.has_digest);
  EXPECT_TRUE(slot.has_release);
  EXPECT_EQ(slot.size, 0x1234u);
  EXPECT_EQ(slot.update, 7u);
  EXPECT_EQ(Bytes(slot.digest, slot.digest + 32), Counting(0, 32));
  EXPECT_EQ(Bytes(slot.release, slot.release + 192), Counting(0x30, 192));
  EXPECT_FALSE(rig.metadata.slot(1).has_release);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kEmpty);
}

TEST_F(TrustedMetadata, IsWritten) {
  Write(TrustedRecord(9), 9);
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  Bytes expected = TrustedRecord(10) + Mark(10, 0);
  Append(expected, Mark(10, 1));
  expected.resize(kPage, 0xFF);
  EXPECT_EQ(Compare(rig.simulated.Content(rig.layout.metadata.offset + kPage, kPage), expected),
            "");
}

TEST_F(TrustedMetadata, UnknownValuesAreRefused) {
  const auto load = [&](uint32_t at, uint8_t value) {
    Bytes record = TrustedRecord(9);
    record[at] = value;
    Recheck(record);
    Write(record, 9);
    return rig.metadata.Load(rig.layout);
  };
  EXPECT_EQ(load(13, 1), Status::kDone);
  EXPECT_EQ(load(13, 0), Status::kUnsupported) << "without trust";
  EXPECT_EQ(load(13, 3), Status::kUnsupported) << "another flag";
  EXPECT_EQ(load(14, 1), Status::kUnsupported);
  EXPECT_EQ(load(36, 3), Status::kUnsupported) << "the root's algorithm";
  EXPECT_EQ(load(37, 3), Status::kUnsupported) << "that of the one before";
  EXPECT_EQ(load(36, 0), Status::kDone);
  EXPECT_EQ(load(38, 1), Status::kUnsupported);
  EXPECT_EQ(load(39, 1), Status::kUnsupported);
  EXPECT_EQ(load(168, 6), Status::kUnsupported) << "the slot's state";
  EXPECT_EQ(load(170, 4), Status::kUnsupported) << "its flags";
  EXPECT_EQ(load(171, 1), Status::kUnsupported);
}

TEST_F(TrustedMetadata, EveryFlippedBitIsNoRecord) {
  const Bytes record = TrustedRecord(9);
  for (size_t bit = 0; bit < record.size() * 8; bit += 1 + bit % 5) {
    Bytes changed = record;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    Write(changed, 9);
    ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone) << bit;
    ASSERT_TRUE(rig.metadata.empty()) << bit;
  }
}

TEST_F(TrustedMetadata, ALayoutWithoutTrustRefusesIt) {
  Write(TrustedRecord(9), 9);
  rig.layout.trust = nullptr;
  EXPECT_EQ(rig.metadata.Load(rig.layout), Status::kUnsupported);
}

TEST_F(TrustedMetadata, ALayoutWithTrustRefusesOneWithout) {
  Bytes record = Hex("6D 74 4D 44  01 02 74 00  09 00 00 00");
  record.resize(112);
  Append32(record, Fnv(record));
  Write(record, 9);
  EXPECT_EQ(rig.metadata.Load(rig.layout), Status::kUnsupported);
  rig.layout.trust = nullptr;
  EXPECT_EQ(rig.metadata.Load(rig.layout), Status::kDone) << "the record is right";
  EXPECT_FALSE(rig.metadata.empty());
}

TEST_F(TrustedMetadata, RoundTrip) {
  Random random(6);
  for (int i = 0; i < 30; ++i) {
    Metadata& metadata = rig.metadata;
    TrustRecord& trust = metadata.trust;
    trust = {random.Below(1u << 31), random.Below(1u << 31), random.Below(1u << 31), {}, {}};
    for (PublicKey* key : {&trust.root, &trust.previous_root}) {
      key->algorithm = static_cast<SignatureAlgorithm>(random.Below(3));
      for (uint8_t& byte : key->bytes) byte = static_cast<uint8_t>(random.Next());
    }
    for (uint8_t slot = 0; slot < 2; ++slot) {
      metadata.slot(slot).has_release = random.Below(2) != 0;
      for (uint8_t& byte : metadata.slot(slot).release) byte = static_cast<uint8_t>(random.Next());
    }
    ASSERT_EQ(metadata.Commit(), Status::kDone);
    Metadata other;
    ASSERT_EQ(other.Load(rig.layout), Status::kDone);
    EXPECT_EQ(other.trust.security_counter, trust.security_counter);
    EXPECT_EQ(other.trust.server_epoch, trust.server_epoch);
    EXPECT_EQ(other.trust.statement, trust.statement);
    const std::pair<const PublicKey&, const PublicKey&> keys[] = {
        {other.trust.root, trust.root}, {other.trust.previous_root, trust.previous_root}};
    for (const auto& [read, written] : keys) {
      EXPECT_EQ(read.algorithm, written.algorithm);
      EXPECT_TRUE(std::ranges::equal(read.bytes, written.bytes));
    }
    for (uint8_t slot = 0; slot < 2; ++slot) {
      EXPECT_EQ(other.slot(slot).has_release, metadata.slot(slot).has_release);
      EXPECT_TRUE(std::ranges::equal(other.slot(slot).release, metadata.slot(slot).release));
    }
  }
}

// ---- The digest of a delta.

class DeltaDigest : public ::testing::Test {
 protected:
  static void Start(DeltaHash& delta_hash, Sha256& state) {
    state = Sha256();
    delta_hash.Start(state.hash(), state.hash_state());
  }
  static Sha256::Digest End(DeltaHash& delta_hash, Sha256& state) {
    delta_hash.Flush();
    return state.Finish();
  }
  Random random{2};
  const Bytes bytes = RandomBytes(random, 64 * 4 + 13);
  DeltaHash hash;
  Sha256 sha;
};

TEST_F(DeltaDigest, PiecesOfAnySize) {
  for (uint32_t size = 0; size <= bytes.size(); ++size) {
    for (const uint32_t piece : {1u, 7u, 63u, 64u, 65u, 500u}) {
      Start(hash, sha);
      for (uint32_t at = 0; at < size; at += piece) {
        hash.Update(bytes.data() + at, std::min(piece, size - at));
      }
      ASSERT_EQ(End(hash, sha), Sha256::Of(std::span(bytes).first(size))) << size << " " << piece;
    }
  }
}

TEST_F(DeltaDigest, IsTransferredAtEveryPosition) {
  for (uint32_t at = 0; at <= bytes.size(); ++at) {
    Start(hash, sha);
    hash.Update(bytes.data(), at);
    Bytes saved;
    StateStream saving(
        false,
        [](void* to, uint8_t* data, uint32_t size) {
          Append(*static_cast<Bytes*>(to), {data, size});
        },
        &saved);
    hash.Transfer(saving);
    // CHECKPOINT.md 2: 4 bytes, what waits, 32 bytes.
    ASSERT_EQ(saved.size(), 4 + at % 64 + 32);
    // To save changes nothing.
    hash.Update(bytes.data() + at, static_cast<uint32_t>(bytes.size()) - at);
    ASSERT_EQ(End(hash, sha), Sha256::Of(bytes)) << at;

    Sha256 other_sha;
    DeltaHash other;
    Start(other, other_sha);
    other.Update(bytes.data(), 5);  // as if something else had been there
    std::span<const uint8_t> left(saved);
    StateStream restoring(
        true,
        [](void* from, uint8_t* data, uint32_t size) {
          auto& rest = *static_cast<std::span<const uint8_t>*>(from);
          std::copy_n(rest.begin(), size, data);
          rest = rest.subspan(size);
        },
        &left);
    other.Transfer(restoring);
    ASSERT_TRUE(left.empty());
    other.Update(bytes.data() + at, static_cast<uint32_t>(bytes.size()) - at);
    ASSERT_EQ(End(other, other_sha), Sha256::Of(bytes)) << at;
  }
}

}  // namespace
}  // namespace mote::testing
