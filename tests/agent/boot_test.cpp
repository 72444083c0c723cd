// SPDX-License-Identifier: Apache-2.0
// The boot decision, as tables: what the slots hold, and which one is started.
#include "agent/boot.h"

#include "tests/agent/agent_rig.h"
#include "tests/support/patcher_rig.h"

namespace mote::testing {
namespace {

constexpr SlotState kEmpty = SlotState::kEmpty;
constexpr SlotState kReceiving = SlotState::kReceiving;
constexpr SlotState kVerified = SlotState::kVerified;
constexpr SlotState kOnTrial = SlotState::kOnTrial;
constexpr SlotState kConfirmed = SlotState::kConfirmed;
constexpr SlotState kBad = SlotState::kBad;

struct Holds {
  SlotState state;
  uint32_t update;
  uint8_t boots_left = 0;
  bool damaged = false;
};

struct Decision {
  const char* what;
  Holds first, second;
  int slot;  // -1: kCorrupt
  SlotState first_after, second_after;
  uint8_t boots_left_after = 0;  // of the slot that is started
};

class BootDecision : public ::testing::TestWithParam<Decision> {};

INSTANTIATE_TEST_SUITE_P(
    All, BootDecision,
    ::testing::Values(
        Decision{
            "the newer confirmed one", {kConfirmed, 1}, {kConfirmed, 2}, 1, kConfirmed, kConfirmed},
        Decision{"the newer confirmed one, in the first slot",
                 {kConfirmed, 3},
                 {kConfirmed, 2},
                 0,
                 kConfirmed,
                 kConfirmed},
        Decision{
            "as new as each other", {kConfirmed, 2}, {kConfirmed, 2}, 0, kConfirmed, kConfirmed},
        Decision{"a trial is newer", {kConfirmed, 1}, {kOnTrial, 2, 3}, 1, kConfirmed, kOnTrial, 2},
        Decision{"the last start of a trial",
                 {kConfirmed, 1},
                 {kOnTrial, 2, 1},
                 1,
                 kConfirmed,
                 kOnTrial,
                 0},
        Decision{"a trial is over", {kConfirmed, 1}, {kOnTrial, 2, 0}, 0, kConfirmed, kBad},
        Decision{
            "a trial is damaged", {kConfirmed, 1}, {kOnTrial, 2, 3, true}, 0, kConfirmed, kBad},
        Decision{"the newer confirmed one is damaged",
                 {kConfirmed, 1},
                 {kConfirmed, 2, 0, true},
                 0,
                 kConfirmed,
                 kConfirmed},
        Decision{"both are damaged",
                 {kConfirmed, 1, 0, true},
                 {kConfirmed, 2, 0, true},
                 -1,
                 kConfirmed,
                 kConfirmed},
        Decision{"received in part", {kConfirmed, 1}, {kReceiving, 0}, 0, kConfirmed, kReceiving},
        Decision{
            "verified, not activated", {kConfirmed, 1}, {kVerified, 2}, 0, kConfirmed, kVerified},
        Decision{"bad ones stay bad", {kConfirmed, 1}, {kBad, 2}, 0, kConfirmed, kBad},
        Decision{"nothing", {kEmpty, 0}, {kBad, 2}, -1, kEmpty, kBad},
        Decision{"only a trial, over", {kEmpty, 0}, {kOnTrial, 2, 0}, -1, kEmpty, kBad}));

void PrintTo(const Decision& decision, std::ostream* out) { *out << decision.what; }

TEST_P(BootDecision, AsInTheTable) {
  const Decision& c = GetParam();
  AgentRig rig;
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  rig.Put(0, c.first.state, c.first.update, c.first.boots_left);
  rig.Put(1, c.second.state, c.second.update, c.second.boots_left);
  if (c.first.damaged) rig.Damage(0);
  if (c.second.damaged) rig.Damage(1);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  rig.simulated.Forbid(0, 30 * AgentRig::kSector, SimulatedFlash::kChange);
  const uint64_t changes = rig.simulated.operations(SimulatedFlash::kChange);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), c.slot < 0 ? Status::kCorrupt : Status::kDone);
  if (c.slot >= 0) {
    EXPECT_EQ(choice.slot, c.slot);
    EXPECT_EQ(choice.size, 700u);
    EXPECT_EQ(choice.on_trial, (c.slot == 0 ? c.first : c.second).state == kOnTrial);
    EXPECT_FALSE(choice.last_resort);
  }
  Metadata after;
  ASSERT_EQ(after.Load(rig.layout), Status::kDone);
  EXPECT_EQ(after.slot(0).state, c.first_after);
  EXPECT_EQ(after.slot(1).state, c.second_after);
  if (c.slot >= 0) {
    EXPECT_EQ(after.slot(static_cast<uint8_t>(c.slot)).boots_left, c.boots_left_after);
  }
  const bool is_written =
      c.first_after != c.first.state || c.second_after != c.second.state || choice.on_trial;
  EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange) != changes, is_written);
  EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
}

