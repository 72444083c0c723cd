// SPDX-License-Identifier: Apache-2.0
// Metadata against bytes made by hand from METADATA.md, and what becomes of damaged ones.
#include "agent/metadata.h"

#include "tests/agent/agent_rig.h"
#include "tests/support/patcher_rig.h"

namespace mote::testing {
namespace {

// FNV-1a, by hand.
uint32_t Fnv(std::span<const uint8_t> bytes) {
  uint32_t hash = 0x811C9DC5;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x01000193;
  return hash;
}

void Append(Bytes& bytes, uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
}

// METADATA.md 2, worked example: slot 0 confirmed, 0x1234 bytes, update 7, slot 1 on trial with 2
// starts left.
Bytes Example(uint32_t sequence) {
  Bytes bytes = Hex("6D 74 4D 44  01 02 74 00");
  Append(bytes, sequence);
  const Bytes rest =
      Hex("00 000000 00000000 05000000"
          "04 00 01 00 34120000 07000000"
          "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
          "03 02 01 00 FF000000 08000000"
          "FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0EFEEEDECEBEAE9E8E7E6E5E4E3E2E1E0");
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  Append(bytes, Fnv(bytes));
  return bytes;
}

void Recheck(Bytes& record) {
  record.erase(record.end() - 4, record.end());
  Append(record, Fnv(record));
}

// Marks 0 and 1 are the seals.
Bytes Mark(uint32_t sequence, uint32_t number) {
  Bytes seed;
  Append(seed, sequence);
  Append(seed, number);
  Bytes mark;
  Append(mark, number);
  Append(mark, Fnv(seed));
  return mark;
}

class MetadataTest : public ::testing::Test {
 protected:
  // A page with that record and so many steps behind the seals; kOneSeal: without the second one;
  // kNoSeal: without both.
  static constexpr int kOneSeal = -1, kNoSeal = -2;
  void Write(uint32_t page, const Bytes& record, uint32_t sequence, int steps) {
    WriteTo(rig, page, record, sequence, steps);
  }
  static void WriteTo(AgentRig& rig, uint32_t page, const Bytes& record, uint32_t sequence,
                      int steps) {
    const uint32_t at = rig.layout.metadata.offset + page * AgentRig::kSector;
    rig.simulated.Blank(at, AgentRig::kSector);
    rig.simulated.Load(at, record);
    for (int i = 0; i <= steps + 1; ++i) {
      rig.simulated.Load(at + 116 + 8 * static_cast<uint32_t>(i),
                         Mark(sequence, static_cast<uint32_t>(i)));
    }
  }
  Status Load() { return rig.metadata.Load(rig.layout); }

  AgentRig rig;
};

TEST_F(MetadataTest, ExampleIsRead) {
  const Bytes record = Example(0x01020304);
  ASSERT_EQ(record.size(), 116u);
  Write(0, record, 0x01020304, 3);
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_FALSE(rig.metadata.empty());
  EXPECT_FALSE(rig.metadata.settled());
  EXPECT_EQ(rig.metadata.install, InstallState::kNone);
  EXPECT_EQ(rig.metadata.progress, 5u + 3);
  const SlotRecord& first = rig.metadata.slot(0);
  EXPECT_EQ(first.state, SlotState::kConfirmed);
  EXPECT_TRUE(first.has_digest);
  EXPECT_EQ(first.size, 0x1234u);
  EXPECT_EQ(first.update, 7u);
  for (uint8_t i = 0; i < 32; ++i) EXPECT_EQ(first.digest[i], i);
  const SlotRecord& second = rig.metadata.slot(1);
  EXPECT_EQ(second.state, SlotState::kOnTrial);
  EXPECT_EQ(second.boots_left, 2);
  EXPECT_EQ(second.size, 0xFFu);
  EXPECT_EQ(second.update, 8u);
  EXPECT_EQ(second.digest[31], 0xE0);
}

TEST_F(MetadataTest, ExampleIsWritten) {
  Write(0, Example(9), 9, 0);
  ASSERT_EQ(Load(), Status::kDone);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  const uint32_t at = rig.layout.metadata.offset + AgentRig::kSector;
  Bytes expected = Example(10);
  for (uint32_t i = 0; i < 2; ++i) {
    const Bytes seal = Mark(10, i);
    expected.insert(expected.end(), seal.begin(), seal.end());
  }
  expected.resize(AgentRig::kSector, 0xFF);
  EXPECT_EQ(Compare(rig.simulated.Content(at, AgentRig::kSector), expected), "");
  EXPECT_TRUE(rig.metadata.settled());

  // Further steps are marks, in the same page.
  const uint64_t erases = rig.simulated.operations(SimulatedFlash::kErase);
  ASSERT_EQ(rig.metadata.Advance(), Status::kDone);
  ASSERT_EQ(rig.metadata.Advance(), Status::kDone);
  EXPECT_EQ(rig.metadata.progress, 7u);
  EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kErase), erases);
  EXPECT_EQ(Compare(rig.simulated.Content(at + 132, 8), Mark(10, 2)), "");
  EXPECT_EQ(Compare(rig.simulated.Content(at + 140, 8), Mark(10, 3)), "");
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_EQ(rig.metadata.progress, 7u);
  EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
}

