// SPDX-License-Identifier: Apache-2.0
#include "patch/model_decoder.h"

#include "patch/bytes.h"
#include "patch/config.h"
#include "patch/patcher.h"

namespace mote {
namespace {

// More than any size has; a number this long is corrupt.
constexpr unsigned kMaxNumberBits = 32;

}  // namespace

ModelDecoder* ModelDecoder::Create(uint8_t* memory, unsigned profile, Patcher& patcher, uint32_t old_size, uint32_t new_size) {
  ModelDecoder* self = new (memory) ModelDecoder;
  self->step_ = Step::kSetting;
  self->event_ = Event::kStart;
  self->matched_ = false;
  self->corrupt_ = false;
  self->history_ = 0;
  self->last_byte_ = 0;
  self->substituted_ = 0;
  self->cached_ = 0;
  self->profile_ = kModelProfile[profile];
  self->insertion_ = 0;
  self->old_size_ = old_size;
  self->new_size_ = new_size;
  self->old_position_ = self->new_position_ = 0;
  self->last_seek_ = 0xFFFFFFFF;
  self->distance_ = 0;
  self->cache_start_ = 0;
  self->patcher_ = &patcher;
  self->shifts_ = {};
  self->diagonals_ = {};
  self->coder_.Init();
  mote::Init(self->contexts_);
  memory += sizeof(ModelDecoder);
  self->trees_ = reinterpret_cast<Probability*>(memory);
  const uint32_t trees = TreeProbabilities(self->profile_);
  for (uint32_t i = 0; i < trees; ++i) self->trees_[i] = kEvenChance;
  self->table_.Init(memory + trees * sizeof(Probability), self->profile_.table_entries);
  return self;
}

Status ModelDecoder::Put(uint8_t byte) {
  coder_.Feed(byte);
  return Work(false);
}

Status ModelDecoder::Finish() { return Work(true); }

Status ModelDecoder::Work(bool finish) {
  while (finish || coder_.full()) {
    Status status = Next();
    if (corrupt_) status = Status::kCorrupt;
    if (status != Status::kDone) return status;
    if (new_position_ == new_size_ && step_ != Step::kSetting) return patcher_->CompleteNew(new_check_);
  }
  return Status::kNeedInput;
}

// One step. kDone: go on.
Status ModelDecoder::Next() {
  switch (step_) {
    case Step::kSetting:
      return ReadSetting();
    case Step::kRun:
      run_ = Number(contexts_.run[Class(static_cast<unsigned>(event_))]);
      step_ = Step::kItem;
      return Status::kDone;
    case Step::kItem:
      return Item();
    case Step::kSubstitution:
      return Substitute();
    case Step::kInserted:
      return Insert();
    default:
      return Seek();
  }
}

uint32_t ModelDecoder::Number(NumberModel& model) {
  unsigned bits = 0;
  while (Bit(model.prefix[bits < NumberModel::kPrefixes ? bits : NumberModel::kPrefixes - 1])) {
    if (++bits == kMaxNumberBits) {
      corrupt_ = true;
      return 0;
    }
  }
  if (bits == 0) return 0;
  uint32_t value = 2 + Bit(model.first[bits > 1]);
  if (bits > 1) {
    value = value * 2 + Bit(model.second[value & 1]);
    bits -= 2;
    value = value << bits | coder_.EvenBits(bits);
  }
  return value - 1;
}

// A number that ends in many zeros, as addresses do.
uint32_t ModelDecoder::EvenNumber() {
  const unsigned bits = coder_.EvenBits(6);
  if (bits == 0) return 0;
  const unsigned zeros = coder_.EvenBits(5);
  if (zeros >= bits || bits > 32) {
    corrupt_ = true;
    return 0;
  }
  const unsigned middle = bits - 1 - zeros;
  return (1u << middle | coder_.EvenBits(middle)) << zeros;
}

unsigned ModelDecoder::Tree(unsigned tree) {
  const unsigned bits = profile_.tree_bits;
  Probability* probabilities = trees_ + (tree << bits);
  unsigned value = 1;
  while (value >> bits == 0) value = value * 2 + coder_.Bit(probabilities[value], kTreeLimit);
  return (value << (8 - bits) | coder_.EvenBits(8 - bits)) & 0xFF;
}

Status ModelDecoder::ReadSetting() {
  coder_.Start();
  AddressMap& map = setting_.map;
  setting_.architecture = FindArchitecture(static_cast<ArchitectureId>(coder_.EvenBits(4)));
  setting_.relative_words = coder_.EvenBits(1);
  const bool has_ram = coder_.EvenBits(1);
  const bool other_addresses = coder_.EvenBits(1);
  map.segment_count = static_cast<uint8_t>(coder_.EvenBits(2) + 1);
  if (map.segment_count > kMaxSegments) return Status::kUnsupported;
  map.old_size = old_size_;
  map.ram_start = map.ram_size = 0;
  if (has_ram) {
    map.ram_start = EvenNumber();
    map.ram_size = EvenNumber();
  }
  Segment last = {};
  for (unsigned i = 0; i < map.segment_count; ++i) {
    if (i != 0) {
      last.old_offset += EvenNumber();
      last.new_offset += EvenNumber();
      if (last.old_offset > old_size_ || last.new_offset > new_size_) return Status::kCorrupt;
    }
    last.old_address = last.new_address = EvenNumber();
    if (other_addresses) last.new_address = EvenNumber();
    map.segments[i] = last;
  }
  new_check_ = coder_.EvenBits(32);
  if (setting_.architecture == nullptr) return Status::kUnsupported;
  predictor_.Init(setting_);
  const Segment& first = map.segments[0];
  table_.Learn(map.ram_start, 0);
  table_.Learn(first.old_address, first.new_address - first.old_address);
  step_ = Step::kRun;
  return Status::kDone;
}

// Points at `wanted` bytes of old at old_position_, or what is left of it. REQUIRES: old_position_ < old_size_.
Status ModelDecoder::Old(uint32_t wanted, const uint8_t*& bytes) {
  const uint32_t left = old_size_ - old_position_;
  if (wanted > left) wanted = left;
  if (old_position_ < cache_start_ || old_position_ + wanted > cache_start_ + cached_) {
    cache_start_ = old_position_;
    cached_ = static_cast<uint8_t>(left < sizeof cache_ ? left : sizeof cache_);
    if (Status status = patcher_->ReadOld(old_position_, cache_, cached_); status != Status::kDone) return status;
  }
  bytes = cache_ + (old_position_ - cache_start_);
  return Status::kDone;
}

Status ModelDecoder::PutNew(uint8_t byte) {
  if (new_position_ == new_size_) return Status::kCorrupt;
  ++new_position_;
  last_byte_ = byte;
  return patcher_->PutNew(byte);
}

Status ModelDecoder::Item() {
  Unit unit;
  unit.size = 0;
  uint32_t available = 0;
  const uint8_t* bytes = nullptr;
  if (old_position_ < old_size_) {
    available = old_size_ - old_position_;
    if (available > kLookahead) available = kLookahead;
    if (Status status = Old(available, bytes); status != Status::kDone) return status;
    unit = predictor_.Look(bytes, available, old_position_);
  }
  Probability& inserts = contexts_.inserts[Class(static_cast<unsigned>(event_))];
  if (unit.size != 0 && unit.size <= new_size_ - new_position_) {
    uint32_t shift;
    const ShiftTable::Found found = table_.Find(unit.target, shift);
    shift &= ~((1u << unit.scale) - 1);
    const unsigned context = HitContext(profile_, found, history_, unit.kind);
    uint8_t& streak = contexts_.streak[context];
    bool hit = run_ != 0;
    if (streak == kConfident) {
      if (!hit) {
        hit = !Bit(contexts_.miss_here[Class(static_cast<unsigned>(event_))]);
        if (!hit) {
          contexts_.hit[context] = Adapted(contexts_.hit[context], 0, kFlagLimit);
          event_ = Event::kMiss;
          step_ = Step::kRun;
          streak = 0;
          return Miss(unit, shift);
        }
      }
    } else if (hit) {
      hit = Bit(contexts_.hit[context]);
      ++streak;
      if (!hit) {
        streak = 0;
        --run_;
        return Miss(unit, shift);
      }
      history_ = static_cast<uint8_t>(history_ << 1);
    }
    if (run_ != 0) {
      --run_;
      return Hit(unit, unit.target + shift);
    }
  } else if (run_ != 0) {
    if (bytes == nullptr) return Status::kCorrupt;
    uint32_t size = predictor_.PlainBytes(old_position_);
    if (size > run_) size = run_;
    if (size > available) size = available;
    run_ -= size;
    for (; size != 0; --size, ++old_position_) {
      const uint8_t byte = predictor_.Predicted(old_position_, *bytes++);
      if (Status status = PutNew(byte); status != Status::kDone) return status;
    }
    return Status::kDone;
  }
  // The run is over.
  if (Bit(inserts)) {
    event_ = Event::kInsertion;
    insertion_ = Number(contexts_.insertion);
    if (insertion_ > new_size_ - new_position_ || (insertion_ == 0 && last_seek_ == new_position_)) return Status::kCorrupt;
    matched_ = false;
    step_ = insertion_ != 0 ? Step::kInserted : Step::kSeek;
  } else {
    event_ = Event::kSubstitution;
    substituted_ = 0;
    step_ = Step::kSubstitution;
  }
  return Status::kDone;
}

Status ModelDecoder::PutUnit(const Unit& unit, uint32_t word) {
  uint8_t bytes[4];
  if (MOTE_WITH_BIG_ENDIAN && setting_.architecture->big_endian) {
    StoreBig(bytes, unit.size, word);
  } else {
    StoreLittle(bytes, unit.size, word);
  }
  old_position_ += unit.size;
  for (unsigned i = 0; i < unit.size; ++i) {
    if (Status status = PutNew(bytes[i]); status != Status::kDone) return status;
  }
  return Status::kDone;
}

// The unit in new refers to `target`.
Status ModelDecoder::Hit(const Unit& unit, uint32_t target) {
  const uint32_t address = setting_.map.NewAddress(new_position_);
  if (unit.form == Unit::kUpper) predictor_.LearnUpper(unit, address, target);
  return PutUnit(unit, Retarget(setting_, unit, address, target));
}

Status ModelDecoder::Miss(const Unit& unit, uint32_t shift) {
  history_ = static_cast<uint8_t>(history_ << 1 | 1);
  const uint32_t address = setting_.map.NewAddress(new_position_);
  if (Bit(contexts_.old_bits[Class(unit.kind)])) {
    const uint32_t target = SameBitsTarget(setting_, unit, address);
    table_.Learn(unit.target, target - unit.target);
    return Hit(unit, target);
  }
  unsigned asked = 0;
  uint32_t chosen = 0;
  bool found = false;
  for (uint32_t recent : shifts_.value) {
    if (recent == shift) continue;
    if (Bit(contexts_.recent_shift[asked++])) {
      chosen = recent;
      found = true;
      break;
    }
  }
  if (!found) {
    const unsigned negative = Bit(contexts_.negative[0]);
    const uint32_t difference = (Number(contexts_.miss[Class(unit.kind == 0)]) + 1) << unit.scale;
    chosen = negative ? shift - difference : shift + difference;
  }
  table_.Learn(unit.target, chosen);
  shifts_.Touch(chosen);
  return Hit(unit, unit.target + chosen);
}

Status ModelDecoder::Substitute() {
  if (old_position_ == old_size_) return Status::kCorrupt;
  const uint8_t* bytes;
  if (Status status = Old(1, bytes); status != Status::kDone) return status;
  const uint8_t predicted = predictor_.Predicted(old_position_, *bytes);
  ++old_position_;
  if (Status status = PutNew(static_cast<uint8_t>(predicted + Tree(0))); status != Status::kDone) return status;
  if (!Bit(contexts_.more[Class(substituted_)])) step_ = Step::kRun;
  if (substituted_ < 3) ++substituted_;
  return Status::kDone;
}

Status ModelDecoder::Insert() {
  if (Bit(contexts_.match[matched_])) {
    matched_ = true;
    const bool last = Bit(contexts_.last_distance);
    uint32_t length = Number(contexts_.match_length[Class(!last)]) + (last ? 1 : kMinMatch);
    if (!last) distance_ = Number(contexts_.distance[Class((length < 6 ? length : 6) - kMinMatch)]) + 1;
    if (length > insertion_ || distance_ - 1 >= new_position_) return Status::kCorrupt;
    insertion_ -= length;
    for (; length != 0; --length) {
      uint8_t byte;
      Status status = patcher_->ReadNew(new_position_ - distance_, byte);
      if (status == Status::kDone) status = PutNew(byte);
      if (status != Status::kDone) return status;
    }
  } else {
    matched_ = false;
    --insertion_;
    const unsigned byte = Tree(1 + LiteralTree(profile_, setting_.architecture->halfwords, new_position_, last_byte_));
    if (Status status = PutNew(static_cast<uint8_t>(byte)); status != Status::kDone) return status;
  }
  if (insertion_ == 0) step_ = Step::kSeek;
  return Status::kDone;
}

Status ModelDecoder::Seek() {
  uint32_t to;
  if (Bit(contexts_.recent_diagonal[0])) {
    unsigned i = Bit(contexts_.recent_diagonal[1]);
    if (i != 0) i += Bit(contexts_.recent_diagonal[2]);
    to = new_position_ + diagonals_.value[i];
  } else {
    const uint32_t distance = Number(contexts_.seek);
    to = old_position_ + distance;
    if (distance != 0 && Bit(contexts_.negative[1])) to = old_position_ - distance;
  }
  if (to > old_size_) return Status::kCorrupt;
  old_position_ = to;
  last_seek_ = new_position_;
  diagonals_.Touch(to - new_position_);
  predictor_.Jump(to);
  const uint32_t address = setting_.map.OldAddress(to);
  const uint32_t shift = setting_.map.NewAddress(new_position_) - address;
  table_.Learn(address, shift);
  shifts_.Touch(shift);
  step_ = Step::kRun;
  return Status::kDone;
}

}  // namespace mote
