// SPDX-License-Identifier: Apache-2.0
// The glue for ESP-IDF, on functions that stand in for ESP-IDF's: an update, and each of their
// errors.
#include <esp_ota_ops.h>
#include <gtest/gtest.h>

#include <memory>

#include "ports/esp-idf/mote/mote_esp.h"
#include "tests/ports/stubs/flash_in_memory.h"

namespace mote::testing {
namespace {

constexpr uint32_t kSize = 0x10000, kUnit = 4096;

struct Board {
  explicit Board(bool encrypted)
      : part{{kSize, kUnit, encrypted ? 16u : 1u}, {kSize, kUnit, encrypted ? 16u : 1u}} {
    for (unsigned i = 0; i < 2; ++i) {
      partitions[i].address = 0x10000 + i * kSize;
      partitions[i].size = kSize;
      partitions[i].erase_size = kUnit;
      partitions[i].encrypted = encrypted;
    }
  }
  PartitionInMemory part[2];
  esp_partition_t partitions[2] = {};
  const esp_partition_t* running = &partitions[0];
  const esp_partition_t* next = &partitions[1];
  const esp_partition_t* boot = nullptr;
  esp_ota_img_states_t state = ESP_OTA_IMG_VALID;
  esp_err_t state_error = ESP_OK;
  esp_err_t boot_error = ESP_OK;
};
std::unique_ptr<Board> board;

PartitionInMemory& PartOf(const esp_partition_t* partition) {
  return board->part[partition - board->partitions];
}

class EspIdfTest : public ::testing::TestWithParam<bool> {
 protected:
  EspIdfTest() { Reset(); }
  ~EspIdfTest() override {
    EXPECT_TRUE(board->part[0].Starts(old_image));
    EXPECT_EQ(board->part[0].changes, 0u);
  }

  void Reset() {
    board = std::make_unique<Board>(GetParam());
    board->part[0].Load(old_image);
  }
  mote_status Update(const Bytes& bytes) {
    mote_status status = mote_esp_begin(&update, &config);
    for (size_t i = 0; i < bytes.size() && status == MOTE_NEED_INPUT; i += 17) {
      const size_t size = std::min<size_t>(17, bytes.size() - i);
      status = mote_esp_write(&update, bytes.data() + i, static_cast<uint32_t>(size));
    }
    return status == MOTE_NEED_INPUT ? mote_esp_finish(&update) : status;
  }

  const Bytes old_image = ReadFile(MOTE_PAIR "/old.bin"),
              new_image = ReadFile(MOTE_PAIR "/new.bin");
  const Bytes delta = ReadFile(MOTE_DELTA);
  uint8_t sector[kUnit];
  alignas(uint32_t) uint8_t memory[1024];
  mote_esp_config config{sector, sizeof sector, memory, sizeof memory, {nullptr, nullptr}};
  mote_esp update{};
};

TEST_P(EspIdfTest, UpdatesAndChoosesTheNewApp) {
  ASSERT_EQ(Update(delta), MOTE_DONE);
  EXPECT_TRUE(board->part[1].Starts(new_image));
  EXPECT_EQ(board->boot, nullptr);
  ASSERT_EQ(mote_esp_activate(&update), MOTE_DONE);
  EXPECT_EQ(board->boot, board->next);
  EXPECT_EQ(mote_esp_write(&update, delta.data(), 1), MOTE_DONE);
}

TEST_P(EspIdfTest, FactoryAppHasNoState) {
  board->state = ESP_OTA_IMG_PENDING_VERIFY;  // not to be looked at
  board->state_error = 0x105;
  EXPECT_EQ(Update(delta), MOTE_DONE);
}

TEST_P(EspIdfTest, EveryFlashErrorIsReported) {
  for (const int part : {0, 1}) {
    for (unsigned i = 1;; ++i) {
      board->part[part].until_failure = i;
      const mote_status status = Update(delta);
      if (board->part[part].until_failure != 0) {  // it did not come to that
        EXPECT_EQ(status, MOTE_DONE);
        EXPECT_GT(i, 6u);
        board->part[part].until_failure = 0;
        break;
      }
      ASSERT_EQ(status, part == 0 ? MOTE_READ_ERROR : MOTE_FLASH_ERROR) << i;
      ASSERT_EQ(mote_esp_activate(&update), MOTE_BAD_ARGUMENT) << i;
    }
  }
}

TEST_P(EspIdfTest, WhatIsWrongChangesNothing) {
  const auto refuses = [&] {
    EXPECT_EQ(mote_esp_begin(&update, &config), MOTE_BAD_ARGUMENT);
    EXPECT_EQ(mote_esp_write(&update, delta.data(), 1), MOTE_BAD_ARGUMENT);
    EXPECT_EQ(mote_esp_activate(&update), MOTE_BAD_ARGUMENT);
    EXPECT_EQ(board->part[1].changes, 0u);
    Reset();
  };
  board->state = ESP_OTA_IMG_PENDING_VERIFY;
  refuses();
  board->running = nullptr;
  refuses();
  board->next = nullptr;
  refuses();
  board->next = board->running;
  refuses();
  board->partitions[1].erase_size = 0;
  refuses();
  config.buffer_size = 7;
  refuses();
  config.buffer_size = sizeof sector;

  board->part[0].content[5] ^= 1;
  EXPECT_EQ(Update(delta), MOTE_WRONG_BASE);
  EXPECT_EQ(board->part[1].changes, 0u);
  board->part[0].content[5] ^= 1;
}

TEST_P(EspIdfTest, CutShortOrRefusedByTheBootloader) {
  EXPECT_EQ(Update(Bytes(delta.begin(), delta.end() - 1)), MOTE_NEED_INPUT);
  EXPECT_EQ(mote_esp_activate(&update), MOTE_BAD_ARGUMENT);
  ASSERT_EQ(Update(delta), MOTE_DONE);
  board->boot_error = ESP_ERR_OTA_VALIDATE_FAILED;
  EXPECT_EQ(mote_esp_activate(&update), MOTE_CORRUPT);
  board->boot_error = ESP_FAIL;
  EXPECT_EQ(mote_esp_activate(&update), MOTE_FLASH_ERROR);
}

INSTANTIATE_TEST_SUITE_P(Flash, EspIdfTest, ::testing::Values(false, true),
                         [](const auto& flash) { return flash.param ? "Encrypted" : "Plain"; });

}  // namespace

extern "C" {

esp_err_t esp_partition_read(const esp_partition_t* partition, size_t offset, void* to,
                             size_t size) {
  return PartOf(partition).Read(offset, to, size);
}
esp_err_t esp_partition_write(const esp_partition_t* partition, size_t offset, const void* data,
                              size_t size) {
  return PartOf(partition).Write(offset, data, size);
}
esp_err_t esp_partition_erase_range(const esp_partition_t* partition, size_t offset, size_t size) {
  return PartOf(partition).Erase(offset, size);
}
const esp_partition_t* esp_ota_get_running_partition() { return board->running; }
const esp_partition_t* esp_ota_get_next_update_partition(const esp_partition_t*) {
  return board->next;
}
esp_err_t esp_ota_get_state_partition(const esp_partition_t*, esp_ota_img_states_t* state) {
  *state = board->state;
  return board->state_error;
}
esp_err_t esp_ota_set_boot_partition(const esp_partition_t* partition) {
  if (board->boot_error == ESP_OK) board->boot = partition;
  return board->boot_error;
}

}  // extern "C"

}  // namespace mote::testing
