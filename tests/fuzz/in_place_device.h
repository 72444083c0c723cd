// SPDX-License-Identifier: Apache-2.0
// What fuzz_in_place.cpp and its seeds have in common: the shapes of the device, which the first
// bytes of an input choose, and its images.
#pragma once

#include <stdint.h>

#include <vector>

#include "diff/in_place.h"
#include "patch/model.h"
#include "stream/in_place.h"
#include "tests/support/images.h"

namespace mote::testing {

// First byte.
constexpr unsigned kFixed = 1;      // the check in the file's header is made right
constexpr unsigned kTrusted = 2;    // the layout has trust; the file is for a signed release
constexpr unsigned kBySession = 4;  // a session receives it; else it is in staging already
constexpr unsigned kConfirms = 8;   // the new image confirms itself, if it is on trial
constexpr unsigned kUnknown = 16;   // the old image is the factory's: of no known size or digest
constexpr unsigned kCut = 32;       // the power goes, once
constexpr unsigned kForged = 64;    // no file follows but the decisions that a delta codes
constexpr unsigned kScarce = 128;   // of memory or journal there is less than deltas need

/// The second byte; sizes in bytes.
struct InPlaceShape {
  explicit InPlaceShape(unsigned byte)
      : sector(uint32_t{64} << (byte & 3)),
        program_unit(uint32_t{1} << (byte >> 2 & 3)),
        spare(1 + (byte >> 4 & 3)),
        journals(static_cast<uint8_t>(2 + (byte >> 6 & 1))),
        erased_value(byte & 0x80 ? 0x00 : 0xFF) {}

  uint32_t RoundUp(uint32_t size) const { return (size + sector - 1) / sector * sector; }
  uint32_t area() const { return RoundUp(kLargest) + spare * sector; }
  uint32_t journal() const { return RoundUp(JournalRecordSize(kModelRam[2])); }
  InPlaceGeometry geometry() const {
    return {.erase_unit = sector, .program_unit = program_unit, .area = area(), .buffer = sector};
  }

  static constexpr uint32_t kLargest = 1100;  // image
  uint32_t sector, program_unit, spare;
  uint8_t journals, erased_value;
};

/// The third byte chooses the old image; the new one is the next.
constexpr unsigned kInPlaceImages = 4;
inline const Bytes& InPlaceImage(unsigned number) {
  static const std::vector<Bytes> images = [] {
    Random random(1);
    std::vector<Bytes> made{CodeLikeBytes(random, 900)};
    const size_t sizes[] = {1100, 640, 1025};
    for (const size_t size : sizes) {
      Bytes next = Edited(random, made.back(), 2, size);
      while (next.size() < size) next.push_back(static_cast<uint8_t>(random.Next()));
      made.push_back(next);
    }
    return made;
  }();
  return images[number % kInPlaceImages];
}

}  // namespace mote::testing
