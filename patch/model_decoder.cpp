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

// More than any size has; a number this long is corrupt.
constexpr unsigned kMaxNumberBits = 32;

// What is called from one place: no copy that could be called from elsewhere.
#define MOTE_ONCE [[gnu::always_inline]] inline

// Statistics are passed by their number: that takes less code than their address.
#define MOTE_CONTEXT(member) static_cast<unsigned>(offsetof(ModelContexts, member) / sizeof(Probability))
#define MOTE_NUMBER(member) static_cast<unsigned>((offsetof(ModelContexts, member) - offsetof(ModelContexts, run)) / sizeof(NumberModel))

// Pointers alone count as halfwords, too.
constexpr bool kHalfwords = kOneArchitecture && FactsOf(kWordsOnly).halfwords;

constexpr unsigned kTrees = sizeof(ModelContexts) / sizeof(Probability);

}  // namespace

void ModelDecoder::Create(uint8_t* memory, unsigned profile, Patcher& patcher) {
  ModelDecoder* self = new (memory) ModelDecoder;
  // All that is not named below starts at 0.
  uint8_t* const trees = memory + sizeof(ModelDecoder);
  for (uint8_t* at = memory; at != trees; ++at) *at = 0;
  self->patcher_ = &patcher;
  self->profile_ = kModelProfile[profile];
  self->last_seek_ = 0xFFFFFFFF;
  Probability* const end = reinterpret_cast<Probability*>(trees) + TreeProbabilities(self->profile());
  Init(self->contexts_, end);
  self->table_.Init(reinterpret_cast<uint8_t*>(end), self->profile().table_entries);
}

void ModelDecoder::Put(uint8_t byte) {
  coder_.Feed(byte);
  while (coder_.full() && patcher_->going()) Next();
}

void ModelDecoder::Finish() {
  while (patcher_->going()) Next();
}

void ModelDecoder::Fail() { patcher_->Fail(Status::kCorrupt); }

// Under probability `index` of the contexts and the trees behind them.
unsigned ModelDecoder::Bit(unsigned index) {
  return coder_.Bit(reinterpret_cast<Probability*>(&contexts_)[index], index < kTrees ? kFlagLimit : kTreeLimit);
}

uint32_t ModelDecoder::Number(unsigned number) {
  const unsigned model = MOTE_CONTEXT(run) + number * (sizeof(NumberModel) / sizeof(Probability));
  constexpr unsigned kPrefixes = NumberModel::kPrefixes;
  unsigned bits = 0;
  while (Bit(model + (bits < kPrefixes ? bits : kPrefixes - 1))) {
    if (++bits == kMaxNumberBits) {
      Fail();
      break;
    }
  }
  if (bits == 0) return 0;
  const unsigned first = model + kPrefixes;
  if (bits == 1) return 1 + Bit(first);
  const unsigned high = 2 + Bit(first + 1);
  uint32_t value = high * 2 + Bit(first + high);  // second[0] follows first[1]
  bits -= 2;
  value = value << bits | coder_.EvenBits(bits);
  return value - 1;
}

// A number that ends in many zeros, as addresses do.
uint32_t ModelDecoder::EvenNumber() {
  const unsigned bits = coder_.EvenBits(6);
  if (bits == 0) return 0;
  const unsigned zeros = coder_.EvenBits(5);
  const unsigned middle = bits - 1 - zeros;
  if (bits > 32 || middle > 31) {
    Fail();
    return 0;
  }
  return (1u << middle | coder_.EvenBits(middle)) << zeros;
}

uint8_t ModelDecoder::Tree(unsigned tree) {
  const unsigned bits = profile().tree_bits;
  const unsigned first = kTrees + (tree << bits);
  unsigned value = 1;
  while (value >> bits == 0) value = value * 2 + Bit(first + value);
  return static_cast<uint8_t>(value << (8 - bits) | coder_.EvenBits(8 - bits));
}

MOTE_ONCE void ModelDecoder::ReadSetting() {
  coder_.Start();
  const uint32_t flags = coder_.EvenBits(9);
  AddressMap& map = setting_.map;
  map.old_size = patcher_->old_size_;
  map.segment_count = (flags & 3) + 1;
  setting_.architecture = FindArchitecture(static_cast<ArchitectureId>(flags >> 5));
  setting_.relative_words = flags >> 4 & 1;
  if (map.segment_count > kMaxSegments) patcher_->Fail(Status::kUnsupported);
  if (flags & 8) {
    map.ram_start = EvenNumber();
    map.ram_size = EvenNumber();
  }
  other_addresses_ = flags & 4;
  predictor_.Init(setting_);
  table_.Learn(map.ram_start, 0);
  step_ = Step::kSegment;
}

