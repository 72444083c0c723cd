// SPDX-License-Identifier: Apache-2.0
#include "patch/patcher.h"

#include "patch/check.h"
#include "patch/format.h"

namespace mote {
namespace {

constexpr unsigned kFixedBits = 32;         // a check is four bytes
constexpr unsigned kLastVarintShift = 28;   // of a varint's fifth byte,
constexpr unsigned kLastVarintByte = 0x0F;  // which holds the upper four bits and ends it

// 0, -1, 1, -2, ... were written as 0, 1, 2, 3, ...
uint32_t UnZigzag(uint32_t value) { return (value >> 1) ^ (0u - (value & 1)); }

}  // namespace

void Patcher::Init(const PatcherConfig& config) {
  config_ = config;
  new_size_ = remaining_ = 0;
  old_position_ = filled_ = 0;
  number_ = 0;
  shift_ = 0;
  check_ = kCheckStart;
  unpack_ = false;
  state_ = State::kMagic;
  status_ = Status::kNeedInput;
}

Status Patcher::Write(const uint8_t* data, uint32_t size) {
  for (const uint8_t* end = data + size; data != end && status_ == Status::kNeedInput; ++data) {
    status_ = unpack_ ? lzss_.Write(data, 1) : Put(*data);
  }
  return status_;
}

Status Patcher::PutByte(void* self, uint8_t byte) { return static_cast<Patcher*>(self)->Put(byte); }

// One byte of the header or of the command stream.
Status Patcher::Put(uint8_t byte) {
  if (state_ == State::kBytes) {
    uint8_t* to = config_.output.buffer + filled_;
    if (!insert_) {
      if (Status status = ReadOld(1); status != Status::kDone) return status;
      byte = static_cast<uint8_t>(byte + *to);
    }
    *to = byte;
    if (--bytes_ == 0) state_ = insert_ ? State::kSeek : State::kCopy;
    return Advance(1);
  }
  if (state_ == State::kMagic) {
    if (byte != kMagicAndVersion) {
      return (byte ^ kMagicAndVersion) >> 4 ? Status::kCorrupt : Status::kUnsupported;
    }
    state_ = State::kCodec;
    return Status::kNeedInput;
  }
  if (state_ == State::kCodec) {
    codec_ = byte;
    state_ = State::kOldSize;
    return Status::kNeedInput;
  }
  if (state_ == State::kOldCheck || state_ == State::kNewCheck) {
    number_ |= static_cast<uint32_t>(byte) << shift_;
    shift_ += 8;
    if (shift_ != kFixedBits) return Status::kNeedInput;
  } else {
    if (shift_ == kLastVarintShift && byte > kLastVarintByte) return Status::kCorrupt;
    number_ |= static_cast<uint32_t>(byte & 0x7F) << shift_;
    shift_ += 7;
    if (byte & 0x80) return Status::kNeedInput;
  }
  const uint32_t value = number_;
  number_ = 0;
  shift_ = 0;
  return TakeNumber(value);
}

Status Patcher::TakeNumber(uint32_t value) {
  switch (state_) {
    case State::kOldSize:
      old_size_ = value;
      state_ = State::kNewSize;
      return Status::kNeedInput;
    case State::kNewSize:
      new_size_ = remaining_ = old_size_ + UnZigzag(value);
      state_ = State::kOldCheck;
      return Status::kNeedInput;
    case State::kOldCheck:
      return Start(value);
    case State::kCopy:
      state_ = State::kKind;
      return Copy(value);
    case State::kKind:
      bytes_ = value >> 1;
      insert_ = value & 1;
      if (bytes_ > remaining_ || (!insert_ && bytes_ > old_size_ - old_position_)) {
        return Status::kCorrupt;
      }
      state_ = bytes_ != 0 ? State::kBytes : insert_ ? State::kSeek : State::kCopy;
      return Status::kNeedInput;
    case State::kSeek:
      old_position_ += UnZigzag(value);
      if (old_position_ > old_size_) return Status::kCorrupt;
      state_ = State::kCopy;
      return Status::kNeedInput;
    default:
      return value == check_ ? Status::kDone : Status::kCorrupt;
  }
}

// The header is complete: refuses what this device cannot do, and checks the base.
Status Patcher::Start(uint32_t old_check) {
  const uint32_t kind = codec_ & 0x0F;
  const uint32_t parameter = codec_ >> 4;
  if (kind > static_cast<uint32_t>(Codec::kLzss) ||
      parameter > kind * (lzss::kMaxWindowBits - lzss::kMinWindowBits)) {
    return Status::kUnsupported;
  }
  if ((old_size_ | new_size_) > kMaxImageSize) return Status::kCorrupt;
  const uint32_t window_bits = lzss::kMinWindowBits + parameter;
  if (new_size_ > config_.output.capacity || (kind && config_.window_size >> window_bits == 0)) {
    return Status::kDoesNotFit;
  }
  if (old_size_ > config_.base.extent) return Status::kWrongBase;
  uint32_t check = kCheckStart;
  for (uint32_t left = old_size_; left != 0;) {
    const uint32_t n = left < config_.output.buffer_size ? left : config_.output.buffer_size;
    if (Status status = ReadOld(n); status != Status::kDone) return status;
    check = UpdateCheck(check, config_.output.buffer, n);
    left -= n;
  }
  if (check != old_check) return Status::kWrongBase;
  old_position_ = 0;
  if (kind) {
    lzss_.Init(window_bits, config_.window, {&PutByte, this});
    unpack_ = true;
  }
  state_ = remaining_ != 0 ? State::kCopy : State::kNewCheck;
  return Status::kNeedInput;
}

Status Patcher::Copy(uint32_t size) {
  if (size > remaining_ || size > old_size_ - old_position_) return Status::kCorrupt;
  while (size != 0) {
    uint32_t n = config_.output.buffer_size - filled_;
    if (n > size) n = size;
    if (Status status = ReadOld(n); status != Status::kDone) return status;
    if (Status status = Advance(n); status != Status::kNeedInput) return status;
    size -= n;
  }
  return Status::kNeedInput;
}

// Reads the next bytes of old to where the next bytes of new go.
Status Patcher::ReadOld(uint32_t size) {
  const uint32_t from = old_position_;
  old_position_ += size;
  return config_.base.read(config_.base.context, from, config_.output.buffer + filled_, size);
}

// The next `size` bytes of new stand in the buffer.
Status Patcher::Advance(uint32_t size) {
  filled_ += size;
  remaining_ -= size;
  if (remaining_ == 0) state_ = State::kNewCheck;
  if (remaining_ != 0 && filled_ != config_.output.buffer_size) return Status::kNeedInput;
  check_ = UpdateCheck(check_, config_.output.buffer, filled_);
  const Status status = config_.output.flush(config_.output.context, config_.output.buffer, filled_);
  filled_ = 0;
  return status == Status::kDone ? Status::kNeedInput : status;
}

}  // namespace mote
