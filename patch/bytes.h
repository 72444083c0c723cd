// SPDX-License-Identifier: Apache-2.0
// Numbers in the bytes of an image, at any alignment.
#pragma once

#include <stdint.h>

namespace mote {

/// `size` bytes, 0 to 4, as a number, lowest byte first.
inline uint32_t LoadLittle(const uint8_t* bytes, unsigned size) {
  uint32_t value = 0;
  while (size != 0) value = value << 8 | bytes[--size];
  return value;
}

/// The same, highest byte first.
inline uint32_t LoadBig(const uint8_t* bytes, unsigned size) {
  uint32_t value = 0;
  for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[i];
  return value;
}

inline void StoreLittle(uint8_t* bytes, unsigned size, uint32_t value) {
  for (unsigned i = 0; i < size; ++i, value >>= 8) bytes[i] = static_cast<uint8_t>(value);
}

inline void StoreBig(uint8_t* bytes, unsigned size, uint32_t value) {
  for (; size != 0; value >>= 8) bytes[--size] = static_cast<uint8_t>(value);
}

}  // namespace mote
