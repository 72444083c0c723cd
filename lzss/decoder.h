// SPDX-License-Identifier: Apache-2.0
// LZSS, the device side: a streaming decoder that takes compressed bytes in pieces of any size and hands on each
// decompressed byte. FORMAT.md 4.2 is the format.
//
//   uint8_t window[1 << 10];
//   mote::lzss::Decoder decoder;
//   decoder.Init(10, window, {&TakeByte, &my_state});
//   while (...) status = decoder.Write(piece, size);
//
// RAM: sizeof(Decoder) and the window of 2^window_bits bytes, both the caller's. No heap, no statics. A decoder works
// bit by bit and holds nothing back: a byte is handed on in the very call that brings its last bit.
#pragma once

#include <stdint.h>

#include "patch/status.h"

namespace mote::lzss {

constexpr unsigned kMinWindowBits = 8;
constexpr unsigned kMaxWindowBits = 15;

/// Offsets are Exp-Golomb numbers of this order: a window has 2^5 times as many offsets as its cheapest class.
constexpr unsigned OffsetOrder(unsigned window_bits) { return window_bits - 5; }

/// Longest run of zero bits before an Exp-Golomb number's leading one; more is corrupt. It bounds a match at 65,537
/// bytes and every shift in the decoder.
constexpr unsigned kMaxPrefix = 15;

/// Where decompressed bytes go.
struct Sink {
  /// Takes one byte. kDone or kNeedInput: go on; anything else stops the decoder and is returned by Write.
  Status (*put)(void* context, uint8_t byte);
  void* context;
};

/// Plain data without pointers into itself: it may be moved or copied together with its window.
class Decoder {
 public:
  /// Starts a stream. `window` has 2^window_bits bytes, stays the caller's and must outlive the decoder; it is
  /// cleared. REQUIRES: kMinWindowBits <= window_bits <= kMaxWindowBits.
  void Init(unsigned window_bits, uint8_t* window, Sink sink);

  /// Takes all of `size` bytes. kNeedInput: go on. kDone or an error: what the sink returned, and the rest of the
  /// bytes was not looked at. kCorrupt: no encoder writes such a number; the sender's fault. After kDone or an error
  /// only Init may be called. Every byte of input makes at most 65,537 x 8 bytes of output.
  Status Write(const uint8_t* data, uint32_t size);

 private:
  enum class State : uint8_t { kKind, kLiteral, kRepeat, kOffsetPrefix, kOffset, kLengthPrefix, kLength };

  Status TakeBit(unsigned bit);
  Status Emit(uint8_t byte);

  // Bytes first: Cortex-M0 reaches only the first 32 bytes of an object with a byte load.
  State state_;
  uint8_t order_;
  uint8_t left_;  // bits still to gather, or zeros seen in a prefix
  uint8_t min_length_;
  uint32_t number_;    // bits gathered so far, under a leading one
  uint32_t position_;  // in the window, modulo its size
  uint32_t mask_;      // window size - 1
  uint32_t offset_;    // of the last match
  uint8_t* window_;
  Sink sink_;
};

}  // namespace mote::lzss
