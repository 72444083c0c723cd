// SPDX-License-Identifier: Apache-2.0
#include "diff/commands.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "patch/check.h"

namespace mote {
namespace {

// Up to this many equal bytes between two that differ are written as zero differences: a new
// command costs more.
constexpr uint32_t kAbsorb = 1;

class Writer {
 public:
  Writer(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image)
      : old_(old_image), new_(new_image) {}

  // Copies `length` bytes from where old stands, with their differences.
  void Copy(uint32_t length) {
    const uint32_t end = position_ + length;
    while (position_ < end) {
      if (Equal(0)) {
        Skip(1);
        ++unchanged_;
        continue;
      }
      uint32_t size = 1;  // of the run of differences, its last byte being one
      for (uint32_t at = 1; position_ + at < end && at - size <= kAbsorb; ++at) {
        if (!Equal(at)) size = at + 1;
      }
      Begin(size << 1);
      for (uint32_t i = 0; i < size; ++i) {
        commands_.push_back(static_cast<uint8_t>(new_[position_ + i] - old_[old_position_ + i]));
      }
      Skip(size);
    }
  }

  // Inserts `length` bytes and goes on at `old_position`.
  void Insert(uint32_t length, uint32_t old_position) {
    Begin(length << 1 | 1);
    commands_.insert(commands_.end(), new_.begin() + position_, new_.begin() + position_ + length);
    position_ += length;
    if (position_ == new_.size()) return;
    AppendVarint(commands_,
                 Zigzag(static_cast<int32_t>(old_position) - static_cast<int32_t>(old_position_)));
    old_position_ = old_position;
  }

  uint32_t position() const { return position_; }
  uint32_t old_position() const { return old_position_; }

  std::vector<uint8_t> Finish() {
    if (unchanged_ != 0) AppendVarint(commands_, unchanged_);
    const uint32_t check =
        UpdateCheck(kCheckStart, new_.data(), static_cast<uint32_t>(new_.size()));
    for (int shift = 0; shift < 32; shift += 8)
      commands_.push_back(static_cast<uint8_t>(check >> shift));
    return std::move(commands_);
  }

 private:
  bool Equal(uint32_t at) const { return new_[position_ + at] == old_[old_position_ + at]; }

  void Skip(uint32_t n) {
    position_ += n;
    old_position_ += n;
  }

  void Begin(uint32_t kind) {
    AppendVarint(commands_, unchanged_);
    AppendVarint(commands_, kind);
    unchanged_ = 0;
  }

  std::span<const uint8_t> old_;
  std::span<const uint8_t> new_;
  std::vector<uint8_t> commands_;
  uint32_t position_ = 0;
  uint32_t old_position_ = 0;
  uint32_t unchanged_ = 0;  // bytes copied since the last command
};

class Reader {
 public:
  explicit Reader(Unpacker& stream) : stream_(stream) {}

  uint8_t Byte() {
    if (taken_ == ready_) Fill();
    ++at_;
    return buffer_[taken_++];
  }
  uint32_t Varint() {
    uint32_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t byte = Byte();
      Require(shift != 28 || byte <= 0x0F, "a number exceeds 32 bits");
      value |= static_cast<uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  }
  void Skip(uint32_t n) {
    while (n != 0) {
      if (taken_ == ready_) Fill();
      const uint32_t size = std::min(n, static_cast<uint32_t>(ready_ - taken_));
      taken_ += size;
      at_ += size;
      n -= size;
    }
  }
  void Require(bool holds, const char* what) const {
    if (!holds)
      throw Error(Status::kCorrupt, std::string("the delta is damaged: ") + what + Where());
  }
  uint64_t at() const { return at_; }

 private:
  void Fill() {
    ready_ = stream_.Read(buffer_);
    taken_ = 0;
    if (ready_ == 0)
      throw Error(Status::kNeedInput,
                  "the delta was cut short: it ends before its commands do" + Where());
  }
  std::string Where() const {
    return " (offset " + std::to_string(at_) + " of the unpacked commands): get it again";
  }

  Unpacker& stream_;
  std::array<uint8_t, 4096> buffer_;
  size_t ready_ = 0;
  size_t taken_ = 0;
  uint64_t at_ = 0;  // in the stream
};

}  // namespace

void AppendVarint(std::vector<uint8_t>& to, uint32_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<uint8_t>(value | 0x80));
  to.push_back(static_cast<uint8_t>(value));
}

uint32_t Zigzag(int32_t value) {
  return (static_cast<uint32_t>(value) << 1) ^ (value < 0 ? 0xFFFFFFFFu : 0u);
}

std::vector<uint8_t> WriteCommands(std::span<const uint8_t> old_image,
                                   std::span<const uint8_t> new_image,
                                   const std::vector<Copy>& copies) {
  Writer writer(old_image, new_image);
  for (const Copy& copy : copies) {
    if (writer.position() != copy.new_position || writer.old_position() != copy.old_position) {
      writer.Insert(copy.new_position - writer.position(), copy.old_position);
    }
    writer.Copy(copy.length);
  }
  if (writer.position() != new_image.size()) {
    writer.Insert(static_cast<uint32_t>(new_image.size()) - writer.position(), 0);
  }
  return writer.Finish();
}

DeltaStatistics CountCommands(Unpacker& commands, const DeltaHeader& header) {
  DeltaStatistics statistics;
  Reader reader(commands);
  uint64_t old_position = 0;
  uint32_t remaining = header.new_size;
  while (remaining != 0) {
    const uint32_t copied = reader.Varint();
    reader.Require(copied <= remaining && copied <= header.old_size - old_position,
                   "a copy leaves the image");
    remaining -= copied;
    old_position += copied;
    statistics.copied_bytes += copied;
    statistics.copies += copied != 0;
    if (remaining == 0) break;
    const uint32_t kind = reader.Varint();
    const uint32_t size = kind >> 1;
    reader.Require(size <= remaining, "a command leaves the new image");
    reader.Require((kind & 1) != 0 || size <= header.old_size - old_position,
                   "a difference leaves the old image");
    remaining -= size;
    reader.Skip(size);
    if (kind & 1) {
      ++statistics.insertions;
      statistics.inserted_bytes += size;
      if (remaining == 0) break;
      const uint32_t seek = reader.Varint();
      old_position += static_cast<int64_t>(static_cast<int32_t>((seek >> 1) ^ (0u - (seek & 1))));
      reader.Require(old_position <= header.old_size, "a seek leaves the old image");
    } else {
      old_position += size;
      statistics.difference_bytes += size;
    }
  }
  for (int shift = 0; shift < 32; shift += 8) {
    statistics.new_check |= static_cast<uint32_t>(reader.Byte()) << shift;
  }
  statistics.command_bytes = reader.at();
  return statistics;
}

}  // namespace mote
