// SPDX-License-Identifier: Apache-2.0
// Where the bytes of an image stand in the processor's address space. FORMAT.md 6.3.
#pragma once

#include <stdint.h>

#include "patch/config.h"

namespace mote {

/// A stretch of both images that is loaded as one piece. It ends where the next one starts.
struct Segment {
  uint32_t old_offset, old_address;
  uint32_t new_offset, new_address;
};

constexpr unsigned kMaxSegments = MOTE_SMALL_MODEL ? 1 : 4;

/// Pointers behind the end of a segment, to its zeroed data or its end, are pointers all the same.
constexpr uint32_t kSegmentSlack = 4096;

struct AddressMap {
  Segment segments[kMaxSegments];
  uint32_t ram_start, ram_size;
  uint32_t old_size;
  uint8_t segment_count;  // at least 1; the first starts at offset 0 of both

  uint32_t OldAddress(uint32_t offset) const {
    unsigned i = segment_count - 1u;
    while (i != 0 && offset < segments[i].old_offset) --i;
    return offset - segments[i].old_offset + segments[i].old_address;
  }

  uint32_t NewAddress(uint32_t offset) const {
    unsigned i = segment_count - 1u;
    while (i != 0 && offset < segments[i].new_offset) --i;
    return offset - segments[i].new_offset + segments[i].new_address;
  }

  /// Whether a word of old is likely a pointer.
  bool IsPointer(uint32_t word) const {
    if (word - ram_start < ram_size) return true;
    uint32_t end = old_size;
    for (unsigned i = segment_count; i-- != 0;) {
      if (word - segments[i].old_address < end - segments[i].old_offset + kSegmentSlack) return true;
      end = segments[i].old_offset;
    }
    return false;
  }
};

}  // namespace mote