TEST_F(MetadataTest, StepsGoOnInTheNextPage) {
  Write(0, Example(9), 9, 0);
  ASSERT_EQ(Load(), Status::kDone);
  ASSERT_EQ(rig.metadata.marks_per_page(), (256u - 132) / 8);
  for (uint32_t i = 1; i <= 50; ++i) {
    ASSERT_EQ(rig.metadata.Advance(), Status::kDone);
    Metadata other;
    ASSERT_EQ(other.Load(rig.layout), Status::kDone);
    ASSERT_EQ(other.progress, 5 + i);
  }
  // The first one is a record, as nothing was settled; then every 16th.
  EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kErase), 1u + 49 / 16);
  EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
}

TEST_F(MetadataTest, GarbageIsNoMetadata) {
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_TRUE(rig.metadata.empty());
  EXPECT_EQ(rig.metadata.slot(0).state, SlotState::kConfirmed);
  EXPECT_FALSE(rig.metadata.slot(0).has_digest);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kEmpty);
  EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange), 0u);
  rig.metadata.slot(1).state = SlotState::kBad;
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_FALSE(rig.metadata.empty());
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kBad);
}

TEST_F(MetadataTest, EveryDamagedByteMakesTheOtherPageCount) {
  Bytes newer = Example(6);
  newer[24 + 44] = 5;  // slot 1 is bad
  Recheck(newer);
  for (size_t i = 0; i < newer.size() + 8; ++i) {
    Write(0, Example(5), 5, 0);
    Write(1, newer, 6, 0);
    const uint32_t at = rig.layout.metadata.offset + AgentRig::kSector + static_cast<uint32_t>(i);
    const uint8_t other = rig.simulated.content()[at] ^ 0x40;
    rig.simulated.Load(at, {&other, 1});
    ASSERT_EQ(Load(), Status::kDone) << i;
    EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kOnTrial) << i;
  }
  Write(1, newer, 6, 0);
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kBad);
}

TEST_F(MetadataTest, WhichPageCounts) {
  const struct {
    uint32_t first, second;
    int first_marks, second_marks;
    int expected;
  } cases[] = {
      {5, 6, 0, 0, 1},
      {6, 5, 0, 0, 0},
      {5, 6, 0, kNoSeal, 0},
      {6, 5, kNoSeal, 0, 1},
      {5, 6, 0, kOneSeal, 1},
      {6, 5, kOneSeal, 0, 0},
      {5, 6, kNoSeal, kNoSeal, 1},
      {0xFFFFFFFF, 0, 0, 0, 1},
      {5, 7, 3, kNoSeal, 0},
      {6, 5, kNoSeal, kOneSeal, 1},
      {0, 0xFFFFFFFF, 0, 0, 0},
      {0x7FFFFFFF, 0x80000000, 0, 0, 1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.first << " and " << c.second << ", marks "
                                      << c.first_marks << ", " << c.second_marks);
    Bytes second = Example(c.second);
    second[24] = 5;
    Recheck(second);
    Write(0, Example(c.first), c.first, c.first_marks);
    Write(1, second, c.second, c.second_marks);
    ASSERT_EQ(Load(), Status::kDone);
    EXPECT_EQ(rig.metadata.slot(0).state == SlotState::kBad, c.expected == 1);
    // What is written next goes into the other page, and counts.
    const auto before = rig.simulated.erases();
    rig.metadata.slot(0).state = SlotState::kEmpty;
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    EXPECT_EQ(rig.simulated.erases()[30 + c.expected], before[30 + c.expected]);
    ASSERT_EQ(Load(), Status::kDone);
    EXPECT_EQ(rig.metadata.slot(0).state, SlotState::kEmpty);
  }
}

