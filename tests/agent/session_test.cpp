// SPDX-License-Identifier: Apache-2.0
// Update sessions: what they refuse, what they leave, and what they keep of an interrupted one.
#include "agent/session.h"

#include "diff/diff.h"
#include "tests/agent/agent_rig.h"
#include "tests/support/patcher_rig.h"

namespace mote::testing {
namespace {

struct SessionRig : AgentRig {
  explicit SessionRig(Install install = Install::kNone, uint32_t buffer_size = kSector)
      : AgentRig(install, 3), sector(buffer_size), memory(256) {
    EXPECT_EQ(metadata.Load(layout), Status::kDone);
    old_image = Put(0, SlotState::kConfirmed, 4, 0, 1700);
    EXPECT_EQ(metadata.Commit(), Status::kDone);
    Random random(12);
    new_image = Edited(random, old_image, 6, 1900);
    new_image.resize(1801, 7);
    delta = MakeDelta(new_image);
    digest = Sha256::Of(new_image);
    config = {&layout,
              &metadata,
              0,
              1,
              sector.data(),
              static_cast<uint32_t>(sector.size()),
              memory.data(),
              static_cast<uint32_t>(memory.size()),
              sha256,
              digest.data()};
    simulated.Forbid(0, 10 * kSector, SimulatedFlash::kChange);
    simulated.Forbid(18 * kSector, 12 * kSector, SimulatedFlash::kChange);
    before = simulated.operations(SimulatedFlash::kChange);
  }
  Bytes MakeDelta(const Bytes& image) {
    DiffOptions options;
    options.codec = Codec::kLzss;
    options.window_bits = 8;
    return Diff(old_image, image, options);
  }
  // All of the delta but what is behind `limit`.
  Status Run(const Bytes& bytes, size_t limit = SIZE_MAX) {
    Status status = session.Begin(config);
    for (size_t at = 0; at < std::min(limit, bytes.size()) && status == Status::kNeedInput;
         at += 7) {
      status = session.Write(bytes.data() + at,
                             static_cast<uint32_t>(std::min<size_t>(7, bytes.size() - at)));
      EXPECT_NE(status, Status::kDone);
    }
    if (limit == SIZE_MAX && status == Status::kNeedInput) status = session.Finish();
    return status;
  }
  uint64_t changes() { return simulated.operations(SimulatedFlash::kChange) - before; }

