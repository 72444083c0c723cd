// SPDX-License-Identifier: Apache-2.0
// What mote needs to know of a flash memory, and the three things it does with it. A port fills this in.
#pragma once

#include <stdint.h>

#include "patch/status.h"

namespace mote {

/// Offsets count bytes from the start of the flash (or of the partition that the port hands out). Every callback returns kDone,
/// or kFlashError / kReadError, which ends the update; it may block. Nothing is called after an error.
struct Flash {
  /// Reads `size` >= 1 bytes at `offset`. On the new slot's flash only codec model asks for it: for what was programmed before.
  Status (*read)(void* context, uint32_t offset, uint8_t* to, uint32_t size);
  /// Erases the erase unit that starts at `offset`: all its bytes become the erased value.
  Status (*erase)(void* context, uint32_t offset);
  /// Programs `size` bytes at `offset`, both multiples of program_unit, in erased flash. Pieces are handed over in order of
  /// offset and never twice; a piece may cross a page of the part, which is then the port's to split.
  Status (*program)(void* context, uint32_t offset, const uint8_t* data, uint32_t size);
  void* context;
  /// Bytes that one erase clears, such as 4096. Any size >= 1.
  uint32_t erase_unit;
  /// Bytes that are programmed at once, such as 4. A power of two.
  uint32_t program_unit;
  /// What an erased byte reads as: 0xFF, on a few parts 0x00.
  uint8_t erased_value;
};

/// A run of flash that holds one image. It starts at an erase unit and is a whole number of them long.
struct Slot {
  const Flash* flash;
  uint32_t offset;
  uint32_t size;
};

}  // namespace mote