TEST(Boot, WithoutMetadataTheDefaultSlot) {
  AgentRig rig;
  rig.layout.default_slot = 1;
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 1);
  EXPECT_EQ(choice.size, 0u);
  EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange), 0u);
}

TEST(Boot, ATrialIsRolledBackAfterItsStarts) {
  AgentRig rig;
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  rig.Put(0, kConfirmed, 1);
  rig.Put(1, kVerified, 2);
  ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
  BootChoice choice{};
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(choice.slot, 1);
  }
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(choice.slot, 0);
  }
  EXPECT_EQ(rig.metadata.slot(1).state, kBad);
}

TEST(Boot, AFactorySlotIsTheLastResort) {
  AgentRig rig(Install::kNone, 3);
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  rig.Put(0, kConfirmed, 1);
  rig.Put(1, kConfirmed, 2);
  rig.Put(2, kConfirmed, 9);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 1);
  rig.Damage(1);
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 0);
  rig.Damage(0);
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 2);
  EXPECT_TRUE(choice.last_resort);
  rig.Damage(2);
  EXPECT_EQ(rig.Boot(choice), Status::kCorrupt);
}

TEST(Boot, ATrialThatCannotBeCountedIsNotStarted) {
  AgentRig rig;
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  rig.Put(0, kConfirmed, 1);
  rig.Put(1, kOnTrial, 2, 3);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  rig.simulated.Break(30 * 256, 512, SimulatedFlash::kChange, Status::kFlashError);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 0);
  // Unless there is nothing else.
  rig.Damage(0);
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 1);
}

TEST(Boot, WhatCannotBeReadIsPassedOverAndKept) {
  AgentRig rig;
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  rig.Put(0, kConfirmed, 1);
  rig.Put(1, kOnTrial, 2, 3);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  rig.simulated.Break(11 * 256, 1, SimulatedFlash::kRead, Status::kReadError);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 0);
  EXPECT_EQ(rig.metadata.slot(1).state, kOnTrial);
  rig.simulated.Break(0, 1, SimulatedFlash::kRead, Status::kReadError);
  EXPECT_EQ(rig.Boot(choice), Status::kReadError);
  rig.simulated.Repair();
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 1);
}

