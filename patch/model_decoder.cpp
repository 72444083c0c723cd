// SPDX-License-Identifier: Apache-2.0
// After an error the step goes on to its end, with whatever numbers come: nothing is read or written outside the buffers, and
// no callback is called (patcher.h).
#include "patch/model_decoder.h"

#include "patch/bytes.h"
#include "patch/config.h"
#include "patch/patcher.h"

#if MOTE_WITH_MODEL

namespace mote {
namespace {

// What is called from one place: no copy that could be called from elsewhere.
#define MOTE_ONCE [[gnu::always_inline]] inline

// Statistics are passed by their number: that takes less code than their address.
#define MOTE_CONTEXT(member) static_cast<unsigned>(offsetof(ModelContexts, member) / sizeof(Probability))

constexpr unsigned kTrees = sizeof(ModelContexts) / sizeof(Probability);

}  // namespace

void ModelDecoder::Create(uint8_t* memory, unsigned profile, Patcher& patcher) {
  ModelDecoder* self = new (memory) ModelDecoder;
  // All that is not named below starts at 0.
  uint8_t* const trees = memory + sizeof(ModelDecoder);
  for (uint8_t* at = memory; at != trees; ++at) *at = 0;
  self->patcher_ = &patcher;
  self->profile_ = kModelProfile[profile];
  self->step_ = Step::kSetting;
  self->last_seek_ = 0xFFFFFFFF;
  Probability* const end = reinterpret_cast<Probability*>(trees) + TreeProbabilities(self->profile());
  Init(self->contexts_, end);
  self->table_.Init(reinterpret_cast<ShiftTable::Entry*>(end), self->profile().table_entries);
}

void ModelDecoder::Put(uint8_t byte) {
  coder_.Feed(byte);
  Run(RangeDecoder::kQueueSize);
}

void ModelDecoder::Finish() { Run(0); }

// While there are so many bytes in the queue.
void ModelDecoder::Run(unsigned least) {
  while (coder_.count() >= least && patcher_->going() && !patcher_->paused()) Next();
}

#if MOTE_WITH_IN_PLACE
void ModelDecoder::Continue(bool ended) {
  cache_end_ = 0;
  if (patcher_->remaining_ == 0) {
    patcher_->CompleteNew(new_check_);
  } else {
    Run(ended ? 0 : RangeDecoder::kQueueSize);
  }
}
#endif

void ModelDecoder::Fail() { patcher_->Fail(Status::kCorrupt); }

// Under probability `index` of the contexts and the trees behind them.
unsigned ModelDecoder::Bit(unsigned index) {
  return coder_.Bit(reinterpret_cast<Probability*>(&contexts_)[index], index < kTrees ? kFlagLimit : kTreeLimit);
}

// A number of so many bits, under the tree that starts at probability `first`.
uint32_t ModelDecoder::Tree(unsigned first, unsigned bits) {
  unsigned value = 1;
  while (value >> bits == 0) value = value * 2 + Bit(first + value);
  return value - (1u << bits);
}

uint32_t ModelDecoder::Number(unsigned model) { return coder_.Leading(Tree(model, NumberModel::kBits)) - 1; }

uint8_t ModelDecoder::Byte(unsigned tree) {
  const unsigned bits = profile().tree_bits;
  return static_cast<uint8_t>(Tree(kTrees + (tree << bits), bits) << (8 - bits) | coder_.EvenBits(8 - bits));
}

MOTE_ONCE void ModelDecoder::ReadSetting() {
  coder_.Start();
  const uint32_t flags = coder_.EvenBits(9);
  AddressMap& map = setting_.map;
  map.old_size = patcher_->old_size_;
  map.last = flags & 3;
  setting_.architecture = ChosenArchitecture(static_cast<ArchitectureId>(flags >> 5));
  setting_.relative_words = flags & 16;
  if (!setting_.architecture.known() || map.last >= kMaxSegments) {
    patcher_->Fail(Status::kUnsupported);
    map.last = 0;
  }
  if (flags & 8) {
    map.ram_start = coder_.EvenNumber();
    map.ram_size = coder_.EvenNumber();
  }
  Segment* segment = map.segments;
  while (true) {
    segment->old_address = segment->new_address = coder_.EvenNumber();
    if (flags & 4) segment->new_address = coder_.EvenNumber();
    if (segment == map.segments + map.last) break;
    segment[1].old_offset = segment->old_offset + coder_.EvenNumber();
    segment[1].new_offset = segment->new_offset + coder_.EvenNumber();
    ++segment;
  }
  new_check_ = coder_.EvenBits(32);
  predictor_.Init(setting_);
  table_.Learn(map.ram_start, 0);
  table_.Learn(map.segments[0].old_address, map.segments[0].new_address - map.segments[0].old_address);
  step_ = Step::kRun;
}

MOTE_ONCE uint32_t ModelDecoder::NewPosition() const { return patcher_->new_size_ - patcher_->remaining_; }

uint32_t ModelDecoder::NewAddress() const { return setting_.map.NewAddress(NewPosition()); }

// Bytes of old from the current place on, at least kLookahead or what is left.
MOTE_ONCE Window ModelDecoder::Old() {
  const uint32_t left = patcher_->old_size_ - old_position_;
  uint32_t ahead = cache_end_ - old_position_;
  if (ahead - kLookahead > kCacheSize - kLookahead) {
    const uint32_t odd = old_position_ & 1;  // even offsets stay at even addresses
    ahead = kCacheSize - odd;
    cache_end_ = old_position_ + ahead;
    patcher_->ReadOld(old_position_ - odd, cache_, left < ahead ? left + odd : kCacheSize);
  }
  const uint32_t usable = ahead - (kLookahead - 1);
  return {cache_ + kCacheSize - ahead, ahead < left ? ahead : left, usable < left ? usable : left};
}

// Next come `size` bytes of old that are no unit, or stand for one.
void ModelDecoder::PutOld(const uint8_t* bytes, uint32_t size) {
  old_position_ += size;
  patcher_->PutNew(bytes, size);
}

// Up to what takes a bit to be decoded.
MOTE_ONCE void ModelDecoder::Item() {
  const Window window = Old();
  const uint32_t left = patcher_->old_size_ - old_position_;
  const uint32_t room = patcher_->remaining_ < left ? patcher_->remaining_ : left;
  // Units make runs shorter than new: what is left of one at the end of new means nothing.
  const uint32_t size = predictor_.Walk(window, old_position_, run_ < room ? run_ : room, room);
  const uint8_t* bytes = window.bytes;
#if MOTE_WITH_PAIRS
  uint8_t predicted[4];
  for (uint32_t i = 0; i < size; ++i) predicted[i] = predictor_.Predicted(old_position_ + i, bytes[i]);
  bytes = predicted;
#endif
  PutOld(bytes, size);
  run_ -= size;
  if (unit().form == Unit::kNone) {
    if (size != 0) return;
    // Behind the end of old there is nothing that could be as predicted.
    if (run_ != 0) Fail();
  } else {
    const ShiftTable::Entry& entry = table_.Find(unit().target);
    uint32_t shift = entry.shift >> ScaleOf(unit()) << ScaleOf(unit());
    const unsigned context = HitContext(profile(), entry.address != unit().target, missed_, KindOf(unit()));
    uint8_t& streak = contexts_.streak[context];
    bool missed = run_ == 0;
    // Where a run ends, a confident context is asked; such units are right everywhere else.
    if (!missed || (streak == kConfident && Bit(MOTE_CONTEXT(miss_here)))) {
      if (missed) {
        step_ = Step::kRun;
      } else {
        --run_;
        if (streak != kConfident) {
          missed = !Bit(MOTE_CONTEXT(hit) + context);
          ++streak;
        }
      }
      missed_ = missed;
      if (missed) {
        streak = 0;
        shift = MissedShift(shift);
      }
      PutUnit(unit().target + shift);
      return;
    }
  }
  EndRun();
}

MOTE_ONCE void ModelDecoder::PutUnit(uint32_t target) {
  const uint32_t address = NewAddress();
#if MOTE_WITH_PAIRS
  if (unit().form == Unit::kUpper) predictor_.LearnUpper(address, target);
#endif
  const uint32_t word = Retarget(setting_, unit(), address, target);
  uint8_t bytes[4];
  if (MOTE_WITH_BIG_ENDIAN && (*setting_.architecture).big_endian) {
    StoreBig(bytes, SizeOf(unit()), word);
  } else {
    StoreLittle(bytes, 4, word);
  }
  PutOld(bytes, SizeOf(unit()));
}

MOTE_ONCE void ModelDecoder::EndRun() {
  again_ = false;
  step_ = Step::kSubstitution;
  if (!Bit(MOTE_CONTEXT(inserts))) return;
  step_ = Step::kInsertion;
  insertion_ = Number(MOTE_CONTEXT(insertion));
  // Two seeks with nothing between them could go on for ever.
  if (insertion_ > patcher_->remaining_ || (insertion_ == 0 && last_seek_ == NewPosition())) Fail();
}

// One of the recent shifts, or how far from the predicted one.
uint32_t ModelDecoder::CodedShift(ShiftUse use, uint32_t predicted, unsigned scale) {
  uint32_t* const recent = recent_[use];
  unsigned asked = MOTE_CONTEXT(recent_shift) + use * kRecentShifts;
  uint32_t shift;
  for (unsigned i = 0;; ++i) {
    if (i == kRecentShifts) {
      const uint32_t difference = Number(MOTE_CONTEXT(shift)) << scale;
      shift = predicted + difference;
      if (difference != 0 && Bit(MOTE_CONTEXT(negative) + use)) shift = predicted - difference;
      break;
    }
    shift = recent[i];
    if (shift != predicted && Bit(asked++)) break;
  }
  Touch(recent, shift);
  return shift;
}

MOTE_ONCE uint32_t ModelDecoder::MissedShift(uint32_t predicted) {
  const uint32_t shift = Bit(MOTE_CONTEXT(old_bits))
                             ? SameBitsShift(setting_, unit(), setting_.map.OldAddress(old_position_), NewAddress())
                             : CodedShift(kMisses, predicted, ScaleOf(unit()));
  table_.Learn(unit().target, shift);
  return shift;
}

MOTE_ONCE void ModelDecoder::Substitute() {
  if (old_position_ == patcher_->old_size_) {
    Fail();
    return;
  }
  uint8_t byte;
  patcher_->ReadOld(old_position_, &byte, 1);
  byte = static_cast<uint8_t>(predictor_.Predicted(old_position_, byte) + Byte(0));
  PutOld(&byte, 1);
  if (!Bit(MOTE_CONTEXT(more) + again_)) step_ = Step::kRun;
  again_ = true;
}

MOTE_ONCE void ModelDecoder::Insert() {
  unsigned match = 1;
#if MOTE_WITH_IN_PLACE
  uint32_t length = match_;
#else
  uint32_t length = 0;
#endif
  if (length == 0) {
    match = Bit(MOTE_CONTEXT(match) + again_);
    again_ = match;
    length = 1;
    if (match) {
      const unsigned last = Bit(MOTE_CONTEXT(last_distance));
      length += Number(MOTE_CONTEXT(match_length));
      if (!last) {
        length += kMinMatch - 1;
        distance_ = Number(MOTE_CONTEXT(distance));
      }
      if (length - 1 >= insertion_ || distance_ >= NewPosition()) {
        Fail();
        return;
      }
    }
  }
  do {
    uint8_t byte = match ? patcher_->ReadNew(distance_ + 1) : Byte(LiteralTree(profile(), NewPosition()));
    patcher_->PutNew(&byte, 1);
    --insertion_;
  } while (--length != 0 && !patcher_->paused());
#if MOTE_WITH_IN_PLACE
  match_ = length;
#endif
}

MOTE_ONCE void ModelDecoder::Seek() {
  const uint32_t position = NewPosition();
  const uint32_t to = position + CodedShift(kSeeks, old_position_ - position, 0);
  if (to > patcher_->old_size_) Fail();
  old_position_ = to;
  last_seek_ = position;
  predictor_.Jump(to);
  const uint32_t address = setting_.map.OldAddress(to);
  const uint32_t shift = NewAddress() - address;
  table_.Learn(address, shift);
  Touch(recent_[kMisses], shift);
  step_ = Step::kRun;
}

// One step.
void ModelDecoder::Next() {
  switch (step_) {
    case Step::kItem:
      Item();
      break;
    case Step::kRun:
      run_ = Number(MOTE_CONTEXT(run));
      step_ = Step::kItem;
      break;
    case Step::kSubstitution:
      Substitute();
      break;
    case Step::kInsertion:
      if (insertion_ != 0) {
        Insert();
      } else {
        Seek();
      }
      break;
    default:
      ReadSetting();
  }
  // Paused, what is left in the buffer is not handed on yet: its sector may need a record before it.
  if (patcher_->remaining_ == 0 && !patcher_->paused()) patcher_->CompleteNew(new_check_);
}

#if MOTE_WITH_CHECKPOINT
// What is found out anew is left out: the cache of old, and the unit that was found last.
void ModelDecoder::Transfer(StateStream& stream) {
  stream.Number(step_);
  stream.Number(again_);
  stream.Number(missed_);
  stream.Number(run_);
  stream.Number(insertion_);
#if MOTE_WITH_IN_PLACE
  stream.Number(match_);
#endif
  stream.Number(old_position_);
  stream.Number(last_seek_);
  stream.Number(distance_);
#if MOTE_WITH_IN_PLACE
  stream.Require(match_ == 0 || (match_ <= insertion_ && distance_ < NewPosition()));
#endif
  stream.Number(new_check_);
  for (uint32_t(&recent)[kRecentShifts] : recent_) {
    for (uint32_t& shift : recent) stream.Number(shift);
  }

  AddressMap& map = setting_.map;
  ArchitectureId architecture = ArchitectureId::kWords;
  if (!stream.restoring()) architecture = setting_.architecture.id();
  stream.Number(architecture);
  setting_.architecture = ChosenArchitecture(architecture);
  stream.Number(setting_.relative_words);
  stream.Number(map.last);
  if (step_ >= Step::kSetting || old_position_ > patcher_->old_size_ || insertion_ > patcher_->remaining_ ||
      !setting_.architecture.known() || map.last >= kMaxSegments) {
    // With which the others would not know where to end.
    map.last = 0;
    stream.Require(false);
    return;
  }
  stream.Number(map.ram_start);
  stream.Number(map.ram_size);
  // The first one starts at 0 of both images, on which the searches rely.
  for (unsigned i = 0; i <= map.last; ++i) {
    Segment& segment = map.segments[i];
    stream.Number(segment.old_address);
    stream.Number(segment.new_address);
    if (i == 0) continue;
    stream.Number(segment.old_offset);
    stream.Number(segment.new_offset);
  }
  if (stream.restoring()) {
    map.old_size = patcher_->old_size_;
    cache_end_ = 0;
    predictor_.Init(setting_);
  }
  predictor_.Transfer(stream);
  coder_.Transfer(stream);
  table_.Transfer(stream);

  stream.Bytes(contexts_.streak, sizeof contexts_.streak);
  const unsigned end = kTrees + TreeProbabilities(profile());
  for (unsigned i = MOTE_CONTEXT(hit); i != end; ++i) {
    Probability& probability = reinterpret_cast<Probability*>(&contexts_)[i];
    stream.Number(probability);
    stream.Require(probability >> 4 != 0);
  }
}
#endif

}  // namespace mote

#endif  // MOTE_WITH_MODEL