MOTE_ONCE void ModelDecoder::ReadSegment() {
  AddressMap& map = setting_.map;
  Segment* segment = map.segments + substituted_;
  segment->old_address = segment->new_address = EvenNumber();
  if (other_addresses_) segment->new_address = EvenNumber();
  if (++substituted_ != map.segment_count) {
    segment[1].old_offset = segment->old_offset + EvenNumber();
    segment[1].new_offset = segment->new_offset + EvenNumber();
    if (segment[1].old_offset > map.old_size || segment[1].new_offset > patcher_->new_size_) Fail();
    return;
  }
  new_check_ = coder_.EvenBits(32);
  if (setting_.architecture == nullptr) patcher_->Fail(Status::kUnsupported);
  table_.Learn(map.segments[0].old_address, map.segments[0].new_address - map.segments[0].old_address);
  step_ = Step::kRun;
}

uint32_t ModelDecoder::NewPosition() const { return patcher_->new_size_ - patcher_->remaining_; }

uint32_t ModelDecoder::NewAddress() const { return setting_.map.NewAddress(NewPosition()); }

// Bytes of old from the current place on, at least kLookahead or what is left.
Window ModelDecoder::Old() {
  const uint32_t left = patcher_->old_size_ - old_position_;
  uint32_t at = old_position_ - cache_start_;
  uint32_t size = cached_ - at;
  if (at > cached_ || (size < kLookahead && size < left)) {
    size = left < kCacheSize ? left : kCacheSize;
    cached_ = static_cast<uint8_t>(size);
    cache_start_ = old_position_;
    at = 0;
    if (size != 0) patcher_->ReadOld(old_position_, cache_, size);
  }
  return {cache_ + at, size, size < left ? size - (kLookahead - 1) : left};
}

void ModelDecoder::Learn(uint32_t address, uint32_t shift) {
  table_.Learn(address, shift);
  shifts_.Touch(shift);
}

// Up to what takes a bit to be decoded.
void ModelDecoder::Item() {
  while (true) {
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
    const uint32_t run = run_;
    run_ -= size;
    if (unit().size != 0) break;
    if (run == 0) {
      EndRun();
      return;
    }
    if (run == size || patcher_->remaining_ == 0) return;
    // Behind the end of old there is nothing that could be as predicted.
    if (size == 0) Fail();
    if (!patcher_->going()) return;
  }

  uint32_t shift;
  const ShiftTable::Found found = table_.Find(unit().target, shift);
  shift = shift >> unit().scale << unit().scale;
  const unsigned context = HitContext(profile(), found, history_, unit().kind);
  uint8_t& streak = contexts_.streak[context];
  const bool confident = streak == kConfident;
  bool missed = false;
  if (run_ == 0) {
    // Where a run ends, a confident context is asked; such units are right everywhere else.
    if (!confident || !Bit(MOTE_CONTEXT(miss_here) + Class(event_))) {
      EndRun();
      return;
    }
    missed = true;
    contexts_.hit[context] = kMissedHitChance;
    event_ = static_cast<uint8_t>(Event::kMiss);
    step_ = Step::kRun;
  } else {
    --run_;
    if (!confident) {
      missed = !Bit(MOTE_CONTEXT(hit) + context);
      ++streak;
    }
  }
  if (missed || !confident) history_ = static_cast<uint8_t>(history_ << 1 | missed);
  if (missed) {
    streak = 0;
    shift = MissedShift(shift);
  }
  PutUnit(unit().target + shift);
}

void ModelDecoder::EndRun() {
  const bool inserts = Bit(MOTE_CONTEXT(inserts) + Class(event_));
  if (inserts) {
    event_ = static_cast<uint8_t>(Event::kInsertion);
    insertion_ = Number(MOTE_NUMBER(insertion));
    // Two seeks with nothing between them could go on for ever.
    if (insertion_ > patcher_->remaining_ || (insertion_ == 0 && last_seek_ == NewPosition())) Fail();
    matched_ = false;
    step_ = insertion_ != 0 ? Step::kInserted : Step::kSeek;
  } else {
    event_ = static_cast<uint8_t>(Event::kSubstitution);
    substituted_ = 0;
    step_ = Step::kSubstitution;
  }
}

// Next come `size` bytes of old that are no unit, or stand for one.
void ModelDecoder::PutOld(const uint8_t* bytes, uint32_t size) {
  old_position_ += size;
  patcher_->PutNew(bytes, size);
}

void ModelDecoder::PutUnit(uint32_t target) {
  const uint32_t address = NewAddress();
#if MOTE_WITH_PAIRS
  if (unit().form == Unit::kUpper) predictor_.LearnUpper(address, target);
#endif
  const uint32_t word = Retarget(setting_, unit(), address, target);
  uint8_t bytes[4];
  if (MOTE_WITH_BIG_ENDIAN && setting_.architecture->big_endian) {
    StoreBig(bytes, unit().size, word);
  } else {
    StoreLittle(bytes, 4, word);
  }
  PutOld(bytes, unit().size);
}

