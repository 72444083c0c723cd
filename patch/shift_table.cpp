// SPDX-License-Identifier: Apache-2.0
#include "patch/shift_table.h"
#include "patch/config.h"

#if MOTE_WITH_MODEL

namespace mote {

void ShiftTable::Init(uint8_t* memory, uint32_t capacity) {
  entries_ = reinterpret_cast<Entry*>(memory);
  uses_ = memory + capacity * sizeof(Entry);
  order_ = uses_ + capacity;
  capacity_ = static_cast<uint8_t>(capacity);
  count_ = turn_ = 0;
}

// How many entries are at `address` or lower.
unsigned ShiftTable::CountUpTo(uint32_t address) const {
  unsigned low = 0, high = count_;
  while (low != high) {
    const unsigned middle = (low + high) / 2;
    if (entries_[order_[middle]].address <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

ShiftTable::Found ShiftTable::Find(uint32_t target, uint32_t& shift) {
  shift = 0;
  if (count_ == 0) return kNothing;
  const unsigned rank = CountUpTo(target);
  const uint8_t* order = order_ + rank;
  uint32_t below = 0xFFFFFFFF;
  unsigned at = rank == 0 ? order[0] : order[-1];
  if (rank != 0) {
    below = target - entries_[at].address;
    if (rank != count_ && below / 4 > entries_[order[0]].address - target) at = order[0];
  }
  if (uses_[at] < kMaxUses) ++uses_[at];
  shift = entries_[at].shift;
  return below == 0 ? kExact : kNear;
}

// Each turn around wears off one use: it ends after kMaxUses turns at most.
uint8_t ShiftTable::NextInTurn() {
  while (true) {
    const uint8_t at = turn_;
    turn_ = static_cast<uint8_t>(at + 1 == capacity_ ? 0 : at + 1);
    if (uses_[at] == 0) return at;
    --uses_[at];
  }
}

void ShiftTable::Learn(uint32_t address, uint32_t shift) {
  unsigned rank = CountUpTo(address);
  uint8_t at;
  if (rank != 0 && entries_[order_[rank - 1]].address == address) {
    at = order_[rank - 1];
  } else {
    // A place in the order becomes free; it moves to where the new entry belongs.
    unsigned free = count_;
    if (free != capacity_) {
      at = count_++;
      uses_[at] = 0;
    } else {
      at = NextInTurn();
      do --free;
      while (order_[free] != at);
    }
    if (free < rank) --rank;
    for (; free < rank; ++free) order_[free] = order_[free + 1];
    for (; free > rank; --free) order_[free] = order_[free - 1];
    order_[rank] = at;
  }
  entries_[at] = {address, shift};
}

}  // namespace mote

#endif  // MOTE_WITH_MODEL
