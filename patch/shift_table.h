// SPDX-License-Identifier: Apache-2.0
// How far addresses moved from old to new, learned while decoding: pairs of an old address and its shift. FORMAT.md 6.6.
#pragma once

#include <stdint.h>

#include "patch/state_stream.h"

namespace mote {

class ShiftTable {
 public:
  struct Entry {
    uint32_t address, shift;
    uint32_t uses;  // since the turn last passed over it
  };

  /// `memory`: room for `capacity` entries, the caller's. REQUIRES: capacity != 0.
  void Init(Entry* memory, uint32_t capacity) {
    entries_ = memory;
    turn_ = end_ = entries_;
    limit_ = entries_ + capacity;
  }

  /// The entry that tells most about `target`: its own, else the next lower one, unless the next higher is four times nearer. It is in
  /// use again. REQUIRES: something was learned.
  const Entry& Find(uint32_t target);

  /// Enters what moved how far. In a full table it replaces the next entry in turn that was not in use since its last turn.
  void Learn(uint32_t address, uint32_t shift);

  /// REQUIRES: Init was called and, to save, something was learned.
  void Transfer(StateStream& stream) {
    uint8_t count = static_cast<uint8_t>(end_ - entries_), turn = static_cast<uint8_t>(turn_ - entries_);
    stream.Number(count);
    stream.Number(turn);
    const auto capacity = static_cast<uint32_t>(limit_ - entries_);
    if (count == 0 || count > capacity || turn >= capacity) {
      stream.Require(false);
      return;
    }
    end_ = entries_ + count;
    turn_ = entries_ + turn;
    for (Entry* entry = entries_; entry != end_; ++entry) {
      stream.Number(entry->address);
      stream.Number(entry->shift);
      uint8_t uses = static_cast<uint8_t>(entry->uses);
      stream.Number(uses);
      entry->uses = uses;
      stream.Require(uses <= kMaxUses && (entry == entries_ || entry[-1].address < entry->address));
    }
  }

 private:
  static constexpr uint32_t kMaxUses = 3;

  Entry* Above(uint32_t address) const;

  Entry* entries_;  // by rising address
  Entry* end_;
  Entry* limit_;    // where the memory ends
  Entry* turn_;
};

}  // namespace mote