MOTE_ONCE uint32_t ModelDecoder::CodedShift(uint32_t predicted) {
  unsigned asked = MOTE_CONTEXT(recent_shift);
  for (uint32_t recent : shifts_.value) {
    if (recent != predicted && Bit(asked++)) return recent;
  }
  const unsigned negative = Bit(MOTE_CONTEXT(negative));
  uint32_t difference = (Number(MOTE_NUMBER(miss) + Class(unit().kind == 0)) + 1) << unit().scale;
  if (negative) difference = 0 - difference;
  return predicted + difference;
}

uint32_t ModelDecoder::MissedShift(uint32_t predicted) {
  uint32_t shift;
  if (Bit(MOTE_CONTEXT(old_bits) + Class(unit().kind))) {
    shift = SameBitsTarget(setting_, unit(), NewAddress()) - unit().target;
    table_.Learn(unit().target, shift);
  } else {
    shift = CodedShift(predicted);
    Learn(unit().target, shift);
  }
  return shift;
}

MOTE_ONCE void ModelDecoder::Substitute() {
  if (old_position_ == patcher_->old_size_) {
    Fail();
    return;
  }
  uint8_t byte = predictor_.Predicted(old_position_, *Old().bytes);
  byte = static_cast<uint8_t>(byte + Tree(0));
  PutOld(&byte, 1);
  if (!Bit(MOTE_CONTEXT(more) + Class(substituted_))) step_ = Step::kRun;
  if (substituted_ < 3) ++substituted_;
}

MOTE_ONCE void ModelDecoder::Insert() {
  const uint32_t position = NewPosition();
  matched_ = Bit(MOTE_CONTEXT(match) + matched_);
  uint32_t length = 1;
  if (matched_) {
    const bool last = Bit(MOTE_CONTEXT(last_distance));
    const uint32_t number = Number(MOTE_NUMBER(match_length) + Class(!last));
    // Before it is added to: near 2^32 it would wrap around, to a length that fits and a model of distances that is none.
    if (number >= insertion_) {
      Fail();
      return;
    }
    length = number + 1;
    if (!last) {
      length += kMinMatch - 1;
      distance_ = Number(MOTE_NUMBER(distance) + Class((length < 6 ? length : 6) - kMinMatch)) + 1;
    }
    if (length > insertion_ || distance_ - 1 >= position) {
      Fail();
      return;
    }
  }
  insertion_ -= length;
  if (insertion_ == 0) step_ = Step::kSeek;
  do {
    uint8_t byte;
    if (matched_) {
      byte = patcher_->ReadNew(NewPosition() - distance_);
    } else {
      const uint8_t last_byte = position == 0 ? 0 : patcher_->ReadNew(position - 1);
      byte = Tree(1 + LiteralTree(profile(), kHalfwords || setting_.architecture->halfwords, position, last_byte));
    }
    patcher_->PutNew(&byte, 1);
  } while (--length != 0);
}

MOTE_ONCE void ModelDecoder::Seek() {
  const uint32_t position = NewPosition();
  uint32_t to = position;
  if (Bit(MOTE_CONTEXT(recent_diagonal))) {
    unsigned i = Bit(MOTE_CONTEXT(recent_diagonal) + 1);
    if (i != 0) i += Bit(MOTE_CONTEXT(recent_diagonal) + 2);
    to += diagonals_.value[i];
  } else {
    const uint32_t distance = Number(MOTE_NUMBER(seek));
    to = old_position_ + distance;
    if (distance != 0 && Bit(MOTE_CONTEXT(negative) + 1)) to = old_position_ - distance;
  }
  if (to > patcher_->old_size_) {
    Fail();
    return;
  }
  old_position_ = to;
  last_seek_ = position;
  diagonals_.Touch(to - position);
  predictor_.Jump(to);
  const uint32_t address = setting_.map.OldAddress(to);
  Learn(address, NewAddress() - address);
  step_ = Step::kRun;
}

// One step.
void ModelDecoder::Next() {
  switch (step_) {
    case Step::kSetting:
      ReadSetting();
      return;
    case Step::kSegment:
      ReadSegment();
      if (step_ == Step::kSegment) return;
      break;
    case Step::kRun:
      run_ = Number(MOTE_NUMBER(run) + Class(event_));
      if (run_ > patcher_->remaining_) run_ = patcher_->remaining_;
      step_ = Step::kItem;
      break;
    case Step::kItem:
      Item();
      break;
    case Step::kSubstitution:
      Substitute();
      break;
    case Step::kInserted:
      Insert();
      break;
    default:
      Seek();
  }
  if (patcher_->remaining_ == 0) patcher_->CompleteNew(new_check_);
}

}  // namespace mote

#endif  // MOTE_WITH_MODEL
