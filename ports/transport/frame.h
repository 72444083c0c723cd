// SPDX-License-Identifier: Apache-2.0
// Frames on a serial line that text shares with them: start byte, escaped body, CRC-32, end byte.
// Both ends use this file; ports/TRANSPORT.md specifies the bytes. Device code: C++17,
// freestanding; no heap, no statics.
#pragma once

#include <stdint.h>

namespace mote {

constexpr uint8_t kFrameStart = 0x02;  // STX
constexpr uint8_t kFrameEnd = 0x03;    // ETX
constexpr uint8_t kFrameEscape = 0x10;
constexpr uint8_t kEscapeBit = 0x40;  // what follows an escape byte has this bit inverted
constexpr uint32_t kFrameCrcSize = 4;

/// Bytes that never stand in a frame as they are: the three above, and what a terminal driver may
/// swallow or change (line feed, carriage return, XON, XOFF).
constexpr bool IsEscaped(uint8_t byte) {
  constexpr uint32_t kEscaped = 1u << kFrameStart | 1u << kFrameEnd | 1u << kFrameEscape |
                                1u << 0x0A | 1u << 0x0D | 1u << 0x11 | 1u << 0x13;
  return byte < 32 && (kEscaped >> byte & 1) != 0;
}

constexpr uint32_t kCrc32Start = 0xFFFFFFFF;
/// CRC-32 as in Ethernet and zlib, reflected: start with kCrc32Start, invert at the end.
uint32_t UpdateCrc32(uint32_t crc, const uint8_t* data, uint32_t size);

/// Where bytes go.
struct ByteSink {
  void (*put)(void* context, uint8_t byte);
  void* context;
};

/// Sends one frame: a body of `size` >= 1 bytes, and its check.
void WriteFrame(const ByteSink& sink, const uint8_t* body, uint32_t size);

/// Takes what arrives, byte by byte, and finds frames in it. After any loss it is in step again at
/// the next start byte.
class FrameReader {
 public:
  enum class Event : uint8_t {
    kNothing,  ///< go on
    kText,     ///< the byte belongs to no frame
    kFrame,    ///< a whole frame: body() and size(), until the next Put
    kDamaged,  ///< a frame ended that is too short, too long or fails its check; it is dropped
  };

  /// `buffer` holds a body and its check; a frame that does not fit is dropped.
  void Init(uint8_t* buffer, uint32_t capacity);

  Event Put(uint8_t byte);

  const uint8_t* body() const { return buffer_; }
  uint32_t size() const { return size_; }

 private:
  enum class State : uint8_t { kText, kBody, kEscaped };

  uint8_t* buffer_;
  uint32_t capacity_;
  uint32_t size_;
  State state_;
};

}  // namespace mote
