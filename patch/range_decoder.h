// SPDX-License-Identifier: Apache-2.0
// The range coder, the device side: LZMA's kind (G. N. N. Martin, "Range encoding", 1979; I. Pavlov's LZMA), with probabilities
// of 12 bits. FORMAT.md 6.1. No division; one multiplication of 32 bits a bit.
#pragma once

#include <stdint.h>

#include "patch/probability.h"

namespace mote {

/// Holds back input, so that a step of the model is decoded only when all bytes that it may take are there. Behind the end of
/// the delta come zeros, as many as are asked for.
class RangeDecoder {
 public:
  /// What one step may take at most; the size of the queue.
  static constexpr uint32_t kQueueSize = 96;

  void Init() {
    first_ = count_ = 0;
  }

  bool full() const { return count_ == kQueueSize; }
  bool empty() const { return count_ == 0; }

  /// REQUIRES: !full().
  void Feed(uint8_t byte) {
    uint32_t at = first_ + count_++;
    if (at >= kQueueSize) at -= kQueueSize;
    queue_[at] = byte;
  }

  /// Takes the first four bytes; after that, bits can be decoded.
  void Start() {
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | Next();
    range_ = 0xFFFFFFFF;
  }

  /// A bit under an adaptive probability, which it adapts.
  unsigned Bit(Probability& probability, unsigned limit = kFlagLimit) {
    const uint32_t bound = (range_ >> kProbabilityBits) * (probability >> 4);
    unsigned bit = 0;
    if (code_ < bound) {
      range_ = bound;
      bit = 1;
    } else {
      code_ -= bound;
      range_ -= bound;
    }
    probability = Adapted(probability, bit, limit);
    Normalize();
    return bit;
  }

  /// A number of `bits` bits, 0 to 32, the highest first, each as likely 0 as 1.
  uint32_t EvenBits(unsigned bits) {
    uint32_t value = 0;
    for (; bits != 0; --bits) {
      range_ >>= 1;
      value <<= 1;
      if (code_ >= range_) {
        code_ -= range_;
        ++value;
      }
      Normalize();
    }
    return value;
  }

 private:
  uint8_t Next() {
    if (count_ == 0) return 0;
    const uint8_t byte = queue_[first_];
    --count_;
    if (++first_ == kQueueSize) first_ = 0;
    return byte;
  }

  void Normalize() {
    while (range_ < 1u << 24) {
      range_ <<= 8;
      code_ = code_ << 8 | Next();
    }
  }

  uint8_t first_;
  uint8_t count_;
  uint32_t range_;
  uint32_t code_;
  uint8_t queue_[kQueueSize];
};

}  // namespace mote
