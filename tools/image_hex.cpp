// SPDX-License-Identifier: Apache-2.0
// Intel HEX, as in Intel's "Hexadecimal Object File Format Specification", revision A, 1988.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "tools/image_formats.h"

namespace mote::image {
namespace {

constexpr uint64_t kLastAddress = 0xFFFF'FFFF;
constexpr uint32_t kSegmentSize = 0x10000;

enum RecordType : uint8_t {
  kData = 0,
  kEndOfFile = 1,
  kExtendedSegmentAddress = 2,
  kStartSegmentAddress = 3,
  kExtendedLinearAddress = 4,
  kStartLinearAddress = 5,
};

// ':' LENGTH(1) ADDRESS(2) TYPE(1) DATA(LENGTH) CHECKSUM(1), each byte as two digits.
constexpr size_t kBytesBesideData = 5;
constexpr size_t kDataAt = 4;
constexpr size_t kMaxRecordBytes = kBytesBesideData + 255;

struct Record {
  uint8_t bytes[kMaxRecordBytes];

  std::span<const uint8_t> Data() const { return {bytes + kDataAt, bytes[0]}; }
  uint32_t Address() const { return static_cast<uint32_t>(ReadBig(bytes, 1, 2)); }
  uint8_t Type() const { return bytes[3]; }
};

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view Trim(std::string_view line) {
  while (!line.empty() && IsBlank(line.front())) line.remove_prefix(1);
  while (!line.empty() && IsBlank(line.back())) line.remove_suffix(1);
  return line;
}

// Lines without their ends and the blanks around them, numbered from 1.
class Lines {
 public:
  explicit Lines(std::span<const uint8_t> file)
      : rest_(reinterpret_cast<const char*>(file.data()), file.size()) {}

  // The next line that is not blank, or nothing.
  std::optional<std::string_view> Next() {
    while (!rest_.empty()) {
      const size_t size = std::min(rest_.find('\n'), rest_.size());
      const std::string_view line = Trim(rest_.substr(0, size));
      rest_.remove_prefix(std::min(size + 1, rest_.size()));
      ++number_;
      if (!line.empty()) return line;
    }
    return {};
  }
  size_t Number() const { return number_; }

 private:
  std::string_view rest_;
  size_t number_ = 0;
};

// -1 for anything that is no hexadecimal digit.
int Digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Fills `record`. An empty string, or what is wrong with the line.
std::string ParseRecord(std::string_view line, Record& record) {
  if (!line.starts_with(':')) {
    return fmt::format("does not start with ':': {}", kDamaged);
  }
  const std::string_view digits = line.substr(1);
  const auto bad = std::ranges::find_if(digits, [](char c) { return Digit(c) < 0; });
  if (bad != digits.end()) {
    return fmt::format("character {} (code {:#04x}) is no hexadecimal digit: {}",
                       bad - digits.begin() + 2, static_cast<uint8_t>(*bad), kDamaged);
  }
  const size_t size = digits.size() / 2;
  if (digits.size() % 2 != 0 || size < kBytesBesideData || size > kMaxRecordBytes) {
    return fmt::format("a record cannot have {} digits: {}", digits.size(), kDamaged);
  }
  uint8_t sum = 0;
  for (size_t i = 0; i < size; ++i) {
    record.bytes[i] = static_cast<uint8_t>(Digit(digits[2 * i]) << 4 | Digit(digits[2 * i + 1]));
    sum = static_cast<uint8_t>(sum + record.bytes[i]);
  }
  if (record.bytes[0] != size - kBytesBesideData) {
    return fmt::format("holds {} bytes of data and says {}: {}", size - kBytesBesideData,
                       record.bytes[0], kDamaged);
  }
  if (sum != 0) {
    const uint8_t found = record.bytes[size - 1];
    return fmt::format("checksum is {:02X}, should be {:02X}: {}", found,
                       static_cast<uint8_t>(found - sum), kDamaged);
  }
  return {};
}

class HexReader {
 public:
  HexReader(std::span<const uint8_t> file, std::string_view name) : lines_(file), name_(name) {}

  void Read() {
    bool ended = false;
    while (const std::optional<std::string_view> line = lines_.Next()) {
      if (ended) Fail("follows the end record: two files joined? Give one of them");
      Record record;
      if (const std::string problem = ParseRecord(*line, record); !problem.empty()) Fail(problem);
      ended = record.Type() == kEndOfFile;
      Take(record);
    }
    if (!ended) Fail(fmt::format("the end record (type 01) is missing after it: {}", kDamaged));
  }

  std::span<const uint8_t> Data() const { return data_; }
  std::vector<Chunk> TakeChunks() { return std::move(chunks_); }

 private:
  void Take(const Record& record) {
    switch (record.Type()) {
      case kData:
        return TakeData(record);
      case kEndOfFile:
        return CheckSize(record, 0);
      case kExtendedSegmentAddress:
        CheckSize(record, 2);
        base_ = static_cast<uint32_t>(ReadBig(record.Data(), 0, 2)) << 4;
        segmented_ = true;
        return;
      case kExtendedLinearAddress:
        CheckSize(record, 2);
        base_ = static_cast<uint32_t>(ReadBig(record.Data(), 0, 2)) << 16;
        segmented_ = false;
        return;
      case kStartSegmentAddress:  // where execution starts: not part of the image
      case kStartLinearAddress:
        return CheckSize(record, 4);
      default:
        Fail(fmt::format(
            "record type {:02X} is unknown, 00 to 05 exist: make the file again for one "
            "device, in plain Intel HEX",
            record.Type()));
    }
  }

  void TakeData(const Record& record) {
    const std::span<const uint8_t> data = record.Data();
    if (data.empty()) return;
    // The specification wraps such a record round to the segment's start, common tools run on.
    if (segmented_ && record.Address() + data.size() > kSegmentSize) {
      Fail(
          "runs past the end of its 64 KiB segment, which tools read differently: make the file "
          "again with linear addresses (record type 04)");
    }
    chunks_.push_back(
        {uint64_t{base_} + record.Address(), data_.size(), data.size(), lines_.Number()});
    data_.insert(data_.end(), data.begin(), data.end());
  }

  void CheckSize(const Record& record, size_t size) const {
    if (record.Data().size() == size) return;
    Fail(fmt::format("a record of type {:02X} has {} bytes of data, not {}: {}", record.Type(),
                     size, record.Data().size(), kDamaged));
  }

  [[noreturn]] void Fail(std::string_view what) const {
    image::Fail(name_, fmt::format("line {}", lines_.Number()), what);
  }

  Lines lines_;
  std::string_view name_;
  uint32_t base_ = 0;  // what types 02 and 04 set
  bool segmented_ = false;
  std::vector<uint8_t> data_;
  std::vector<Chunk> chunks_;
};

}  // namespace

bool IsIntelHex(std::span<const uint8_t> file) {
  Record record;
  const std::optional<std::string_view> line = Lines(file).Next();
  return line && ParseRecord(*line, record).empty();
}

Image ParseIntelHex(std::span<const uint8_t> file, std::string_view name,
                    const ImageOptions& options) {
  HexReader reader(file, name);
  reader.Read();
  return PlaceChunks(reader.Data(), reader.TakeChunks(), ImageFormat::kIntelHex, kLastAddress, name,
                     options);
}

}  // namespace mote::image
