// SPDX-License-Identifier: Apache-2.0
// A small device with room for one image: an area of sectors of 256 bytes, staging, a journal and
// metadata.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "agent/boot.h"
#include "agent/layout.h"
#include "agent/metadata.h"
#include "agent/session.h"
#include "diff/diff.h"
#include "diff/sha256.h"
#include "release/digests.h"
#include "stream/in_place.h"
#include "tests/agent/in_place_file.h"
#include "tests/support/images.h"
#include "tests/support/patcher_rig.h"
#include "tools/simulated_flash.h"

namespace mote::testing {

struct InPlaceRig {
  static constexpr uint32_t kSector = 256;
  static constexpr uint32_t kArea = 24, kStaging = 16, kJournal = 16, kMetadata = 8;  // sectors
  static constexpr uint32_t kAreaSize = kArea * kSector;

  InPlaceRig()
      : simulated({.size = (kArea + kStaging + 2 * kJournal + kMetadata + 2) * kSector,
                   .erase_unit = kSector,
                   .program_unit = 4},
                  9),
        flash(simulated.flash()),
        journal{&flash, (kArea + kStaging) * kSector, kJournal * kSector, 2},
        layout{{{{&flash, 0, kAreaSize}, 0x1000, true, false},
                {{&flash, kAreaSize, kStaging * kSector}, kAnyAddress, false, false}},
               2,
               0,
               3,
               Install::kInPlace,
               0,
               1,
               {&flash, (kArea + kStaging + 2 * kJournal) * kSector, 4 * kSector, 2},
               nullptr,
               &journal},
        sha256(HostSha256(sha)) {
    Random random(31);
    old_image = CodeLikeBytes(random, 19 * kSector + 77);
    new_image = Edited(random, old_image, 8, 20 * kSector);
    // Not only what was there: so that a delta is some sectors.
    for (size_t at = 50; at + 50 < new_image.size(); at += 200) {
      for (size_t i = 0; i < 50; ++i) new_image[at + i] = static_cast<uint8_t>(random.Next());
    }
    Provision();
  }
  InPlaceRig(const InPlaceRig&) = delete;
  ~InPlaceRig() { EXPECT_EQ(simulated.violation_count(), 0u) << simulated.DescribeViolations(); }

  void Provision() {
    simulated.Load(0, old_image);
    ASSERT_EQ(metadata.Load(layout), Status::kDone);
    SlotRecord& record = metadata.slot(0);
    record = {};
    record.state = SlotState::kConfirmed;
    record.has_digest = true;
    record.size = static_cast<uint32_t>(old_image.size());
    record.update = 1;
    std::ranges::copy(Sha256::Of(old_image), record.digest);
    ASSERT_EQ(metadata.Commit(), Status::kDone);
  }
  // Bytes of spare sectors above an image.
  int64_t Room(const Bytes& image) const {
    return kAreaSize - static_cast<int64_t>((image.size() + kSector - 1) / kSector * kSector);
  }
  Bytes Forward() const {
    return InPlaceDeltaOf(old_image, new_image, Room(old_image) - 2 * kSector, kSector);
  }
  Bytes File(bool reversible = false) const {
    return InPlaceFileOf(
        Forward(),
        reversible ? InPlaceDeltaOf(new_image, old_image, Room(new_image) - 2 * kSector, kSector)
                   : Bytes());
  }

  SessionConfig Config() {
    SessionConfig session_config{};
    session_config.layout = &layout;
    session_config.metadata = &metadata;
    session_config.running = 0;
    session_config.target = 1;
    session_config.buffer = sector;
    session_config.buffer_size = sizeof sector;
    session_config.memory = memory;
    session_config.memory_size = sizeof memory;
    session_config.sha256 = sha256;
    return session_config;
  }
  // Until the end, an error, or `limit` bytes.
  Status Push(const Bytes& file, size_t limit = SIZE_MAX) {
    PowerUp();
    Status status = session.Begin(config);
    for (size_t at = session.offset(); at < std::min(limit, file.size()); ++at) {
      if (status != Status::kNeedInput) break;
      status = session.Write(&file[at], 1);
    }
    return status;
  }
  Status Send(const Bytes& file) {
    const Status status = Push(file);
    return status == Status::kNeedInput ? session.Finish() : status;
  }
  // Memory that knows nothing.
  void PowerUp() {
    simulated.PowerUp();
    std::ranges::fill(memory, uint8_t{0xA5});
    std::ranges::fill(sector, uint8_t{0xA5});
    EXPECT_EQ(metadata.Load(layout), Status::kDone);
  }
  Status Boot(BootChoice& choice) {
    PowerUp();
    choice = {kNoSlot, 0, false, false, Status::kDone};
    return Bootloader({layout, metadata, sha256, sector, sizeof sector, memory, sizeof memory})
        .Boot(choice);
  }
  // The next start runs `image`.
  void ExpectStarts(const Bytes& image, bool on_trial = false) {
    BootChoice choice;
    ASSERT_EQ(Boot(choice), Status::kDone);
    EXPECT_EQ(choice.slot, 0);
    EXPECT_EQ(choice.on_trial, on_trial);
    EXPECT_EQ(Compare(Image(image.size()), image), "");
    EXPECT_EQ(choice.size, image.size());
  }
  Bytes Image(size_t size) const {
    const auto content = simulated.Content(0, static_cast<uint32_t>(size));
    return {content.begin(), content.end()};
  }
  // So far of the area.
  uint64_t erases() const {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < kArea; ++i) sum += simulated.erases()[i];
    return sum;
  }

  SimulatedFlash simulated;
  Flash flash;
  JournalArea journal;
  Layout layout;
  Sha256 sha;
  Sha256Functions sha256;
  Metadata metadata;
  Session session;
  SessionConfig config = Config();
  Bytes old_image, new_image;
  alignas(8) uint8_t memory[8192];
  uint8_t sector[kSector];
};

}  // namespace mote::testing
