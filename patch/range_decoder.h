// SPDX-License-Identifier: Apache-2.0
// The range coder, the device side: LZMA's kind (G. N. N. Martin, "Range encoding", 1979; I. Pavlov's LZMA), with probabilities
// of 12 bits. FORMAT.md 6.1. No division; one multiplication of 32 bits a bit.
#pragma once

#include <stdint.h>

#include "patch/config.h"
#include "patch/probability.h"
#include "patch/state_stream.h"

namespace mote {

/// Holds back input, so that a step of the model is decoded only when all bytes that it may take are there. Behind the end of
/// the delta come zeros, as many as are asked for.
class RangeDecoder {
 public:
  /// The size of the queue: at least what one step may take, which is most for the setting. With four segments it is 32 bits to
  /// start with and 41 + 16 x 41 even ones, 92 bytes; with one, as a small build takes it, 32 + 41 + 4 x 41 bits, 30 bytes. (Of the other steps
  /// it is a match: two flags and two numbers. A bit under an adaptive probability costs at most 7.05 bits, as the count of all but
  /// the bytes' trees goes to kFlagLimit, and so they stay between 31 / 4096 and 4064 / 4096. A number is five of these and at most
  /// 31 even bits, 66.3. As the range lies between 2^24 and 2^32 before and after a step, a step of b bits takes less than b / 8 + 1
  /// bytes.)
  static constexpr unsigned kQueueSize = MOTE_SMALL_MODEL ? 32 : 128;

  void Init() { first_ = count_ = 0; }

  bool full() const { return count_ == kQueueSize; }
  unsigned count() const { return count_; }

  /// REQUIRES: !full().
  void Feed(uint8_t byte) {
    queue_[(first_ + count_++) % kQueueSize] = byte;
  }

  /// Takes the first four bytes; after that, bits can be decoded.
  void Start() {
    range_ = 1;
    do TakeByte();
    while (range_ != 0);
    --range_;
  }

  /// A bit under an adaptive probability, which it adapts. Inline in the one function that decodes all of a device's bits.
  [[gnu::always_inline]] unsigned Bit(Probability& probability, unsigned limit) {
    const Probability before = probability;
    const uint32_t bound = (range_ >> kProbabilityBits) * (before >> 4);
    unsigned bit = 0;
    if (code_ < bound) {
      range_ = bound;
      bit = 1;
    } else {
      code_ -= bound;
      range_ -= bound;
    }
    probability = Adapted(before, bit, limit);
    while (range_ < kLowest) TakeByte();
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
      if (range_ < kLowest) TakeByte();
    }
    return value;
  }

  /// 1 and `bits` even bits, 0 to 31.
  uint32_t Leading(unsigned bits) { return 1u << bits | EvenBits(bits); }

  /// A number that ends in many zeros, as addresses do.
  uint32_t EvenNumber() {
    const unsigned zeros = EvenBits(5);
    return Leading(EvenBits(5)) << zeros;
  }

  /// REQUIRES: Start was called, and the queue is not full.
  void Transfer(StateStream& stream) {
    stream.Number(count_);
    stream.Number(range_);
    stream.Number(code_);
    if (stream.restoring()) first_ = 0;
    // Where it was paused, the queue may be full.
    if (count_ > kQueueSize - !MOTE_WITH_IN_PLACE || range_ < kLowest) {
      stream.Require(false);
      return;
    }
    for (unsigned i = 0; i < count_; ++i) stream.Number(queue_[(first_ + i) % kQueueSize]);
  }

 private:
  // The range is at least this between bits.
  static constexpr uint32_t kLowest = 1u << 24;

  void TakeByte() {
    range_ <<= 8;
    code_ <<= 8;
    if (count_ == 0) return;
    code_ |= queue_[first_];
    --count_;
    first_ = (first_ + 1) % kQueueSize;
  }

  uint8_t first_;
  uint8_t count_;
  uint32_t range_;
  uint32_t code_;
  uint8_t queue_[kQueueSize];
};

}  // namespace mote
