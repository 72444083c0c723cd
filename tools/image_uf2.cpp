// SPDX-License-Identifier: Apache-2.0
// UF2, as in https://github.com/microsoft/uf2: self-contained blocks of 512 bytes, little-endian.
#include <fmt/format.h>

#include "tools/image_formats.h"

namespace mote::image {
namespace {

constexpr size_t kBlockSize = 512;
constexpr size_t kDataAt = 32;
constexpr size_t kMaxPayload = 476;
constexpr size_t kMagicEndAt = 508;
constexpr uint32_t kMagicStart0 = 0x0A32'4655;
constexpr uint32_t kMagicStart1 = 0x9E5D'5157;
constexpr uint32_t kMagicEnd = 0x0AB1'6F30;

constexpr uint32_t kNotMainFlash = 0x0001;
constexpr uint32_t kFileContainer = 0x1000;
constexpr uint32_t kFamilyPresent = 0x2000;
constexpr uint32_t kTagsPresent = 0x8000;

// Tools for the RP2350 put such a block first, for its erratum E10: of this family, with this tag,
// numbered on its own, never flashed.
constexpr uint32_t kFamilyAbsolute = 0xE48B'FF57;
constexpr uint32_t kTagIgnoreBlock = 0x9957'E304;

constexpr uint64_t kLastAddress = 0xFFFF'FFFF;

uint32_t Read32(std::span<const uint8_t> bytes, size_t offset) {
  return static_cast<uint32_t>(ReadLittle(bytes, offset, 4));
}

struct Block {
  uint32_t flags;
  uint32_t address;
  uint32_t payload_size;
  uint32_t number;
  uint32_t count;
  std::optional<uint32_t> family;
};

class Uf2Reader {
 public:
  Uf2Reader(std::span<const uint8_t> file, std::string_view name) : file_(file), name_(name) {}

  void Read() {
    for (; at_ < file_.size(); at_ += kBlockSize) {
      const Block block = ReadBlock();
      if (IsErratumBlock(block)) continue;
      CheckNumber(block);
      if ((block.flags & kNotMainFlash) != 0 || block.payload_size == 0) continue;
      CheckFamily(block);
      chunks_.push_back({block.address, at_ + kDataAt, block.payload_size, at_});
    }
    if (blocks_ != seen_.size()) {
      Fail(fmt::format("the file ends here with {} of {} blocks: {}", blocks_, seen_.size(),
                       kDamaged));
    }
  }

  const std::vector<Chunk>& Chunks() const { return chunks_; }
  std::optional<uint32_t> Family() const { return family_; }

 private:
  Block ReadBlock() const {
    if (file_.size() - at_ < kBlockSize) {
      Fail(fmt::format("the last block has {} of 512 bytes: {}", file_.size() - at_, kDamaged));
    }
    const std::span<const uint8_t> bytes = file_.subspan(at_, kBlockSize);
    if (!IsUf2(bytes) || Read32(bytes, kMagicEndAt) != kMagicEnd) {
      Fail(fmt::format("a UF2 block starts and ends with magic numbers, this one does not: {}",
                       kDamaged));
    }
    Block block = {.flags = Read32(bytes, 8),
                   .address = Read32(bytes, 12),
                   .payload_size = Read32(bytes, 16),
                   .number = Read32(bytes, 20),
                   .count = Read32(bytes, 24),
                   .family = {}};
    if ((block.flags & kFamilyPresent) != 0) block.family = Read32(bytes, 28);
    if (block.payload_size > kMaxPayload) {
      Fail(fmt::format("payload of {} bytes, 476 are the most: {}", block.payload_size, kDamaged));
    }
    if ((block.flags & kFileContainer) != 0) {
      Fail("holds files for a file system, not flash content: give the firmware's own file");
    }
    return block;
  }

  bool IsErratumBlock(const Block& block) const {
    return block.family == kFamilyAbsolute && (block.flags & kTagsPresent) != 0 &&
           block.payload_size <= kMaxPayload - 4 &&
           Read32(file_, at_ + kDataAt + block.payload_size) == kTagIgnoreBlock;
  }

  void CheckFamily(const Block& block) {
    if (chunks_.empty()) {
      family_ = block.family;
    } else if (block.family != family_) {
      const auto text = [](std::optional<uint32_t> family) {
        return family ? fmt::format("family {:#010x}", *family) : "no family";
      };
      Fail(fmt::format("is for {}, earlier blocks are for {}: give a file for one device",
                       text(block.family), text(family_)));
    }
  }

  void CheckNumber(const Block& block) {
    if (seen_.empty()) {
      if (block.count == 0 || block.count > file_.size() / kBlockSize) {
        Fail(fmt::format("says that the file has {} blocks, it has {}: {}", block.count,
                         file_.size() / kBlockSize, kDamaged));
      }
      seen_.resize(block.count);
    }
    if (block.count != seen_.size() || block.number >= block.count) {
      Fail(fmt::format("is number {} of {} (counted from 0), and the file's first says {}: {}",
                       block.number, block.count, seen_.size(), kDamaged));
    }
    if (seen_[block.number]) {
      Fail(fmt::format("number {} comes twice: two files joined? Give one of them", block.number));
    }
    seen_[block.number] = true;
    ++blocks_;
  }

  [[noreturn]] void Fail(std::string_view what) const {
    image::Fail(name_, fmt::format("block at offset {:#x}", at_), what);
  }

  std::span<const uint8_t> file_;
  std::string_view name_;
  size_t at_ = 0;           // where the current block starts
  std::vector<bool> seen_;  // by block number; empty before the first block
  size_t blocks_ = 0;
  std::optional<uint32_t> family_;
  std::vector<Chunk> chunks_;
};

}  // namespace

bool IsUf2(std::span<const uint8_t> file) {
  return file.size() >= 8 && Read32(file, 0) == kMagicStart0 && Read32(file, 4) == kMagicStart1;
}

Image ParseUf2(std::span<const uint8_t> file, std::string_view name, const ImageOptions& options) {
  Uf2Reader reader(file, name);
  reader.Read();
  Image image = PlaceChunks(file, reader.Chunks(), ImageFormat::kUf2, kLastAddress, name, options);
  image.family = reader.Family();
  return image;
}

}  // namespace mote::image
