// SPDX-License-Identifier: Apache-2.0
// What the image readers share; private to them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/image.h"

namespace mote::image {

/// What to do about a file that contradicts itself or ends early.
inline constexpr std::string_view kDamaged = "the file is damaged: build or fetch it again";

/// Throws Error(kBadImage) "NAME: WHERE: WHAT".
[[noreturn]] void Fail(std::string_view name, std::string_view where, std::string_view what);

/// The unsigned number of `size` bytes (at most 8) at `offset`. REQUIRES: they are in `bytes`.
uint64_t ReadLittle(std::span<const uint8_t> bytes, size_t offset, size_t size);
uint64_t ReadBig(std::span<const uint8_t> bytes, size_t offset, size_t size);

/// Bytes to place: `size` of them, from `offset` in some buffer to `address`.
struct Chunk {
  uint64_t address;
  uint64_t offset;
  uint64_t size;   ///< not 0; offset + size is inside the buffer
  uint64_t where;  ///< for messages. HEX: line; others: offset of the header with the address
};

/// Puts `chunks` of `data` in order and makes the image of them, as image.h tells. Throws
/// Error(kBadImage) where there are none, where they overlap, pass `last_address`, or are too far
/// apart or too large.
Image PlaceChunks(std::span<const uint8_t> data, std::vector<Chunk> chunks, ImageFormat format,
                  uint64_t last_address, std::string_view name, const ImageOptions& options);

bool IsIntelHex(std::span<const uint8_t> file);
Image ParseIntelHex(std::span<const uint8_t> file, std::string_view name,
                    const ImageOptions& options);

bool IsElf(std::span<const uint8_t> file);
Image ParseElf(std::span<const uint8_t> file, std::string_view name, const ImageOptions& options);

bool IsUf2(std::span<const uint8_t> file);
Image ParseUf2(std::span<const uint8_t> file, std::string_view name, const ImageOptions& options);

}  // namespace mote::image
