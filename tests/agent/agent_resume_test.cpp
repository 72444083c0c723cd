// SPDX-License-Identifier: Apache-2.0
// Interrupted updates of the agent: a new token and a new offer of the same delta go on from the
// last checkpoint, with what was checked before still checked.
#include <optional>
#include <string>

#include "diff/apply.h"
#include "tests/agent/trust_rig.h"

namespace mote::testing {
namespace {

struct Shape {
  Install install;
  Encryption encryption;
  uint8_t piece_bits;
};
constexpr Shape kShapes[] = {
    {Install::kNone, Encryption::kNone, 0},      {Install::kSwap, Encryption::kNone, 0},
    {Install::kNone, Encryption::kSharedKey, 5}, {Install::kNone, Encryption::kX25519, 6},
    {Install::kOverwrite, Encryption::kP256, 7}, {Install::kNone, Encryption::kX25519, 9},
};

class AgentResume : public ::testing::TestWithParam<Shape> {
 protected:
  static TrustOptions Options() { return {.install = GetParam().install, .checkpoints = true}; }
  static void Prepare(TrustRig& rig) {
    rig.has_cipher = GetParam().encryption != Encryption::kNone;
    ASSERT_EQ(rig.PowerUp(), Status::kDone);
  }
  static OfferFields Offer(TrustRig& rig) {
    OfferFields fields = rig.Offer();
    if (rig.has_cipher) rig.Encrypt(fields, GetParam().encryption, GetParam().piece_bits);
    return fields;
  }
  // Where the agent wants to go on, in the payload, when the manifest was taken.
  static uint32_t Wanted(TrustRig& rig, const OfferFields& fields) {
    EXPECT_EQ(rig.Push(fields.Make(), Arrival::kWhole, fields.payload_at()), Status::kNeedInput);
    EXPECT_EQ(rig.agent->state(), AgentState::kReceivePayload);
    return rig.agent->wanted() - fields.payload_at();
  }
  static void ExpectRest(TrustRig& rig, const OfferFields& fields, uint32_t piece) {
    const Bytes bytes = fields.Make();
    while (rig.agent->wanted() < bytes.size()) {
      const uint32_t at = rig.agent->wanted();
      const uint32_t size = std::min<uint32_t>(piece, static_cast<uint32_t>(bytes.size()) - at);
      ASSERT_EQ(rig.agent->Write(at, &bytes[at], size), Status::kNeedInput);
    }
    ASSERT_EQ(rig.agent->Finish(), Status::kDone);
    rig.ExpectRuns(rig.new_image);
  }
};
std::string ShapeName(const ::testing::TestParamInfo<Shape>& info) {
  const char* const names[] = {"Plain", "SharedKey", "X25519", "P256"};
  return std::string(InstallName(info.param.install)) +
         names[static_cast<int>(info.param.encryption)] + std::to_string(info.param.piece_bits);
}
INSTANTIATE_TEST_SUITE_P(All, AgentResume, ::testing::ValuesIn(kShapes), ShapeName);

// From wanted() to the end.
Status Continue(TrustRig& rig, const Bytes& offer) {
  const uint32_t at = rig.agent->wanted();
  const Status status = rig.agent->Write(at, &offer[at], static_cast<uint32_t>(offer.size()) - at);
  return status == Status::kNeedInput ? rig.agent->Finish() : status;
}

TEST_P(AgentResume, FromEachByte) {
  uint32_t size = 0, jumps = 0, furthest = 0;
  for (uint32_t end = 0; end == 0 || end < size; end += 23) {
    SCOPED_TRACE(end);
    TrustRig rig(Options());
    Prepare(rig);
    rig.Request();
    OfferFields fields = Offer(rig);
    size = static_cast<uint32_t>(fields.payload.size());
    ASSERT_EQ(rig.Push(fields.Make(), Arrival::kRandom, fields.payload_at() + end),
              Status::kNeedInput);
    const uint32_t offset = rig.agent->session().checkpoints().written() != 0
                                ? rig.agent->session().checkpoints().offset()
                                : 0;
    ASSERT_EQ(rig.Restart().slot, 0);
    rig.Request();
    fields = Offer(rig);  // another nonce, and another key
    const uint32_t wanted = Wanted(rig, fields);
    // Positions are those of the delta; the payload goes on where its piece begins.
    const uint32_t bits = GetParam().piece_bits;
    EXPECT_EQ(wanted, rig.has_cipher ? (offset >> bits) * ((1u << bits) + 16) : offset);
    EXPECT_LE(wanted, end);
    jumps += wanted != 0;
    furthest = std::max(furthest, wanted);
    ExpectRest(rig, fields, 1 + end % 70);
  }
  if (GetParam().piece_bits != 9) {
    EXPECT_GT(jumps, 3u);
    EXPECT_GT(furthest, size / 3);
  }
}

TEST_P(AgentResume, ASenderThatKnowsNothingOfIt) {
  // The whole offer once more: what comes before wanted() is skipped.
  for (const Arrival arrival : kArrivals) {
    SCOPED_TRACE(static_cast<int>(arrival));
    TrustRig rig(Options());
    Prepare(rig);
    rig.Request();
    OfferFields fields = Offer(rig);
    ASSERT_EQ(rig.Push(fields.Make(), arrival, fields.payload_at() + fields.payload.size() * 3 / 4),
              Status::kNeedInput);
    rig.Restart();
    rig.Request();
    ASSERT_EQ(rig.Deliver(Offer(rig).Make(), arrival), Status::kDone);
    rig.ExpectRuns(rig.new_image);
  }
}

TEST_P(AgentResume, ThePowerGoesAtEachOperation) {
  for (uint64_t skip = 0;; ++skip) {
    SCOPED_TRACE(skip);
    TrustRig rig(Options());
    Prepare(rig);
    rig.Request();
    rig.simulated.Reseed(skip);
    rig.simulated.CutPowerAfter(skip, SimulatedFlash::Cut::kTorn);
    const Status status = rig.Deliver(Offer(rig).Make());
    if (rig.simulated.powered()) {
      EXPECT_EQ(status, Status::kDone);
      EXPECT_GT(skip, 30u);
      break;
    }
    // A record counts without its second seal: that may be the last thing that was to be written.
    EXPECT_EQ(rig.agent->state(),
              status == Status::kDone ? AgentState::kReadyToReboot : AgentState::kCleaning);
    const bool is_done = status == Status::kDone;
    if (rig.Restart().slot != 0 || rig.metadata.slot(rig.running).update != 1) {
      EXPECT_EQ(Compare(rig.Image(rig.running, rig.new_image.size()), rig.new_image), "");
      continue;
    }
    EXPECT_FALSE(is_done);
    rig.Request();
    ASSERT_EQ(rig.Deliver(Offer(rig).Make(), Arrival::kPulled), Status::kDone);
    rig.ExpectRuns(rig.new_image);
  }
}

TEST_P(AgentResume, AnotherDeltaStartsAnew) {
  TrustRig rig(Options());
  Prepare(rig);
  rig.Request();
  OfferFields fields = Offer(rig);
  ASSERT_EQ(
      rig.Push(fields.Make(), Arrival::kWhole, fields.payload_at() + fields.payload.size() - 1),
      Status::kNeedInput);
  ASSERT_EQ(rig.PowerUp(), Status::kDone);
  rig.Request();
  // The same image, made in another way.
  fields = rig.Offer();
  rig.MakeFull(fields, rig.new_image);
  if (rig.has_cipher) rig.Encrypt(fields, GetParam().encryption, GetParam().piece_bits);
  EXPECT_EQ(Wanted(rig, fields), 0u);
  ExpectRest(rig, fields, 50);
}

TEST_P(AgentResume, AnImageThatIsCompleteBeforeTheDelta) {
  // What follows is ignored, but is part of the digest, however it arrives.
  for (const Arrival arrival : {Arrival::kWhole, Arrival::kBytes, Arrival::kRandom}) {
    for (const uint8_t damage : {0, 1}) {
      SCOPED_TRACE(static_cast<int>(arrival) * 2 + damage);
      TrustRig rig(Options());
      Prepare(rig);
      rig.Request();
      OfferFields fields = rig.Offer();
      Bytes padded = fields.payload;
      padded.resize(padded.size() + 70, 0x33);
      rig.SetDelta(fields, padded);
      fields.payload.back() ^= damage;
      if (rig.has_cipher) {
        fields.payload = padded;
        rig.Encrypt(fields, GetParam().encryption, GetParam().piece_bits);
        if (damage) fields.payload.back() ^= 1;
      }
      EXPECT_EQ(rig.Deliver(fields.Make(), arrival), damage ? Status::kCorrupt : Status::kDone);
      if (!damage) rig.ExpectRuns(rig.new_image);
    }
  }
}

// LZSS of FORMAT.md 4.1 for a window of 256, by hand: the match with number `other` takes its bytes
// from 90 bytes before, all others from 60. Both offsets take as many bits.
Bytes PackByHand(const Bytes& bytes, int other, int& matches) {
  std::vector<bool> bits;
  const auto put = [&](uint32_t value, unsigned count) {
    while (count-- != 0) bits.push_back((value >> count & 1) != 0);
  };
  const auto put_number = [&](uint32_t value, unsigned order) {
    value += 1u << order;
    unsigned top = order;
    while (value >> (top + 1) != 0) ++top;
    put(0, top - order);
    put(value, top + 1);
  };
  matches = 0;
  for (size_t at = 0; at < bytes.size();) {
    size_t length = 0;
    while (at >= 90 && at + length < bytes.size() &&
           bytes[at + length] == bytes[at + length - 60] &&
           bytes[at + length] == bytes[at + length - 90]) {
      ++length;
    }
    if (length < 5) {
      put(1, 1), put(bytes[at++], 8);
      continue;
    }
    put(0, 2);
    put_number((matches++ == other ? 90 : 60) - 1, 3);
    put_number(static_cast<uint32_t>(length) - 2, 0);
    at += length;
  }
  while (bits.size() % 8 != 0) bits.push_back(false);
  Bytes packed(bits.size() / 8);
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i]) packed[i / 8] |= static_cast<uint8_t>(0x80 >> i % 8);
  }
  return packed;
}

