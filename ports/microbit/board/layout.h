// SPDX-License-Identifier: Apache-2.0
// Where things are in flash. The numbers are those of link/layout.ld, in which the linker looks
// them up.
#pragma once

#include <stdint.h>

#include "agent/layout.h"
#include "stream/checkpoint.h"

extern "C" {
extern const uint8_t layout_slot_a[], layout_slot_b[], layout_metadata[], layout_note[];
extern const uint8_t layout_checkpoints[];
extern const uint8_t layout_slot_size[], layout_checkpoints_size[];  // numbers, not addresses
extern const uint8_t layout_flash_end[];
extern const uint8_t fw_image_start[];  // of the program that asks
}

namespace microbit {

constexpr uint32_t kPage = 1024;
constexpr uint8_t kMetadataPages = 3;
constexpr uint8_t kTrialBoots = 3;
/// Pages of an image from one checkpoint to the next. One costs five pages and some thousand words,
/// as much as four pages of an image.
constexpr uint32_t kCheckpointInterval = 16;

inline uint32_t AddressOf(const void* symbol) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(symbol));
}

/// Slots A and B, linked for where they are; updates go into the one that does not run.
mote::Layout SlotLayout();
/// Where the decoder's state goes, and how often.
mote::CheckpointArea CheckpointLayout();

}  // namespace microbit