  Bytes sector, memory;
  Bytes old_image, new_image, delta;
  Sha256::Digest digest;
  SessionConfig config;
  Session session;
  uint64_t before;
};

TEST(SessionTest, AnUpdate) {
  for (const uint32_t buffer : {64u, 256u, 512u, 384u}) {
    SCOPED_TRACE(buffer);
    SessionRig rig(Install::kNone, buffer);
    ASSERT_EQ(rig.Run(rig.delta), Status::kDone);
    EXPECT_EQ(rig.session.Finish(), Status::kDone);
    EXPECT_EQ(Compare(rig.simulated.Content(10 * 256, 1801), rig.new_image), "");
    EXPECT_TRUE(std::equal(rig.digest.begin(), rig.digest.end(), rig.session.digest()));
    EXPECT_EQ(rig.session.new_size(), 1801u);
    Metadata after;
    ASSERT_EQ(after.Load(rig.layout), Status::kDone);
    EXPECT_EQ(after.slot(1).state, SlotState::kVerified);
    EXPECT_EQ(after.slot(1).size, 1801u);
    EXPECT_EQ(after.slot(1).update, 5u);
    EXPECT_TRUE(after.slot(1).has_digest);
    EXPECT_TRUE(std::ranges::equal(after.slot(1).digest, rig.digest));
    EXPECT_EQ(after.slot(0).state, SlotState::kConfirmed);
    for (int i = 10; i < 18; ++i) EXPECT_EQ(rig.simulated.erases()[i], 1u) << i;
    ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
    BootChoice choice{};
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(choice.slot, 1);
    EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
  }
}

TEST(SessionTest, Refusals) {
  const auto begin = [](const auto& change, Install install = Install::kNone) {
    SessionRig rig(install);
    change(rig);
    const Status status = rig.session.Begin(rig.config);
    EXPECT_EQ(rig.session.Write(rig.delta.data(), 1),
              status == Status::kNeedInput ? Status::kNeedInput : status);
    EXPECT_EQ(rig.changes(), 0u);
    return status;
  };
  EXPECT_EQ(begin([](SessionRig&) {}), Status::kNeedInput);
  EXPECT_EQ(begin([](SessionRig& r) { r.config.target = 0; }), Status::kBadArgument) << "it runs";
  EXPECT_EQ(begin([](SessionRig& r) { r.config.running = 1; }), Status::kBadArgument) << "it runs";
  EXPECT_EQ(begin([](SessionRig& r) { r.config.target = 2; }), Status::kBadArgument)
      << "the factory's";
  EXPECT_EQ(begin([](SessionRig& r) { r.config.target = 3; }), Status::kBadArgument);
  EXPECT_EQ(begin([](SessionRig& r) { r.config.running = 3; }), Status::kBadArgument);
  EXPECT_EQ(begin([](SessionRig& r) { r.config.buffer = nullptr; }), Status::kBadArgument);
  EXPECT_EQ(begin([](SessionRig& r) { r.config.buffer_size = 6; }), Status::kBadArgument);
  EXPECT_EQ(begin([](SessionRig& r) { r.metadata.slot(0).state = SlotState::kOnTrial; }),
            Status::kBadArgument);
  EXPECT_EQ(begin([](SessionRig& r) { r.config.link_address = 0x1000; }), Status::kDoesNotFit);
  EXPECT_EQ(begin([](SessionRig& r) { r.config.link_address = 0x2000; }), Status::kNeedInput);
  EXPECT_EQ(begin([](SessionRig& r) { r.config.link_address = 0x1000; }, Install::kSwap),
            Status::kNeedInput);
  EXPECT_EQ(begin([](SessionRig& r) { r.config.link_address = 0x2000; }, Install::kSwap),
            Status::kDoesNotFit);
  EXPECT_EQ(begin([](SessionRig& r) { r.layout.slots[1].bootable = false; }), Status::kBadArgument);
  EXPECT_EQ(begin([](SessionRig& r) { r.metadata.install = InstallState::kSwapRequested; },
                  Install::kSwap),
            Status::kBadArgument);
}

TEST(SessionTest, ARefusedDeltaChangesNothing) {
  const auto run = [](const auto& change, Install install = Install::kNone) {
    SessionRig rig(install);
    rig.metadata.slot(1).state = SlotState::kConfirmed;
    Bytes delta = rig.delta;
    change(rig, delta);
    const Status status = rig.Run(delta);
    EXPECT_EQ(rig.changes(), 0u);
    EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kConfirmed);
    return status;
  };
  EXPECT_EQ(run([](SessionRig& r, Bytes&) { r.layout.slots[1].slot.size = 7 * 256; }),
            Status::kDoesNotFit);
  EXPECT_EQ(
      run([](SessionRig& r, Bytes&) { r.layout.slots[0].slot.size = 8 * 256; }, Install::kSwap),
      Status::kDoesNotFit);
  EXPECT_EQ(run([](SessionRig& r, Bytes&) { r.Damage(0); }), Status::kWrongBase);
  EXPECT_EQ(run([](SessionRig& r, Bytes&) { r.config.memory_size = 255; }), Status::kDoesNotFit);
  EXPECT_EQ(run([](SessionRig&, Bytes& delta) { delta[0] = 0xD7; }), Status::kUnsupported);
  EXPECT_EQ(run([](SessionRig& r, Bytes& delta) { delta = r.MakeDelta({}); }), Status::kCorrupt)
      << "an image of no bytes";
}

TEST(SessionTest, AnotherDigestIsCorrupt) {
  SessionRig rig;
  rig.digest[31] ^= 1;
  EXPECT_EQ(rig.Run(rig.delta), Status::kCorrupt);
  EXPECT_EQ(rig.session.Finish(), Status::kCorrupt);
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kReceiving);
  EXPECT_EQ(rig.metadata.progress, 0u);
  EXPECT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kBadArgument);
  rig.config.digest = nullptr;
  EXPECT_EQ(rig.Run(rig.delta), Status::kDone);
}

