// SPDX-License-Identifier: Apache-2.0
#include "stream/in_place.h"

#include "patch/state_stream.h"
#include "stream/flash_pipe.h"

namespace mote {

#if MOTE_WITH_IN_PLACE

namespace {

// To a multiple of `step`; without a division, which would be the only one in a bootloader.
uint32_t RoundUp(uint32_t size, uint32_t step) {
  uint32_t end = 0;
  while (end < size) end += step;
  return end;
}

// Offset of old in what the updater sees; new is at 0.
constexpr uint32_t kOld = 1u << 31;

void Count(void* context, uint8_t*, uint32_t size) { *static_cast<uint32_t*>(context) += size; }

// Compares what is written with what a flash holds.
struct Comparison {
  FlashPipe pipe;
  bool same;

  [[gnu::noinline]] Comparison(const Flash& flash, uint32_t at, uint32_t end) : pipe(flash, at, end), same(true) {}
  static void Move(void* self, uint8_t* bytes, uint32_t size) {
    Comparison& comparison = *static_cast<Comparison*>(self);
    for (uint32_t i = 0; i < size; ++i) {
      uint8_t there;
      FlashPipe::Read(&comparison.pipe, &there, 1);
      if (there != bytes[i]) comparison.same = false;
    }
  }
};

}  // namespace

// ---- The two images, as the decoder sees them.

Status InPlace::Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  InPlace& self = *static_cast<InPlace*>(context);
  const bool is_old = offset >= kOld;
  uint32_t at = offset - (is_old ? kOld : 0);
  if (self.proving_) {
    // All that is written between two records may be written again, and then it is read again.
    if (self.complete_ > at && self.complete_ - at > self.distance_) self.distance_ = self.complete_ - at;
  } else if (is_old) {
    at += self.distance_;
    if (at < self.saved_ + self.interval_) return Status::kCorrupt;
  }
  return self.flash().read(self.flash().context, self.config_.area.offset + at, to, size);
}

Status InPlace::Erase(void* context, uint32_t offset) {
  const InPlace& self = *static_cast<InPlace*>(context);
  if (self.proving_) return Status::kDone;
  return self.flash().erase(self.flash().context, self.config_.area.offset + offset);
}

// What does not read back now could not be written again later.
Status InPlace::Program(void* context, uint32_t offset, const uint8_t* data, uint32_t size) {
  InPlace& self = *static_cast<InPlace*>(context);
  const uint32_t end = offset + size;
  if (!self.proving_) {
    const Flash& flash = self.flash();
    offset += self.config_.area.offset;
    if (Status status = flash.program(flash.context, offset, data, size); status != Status::kDone) return status;
    Comparison there(flash, offset, offset + size);
    Comparison::Move(&there, const_cast<uint8_t*>(data), size);
    if (!there.same) return Status::kFlashError;
  }
  if (end - self.complete_ == self.flash().erase_unit) {
    self.complete_ = end;
    self.updater_.patcher().Pause();
  }
  return Status::kDone;
}

// ---- Decoding.

Status InPlace::Start(bool proving) {
  const uint32_t unit = flash().erase_unit;
  if (config_.buffer_size < kMinInPlaceBuffer || RoundUp(unit, config_.buffer_size) != unit) {
    return Status::kBadArgument;
  }
  proving_ = proving;
  complete_ = saved_ = number_ = consumed_ = 0;
  images_ = {&Read, &Erase, &Program, this, unit, flash().program_unit, flash().erased_value};
  const uint32_t size = config_.area.size;
  const Status status = updater_.Init({{&images_, kOld, size},
                                       {&images_, 0, size - unit},
                                       config_.buffer,
                                       config_.buffer_size,
                                       config_.memory,
                                       config_.memory_size,
                                       proving ? config_.hash : Hash{}});
  if (proving) updater_.patcher().Prove();
  return status;
}

// After a call of the decoder: it pauses where a sector is complete.
Status InPlace::Proceed(Status status, bool ended) {
  while (status == Status::kNeedInput && updater_.patcher().paused()) {
    status = Settle();
    if (status == Status::kDone) status = updater_.patcher().Continue(ended);
  }
  return status;
}

Status InPlace::WriteProof(const uint8_t* data, uint32_t size) {
  Status status = Status::kNeedInput;
  for (; size != 0 && status == Status::kNeedInput; --size) {
    ++consumed_;
    status = Proceed(updater_.Write(data++, 1), false);
  }
  return status;
}

// What is left of the delta.
Status InPlace::Feed() {
  const Slot& delta = config_.delta;
  Status status = Proceed(updater_.Write(nullptr, 0), consumed_ == delta.size);
  while (status == Status::kNeedInput && consumed_ != delta.size) {
    uint8_t bytes[32];
    const uint32_t left = delta.size - consumed_;
    const uint32_t size = left < sizeof bytes ? left : uint32_t{sizeof bytes};
    status = delta.flash->read(delta.flash->context, delta.offset + consumed_, bytes, size);
    if (status == Status::kDone) status = WriteProof(bytes, size);
  }
  if (status == Status::kNeedInput) status = Proceed(updater_.Finish(), true);
  return status == Status::kNeedInput ? Status::kCorrupt : status;
}