TEST_F(MetadataTest, ThreePagesInTurn) {
  AgentRig three(Install::kNone, 2, 3);
  ASSERT_EQ(three.metadata.Load(three.layout), Status::kDone);
  for (int i = 0; i < 9; ++i) {
    three.metadata.progress = static_cast<uint32_t>(i);
    ASSERT_EQ(three.metadata.Commit(), Status::kDone);
    ASSERT_EQ(three.metadata.Load(three.layout), Status::kDone);
    EXPECT_EQ(three.metadata.progress, static_cast<uint32_t>(i));
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(three.simulated.erases()[30 + i], 3u);
}

TEST_F(MetadataTest, WhatIsNotKnownIsRefused) {
  const struct {
    size_t at;
    uint8_t value;
    Status status;
  } cases[] = {
      {4, 2, Status::kUnsupported},                                 // version
      {4, 0, Status::kUnsupported},  {5, 3, Status::kBadArgument},  // slots
      {12, 9, Status::kUnsupported},                                // installation
      {12, 1, Status::kBadArgument},  // an installation in a layout that has none
      {13, 1, Status::kUnsupported}, {15, 1, Status::kUnsupported},
      {24, 6, Status::kUnsupported},  // state
      {26, 2, Status::kUnsupported},  // flags
      {27, 1, Status::kUnsupported},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << "byte " << c.at << " is " << int{c.value});
    Bytes record = Example(6);
    record[c.at] = c.value;
    Recheck(record);
    Write(0, Example(5), 5, 0);
    Write(1, record, 6, 0);
    EXPECT_EQ(Load(), c.status);
    EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange), 0u);
  }
}

TEST_F(MetadataTest, AnotherVersionOfAnotherLengthIsRefused) {
  Bytes record = Hex("6D 74 4D 44  02 01 14 00  07000000 01020304");
  Append(record, Fnv(record));
  Write(0, record, 7, kNoSeal);
  EXPECT_EQ(Load(), Status::kUnsupported);
  record[12] ^= 1;  // not a record of any version
  Write(0, record, 7, kNoSeal);
  EXPECT_EQ(Load(), Status::kDone);
  EXPECT_TRUE(rig.metadata.empty());
}

TEST_F(MetadataTest, APageThatCannotBeReadHoldsNothing) {
  Write(0, Example(5), 5, 0);
  Write(1, Example(6), 6, 2);
  rig.simulated.FailAfter(0, SimulatedFlash::kRead, Status::kReadError);  // passes
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_EQ(rig.metadata.progress, 7u);
  rig.simulated.Break(31 * AgentRig::kSector, 1, SimulatedFlash::kRead, Status::kReadError);
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_EQ(rig.metadata.progress, 5u);
}

// Also when it could still be read while the pages were compared.
TEST_F(MetadataTest, APageThatCannotBeReadAnyMoreHoldsNothing) {
  Write(0, Example(5), 5, 0);
  Write(1, Example(6), 6, 2);
  ASSERT_EQ(Load(), Status::kDone);
  const uint64_t reads = rig.simulated.operations(SimulatedFlash::kRead);
  ASSERT_EQ(Load(), Status::kDone);
  const uint64_t each = rig.simulated.operations(SimulatedFlash::kRead) - reads;
  for (uint64_t after = 0; after < each; ++after) {
    SCOPED_TRACE(after);
    struct Failing {
      Flash flash;
      uint64_t left;
    } failing{rig.simulated.flash(), after};
    Flash flash = failing.flash;
    flash.context = &failing;
    flash.read = [](void* context, uint32_t offset, uint8_t* to, uint32_t size) {
      Failing& self = *static_cast<Failing*>(context);
      if (self.left != 0) --self.left;
      if (self.left == 0 && offset >= 31 * AgentRig::kSector) return Status::kReadError;
      return self.flash.read(self.flash.context, offset, to, size);
    };
    Layout layout = rig.layout;
    layout.metadata.flash = &flash;
    ASSERT_EQ(rig.metadata.Load(layout), Status::kDone);
    EXPECT_GE(rig.metadata.progress, 5u);
  }
}

