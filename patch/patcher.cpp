// SPDX-License-Identifier: Apache-2.0
// `inline` marks what is called once: a compiler for size then keeps no copy that could be called from elsewhere.
#include "patch/patcher.h"

namespace mote {
namespace {

// Without the codecs that have commands, only the header is read here.
constexpr bool kCommands = MOTE_WITH_RAW || MOTE_WITH_LZSS;

constexpr uint32_t kCheckBits = 32;
constexpr uint32_t kLastVarintShift = 28;  // of a varint's fifth byte,
constexpr uint8_t kLastVarintByte = 0x0F;  // which holds the upper four bits and ends it
constexpr uint8_t kLzssParameter = 0x70;   // the bits of the codec field that may differ with codec lzss

static_assert(lzss::kMaxWindowBits - lzss::kMinWindowBits == kLzssParameter >> 4);

// 0, -1, 1, -2, ... were written as 0, 1, 2, 3, ...
uint32_t UnZigzag(uint32_t value) { return (value >> 1) ^ (0u - (value & 1)); }

}  // namespace

// In the functions below kDone means: go on, unless status_ says that this was the end.

#if MOTE_WITH_LZSS
inline Status Patcher::Unpack(uint8_t packed) {
  lzss_.Feed(packed);
  do {
    const int32_t byte = lzss_.Next();
    if (byte < 0) return byte == lzss::kHungry ? Status::kDone : Status::kCorrupt;
    if (Status status = Put(static_cast<uint8_t>(byte)); status != Status::kDone) return status;
  } while (status_ == Status::kNeedInput);
  return Status::kDone;
}
#else
inline Status Patcher::Unpack(uint8_t byte) { return Put(byte); }
#endif

Status Patcher::Write(const uint8_t* data, uint32_t size) {
  for (const uint8_t* end = data + size; data != end && status_ == Status::kNeedInput; ++data) {
#if MOTE_WITH_MODEL
    if (codec_ == Codec::kModel) {
      model().Put(*data);
      continue;
    }
#endif
    const Status status = codec_ == Codec::kRaw ? Put(*data) : Unpack(*data);
    if (status != Status::kDone) status_ = status;
  }
  return status_;
}

Status Patcher::Finish() {
#if MOTE_WITH_MODEL
  if (codec_ == Codec::kModel) model().Finish();
#endif
  return status_;
}

// The header is complete: refuses what this device cannot do, and checks the base.
inline Status Patcher::Start(uint32_t old_check) {
  const uint8_t field = codec_field_;
  const uint32_t window_bits = lzss::kMinWindowBits + (field >> 4);
  [[maybe_unused]] const uint32_t profile = field >> 4;
  uint32_t memory_size = 0;
#if MOTE_WITH_IN_PLACE
  const bool in_place = proves_ || knows_base_;
#else
  constexpr bool in_place = false;
#endif
  if (MOTE_WITH_LZSS && !in_place && (field & ~kLzssParameter) == static_cast<uint8_t>(Codec::kLzss)) {
    memory_size = 1u << window_bits;
#if MOTE_WITH_MODEL
  } else if ((field & 0x0F) == static_cast<uint8_t>(Codec::kModel) && profile < kModelProfiles && profile >= kFirstProfile) {
    memory_size = ModelMemory(profile);
#endif
  } else if (!kCommands || in_place || field != static_cast<uint8_t>(Codec::kRaw)) {
    return Status::kUnsupported;
  }
  if ((old_size_ | new_size_) > kMaxImageSize) return Status::kCorrupt;
  if (in_place && new_size_ == 0) return Status::kCorrupt;
  if (new_size_ > config_.output.capacity || memory_size > config_.memory_size) return Status::kDoesNotFit;
  if (old_size_ > config_.base.extent) return Status::kWrongBase;
#if MOTE_WITH_IN_PLACE
  if (!knows_base_)
#endif
  {
    if (Status status = Append(old_size_); status != Status::kDone) return status;
    Flush();
    if (check_ != old_check) return Status::kWrongBase;
  }
#if MOTE_WITH_CHECKPOINT
  old_check_ = old_check;
#endif
  check_ = kCheckStart;
  old_position_ = 0;
  codec_ = static_cast<Codec>(field & 0x0F);
#if MOTE_WITH_LZSS
  if (codec_ == Codec::kLzss) lzss_.Init(window_bits, config_.memory);
#endif
#if MOTE_WITH_MODEL
  if (codec_ == Codec::kModel) {
    mode_ = Mode::kInsert;
    ModelDecoder::Create(config_.memory, profile, *this);
  }
#endif
  return Status::kDone;
}

// A byte of a difference or an insertion.
inline Status Patcher::PutContent(uint8_t byte) {
  --bytes_;
  if (Status status = Append(1); status != Status::kDone) return status;
  uint8_t* to = config_.output.buffer + filled_ - 1;
  *to = static_cast<uint8_t>(mode_ == Mode::kInsert ? byte : *to + byte);
  return Status::kDone;
}

// A byte of the header or of the command stream.
Status Patcher::Put(uint8_t byte) {
  Status status = Status::kDone;
  if (kCommands && bytes_ != 0) {
    status = PutContent(byte);
  } else {
    const State state = state_;
    if (state > State::kCodec) {
      const uint32_t shift = shift_;
      if (shift == kLastVarintShift && byte > kLastVarintByte) return Status::kCorrupt;
      uint32_t digit = byte;
      uint32_t next = shift + 8;
      uint32_t more = kCheckBits - next;
      if (state != State::kOldCheck && !(kCommands && state == State::kNewCheck)) {
        digit &= 0x7F;
        next = shift + 7;
        more = byte & 0x80;
      }
      number_ |= digit << shift;
      shift_ = next;
      if (more) return Status::kDone;
    }
    const uint32_t value = number_;
    const uint32_t difference = UnZigzag(value);
    number_ = 0;
    shift_ = 0;
    state_ = static_cast<State>(static_cast<uint8_t>(state) + 1);
    if (state == State::kMagic) {
      if (byte == kMagicAndVersion) return Status::kDone;
      return (byte ^ kMagicAndVersion) >> 4 ? Status::kCorrupt : Status::kUnsupported;
    }
    if (state == State::kCodec) {
      codec_field_ = byte;
      return Status::kDone;
    }
    if (state == State::kOldSize) {
      old_size_ = value;
      return Status::kDone;
    }
    if (state == State::kNewSize) {
      new_size_ = remaining_ = old_size_ + difference;
      return Status::kDone;
    }
    if (kCommands && state == State::kNewCheck) {
      if (value != check_) return Status::kCorrupt;
      status_ = Status::kDone;
      return Status::kDone;
    }
    if (!kCommands || state == State::kOldCheck) {
      status = Start(value);
    } else if (state == State::kSeek) {
      state_ = State::kCopy;
      old_position_ += difference;
      if (old_position_ > old_size_) return Status::kCorrupt;
    } else {
      uint32_t size = value;
      mode_ = Mode::kAdd;
      if (state == State::kKind) {
        size = value >> 1;
        if (value & 1) {
          mode_ = Mode::kInsert;
        } else {
          state_ = State::kCopy;
        }
      }
      if (size > remaining_ || (mode_ == Mode::kAdd && size > old_size_ - old_position_)) {
        return Status::kCorrupt;
      }
      remaining_ -= size;
      if (state == State::kCopy) {
        status = Append(size);
      } else {
        bytes_ = size;
      }
    }
  }
  if (kCommands && status == Status::kDone && (remaining_ | bytes_) == 0) {
    state_ = State::kNewCheck;
    status = Flush();
  }
  return status;
}

// Takes the next `size` bytes of old, or room for an insertion, into the buffer. A full buffer is handed on when the next byte needs
// room: until then, a difference may still be added to its last one.
Status Patcher::Append(uint32_t size) {
  Status status = Status::kDone;
  while (size != 0 && status == Status::kDone) {
    uint32_t n = config_.output.buffer_size - filled_;
    if (n == 0) {
      status = Flush();
      continue;
    }
    if (n > size) n = size;
    uint8_t* to = config_.output.buffer + filled_;
    filled_ += n;
    size -= n;
    if (!kCommands || mode_ != Mode::kInsert) {
      const uint32_t from = old_position_;
      old_position_ += n;
      status = config_.base.read(config_.base.context, from, to, n);
    }
  }
  return status;
}

// Takes the buffer's content into the check, and hands it on if it is new.
Status Patcher::Flush() {
  const uint32_t size = filled_;
  if (size == 0) return Status::kDone;
  filled_ = 0;
  check_ = UpdateCheck(check_, config_.output.buffer, size);
  if (mode_ == Mode::kCheck) return Status::kDone;
  return config_.output.flush(config_.output.context, config_.output.buffer, size);
}

#if MOTE_WITH_CHECKPOINT
bool Patcher::CanSave() const {
#if MOTE_WITH_MODEL
  if (codec_ == Codec::kModel && !reinterpret_cast<const ModelDecoder*>(config_.memory)->started()) return false;
#endif
  return status_ == Status::kNeedInput && mode_ != Mode::kCheck && (remaining_ | bytes_) != 0;
}

// Whether the fields are such that no read or write leaves old, new or the buffer.
bool Patcher::InRange() const {
  // A number has up to four digits of seven bits so far.
  uint32_t bits = 0;
  while (bits < kLastVarintShift && bits != shift_) bits += 7;
  const bool may_be_whole = paused();  // but for what is in the buffer
  const bool is_command = state_ >= State::kCopy && state_ <= State::kSeek && bits == shift_;
  const bool is_mode = mode_ == Mode::kInsert || (mode_ == Mode::kAdd && codec_ != Codec::kModel);
  return is_command && is_mode && remaining_ <= new_size_ && bytes_ <= new_size_ - remaining_ &&
         (may_be_whole || (remaining_ | bytes_) != 0) && (bytes_ == 0 || codec_ != Codec::kModel) && old_position_ <= old_size_ &&
         (mode_ != Mode::kAdd || bytes_ <= old_size_ - old_position_) && filled_ <= config_.output.buffer_size &&
         filled_ <= produced();
}

void Patcher::Transfer(StateStream& stream) {
  stream.Number(codec_field_);
  stream.Number(old_size_);
  stream.Number(new_size_);
  stream.Number(old_check_);
  // The same that is done when a header is complete, with the same checks.
  if (stream.restoring() && (!stream.good() || Start(old_check_) != Status::kDone)) {
    stream.Require(false);
    return;
  }
  stream.Number(state_);
  stream.Number(mode_);
  stream.Number(shift_);
  stream.Number(number_);
  stream.Number(bytes_);
  stream.Number(remaining_);
  stream.Number(old_position_);
  stream.Number(filled_);
  stream.Number(check_);
  if (!InRange()) {
    stream.Require(false);
    return;
  }
  stream.Bytes(config_.output.buffer, filled_);
#if MOTE_WITH_LZSS
  if (codec_ == Codec::kLzss) {
    lzss_.Transfer(stream);
    stream.Bytes(config_.memory, 1u << (lzss::kMinWindowBits + (codec_field_ >> 4)));
  }
#endif
#if MOTE_WITH_MODEL
  if (codec_ == Codec::kModel) model().Transfer(stream);
#endif
}
#endif

#if MOTE_WITH_IN_PLACE
Status Patcher::Continue(bool ended) {
  paused_ = false;
  if (codec_ == Codec::kModel) model().Continue(ended);
  return status_;
}
#endif

#if MOTE_WITH_MODEL
// The first error counts; kDone is none.
void Patcher::Fail(Status status) {
  if (going() && status != Status::kDone) status_ = status;
}

void Patcher::FlushNew() {
  if (going()) Fail(Flush());
}

// REQUIRES: offset + size <= old_size_.
void Patcher::ReadOld(uint32_t offset, uint8_t* to, uint32_t size) {
  if (size != 0 && going()) Fail(config_.base.read(config_.base.context, offset, to, size));
}

// The byte so far back in new. REQUIRES: 1 <= distance <= bytes of new so far.
uint8_t Patcher::ReadNew(uint32_t distance) {
  if (distance <= filled_) return config_.output.buffer[filled_ - distance];
  uint8_t byte = 0;
#if MOTE_WITH_IN_PLACE
  if (proves_) {
    if (distance <= config_.output.buffer_size) return config_.output.buffer[filled_ + config_.output.buffer_size - distance];
    if (window_ < distance) window_ = distance;
    return byte;
  }
#endif
  if (going()) Fail(config_.output.read(config_.output.context, new_size_ - remaining_ - distance, &byte, 1));
  return byte;
}

// REQUIRES: size <= remaining_.
void Patcher::PutNew(const uint8_t* bytes, uint32_t size) {
  remaining_ -= size;
  while (size != 0) {
    uint32_t room = config_.output.buffer_size - filled_;
    if (room == 0) {
      FlushNew();
      filled_ = 0;
      continue;
    }
    if (room > size) room = size;
    uint8_t* to = config_.output.buffer + filled_;
    filled_ += room;
    size -= room;
    do *to++ = *bytes++;
    while (--room != 0);
  }
}

void Patcher::CompleteNew(uint32_t new_check) {
  FlushNew();
#if MOTE_WITH_IN_PLACE
  if (window_ != 0) check_ = new_check;
#endif
  if (check_ != new_check) Fail(Status::kCorrupt);
  if (going()) status_ = Status::kDone;
}
#endif

}  // namespace mote
