// SPDX-License-Identifier: Apache-2.0
// Where things are in flash. The numbers are those of link/layout.ld, in which the linker looks
// them up; in a build with MOTE_WITH_IN_PLACE=1 those of link/in_place/layout.ld.
#pragma once

#include <stdint.h>

#include "agent/layout.h"
#include "stream/checkpoint.h"

extern "C" {
extern const uint8_t layout_slot_a[], layout_slot_b[], layout_metadata[], layout_note[];
extern const uint8_t layout_checkpoints[];
extern const uint8_t layout_staging[], layout_journal[];
extern const uint8_t layout_slot_size[], layout_checkpoints_size[];  // numbers, not addresses
extern const uint8_t layout_staging_size[], layout_journal_size[];
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

#if MOTE_WITH_IN_PLACE
/// Slot A, which programs are linked for, and where update files go.
mote::Layout SlotLayout();
#else
/// Slots A and B, linked for where they are; updates go into the one that does not run.
mote::Layout SlotLayout();
/// Where the decoder's state goes, and how often.
mote::CheckpointArea CheckpointLayout();
#endif

}  // namespace microbit
