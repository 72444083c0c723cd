// SPDX-License-Identifier: Apache-2.0
// Statements before an offer (FORMAT.md 9): server keys that are revoked, root keys that are
// replaced, and everything that a device must not take for one.
#include <string>

#include "tests/agent/trust_rig.h"

namespace mote::testing {
namespace {

// A device that got `statements`, and remembers what it knew before.
class AgentStatement : public ::testing::TestWithParam<KeyType> {
 protected:
  TrustRig rig{{.keys = GetParam()}};
  const PrivateKey& next = TestKey(GetParam(), 5);
  const PrivateKey& third = TestKey(GetParam(), 6);

  // Delivers statements with nothing behind them.
  Status Send(const Bytes& statements, Arrival arrival = Arrival::kWhole) {
    const Status status = rig.Push(statements, arrival);
    if (status == Status::kNeedInput) {
      EXPECT_EQ(rig.agent->Finish(), Status::kNeedInput);
      EXPECT_EQ(rig.agent->state(), AgentState::kReceiveManifest);
    }
    return status;
  }
  Bytes Epoch(uint32_t sequence, uint32_t epoch, const PrivateKey* signer = nullptr) {
    return StatementFields{sequence, epoch, signer ? signer : rig.vendor}.Make();
  }
  Bytes Root(uint32_t sequence, const PrivateKey& root, const PrivateKey* signer = nullptr) {
    return StatementFields{sequence, TrustRig::kEpoch, signer ? signer : rig.vendor, &root}.Make();
  }
  void ExpectTrust(uint32_t statement, uint32_t epoch, const PrivateKey* root) {
    Metadata loaded;
    ASSERT_EQ(loaded.Load(rig.layout), Status::kDone);
    for (const Metadata* metadata : {&loaded, &rig.metadata}) {
      EXPECT_EQ(metadata->trust.statement, statement);
      EXPECT_EQ(metadata->trust.server_epoch, epoch);
      const PublicKey expected = root ? PublicOf(*root) : PublicKey{};
      EXPECT_EQ(metadata->trust.root.algorithm, expected.algorithm);
      EXPECT_TRUE(std::equal(expected.bytes, expected.bytes + PublicKeySize(expected.algorithm),
                             metadata->trust.root.bytes));
    }
  }
  // Refused with the byte at `at`, nothing written.
  void ExpectRefused(const Bytes& statement, uint32_t at, Status expected) {
    rig.ExpectRefused(statement, at, expected);
  }
  uint32_t Last(const Bytes& statement) { return static_cast<uint32_t>(statement.size()) - 1; }
};
INSTANTIATE_TEST_SUITE_P(All, AgentStatement, ::testing::Values(KeyType::kEd25519, KeyType::kP256),
                         [](const auto& parameter) { return KeyTypeName(parameter.param); });

TEST_P(AgentStatement, RevokesAServersKey) {
  rig.Request();
  OfferFields fields = rig.Offer();
  fields.statements = Epoch(1, TrustRig::kEpoch + 1);
  const Bytes bytes = fields.Make();
  ASSERT_EQ(rig.agent->Begin(), Status::kNeedInput);
  ASSERT_EQ(rig.agent->Write(0, bytes.data(), fields.vendor_at() + 31), Status::kNeedInput);
  EXPECT_EQ(rig.agent->Write(fields.vendor_at() + 31, &bytes[fields.vendor_at() + 31], 1),
            Status::kBadSignature);
  ExpectTrust(1, TrustRig::kEpoch + 1, nullptr);
  EXPECT_EQ(rig.Restart().refused, Status::kDone);
  rig.Request();
  fields = rig.Offer();
  rig.ExpectRefused(fields.Make(), fields.vendor_at() + 31, Status::kBadSignature);
  // A new server.
  fields.vendor.epoch = TrustRig::kEpoch + 1;
  fields.vendor.server_key = next.public_key().bytes;
  fields.server_signer = &next;
  ASSERT_EQ(rig.Deliver(fields.Make()), Status::kDone);
  rig.ExpectRuns(rig.new_image);
}

TEST_P(AgentStatement, ReplacesTheRoot) {
  ASSERT_EQ(Send(Root(1, next), Arrival::kBytes), Status::kNeedInput);
  ExpectTrust(1, TrustRig::kEpoch, &next);
  EXPECT_EQ(rig.metadata.trust.previous_root.algorithm, rig.trust.root.algorithm);
  // The image that runs is by the old one, and is still started.
  const BootChoice choice = rig.Restart();
  EXPECT_EQ(choice.slot, 0);
  EXPECT_EQ(choice.refused, Status::kDone);
  rig.Request();
  const OfferFields fields = rig.Offer();
  rig.ExpectRefused(fields.Make(), fields.server_at() - 1, Status::kBadSignature);
  // By the new one.
  rig.vendor = &next;
  ASSERT_EQ(rig.Deliver(rig.Offer().Make()), Status::kDone);
  rig.ExpectRuns(rig.new_image);
  // The old image is still what a bad one would be replaced by.
  rig.metadata.slot(1).digest[0] ^= 1;
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  EXPECT_EQ(rig.Restart().slot, 0);
}

TEST_P(AgentStatement, InTheSameOfferAsTheFirstImageByTheNewRoot) {
  for (const Arrival arrival : kArrivals) {
    SCOPED_TRACE(static_cast<int>(arrival));
    TrustRig other({.keys = GetParam()});
    const PrivateKey* const old = other.vendor;
    other.Request();
    other.vendor = &next;
    OfferFields fields = other.Offer();
    for (const Bytes& statement :
         {Epoch(1, TrustRig::kEpoch, old), Root(2, next, old), Epoch(3, TrustRig::kEpoch, &next)}) {
      Append(fields.statements, statement);
    }
    ASSERT_EQ(other.Deliver(fields.Make(), arrival), Status::kDone);
    other.ExpectRuns(other.new_image);
    EXPECT_EQ(other.metadata.trust.statement, 3u);
  }
}

TEST_P(AgentStatement, ReplacesTheRootByAnotherAlgorithm) {
  const PrivateKey& other = TestKey(OtherType(GetParam()), 5);
  rig.Request();
  const OfferFields old = rig.Offer();
  ASSERT_EQ(Send(Root(1, other)), Status::kNeedInput);
  ExpectTrust(1, TrustRig::kEpoch, &other);
  rig.ExpectRefused(old.Make(), old.vendor_at(), Status::kBadSignature);
  EXPECT_EQ(rig.Restart().refused, Status::kDone);
  rig.vendor = &other;
  rig.Request();
  ASSERT_EQ(rig.Deliver(rig.Offer().Make()), Status::kDone);
  rig.ExpectRuns(rig.new_image);
  // And back, by the key that is there now.
  const Bytes back = StatementFields{2, TrustRig::kEpoch, &other, &next}.Make();
  ASSERT_EQ(Send(back), Status::kNeedInput);
  ExpectTrust(2, TrustRig::kEpoch, &next);
  EXPECT_EQ(rig.Restart().refused, Status::kDone);
  rig.vendor = &next;
  rig.Request();
  ASSERT_EQ(rig.Deliver(rig.Offer(rig.old_image, TrustRig::kNewVersion + 1).Make()), Status::kDone);
  rig.ExpectRuns(rig.old_image);
}

TEST_P(AgentStatement, TwoRootsInARowLeaveWhatRuns) {
  ASSERT_EQ(Send(Root(1, next)), Status::kNeedInput);
  const Bytes second = Root(2, third, &next);
  ExpectRefused(second, Last(second), Status::kDowngrade);
  ExpectTrust(1, TrustRig::kEpoch, &next);
  // Epochs may change.
  ASSERT_EQ(Send(Epoch(3, TrustRig::kEpoch, &next)), Status::kNeedInput);
  EXPECT_EQ(rig.Restart().refused, Status::kDone);
  rig.vendor = &next;
  rig.Request();
  ASSERT_EQ(rig.Deliver(rig.Offer().Make()), Status::kDone);
  rig.ExpectRuns(rig.new_image);
  ASSERT_EQ(Send(Root(4, third, &next)), Status::kNeedInput);
  ExpectTrust(4, TrustRig::kEpoch, &third);
  EXPECT_EQ(rig.Restart().refused, Status::kDone);
}

TEST_P(AgentStatement, OldOnesAreSkipped) {
  const Bytes first = Epoch(7, TrustRig::kEpoch + 1);
  ASSERT_EQ(Send(first), Status::kNeedInput);
  const uint64_t before = rig.changes();
  ASSERT_EQ(Send(first), Status::kNeedInput);
  // What they say does not matter any more, nor who says it: sequence numbers 6, 1 and 0.
  for (const uint32_t sequence : {7u, 6u, 1u, 0u}) {
    SCOPED_TRACE(sequence);
    ASSERT_EQ(Send(Epoch(sequence, 0, &third)), Status::kNeedInput);
    ASSERT_EQ(Send(Root(sequence, third, &third), Arrival::kBytes), Status::kNeedInput);
  }
  EXPECT_EQ(rig.changes(), before);
  ExpectTrust(7, TrustRig::kEpoch + 1, nullptr);
  // All that there are, in order, before an offer.
  rig.Request();
  OfferFields fields = rig.Offer();
  fields.vendor.epoch = TrustRig::kEpoch + 2;
  for (uint32_t i = 1; i <= 9; ++i) Append(fields.statements, Epoch(i, TrustRig::kEpoch + i / 4));
  ASSERT_EQ(rig.Deliver(fields.Make()), Status::kDone);
  EXPECT_EQ(rig.metadata.trust.statement, 9u);
  rig.ExpectRuns(rig.new_image);
}

TEST_P(AgentStatement, OutOfOrder) {
  const Bytes first = Root(1, next), second = Epoch(2, TrustRig::kEpoch + 1, &next);
  ExpectRefused(second, Last(second), Status::kBadSignature);
  Bytes both = first;
  Append(both, second);
  ASSERT_EQ(Send(both), Status::kNeedInput);
  ExpectTrust(2, TrustRig::kEpoch + 1, &next);
}

TEST_P(AgentStatement, EpochsDoNotGoBack) {
  const Bytes lower = Epoch(1, TrustRig::kEpoch - 1);
  ExpectRefused(lower, Last(lower), Status::kDowngrade);
  ExpectTrust(0, TrustRig::kEpoch, nullptr);
  ASSERT_EQ(Send(Epoch(1, TrustRig::kEpoch)), Status::kNeedInput);
  ASSERT_EQ(Send(Epoch(2, 0xFFFFFFFF)), Status::kNeedInput);
  ExpectTrust(2, 0xFFFFFFFF, nullptr);
}

TEST_P(AgentStatement, Refusals) {
  Bytes statement = Epoch(1, TrustRig::kEpoch);
  const auto refused = [&](const char* what, const Bytes& bytes, uint32_t at, Status status) {
    SCOPED_TRACE(what);
    ExpectRefused(bytes, at, status);
    ExpectTrust(0, TrustRig::kEpoch, nullptr);
  };
  refused("by another key", Epoch(1, TrustRig::kEpoch, &next), Last(statement),
          Status::kBadSignature);
  const PrivateKey& other = TestKey(OtherType(GetParam()), 5);
  refused("by a key of another type", Epoch(1, TrustRig::kEpoch, &other), Last(statement),
          Status::kBadSignature);
  refused("by the right key, which is said to be of another type",
          StatementFields{1, TrustRig::kEpoch, rig.vendor, nullptr, NumberOf(other.type())}.Make(),
          Last(statement), Status::kBadSignature);
  // The last byte of the flags is the 16th.
  refused("algorithm 3", StatementFields{1, TrustRig::kEpoch, rig.vendor, nullptr, 3}.Make(), 15,
          Status::kUnsupported);
  refused("algorithm 0", StatementFields{1, TrustRig::kEpoch, rig.vendor, nullptr, 0}.Make(), 15,
          Status::kUnsupported);
  refused("flag", StatementFields{1, TrustRig::kEpoch, rig.vendor, nullptr, {}, {1, 0}}.Make(), 15,
          Status::kUnsupported);
  refused("flag", StatementFields{1, TrustRig::kEpoch, rig.vendor, nullptr, {}, {0, 128}}.Make(),
          15, Status::kUnsupported);
  Bytes changed = statement;
  changed[3] = 2;
  refused("version 2", changed, 3, Status::kUnsupported);
  changed[3] = 0x81;
  refused("a server part", changed, 3, Status::kUnsupported);
  // A signature for another purpose: the vendor's of a release whose bytes are the statement's.
  changed = statement;
  const Bytes body(statement.begin() + 4, statement.end() - 64);
  std::ranges::copy(rig.vendor->Sign(Tagged("mote-v1", {body})), changed.end() - 64);
  refused("signed as a release", changed, Last(changed), Status::kBadSignature);
  rig.ExpectUpdatable();
}

TEST_P(AgentStatement, ARootThatTheDeviceCannotVerify) {
  rig.trust.verifier.algorithms = static_cast<uint8_t>(1 << NumberOf(GetParam()));
  const Bytes statement = Root(1, TestKey(OtherType(GetParam()), 5));
  ExpectRefused(statement, Last(statement), Status::kUnsupported);
  ExpectTrust(0, TrustRig::kEpoch, nullptr);
  rig.ExpectUpdatable();
}

TEST_P(AgentStatement, EveryBit) {
  // From sequence number 4 to 8: a bit less is a statement that is known already.
  ASSERT_EQ(Send(Epoch(4, TrustRig::kEpoch)), Status::kNeedInput);
  Bytes statement = Root(8, next);
  const uint64_t before = rig.changes();
  const uint32_t step = GetParam() == KeyType::kP256 ? 7 : kSlowdown;
  for (uint32_t bit = 0; bit < statement.size() * 8; bit += step) {
    statement[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    Bytes bytes = statement;
    Append(bytes, Bytes(64, 'm'));  // what else a longer key would be read from
    const Status status = rig.Push(bytes);
    EXPECT_NE(status, Status::kNeedInput) << "bit " << bit;
    statement[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
  EXPECT_EQ(rig.changes(), before);
  ExpectTrust(4, TrustRig::kEpoch, nullptr);
  ASSERT_EQ(Send(statement), Status::kNeedInput);
  ExpectTrust(8, TrustRig::kEpoch, &next);
}

TEST_P(AgentStatement, AFlashThatFails) {
  const Bytes statement = Root(1, next);
  rig.simulated.Break(TrustRig::kMetadata * TrustRig::kSector, 8 * TrustRig::kSector,
                      SimulatedFlash::kChange, Status::kFlashError);
  EXPECT_EQ(Send(statement), Status::kFlashError);
  ExpectTrust(0, TrustRig::kEpoch, nullptr);
  rig.simulated.Repair();
  ASSERT_EQ(Send(statement), Status::kNeedInput);
  ExpectTrust(1, TrustRig::kEpoch, &next);
}

TEST_P(AgentStatement, ThePowerGoes) {
  // At each operation: the old keys or the new ones, whole, and the same at the next start.
  for (uint64_t skip = 0;; ++skip) {
    SCOPED_TRACE(skip);
    TrustRig other({.keys = GetParam()});
    other.simulated.CutPowerAfter(skip, SimulatedFlash::Cut::kTorn);
    const Status status = other.Push(Root(1, next));
    if (other.simulated.powered()) {
      EXPECT_EQ(status, Status::kNeedInput);
      EXPECT_GT(skip, 5u);
      break;
    }
    const BootChoice choice = other.Restart();
    EXPECT_EQ(choice.slot, 0);
    EXPECT_EQ(choice.refused, Status::kDone);
    const bool is_new = other.metadata.trust.statement == 1;
    EXPECT_EQ(other.metadata.trust.root.algorithm != SignatureAlgorithm::kNone, is_new);
    if (is_new) other.vendor = &next;
    other.ExpectUpdatable();
  }
}

}  // namespace
}  // namespace mote::testing
