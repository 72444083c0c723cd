// SPDX-License-Identifier: Apache-2.0
// What the model knows of an instruction set: rows for the instructions that carry addresses, and how to walk from
// instruction to instruction. One small file for each, arch_*.h. FORMAT.md 6.4.
#pragma once

#include <stdint.h>

#include "patch/unit.h"

namespace mote {

/// As written in a delta.
enum class ArchitectureId : uint8_t {
  kWords = 0,  ///< no instructions: pointers only
  kThumb = 1,
  kXtensa = 2,
  kRiscv = 3,
  kAarch64 = 4,
  kTc32 = 5,
  k8051 = 6,
  kMips = 7,           ///< little-endian MIPS32
  kXtensaBig = 8,      ///< big-endian Xtensa
  kMipsBig = 9,        ///< big-endian MIPS32
  kWordsBig = 10,      ///< no instructions: big-endian pointers
};
constexpr unsigned kArchitectureCount = 11;

/// An address in two instructions: the upper part in one, the lower 12 bits in one of those that follow.
enum class PairKind : uint8_t { kNone, kRiscv, kAarch64 };

struct Architecture {
  const UnitRow* rows;
  uint8_t row_count;
  PairKind pairs;
  /// Instructions start at multiples of 2^align, and are `long_size` bytes where (first byte & length_mask) == length_match,
  /// else `short_size`.
  uint8_t align;
  uint8_t length_mask, length_match;
  uint8_t long_size, short_size;
  bool big_endian;
  /// Where an aligned word is both a pointer and an instruction with an address: what it is taken for.
  bool code_first;
};

/// Null when this build does not have it.
const Architecture* FindArchitecture(ArchitectureId id);

}  // namespace mote
