// SPDX-License-Identifier: Apache-2.0
// Reads firmware images from raw binary, Intel HEX, ELF and UF2 files into the bytes that stand in
// flash.
#pragma once

#include <stdint.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patch/format.h"

namespace mote {

enum class ImageFormat { kRaw, kIntelHex, kElf, kUf2 };

/// "raw", "hex", "elf" or "uf2". A static string.
const char* ImageFormatName(ImageFormat format);

/// One loadable run of bytes at its load address. Runs that touch are one.
struct ImageSegment {
  uint64_t address;
  uint64_t offset;  ///< where it starts in Image::bytes
  uint64_t size;    ///< in bytes; not 0
};

/// The bytes from the lowest load address to the highest, gaps filled.
struct Image {
  std::vector<uint8_t> bytes;
  ImageFormat format = ImageFormat::kRaw;
  std::optional<uint64_t> base;    ///< load address of byte 0; raw: absent
  std::vector<ImageSegment> segments;   ///< by address; raw: the whole file at address 0
  std::optional<uint32_t> family;  ///< UF2: the family ID, where all blocks have the same
};

struct ImageOptions {
  /// The largest gap between two segments that is filled, in bytes. What lies farther away is not
  /// part of the image that a delta updates, and is refused: RAM, option bytes, fuses, EEPROM,
  /// configuration words or a second flash. The default is above the gaps inside one flash
  /// (bootloader and application, vectors and code) and below the distance to all of these.
  uint64_t max_gap = uint64_t{1} << 20;
  /// What gaps are filled with. 0xFF is what erased flash reads, and what stays there when a
  /// programmer writes the segments only. `objcopy -O binary` fills with 0x00 unless told
  /// otherwise.
  uint8_t fill = 0xFF;
};

/// Reads the image in `file`; `name` is what messages call it. The content decides on the format
/// unless `forced` does:
///
/// - ELF: starts with 7F 'E' 'L' 'F'. 32 and 64 bits, little- and big-endian. What the PT_LOAD
///   segments hold, at its physical address. As with `objcopy -O binary`, where there is a section
///   table only what lies between the first and the last allocated section of a segment counts:
///   linkers put the ELF headers into the first segment.
/// - UF2: starts with both magic numbers. Blocks in any order, each exactly once. Blocks that
///   are not for main flash, and the one that RP2350 tools add for erratum E10, are passed over.
///   Files of several families and file containers are refused.
/// - Intel HEX: the first line that is not blank is a valid record. Record types 00 to 05, data in
///   any order of addresses, lines ending in LF or CR LF, nothing after the end record.
/// - Raw: anything else, an empty file included.
///
/// Throws Error(kBadImage), its message "NAME: WHERE: WHAT: WHAT TO DO", where the file is
/// malformed or not of the forced format, holds no data, loads an address twice, has a gap above
/// options.max_gap, or gives more than kMaxImageSize bytes: always the file's fault. `file` may
/// hold anything. Memory: the image and at most 10 times the file.
Image ParseImage(std::span<const uint8_t> file, std::string_view name,
                 std::optional<ImageFormat> forced = {}, const ImageOptions& options = {});

/// The whole file as it is; "-" is standard input. Throws Error(kFileError) where it cannot be read
/// or is larger than `max_size`: the largest image, unless told otherwise.
std::vector<uint8_t> ReadFile(const std::string& path, uint64_t max_size = kMaxImageSize);

}  // namespace mote