// Nor does one whose bits read differently once the pages were compared: an interrupted operation
// left them. Byte 24 is a state, which could not be told from one of another version; byte 30 a
// size, which could not be told from the right one.
TEST_F(MetadataTest, APageThatReadsDifferentlyNowHoldsNothing) {
  Write(0, Example(5), 5, 0);
  Write(1, Example(6), 6, kNoSeal);
  for (const uint32_t pages : {0x03u, 0x01u}) {  // which of them read differently
    for (const uint32_t byte : {24u, 30u}) {
      struct Noisy {
        Flash flash;
        uint32_t pages, byte;
        int reads[2];
      } noisy{rig.simulated.flash(), pages, byte, {}};
      Flash flash = noisy.flash;
      flash.context = &noisy;
      flash.read = [](void* context, uint32_t offset, uint8_t* to, uint32_t size) {
        Noisy& self = *static_cast<Noisy*>(context);
        const Status status = self.flash.read(self.flash.context, offset, to, size);
        for (uint32_t page = 0; page < 2; ++page) {
          const uint32_t at = (30 + page) * AgentRig::kSector + self.byte;
          if ((self.pages >> page & 1) == 0 || at < offset || at >= offset + size) continue;
          if (self.reads[page]++ == 1) to[at - offset] ^= 0x80;
        }
        return status;
      };
      Layout layout = rig.layout;
      layout.metadata.flash = &flash;
      ASSERT_STREQ(StatusName(rig.metadata.Load(layout)), "done") << pages << ' ' << byte;
      EXPECT_EQ(noisy.reads[0], 2);
      EXPECT_EQ(noisy.reads[1], pages == 3 ? 2 : 0);
      EXPECT_EQ(rig.metadata.empty(), pages == 3);
      EXPECT_EQ(rig.metadata.slot(0).size, pages == 3 ? 0u : 0x1234u);
    }
  }
}

TEST_F(MetadataTest, AFailedCommitChangesNothing) {
  Write(0, Example(5), 5, 0);
  ASSERT_EQ(Load(), Status::kDone);
  rig.simulated.Break(31 * AgentRig::kSector, 1, SimulatedFlash::kProgram, Status::kFlashError);
  rig.metadata.slot(1).state = SlotState::kConfirmed;
  EXPECT_EQ(rig.metadata.Commit(), Status::kFlashError);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kOnTrial);
  EXPECT_EQ(rig.simulated.erases()[30], 0u) << "the page that counts was erased";
}

TEST_F(MetadataTest, AWornOutPageIsPassedOverWhereThereAreThree) {
  AgentRig three(Install::kNone, 2, 3);
  three.simulated.Break(31 * AgentRig::kSector, 1, SimulatedFlash::kErase, Status::kFlashError);
  ASSERT_EQ(three.metadata.Load(three.layout), Status::kDone);
  for (uint32_t i = 1; i < 6; ++i) {
    three.metadata.progress = i;
    ASSERT_EQ(three.metadata.Commit(), Status::kDone);
    ASSERT_EQ(three.metadata.Load(three.layout), Status::kDone);
    EXPECT_EQ(three.metadata.progress, i);
  }
}

// METADATA.md 3: what one start reads and another may not.
TEST_F(MetadataTest, Certain) {
  const struct {
    int first_steps, second_steps;  // of records 5 and 6
    bool expected;
  } cases[] = {{0, 0, true},
               {0, 4, true},
               {kOneSeal, 0, true},
               {kNoSeal, 0, true},
               {0, kOneSeal, false},
               {0, kNoSeal, false},
               {4, kNoSeal, false},
               {kOneSeal, kOneSeal, false},
               {kNoSeal, kNoSeal, false}};
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.first_steps << ", " << c.second_steps);
    Write(0, Example(5), 5, c.first_steps);
    Write(1, Example(6), 6, c.second_steps);
    ASSERT_EQ(Load(), Status::kDone);
    EXPECT_EQ(rig.metadata.certain(), c.expected);
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    EXPECT_TRUE(rig.metadata.certain());
    ASSERT_EQ(Load(), Status::kDone);
    EXPECT_TRUE(rig.metadata.certain());
  }
}