// Whatever bits a confirmation that was cut leaves: as the first start reads it, so do all others.
TEST(Boot, OneStartDecidesForAllOthers) {
  using Cut = SimulatedFlash::Cut;
  int confirmed = 0, rolled_back = 0;
  for (const uint8_t pages : {uint8_t{2}, uint8_t{3}}) {
    for (const Cut cut : {Cut::kUnstable, Cut::kNoisy}) {
      for (uint64_t operation = 0; operation < 5; ++operation) {  // erase, record twice, seals
        for (uint64_t seed = 0; seed < 40; ++seed) {
          SCOPED_TRACE(::testing::Message()
                       << int{pages} << " pages, operation " << operation << ", seed " << seed);
          AgentRig rig(Install::kNone, 2, pages);
          ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
          rig.Put(0, kConfirmed, 1);
          rig.Put(1, kOnTrial, 2, 1);
          ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
          BootChoice choice{};
          ASSERT_EQ(rig.Boot(choice), Status::kDone);  // the last start of the trial
          rig.simulated.Reseed(seed);
          rig.simulated.CutPowerAfter(operation, cut);
          EXPECT_NE(Confirm(rig.layout, rig.metadata, 1) == Status::kDone, operation < 4);
          rig.simulated.PowerUp();
          ASSERT_EQ(rig.Boot(choice), Status::kDone);
          const uint8_t first = choice.slot;
          EXPECT_FALSE(choice.on_trial);
          (first == 1 ? confirmed : rolled_back) += 1;
          const uint64_t changes = rig.simulated.operations(SimulatedFlash::kChange);
          for (int i = 0; i < 8; ++i) {
            rig.simulated.PowerUp();
            ASSERT_EQ(rig.Boot(choice), Status::kDone);
            ASSERT_EQ(choice.slot, first) << i;
          }
          // A second seal that was cut may be missed later; what is written then, stays.
          EXPECT_LE(rig.simulated.operations(SimulatedFlash::kChange), changes + 5);
        }
      }
    }
  }
  EXPECT_GT(confirmed, 0);
  EXPECT_GT(rolled_back, 0);
}

TEST(Boot, MetadataThatCannotBeWrittenOnceMoreIsNoReasonNotToStart) {
  AgentRig rig;
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  rig.Put(0, kConfirmed, 1);
  rig.Put(1, kConfirmed, 2);
  rig.simulated.FailAfter(2, SimulatedFlash::kProgram, Status::kFlashError);  // the second seal
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  rig.simulated.Break(30 * 256, 512, SimulatedFlash::kChange, Status::kFlashError);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 1);
}

TEST(Boot, BadArguments) {
  AgentRig rig(Install::kSwap);
  BootChoice choice{};
  EXPECT_EQ(Bootloader({rig.layout, rig.metadata, rig.sha256, rig.buffer, 0}).Boot(choice),
            Status::kBadArgument);
  EXPECT_EQ(Bootloader({rig.layout, rig.metadata, rig.sha256, rig.buffer, 6}).Boot(choice),
            Status::kBadArgument);
  rig.layout.count = 0;
  EXPECT_EQ(rig.Boot(choice), Status::kBadArgument);
}

// ---- Static layouts.

struct Static : AgentRig {
  explicit Static(Install install) : AgentRig(install) {
    EXPECT_EQ(metadata.Load(layout), Status::kDone);
    old_image = Put(0, kConfirmed, 1, 0, 1500);
    new_image = Put(1, kVerified, 2, 0, 1900);
    EXPECT_EQ(Activate(layout, metadata, 1), Status::kDone);
    simulated.Forbid(9 * 256, 256, SimulatedFlash::kChange);
    simulated.Forbid(18 * 256, 12 * 256, SimulatedFlash::kChange);
  }
  std::string In(uint8_t slot, const Bytes& image) {
    return Compare(
        simulated.Content(layout.slots[slot].slot.offset, static_cast<uint32_t>(image.size())),
        image);
  }
  Bytes old_image, new_image;
};

TEST(BootStatic, Swap) {
  Static rig(Install::kSwap);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(choice.slot, 0);
  EXPECT_EQ(choice.size, 1900u);
  EXPECT_TRUE(choice.on_trial);
  EXPECT_EQ(rig.In(0, rig.new_image), "");
  EXPECT_EQ(rig.In(1, rig.old_image), "");
  EXPECT_EQ(rig.metadata.slot(0).boots_left, 2);
  EXPECT_EQ(rig.metadata.slot(1).state, kConfirmed);
  EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
  // Primary twice and once more for what moved, staging once.
  for (int i = 0; i < 9; ++i) EXPECT_EQ(rig.simulated.erases()[i], i == 0 || i == 8 ? 1u : 2u) << i;
  for (int i = 10; i < 18; ++i) EXPECT_EQ(rig.simulated.erases()[i], 1u) << i;

  // It does not confirm itself: the old one is back.
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.In(0, rig.new_image), "");
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.In(0, rig.old_image), "");
  EXPECT_FALSE(choice.on_trial);
  EXPECT_EQ(choice.size, 1500u);
  EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
}

