// SPDX-License-Identifier: Apache-2.0
// The bsdiff 4 file format ("BSDIFF40"), so that `bsdiff` and `bspatch` of any distribution check
// mote, and mote them. Source: bsdiff 4.3, bspatch(1); the file is a 32-byte header and three bzip2
// streams: control, difference, extra.
#pragma once

#include <stdint.h>

#include <functional>
#include <span>
#include <vector>

#include "diff/error.h"

namespace mote {

/// Whether the file starts with the magic "BSDIFF40".
bool IsBsdiff40(std::span<const uint8_t> delta);

/// Writes a BSDIFF40 file with mote's alignment. Errors as Diff.
std::vector<uint8_t> WriteBsdiff40(std::span<const uint8_t> old_image,
                                   std::span<const uint8_t> new_image,
                                   const std::function<void(double)>& progress);

struct Bsdiff40Info {
  uint64_t control_size, difference_size, extra_size;  ///< packed, in bytes
  uint64_t new_size;                                   ///< bytes
  uint64_t copies;                                     ///< control triples
};

/// Throws Error(kCorrupt) for anything malformed, kUnsupported for an image above 2^31 - 1 bytes.
Bsdiff40Info ReadBsdiff40Info(std::span<const uint8_t> delta);

/// Rebuilds new. The format has no check of either image: a wrong base gives a wrong image, or
/// kCorrupt where a read would leave it.
std::vector<uint8_t> ApplyBsdiff40(std::span<const uint8_t> old_image,
                                   std::span<const uint8_t> delta);

}  // namespace mote
