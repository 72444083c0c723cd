// SPDX-License-Identifier: Apache-2.0
// Devices with room for one image: from the first byte of a file to the start of the new image, and
// back. Power cuts are tools/powercut's.
#include "tests/agent/in_place_rig.h"

namespace mote::testing {
namespace {

class InPlaceDevice : public ::testing::Test {
 protected:
  void SendAndActivate(const Bytes& file) {
    ASSERT_EQ(rig.Send(file), Status::kDone);
    ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
  }
  // The session says so, nothing of the area was erased, the old image starts.
  void ExpectRefused(const Bytes& file, Status expected) {
    const uint64_t before = rig.erases();
    EXPECT_STREQ(StatusName(rig.Send(file)), StatusName(expected));
    rig.ExpectStarts(rig.old_image);
    EXPECT_EQ(rig.erases(), before);
  }
  // So does the bootloader, what it was asked for.
  void ExpectNotInstalled(Status expected) {
    const uint64_t before = rig.erases();
    BootChoice choice;
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_STREQ(StatusName(choice.refused), StatusName(expected));
    EXPECT_EQ(rig.erases(), before);
    EXPECT_EQ(Compare(rig.Image(rig.old_image.size()), rig.old_image), "");
    EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kBad);
    EXPECT_EQ(rig.metadata.install, InstallState::kNone);
  }

  InPlaceRig rig;
};

TEST_F(InPlaceDevice, BecomesTheNewImage) {
  SendAndActivate(rig.File());
  EXPECT_EQ(Compare(rig.Image(rig.old_image.size()), rig.old_image), "") << "so far";
  rig.ExpectStarts(rig.new_image);
  const SlotRecord& record = rig.metadata.slot(0);
  EXPECT_EQ(record.state, SlotState::kConfirmed);
  EXPECT_EQ(Bytes(record.digest, record.digest + kDigestSize), [&] {
    const Sha256::Digest digest = Sha256::Of(rig.new_image);
    return Bytes(digest.begin(), digest.end());
  }());
  EXPECT_EQ(record.update, 2u);
  EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kEmpty);
  rig.ExpectStarts(rig.new_image);
}

TEST_F(InPlaceDevice, TakesOneUpdateAfterAnother) {
  for (int i = 0; i < 6; ++i) {
    SCOPED_TRACE(i);
    SendAndActivate(rig.File());
    rig.ExpectStarts(rig.new_image);
    Random random(static_cast<uint64_t>(i) + 100);
    rig.old_image = rig.new_image;
    rig.new_image = Edited(random, rig.old_image, 3, 20 * InPlaceRig::kSector);
  }
}

TEST_F(InPlaceDevice, AReversibleUpdateIsOnTrialAndConfirmed) {
  SendAndActivate(rig.File(true));
  rig.ExpectStarts(rig.new_image, true);
  ASSERT_EQ(Confirm(rig.layout, rig.metadata, 0), Status::kDone);
  for (int i = 0; i < 5; ++i) rig.ExpectStarts(rig.new_image);
}

TEST_F(InPlaceDevice, AReversibleUpdateThatDoesNotConfirmIsTakenBack) {
  SendAndActivate(rig.File(true));
  for (int i = 0; i < rig.layout.trial_boots; ++i) rig.ExpectStarts(rig.new_image, true);
  rig.ExpectStarts(rig.old_image);
  EXPECT_EQ(rig.metadata.slot(0).state, SlotState::kConfirmed);
  EXPECT_EQ(rig.metadata.slot(0).update, 1u);
  // And it takes the next one.
  SendAndActivate(rig.File());
  rig.ExpectStarts(rig.new_image);
}

// The way back is damaged: the new image is whole, and there is no other.
TEST_F(InPlaceDevice, WhatCannotBeTakenBackStarts) {
  const Bytes file = rig.File(true);
  SendAndActivate(file);
  for (int i = 0; i < rig.layout.trial_boots; ++i) rig.ExpectStarts(rig.new_image, true);
  const uint64_t before = rig.erases();
  Bytes damaged = file;
  damaged[damaged.size() - 20] ^= 4;
  rig.simulated.Load(InPlaceRig::kAreaSize, damaged);
  for (int i = 0; i < 3; ++i) rig.ExpectStarts(rig.new_image);
  EXPECT_EQ(rig.erases(), before);
  // It does take a new one.
  rig.old_image = rig.new_image;
  rig.new_image[1000] ^= 1;
  SendAndActivate(rig.File());
  rig.ExpectStarts(rig.new_image);
}