TEST(SessionTest, ACutDeltaNeedsInput) {
  SessionRig rig;
  EXPECT_EQ(rig.Run(rig.delta, rig.delta.size() / 2), Status::kNeedInput);
  EXPECT_EQ(rig.session.Finish(), Status::kNeedInput);
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  EXPECT_NE(rig.metadata.slot(1).state, SlotState::kVerified);
}

// Of 8 sectors, the first n were complete.
TEST(SessionTest, ResumeByReplayKeepsWhatWasComplete) {
  for (const uint32_t buffer : {64u, 256u, 512u}) {
    for (size_t limit = 0; limit < 1000; limit += 49) {
      SessionRig rig(Install::kNone, buffer);
      if (limit >= rig.delta.size()) break;
      SCOPED_TRACE(::testing::Message() << "buffer " << buffer << ", cut after " << limit);
      ASSERT_EQ(rig.Run(rig.delta, limit), Status::kNeedInput);
      const uint32_t complete = rig.session.sectors_written();
      ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
      ASSERT_EQ(rig.Run(rig.delta), Status::kDone);
      EXPECT_EQ(rig.session.sectors_kept(), complete);
      EXPECT_EQ(rig.session.sectors_kept() + rig.session.sectors_written(), 1801u / 256);
      for (uint32_t i = 0; i < complete; ++i) EXPECT_EQ(rig.simulated.erases()[10 + i], 1u) << i;
      EXPECT_EQ(Compare(rig.simulated.Content(10 * 256, 1801), rig.new_image), "");
      EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
    }
  }
}

TEST(SessionTest, ASectorThatReadsRightButWasNotCompleteIsWrittenAnew) {
  SessionRig rig;
  ASSERT_EQ(rig.Run(rig.delta, rig.delta.size() * 2 / 3), Status::kNeedInput);
  const uint32_t complete = rig.session.sectors_written();
  ASSERT_GT(complete, 0u);
  rig.simulated.Load(10 * 256, rig.new_image);  // also what is behind
  ASSERT_EQ(rig.Run(rig.delta), Status::kDone);
  EXPECT_EQ(rig.session.sectors_kept(), complete);
}

TEST(SessionTest, SectorsOfAnotherImageAreWrittenAnew) {
  SessionRig rig;
  ASSERT_EQ(rig.Run(rig.delta, rig.delta.size() * 3 / 4), Status::kNeedInput);
  ASSERT_GT(rig.session.sectors_written(), 2u);
  Bytes other = rig.new_image;
  other[300] ^= 1;
  const auto digest = Sha256::Of(other);
  // It is asked for by another digest: nothing is kept.
  rig.config.digest = digest.data();
  ASSERT_EQ(rig.Run(rig.MakeDelta(other)), Status::kDone);
  EXPECT_EQ(rig.session.sectors_kept(), 0u);
  EXPECT_EQ(Compare(rig.simulated.Content(10 * 256, 1801), other), "");
}

TEST(SessionTest, SectorsOfAnotherImageWithoutDigest) {
  for (const uint32_t buffer : {64u, 256u}) {
    SessionRig rig(Install::kNone, buffer);
    rig.config.digest = nullptr;
    ASSERT_EQ(rig.Run(rig.delta, rig.delta.size() * 3 / 4), Status::kNeedInput);
    ASSERT_GT(rig.session.sectors_written(), 2u);
    Bytes other = rig.new_image;
    other[256 + 100] ^= 1;
    const Bytes delta = rig.MakeDelta(other);
    if (buffer == 64) {
      // What stands before it in its sector cannot be kept.
      EXPECT_EQ(rig.Run(delta), Status::kCorrupt);
      ASSERT_EQ(rig.Run(delta), Status::kDone);
      EXPECT_EQ(rig.session.sectors_kept(), 0u);
    } else {
      ASSERT_EQ(rig.Run(delta), Status::kDone);
      EXPECT_EQ(rig.session.sectors_kept(), 1u);
    }
    EXPECT_EQ(Compare(rig.simulated.Content(10 * 256, 1801), other), "");
    EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
  }
}