TEST(AgentResumeDigest, OverEverything) {
  // Deltas that make the same image in another way: only the delta's digest tells.
  Random random(21);
  Bytes image;
  const Bytes phrase = RandomBytes(random, 29);
  for (int i = 0; i < 57; ++i) {
    image.push_back(static_cast<uint8_t>(random.Next()));
    Append(image, phrase);
  }
  DiffOptions raw;
  raw.codec = Codec::kRaw;
  const Bytes unpacked = Diff({}, image, raw);
  const size_t header = ReadHeader(unpacked).header_size;
  const auto make = [&](int other, int& matches) {
    Bytes made(unpacked.begin(), unpacked.begin() + static_cast<ptrdiff_t>(header));
    made[1] = 0x01;
    Append(made, PackByHand({unpacked.begin() + static_cast<ptrdiff_t>(header), unpacked.end()},
                            other, matches));
    return made;
  };
  int matches;
  const Bytes delta = make(-1, matches);
  ASSERT_EQ(Apply({}, delta), image);
  ASSERT_GT(matches, 40);
  int before = 0, behind = 0;
  for (int other = -1; other < matches; ++other) {
    SCOPED_TRACE(other);
    int ignored;
    Bytes changed = delta;
    if (other >= 0) {
      changed = make(other, ignored);
      ASSERT_EQ(changed.size(), delta.size());
      ASSERT_NE(changed, delta);
      ASSERT_EQ(Apply({}, changed), image);
    }
    const auto first = static_cast<uint32_t>(
        std::mismatch(delta.begin(), delta.end(), changed.begin()).first - delta.begin());
    const Status expected = other < 0 ? Status::kDone : Status::kCorrupt;
    for (const bool resumes : {false, true}) {
      SCOPED_TRACE(resumes);
      TrustRig rig({.checkpoints = true});
      const auto offer = [&](const Bytes& payload) {
        rig.Request();
        OfferFields fields = rig.Offer(image, TrustRig::kNewVersion);
        rig.MakeFull(fields, image);
        rig.SetDelta(fields, delta);
        fields.payload = payload;
        return fields;
      };
      OfferFields fields = offer(changed);
      if (resumes) {
        ASSERT_EQ(rig.Push(fields.Make(), Arrival::kRandom,
                           fields.payload_at() + fields.payload.size() - 50),
                  Status::kNeedInput);
        rig.Restart();
        fields = offer(changed);
        ASSERT_EQ(rig.Push(fields.Make(), Arrival::kWhole, fields.payload_at()),
                  Status::kNeedInput);
        const uint32_t at = rig.agent->wanted() - fields.payload_at();
        ASSERT_GT(at, 0u);
        (first < at ? before : behind) += other >= 0;
        // What came before the checkpoint cannot be taken back by the right bytes behind it.
        if (first + 8 < at) fields.payload = delta;
      }
      const Bytes bytes = fields.Make();
      const Status status = resumes ? Continue(rig, bytes) : rig.Deliver(bytes);
      EXPECT_EQ(status, expected);
      if (expected == Status::kDone) {
        rig.ExpectRuns(image);
      } else {
        EXPECT_EQ(rig.agent->state(), AgentState::kCleaning);
        rig.ExpectUpdatable();  // nothing is left of it
      }
    }
  }
  EXPECT_GT(before, 5);
  EXPECT_GT(behind, 0);
}

