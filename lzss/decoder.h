// SPDX-License-Identifier: Apache-2.0
// LZSS, the device side: a streaming decoder that is given compressed bytes one at a time and asked for decompressed ones.
// FORMAT.md 4.1 is the format.
//
//   uint8_t window[1 << 10];
//   mote::lzss::Decoder decoder;
//   decoder.Init(10, window);
//   for (uint8_t byte : packed) {
//     decoder.Feed(byte);
//     int32_t unpacked;
//     while ((unpacked = decoder.Next()) >= 0) Use(static_cast<uint8_t>(unpacked));
//     if (unpacked == mote::lzss::kDamaged) ...
//   }
//
// RAM: sizeof(Decoder) and the window of 2^window_bits bytes, both the caller's. No heap, no statics. A decoder works
// bit by bit and holds nothing back: a byte comes out once its last bit went in.
#pragma once

#include <stdint.h>

namespace mote::lzss {

constexpr unsigned kMinWindowBits = 8;
constexpr unsigned kMaxWindowBits = 15;

/// Offsets are Exp-Golomb numbers of this order: a window has 2^5 times as many offsets as its cheapest class.
constexpr unsigned OffsetOrder(unsigned window_bits) { return window_bits - 5; }

/// Longest run of zero bits before an Exp-Golomb number's leading one; more is corrupt. It bounds a match at 65,537
/// bytes and every shift in the decoder.
constexpr unsigned kMaxPrefix = 15;

/// What Next returns instead of a byte.
constexpr int32_t kHungry = -1;   ///< the byte that was fed is used up
constexpr int32_t kDamaged = -2;  ///< no encoder writes such a number; the sender's fault

/// Plain data without pointers into itself: it may be moved or copied together with its window.
class Decoder {
 public:
  /// Starts a stream. `window` has 2^window_bits bytes, stays the caller's and must outlive the decoder; it is
  /// cleared. REQUIRES: kMinWindowBits <= window_bits <= kMaxWindowBits.
  void Init(unsigned window_bits, uint8_t* window);

  /// Gives the next byte of the stream. REQUIRES: Next returned kHungry, or was not called yet.
  void Feed(uint8_t byte) { bits_ = static_cast<uint32_t>(byte) << 24 | kEndOfBits; }

  /// Returns the next unpacked byte, 0 to 255, or kHungry or kDamaged. After kDamaged only Init may be called. A byte that is fed
  /// makes less than 2 x 65,537 bytes.
  int32_t Next();

  /// Names all that Init does not set, but the window's content, to a StateStream (patch/state_stream.h). REQUIRES: Init was called,
  /// and, to save, Next returned kHungry.
  template <typename Stream>
  void Transfer(Stream& stream) {
    stream.Number(state_);
    stream.Number(left_);
    stream.Number(number_);
    stream.Number(length_);
    stream.Number(offset_);
    stream.Number(position_);
    // No match is being copied, and a number is being read that has bits to come.
    const bool known = state_ == State::kKind || state_ == State::kOffset || state_ == State::kLength || state_ == State::kLiteral;
    stream.Require(known && length_ <= 1 && left_ <= kMaxPrefix + kMaxWindowBits && (left_ != 0 || number_ == 0) &&
                   (state_ != State::kLiteral || length_ == 1));
  }

 private:
  // The number that is being read, or the match that is being copied. kKind reads two bits; under a leading one, they are the number
  // of what follows: 00 a match, 01 a match at the last offset, 1x a literal, x being its first bit.
  enum class State : uint8_t { kKind, kMatch, kOffset = 0b100, kLength = 0b101, kLiteral = 0b110 };

  void StartItem();

  static constexpr uint32_t kEndOfBits = 1u << 23;  // follows the eight bits of a byte, so that zero means that none are left

  // Bytes first: Cortex-M0 reaches only the first 32 bytes of an object with a byte load.
  State state_;
  uint8_t order_;
  uint32_t left_;      // bits of the number still to come; before its leading one: zeros so far
  uint32_t bits_;      // of the byte that was fed, from the top down
  uint32_t number_;    // bits so far; a number of known width starts from a one of its own
  uint32_t length_;    // of the match, still to be copied
  uint32_t offset_;    // of the last match
  uint32_t position_;  // in the window, modulo its size
  uint32_t mask_;      // window size - 1
  uint8_t* window_;
};

}  // namespace mote::lzss