TEST(SessionTest, AnotherSizeOrWhetherThereIsADigestMakesItAnotherUpdate) {
  for (const bool is_size : {true, false}) {
    SessionRig rig;
    if (is_size) rig.config.digest = nullptr;
    ASSERT_EQ(rig.Run(rig.delta, rig.delta.size() * 3 / 4), Status::kNeedInput);
    ASSERT_GT(rig.session.sectors_written(), 2u);
    const Bytes other(rig.new_image.begin(), rig.new_image.end() - (is_size ? 1 : 0));
    rig.config.digest = nullptr;
    ASSERT_EQ(rig.Run(rig.MakeDelta(other)), Status::kDone);
    EXPECT_EQ(rig.session.sectors_kept(), 0u);
    EXPECT_EQ(Compare(rig.simulated.Content(10 * 256, static_cast<uint32_t>(other.size())), other),
              "");
  }
}

// What is written down is never more than what the image holds that is being written.
TEST(SessionTest, ProgressIsThatOfTheOtherImage) {
  int written = 0;
  for (size_t limit = 0; limit < 1000; limit += 7) {
    SCOPED_TRACE(limit);
    SessionRig rig;
    rig.config.digest = nullptr;
    ASSERT_EQ(rig.Run(rig.delta, rig.delta.size() * 3 / 4), Status::kNeedInput);
    Bytes other = rig.new_image;
    other[256 + 100] ^= 1;
    const Bytes delta = rig.MakeDelta(other);
    if (limit >= delta.size()) break;
    ASSERT_EQ(rig.Run(delta, limit), Status::kNeedInput);
    const uint32_t complete = rig.session.sectors_kept() + rig.session.sectors_written();
    if (rig.session.sectors_written() == 0) continue;
    ++written;
    ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
    EXPECT_EQ(rig.metadata.progress, complete);
  }
  EXPECT_GT(written, 0);
}

TEST(SessionTest, TheMarksOfAnUpdateFitIntoAPage) {
  SessionRig rig;
  rig.simulated.AllowAll();
  rig.layout.slots[3] = {{&rig.flash, 36 * 256, 256}, 0x4000, true, true};
  rig.layout.count = 4;
  rig.simulated.Blank(30 * 256, 512);  // another number of slots
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  ASSERT_EQ(rig.metadata.marks_per_page(), 4u);
  const uint32_t before = rig.simulated.erases()[30] + rig.simulated.erases()[31];
  ASSERT_EQ(rig.Run(rig.delta), Status::kDone);
  EXPECT_EQ(rig.simulated.erases()[30] + rig.simulated.erases()[31], before + 2)
      << "a record when it begins, and one when it is verified";
}

TEST(SessionTest, AnUpdateElsewhereEndsTheInterruptedOne) {
  SessionRig rig;
  rig.simulated.AllowAll();
  rig.layout.slots[2].factory = false;
  ASSERT_EQ(rig.Run(rig.delta, rig.delta.size() / 2), Status::kNeedInput);
  ASSERT_EQ(rig.metadata.slot(1).state, SlotState::kReceiving);
  rig.config.target = 2;
  ASSERT_EQ(rig.Run(rig.delta), Status::kDone);
  EXPECT_EQ(rig.session.sectors_kept(), 0u);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kEmpty);
  EXPECT_EQ(rig.metadata.slot(2).state, SlotState::kVerified);
}

