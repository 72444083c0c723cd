// SPDX-License-Identifier: Apache-2.0
// The agent: offers that it takes, however they arrive, and each check of FORMAT.md 8, reached with
// everything else right. Statements are in agent_statement_test.cpp, interrupted updates in
// agent_resume_test.cpp.
#include "agent/agent.h"

#include <functional>
#include <string>
#include <vector>

#include "tests/agent/trust_rig.h"

namespace mote::testing {
namespace {

struct Shape {
  Install install;
  KeyType keys;
};
constexpr Shape kShapes[] = {{Install::kNone, KeyType::kEd25519},
                             {Install::kSwap, KeyType::kEd25519},
                             {Install::kOverwrite, KeyType::kEd25519},
                             {Install::kInPlace, KeyType::kEd25519},
                             {Install::kNone, KeyType::kP256}};
std::string ShapeName(const ::testing::TestParamInfo<Shape>& info) {
  return std::string(InstallName(info.param.install)) +
         (info.param.keys == KeyType::kP256 ? "P256" : "Ed25519");
}
TrustOptions Options(const Shape& shape) {
  return {.install = shape.install, .keys = shape.keys, .factory = true};
}

class AgentShape : public ::testing::TestWithParam<Shape> {
 protected:
  TrustRig rig{Options(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(All, AgentShape, ::testing::ValuesIn(kShapes), ShapeName);

// ---- Offers that are taken.

TEST_P(AgentShape, ADelta) {
  for (const Arrival arrival : kArrivals) {
    SCOPED_TRACE(static_cast<int>(arrival));
    TrustRig other(Options(GetParam()));
    EXPECT_EQ(other.agent->state(), AgentState::kWaiting);
    other.Request();
    EXPECT_EQ(other.agent->state(), AgentState::kStart);
    const OfferFields fields = other.Offer();
    EXPECT_EQ(fields.payload_at(), GetParam().keys == KeyType::kP256 ? 328u : 296u);
    ASSERT_EQ(other.Deliver(fields.Make(), arrival), Status::kDone);
    EXPECT_EQ(other.agent->Finish(), Status::kDone);
    other.ExpectRuns(other.new_image);
    EXPECT_EQ(VendorField(other.metadata.slot(other.running).release, kVendorVersion),
              TrustRig::kNewVersion);
  }
}

TEST_P(AgentShape, AFullImage) {
  rig.Request();
  OfferFields fields = rig.Offer();
  rig.MakeFull(fields, rig.new_image);
  ASSERT_EQ(rig.Deliver(fields.Make()), Status::kDone);
  rig.ExpectRuns(rig.new_image);
}

TEST_P(AgentShape, EncryptedPayloads) {
  // Several piece sizes; with the first, the delta is an exact multiple.
  for (const Encryption encryption :
       {Encryption::kSharedKey, Encryption::kX25519, Encryption::kP256}) {
    for (const uint8_t bits : {5, 6, 8, 9}) {
      for (const bool exact : {false, true}) {
        // There, what is signed is the file as it will be in staging.
        if (exact && GetParam().install == Install::kInPlace) continue;
        SCOPED_TRACE(std::to_string(static_cast<int>(encryption)) + ", 2^" + std::to_string(bits) +
                     (exact ? " exact" : ""));
        TrustRig other(Options(GetParam()));
        other.has_cipher = other.requires_encryption = true;
        ASSERT_EQ(other.PowerUp(), Status::kDone);
        const Token& token = other.Request();
        EXPECT_EQ(token.encryptions, 0x0E) << "all three, and not the plain one";
        EXPECT_EQ(token.piece_bits, 9);
        OfferFields fields = other.Offer();
        if (exact) {  // what follows a complete image is ignored
          Bytes padded = fields.payload;
          padded.resize((padded.size() + (1u << bits) - 1) >> bits << bits);
          other.SetDelta(fields, padded);
        }
        const size_t delta_size = fields.payload.size();
        other.Encrypt(fields, encryption, bits);
        EXPECT_EQ(fields.payload.size(),
                  delta_size + (delta_size + (1u << bits) - 1) / (1u << bits) * 16);
        const auto arrival = kArrivals[(bits + exact) % std::size(kArrivals)];
        ASSERT_EQ(other.Deliver(fields.Make(), arrival), Status::kDone);
        other.ExpectRuns(other.new_image);
      }
    }
  }
}

TEST_P(AgentShape, VendorOnlyByPolicy) {
  for (const Arrival arrival : kArrivals) {
    SCOPED_TRACE(static_cast<int>(arrival));
    TrustRig other(Options(GetParam()));
    other.accepts_vendor_only = true;
    ASSERT_EQ(other.PowerUp(), Status::kDone);
    OfferFields fields = other.Offer();  // nobody asked for it
    fields.header[3] = 1;
    ASSERT_EQ(other.Deliver(fields.Make(), arrival), Status::kDone);
    other.ExpectRuns(other.new_image);
  }
}

TEST_P(AgentShape, VendorOnlyWithoutAServerKey) {
  rig.accepts_vendor_only = true;
  ASSERT_EQ(rig.PowerUp(), Status::kDone);
  OfferFields fields = rig.Offer();
  fields.header[3] = 1;
  fields.vendor.server_algorithm = 0;
  fields.vendor.server_key.clear();
  fields.vendor.epoch = 0;  // of a key that is not there
  ASSERT_EQ(rig.Deliver(fields.Make()), Status::kDone);
  rig.ExpectRuns(rig.new_image);
}

TEST_P(AgentShape, ServerAndVendorWithKeysOfDifferentTypes) {
  const PrivateKey& other = TestKey(OtherType(GetParam().keys), 1);
  rig.Request();
  OfferFields fields = rig.Offer();
  fields.vendor.server_algorithm = NumberOf(other.type());
  fields.vendor.server_key = other.public_key().bytes;
  fields.server_signer = &other;
  ASSERT_EQ(rig.Deliver(fields.Make()), Status::kDone);
  rig.ExpectRuns(rig.new_image);
}

TEST_P(AgentShape, OneUpdateAfterTheOther) {
  Bytes image = rig.old_image;
  for (uint32_t i = 1; i <= 4; ++i) {
    SCOPED_TRACE(i);
    Random random(i);
    image = Edited(random, image, 3, 1700);
    rig.Request();
    ASSERT_EQ(rig.token.version, TrustRig::kOldVersion + i - 1);
    ASSERT_EQ(rig.Deliver(rig.Offer(image, TrustRig::kOldVersion + i).Make()), Status::kDone);
    rig.ExpectRuns(image);
  }
}

TEST_P(AgentShape, TheToken) {
  const Token token = rig.Request();
  EXPECT_TRUE(std::ranges::equal(token.device, rig.device));
  EXPECT_EQ(token.application, TrustRig::kApplication);
  EXPECT_EQ(token.hardware, TrustRig::kHardware);
  EXPECT_EQ(token.version, TrustRig::kOldVersion);
  EXPECT_EQ(token.security_counter, TrustRig::kOldCounter);
  EXPECT_TRUE(std::equal(token.base, token.base + 8, Sha256::Of(rig.old_image).begin()));
  EXPECT_EQ(token.decoder_ram, kUpdaterRam + rig.memory.size());
  EXPECT_EQ(token.link_address, GetParam().install == Install::kNone ? 0x2000u : 0x1000u);
  EXPECT_EQ(token.capacity, 8u * 256);
  EXPECT_EQ(token.codecs, 0x07);
  EXPECT_EQ(token.signatures, 0x06);
  EXPECT_EQ(token.encryptions, 0x01);
  EXPECT_EQ(token.piece_bits, 0);
  EXPECT_FALSE(token.small_model);
  const Token second = rig.Request();
  EXPECT_FALSE(std::ranges::equal(token.nonce, second.nonce));
}

// ---- Checks, one by one.

enum class Part { kHeader, kVendor, kServer };
struct Refusal {
  const char* what;
  Part part;
  uint32_t end;  // in that part, one past the byte that gives it away; 0: its signature's end
  Status status;
  std::function<void(TrustRig&, OfferFields&)> change;
  std::function<void(TrustRig&)> prepare = {};  // before the token
};

std::vector<Refusal> Refusals() {
  using R = TrustRig&;
  using F = OfferFields&;
  constexpr Part kH = Part::kHeader, kV = Part::kVendor, kS = Part::kServer;
  constexpr Status kUnsupported = Status::kUnsupported, kBadSignature = Status::kBadSignature,
                   kWrongDevice = Status::kWrongDevice, kDowngrade = Status::kDowngrade,
                   kCorrupt = Status::kCorrupt, kDoesNotFit = Status::kDoesNotFit,
                   kStale = Status::kStale, kWrongBase = Status::kWrongBase;
  const auto with_cipher = [](R rig) {
    rig.has_cipher = true;
    rig.PowerUp();
  };
  const auto lacks = [](uint8_t algorithm) {
    return [algorithm](R rig) {
      rig.trust.verifier.algorithms = static_cast<uint8_t>(0x06 & ~(1u << algorithm));
    };
  };
  return {
      {"magic 0", kH, 1, kUnsupported, [](R, F f) { f.header[0] = 'M'; }},
      {"magic 1", kH, 2, kUnsupported, [](R, F f) { f.header[1] = 'T'; }},
      {"another kind", kH, 3, kUnsupported, [](R, F f) { f.header[2] = 'T'; }},
      {"version 2", kH, 4, kUnsupported, [](R, F f) { f.header[3] = 0x82; }},
      {"version 0", kH, 4, kUnsupported, [](R, F f) { f.header[3] = 0x80; }},
      {"no server part, which the policy asks for", kH, 4, kUnsupported,
       [](R, F f) { f.header[3] = 1; }},
      {"nothing encrypted in a vendor-only one, which the policy asks for", kH, 4, kUnsupported,
       [](R, F f) { f.header[3] = 1; },
       [](R r) {
         r.has_cipher = r.requires_encryption = r.accepts_vendor_only = true;
         r.PowerUp();
       }},

      {"vendor's algorithm 0", kV, 1, kUnsupported, [](R, F f) { f.vendor.algorithm = 0; }},
      {"vendor's algorithm 3", kV, 1, kUnsupported, [](R, F f) { f.vendor.algorithm = 3; }},
      {"vendor's algorithm 255", kV, 1, kUnsupported, [](R, F f) { f.vendor.algorithm = 255; }},
      {"vendor's algorithm not the root's", kV, 1, kBadSignature,
       [](R r, F f) {
         f.vendor_signer = &TestKey(OtherType(r.vendor->type()), 0);
         f.vendor.algorithm = NumberOf(f.vendor_signer->type());
       }},
      {"vendor's algorithm not there", kV, 1, kUnsupported,
       [](R, F f) {
         f.vendor_signer = &TestKey(KeyType::kP256, 0);
         f.vendor.algorithm = 1;
       },
       lacks(1)},
      {"server's algorithm 3", kV, 2, kUnsupported, [](R, F f) { f.vendor.server_algorithm = 3; }},
      {"server's algorithm 255", kV, 2, kUnsupported,
       [](R, F f) { f.vendor.server_algorithm = 255; }},
      {"a server part, but no server key", kV, 2, kBadSignature,
       [](R, F f) {
         f.vendor.server_algorithm = 0;
         f.vendor.server_key.clear();
       }},
      {"flag", kV, 3, kUnsupported, [](R, F f) { f.vendor.flags[0] = 1; }},
      {"another flag", kV, 4, kUnsupported, [](R, F f) { f.vendor.flags[1] = 0x80; }},
      {"application", kV, 8, kWrongDevice, [](R, F f) { f.vendor.application ^= 1; }},
      {"application, high bit", kV, 8, kWrongDevice,
       [](R, F f) { f.vendor.application ^= 1u << 31; }},
      {"hardware", kV, 12, kWrongDevice, [](R, F f) { f.vendor.hardware ^= 1; }},
      {"the version that runs", kV, 16, kDowngrade,
       [](R, F f) { f.vendor.version = TrustRig::kOldVersion; }},
      {"an older version", kV, 16, kDowngrade,
       [](R, F f) { f.vendor.version = TrustRig::kOldVersion - 1; }},
      {"version 0", kV, 16, kDowngrade, [](R, F f) { f.vendor.version = 0; }},
      {"security counter", kV, 20, kDowngrade,
       [](R, F f) { f.vendor.counter = TrustRig::kOldCounter - 1; }},
      {"no bytes", kV, 24, kCorrupt, [](R, F f) { f.vendor.size = 0; }},
      {"one byte too many", kV, 24, kDoesNotFit, [](R, F f) { f.vendor.size = 8 * 256 + 1; }},
      {"4 GiB", kV, 24, kDoesNotFit, [](R, F f) { f.vendor.size = 0xFFFFFFFF; }},
      {"another slot's address", kV, 28, kDoesNotFit,
       [](R, F f) { f.vendor.address = f.vendor.address == 0x1000 ? 0x2000 : 0x1000; }},
      {"an old server key", kV, 32, kBadSignature,
       [](R, F f) { f.vendor.epoch = TrustRig::kEpoch - 1; }},
      {"signed by the server", kV, 0, kBadSignature, [](R r, F f) { f.vendor_signer = r.server; }},
      {"signed for another purpose", kV, 0, kBadSignature,
       [](R, F f) { f.vendor_signed = Tagged("mote-s1", {f.vendor.Part()}); }},
      {"signed without a purpose", kV, 0, kBadSignature,
       [](R, F f) { f.vendor_signed = Sha256::Of(f.vendor.Part()); }},

      {"device, first byte", kS, 8, kWrongDevice, [](R, F f) { f.server.device[0] ^= 1; }},
      {"device, last byte", kS, 8, kWrongDevice, [](R, F f) { f.server.device[7] ^= 0x80; }},
      {"nonce, first byte", kS, 16, kStale, [](R, F f) { f.server.nonce[0] ^= 1; }},
      {"nonce, last byte", kS, 16, kStale, [](R, F f) { f.server.nonce[7] ^= 0x80; }},
      {"base version", kS, 20, kWrongBase, [](R, F f) { ++f.server.base_version; }},
      {"base", kS, 24, kWrongBase, [](R, F f) { f.server.base_prefix[3] ^= 1; }},
      {"a base version, but no base", kS, 24, kWrongBase,
       [](R, F f) { f.server.base_prefix = {}; }},
      {"a base, but no version of it", kS, 24, kWrongBase,
       [](R, F f) { f.server.base_version = 0; }},
      {"a delta of no bytes", kS, 28, kCorrupt, [](R, F f) { f.server.delta_size = 0; }},
      {"a delta of a byte", kS, 28, kCorrupt, [](R, F f) { f.server.delta_size = 1; }},
      {"RAM", kS, 32, kDoesNotFit, [](R, F f) { ++f.server.decoder_ram; }},
      {"RAM, a lot", kS, 32, kDoesNotFit, [](R, F f) { f.server.decoder_ram = 0xFFFFFFFF; }},
      {"codec 3", kS, 33, kUnsupported, [](R, F f) { f.server.codec = 3; }},
      {"codec zstd", kS, 33, kUnsupported, [](R, F f) { f.server.codec = 9; }},
      {"codec 15", kS, 33, kUnsupported, [](R, F f) { f.server.codec = 0xFF; }},
      {"encrypted, but there is no cipher", kS, 34, kUnsupported,
       [](R r, F f) { r.Encrypt(f, Encryption::kSharedKey, 8); }},
      {"plain, but the policy asks for encryption", kS, 34, kUnsupported, [](R, F) {},
       [](R r) {
         r.has_cipher = r.requires_encryption = true;
         r.PowerUp();
       }},
      {"encryption without a key", kS, 34, kUnsupported,
       [](R r, F f) { r.Encrypt(f, Encryption::kX25519, 8); },
       [](R r) {
         r.cipher.encryptions = 0x0A;
         r.has_cipher = true;
         r.PowerUp();
       }},
      {"encryption 4", kS, 34, kUnsupported,
       [](R r, F f) {
         r.Encrypt(f, Encryption::kX25519, 8);
         f.server.encryption = 4;
       },
       with_cipher},
      {"encryption 255", kS, 34, kUnsupported, [](R, F f) { f.server.encryption = 255; },
       with_cipher},
      {"pieces, but not encrypted", kS, 35, kUnsupported, [](R, F f) { f.server.piece_bits = 8; },
       with_cipher},
      {"pieces too small", kS, 35, kUnsupported,
       [](R r, F f) {
         r.Encrypt(f, Encryption::kX25519, 8);
         f.server.piece_bits = 4;
       },
       with_cipher},
      {"pieces too large for anyone", kS, 35, kUnsupported,
       [](R r, F f) {
         r.Encrypt(f, Encryption::kX25519, 8);
         f.server.piece_bits = 17;
       },
       with_cipher},
      {"pieces larger than the buffer", kS, 35, kDoesNotFit,
       [](R r, F f) { r.Encrypt(f, Encryption::kX25519, 10); }, with_cipher},
      {"pieces a byte larger than the buffer", kS, 35, kDoesNotFit,
       [](R r, F f) { r.Encrypt(f, Encryption::kX25519, 9); },
       [](R r) {
         r.piece.resize(r.piece.size() - 1);
         r.has_cipher = true;
         r.PowerUp();
       }},
      {"flag of the server's", kS, 36, kUnsupported, [](R, F f) { f.server.flags = 1; }},
      {"another base that starts alike", kS, 0, kBadSignature,
       [](R, F f) { f.server.base_digest[31] ^= 1; }},
      {"another base, for a full image", kS, 0, kBadSignature,
       [](R r, F f) {
         const auto base = f.server.base_digest;
         r.MakeFull(f, r.new_image);
         f.server.base_digest = base;
       }},
      {"signed by the vendor", kS, 0, kBadSignature, [](R r, F f) { f.server_signer = r.vendor; }},
      {"signed by another server", kS, 0, kBadSignature,
       [](R r, F f) { f.server_signer = &TestKey(r.server->type(), 3); }},
      {"signed for another release", kS, 0, kBadSignature,
       [](R, F f) {
         OfferFields other = f;
         ++other.vendor.version;
         f.server_signed = other.ServerDigest();
       }},
      {"server signed for another purpose", kS, 0, kBadSignature,
       [](R, F f) {
         f.server_signed = Tagged("mote-v1", {AsBytes(f.VendorDigest()),
                                              AsBytes(f.server.base_digest), f.server.Part()});
       }},
      {"no point of X25519", kS, 0, kCorrupt,
       [](R r, F f) {
         r.Encrypt(f, Encryption::kX25519, 8);
         f.server.parameter.assign(32, 0);
       },
       with_cipher},
      {"no point of P-256", kS, 0, kCorrupt,
       [](R r, F f) {
         r.Encrypt(f, Encryption::kP256, 8);
         f.server.parameter[63] ^= 1;
       },
       with_cipher},
  };
}

TEST_P(AgentShape, EachCheck) {
  for (const Refusal& refusal : Refusals()) {
    SCOPED_TRACE(refusal.what);
    TrustRig other(Options(GetParam()));
    if (GetParam().keys == KeyType::kP256 && std::string(refusal.what).ends_with("not there")) {
      continue;  // the only key's algorithm: CheckedAlgorithms has it
    }
    if (refusal.prepare) refusal.prepare(other);
    other.Request();
    OfferFields fields = other.Offer();
    refusal.change(other, fields);
    const bool keeps_nonce = refusal.status != Status::kCorrupt || refusal.end != 0;
    uint32_t at = 0;
    switch (refusal.part) {
      case Part::kHeader:
        at = refusal.end;
        break;
      case Part::kVendor:
        at = fields.vendor_at() + refusal.end;
        if (refusal.end == 0) at = fields.server_at();
        break;
      case Part::kServer:
        at = fields.server_at() + refusal.end;
        if (refusal.end == 0) at = fields.payload_at();
        break;
    }
    if (keeps_nonce) {
      other.ExpectRefused(fields.Make(), at - 1, refusal.status);
    } else {  // the manifest holds, so there is no second one; the key cannot be agreed on
      const uint64_t before = other.changes();
      const Bytes bytes = fields.Make();
      ASSERT_EQ(other.agent->Begin(), Status::kNeedInput);
      ASSERT_EQ(other.agent->Write(0, bytes.data(), at - 1), Status::kNeedInput);
      EXPECT_EQ(other.agent->Write(at - 1, &bytes[at - 1], 1), refusal.status);
      EXPECT_EQ(other.agent->state(), AgentState::kCleaning);
      EXPECT_EQ(other.changes(), before);
    }
    // A good one, from a server that has what the device now asks for.
    other.Request();
    OfferFields good = other.Offer();
    if (other.requires_encryption) other.Encrypt(good, Encryption::kSharedKey, 5);
    ASSERT_EQ(other.Deliver(good.Make()), Status::kDone);
    other.ExpectRuns(other.new_image);
  }
}

// The limits themselves are taken: a check that refuses too much fails here.
TEST_P(AgentShape, EachCheckAtItsLimit) {
  struct Case {
    const char* what;
    std::function<void(TrustRig&, OfferFields&)> change;
  };
  const Case cases[] = {
      {"the largest image",
       [](TrustRig& r, OfferFields& f) {
         const Bytes large(8 * 256, 0x5A);
         f = r.Offer(large, TrustRig::kNewVersion);
       }},
      {"the largest version", [](TrustRig&, OfferFields& f) { f.vendor.version = 0xFFFFFFFF; }},
      {"the largest counter", [](TrustRig&, OfferFields& f) { f.vendor.counter = 0xFFFFFFFF; }},
      {"a newer server key", [](TrustRig&, OfferFields& f) { f.vendor.epoch = 0xFFFFFFFF; }},
      {"runs anywhere", [](TrustRig&, OfferFields& f) { f.vendor.address = kAnyAddress; }},
      {"less RAM", [](TrustRig&, OfferFields& f) { f.server.decoder_ram = 0; }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    TrustRig other(Options(GetParam()));
    other.Request();
    OfferFields fields = other.Offer();
    c.change(other, fields);
    ASSERT_EQ(other.Deliver(fields.Make()), Status::kDone);
    BootChoice choice = other.Restart();
    EXPECT_EQ(choice.refused, Status::kDone);
    EXPECT_EQ(choice.size, fields.vendor.size);
    EXPECT_EQ(Sha256::Of(other.Image(other.running, choice.size)), fields.vendor.digest);
  }
}

TEST(Agent, CheckedAlgorithms) {
  // A device that lost its only algorithm takes nothing any more, and says why.
  TrustRig rig({.keys = KeyType::kP256});
  rig.trust.verifier.algorithms = 1 << 2;
  rig.Request();
  const OfferFields fields = rig.Offer();
  rig.ExpectRefused(fields.Make(), fields.vendor_at(), Status::kUnsupported);
  // The server's key only, which a vendor-only manifest does not need.
  TrustRig other({.keys = KeyType::kEd25519});
  other.trust.verifier.algorithms = 1 << 2;
  other.accepts_vendor_only = true;
  ASSERT_EQ(other.PowerUp(), Status::kDone);
  other.Request();
  const PrivateKey& server = TestKey(KeyType::kP256, 1);
  OfferFields mixed = other.Offer();
  mixed.vendor.server_algorithm = 1;
  mixed.vendor.server_key = server.public_key().bytes;
  mixed.server_signer = &server;
  other.ExpectRefused(mixed.Make(), mixed.vendor_at() + 1, Status::kUnsupported);
  mixed.header[3] = 1;
  ASSERT_EQ(other.Deliver(mixed.Make()), Status::kDone);
  other.ExpectRuns(other.new_image);
}

// The checks of vendor-only manifests are the same ones.
TEST(Agent, VendorOnlyIsCheckedToo) {
  for (const Refusal& refusal : Refusals()) {
    if (refusal.part != Part::kVendor || refusal.prepare) continue;
    if (std::string(refusal.what).starts_with("a server part") ||
        std::string(refusal.what).starts_with("an old server key")) {
      continue;  // nothing of the server is used
    }
    SCOPED_TRACE(refusal.what);
    TrustRig rig;
    rig.accepts_vendor_only = true;
    ASSERT_EQ(rig.PowerUp(), Status::kDone);
    OfferFields fields = rig.Offer();
    fields.header[3] = 1;
    refusal.change(rig, fields);
    rig.ExpectRefused(
        fields.Make(),
        (refusal.end == 0 ? fields.server_at() : fields.vendor_at() + refusal.end) - 1,
        refusal.status);
    rig.ExpectUpdatable();
  }
}

// ---- The delta's own header, and what it makes.

TEST_P(AgentShape, ADeltaThatIsNotWhatTheManifestSays) {
  struct Case {
    const char* what;
    Status status;
    bool erases;
    std::function<Bytes(TrustRig&)> delta;
    // The agent has no memory to see it in place, and the bootloader does.
    bool is_image = false;
  };
  const Case cases[] = {
      {"no delta", Status::kCorrupt, false,
       [](TrustRig&) {
         return Bytes{'x', 0x10, 0, 0};
       }},
      {"of a later version", Status::kUnsupported, false,
       [](TrustRig& r) {
         Bytes delta = r.delta;
         delta[0] = 0xD2;
         return delta;
       }},
      {"of another base", Status::kWrongBase, false,
       [](TrustRig& r) {
         Bytes base = r.old_image;
         base[5] ^= 1;
         return r.MakeDelta(base, r.new_image);
       }},
      {"an image of another size", Status::kCorrupt, false,
       [](TrustRig& r) {
         Bytes image = r.new_image;
         image.push_back(1);
         return r.MakeDelta(r.old_image, image);
       }},
      {"an image of no bytes", Status::kCorrupt, false,
       [](TrustRig& r) { return r.MakeDelta(r.old_image, {}); }},
      {"a larger window", Status::kDoesNotFit, false,
       [](TrustRig& r) {
         DiffOptions diff;
         diff.codec = Codec::kLzss;
         diff.window_bits = 9;
         return Diff(r.old_image, r.new_image, diff);
       }},
      {"another image of the size", Status::kCorrupt, true,
       [](TrustRig& r) {
         Bytes image = r.new_image;
         image[100] ^= 1;
         return r.MakeDelta(r.old_image, image);
       },
       true},
      {"too short a delta", Status::kCorrupt, true,
       [](TrustRig& r) {
         Bytes delta = r.delta;
         delta.pop_back();
         return delta;
       }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    TrustRig other(Options(GetParam()));
    other.Request();
    OfferFields fields = other.Offer();
    other.SetDelta(fields, c.delta(other));
    const bool in_place = GetParam().install == Install::kInPlace;
    if (in_place && c.status == Status::kDoesNotFit) continue;  // codec lzss
    const uint64_t before = other.changes();
    if (in_place && c.is_image) {
      EXPECT_EQ(other.Deliver(fields.Make()), Status::kDone);
      EXPECT_EQ(other.Restart().refused, c.status);
    } else {
      EXPECT_STREQ(StatusName(other.Deliver(fields.Make())), StatusName(c.status));
      EXPECT_EQ(other.agent->state(), AgentState::kCleaning);
      EXPECT_EQ(other.changes() != before, c.erases);
      EXPECT_EQ(other.Restart().slot, 0);
    }
    other.ExpectUpdatable();
  }
}

// ---- Bits, ends, halves.

TEST_P(AgentShape, EveryBitOfTheManifest) {
  for (const bool encrypted : {false, true}) {
    SCOPED_TRACE(encrypted);
    TrustRig other(Options(GetParam()));
    other.has_cipher = encrypted;
    ASSERT_EQ(other.PowerUp(), Status::kDone);
    other.Request();
    OfferFields fields = other.Offer();
    if (encrypted) other.Encrypt(fields, Encryption::kX25519, 7);
    Bytes bytes = fields.Make();
    const uint64_t before = other.changes();
    // P-256 is slow: then one bit of each byte, another one each time.
    const uint32_t step = GetParam().keys == KeyType::kP256 ? 11 : kSlowdown;
    for (uint32_t bit = 0; bit < fields.payload_at() * 8; bit += step) {
      bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      // All of it: another encryption makes the manifest longer.
      const Status status = other.Push(bytes);
      ASSERT_NE(status, Status::kNeedInput) << "bit " << bit;
      ASSERT_NE(status, Status::kDone) << "bit " << bit;
      ASSERT_EQ(other.agent->state(), AgentState::kCleaning);
      bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
    EXPECT_EQ(other.changes(), before);
    // The very offer, to the same token.
    ASSERT_EQ(other.Deliver(bytes), Status::kDone);
    other.ExpectRuns(other.new_image);
  }
}

TEST_P(AgentShape, EveryBitOfThePayload) {
  for (const bool encrypted : {false, true}) {
    SCOPED_TRACE(encrypted);
    TrustRig other(Options(GetParam()));
    other.has_cipher = encrypted;
    ASSERT_EQ(other.PowerUp(), Status::kDone);
    const uint32_t step = GetParam().keys == KeyType::kP256 ? 61 : 3 * kSlowdown;
    uint32_t bits = 1;
    for (uint32_t bit = 0; bit < bits; bit += step) {
      other.Request();
      OfferFields fields = other.Offer();
      if (encrypted) other.Encrypt(fields, Encryption::kSharedKey, 6);
      bits = static_cast<uint32_t>(fields.payload.size()) * 8;
      fields.payload[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      const Status status = other.Deliver(fields.Make());
      if (encrypted || bit >= 27 * 8) {
        ASSERT_EQ(status, Status::kCorrupt) << "bit " << bit;
      } else {  // the delta's header has more to say
        ASSERT_TRUE(status != Status::kDone && status != Status::kNeedInput) << "bit " << bit;
      }
      ASSERT_EQ(other.agent->state(), AgentState::kCleaning);
      ASSERT_EQ(other.metadata.install, InstallState::kNone);
      ASSERT_NE(other.metadata.slot(1).state, SlotState::kVerified);
      ASSERT_NE(other.metadata.slot(1).state, SlotState::kOnTrial);
    }
    ASSERT_GT(bits, 8u * 100);
    EXPECT_EQ(other.Restart().slot, 0);
    other.ExpectUpdatable();
  }
}

TEST_P(AgentShape, EveryEnd) {
  for (const bool encrypted : {false, true}) {
    SCOPED_TRACE(encrypted);
    TrustRig other(Options(GetParam()));
    other.has_cipher = encrypted;
    ASSERT_EQ(other.PowerUp(), Status::kDone);
    other.Request();
    OfferFields fields = other.Offer();
    if (encrypted) other.Encrypt(fields, Encryption::kX25519, 5);
    const Bytes bytes = fields.Make();
    ASSERT_EQ(other.agent->Begin(), Status::kNeedInput);
    for (uint32_t at = 0; at < bytes.size(); ++at) {
      ASSERT_EQ(other.agent->Finish(), Status::kNeedInput) << at;
      ASSERT_EQ(other.agent->wanted(), at);
      ASSERT_EQ(other.agent->Write(at, &bytes[at], 1), Status::kNeedInput) << at;
    }
    EXPECT_EQ(other.agent->Finish(), Status::kDone);
    other.ExpectRuns(other.new_image);
  }
}

TEST_P(AgentShape, AnEndAndARestart) {
  Random random(4);
  const uint32_t whole = [&] {
    rig.Request();
    return static_cast<uint32_t>(rig.Offer().Make().size());
  }();
  for (uint32_t end = 1; end < whole; end += 1 + random.Below(40)) {
    SCOPED_TRACE(end);
    rig.Request();
    ASSERT_EQ(rig.Push(rig.Offer().Make(), Arrival::kRandom, end), Status::kNeedInput);
    ASSERT_EQ(rig.agent->Finish(), Status::kNeedInput);
    ASSERT_EQ(rig.Restart().slot, 0);
  }
  rig.ExpectUpdatable();
}

TEST_P(AgentShape, MoreBytesThanAnnounced) {
  for (const bool encrypted : {false, true}) {
    for (const bool at_once : {false, true}) {
      SCOPED_TRACE(encrypted * 2 + at_once);
      TrustRig other(Options(GetParam()));
      other.has_cipher = encrypted;
      ASSERT_EQ(other.PowerUp(), Status::kDone);
      other.Request();
      OfferFields fields = other.Offer();
      if (encrypted) other.Encrypt(fields, Encryption::kX25519, 5);
      Bytes bytes = fields.Make();
      bytes.push_back(0);
      EXPECT_EQ(other.Deliver(bytes, at_once ? Arrival::kWhole : Arrival::kBytes),
                Status::kCorrupt);
      EXPECT_EQ(other.agent->state(), AgentState::kCleaning);
      EXPECT_EQ(other.Restart().slot, 0);
      other.ExpectUpdatable();
    }
  }
}

// Two good offers of different images for the same token, taken apart and put together.
TEST_P(AgentShape, HalvesOfTwoOffers) {
  Random random(8);
  Bytes other_image = Edited(random, rig.new_image, 2, 1800);
  rig.Request();
  const OfferFields a = rig.Offer(), b = rig.Offer(other_image, TrustRig::kNewVersion + 1);
  const auto pieces = [](const OfferFields& f) {
    return std::vector<Bytes>{f.header,        f.vendor.Part(),     f.VendorSignature(),
                              f.server.Part(), f.ServerSignature(), f.payload};
  };
  const std::vector<Bytes> from[] = {pieces(a), pieces(b)};
  const uint64_t before = rig.changes();
  int tried = 0;
  for (unsigned choice = 0; choice < 32; ++choice) {  // of all but the header, which is the same
    Bytes bytes = from[0][0];
    for (unsigned i = 0; i < 5; ++i) Append(bytes, from[choice >> i & 1][1 + i]);
    const unsigned manifest = choice & 15;
    if (manifest == 0 || manifest == 15) continue;  // whole: the payload is looked at below
    ++tried;
    EXPECT_EQ(rig.Deliver(bytes), Status::kBadSignature) << choice;
  }
  EXPECT_EQ(tried, 28);
  EXPECT_EQ(rig.changes(), before);
  Bytes mixed = a.Manifest();
  Append(mixed, b.payload);
  EXPECT_EQ(rig.Deliver(mixed), Status::kCorrupt);
  EXPECT_EQ(rig.agent->state(), AgentState::kCleaning);
  EXPECT_EQ(rig.Restart().slot, 0);
  rig.ExpectUpdatable();
}

TEST(Agent, PiecesOfTwoEncryptions) {
  // The same delta for the same device, twice: another salt each time.
  TrustRig rig;
  rig.has_cipher = true;
  ASSERT_EQ(rig.PowerUp(), Status::kDone);
  const uint32_t piece = 64 + 16;
  const auto run = [&](const auto& change) {
    rig.Request();
    OfferFields fields = rig.Offer();
    Bytes plain = fields.payload;
    plain.resize((plain.size() + 63) / 64 * 64);
    rig.SetDelta(fields, plain);
    rig.Encrypt(fields, Encryption::kX25519, 6);
    change(fields.payload);
    const Status status = rig.Deliver(fields.Make());
    EXPECT_EQ(rig.Restart().slot, 0);
    return status;
  };
  OfferFields other = rig.Offer();
  rig.Encrypt(other, Encryption::kX25519, 6);
  ASSERT_GT(other.payload.size(), 3 * piece);
  EXPECT_EQ(
      run([&](Bytes& p) { std::copy_n(other.payload.begin() + piece, piece, p.begin() + piece); }),
      Status::kCorrupt)
      << "a piece of another encryption";
  EXPECT_EQ(
      run([&](Bytes& p) { std::swap_ranges(p.begin(), p.begin() + piece, p.begin() + piece); }),
      Status::kCorrupt)
      << "two pieces in another order";
  EXPECT_EQ(run([&](Bytes& p) { std::copy(p.end() - piece, p.end(), p.end() - 2 * piece); }),
            Status::kCorrupt)
      << "the last one, earlier";
  rig.ExpectUpdatable();
}

// ---- Replays.

TEST_P(AgentShape, ReplayAfterSuccess) {
  rig.Request();
  const OfferFields fields = rig.Offer();
  const Bytes bytes = fields.Make();
  ASSERT_EQ(rig.Deliver(bytes), Status::kDone);
  const uint64_t before = rig.changes();
  // Before the restart: nothing may be touched any more.
  EXPECT_EQ(rig.agent->Begin(), Status::kBadArgument);
  EXPECT_NE(rig.agent->Write(0, bytes.data(), 1), Status::kNeedInput);
  EXPECT_EQ(rig.changes(), before);
  // A new token does not change that.
  rig.Request();
  EXPECT_EQ(rig.agent->Begin(), Status::kBadArgument);
  EXPECT_EQ(rig.changes(), before);
  // After the restart: the version runs.
  rig.Restart();
  ASSERT_EQ(Confirm(rig.layout, rig.metadata, rig.running), Status::kDone);
  ASSERT_EQ(Compare(rig.Image(rig.running, rig.new_image.size()), rig.new_image), "");
  rig.old_image = rig.new_image;
  rig.Request();
  rig.ExpectRefused(bytes, fields.vendor_at() + 15, Status::kDowngrade);
}

TEST_P(AgentShape, ASecondManifestForAToken) {
  // The first one is accepted, but its payload is damaged on the way.
  rig.Request();
  OfferFields fields = rig.Offer();
  fields.payload.back() ^= 0x55;
  Bytes bytes = fields.Make();
  ASSERT_EQ(rig.Deliver(bytes), Status::kCorrupt);
  fields.payload.back() ^= 0x55;
  rig.ExpectRefused(fields.Make(), fields.server_at() + 15, Status::kStale);
  // Interrupted in the payload and begun again in the same power cycle.
  rig.Request();
  const OfferFields second = rig.Offer();
  bytes = second.Make();
  ASSERT_EQ(rig.Push(bytes, Arrival::kWhole, second.payload_at() + 20), Status::kNeedInput);
  rig.ExpectRefused(bytes, second.server_at() + 15, Status::kStale);
  rig.ExpectUpdatable();
}

TEST_P(AgentShape, ATokenDoesNotOutliveARestart) {
  rig.Request();
  const OfferFields fields = rig.Offer();
  ASSERT_EQ(rig.PowerUp(), Status::kDone);
  rig.ExpectRefused(fields.Make(), fields.server_at() + 15, Status::kStale);
  // Not even a nonce of zeros is one that was never drawn.
  OfferFields zeros = fields;
  zeros.server.nonce = {};
  rig.ExpectRefused(zeros.Make(), fields.server_at() + 15, Status::kStale);
  rig.ExpectUpdatable();
}

TEST_P(AgentShape, OnlyTheLatestTokenCounts) {
  rig.Request();
  const OfferFields first = rig.Offer();
  rig.Request();
  rig.ExpectRefused(first.Make(), first.server_at() + 15, Status::kStale);
  ASSERT_EQ(rig.Deliver(rig.Offer().Make()), Status::kDone);
  rig.ExpectRuns(rig.new_image);
}

TEST(Agent, ARequestAbandonsWhatWasBegun) {
  TrustRig rig;
  rig.Request();
  const OfferFields fields = rig.Offer();
  const Bytes bytes = fields.Make();
  for (const uint32_t end : {10u, fields.payload_at(), fields.payload_at() + 30}) {
    SCOPED_TRACE(end);
    rig.Request();
    const Bytes offer = rig.Offer().Make();
    ASSERT_EQ(rig.Push(offer, Arrival::kWhole, end), Status::kNeedInput);
    rig.Request();
    EXPECT_EQ(rig.agent->Write(end, &bytes[end], 1), Status::kBadArgument);
    EXPECT_EQ(rig.agent->Finish(), Status::kBadArgument);
    EXPECT_EQ(rig.agent->state(), AgentState::kStart);
  }
  rig.ExpectUpdatable();
}

TEST(Agent, WithoutRandomNumbersNoToken) {
  TrustRig rig;
  rig.Request();
  const OfferFields fields = rig.Offer();
  rig.has_random = false;
  uint8_t token[kTokenSize];
  EXPECT_EQ(rig.agent->Request(token), Status::kReadError);
  // What was half drawn is no nonce, and the one before is gone.
  rig.ExpectRefused(fields.Make(), fields.server_at() + 15, Status::kStale);
  rig.has_random = true;
  rig.ExpectUpdatable();
}

TEST(Agent, BytesThatAreMissing) {
  TrustRig rig;
  rig.Request();
  const Bytes bytes = rig.Offer().Make();
  ASSERT_EQ(rig.agent->Begin(), Status::kNeedInput);
  EXPECT_EQ(rig.agent->Write(1, &bytes[1], 1), Status::kBadArgument);
  ASSERT_EQ(rig.agent->Write(0, bytes.data(), 300), Status::kNeedInput);
  EXPECT_EQ(rig.agent->Write(301, &bytes[301], 1), Status::kBadArgument);
  // They may still come.
  ASSERT_EQ(rig.agent->Write(300, &bytes[300], static_cast<uint32_t>(bytes.size()) - 300),
            Status::kNeedInput);
  ASSERT_EQ(rig.agent->Finish(), Status::kDone);
  rig.ExpectRuns(rig.new_image);
}

TEST(Agent, OutOfOrderCalls) {
  TrustRig rig;
  const uint8_t byte = 'm';
  EXPECT_EQ(rig.agent->Write(0, &byte, 1), Status::kBadArgument);
  EXPECT_EQ(rig.agent->Finish(), Status::kBadArgument);
  const uint64_t before = rig.changes();
  EXPECT_EQ(rig.agent->Begin(), Status::kNeedInput);
  EXPECT_EQ(rig.agent->Write(0, nullptr, 0), Status::kNeedInput);
  EXPECT_EQ(rig.agent->Finish(), Status::kNeedInput);
  EXPECT_EQ(rig.changes(), before);
  rig.ExpectUpdatable();
}

// ---- When nothing can be begun.

TEST_P(AgentShape, ATrialHasToConfirmItself) {
  rig.Request();
  ASSERT_EQ(rig.Deliver(rig.Offer().Make()), Status::kDone);
  const bool on_trial = rig.Restart().on_trial;
  ASSERT_EQ(on_trial, GetParam().install != Install::kOverwrite) << "which keeps no old image";
  if (!on_trial) return;
  const uint64_t before = rig.changes();
  rig.Request();
  EXPECT_EQ(rig.agent->Begin(), Status::kBadArgument);
  EXPECT_EQ(rig.agent->Finish(), Status::kBadArgument);
  EXPECT_EQ(rig.changes(), before);
  ASSERT_EQ(Confirm(rig.layout, rig.metadata, rig.running), Status::kDone);
  ASSERT_EQ(rig.Deliver(rig.Offer(rig.old_image, TrustRig::kNewVersion + 1).Make()), Status::kDone);
  rig.ExpectRuns(rig.old_image);
}

TEST(Agent, ARefusedBeginLeavesWhatIsReady) {
  // With a third slot in use, the one that is ready is not where the next update would go.
  TrustRig rig({.factory = true});
  rig.running = 2;  // the last resort runs
  ASSERT_EQ(rig.PowerUp(), Status::kDone);
  rig.Request();
  ASSERT_EQ(rig.Deliver(rig.Offer().Make()), Status::kDone);
  ASSERT_EQ(rig.agent->target(), 1);
  EXPECT_EQ(rig.agent->Begin(), Status::kBadArgument);
  EXPECT_EQ(rig.agent->target(), 1);
}

TEST(Agent, InitRefusals) {
  const auto init = [](const auto& change) {
    TrustRig rig;
    AgentConfig config = rig.Config();
    change(rig, config);
    const Status status = rig.agent->Init(config);
    EXPECT_EQ(rig.agent->state(), AgentState::kWaiting);
    return status;
  };
  using R = TrustRig&;
  using C = AgentConfig&;
  EXPECT_EQ(init([](R, C) {}), Status::kDone);
  EXPECT_EQ(init([](R, C c) { c.layout = nullptr; }), Status::kBadArgument);
  EXPECT_EQ(init([](R r, C) { r.layout.trust = nullptr; }), Status::kBadArgument);
  EXPECT_EQ(init([](R, C c) { c.metadata = nullptr; }), Status::kBadArgument);
  EXPECT_EQ(init([](R, C c) { c.buffer = nullptr; }), Status::kBadArgument);
  EXPECT_EQ(init([](R, C c) { c.random = nullptr; }), Status::kBadArgument);
  EXPECT_EQ(init([](R, C c) { c.running = 2; }), Status::kBadArgument);
  EXPECT_EQ(init([](R, C c) { c.running = 1; }), Status::kBadArgument) << "it has no release";
  EXPECT_EQ(init([](R r, C c) { c.cipher = &r.cipher; }), Status::kBadArgument) << "no piece";
  EXPECT_EQ(init([](R r, C) { r.metadata.slot(0).has_release = false; }), Status::kBadArgument);
  EXPECT_EQ(init([](R r, C) { r.metadata.slot(0).has_digest = false; }), Status::kBadArgument);
  EXPECT_EQ(init([](R r, C) { r.metadata.slot(0).release[0] = 9; }), Status::kBadArgument);
}

TEST(Agent, StatesOnTheWay) {
  // What a verifier sees while it is asked, on behalf of the port's display.
  TrustRig rig;
  struct Watch {
    SignatureVerifier inner;
    Agent** agent;
    std::vector<AgentState> states;
  } watch{rig.trust.verifier, &rig.agent, {}};
  rig.trust.verifier.context = &watch;
  rig.trust.verifier.verify = [](void* context, const PublicKey& key, const uint8_t* digest,
                                 const uint8_t* signature) {
    Watch& self = *static_cast<Watch*>(context);
    self.states.push_back((*self.agent)->state());
    return self.inner.verify(self.inner.context, key, digest, signature);
  };
  rig.Request();
  const OfferFields fields = rig.Offer();
  const Bytes bytes = fields.Make();
  ASSERT_EQ(rig.Push(bytes, Arrival::kWhole, fields.payload_at() - 1), Status::kNeedInput);
  EXPECT_EQ(rig.agent->state(), AgentState::kReceiveManifest);
  ASSERT_EQ(rig.agent->Write(fields.payload_at() - 1, &bytes[fields.payload_at() - 1], 1),
            Status::kNeedInput);
  EXPECT_EQ(rig.agent->state(), AgentState::kReceivePayload);
  const std::vector<AgentState> expected(2, AgentState::kVerifyManifest);
  EXPECT_EQ(watch.states, expected);
}

TEST(Agent, AFlashThatFails) {
  // At each operation once: an error, the old image, and the next offer works.
  uint64_t before;
  const uint64_t operations = [&] {
    TrustRig rig;
    rig.Request();
    const Bytes bytes = rig.Offer().Make();
    before = rig.changes();
    EXPECT_EQ(rig.Deliver(bytes), Status::kDone);
    return rig.changes() - before;
  }();
  ASSERT_GT(operations, 10u);
  for (uint64_t skip = 0; skip < operations; ++skip) {
    SCOPED_TRACE(skip);
    TrustRig rig;
    rig.Request();
    const Bytes bytes = rig.Offer().Make();
    rig.simulated.FailAfter(skip, SimulatedFlash::kChange, Status::kFlashError);
    const Status status = rig.Deliver(bytes);
    // Metadata has another page to try, so not every failure is one of the update.
    if (status == Status::kDone) continue;
    EXPECT_EQ(status, Status::kFlashError);
    EXPECT_EQ(rig.agent->state(), AgentState::kCleaning);
    EXPECT_EQ(rig.Restart().slot, 0);
    rig.ExpectUpdatable();
  }
}

}  // namespace
}  // namespace mote::testing
