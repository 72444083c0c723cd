// SPDX-License-Identifier: Apache-2.0
// What a firmware image tells about itself: where it is loaded, and what RAM its pointers point to. Guesses: a wrong one
// costs size, never correctness.
#pragma once

#include <stdint.h>

#include <optional>
#include <span>
#include <vector>

#include "patch/architecture.h"

namespace mote {

/// From `offset` on, the bytes of an image are loaded at `address`.
struct LoadRun {
  uint32_t offset;
  uint32_t address;
};

/// A range of addresses.
struct AddressRange {
  uint32_t start;
  uint32_t size;
};

/// The runs that the header of an Espressif application image lists (magic 0xE9; "ESP-IDF Programming Guide", App Image Format), the
/// first at offset 0. Empty for anything else, and for a damaged one.
std::vector<LoadRun> EspressifRuns(std::span<const uint8_t> image);

/// The load address under which most of the image's pointers meet something worth pointing to: the start of a
/// function that is called, or of a string. Nothing where no address stands out.
std::optional<uint32_t> FindBase(std::span<const uint8_t> image, const Architecture& architecture);

/// How often instructions of this architecture, read as such, call what others call too: the more, the likelier it is the right one.
uint32_t CountSharedTargets(std::span<const uint8_t> image, const Architecture& architecture);

/// Addresses where the image may start, for trying: what the vectors of a Cortex-M and the pages that most of the aligned words fall
/// into suggest.
std::vector<uint32_t> BaseCandidates(std::span<const uint8_t> image, bool big_endian);

/// Ranges of RAM that the image's words may point into, for trying: the usual places of RAM as far as there are words for them, and the
/// pages outside the image that most words fall into.
std::vector<AddressRange> RamCandidates(std::span<const uint8_t> image, uint32_t base, bool big_endian);

}  // namespace mote
