// SPDX-License-Identifier: Apache-2.0
#include "agent/layout.h"

#include "patch/config.h"
#include "stream/flash_pipe.h"

namespace mote {
namespace {

bool IsFlash(const Flash* flash) {
  if (!flash || !flash->read || !flash->erase || !flash->program) return false;
  const uint32_t unit = flash->program_unit;
  return unit != 0 && (unit & (unit - 1)) == 0 && flash->erase_unit != 0 &&
         (flash->erase_unit & (unit - 1)) == 0;
}

// Without a division, which would be the only one in a bootloader. REQUIRES: unit is not 0.
bool IsMultiple(uint32_t value, uint32_t unit) {
  uint32_t step = unit;
  while (step <= value >> 1) step <<= 1;
  for (; step >= unit; step >>= 1) {
    if (value >= step) value -= step;
    if (step == unit) break;
  }
  return value == 0;
}

bool IsWhole(const Slot& slot) {
  return IsFlash(slot.flash) && slot.size != 0 && slot.size <= 0xFFFFFFFF - slot.offset &&
         IsMultiple(slot.offset, slot.flash->erase_unit) &&
         IsMultiple(slot.size, slot.flash->erase_unit);
}

bool Overlap(const Slot& a, const Slot& b) {
  return a.flash == b.flash && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

bool IsJournalSane(const Layout& layout) {
  const JournalArea* const journal = layout.journal;
  if (!journal || journal->count < 2 || journal->size > 0xFFFFFFFF / 0xFF) return false;
  const Slot all = {journal->flash, journal->offset, journal->size * journal->count};
  const MetadataArea& area = layout.metadata;
  if (!IsWhole(all) || !IsMultiple(journal->size, journal->flash->erase_unit) ||
      journal->flash->program_unit > kMaxPipeUnit ||
      Overlap(all, {area.flash, area.offset, area.page_size * area.pages})) {
    return false;
  }
  for (uint8_t i = 0; i < layout.count; ++i) {
    if (Overlap(all, layout.slots[i].slot)) return false;
  }
  return true;
}

bool IsInstallSane(const Layout& layout) {
  if (layout.install == Install::kNone) return true;
  constexpr Install kLast = MOTE_WITH_IN_PLACE ? Install::kInPlace : Install::kSwap;
  if (!MOTE_WITH_INSTALL || layout.install > kLast || layout.primary >= layout.count ||
      layout.staging >= layout.count) {
    return false;
  }
  const SlotInfo& primary = layout.slots[layout.primary];
  const SlotInfo& staging = layout.slots[layout.staging];
  if (!primary.bootable || primary.factory || staging.bootable || staging.factory) return false;
  const uint32_t unit = InstallUnit(layout);
  if (layout.install == Install::kInPlace) return primary.slot.size > unit && IsJournalSane(layout);
  return IsMultiple(unit, primary.slot.flash->erase_unit) &&
         IsMultiple(unit, staging.slot.flash->erase_unit) &&
         ImageCapacity(layout, layout.staging) != 0;
}

}  // namespace

Status CheckLayout(const Layout& layout) {
  const MetadataArea& area = layout.metadata;
  if (layout.count == 0 || layout.count > kMaxSlots || layout.default_slot >= layout.count ||
      !layout.slots[layout.default_slot].bootable || layout.trial_boots == 0 || area.pages < 2 ||
      area.pages > kMaxMetadataPages || area.page_size > 0xFFFFFFFF / kMaxMetadataPages) {
    return Status::kBadArgument;
  }
  const Slot metadata = {area.flash, area.offset, area.page_size * area.pages};
  if (!IsWhole(metadata) || !IsMultiple(area.page_size, area.flash->erase_unit) ||
      area.flash->program_unit > kMaxMetadataUnit ||
      area.page_size <
          MetadataPageSize(layout.count, area.flash->program_unit, layout.trust != nullptr)) {
    return Status::kBadArgument;
  }
  for (uint8_t i = 0; i < layout.count; ++i) {
    const Slot& slot = layout.slots[i].slot;
    if (!IsWhole(slot) || Overlap(slot, metadata)) return Status::kBadArgument;
    for (uint8_t j = 0; j < i; ++j) {
      if (Overlap(slot, layout.slots[j].slot)) return Status::kBadArgument;
    }
  }
  if (layout.trust && (!MOTE_WITH_TRUST || !layout.trust->verifier.verify)) {
    return Status::kBadArgument;
  }
  return IsInstallSane(layout) ? Status::kDone : Status::kBadArgument;
}

uint8_t SlotAtAddress(const Layout& layout, uint32_t address) {
  for (uint8_t i = 0; i < layout.count; ++i) {
    if (layout.slots[i].bootable && layout.slots[i].link_address == address) return i;
  }
  return kNoSlot;
}

uint32_t InstallUnit(const Layout& layout) {
  const uint32_t primary = layout.slots[layout.primary].slot.flash->erase_unit;
  const uint32_t staging = layout.slots[layout.staging].slot.flash->erase_unit;
  return primary > staging || layout.install == Install::kInPlace ? primary : staging;
}

uint32_t ImageCapacity(const Layout& layout, uint8_t target) {
  if (!MOTE_WITH_INSTALL || layout.install == Install::kNone) return layout.slots[target].slot.size;
  const uint32_t unit = InstallUnit(layout);
  uint32_t primary = layout.slots[layout.primary].slot.size;
  if (layout.install == Install::kInPlace) return primary - unit;
  const uint32_t staging = layout.slots[layout.staging].slot.size;
  primary -= primary % unit;
  if (layout.install == Install::kSwap) primary = primary > unit ? primary - unit : 0;
  const uint32_t smaller = primary < staging ? primary : staging;
  return smaller - smaller % unit;
}

}  // namespace mote
