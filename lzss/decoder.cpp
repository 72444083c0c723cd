// SPDX-License-Identifier: Apache-2.0
#include "lzss/decoder.h"

namespace mote::lzss {

void Decoder::Init(unsigned window_bits, uint8_t* window) {
  window_ = window;
  position_ = 0;
  mask_ = (1u << window_bits) - 1;
  // An encoder never refers to what was not there yet; a forged stream then finds zeros, not the caller's secrets.
  for (uint32_t i = 0; i <= mask_; ++i) window[i] = 0;
  order_ = static_cast<uint8_t>(OffsetOrder(window_bits));
  offset_ = 1;
  bits_ = 0;
  StartItem();
}

inline void Decoder::StartItem() {
  state_ = State::kKind;
  number_ = 1;
  left_ = 2;
}

int32_t Decoder::Next() {
  uint32_t number;
  for (;;) {
    if (state_ == State::kMatch) {
      number = window_[(position_ - offset_) & mask_];
      break;
    }
    const uint32_t bit = bits_ >> 31;
    bits_ <<= 1;
    if (bits_ == 0) return kHungry;
    number = number_ = number_ * 2 + bit;
    if (number == 0) {
      if (++left_ > kMaxPrefix) return kDamaged;
      continue;
    }
    if (number != 1) {
      --left_;
    } else if (state_ == State::kOffset) {
      left_ += order_;
    }
    if (left_ != 0) continue;
    if (state_ == State::kLiteral) break;
    if (state_ == State::kLength) {
      length_ += number;
      state_ = State::kMatch;
      continue;
    }
    number_ = 0;
    if (state_ == State::kOffset) {
      offset_ = number + 1 - (1u << order_);
      state_ = State::kLength;
      continue;
    }
    // A match is one longer than its length's number, a literal is one byte.
    length_ = number != static_cast<uint32_t>(State::kLength);
    if (number >= static_cast<uint32_t>(State::kLiteral)) {
      number_ = number - 4;  // a one, and the literal's first bit
      left_ = 7;
      number = static_cast<uint32_t>(State::kLiteral);
    }
    state_ = static_cast<State>(number);
  }
  if (--length_ == 0) StartItem();
  const uint8_t byte = static_cast<uint8_t>(number);
  window_[position_++ & mask_] = byte;
  return byte;
}

}  // namespace mote::lzss