TEST(BootStatic, OverwriteAndRestore) {
  Static rig(Install::kOverwrite);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_FALSE(choice.on_trial);
  EXPECT_EQ(rig.In(0, rig.new_image), "");
  EXPECT_EQ(rig.In(1, rig.new_image), "");
  const uint64_t changes = rig.simulated.operations(SimulatedFlash::kChange);
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange), changes);
  rig.Damage(0);
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.In(0, rig.new_image), "");
  rig.Damage(0);
  rig.Damage(1);
  EXPECT_EQ(rig.Boot(choice), Status::kCorrupt);
  EXPECT_EQ(rig.metadata.slot(1).state, kBad);
}

TEST(BootStatic, NothingIsInstalledWhoseDigestDoesNotHold) {
  for (const Install install : {Install::kSwap, Install::kOverwrite}) {
    Static rig(install);
    rig.Damage(1);
    rig.simulated.Forbid(0, 30 * 256, SimulatedFlash::kChange);
    BootChoice choice{};
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(rig.In(0, rig.old_image), "");
    EXPECT_EQ(rig.metadata.slot(1).state, kBad);
    EXPECT_EQ(rig.metadata.install, InstallState::kNone);
    EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
  }
}

TEST(BootStatic, StagingThatCannotBeWrittenCostsOnlyTheOldImage) {
  Static rig(Install::kSwap);
  rig.simulated.Break(13 * 256, 256, SimulatedFlash::kChange, Status::kFlashError);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_TRUE(choice.on_trial);
  EXPECT_EQ(rig.In(0, rig.new_image), "");
  EXPECT_EQ(rig.metadata.slot(1).state, kBad);
  for (int i = 14; i < 18; ++i) EXPECT_EQ(rig.simulated.erases()[i], 0u) << "it was given up";
}

TEST(BootStatic, StagingThatCannotBeReadIsInstalledWhenItIsActivatedAgain) {
  for (const Install install : {Install::kSwap, Install::kOverwrite}) {
    Static rig(install);
    rig.simulated.Break(13 * 256, 256, SimulatedFlash::kRead, Status::kReadError);
    BootChoice choice{};
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(rig.In(0, rig.old_image), "");
    EXPECT_EQ(rig.metadata.slot(1).state, kVerified);
    rig.simulated.Repair();
    ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(rig.In(0, rig.new_image), "");
  }
}

TEST(BootStatic, WhatDoesNotReadBackIsOverwrittenAgain) {
  Static rig(Install::kOverwrite);
  const LyingFlash lying(rig, 256, 512, 1);
  BootChoice choice{};
  EXPECT_EQ(rig.Boot(choice), Status::kFlashError);
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.In(0, rig.new_image), "");
}

TEST(BootStatic, PrimaryThatCannotBeWrittenIsTriedAgain) {
  for (const Install install : {Install::kSwap, Install::kOverwrite}) {
    Static rig(install);
    rig.simulated.Break(4 * 256, 256, SimulatedFlash::kChange, Status::kFlashError);
    BootChoice choice{};
    EXPECT_EQ(rig.Boot(choice), Status::kFlashError);
    EXPECT_EQ(rig.Boot(choice), Status::kFlashError);
    rig.simulated.Repair();
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(rig.In(0, rig.new_image), "");
  }
}

