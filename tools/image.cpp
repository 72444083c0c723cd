// SPDX-License-Identifier: Apache-2.0
// Detects the format of an image file, places its segments in one run of bytes, and reads files.
#include "tools/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "diff/error.h"
#include "tools/image_formats.h"

namespace mote {
namespace image {
namespace {

std::string Where(ImageFormat format, uint64_t where) {
  switch (format) {
    case ImageFormat::kIntelHex:
      return fmt::format("line {}", where);
    case ImageFormat::kElf:
      return fmt::format("segment of the program header at offset {:#x}", where);
    default:
      return fmt::format("block at offset {:#x}", where);
  }
}

std::string_view LeaveOutAdvice(ImageFormat format) {
  switch (format) {
    case ImageFormat::kIntelHex:
      // objcopy names the runs of a HEX file .sec1, .sec2 and so on.
      return "leave it out, as with `objcopy -I ihex -O ihex --remove-section=.sec2` (`objdump -h` "
             "lists them)";
    case ImageFormat::kElf:
      return "leave it out, as with `objcopy --remove-section=NAME` (`objdump -h` lists them)";
    default:
      return "make a file of the part that the update replaces";
  }
}

Image ParseRaw(std::span<const uint8_t> file, std::string_view name) {
  if (file.size() > kMaxImageSize) {
    Fail(name, fmt::format("offset {:#x}", kMaxImageSize),
         "the image is larger than 2 GiB - 1 bytes: split it");
  }
  Image image;
  image.bytes.assign(file.begin(), file.end());
  if (!file.empty()) image.segments.push_back({0, 0, file.size()});
  return image;
}

ImageFormat Detect(std::span<const uint8_t> file) {
  if (IsElf(file)) return ImageFormat::kElf;
  if (IsUf2(file)) return ImageFormat::kUf2;
  if (IsIntelHex(file)) return ImageFormat::kIntelHex;
  return ImageFormat::kRaw;
}

}  // namespace

void Fail(std::string_view name, std::string_view where, std::string_view what) {
  throw Error(Status::kBadImage, fmt::format("{}: {}: {}", name, where, what));
}

uint64_t ReadLittle(std::span<const uint8_t> bytes, size_t offset, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | bytes[offset + i];
  return value;
}

uint64_t ReadBig(std::span<const uint8_t> bytes, size_t offset, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[offset + i];
  return value;
}

Image PlaceChunks(std::span<const uint8_t> data, std::vector<Chunk> chunks, ImageFormat format,
                  uint64_t last_address, std::string_view name, const ImageOptions& options) {
  if (chunks.empty()) {
    Fail(name, "whole file", "holds nothing to load: was the right file made and given?");
  }
  std::ranges::stable_sort(chunks, {}, &Chunk::address);
  const uint64_t base = chunks.front().address;
  Image image;
  image.format = format;
  image.base = base;
  // Addresses of last bytes, not ends: an end may be 2^64.
  uint64_t last = 0;
  const Chunk* before = nullptr;
  for (const Chunk& chunk : chunks) {
    const auto fail = [&](const std::string& what) {
      Fail(name, Where(format, chunk.where), what);
    };
    if (chunk.address > last_address || chunk.size - 1 > last_address - chunk.address) {
      fail(fmt::format("{} bytes at {:#x} pass the last address, {:#x}: {}", chunk.size,
                       chunk.address, last_address, kDamaged));
    }
    if (before != nullptr && chunk.address <= last) {
      fail(fmt::format("loads {:#x} again, after {}: two images in one file? Keep one of them",
                       chunk.address, Where(format, before->where)));
    }
    const uint64_t gap = before == nullptr ? 0 : chunk.address - last - 1;
    if (gap > options.max_gap) {
      fail(fmt::format(
          "address {:#x} is {:#x} bytes after the end of what precedes it, at {:#x}, and "
          "only gaps of up to {:#x} are filled. It is hardly part of the same flash: {}",
          chunk.address, gap, last, options.max_gap, LeaveOutAdvice(format)));
    }
    last = chunk.address + (chunk.size - 1);
    if (last - base >= kMaxImageSize) {
      fail(fmt::format("from {:#x} to {:#x} the image is larger than 2 GiB - 1 bytes: {}", base,
                       last, LeaveOutAdvice(format)));
    }
    if (before == nullptr || gap > 0) {
      image.segments.push_back({chunk.address, chunk.address - base, 0});
    }
    image.segments.back().size += chunk.size;
    before = &chunk;
  }
  image.bytes.assign(last - base + 1, options.fill);
  for (const Chunk& chunk : chunks) {
    std::ranges::copy(data.subspan(chunk.offset, chunk.size),
                      image.bytes.begin() + static_cast<ptrdiff_t>(chunk.address - base));
  }
  return image;
}

}  // namespace image

const char* ImageFormatName(ImageFormat format) {
  switch (format) {
    case ImageFormat::kIntelHex:
      return "hex";
    case ImageFormat::kElf:
      return "elf";
    case ImageFormat::kUf2:
      return "uf2";
    default:
      return "raw";
  }
}

Image ParseImage(std::span<const uint8_t> file, std::string_view name,
                 std::optional<ImageFormat> forced, const ImageOptions& options) {
  switch (forced ? *forced : image::Detect(file)) {
    case ImageFormat::kIntelHex:
      return image::ParseIntelHex(file, name, options);
    case ImageFormat::kElf:
      return image::ParseElf(file, name, options);
    case ImageFormat::kUf2:
      return image::ParseUf2(file, name, options);
    default:
      return image::ParseRaw(file, name);
  }
}

std::vector<uint8_t> ReadFile(const std::string& path, uint64_t max_size) {
  const std::string name = path == "-" ? "standard input" : path;
  const auto fail = [&name](int error) {
    throw Error(Status::kFileError,
                fmt::format("{}: cannot be read ({}): check its name and permissions", name,
                            strerror(error)));
  };
  const auto check_size = [&name, max_size](uint64_t size) {
    if (size <= max_size) return;
    throw Error(
        Status::kFileError,
        fmt::format("{}: is larger than {} bytes, the most that mote reads: is it the right "
                    "file?",
                    name, max_size));
  };
  std::unique_ptr<FILE, int (*)(FILE*)> opened(nullptr, &fclose);
  std::vector<uint8_t> bytes;
  if (path != "-") {
    opened.reset(fopen(path.c_str(), "rb"));
    if (opened == nullptr) fail(errno);
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(path, error);  // fails for pipes and devices
    if (!error) {
      check_size(size);
      bytes.reserve(size);
    }
  }
  FILE* const file = path == "-" ? stdin : opened.get();
  std::vector<uint8_t> block(1 << 16);
  for (;;) {
    const size_t got = fread(block.data(), 1, block.size(), file);
    if (ferror(file)) fail(errno);
    if (got == 0) return bytes;
    check_size(bytes.size() + got);
    bytes.insert(bytes.end(), block.begin(), block.begin() + static_cast<ptrdiff_t>(got));
  }
}

}  // namespace mote
