// SPDX-License-Identifier: Apache-2.0
#include "diff/range_encoder.h"

#include "patch/probability.h"

namespace mote {

void RangeEncoder::Bit(unsigned chance, unsigned bit) {
  const uint32_t bound = (range_ >> kProbabilityBits) * chance;
  if (bit) {
    range_ = bound;
  } else {
    low_ += bound;
    range_ -= bound;
  }
  Normalize();
}

void RangeEncoder::EvenBit(unsigned bit) {
  range_ >>= 1;
  if (bit) low_ += range_;
  Normalize();
}

void RangeEncoder::Normalize() {
  while (range_ < 1u << 24) {
    range_ <<= 8;
    ShiftLow();
  }
}

void RangeEncoder::ShiftLow() {
  if (low_ < 0xFF000000 || low_ >> 32 != 0) {
    const uint8_t carry = static_cast<uint8_t>(low_ >> 32);
    for (uint8_t byte = held_; held_count_ != 0; --held_count_, byte = 0xFF) {
      if (!first_) bytes_.push_back(static_cast<uint8_t>(byte + carry));
      first_ = false;
    }
    held_ = static_cast<uint8_t>(low_ >> 24);
  }
  ++held_count_;
  low_ = (low_ & 0x00FFFFFF) << 8;
}

std::vector<uint8_t> RangeEncoder::Finish() {
  // Of the numbers that the decoder may see here, one that ends in as many zeros as possible.
  for (unsigned bits = 32; bits != 0; --bits) {
    const uint64_t mask = (uint64_t{1} << bits) - 1;
    const uint64_t rounded = (low_ + mask) & ~mask;
    if (rounded < low_ + range_) {
      low_ = rounded;
      break;
    }
  }
  for (int i = 0; i < 5; ++i) ShiftLow();
  while (!bytes_.empty() && bytes_.back() == 0) bytes_.pop_back();
  return std::move(bytes_);
}

}  // namespace mote