TEST(SessionTest, FaultsOfTheFlashAreReturned) {
  const struct {
    uint32_t sector;
    unsigned operation;
    Status status;
  } faults[] = {{12, SimulatedFlash::kErase, Status::kFlashError},
                {12, SimulatedFlash::kProgram, Status::kFlashError},
                {12, SimulatedFlash::kRead, Status::kReadError},
                {2, SimulatedFlash::kRead, Status::kReadError}};
  for (const auto& fault : faults) {
    SCOPED_TRACE(::testing::Message()
                 << "sector " << fault.sector << ", operation " << fault.operation);
    SessionRig rig;
    rig.simulated.Break(fault.sector * 256, 256, fault.operation, fault.status);
    EXPECT_EQ(rig.Run(rig.delta), fault.status);
    EXPECT_EQ(rig.session.Finish(), fault.status);
    rig.simulated.Repair();
    BootChoice choice{};
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(choice.slot, 0);
    ASSERT_EQ(rig.Run(rig.delta), Status::kDone);
  }
  SessionRig rig;
  rig.simulated.Break(30 * 256, 512, SimulatedFlash::kChange, Status::kFlashError);
  EXPECT_EQ(rig.Run(rig.delta), Status::kFlashError);
  for (int i = 10; i < 18; ++i)
    EXPECT_EQ(rig.simulated.erases()[i], 0u) << "erased before it was written down";
}

// ---- Resume by checkpoint. Two areas at sector 32.

struct CheckpointRig : SessionRig {
  explicit CheckpointRig(Install install = Install::kNone, uint32_t size = kSector)
      : SessionRig(install, size), area{&flash, 32 * kSector, 4 * kSector, 2} {
    config.checkpoints = &area;
    config.delta = 77;
    config.delta_size = static_cast<uint32_t>(delta.size());
  }
  // From where the session wants it, up to `limit`. Returns how many bytes were handed over.
  size_t Send(size_t limit) {
    EXPECT_EQ(session.Begin(config), Status::kNeedInput);
    size_t at = session.offset();
    for (; at < limit; ++at) EXPECT_EQ(session.Write(&delta[at], 1), Status::kNeedInput) << at;
    return at;
  }
  bool HasRecord() const {
    for (const uint32_t at : {32 * kSector, 36 * kSector}) {
      if (simulated.content()[at] == 0x6D && simulated.content()[at + 2] == 0x43) return true;
    }
    return false;
  }
  CheckpointArea area;
};

// A cut behind every byte, and another one in each.
TEST(SessionTest, ResumeByCheckpoint) {
  for (const uint32_t buffer : {256u, 64u, 384u}) {
    uint32_t most = 0;
    for (size_t limit = 1; limit < CheckpointRig().delta.size(); limit += 5) {
      SCOPED_TRACE(::testing::Message() << "buffer " << buffer << ", cut after " << limit);
      CheckpointRig rig(Install::kNone, buffer);
      rig.Send(limit);
      const uint32_t last = rig.session.checkpoints().offset();
      ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
      rig.Send(std::min(limit + limit % 3 * 40, rig.delta.size()));
      EXPECT_EQ(rig.session.offset(), last);
      most = std::max(most, static_cast<uint32_t>(limit) - last);
      ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
      rig.Send(rig.delta.size());
      ASSERT_EQ(rig.session.Finish(), Status::kDone);
      EXPECT_EQ(Compare(rig.simulated.Content(10 * 256, 1801), rig.new_image), "");
      EXPECT_TRUE(std::equal(rig.digest.begin(), rig.digest.end(), rig.session.digest()));
      uint32_t erases = 0;
      for (int i = 10; i < 18; ++i) erases += rig.simulated.erases()[i];
      EXPECT_LE(erases, 8u + 2) << "one for each sector, and one for each cut";
      EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
      EXPECT_FALSE(rig.HasRecord()) << "the update is over";
    }
    EXPECT_LT(most, CheckpointRig().delta.size() * 2 / 3);
  }
}

TEST(SessionTest, CheckpointsOfAnotherUpdate) {
  const auto resume = [](const auto& change) {
    CheckpointRig rig;
    rig.Send(rig.delta.size() * 2 / 3);
    EXPECT_GT(rig.session.checkpoints().offset(), 0u);
    EXPECT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
    change(rig);
    EXPECT_EQ(rig.session.Begin(rig.config), Status::kNeedInput);
    return rig.session.offset();
  };
  EXPECT_NE(resume([](CheckpointRig&) {}), 0u);
  EXPECT_EQ(resume([](CheckpointRig& r) { r.config.delta = 78; }), 0u);
  EXPECT_EQ(resume([](CheckpointRig& r) { r.config.delta_size = 1; }), 0u);
  EXPECT_EQ(resume([](CheckpointRig& r) { r.config.digest = nullptr; }), 0u);
  EXPECT_EQ(resume([](CheckpointRig& r) { r.Damage(0); }), 0u);
  EXPECT_EQ(resume([](CheckpointRig& r) { r.config.checkpoints = nullptr; }), 0u);
  EXPECT_EQ(resume([](CheckpointRig& r) { r.config.memory_size = 255; }), 0u);
  // A session elsewhere has left the target as it was, and then another one has not.
  EXPECT_EQ(resume([](CheckpointRig& r) { r.simulated.Load(10 * 256 + 5, Bytes{0}); }), 0u);
}