TEST(AgentResumeDigest, ADamagedPayloadLeavesNothing) {
  // Each bit, and then the right offer at once: no checkpoint and no sector of the damaged one is
  // gone on from.
  uint32_t bits = 1;
  for (uint32_t bit = 0; bit < bits; bit += 5 * kSlowdown) {
    SCOPED_TRACE(bit);
    TrustRig rig({.checkpoints = true});
    rig.Request();
    OfferFields fields = rig.Offer();
    bits = static_cast<uint32_t>(fields.payload.size()) * 8;
    fields.payload[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const Status status = rig.Deliver(fields.Make());
    ASSERT_TRUE(status != Status::kDone && status != Status::kNeedInput);
    rig.ExpectUpdatable();
    if (::testing::Test::HasFailure()) break;
  }
  ASSERT_GT(bits, 1000u);
}

TEST(AgentResumeDigest, AreasThatCannotBe) {
  // Refused when the manifest is complete, before anything is erased.
  TrustRig rig({.checkpoints = true});
  rig.checkpoint_area.offset = TrustRig::kSlot1 * TrustRig::kSector;
  rig.Request();
  const uint64_t before = rig.changes();
  EXPECT_EQ(rig.Deliver(rig.Offer().Make()), Status::kBadArgument);
  EXPECT_EQ(rig.agent->state(), AgentState::kCleaning);
  EXPECT_EQ(rig.changes(), before);
}

}  // namespace
}  // namespace mote::testing