TEST_F(MetadataTest, ADeviceFreshFromTheFactoryIsCertain) {
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_TRUE(rig.metadata.certain());
}

// Until there is something newer that is certain, too.
TEST_F(MetadataTest, WhatIsCertainIsNotErased) {
  AgentRig three(Install::kNone, 2, 3);
  for (uint32_t certain = 0; certain < 3; ++certain) {
    SCOPED_TRACE(certain);
    WriteTo(three, certain, Example(5), 5, 0);
    WriteTo(three, (certain + 1) % 3, Example(6), 6, kOneSeal);
    WriteTo(three, (certain + 2) % 3, Example(7), 7, kOneSeal);
    const auto before = three.simulated.erases();
    ASSERT_EQ(three.metadata.Load(three.layout), Status::kDone);
    ASSERT_EQ(three.metadata.Commit(), Status::kDone);
    EXPECT_EQ(three.simulated.erases()[30 + (certain + 1) % 3], before[30 + (certain + 1) % 3] + 1);
    ASSERT_EQ(three.metadata.Commit(), Status::kDone);
    EXPECT_EQ(three.simulated.erases()[30 + (certain + 2) % 3], before[30 + (certain + 2) % 3] + 1);
    EXPECT_EQ(three.simulated.erases()[30 + certain], before[30 + certain]);
    ASSERT_EQ(three.metadata.Commit(), Status::kDone);
    EXPECT_EQ(three.simulated.erases()[30 + certain], before[30 + certain] + 1);
  }
}

// A record of 116 bytes, through a buffer of 64.
constexpr uint64_t kRecordPrograms = 2;

TEST_F(MetadataTest, ASecondSealThatFailsCostsOneMoreRecordLater) {
  Write(0, Example(5), 5, 0);
  ASSERT_EQ(Load(), Status::kDone);
  rig.metadata.slot(1).state = SlotState::kConfirmed;
  rig.simulated.FailAfter(kRecordPrograms + 1, SimulatedFlash::kProgram, Status::kFlashError);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kConfirmed);
  EXPECT_FALSE(rig.metadata.certain());
}

TEST_F(MetadataTest, APageWhoseSecondSealFailsIsPassedOverWhereThereAreThree) {
  AgentRig three(Install::kNone, 2, 3);
  ASSERT_EQ(three.metadata.Load(three.layout), Status::kDone);
  ASSERT_EQ(three.metadata.Commit(), Status::kDone);
  three.metadata.slot(1).state = SlotState::kBad;
  three.simulated.FailAfter(kRecordPrograms + 1, SimulatedFlash::kProgram, Status::kFlashError);
  ASSERT_EQ(three.metadata.Commit(), Status::kDone);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(three.simulated.erases()[30 + i], 1u) << i;
  ASSERT_EQ(three.metadata.Load(three.layout), Status::kDone);
  EXPECT_EQ(three.metadata.slot(1).state, SlotState::kBad);
  EXPECT_TRUE(three.metadata.certain());
}

TEST_F(MetadataTest, ARecordThatDoesNotReadBackIsNotSealed) {
  for (const uint32_t sequence : {7u, 0xFFFFFFFEu, 0xFFFFFFFFu, 0u}) {
    SCOPED_TRACE(sequence);
    Write(0, Example(sequence), sequence, 0);
    const uint32_t other = rig.layout.metadata.offset + AgentRig::kSector;
    const LyingFlash lying(rig, other, other + 1, 9);
    ASSERT_EQ(Load(), Status::kDone);
    rig.metadata.slot(1).state = SlotState::kConfirmed;
    EXPECT_EQ(rig.metadata.Commit(), Status::kFlashError);
    EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kOnTrial);
    rig.layout.metadata.flash = &rig.flash;
    ASSERT_EQ(Load(), Status::kDone);
    EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kOnTrial);
  }
}

TEST_F(MetadataTest, ASealThatDoesNotReadBackDoesNotCount) {
  Write(0, Example(7), 7, 0);
  const uint32_t seal = rig.layout.metadata.offset + AgentRig::kSector + 116;
  const LyingFlash lying(rig, seal, seal + 1, 9);
  ASSERT_EQ(Load(), Status::kDone);
  rig.metadata.slot(1).state = SlotState::kConfirmed;
  EXPECT_EQ(rig.metadata.Commit(), Status::kFlashError);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kOnTrial);
  rig.layout.metadata.flash = &rig.flash;
}

