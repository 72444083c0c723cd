// SPDX-License-Identifier: Apache-2.0
#include "ports/transport/frame.h"

namespace mote {
namespace {

void PutEscaped(const ByteSink& sink, uint8_t byte) {
  if (IsEscaped(byte)) {
    sink.put(sink.context, kFrameEscape);
    byte ^= kEscapeBit;
  }
  sink.put(sink.context, byte);
}

}  // namespace

uint32_t UpdateCrc32(uint32_t crc, const uint8_t* data, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (unsigned bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xEDB88320 & (0u - (crc & 1)));
  }
  return crc;
}

void WriteFrame(const ByteSink& sink, const uint8_t* body, uint32_t size) {
  sink.put(sink.context, kFrameStart);
  for (uint32_t i = 0; i < size; ++i) PutEscaped(sink, body[i]);
  const uint32_t crc = ~UpdateCrc32(kCrc32Start, body, size);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    PutEscaped(sink, static_cast<uint8_t>(crc >> shift));
  }
  sink.put(sink.context, kFrameEnd);
}

void FrameReader::Init(uint8_t* buffer, uint32_t capacity) {
  buffer_ = buffer;
  capacity_ = capacity;
  size_ = 0;
  state_ = State::kText;
}

FrameReader::Event FrameReader::Put(uint8_t byte) {
  if (byte == kFrameStart) {
    const bool cut_off = state_ != State::kText;
    size_ = 0;
    state_ = State::kBody;
    return cut_off ? Event::kDamaged : Event::kNothing;
  }
  if (state_ == State::kText) return Event::kText;
  if (byte == kFrameEnd) {
    const bool whole = state_ == State::kBody && size_ > kFrameCrcSize && size_ <= capacity_;
    state_ = State::kText;
    if (!whole) return Event::kDamaged;
    size_ -= kFrameCrcSize;
    uint32_t crc = 0;
    for (unsigned i = 0; i < kFrameCrcSize; ++i) {
      crc |= static_cast<uint32_t>(buffer_[size_ + i]) << 8 * i;
    }
    return ~UpdateCrc32(kCrc32Start, buffer_, size_) == crc ? Event::kFrame : Event::kDamaged;
  }
  if (state_ == State::kEscaped) {
    byte ^= kEscapeBit;
    state_ = State::kBody;
  } else if (byte == kFrameEscape) {
    state_ = State::kEscaped;
    return Event::kNothing;
  }
  if (size_ < capacity_) buffer_[size_] = byte;
  if (size_ <= capacity_) ++size_;  // capacity_ + 1: too long
  return Event::kNothing;
}

}  // namespace mote
