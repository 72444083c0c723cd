// SPDX-License-Identifier: Apache-2.0
#include "stream/checkpoint.h"

#include "patch/check.h"
#include "stream/flash_pipe.h"

#if MOTE_WITH_CHECKPOINT

namespace mote {
namespace {

constexpr uint32_t kMagic = 0x5043746D;  // "mtCP"
constexpr uint8_t kVersion = 1;
constexpr uint8_t kHasState = 1;  // flags: the decoder's state follows; if not, the update begins at byte 0
constexpr uint8_t kHasHash = 2;   // the hash's state is there
constexpr uint8_t kHasDeltaHash = 4;  // and that of the delta's hash, behind the decoder's
constexpr uint32_t kCheckSize = 4;
constexpr uint32_t kPeekSize = 16;  // up to and with the sequence number
constexpr uint32_t kMarkSize = 8;

void Put(uint8_t* to, uint32_t number) {
  for (unsigned i = 0; i < 4; ++i) to[i] = static_cast<uint8_t>(number >> 8 * i);
}
uint32_t Get(const uint8_t* from) {
  uint32_t number = 0;
  for (unsigned i = 4; i-- != 0;) number = number << 8 | from[i];
  return number;
}

// As in METADATA.md, section 2.
void MakeMark(uint8_t (&bytes)[kMarkSize], uint32_t sequence, uint32_t mark) {
  Put(bytes, sequence);
  Put(bytes + 4, mark);
  const uint32_t check = UpdateCheck(kCheckStart, bytes, sizeof bytes);
  Put(bytes, mark);
  Put(bytes + 4, check);
}

void Count(void* context, uint8_t*, uint32_t size) { *static_cast<uint32_t*>(context) += size; }

}  // namespace

struct Checkpoints::Header {
  uint32_t size;  // of the record, its check included
  uint32_t sequence;
  uint32_t consumed;
  uint32_t complete;
  uint8_t flags;
  uint8_t hash[kHashStateSize];
};

// In the area that counts: behind the record, from the next program unit on. Mark 0 is its seal.
uint32_t Checkpoints::MarkOffset(uint32_t mark) const {
  const uint32_t unit = flash().program_unit;
  const uint32_t step = unit < kMarkSize ? kMarkSize : unit;
  return StartOf(current_) + ((size_ + unit - 1) & ~(unit - 1)) + mark * step;
}

bool Checkpoints::HasMark(uint32_t mark) const {
  const uint32_t at = MarkOffset(mark);
  uint8_t expected[kMarkSize], there[kMarkSize];
  if (at + kMarkSize > StartOf(current_) + config_.area.size) return false;
  if (flash().read(flash().context, at, there, sizeof there) != Status::kDone) return false;
  MakeMark(expected, sequence_, mark);
  for (unsigned i = 0; i < sizeof there; ++i) {
    if (there[i] != expected[i]) return false;
  }
  return true;
}

bool Checkpoints::WriteMark(uint32_t mark) {
  uint8_t bytes[kMarkSize];
  MakeMark(bytes, sequence_, mark);
  FlashPipe pipe(flash(), MarkOffset(mark), erased_);
  FlashPipe::Write(&pipe, bytes, sizeof bytes);
  pipe.Flush();
  return !pipe.failed();
}

// Whether an area starts like a record.
bool Checkpoints::Peek(unsigned area, uint32_t& sequence, uint32_t& size) const {
  uint8_t bytes[kPeekSize];
  if (flash().read(flash().context, StartOf(area), bytes, sizeof bytes) != Status::kDone) return false;
  size = Get(bytes + 8);
  sequence = Get(bytes + 12);
  return Get(bytes) == kMagic && bytes[4] == kVersion && size > kPeekSize + kCheckSize && size <= config_.area.size;
}

// All of the record but the decoder's state and the check.
void Checkpoints::TransferHeader(StateStream& stream, Header& header) const {
  uint32_t magic = kMagic;
  uint8_t version = kVersion;
  uint16_t reserved = 0;
  stream.Number(magic);
  stream.Number(version);
  stream.Number(header.flags);
  stream.Number(reserved);
  stream.Number(header.size);
  stream.Number(header.sequence);
  const UpdateIdentity& identity = config_.identity;
  for (unsigned i = 0; i < kCheckpointDigestSize; ++i) {
    const uint8_t expected = identity.digest ? identity.digest[i] : 0;
    uint8_t byte = expected;
    stream.Number(byte);
    stream.Require(byte == expected);
  }
  const uint32_t numbers[] = {identity.delta, identity.delta_size, slot_, slot_flash_->erase_unit};
  for (const uint32_t expected : numbers) {
    uint32_t number = expected;
    stream.Number(number);
    stream.Require(number == expected);
  }
  stream.Number(header.complete);
  stream.Number(header.consumed);
  stream.Bytes(header.hash, sizeof header.hash);
  stream.Require(magic == kMagic && version == kVersion && reserved == 0 && (header.flags & ~(kHasState | kHasHash | kHasDeltaHash)) == 0 &&
                 ((header.flags & kHasDeltaHash) != 0) == ((header.flags & kHasState) != 0 && config_.delta_hash));
}

void Checkpoints::TransferState(StateStream& stream, Updater& updater) const {
  updater.Transfer(stream);
  if (config_.delta_hash) config_.delta_hash->Transfer(stream);
}

uint32_t Checkpoints::Begin(const CheckpointConfig& config, Updater& updater, const UpdaterConfig& updater_config) {
  config_ = config;
  slot_flash_ = updater_config.new_slot.flash;
  slot_ = updater_config.new_slot.offset;
  sequence_ = size_ = consumed_ = offset_ = complete_ = marked_ = marks_ = written_ = 0;
  current_ = kNone;
  settled_ = broken_ = false;
  carry_ = UINT32_MAX;

  uint32_t sequences[2] = {}, sizes[2];
  bool there[2];
  for (unsigned i = 0; i < 2; ++i) there[i] = Peek(i, sequences[i], sizes[i]);
  // The newer one first.
  const unsigned first = there[0] && (!there[1] || static_cast<int32_t>(sequences[0] - sequences[1]) > 0) ? 0 : 1;
  for (unsigned i = 0; i < 2 && current_ == kNone && !broken_; ++i) {
    const unsigned area = i == 0 ? first : 1 - first;
    if (!there[area]) continue;
    current_ = static_cast<uint8_t>(area);
    sequence_ = sequences[area];
    size_ = sizes[area];
    if (HasMark(0) && Restore(area, updater)) break;
    current_ = kNone;
    consumed_ = complete_ = 0;
    updater.Init(updater_config);
  }
  // A number above that of any other, also of one that does not count.
  sequence_ = there[first] ? sequences[first] : 0;
  SetNext(updater.flushed());
  return offset_ = consumed_;
}

// From the record in `area`, which counts. When it returns false, the updater has to be started again.
bool Checkpoints::Restore(unsigned area, Updater& updater) {
  FlashPipe pipe(flash(), StartOf(area), StartOf(area) + size_);
  StateStream stream(true, &FlashPipe::Read, &pipe);
  Header header;
  TransferHeader(stream, header);
  if (!stream.good() || pipe.failed() || header.size != size_ || header.sequence != sequence_) return false;
  const bool has_state = (header.flags & kHasState) != 0;
  if (has_state) {
    TransferState(stream, updater);
    if (!stream.good()) return false;
  }
  const uint32_t check = pipe.check();
  uint32_t expected = 0;
  stream.Number(expected);
  const uint32_t size = SizeOf(has_state ? &updater : nullptr, header);
  if (pipe.failed() || expected != check || size != size_ || has_state != (header.consumed != 0)) return false;

  consumed_ = header.consumed;
  const uint32_t flushed = updater.flushed();
  if (has_state) {
    const HashState& hash = config_.hash;
    if ((header.flags & kHasHash) != 0 && hash.restore) {
      hash.restore(hash.context, header.hash, flushed);
    } else if (updater.HashFlushed() != Status::kDone) {
      broken_ = true;  // the hash cannot be started again from here
      return false;
    }
  }
  marked_ = complete_ = header.complete < flushed ? flushed : header.complete;
  while (HasMark(marks_ + 1)) {
    ++marks_;
    complete_ += slot_flash_->erase_unit;
  }
  return true;
}

// The next multiple of the interval above `flushed`.
void Checkpoints::SetNext(uint32_t flushed) {
  const uint32_t step = config_.area.interval * slot_flash_->erase_unit;
  next_ = step;
  while (next_ <= flushed) next_ += step;
}

Status Checkpoints::Write(Updater& updater, const uint8_t* data, uint32_t size) {
  // What was restored is written once more: only behind a record of this session is it known where marks may be programmed.
  if (size != 0 && offset_ != 0 && !settled_ && !broken_) Save(&updater, updater.patcher().new_size());
  Status status = Status::kNeedInput;
  do {
    const uint32_t part = size != 0;
    status = updater.Write(data, part);
    if (config_.delta_hash) config_.delta_hash->Update(data, part);
    data += part;
    size -= part;
    consumed_ += part;
    if (status != Status::kNeedInput || broken_ || updater.flushed() < next_ || updater.patcher().filled() > carry_ ||
        !updater.CanSave() || (config_.hash.save && updater.flushed() % kHashBlockSize != 0)) {
      continue;
    }
    Save(&updater, updater.patcher().new_size());
  } while (size != 0 && status == Status::kNeedInput);
  // What follows a complete image is ignored, but is part of the delta.
  if (config_.delta_hash) config_.delta_hash->Update(data, size);
  return status;
}

uint32_t Checkpoints::SizeOf(Updater* updater, Header& header) const {
  uint32_t size = kCheckSize;
  StateStream counter(false, &Count, &size);
  TransferHeader(counter, header);
  if (updater) TransferState(counter, *updater);
  return size;
}

// Without an updater: that the update began.
void Checkpoints::Save(const Updater* updater, uint32_t new_size) {
  // To save changes nothing.
  Updater* const state = const_cast<Updater*>(updater);
  Header header{};
  header.sequence = sequence_ + 1;
  header.complete = complete_;
  if (state) {
    header.flags = kHasState;
    if (config_.delta_hash) header.flags |= kHasDeltaHash;
    header.consumed = consumed_;
    if (header.complete < state->flushed()) header.complete = state->flushed();
    if (config_.hash.save) {
      header.flags |= kHasHash;
      config_.hash.save(config_.hash.context, header.hash);
    }
  }
  header.size = SizeOf(state, header);

  const uint32_t unit = flash().program_unit;
  const uint32_t mark = unit < kMarkSize ? kMarkSize : unit;
  const uint32_t needed = ((header.size + unit - 1) & ~(unit - 1)) + 2 * mark;
  if (needed > config_.area.size) {
    const uint32_t excess = needed - config_.area.size;
    if (state && excess <= state->patcher().filled()) {
      carry_ = state->patcher().filled() - excess;
    } else {
      broken_ = true;
    }
    return;
  }

  // From here on the other area does not count until it is sealed.
  const unsigned area = current_ == 0 ? 1 : 0;
  const uint32_t start = StartOf(area), end = start + config_.area.size;
  // Marks of all that is left, if there is room: what codec model holds back until the end may be many sectors.
  uint32_t used = needed;
  for (uint32_t at = header.complete; at < new_size && used < config_.area.size; at += slot_flash_->erase_unit) used += mark;
  for (erased_ = start; erased_ < end && erased_ - start < used; erased_ += flash().erase_unit) {
    broken_ = flash().erase(flash().context, erased_) != Status::kDone;
    if (broken_) return;
  }
  FlashPipe pipe(flash(), start, erased_);
  StateStream stream(false, &FlashPipe::Write, &pipe);
  TransferHeader(stream, header);
  if (state) TransferState(stream, *state);
  uint32_t check = pipe.check();
  stream.Number(check);
  pipe.Flush();
  broken_ = pipe.failed();
  if (broken_) return;
  current_ = static_cast<uint8_t>(area);
  sequence_ = header.sequence;
  size_ = header.size;
  broken_ = !WriteMark(0);
  if (broken_) return;
  settled_ = true;
  marks_ = 0;
  marked_ = complete_ = header.complete;
  offset_ = header.consumed;
  ++written_;
  if (state) {
    carry_ = UINT32_MAX;
    SetNext(state->flushed());
  }
}

void Checkpoints::Start(uint32_t new_size) {
  if (offset_ == 0 && !settled_ && !broken_) Save(nullptr, new_size);
}

void Checkpoints::Complete(uint32_t size) {
  if (size <= complete_) return;
  complete_ = size;
  // Only marks without a gap count, and there is room only in what was erased for them.
  const uint32_t mark = marks_ + 1;
  if (!settled_ || broken_ || complete_ != marked_ + mark * slot_flash_->erase_unit || MarkOffset(mark + 1) > erased_) return;
  broken_ = !WriteMark(mark);
  marks_ = mark;
}

void Checkpoints::Discard() {
  for (unsigned i = 0; i < 2; ++i) {
    uint32_t sequence, size;
    if (Peek(i, sequence, size)) flash().erase(flash().context, StartOf(i));
  }
  current_ = kNone;
  settled_ = false;
  broken_ = true;
}

}  // namespace mote

#endif  // MOTE_WITH_CHECKPOINT