TEST(SessionTest, ACorruptDeltaLeavesNoCheckpoint) {
  CheckpointRig rig;
  rig.digest[31] ^= 1;
  rig.Send(rig.delta.size());
  EXPECT_TRUE(rig.HasRecord());
  EXPECT_EQ(rig.session.Finish(), Status::kCorrupt);
  EXPECT_FALSE(rig.HasRecord());
}

// The target was made something else: what the marks say of it does not hold.
TEST(SessionTest, MarksCountOnlyForASlotThatIsReceiving) {
  CheckpointRig rig;
  rig.area.interval = 5;
  rig.Send(rig.delta.size() * 3 / 4);
  ASSERT_GT(rig.session.sectors_written(), 2u);
  rig.metadata.slot(1).state = SlotState::kBad;
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  rig.Send(rig.delta.size());
  EXPECT_EQ(rig.session.sectors_kept(), 0u);
  EXPECT_EQ(rig.session.Finish(), Status::kDone);
}

TEST(SessionTest, AreasForCheckpointsAreNobodyElses) {
  const auto begin = [](const auto& change) {
    CheckpointRig rig;
    change(rig);
    return rig.session.Begin(rig.config);
  };
  EXPECT_EQ(begin([](CheckpointRig&) {}), Status::kNeedInput);
  for (const uint32_t sector : {0u, 2u, 8u, 9u, 11u, 17u, 23u, 27u, 30u, 31u}) {
    EXPECT_EQ(begin([&](CheckpointRig& r) { r.area.offset = sector * 256; }), Status::kBadArgument)
        << sector;
  }
  EXPECT_EQ(begin([](CheckpointRig& r) { r.area.offset += 4; }), Status::kBadArgument);
  EXPECT_EQ(begin([](CheckpointRig& r) { r.area.size += 4; }), Status::kBadArgument);
  EXPECT_EQ(begin([](CheckpointRig& r) { r.area.size = 0; }), Status::kBadArgument);
  EXPECT_EQ(begin([](CheckpointRig& r) { r.area.size = 0x80000000; }), Status::kBadArgument);
  EXPECT_EQ(begin([](CheckpointRig& r) { r.area.interval = 0; }), Status::kBadArgument);
  EXPECT_EQ(begin([](CheckpointRig& r) { r.area.flash = nullptr; }), Status::kBadArgument);
}

TEST(SessionTest, InactiveSlot) {
  AgentRig rig(Install::kNone, 3);
  ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
  EXPECT_EQ(InactiveSlot(rig.layout, rig.metadata, 0), 1);
  EXPECT_EQ(InactiveSlot(rig.layout, rig.metadata, 1), 0);
  rig.layout.slots[2].factory = false;  // three to choose from
  rig.metadata.slot(1) = {SlotState::kConfirmed, 0, false, 0, 5, {}};
  EXPECT_EQ(InactiveSlot(rig.layout, rig.metadata, 0), 2) << "it is empty";
  rig.metadata.slot(2) = {SlotState::kConfirmed, 0, false, 0, 6, {}};
  EXPECT_EQ(InactiveSlot(rig.layout, rig.metadata, 0), 1) << "it is older";
  rig.layout.count = 1;
  EXPECT_EQ(InactiveSlot(rig.layout, rig.metadata, 0), kNoSlot);
  AgentRig in_place(Install::kOverwrite);
  EXPECT_EQ(InactiveSlot(in_place.layout, in_place.metadata, 0), 1);
}

}  // namespace
}  // namespace mote::testing
