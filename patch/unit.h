// SPDX-License-Identifier: Apache-2.0
// Units that carry an address, such as a call or a pointer, described by rows of data: one small interpreter reads and
// rewrites the address field of every instruction set. FORMAT.md 6.4.
#pragma once

#include <stdint.h>

namespace mote {

/// A run of bits of the address field: `width` bits that start at bit `from` of the instruction and at bit `to` of the offset.
struct BitField {
  uint8_t from, width, to;
};

/// How one kind of instruction carries its target.
struct UnitRow {
  static constexpr int kMaxFields = 4;

  /// An instruction w of this kind has (w & mask) == match.
  uint32_t mask, match;
  /// The sign bit of an offset; 0: it has none. An offset without its sign counts from `pc_after`.
  uint32_t sign;
  /// Where offsets count from: ((address + pc_before) with its low pc_clear bits cleared) + pc_after.
  int32_t pc_after;
  uint8_t pc_before, pc_clear;
  /// Bytes of w, 2 to 4; read in the byte order of the architecture.
  uint8_t size;
  /// 1 to 3: which units it shares its statistics with; 0 is for pointers.
  uint8_t kind;
  /// Targets are multiples of 2^scale.
  uint8_t scale;
  /// A width of 0: no more fields.
  BitField fields[kMaxFields];
};

[[gnu::always_inline]] constexpr uint32_t CountFrom(const UnitRow& row, uint32_t address) {
  return ((address + row.pc_before) >> row.pc_clear << row.pc_clear) + static_cast<uint32_t>(row.pc_after);
}

/// The address that instruction `w`, found at `address`, refers to. REQUIRES: (w & row.mask) == row.match.
[[gnu::always_inline]] constexpr uint32_t TargetOf(const UnitRow& row, uint32_t w, uint32_t address) {
  uint32_t offset = 0;
#pragma GCC unroll 4
  for (const BitField& field : row.fields) {
    offset |= (w >> field.from & ((1u << field.width) - 1)) << field.to;
  }
  return CountFrom(row, address) + (offset ^ row.sign) - row.sign;
}

/// `w` rewritten to refer to `target` from `address`; a target out of its reach gives another one.
[[gnu::always_inline]] constexpr uint32_t WithTarget(const UnitRow& row, uint32_t w, uint32_t address, uint32_t target) {
  const uint32_t offset = target - CountFrom(row, address);
#pragma GCC unroll 4
  for (const BitField& field : row.fields) {
    const uint32_t mask = (1u << field.width) - 1;
    w = (w & ~(mask << field.from)) | (offset >> field.to & mask) << field.from;
  }
  return w;
}

}  // namespace mote
