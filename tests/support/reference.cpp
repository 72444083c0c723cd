// SPDX-License-Identifier: Apache-2.0
#include "tests/support/reference.h"

#include <functional>

#include "tests/support/reference_model.h"

namespace mote::testing {
namespace {

struct Stop {
  Status status;
};

class ByteSource {
 public:
  explicit ByteSource(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint8_t Byte() {
    if (at_ == bytes_.size()) throw Stop{Status::kNeedInput};
    return bytes_[at_++];
  }
  std::span<const uint8_t> Rest() const { return bytes_.subspan(at_); }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

// Unpacks on demand; keeps everything it ever made, so that the window is a mere number.
class LzssSource {
 public:
  LzssSource(std::span<const uint8_t> packed, unsigned window_bits)
      : packed_(packed), window_bits_(window_bits) {}

  uint8_t Byte() {
    if (match_left_ == 0) ReadItem();
    if (match_left_ != 0) {
      --match_left_;
      const uint64_t window = uint64_t{1} << window_bits_;
      const uint64_t distance = (last_offset_ - 1) % window + 1;
      made_.push_back(distance > made_.size() ? 0 : made_[made_.size() - distance]);
    }
    return made_.back();
  }

 private:
  unsigned Bit() {
    if (bit_ == 8 * packed_.size()) throw Stop{Status::kNeedInput};
    const unsigned bit = packed_[bit_ / 8] >> (7 - bit_ % 8) & 1;
    ++bit_;
    return bit;
  }
  uint64_t Bits(unsigned n) {
    uint64_t value = 0;
    while (n-- != 0) value = value << 1 | Bit();
    return value;
  }
  uint64_t ExpGolomb(unsigned k) {
    unsigned z = 0;
    while (Bit() == 0) {
      if (++z > 15) throw Stop{Status::kCorrupt};
    }
    const uint64_t x = Bits(z + k);
    return (uint64_t{1} << (z + k)) + x - (uint64_t{1} << k);
  }
  void ReadItem() {
    if (Bit() == 1) {
      made_.push_back(static_cast<uint8_t>(Bits(8)));
    } else if (Bit() == 1) {
      match_left_ = ExpGolomb(0) + 1;
    } else {
      last_offset_ = ExpGolomb(window_bits_ - 5) + 1;
      match_left_ = ExpGolomb(0) + 2;
    }
  }

  std::span<const uint8_t> packed_;
  unsigned window_bits_;
  size_t bit_ = 0;
  uint64_t last_offset_ = 1;
  uint64_t match_left_ = 0;
  Bytes made_;
};

template <typename Source>
uint32_t Varint(Source& source) {
  uint64_t value = 0;
  for (unsigned i = 0;; ++i) {
    const uint8_t byte = source.Byte();
    if (i == 4 && byte > 0x0F) throw Stop{Status::kCorrupt};
    value += static_cast<uint64_t>(byte % 128) << (7 * i);
    if (byte < 128) return static_cast<uint32_t>(value);
  }
}

template <typename Source>
int64_t Zigzag(Source& source) {
  const int64_t value = Varint(source);
  return value % 2 == 0 ? value / 2 : -(value + 1) / 2;
}

template <typename Source>
uint32_t Check(Source& source) {
  uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value += static_cast<uint32_t>(source.Byte()) << (8 * i);
  return value;
}

void Require(bool holds, Status otherwise) {
  if (!holds) throw Stop{otherwise};
}

template <typename Source>
void Rebuild(Source& source, std::span<const uint8_t> old_image, uint64_t new_size, Bytes& image) {
  int64_t cursor = 0;
  const auto require = [](bool holds) { Require(holds, Status::kCorrupt); };
  const auto old_left = [&] { return old_image.size() - static_cast<uint64_t>(cursor); };
  const auto take_old = [&] { return old_image[static_cast<size_t>(cursor++)]; };
  while (image.size() < new_size) {
    const uint32_t copy = Varint(source);
    require(copy <= new_size - image.size() && copy <= old_left());
    for (uint32_t i = 0; i < copy; ++i) image.push_back(take_old());
    if (image.size() == new_size) break;
    const uint32_t kind = Varint(source);
    const uint32_t size = kind / 2;
    require(size <= new_size - image.size());
    if (kind % 2 == 0) {
      require(size <= old_left());
      for (uint32_t i = 0; i < size; ++i) {
        const uint8_t difference = source.Byte();
        image.push_back(static_cast<uint8_t>(take_old() + difference));
      }
    } else {
      for (uint32_t i = 0; i < size; ++i) image.push_back(source.Byte());
      if (image.size() == new_size) break;
      cursor += Zigzag(source);
      require(cursor >= 0 && cursor <= static_cast<int64_t>(old_image.size()));
    }
  }
  require(Check(source) == ReferenceCheck(image));
}

}  // namespace

uint32_t ReferenceCheck(std::span<const uint8_t> bytes) {
  uint64_t check = 2166136261;
  for (uint8_t byte : bytes) check = (check ^ byte) * 16777619 % (uint64_t{1} << 32);
  return static_cast<uint32_t>(check);
}

Outcome ReferenceDevice::Apply(std::span<const uint8_t> delta) const {
  Outcome outcome{Status::kNeedInput, {}};
  try {
    ByteSource header(delta);
    const uint8_t magic = header.Byte();
    Require(magic / 16 == 0xD, Status::kCorrupt);
    Require(magic % 16 == 1, Status::kUnsupported);
    const unsigned codec = header.Byte();
    const uint32_t old_size = Varint(header);
    const auto new_size = static_cast<uint32_t>(old_size + Zigzag(header));
    const uint32_t old_check = Check(header);
    const unsigned parameter = codec / 16;
    const bool model = codec % 16 == 2 && parameter <= 2;
    Require(codec == 0 || (codec % 16 == 1 && parameter <= 7) || model, Status::kUnsupported);
    Require(old_size < 0x80000000 && new_size < 0x80000000, Status::kCorrupt);
    Require(new_size <= capacity, Status::kDoesNotFit);
    Require(codec == 0 || model || window_size >= 1u << (8 + parameter), Status::kDoesNotFit);
    Require(old_size <= old_image.size(), Status::kWrongBase);
    const auto base = old_image.first(old_size);
    Require(ReferenceCheck(base) == old_check, Status::kWrongBase);
    if (model) return ReferenceModel(base, new_size, parameter, header.Rest());
    if (codec == 0) {
      ByteSource commands(header.Rest());
      Rebuild(commands, base, new_size, outcome.image);
    } else {
      LzssSource commands(header.Rest(), 8 + parameter);
      Rebuild(commands, base, new_size, outcome.image);
    }
    outcome.status = Status::kDone;
  } catch (const Stop& stop) {
    outcome.status = stop.status;
  }
  return outcome;
}

Outcome ReferenceUnpack(std::span<const uint8_t> packed, unsigned window_bits, size_t limit) {
  Outcome outcome{Status::kDone, {}};
  LzssSource source(packed, window_bits);
  try {
    while (outcome.image.size() < limit) outcome.image.push_back(source.Byte());
  } catch (const Stop& stop) {
    outcome.status = stop.status;
  }
  return outcome;
}

}  // namespace mote::testing
