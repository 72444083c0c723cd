// SPDX-License-Identifier: Apache-2.0
#include "lzss/decoder.h"

namespace mote::lzss {

void Decoder::Init(unsigned window_bits, uint8_t* window, Sink sink) {
  window_ = window;
  sink_ = sink;
  position_ = 0;
  mask_ = (1u << window_bits) - 1;
  // An encoder never refers to what was not there yet; a forged stream then finds zeros, not the caller's secrets.
  for (uint32_t i = 0; i <= mask_; ++i) window[i] = 0;
  offset_ = 1;
  order_ = static_cast<uint8_t>(OffsetOrder(window_bits));
  state_ = State::kKind;
}

Status Decoder::Emit(uint8_t byte) {
  window_[position_++ & mask_] = byte;
  return sink_.put(sink_.context, byte);
}

Status Decoder::TakeBit(unsigned bit) {
  switch (state_) {
    case State::kKind:
      number_ = 1;
      left_ = 8;
      state_ = bit ? State::kLiteral : State::kRepeat;
      return Status::kNeedInput;
    case State::kRepeat:
      left_ = 0;
      min_length_ = bit ? 1 : 2;
      state_ = bit ? State::kLengthPrefix : State::kOffsetPrefix;
      return Status::kNeedInput;
    case State::kOffsetPrefix:
    case State::kLengthPrefix:
      if (!bit) return ++left_ > kMaxPrefix ? Status::kCorrupt : Status::kNeedInput;
      if (state_ == State::kOffsetPrefix) {
        left_ = static_cast<uint8_t>(left_ + order_);
        state_ = State::kOffset;
      } else {
        state_ = State::kLength;
      }
      break;
    default:
      number_ = number_ * 2 + bit;
      --left_;
  }
  if (left_ != 0) return Status::kNeedInput;
  const uint32_t number = number_;
  if (state_ == State::kOffset) {
    offset_ = number - (1u << order_) + 1;
    number_ = 1;
    state_ = State::kLengthPrefix;
    return Status::kNeedInput;
  }
  const bool literal = state_ == State::kLiteral;
  state_ = State::kKind;
  if (literal) return Emit(static_cast<uint8_t>(number));
  Status status = Status::kNeedInput;
  for (uint32_t n = number - 1 + min_length_; n != 0 && status == Status::kNeedInput; --n) {
    status = Emit(window_[(position_ - offset_) & mask_]);
  }
  return status;
}

Status Decoder::Write(const uint8_t* data, uint32_t size) {
  Status status = Status::kNeedInput;
  for (uint32_t i = 0; i < size; ++i) {
    for (int shift = 7; shift >= 0 && status == Status::kNeedInput; --shift) {
      status = TakeBit(data[i] >> shift & 1);
    }
  }
  return status;
}

}  // namespace mote::lzss
