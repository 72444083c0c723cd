// SPDX-License-Identifier: Apache-2.0
// Updates in place, the host side: one image area, no second slot. FORMAT.md 12 has the file, stream/in_place.h what the device
// does with it.
//
// The device moves old up to the end of the image area, and rebuilds new from its start. What new has overwritten cannot be read
// any more: copies from too far back are left out, and that is all that an update in place costs in bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <span>
#include <vector>

#include "diff/diff.h"
#include "stream/in_place.h"

namespace mote {

/// Bytes of RAM that an update in place takes beyond one with two slots.
constexpr uint32_t kInPlaceMoreRam = kInPlaceRam - kUpdaterRam;

/// Sectors (erase units) that the image area has beyond the larger image, if nothing else is said.
constexpr uint32_t kDefaultSpare = 2;

/// What the device has. Sizes in bytes.
struct InPlaceGeometry {
  uint32_t erase_unit = 4096;  ///< a multiple of program_unit, at least 64
  uint32_t program_unit = 4;   ///< a power of two, at most 64
  uint32_t area = 0;           ///< the image area, whole sectors; 0: those of the larger image and kDefaultSpare
  uint32_t staging = 0;        ///< room for the file; 0: no limit
  /// The bootloader's sector buffer: divides erase_unit, a multiple of program_unit, at least 64. What a delta repeats of new is
  /// from at most so far back, so that the bootloader sees the new image before it erases anything. 0: erase_unit, or the largest
  /// part of it by a power of two that is not above 4096.
  uint32_t buffer = 0;
  uint32_t journals = 2;       ///< areas for records, written in turn: the more, the fewer erases of each; 2 to 255
};

/// RAM in bytes that a device with 32-bit pointers needs for a delta of codec model in place, without the sector buffer.
uint32_t InPlaceRam(const DeltaHeader& header);

/// Erases of any one sector by one update, at most. Each power cut may add one of a sector.
struct SectorErases {
  uint32_t image = 0;    ///< of the image area: as a target of the move, and when new is written
  uint32_t journal = 0;  ///< of the journal: once for every so many records as there are areas
  uint32_t worst() const { return image > journal ? image : journal; }
};

/// One delta, carried out by the device's own code.
struct InPlaceRun {
  std::vector<uint8_t> new_image;
  uint32_t area = 0;          ///< bytes
  uint32_t shift = 0;         ///< sectors by which old was moved up
  uint32_t interval = 0;      ///< sectors of new from one record of the journal to the next
  uint32_t checkpoints = 0;   ///< records that were written
  uint32_t journal_area = 0;  ///< bytes of one area for records, whole sectors
  SectorErases erases;
  uint64_t erased = 0;        ///< sectors, the journal's included
  uint64_t programmed = 0;    ///< bytes, likewise
};

/// Applies a delta in place, on a flash in memory, with the device's code. `geometry.area` 0: the smallest that is enough. Throws
/// Error: kDoesNotFit where the area is too small for the images, or for what the delta reads of old, or the buffer for what it repeats of new;
/// kBadArgument for a geometry
/// that no device has; kWrongBase, kCorrupt, kUnsupported (also for codecs other than model).
InPlaceRun RunInPlace(std::span<const uint8_t> old_image, std::span<const uint8_t> delta,
                      const InPlaceGeometry& geometry);

/// One direction of an update.
struct InPlaceDelta {
  std::vector<uint8_t> delta;
  size_t two_slots = 0;  ///< bytes of the delta that a device with a second slot would get
  InPlaceRun run;        ///< without the image
};

struct InPlaceUpdate {
  std::vector<uint8_t> file;  ///< FORMAT.md 12
  uint32_t spare = 0;         ///< sectors of the area beyond the larger image
  uint32_t scratch = 0;       ///< sectors beyond the larger image: these and the journal's
  InPlaceDelta forward;
  std::optional<InPlaceDelta> inverse;
};

/// Makes the file that turns `old_image` into `new_image` in place; `reversible`: with the delta that takes it back. Both are carried
/// out with the device's code before they are returned. `options` as for Diff; `ram` is what InPlaceRam
/// tells, and lowest_diagonal is not looked at. Deterministic.
/// Throws Error as Diff, and kBadArgument for a codec other than kModel, an image of no bytes as what comes out, or a geometry that no device has; kDoesNotFit where an image
/// leaves no sector of the area free, or where the file is larger than `staging`.
InPlaceUpdate MakeInPlaceUpdate(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                                const InPlaceGeometry& geometry, const DiffOptions& options, bool reversible);

/// What is in such a file.
struct InPlaceFile {
  std::span<const uint8_t> forward;
  std::span<const uint8_t> inverse;  ///< empty: there is none
};

/// Whether this is a file for updates in place, of any version.
bool IsInPlaceFile(std::span<const uint8_t> file);

/// Takes it apart; the result refers to it. Bytes behind its end are passed over. Throws Error: kNeedInput (too short), kCorrupt,
/// kUnsupported (version).
InPlaceFile ReadInPlaceFile(std::span<const uint8_t> file);

/// Puts it together. Throws Error(kDoesNotFit) for a delta of 2^24 bytes or more.
std::vector<uint8_t> WriteInPlaceFile(std::span<const uint8_t> forward, std::span<const uint8_t> inverse);

}  // namespace mote
