// SPDX-License-Identifier: Apache-2.0
// The glue for Zephyr, on functions that stand in for Zephyr's: an update, and each of their
// errors.
#include <errno.h>
#include <gtest/gtest.h>
#include <zephyr/dfu/mcuboot.h>
#include <zephyr/drivers/flash.h>
#include <zephyr/storage/flash_map.h>

#include <memory>

#include "ports/zephyr/mote_zephyr.h"
#include "tests/ports/stubs/flash_in_memory.h"

namespace mote::testing {
namespace {

constexpr size_t kSize = 0x10000, kUnit = 4096, kTrailer = kSize - 100;

/// Two areas of one part, one behind the other.
struct Board {
  PartitionInMemory part[2] = {{kSize, kUnit, 8}, {kSize, kUnit, 8}};
  flash_area areas[2] = {{1, 0, 0x20000, kSize, nullptr}, {2, 0, 0x20000 + kSize, kSize, nullptr}};
  int open = 0;
  size_t last_page = kUnit;  // of the second area
  int page_error = 0;
  int swap_type = BOOT_SWAP_TYPE_NONE;
  int request_error = 0;
  int requested = -1;
};
std::unique_ptr<Board> board;

PartitionInMemory& PartOf(const flash_area* area) { return board->part[area->fa_id - 1]; }

class ZephyrTest : public ::testing::Test {
 protected:
  ZephyrTest() {
    board = std::make_unique<Board>();
    board->part[0].Load(old_image);
  }
  ~ZephyrTest() override {
    mote_zephyr_abandon(&update);
    EXPECT_EQ(board->open, 0) << "an area was not closed";
    EXPECT_TRUE(board->part[0].Starts(old_image));
    EXPECT_EQ(board->part[0].changes, 0u);
  }

  mote_status Begin() { return mote_zephyr_begin(&update, &config); }
  mote_status Update(const Bytes& bytes) {
    mote_status status = Begin();
    for (size_t i = 0; i < bytes.size() && status == MOTE_NEED_INPUT; i += 17) {
      const size_t size = std::min<size_t>(17, bytes.size() - i);
      status = mote_zephyr_write(&update, bytes.data() + i, static_cast<uint32_t>(size));
    }
    return status == MOTE_NEED_INPUT ? mote_zephyr_finish(&update) : status;
  }

