// SPDX-License-Identifier: Apache-2.0
#include "ports/microbit/board/layout.h"

#include "ports/microbit/board/flash.h"

namespace microbit {

mote::Layout SlotLayout() {
  const uint32_t size = AddressOf(layout_slot_size);
  mote::Layout layout{};
  unsigned count = 0;
  const uint8_t* const starts[] = {layout_slot_a, layout_slot_b};
  for (const uint8_t* start : starts) {
    layout.slots[count++] = {{&kFlash, AddressOf(start), size}, AddressOf(start), true, false};
  }
  layout.count = static_cast<uint8_t>(count);
  layout.default_slot = 0;
  layout.trial_boots = kTrialBoots;
  layout.install = mote::Install::kNone;
  layout.metadata = {&kFlash, AddressOf(layout_metadata), kPage, kMetadataPages};
  return layout;
}

mote::CheckpointArea CheckpointLayout() {
  return {&kFlash, AddressOf(layout_checkpoints), AddressOf(layout_checkpoints_size) / 2,
          kCheckpointInterval};
}

}  // namespace microbit