TEST_F(MetadataTest, APageThatFailsOnceGetsASecondChance) {
  Write(0, Example(7), 7, 0);
  ASSERT_EQ(Load(), Status::kDone);
  for (const auto operation : {SimulatedFlash::kErase, SimulatedFlash::kProgram}) {
    rig.simulated.FailAfter(0, operation, Status::kFlashError);
    EXPECT_EQ(rig.metadata.Commit(), Status::kDone);
  }
}

TEST_F(MetadataTest, ConfirmAndActivate) {
  Write(0, Example(5), 5, 0);
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_EQ(Confirm(rig.layout, rig.metadata, 2), Status::kBadArgument);
  EXPECT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kBadArgument) << "it is on trial";
  ASSERT_EQ(Confirm(rig.layout, rig.metadata, 1), Status::kDone);
  ASSERT_EQ(Load(), Status::kDone);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kConfirmed);
  EXPECT_EQ(rig.metadata.slot(1).boots_left, 0);
  const uint64_t changes = rig.simulated.operations(SimulatedFlash::kChange);
  EXPECT_EQ(Confirm(rig.layout, rig.metadata, 1), Status::kDone);
  EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange), changes) << "it was confirmed";
  rig.metadata.slot(1).state = SlotState::kBad;
  EXPECT_EQ(Confirm(rig.layout, rig.metadata, 1), Status::kBadArgument);
  rig.metadata.slot(1).state = SlotState::kVerified;
  ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kOnTrial);
  EXPECT_EQ(rig.metadata.slot(1).boots_left, 3);
}

TEST(Layout, WhatIsRefused) {
  const auto check = [](const auto& change, Install install = Install::kNone) {
    AgentRig rig(install, 3);
    change(rig);
    return CheckLayout(rig.layout);
  };
  EXPECT_EQ(check([](AgentRig&) {}), Status::kDone);
  EXPECT_EQ(check([](AgentRig&) {}, Install::kSwap), Status::kDone);
  EXPECT_EQ(check([](AgentRig&) {}, Install::kOverwrite), Status::kDone);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.count = 0; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.count = 5; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.default_slot = 3; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.default_slot = 1; }, Install::kSwap),
            Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.trial_boots = 0; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.metadata.pages = 1; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.metadata.pages = 4; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.metadata.page_size = 300; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.metadata.offset += 4; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.metadata.flash = nullptr; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.metadata.offset = 21 * 256; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.slots[1].slot.flash = nullptr; }),
            Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.slots[1].slot.size = 0; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.slots[1].slot.size += 4; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.slots[1].slot.size = 0xFFFFFF00; }),
            Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.slots[1].slot.offset = 8 * 256; }),
            Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.flash.program_unit = 3; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.flash.program_unit = 64; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.flash.read = nullptr; }), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.primary = 3; }, Install::kSwap), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.staging = 0; }, Install::kSwap), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.staging = 2; }, Install::kSwap), Status::kBadArgument);
  EXPECT_EQ(check([](AgentRig& r) { r.layout.slots[0].slot.size = 256; }, Install::kSwap),
            Status::kBadArgument);
}

TEST(Layout, Capacity) {
  AgentRig rig(Install::kSwap);
  EXPECT_EQ(ImageCapacity(rig.layout, 1), 8u * 256);
  rig.layout.slots[0].slot.size = 8 * 256;
  EXPECT_EQ(ImageCapacity(rig.layout, 1), 7u * 256) << "a sector of primary is for the swap";
  rig.layout.install = Install::kOverwrite;
  EXPECT_EQ(ImageCapacity(rig.layout, 1), 8u * 256);
  // In whole units of the part with the larger ones.
  SimulatedFlash other({.size = 8192, .erase_unit = 1024, .program_unit = 4}, 4);
  const Flash flash = other.flash();
  rig.layout.slots[0].slot = {&flash, 0, 4096};
  rig.layout.slots[1].slot.size = 5 * 256;
  EXPECT_EQ(ImageCapacity(rig.layout, 1), 1024u);
  EXPECT_EQ(SlotAtAddress(rig.layout, 0x1000), 0);
  EXPECT_EQ(SlotAtAddress(rig.layout, 0x2000), kNoSlot) << "nothing runs there";
}

}  // namespace
}  // namespace mote::testing
