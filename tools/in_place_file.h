// SPDX-License-Identifier: Apache-2.0
// Files for updates in place (FORMAT.md 12) that one device can take, for simulations and tests.
#pragma once

#include <stdint.h>

#include <span>
#include <vector>

#include "diff/diff.h"
#include "stream/in_place.h"
#include "stream/in_place_file.h"

namespace mote::tools {

/// What decides whether a device can take a file. Sizes in bytes.
struct InPlaceArea {
  uint32_t size;  ///< of the image area, whole sectors
  uint32_t sector;
  uint32_t program_unit;
  uint8_t erased_value;
  uint32_t buffer;   ///< the bootloader's: what a delta repeats of new is from not further back
  uint32_t journal;  ///< of one area for records
};

/// Header, deltas and check.
std::vector<uint8_t> PackInPlaceFile(std::span<const uint8_t> forward,
                                     std::span<const uint8_t> inverse);
/// Makes the header of such a file right for what is behind it, if there is one.
void FixInPlaceFile(std::vector<uint8_t>& file);

/// A delta that the device's own proof accepts: it copies nothing from further back than there is
/// room for. `options.lowest_diagonal` is not looked at. Throws Error as Diff, and kDoesNotFit.
std::vector<uint8_t> DiffInPlace(std::span<const uint8_t> old_image,
                                 std::span<const uint8_t> new_image, const InPlaceArea& area,
                                 DiffOptions options);

}  // namespace mote::tools