TEST_F(InPlaceDevice, RefusesEveryFlippedByte) {
  const Bytes file = rig.File(true);
  for (size_t at = 0; at < file.size(); at += file.size() / 150 + 1) {
    SCOPED_TRACE(at);
    Bytes damaged = file;
    damaged[at] ^= 0x10;
    const uint64_t before = rig.erases();
    EXPECT_NE(rig.Send(damaged), Status::kDone);
    rig.ExpectStarts(rig.old_image);
    EXPECT_EQ(rig.erases(), before);
  }
}

TEST_F(InPlaceDevice, RefusesWhatIsCutShort) {
  const Bytes file = rig.File();
  for (const size_t size : {size_t{0}, size_t{5}, size_t{11}, file.size() / 2, file.size() - 1}) {
    ExpectRefused(Bytes(file.begin(), file.begin() + static_cast<ptrdiff_t>(size)),
                  Status::kNeedInput);
  }
}

TEST_F(InPlaceDevice, PaddingIsIgnored) {
  Bytes file = rig.File();
  file.resize(file.size() + 300, 0);
  SendAndActivate(file);
  rig.ExpectStarts(rig.new_image);
}

TEST_F(InPlaceDevice, RefusesBeforeStagingIsErased) {
  const auto refused = [&](const Bytes& file, Status expected) {
    const uint64_t before = rig.simulated.operations(SimulatedFlash::kChange);
    EXPECT_STREQ(StatusName(rig.Send(file)), StatusName(expected));
    EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange), before);
  };
  refused(rig.Forward(), Status::kCorrupt);  // no header
  Bytes file = rig.File();
  file[0] = 0xE2;
  refused(file, Status::kUnsupported);
  refused(InPlaceFileOf(Bytes(InPlaceRig::kStaging * InPlaceRig::kSector)), Status::kDoesNotFit);
  Bytes other = rig.old_image;
  other[700] ^= 1;
  refused(InPlaceFileOf(InPlaceDeltaOf(other, rig.new_image, 0)), Status::kWrongBase);
  const Bytes large(InPlaceRig::kAreaSize - InPlaceRig::kSector + 1, 7);
  refused(InPlaceFileOf(InPlaceDeltaOf(rig.old_image, large, 0)), Status::kDoesNotFit);
  for (const Codec codec : {Codec::kRaw, Codec::kLzss}) {
    DiffOptions diff;
    diff.codec = codec;
    refused(InPlaceFileOf(Diff(rig.old_image, rig.old_image, diff)), Status::kUnsupported);
  }
  rig.config.memory_size = 1000;
  refused(rig.File(), Status::kDoesNotFit);
}

// A byte of old is needed that new has overwritten by then.
TEST_F(InPlaceDevice, RefusesWhatReadsTooFarBack) {
  Random random(3);
  rig.new_image = RandomBytes(random, 8 * InPlaceRig::kSector);
  rig.new_image.insert(rig.new_image.end(), rig.old_image.begin(),
                       rig.old_image.begin() + 8 * InPlaceRig::kSector);
  ExpectRefused(InPlaceFileOf(InPlaceDeltaOf(rig.old_image, rig.new_image, 1 << 20)),
                Status::kDoesNotFit);
  SendAndActivate(rig.File());
  rig.ExpectStarts(rig.new_image);
}

// The record of a journal must fit its area, or the first power cut would be the last.
TEST_F(InPlaceDevice, RefusesWhatTheJournalHasNoRoomFor) {
  rig.journal.size = 4 * InPlaceRig::kSector;
  ExpectRefused(rig.File(), Status::kDoesNotFit);
}

TEST_F(InPlaceDevice, RefusesCheckpointsAndSmallBuffers) {
  const CheckpointArea area = {&rig.flash, 0, InPlaceRig::kSector, 1};
  rig.config.checkpoints = &area;
  EXPECT_EQ(rig.session.Begin(rig.config), Status::kBadArgument);
  rig.config.checkpoints = nullptr;
  rig.config.buffer_size = 32;
  EXPECT_EQ(rig.session.Begin(rig.config), Status::kBadArgument);
}

