// SPDX-License-Identifier: Apache-2.0
#include "diff/model_encoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "diff/match_finder.h"
#include "diff/prices.h"
#include "diff/range_encoder.h"
#include "patch/bytes.h"
#include "patch/check.h"

namespace mote {
namespace {

using Bytes = std::span<const uint8_t>;

// What all pointers look like to the aligner.
constexpr uint32_t kMaskedPointer = 0x55AA0000;
constexpr uint32_t kPage = 0x1000;

// A bit as it will be written, under the chance it had; 0: an even bit.
struct CodedBit {
  uint16_t chance;
  uint8_t bit;
};

AddressMap MapOf(const ModelSetting& setting, bool old_side, uint32_t size) {
  AddressMap map{};
  map.last = static_cast<uint32_t>(setting.segments.size()) - 1;
  for (size_t i = 0; i < setting.segments.size(); ++i) {
    Segment s = setting.segments[i];
    if (!old_side) {
      std::swap(s.old_offset, s.new_offset);
      std::swap(s.old_address, s.new_address);
    }
    map.segments[i] = s;
  }
  // As the decoder has it: without a size, there is no start.
  map.ram_start = setting.ram_size != 0 ? setting.ram_start : 0;
  map.ram_size = setting.ram_size;
  map.old_size = size;
  return map;
}

Setting SettingOf(const ModelSetting& setting, bool old_side, uint32_t size) {
  return {ChosenArchitecture(setting.architecture), setting.relative_words,
          MapOf(setting, old_side, size)};
}

class Encoder {
 public:
  Encoder(Bytes old_image, Bytes new_image, const std::vector<Copy>& copies,
          const ModelSetting& setting, unsigned profile, uint32_t match_window)
      : old_(old_image), new_(new_image), copies_(copies), written_setting_(setting),
        setting_(SettingOf(setting, true, static_cast<uint32_t>(old_image.size()))),
        new_setting_(SettingOf(setting, false, static_cast<uint32_t>(new_image.size()))),
        profile_(kModelProfile[profile]), match_window_(match_window), trees_(TreeProbabilities(profile_), kEvenChance),
        table_memory_(profile_.table_entries), finder_(new_image) {
    Init(contexts_);
    table_.Init(table_memory_.data(), profile_.table_entries);
    predictor_.Init(setting_);
  }

  ModelDelta Encode();

 private:
  void Put(CodedBit coded);
  // Each of these codes bits under `use_`.
  unsigned Bit(Probability& probability, unsigned bit, unsigned limit = kFlagLimit);
  void EvenBits(uint32_t value, unsigned bits);
  void EvenNumber(uint32_t value);
  void Number(NumberModel& model, uint32_t value);
  void BehindLeading(uint32_t number, unsigned bits);
  void Tree(Probability* tree, unsigned bits, uint32_t number, unsigned limit);
  void Byte(unsigned tree, uint8_t byte);

  void WriteSetting();
  void EndRun();
  bool TryUnit(const Unit& unit, bool& confident);
  void CodeMiss(const Unit& unit, uint32_t shift, uint32_t target, bool same_bits);
  void CodeShift(ShiftUse use, uint32_t predicted, uint32_t shift, unsigned scale);
  // Part of an insertion: a literal (distance 0, length 1) or a match.
  struct Step {
    uint32_t length, distance;
  };
  // How many bytes of an insertion are parsed before statistics are looked at again.
  static constexpr uint32_t kParseAhead = 2048;
  // Longer matches are taken whole or not at all.
  static constexpr uint32_t kEveryLength = 48;

  std::vector<Step> Parse(uint32_t count, bool after_match);
  void CodeStep(const Step& step, bool after_match);
  uint32_t BytePrice(unsigned tree, uint8_t byte) const;
  void Substitute(uint32_t least, uint32_t end);
  void Insert(uint32_t count);
  void Seek(uint32_t to);
  bool NewIs(const Unit& unit, uint32_t word) const;
  const uint8_t* OldAt() const { return old_.data() + op_; }
  uint32_t Available() const {
    return std::min<uint32_t>(kLookahead, static_cast<uint32_t>(old_.size()) - op_);
  }
  uint8_t PredictedByte() const { return predictor_.Predicted(op_, old_[op_]); }