// A sector is complete. What comes after it may be decoded from a record once more.
Status InPlace::Settle() {
  if (proving_) {
    uint32_t size = 4;  // the check
    StateStream counter(false, &Count, &size);
    Transfer(counter);
    return size <= config_.journal.size ? Status::kDone : Status::kDoesNotFit;
  }
  return complete_ - saved_ < interval_ ? Status::kDone : Save();
}

// ---- The proof.

Status InPlace::BeginProof(const InPlaceConfig& config) {
  config_ = config;
  distance_ = 0;
  return Start(true);
}

Status InPlace::FinishProof(InPlacePlan& plan) {
  const Status status = Feed();
  if (status != Status::kDone) return status;
  const uint32_t unit = flash().erase_unit;
  plan.old_size = updater_.patcher().old_size();
  plan.new_size = new_size();
  plan.window = updater_.patcher().window();
  plan.interval = 0;
  for (uint32_t room = config_.area.size - RoundUp(plan.old_size, unit); room >= distance_ + unit; room -= unit) ++plan.interval;
  return plan.interval != 0 ? Status::kDone : Status::kDoesNotFit;
}

Status InPlace::Prove(const InPlaceConfig& config, InPlacePlan& plan) {
  const Status status = BeginProof(config);
  return status == Status::kNeedInput ? FinishProof(plan) : status;
}

// ---- The update.

Status InPlace::Run(const InPlaceConfig& config, const InPlacePlan& plan, uint32_t progress) {
  config_ = config;
  Status status = Start(false);
  if (status != Status::kNeedInput) return status;
  const uint32_t unit = flash().erase_unit;
  const uint32_t old_end = RoundUp(plan.old_size, unit);
  distance_ = config_.area.size - old_end;
  interval_ = plan.interval * unit;
  uint32_t step = 0;
  for (uint32_t at = old_end; at != 0; ++step) {
    at -= unit;
    if (step < progress) continue;
    status = MoveSector(at);
    if (status == Status::kDone) status = config_.advance(config_.context);
    if (status != Status::kDone) return status;
    ++progress;
  }
  number_ = progress - step;
  if (number_ != 0) {
    if (status = Restore(); status != Status::kDone) return status;
  }
  return Feed();
}

// Its copy is destroyed only after the sector itself is not needed any more.
Status InPlace::MoveSector(uint32_t from) {
  const uint32_t unit = flash().erase_unit;
  Status status = Erase(this, from + distance_);
  for (uint32_t end = from + unit; from != end && status == Status::kDone; from += config_.buffer_size) {
    status = Read(this, from, config_.buffer, config_.buffer_size);
    if (status == Status::kDone) status = Program(this, from + distance_, config_.buffer, config_.buffer_size);
  }
  return status;
}

// ---- The journal.

uint32_t InPlace::RecordStart() const {
  const JournalArea& journal = config_.journal;
  uint32_t area = config_.first_record + number_;
  while (area >= journal.count) area -= journal.count;
  return journal.offset + area * journal.size;
}

void InPlace::Transfer(StateStream& stream) {
  uint32_t number = number_;
  stream.Number(number);
  stream.Require(number == number_);
  stream.Number(consumed_);
  updater_.Transfer(stream);
}

void InPlace::TransferRecord(StateStream& stream, const FlashPipe& pipe) {
  Transfer(stream);
  const uint32_t check = pipe.check();
  uint32_t stored = check;
  stream.Number(stored);
  stream.Require(stored == check && !pipe.failed());
}

// The record before it stays: only when this one is known to be whole, it is the one to go on from.
Status InPlace::Save() {
  const Flash& flash = *config_.journal.flash;
  ++number_;
  const uint32_t start = RecordStart();
  const uint32_t end = start + config_.journal.size;
  for (uint32_t at = start; at != end; at += flash.erase_unit) {
    if (Status status = flash.erase(flash.context, at); status != Status::kDone) return status;
  }
  FlashPipe pipe(flash, start, end);
  StateStream stream(false, &FlashPipe::Write, &pipe);
  TransferRecord(stream, pipe);
  pipe.Flush();
  Comparison there(flash, start, end);
  StateStream reader(false, &Comparison::Move, &there);
  TransferRecord(reader, there.pipe);
  if (!reader.good() || !there.same) return Status::kFlashError;
  saved_ = complete_;
  return config_.advance(config_.context);
}

Status InPlace::Restore() {
  const uint32_t start = RecordStart();
  FlashPipe pipe(*config_.journal.flash, start, start + config_.journal.size);
  StateStream stream(true, &FlashPipe::Read, &pipe);
  updater_.patcher().KnowBase();
  updater_.patcher().Pause();
  TransferRecord(stream, pipe);
  if (!stream.good() || consumed_ > config_.delta.size) return Status::kFlashError;
  complete_ = saved_ = updater_.flushed();
  return Status::kDone;
}

#endif  // MOTE_WITH_IN_PLACE

}  // namespace mote