// What bootloader and firmware were told may be different from what there is.
TEST_F(InPlaceDevice, TheBootloaderLooksAgain) {
  const Bytes file = rig.File();
  {
    SCOPED_TRACE("staging changed");
    SendAndActivate(file);
    Bytes damaged = file;
    damaged[file.size() / 2] ^= 1;
    FixInPlaceCheck(damaged);
    rig.simulated.Load(InPlaceRig::kAreaSize, damaged);
    ExpectNotInstalled(Status::kCorrupt);
  }
  {
    SCOPED_TRACE("the image changed");
    SendAndActivate(file);
    Bytes changed = rig.old_image;
    changed[99] ^= 1;
    rig.simulated.Load(0, changed);
    std::ranges::copy(Sha256::Of(changed), rig.metadata.slot(0).digest);
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    std::swap(changed, rig.old_image);
    ExpectNotInstalled(Status::kWrongBase);
    std::swap(changed, rig.old_image);
    rig.Provision();
  }
  {
    SCOPED_TRACE("less memory");
    SendAndActivate(file);
    BootChoice choice;
    EXPECT_EQ(Bootloader({rig.layout, rig.metadata, rig.sha256, rig.sector, 256, rig.memory, 512})
                  .Boot(choice),
              Status::kDone);
    EXPECT_EQ(choice.refused, Status::kDoesNotFit);
  }
  {
    SCOPED_TRACE("a buffer that does not divide a sector: the port's mistake, not the file's");
    SendAndActivate(file);
    const uint64_t before = rig.erases();
    BootChoice choice;
    uint8_t buffer[96];
    EXPECT_EQ(Bootloader({rig.layout, rig.metadata, rig.sha256, buffer, sizeof buffer, rig.memory,
                          sizeof rig.memory})
                  .Boot(choice),
              Status::kDone);
    EXPECT_EQ(choice.slot, 0);
    EXPECT_EQ(rig.erases(), before);
    rig.ExpectStarts(rig.new_image);
  }
}

// A delta that repeats new from further back than the bootloader's buffer is long: it cannot see
// what would come out. Neither can the session, which has less; it takes it, unless it knows how
// much the bootloader has.
TEST_F(InPlaceDevice, WhatTheBootloaderCannotSeeIsNotInstalled) {
  Random random(8);
  const Bytes noise = RandomBytes(random, 600);
  rig.new_image = rig.old_image;
  for (const int at : {1000, 2500}) {
    rig.new_image.insert(rig.new_image.begin() + at, noise.begin(), noise.end());
  }
  rig.new_image.resize(rig.old_image.size());
  const auto file = [&](uint32_t window) {
    return InPlaceFileOf(InPlaceDeltaOf(rig.old_image, rig.new_image, 0, window));
  };
  SendAndActivate(file(1 << 20));
  ExpectNotInstalled(Status::kDoesNotFit);
  rig.layout.boot_buffer = InPlaceRig::kSector;
  ExpectRefused(file(1 << 20), Status::kDoesNotFit);
  SendAndActivate(file(InPlaceRig::kSector));
  rig.ExpectStarts(rig.new_image);
}

// Whoever makes a delta with all checks right can only make another image, not a broken one.
TEST_F(InPlaceDevice, NothingIsErasedForADeltaThatMakesAnotherImageThanItSays) {
  // What the session cannot see: a repetition from further back than it has memory for.
  Random random(6);
  const Bytes noise = RandomBytes(random, 80);
  for (const int at : {100, 230}) std::ranges::copy(noise, rig.new_image.begin() + at);
  const Bytes file = rig.File();
  int proved = 0;
  for (size_t at = 11; at < file.size(); at += file.size() / 400 + 1) {
    SCOPED_TRACE(at);
    Bytes changed = file;
    changed[at] ^= 0x20;
    FixInPlaceCheck(changed);
    if (rig.Send(changed) == Status::kDone) {
      ++proved;
      ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
      if (at + 8 > file.size()) {  // bits that the decoder may never come to
        BootChoice choice;
        ASSERT_EQ(rig.Boot(choice), Status::kDone);
        if (choice.size == rig.new_image.size()) {
          rig.ExpectStarts(rig.new_image);
          break;
        }
      } else {
        ExpectNotInstalled(Status::kCorrupt);
      }
    }
    rig.ExpectStarts(rig.old_image);
  }
  EXPECT_GT(proved, 10) << "too few get that far to say something";
}

// The flash fails while the image is in pieces: nothing starts, and the next start goes on.
TEST_F(InPlaceDevice, GoesOnAfterTheFlashFailed) {
  SendAndActivate(rig.File(true));
  const SimulatedFlash before = rig.simulated;
  rig.ExpectStarts(rig.new_image, true);
  const uint64_t all = rig.simulated.operations() - before.operations();
  for (uint64_t skip = 0; skip < all; skip += all / 60) {
    SCOPED_TRACE(skip);
    rig.simulated = before;
    rig.flash = rig.simulated.flash();
    rig.simulated.FailAfter(skip, SimulatedFlash::kAll, Status::kFlashError);
    BootChoice choice;
    const Status status = rig.Boot(choice);
    EXPECT_EQ(choice.slot, status == Status::kDone ? 0 : kNoSlot);
    rig.ExpectStarts(rig.new_image, true);
  }
}

