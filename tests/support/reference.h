// SPDX-License-Identifier: Apache-2.0
// A second decoder, written from FORMAT.md alone and for whole files in memory: the oracle for the
// device's. It shares no code with it, and is as plain as the document.
#pragma once

#include <stdint.h>

#include <span>
#include <vector>

#include "patch/status.h"

namespace mote::testing {

using Bytes = std::vector<uint8_t>;

/// FNV-1a, 32 bits (FORMAT.md 2).
uint32_t ReferenceCheck(std::span<const uint8_t> bytes);

struct Outcome {
  Status status;
  Bytes image;  ///< as far as it was rebuilt

  bool operator==(const Outcome&) const = default;
};

/// What a device with these means must make of `delta`. Codecs raw, lzss, and model, for which it
/// always has room.
struct ReferenceDevice {
  std::span<const uint8_t> old_image;
  uint32_t capacity = 0x7FFFFFFF;
  uint32_t window_size = 1 << 15;

  Outcome Apply(std::span<const uint8_t> delta) const;
};

/// Unpacks LZSS (FORMAT.md 4.1) until the bits end (kNeedInput), a number is corrupt, or `limit`
/// bytes are out (kDone).
Outcome ReferenceUnpack(std::span<const uint8_t> packed, unsigned window_bits, size_t limit);

}  // namespace mote::testing
