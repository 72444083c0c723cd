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
  uint32_t last;  // the number of segments, less 1; the first starts at offset 0 of both images
  uint32_t ram_start, ram_size;
  uint32_t old_size;
  Segment segments[kMaxSegments];

  uint32_t OldAddress(uint32_t offset) const {
    uint32_t end;
    return OldAddress(offset, end);
  }

  /// `end`: the offset where the segment of `offset` ends.
  [[gnu::noinline]] uint32_t OldAddress(uint32_t offset, uint32_t& end) const {
    const Segment* segment = &segments[last];
    end = old_size;
    while (offset < segment->old_offset) {
      end = segment->old_offset;
      --segment;
    }
    return offset - segment->old_offset + segment->old_address;
  }

  [[gnu::always_inline]] uint32_t NewAddress(uint32_t offset) const {
    const Segment* segment = &segments[last];
    while (offset < segment->new_offset) --segment;
    return offset - segment->new_offset + segment->new_address;
  }

  /// Whether a word of old is likely a pointer.
  [[gnu::always_inline]] bool IsPointer(uint32_t word) const {
    if (word - ram_start < ram_size) return true;
    uint32_t end = old_size;
    const Segment* segment = &segments[last];
    do {
      if (word - segment->old_address < end - segment->old_offset + kSegmentSlack) return true;
      end = segment->old_offset;
      --segment;
    } while (end != 0);
    return false;
  }
};

}  // namespace mote