TEST_F(InPlaceDevice, AnInterruptedFileGoesOnBehindItsSectors) {
  const Bytes file = rig.File(true);
  ASSERT_GT(file.size(), 5 * InPlaceRig::kSector);
  const Sha256::Digest digest = Sha256::Of(file);
  rig.config.digest = digest.data();
  uint32_t last = 0;
  for (size_t sent = 100; sent < file.size(); sent += 300) {
    ASSERT_EQ(rig.Push(file, sent), Status::kNeedInput);
    EXPECT_GE(rig.session.offset(), last);
    EXPECT_LE(rig.session.offset(), sent);
    EXPECT_EQ(rig.session.offset() % InPlaceRig::kSector, 0u);
    last = rig.session.offset();
  }
  EXPECT_GT(last, file.size() / 2);
  ASSERT_EQ(rig.Send(file), Status::kDone);
  EXPECT_GE(rig.session.offset(), last);
  EXPECT_LT(rig.session.sectors_written(), 3u);
  ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
  rig.ExpectStarts(rig.new_image, true);
}

// What is kept of an interrupted file turns out to be wrong: the next attempt is from the start.
TEST_F(InPlaceDevice, AnInterruptedFileThatWasChangedIsWrittenAnew) {
  const Bytes file = rig.File(true);
  const Sha256::Digest digest = Sha256::Of(file);
  rig.config.digest = digest.data();
  ASSERT_EQ(rig.Push(file, file.size() - 1), Status::kNeedInput);
  Bytes changed(file.begin(), file.begin() + InPlaceRig::kSector);
  changed[200] ^= 1;
  rig.simulated.Load(InPlaceRig::kAreaSize, changed);
  Status status = rig.Send(file);
  if (status != Status::kDone) status = rig.Send(file);
  EXPECT_EQ(status, Status::kDone);
  ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
  rig.ExpectStarts(rig.new_image, true);
}

TEST_F(InPlaceDevice, AFileWithAnotherDigestIsRefused) {
  const Bytes file = rig.File();
  Sha256::Digest digest = Sha256::Of(file);
  digest[7] ^= 1;
  rig.config.digest = digest.data();
  ExpectRefused(file, Status::kCorrupt);
}

// Journal and moves wear no sector more than they have to.
TEST_F(InPlaceDevice, ErasesEachSectorOfTheAreaAtMostTwice) {
  SendAndActivate(rig.File());
  const std::vector<uint32_t> before = rig.simulated.erases();
  rig.ExpectStarts(rig.new_image);
  for (uint32_t i = 0; i < InPlaceRig::kArea; ++i) {
    EXPECT_LE(rig.simulated.erases()[i] - before[i], 2u) << i;
  }
}

TEST(InPlaceLayout, IsChecked) {
  InPlaceRig rig;
  EXPECT_EQ(CheckLayout(rig.layout), Status::kDone);
  EXPECT_EQ(ImageCapacity(rig.layout, 1), InPlaceRig::kAreaSize - InPlaceRig::kSector);
  const auto expect_bad = [&](auto change) {
    JournalArea journal = rig.journal;
    Layout layout = rig.layout;
    layout.journal = &journal;
    change(layout, journal);
    EXPECT_EQ(CheckLayout(layout), Status::kBadArgument);
  };
  expect_bad([](Layout& layout, JournalArea&) { layout.journal = nullptr; });
  expect_bad([](Layout&, JournalArea& journal) { journal.count = 1; });
  expect_bad([](Layout&, JournalArea& journal) { journal.size = 0; });
  expect_bad([](Layout&, JournalArea& journal) { journal.size += 4; });
  expect_bad([](Layout&, JournalArea& journal) { journal.offset += 4; });
  expect_bad([](Layout&, JournalArea& journal) { journal.offset -= 256; });  // staging
  expect_bad([](Layout&, JournalArea& journal) { journal.count = 3; });      // metadata
  expect_bad([](Layout&, JournalArea& journal) { journal.size = 0x80000000; });
  expect_bad([](Layout& layout, JournalArea&) { layout.slots[0].slot.size = 256; });
  expect_bad([](Layout& layout, JournalArea&) { layout.slots[1].bootable = true; });
}

}  // namespace
}  // namespace mote::testing