  const Bytes old_image = ReadFile(MOTE_PAIR "/old.bin"),
              new_image = ReadFile(MOTE_PAIR "/new.bin");
  const Bytes delta = ReadFile(MOTE_DELTA);
  uint8_t sector[kUnit];
  alignas(uint32_t) uint8_t memory[1024];
  mote_zephyr_config config{1, 2, sector, sizeof sector, memory, sizeof memory, {nullptr, nullptr}};
  mote_zephyr update{};
};

TEST_F(ZephyrTest, UpdatesAndAsksMcubootToSwap) {
  ASSERT_EQ(Update(delta), MOTE_DONE);
  EXPECT_TRUE(board->part[1].Starts(new_image));
  EXPECT_EQ(board->requested, -1);
  ASSERT_EQ(mote_zephyr_activate(&update), MOTE_DONE);
  EXPECT_EQ(board->requested, BOOT_UPGRADE_TEST);
  EXPECT_TRUE(board->part[1].Starts(new_image));
  for (size_t i = kSize - kUnit; i < kSize; ++i) {
    ASSERT_EQ(board->part[1].content[i], 0xFF) << "the trailer is not erased";
  }
  EXPECT_EQ(mote_zephyr_write(&update, delta.data(), 1), MOTE_DONE);
}

TEST_F(ZephyrTest, EveryFlashErrorIsReported) {
  for (const int part : {0, 1}) {
    for (unsigned i = 1;; ++i) {
      board->part[part].until_failure = i;
      mote_status status = Update(delta);
      if (status == MOTE_DONE) status = mote_zephyr_activate(&update);
      if (board->part[part].until_failure != 0) {  // it did not come to that
        EXPECT_EQ(status, MOTE_DONE);
        EXPECT_GT(i, 6u);
        board->part[part].until_failure = 0;
        break;
      }
      ASSERT_EQ(status, part == 0 ? MOTE_READ_ERROR : MOTE_FLASH_ERROR) << i;
      ASSERT_EQ(board->requested, -1) << i;
      ASSERT_EQ(board->open, 0) << i;
    }
    board->requested = -1;
  }
}

TEST_F(ZephyrTest, WhatIsWrongChangesNothing) {
  const auto refuses = [&](mote_status status) {
    EXPECT_EQ(Begin(), status);
    EXPECT_EQ(mote_zephyr_write(&update, delta.data(), 1),
              MOTE_BAD_ARGUMENT == status ? status : MOTE_READ_ERROR);
    EXPECT_EQ(mote_zephyr_activate(&update), MOTE_BAD_ARGUMENT);
    EXPECT_EQ(board->part[1].changes, 0u);
    EXPECT_EQ(board->open, 0);
    *board = Board();
    board->part[0].Load(old_image);
  };
  board->swap_type = BOOT_SWAP_TYPE_REVERT;
  refuses(MOTE_BAD_ARGUMENT);
  board->swap_type = -EIO;
  refuses(MOTE_READ_ERROR);
  board->last_page = 2 * kUnit;
  refuses(MOTE_BAD_ARGUMENT);
  board->page_error = -EINVAL;
  refuses(MOTE_READ_ERROR);
  config.new_area = 1;
  refuses(MOTE_BAD_ARGUMENT);
  config.new_area = 3;
  refuses(MOTE_BAD_ARGUMENT);
  config.new_area = 2;
  config.buffer_size = 7;
  refuses(MOTE_BAD_ARGUMENT);
  config.buffer_size = sizeof sector;

  board->part[0].content[5] ^= 1;
  EXPECT_EQ(Update(delta), MOTE_WRONG_BASE);
  EXPECT_EQ(board->part[1].changes, 0u);
  board->part[0].content[5] ^= 1;
}

TEST_F(ZephyrTest, CutShortOrRefusedByMcuboot) {
  EXPECT_EQ(Update(Bytes(delta.begin(), delta.end() - 1)), MOTE_NEED_INPUT);
  EXPECT_EQ(mote_zephyr_activate(&update), MOTE_BAD_ARGUMENT);
  mote_zephyr_abandon(&update);
  ASSERT_EQ(Update(delta), MOTE_DONE);
  board->request_error = -EIO;
  EXPECT_EQ(mote_zephyr_activate(&update), MOTE_FLASH_ERROR);
}

TEST_F(ZephyrTest, TrailerIsNotForTheImage) {
  // All that fits is what stands before the erase unit in which the trailer begins.
  ASSERT_EQ(Begin(), MOTE_NEED_INPUT);
  EXPECT_EQ(update.new_size, kSize - kUnit);
}

}  // namespace

extern "C" {

int flash_area_open(uint8_t id, const flash_area** area) {
  if (id != 1 && id != 2) return -ENOENT;
  *area = &board->areas[id - 1];
  ++board->open;
  return 0;
}
void flash_area_close(const flash_area*) { --board->open; }
int flash_area_read(const flash_area* area, off_t offset, void* to, size_t size) {
  return PartOf(area).Read(static_cast<size_t>(offset), to, size) == 0 ? 0 : -EIO;
}
int flash_area_write(const flash_area* area, off_t offset, const void* data, size_t size) {
  return PartOf(area).Write(static_cast<size_t>(offset), data, size) == 0 ? 0 : -EIO;
}
int flash_area_erase(const flash_area* area, off_t offset, size_t size) {
  return PartOf(area).Erase(static_cast<size_t>(offset), size) == 0 ? 0 : -EIO;
}
uint32_t flash_area_align(const flash_area*) { return 8; }
uint8_t flash_area_erased_val(const flash_area*) { return 0xFF; }
const device* flash_area_get_device(const flash_area* area) { return area->fa_dev; }

int flash_get_page_info_by_offs(const device*, off_t offset, flash_pages_info* info) {
  const off_t last = board->areas[1].fa_off + static_cast<off_t>(kSize - kUnit);
  *info = {offset - offset % static_cast<off_t>(kUnit), offset < last ? kUnit : board->last_page,
           0};
  return board->page_error;
}

int mcuboot_swap_type() { return board->swap_type; }
int boot_request_upgrade(int permanent) {
  if (board->request_error == 0) board->requested = permanent;
  return board->request_error;
}
ssize_t boot_get_trailer_status_offset(size_t) { return static_cast<ssize_t>(kTrailer); }

}  // extern "C"

}  // namespace mote::testing
