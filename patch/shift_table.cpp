// SPDX-License-Identifier: Apache-2.0
#include "patch/shift_table.h"
#include "patch/config.h"

#if MOTE_WITH_MODEL

namespace mote {

// The first entry above `address`.
ShiftTable::Entry* ShiftTable::Above(uint32_t address) const {
  Entry* low = entries_;
  unsigned count = static_cast<unsigned>(end_ - low);
  while (count != 0) {
    const unsigned half = count / 2;
    if (low[half].address <= address) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

const ShiftTable::Entry& ShiftTable::Find(uint32_t target) {
  Entry* entry = Above(target);
  if (entry == end_ || (entry != entries_ && (target - entry[-1].address) / 4 <= entry->address - target)) --entry;
  if (entry->uses < kMaxUses) ++entry->uses;
  return *entry;
}

void ShiftTable::Learn(uint32_t address, uint32_t shift) {
  Entry* place = Above(address);
  if (place == entries_ || place[-1].address != address) {
    if (end_ == limit_) {
      // Each turn around wears off one use.
      Entry* free;
      do {
        free = turn_;
        if (++turn_ == limit_) turn_ = entries_;
      } while (free->uses-- != 0);
      if (free < place) --place;
      --end_;
      for (; free != end_; ++free) *free = free[1];
    }
    for (Entry* last = end_++; last != place; --last) *last = last[-1];
    place->address = address;
    place->uses = 0;
    ++place;
  }
  place[-1].shift = shift;
}

}  // namespace mote

#endif  // MOTE_WITH_MODEL