// A step destroys what the step before it needed. So a mark that was cut must not be believed, even
// if it can be read: it may be gone when the step is cut as well.
TEST(BootStatic, AMarkThatIsGoneAgain) {
  for (uint64_t after = 0; after < 160; ++after) {
    for (uint64_t seed = 0; seed < 30; ++seed) {
      SCOPED_TRACE(::testing::Message() << "after " << after << " operations, seed " << seed);
      Static rig(Install::kSwap);
      rig.simulated.Reseed(seed);
      rig.simulated.CutPowerAfter(after, SimulatedFlash::Cut::kUnstable);
      BootChoice choice{};
      rig.Boot(choice);
      if (rig.simulated.powered()) break;  // there are no more operations
      rig.simulated.PowerUp();
      rig.simulated.CutPowerAfter(seed % 6, SimulatedFlash::Cut::kTorn);
      rig.Boot(choice);
      rig.simulated.PowerUp();
      ASSERT_EQ(rig.Boot(choice), Status::kDone);
      ASSERT_EQ(rig.In(0, rig.new_image), "");
      ASSERT_EQ(rig.In(1, rig.old_image), "");
    }
  }
}

TEST(BootStatic, PrimaryThatCannotBeReadIsNotRestored) {
  Static rig(Install::kSwap);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  ASSERT_EQ(Confirm(rig.layout, rig.metadata, 0), Status::kDone);
  const uint64_t changes = rig.simulated.operations(SimulatedFlash::kChange);
  rig.simulated.Break(256, 256, SimulatedFlash::kRead, Status::kReadError);
  EXPECT_EQ(rig.Boot(choice), Status::kReadError);
  EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange), changes);
  rig.simulated.Repair();
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.In(0, rig.new_image), "");
}

TEST(BootStatic, AnOldImageThatIsLargerComesBackWhole) {
  Static rig(Install::kSwap);
  const Bytes old_image = rig.Put(0, kConfirmed, 1, 0, 1900);
  const Bytes new_image = rig.Put(1, kVerified, 2, 0, 300);
  rig.metadata.progress = 2;  // whatever it was about: the installation starts at its first step
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.In(0, new_image), "");
  EXPECT_EQ(rig.In(1, old_image), "");
  for (int i = 0; i < 3; ++i) ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.In(0, old_image), "");
}

// Programmed in the factory, up to primary's end.
TEST(BootStatic, AnOldImageLargerThanASwapTakesIsNotKeptWhole) {
  Static rig(Install::kSwap);
  rig.metadata.slot(0) = {kConfirmed, 0, false, 9 * 256, 1, {}};
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  BootChoice choice{};
  ASSERT_EQ(rig.Boot(choice), Status::kDone);
  EXPECT_EQ(rig.In(0, rig.new_image), "");
  EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
}

// Two parts of which one has larger sectors.
TEST(BootStatic, SectorsOfDifferentSizes) {
  for (const Install install : {Install::kSwap, Install::kOverwrite}) {
    AgentRig rig(install);
    SimulatedFlash other({.size = 4096, .erase_unit = 1024, .program_unit = 16}, 4);
    const Flash flash = other.flash();
    rig.layout.slots[1].slot = {&flash, 1024, 2048};
    rig.layout.slots[0].slot.size = 12 * 256;
    rig.layout.metadata.offset = 13 * 256;
    ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
    const Bytes old_image = rig.Put(0, kConfirmed, 1, 0, 1500);
    Random random(3);
    const Bytes new_image = RandomBytes(random, 2000);
    other.Load(1024, new_image);
    SlotRecord& record = rig.metadata.slot(1);
    record = {kVerified, 0, true, 2000, 2, {}};
    std::ranges::copy(Sha256::Of(new_image), record.digest);
    ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
    other.Forbid(0, 1024, SimulatedFlash::kChange);
    other.Forbid(3072, 1024, SimulatedFlash::kChange);
    BootChoice choice{};
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(Compare(rig.simulated.Content(0, 2000), new_image), "");
    if (install == Install::kSwap) {
      EXPECT_EQ(Compare(other.Content(1024, 1500), old_image), "");
    }
    EXPECT_EQ(other.violation_count(), 0u) << other.DescribeViolations();
    EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
  }
}

}  // namespace
}  // namespace mote::testing
