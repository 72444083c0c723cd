// SPDX-License-Identifier: Apache-2.0
#include "patch/shift_table.h"

namespace mote {

void ShiftTable::Init(uint8_t* memory, uint32_t capacity) {
  entries_ = reinterpret_cast<Entry*>(memory);
  uses_ = memory + capacity * sizeof(Entry);
  capacity_ = static_cast<uint8_t>(capacity);
  count_ = turn_ = 0;
}

ShiftTable::Found ShiftTable::Find(uint32_t target, uint32_t& shift) {
  shift = 0;
  // Distances; one less than none at all is still none.
  uint32_t below = 0xFFFFFFFF, above = 0xFFFFFFFF;
  unsigned lower = 0, higher = 0;
  for (unsigned i = 0; i < count_; ++i) {
    const uint32_t address = entries_[i].address;
    if (address <= target) {
      if (target - address < below) below = target - address, lower = i;
    } else {
      if (address - target < above) above = address - target, higher = i;
    }
  }
  if (count_ == 0) return kNothing;
  if (below / 4 > above || below == 0xFFFFFFFF) lower = higher;
  if (uses_[lower] < kMaxUses) ++uses_[lower];
  shift = entries_[lower].shift;
  return below == 0 ? kExact : kNear;
}

void ShiftTable::Learn(uint32_t address, uint32_t shift) {
  unsigned at = 0;
  while (at < count_ && entries_[at].address != address) ++at;
  if (at == count_) {
    if (count_ < capacity_) {
      ++count_;
    } else {
      // Each turn around wears off one use: it ends after kMaxUses turns at most.
      for (at = turn_; uses_[at] != 0; at = Next(at)) --uses_[at];
      turn_ = Next(at);
    }
    uses_[at] = 0;
  }
  entries_[at] = {address, shift};
}

}  // namespace mote