  Bytes old_, new_;
  const std::vector<Copy>& copies_;
  const ModelSetting& written_setting_;
  const Setting setting_, new_setting_;
  const ModelProfile profile_;
  const uint32_t match_window_;
  ModelContexts contexts_;
  std::vector<Probability> trees_;
  std::vector<ShiftTable::Entry> table_memory_;
  ShiftTable table_;
  Predictor predictor_;
  MatchFinder finder_;
  uint32_t recent_[kShiftUses][kRecentShifts] = {};

  uint32_t pos_ = 0, op_ = 0;
  uint32_t run_ = 0;
  bool missed_ = false;
  uint32_t distance_ = 1;
  RangeEncoder coder_;
  // The answers within a run are decoded after its length, which is known only at its end: until then they wait.
  std::vector<CodedBit> answers_;
  bool answering_ = false;
  BitUse use_ = BitUse::kSetting;
  ModelDelta result_;
};

void Encoder::Put(CodedBit coded) {
  if (answering_) {
    answers_.push_back(coded);
  } else if (coded.chance == 0) {
    coder_.EvenBit(coded.bit);
  } else {
    coder_.Bit(coded.chance, coded.bit);
  }
}

unsigned Encoder::Bit(Probability& probability, unsigned bit, unsigned limit) {
  const unsigned chance = probability >> 4;
  Put({static_cast<uint16_t>(chance), static_cast<uint8_t>(bit)});
  result_.bits[static_cast<size_t>(use_)] -=
      std::log2(static_cast<double>(bit ? chance : 4096 - chance) / 4096);
  probability = Adapted(probability, bit, limit);
  return bit;
}

void Encoder::EvenBits(uint32_t value, unsigned bits) {
  result_.bits[static_cast<size_t>(use_)] += bits;
  while (bits-- != 0) Put({0, static_cast<uint8_t>(value >> bits & 1)});
}

// What follows the leading 1 of a number: `bits` bits.
void Encoder::BehindLeading(uint32_t number, unsigned bits) { EvenBits(number & ((1u << bits) - 1), bits); }

void Encoder::EvenNumber(uint32_t value) {
  // 0 is 2^32.
  const unsigned zeros = value == 0 ? 31 : static_cast<unsigned>(std::countr_zero(value));
  const uint32_t odd = value == 0 ? 2 : value >> zeros;
  const unsigned bits = static_cast<unsigned>(std::bit_width(odd)) - 1;
  EvenBits(zeros, 5);
  EvenBits(bits, 5);
  BehindLeading(odd, bits);
}

void Encoder::Tree(Probability* tree, unsigned bits, uint32_t number, unsigned limit) {
  unsigned node = 1;
  while (bits-- != 0) node = node * 2 + Bit(tree[node], number >> bits & 1, limit);
}

void Encoder::Number(NumberModel& model, uint32_t value) {
  const unsigned bits = static_cast<unsigned>(std::bit_width(value + 1)) - 1;
  Tree(model.tree, NumberModel::kBits, bits, kFlagLimit);
  BehindLeading(value + 1, bits);
}

void Encoder::Byte(unsigned tree, uint8_t byte) {
  const unsigned bits = profile_.tree_bits;
  Tree(&trees_[tree << bits], bits, byte >> (8 - bits), kTreeLimit);
  EvenBits(byte & ((1u << (8 - bits)) - 1), 8 - bits);
}

void Encoder::WriteSetting() {
  use_ = BitUse::kSetting;
  const ModelSetting& s = written_setting_;
  EvenBits(static_cast<uint32_t>(s.architecture), 4);
  EvenBits(s.relative_words, 1);
  EvenBits(s.ram_size != 0, 1);
  const bool other_addresses = std::ranges::any_of(
      s.segments, [](const Segment& segment) { return segment.old_address != segment.new_address; });
  EvenBits(other_addresses, 1);
  EvenBits(static_cast<uint32_t>(s.segments.size()) - 1, 2);
  if (s.ram_size != 0) {
    EvenNumber(s.ram_start);
    EvenNumber(s.ram_size);
  }
  for (size_t i = 0; i < s.segments.size(); ++i) {
    if (i != 0) {
      EvenNumber(s.segments[i].old_offset - s.segments[i - 1].old_offset);
      EvenNumber(s.segments[i].new_offset - s.segments[i - 1].new_offset);
    }
    EvenNumber(s.segments[i].old_address);
    if (other_addresses) EvenNumber(s.segments[i].new_address);
  }
  EvenBits(UpdateCheck(kCheckStart, new_.data(), static_cast<uint32_t>(new_.size())), 32);
  const Segment& first = s.segments[0];
  table_.Learn(setting_.map.ram_start, 0);
  table_.Learn(first.old_address, first.new_address - first.old_address);
}

void Encoder::EndRun() {
  answering_ = false;
  const BitUse use = use_;
  use_ = BitUse::kRuns;
  Number(contexts_.run, run_);
  use_ = use;
  for (const CodedBit& answer : answers_) Put(answer);
  answers_.clear();
  run_ = 0;
}

bool Encoder::NewIs(const Unit& unit, uint32_t word) const {
  uint8_t bytes[4];
  if ((*setting_.architecture).big_endian) {
    StoreBig(bytes, unit.size, word);
  } else {
    StoreLittle(bytes, unit.size, word);
  }
  return std::equal(bytes, bytes + unit.size, new_.begin() + pos_);
}

// Codes the unit at the current place, if new has one like it there. False: new has something else.
bool Encoder::TryUnit(const Unit& unit, bool& confident) {
  const ShiftTable::Entry& entry = table_.Find(unit.target);
  const uint32_t shift = entry.shift >> unit.scale << unit.scale;
  const unsigned context = HitContext(profile_, entry.address != unit.target, missed_, unit.kind);
  uint8_t& streak = contexts_.streak[context];
  confident = streak == kConfident;

  const uint32_t address = setting_.map.NewAddress(pos_);
  const uint32_t predicted = unit.target + shift;
  bool hit = NewIs(unit, Retarget(setting_, unit, address, predicted));
  // What it refers to in new.
  Unit there = FindUnit(new_setting_, &new_[pos_],
                        std::min<uint32_t>(kLookahead, static_cast<uint32_t>(new_.size()) - pos_),
                        address, true, true);
  if (there.form != unit.form) {
    there = FindUnit(new_setting_, &new_[pos_],
                     std::min<uint32_t>(kLookahead, static_cast<uint32_t>(new_.size()) - pos_),
                     address, true, false);
  }
  const bool alike = there.form == unit.form && there.size == unit.size && there.row == unit.row;
  if (hit && unit.form == Unit::kUpper && alike && there.target != predicted) hit = false;
  const bool moved = alike && NewIs(unit, Retarget(setting_, unit, address, there.target)) &&
                     ((there.target - predicted) & ((1u << unit.scale) - 1)) == 0 && there.target != predicted;
  const uint32_t same_target = unit.target + SameBitsShift(setting_, unit, setting_.map.OldAddress(op_), address);
  // Of the bits of an address that 32 bits do not hold, the decoder knows nothing.
  const bool same_bits = NewIs(unit, unit.word) &&
                         Retarget(setting_, unit, address, same_target) == unit.word &&
                         !(unit.form == Unit::kUpper && moved && there.target != same_target);
  if (!hit && !moved && !same_bits) return false;

  ++result_.units;
  if (hit) {
    ++run_;
    if (!confident) {
      use_ = BitUse::kHits;
      ++streak;
      answering_ = true;
      Bit(contexts_.hit[context], 1);
    }
    missed_ = false;
    if (unit.form == Unit::kUpper) predictor_.LearnUpper(unit, address, predicted);
    pos_ += unit.size;
    op_ += unit.size;
    return true;
  }
  ++result_.misses;
  if (confident) {
    EndRun();
    use_ = BitUse::kRunEnds;
    Bit(contexts_.miss_here, 1);
  } else {
    use_ = BitUse::kHits;
    ++run_;
    answering_ = true;
    Bit(contexts_.hit[context], 0);
  }
  streak = 0;
  CodeMiss(unit, shift, same_bits ? same_target : there.target, same_bits);
  return true;
}

void Encoder::CodeMiss(const Unit& unit, uint32_t shift, uint32_t target, bool same_bits) {
  use_ = BitUse::kMisses;
  missed_ = true;
  const uint32_t chosen = target - unit.target;
  Bit(contexts_.old_bits, same_bits);
  if (!same_bits) CodeShift(kMisses, shift, chosen, unit.scale);
  table_.Learn(unit.target, chosen);
  const uint32_t address = setting_.map.NewAddress(pos_);
  if (unit.form == Unit::kUpper) predictor_.LearnUpper(unit, address, target);
  pos_ += unit.size;
  op_ += unit.size;
}

// One of the recent shifts, or how far from the predicted one.
void Encoder::CodeShift(ShiftUse use, uint32_t predicted, uint32_t shift, unsigned scale) {
  unsigned asked = use * kRecentShifts;
  bool found = false;
  for (uint32_t recent : recent_[use]) {
    if (recent == predicted) continue;
    found = Bit(contexts_.recent_shift[asked++], recent == shift);
    if (found) break;
  }
  if (!found) {
    const uint32_t difference = shift - predicted;
    const unsigned negative = difference >> 31;
    Number(contexts_.shift, (negative ? 0u - difference : difference) >> scale);
    if (difference != 0) Bit(contexts_.negative[use], negative);
  }
  Touch(recent_[use], shift);
}

// Up to `least` at least, `end` at most.
void Encoder::Substitute(uint32_t least, uint32_t end) {
  use_ = BitUse::kRunEnds;
  Bit(contexts_.inserts, 0);
  for (bool again = false;; again = true) {
    use_ = BitUse::kSubstitutions;
    Byte(0, static_cast<uint8_t>(new_[pos_] - PredictedByte()));
    ++pos_;
    ++op_;
    ++result_.substituted;
    bool more = pos_ < end && (pos_ < least || new_[pos_] != PredictedByte());
    if (more && pos_ >= least) {
      // A unit is better coded as one.
      more = FindUnit(setting_, OldAt(), Available(), setting_.map.OldAddress(op_),
                      op_ % 4 == 0, predictor_.MayStart(op_))
                 .size == 0;
    }
    use_ = BitUse::kRunEnds;
    Bit(contexts_.more[again], more);
    if (!more) break;
  }
}

void Encoder::Insert(uint32_t count) {
  use_ = BitUse::kRunEnds;
  Bit(contexts_.inserts, 1);
  Number(contexts_.insertion, count);
  result_.inserted += count;
  bool matched = false;
  for (uint32_t left = count; left != 0;) {
    const std::vector<Step> steps = Parse(std::min(left, kParseAhead), matched);
    for (const Step& step : steps) {
      CodeStep(step, matched);
      matched = step.distance != 0;
      left -= step.length;
    }
  }
}

// A literal (distance 0, length 1) or a match, as the parser chose it.
void Encoder::CodeStep(const Step& step, bool after_match) {
  use_ = BitUse::kMatches;
  Bit(contexts_.match[after_match], step.distance != 0);
  if (step.distance == 0) {
    use_ = BitUse::kLiterals;
    Byte(LiteralTree(profile_, pos_), new_[pos_]);
    ++pos_;
    return;
  }
  const bool last = step.distance == distance_;
  Bit(contexts_.last_distance, last);
  Number(contexts_.match_length, step.length - (last ? 1 : kMinMatch));
  if (!last) Number(contexts_.distance, step.distance - 1);
  distance_ = step.distance;
  pos_ += step.length;
  result_.matched += step.length;
}

// The cheapest way to write the next `count` bytes, by the statistics as they are now: shortest paths from byte to byte. The last
// distance on the way to a byte is that of the cheapest way there.
std::vector<Encoder::Step> Encoder::Parse(uint32_t count, bool after_match) {
  struct Place {
    uint32_t cost = 0xFFFFFFFF;
    uint32_t length = 0;    // of the step that leads here,
    uint32_t distance = 0;  // its distance, 0 for a literal,
    uint32_t last = 0;      // and the last distance after it
  };
  std::vector<Place> places(count + 1);
  places[0] = {0, 0, after_match ? 1u : 0u, distance_};
  for (uint32_t i = 0; i < count; ++i) {
    const Place here = places[i];
    const auto reach = [&](uint32_t length, uint32_t distance, uint32_t cost) {
      Place& there = places[i + length];
      if (here.cost + cost < there.cost) {
        there = {here.cost + cost, length, distance, distance != 0 ? distance : here.last};
      }
    };
    const uint32_t at = pos_ + i;
    const Probability& match = contexts_.match[here.distance != 0];
    reach(1, 0, PriceOf(match, 0) + BytePrice(LiteralTree(profile_, at), new_[at]));
    const uint32_t matched = PriceOf(match, 1);
    if (here.last <= at && here.last <= match_window_) {
      const uint32_t longest = finder_.Length(at - here.last, at, count - i);
      for (uint32_t length = 1; length <= longest; ++length) {
        if (length > kEveryLength) length = longest;
        reach(length, here.last, matched + PriceOf(contexts_.last_distance, 1) +
                                     NumberPrice(contexts_.match_length, length - 1));
      }
    }
    finder_.Advance(at);
    uint32_t seen = kMinMatch - 1;
    finder_.Each(at, count - i, [&](uint32_t place, uint32_t longest) {
      if (at - place > match_window_) return;
      for (uint32_t length = seen + 1; length <= longest; ++length) {
        if (length > kEveryLength) length = longest;
        reach(length, at - place,
              matched + PriceOf(contexts_.last_distance, 0) +
                  NumberPrice(contexts_.match_length, length - kMinMatch) +
                  NumberPrice(contexts_.distance, at - place - 1));
      }
      seen = std::max(seen, longest);
    });
  }
  std::vector<Step> steps;
  for (uint32_t i = count; i != 0; i -= places[i].length) {
    steps.push_back({places[i].length, places[i].distance});
  }
  std::ranges::reverse(steps);
  return steps;
}

uint32_t Encoder::BytePrice(unsigned tree, uint8_t byte) const {
  const unsigned bits = profile_.tree_bits;
  return (8 - bits) * kBitPrice + TreePrice(&trees_[tree << bits], bits, byte >> (8 - bits));
}

void Encoder::Seek(uint32_t to) {
  use_ = BitUse::kSeeks;
  ++result_.copies;
  CodeShift(kSeeks, op_ - pos_, to - pos_, 0);
  op_ = to;
  predictor_.Jump(to);
  const uint32_t address = setting_.map.OldAddress(to);
  const uint32_t shift = setting_.map.NewAddress(pos_) - address;
  table_.Learn(address, shift);
  Touch(recent_[kMisses], shift);
}

ModelDelta Encoder::Encode() {
  WriteSetting();
  size_t next = 0;
  uint32_t plain_end = 0;  // in old: up to here, no place is looked at while the run goes on
  const auto new_size = static_cast<uint32_t>(new_.size());
  const auto old_size = static_cast<uint32_t>(old_.size());
  while (pos_ < new_size) {
    while (next < copies_.size() && pos_ >= copies_[next].new_position + copies_[next].length) ++next;
    const Copy* copy = next < copies_.size() ? &copies_[next] : nullptr;
    bool follows = copy != nullptr && pos_ >= copy->new_position &&
                   op_ == copy->old_position + (pos_ - copy->new_position);
    if (op_ < plain_end && follows && new_[pos_] == PredictedByte()) {
      ++run_;
      ++pos_;
      ++op_;
      continue;
    }
    // The decoder looks at every place where it stands, whatever comes of it; but for plain bytes that it takes as one.
    Unit unit;
    unit.size = 0;
    if (op_ < old_size) unit = predictor_.Look(OldAt(), Available(), op_);
    bool confident = false;
    if (unit.size != 0 && unit.size <= new_size - pos_) {
      if (follows) {
        if (TryUnit(unit, confident)) continue;
      } else {
        // Only for what it does to the table, and to see whether a miss would have been announced here.
        const bool near = table_.Find(unit.target).address != unit.target;
        confident = contexts_.streak[HitContext(profile_, near, missed_, unit.kind)] == kConfident;
      }
    } else if (follows && new_[pos_] == PredictedByte()) {
      uint32_t segment_end;
      setting_.map.OldAddress(op_, segment_end);
      plain_end = std::min(op_ + predictor_.PlainBytes(op_), segment_end);
      ++run_;
      ++pos_;
      ++op_;
      continue;
    }
    EndRun();
    plain_end = 0;
    if (confident) {
      use_ = BitUse::kRunEnds;
      Bit(contexts_.miss_here, 0);
    }
    if (follows) {
      const uint32_t end = copy->new_position + copy->length;
      // A unit that is broken up: to its last byte that differs.
      uint32_t least = std::min(pos_ + unit.size, end);
      while (least > pos_ && new_[least - 1] == old_[op_ + (least - 1 - pos_)]) --least;
      Substitute(least, end);
      continue;
    }
    const bool inside = copy != nullptr && pos_ >= copy->new_position;
    const uint32_t until = inside ? pos_ : copy != nullptr ? copy->new_position : new_size;
    Insert(until - pos_);
    if (pos_ < new_size) Seek(copy->old_position + (pos_ - copy->new_position));
  }
  if (run_ != 0) EndRun();
  result_.bytes = coder_.Finish();
  return std::move(result_);
}

}  // namespace

ModelDelta EncodeModel(Bytes old_image, Bytes new_image, const std::vector<Copy>& copies,
                       const ModelSetting& setting, unsigned profile, uint32_t match_window) {
  return Encoder(old_image, new_image, copies, setting, profile, match_window).Encode();
}

std::vector<uint8_t> MaskAddresses(Bytes image, const ModelSetting& written, bool old_side) {
  const auto size = static_cast<uint32_t>(image.size());
  const Setting setting = SettingOf(written, old_side, size);
  const PairKind pairs = (*setting.architecture).pairs;
  const bool big_endian = (*setting.architecture).big_endian;
  Predictor predictor;
  predictor.Init(setting);
  std::vector<uint8_t> masked(image.begin(), image.end());
  for (uint32_t at = 0; at < size;) {
    const uint32_t address = setting.map.OldAddress(at);
    const Unit unit = predictor.Look(&image[at], std::min(kLookahead, size - at), at);
    if (unit.size == 0) {
      for (uint32_t left = std::min(predictor.PlainBytes(at), size - at); left != 0; --left, ++at) {
        masked[at] = predictor.Predicted(at, image[at]);
      }
      continue;
    }
    uint32_t word = 0;
    if (unit.form == Unit::kPointer) {
      word = kMaskedPointer | (unit.target - setting.map.ram_start < setting.map.ram_size);
    } else if (unit.form == Unit::kRelative) {
      word = kMaskedPointer | 0x10;
    } else if (unit.form == Unit::kUpper) {
      // Both halves of the pair become those of an offset of zero.
      const bool counts_from_here = PairTarget(pairs, unit.word, address, 0) !=
                                    PairTarget(pairs, unit.word, address + kPage, 0);
      word = WithUpper(pairs, unit.word, address, counts_from_here ? address : 0);
      predictor.LearnUpper(unit, address,
                           counts_from_here && pairs == PairKind::kRiscv ? address : 0);
    } else {
      word = WithTarget(*unit.row, unit.word, address, CountFrom(*unit.row, address));
    }
    if (big_endian) {
      StoreBig(&masked[at], unit.size, word);
    } else {
      StoreLittle(&masked[at], unit.size, word);
    }
    at += unit.size;
  }
  return masked;
}

}  // namespace mote
