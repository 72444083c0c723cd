// SPDX-License-Identifier: Apache-2.0
#include "ports/microbit/board/layout.h"

#include "ports/microbit/board/flash.h"

namespace microbit {

#if MOTE_WITH_IN_PLACE

namespace {

constexpr uint8_t kJournalAreas = 2;
mote::JournalArea journal;

}  // namespace

mote::Layout SlotLayout() {
  const uint32_t start = AddressOf(layout_slot_a);
  journal = {&kFlash, AddressOf(layout_journal), AddressOf(layout_journal_size) / kJournalAreas,
             kJournalAreas};
  mote::Layout layout{};
  layout.slots[0] = {{&kFlash, start, AddressOf(layout_slot_size)}, start, true, false};
  layout.slots[1] = {{&kFlash, AddressOf(layout_staging), AddressOf(layout_staging_size)},
                     mote::kAnyAddress,
                     false,
                     false};
  layout.count = 2;
  layout.default_slot = 0;
  layout.trial_boots = kTrialBoots;
  layout.install = mote::Install::kInPlace;
  layout.primary = 0;
  layout.staging = 1;
  layout.metadata = {&kFlash, AddressOf(layout_metadata), kPage, kMetadataPages};
  layout.journal = &journal;
  layout.boot_buffer = kPage;
  return layout;
}

#else

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

#endif

}  // namespace microbit
