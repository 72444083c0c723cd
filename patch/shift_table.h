// SPDX-License-Identifier: Apache-2.0
// How far addresses moved from old to new, learned while decoding: pairs of an old address and its shift. FORMAT.md 6.6.
#pragma once

#include <stdint.h>

namespace mote {

/// Bytes of memory that a table of `entries` needs, a multiple of 4 where `entries` is an even number.
constexpr uint32_t ShiftTableBytes(uint32_t entries) { return entries * 10; }

class ShiftTable {
 public:
  /// How an answer was found, part of its context: as good as 0.
  enum Found : uint8_t { kExact = 0, kNear = 1, kNothing = 2 };

  /// `memory`: ShiftTableBytes(capacity) bytes, aligned to 4, the caller's. REQUIRES: 1 <= capacity <= 255.
  void Init(uint8_t* memory, uint32_t capacity);

  /// The shift of the entry that tells most about `target`: its own, else that of the next lower entry, unless the next higher is
  /// four times nearer; 0 when the table is empty. The entry is in use again.
  Found Find(uint32_t target, uint32_t& shift);

  /// Enters what moved how far. In a full table it replaces the next entry in turn that was not in use since its last turn.
  void Learn(uint32_t address, uint32_t shift);

 private:
  struct Entry {
    uint32_t address, shift;
  };
  static constexpr uint8_t kMaxUses = 15;

  unsigned CountUpTo(uint32_t address) const;
  uint8_t NextInTurn();

  Entry* entries_;  // where they were entered
  uint8_t* uses_;   // of each entry since it was last passed over
  uint8_t* order_;  // the entries' numbers by rising address
  uint8_t count_, capacity_, turn_;
};

}  // namespace mote
