// SPDX-License-Identifier: Apache-2.0
#include "patch/predictor.h"

#include "patch/architectures.h"
#include "patch/bytes.h"
#include "patch/config.h"

#if MOTE_WITH_MODEL

namespace mote {
namespace {


constexpr unsigned kWordSize = 4;
constexpr bool kPairs = MOTE_WITH_PAIRS;

// Where all instructions with an address have four bytes, less is not worth a look.
constexpr bool WholeWords(const Architecture& facts) {
  for (unsigned i = 0; i < facts.row_count; ++i) {
    if (facts.rows[i].size < kWordSize) return false;
  }
  return true;
}
static_assert(!kWholeWords || WholeWords(FactsOf(kWordsOnly)));
// Where an instruction may start at every multiple of the shortest one's size, there is nothing to remember between them.
constexpr bool kFixedSteps = kOneArchitecture && FactsOf(kWordsOnly).long_size == 1 << FactsOf(kWordsOnly).align &&
                             FactsOf(kWordsOnly).short_size == 1 << FactsOf(kWordsOnly).align;
constexpr bool kOneRow = kOneArchitecture && FactsOf(kWordsOnly).row_count == 1;

uint32_t Load(const Architecture& facts, const uint8_t* bytes, unsigned size) {
  return MOTE_WITH_BIG_ENDIAN && facts.big_endian ? LoadBig(bytes, size) : LoadLittle(bytes, size);
}

// The word at `bytes`, or what is left of it.
[[gnu::always_inline]] inline uint32_t WordAt(const Architecture& facts, const uint8_t* bytes, uint32_t available) {
  if (kWholeWords && !facts.big_endian) {
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
  }
  return Load(facts, bytes, available < kWordSize ? available : kWordSize);
}

// The functions from here to LookAt are inline, since the decoder comes here for every few bytes, and only from one place.

// Whether the bytes, which are `word`, start with an instruction that carries an address.
[[gnu::always_inline]] inline bool FindInstruction(const Architecture& chosen, [[maybe_unused]] const uint8_t* bytes,
                                                   uint32_t available, uint32_t address, uint32_t word, Unit& unit) {
  const Architecture& facts = FactsOf(chosen);
  for (unsigned i = 0; i < chosen.row_count; ++i) {
    const UnitRow& row = facts.rows[kOneRow ? 0 : i];
    if (!kWholeWords && row.size > available) continue;
    uint32_t w = word;
    if (MOTE_WITH_BIG_ENDIAN && facts.big_endian && row.size < kWordSize) w = LoadBig(bytes, row.size);
    if ((w & row.mask) == row.match) {
      unit.form = Unit::kRow;
      unit.size = row.size;
      unit.kind = row.kind;
      unit.scale = row.scale;
      unit.word = w;
      unit.row = &row;
      unit.target = TargetOf(row, w, address);
      return true;
    }
    if (kOneRow) break;
  }
#if MOTE_WITH_PAIRS
  const PairKind pairs = chosen.pairs;
  if (available < kWordSize) return false;
  const int r = UpperRegister(pairs, word);
  if (r < 0 || !FindLower(pairs, bytes, available, r, unit.lower)) return false;
  unit.form = Unit::kUpper;
  unit.size = kWordSize;
  unit.kind = 2;
  unit.scale = 0;
  unit.word = word;
  unit.target = PairTarget(pairs, word, address, unit.lower);
  return true;
#else
  return false;
#endif
}

// Whether there is a unit at `bytes`. Where kWholeWords, `available` is not looked at: the caller sees whether the unit fits.
[[gnu::always_inline]] inline bool Find(const Setting& setting, const uint8_t* bytes, uint32_t available, uint32_t address,
                                        bool instruction, Unit& unit) {
  const Architecture& chosen = *setting.architecture;
  const bool code_first = FactsOf(chosen).code_first;
  if (!kOneArchitecture) unit.row = nullptr;
  const uint32_t word = WordAt(FactsOf(chosen), bytes, available);
  const bool aligned = (address & (kWordSize - 1)) == 0 && (kWholeWords || available >= kWordSize);
  if (code_first && instruction && FindInstruction(chosen, bytes, available, address, word, unit)) return true;
  if (aligned && setting.map.IsPointer(word)) {
    unit.form = Unit::kPointer;
    unit.kind = 0;
    unit.target = word;
  } else {
    if (!code_first && instruction && FindInstruction(chosen, bytes, available, address, word, unit)) return true;
    if (!aligned || !setting.relative_words || word + kRelativeReach >= kRelativeReach - kRelativeNearest) return false;
    unit.form = Unit::kRelative;
    unit.kind = 3;
    unit.target = address + word;
  }
  unit.size = kWordSize;
  unit.scale = 0;
  unit.word = word;
  return true;
}

}  // namespace

Unit FindUnit(const Setting& setting, const uint8_t* bytes, uint32_t available, uint32_t address, bool instruction) {
  Unit unit;
  if (!Find(setting, bytes, available, address, instruction, unit)) {
    unit.form = Unit::kNone;
    unit.size = 0;
  }
  return unit;
}

uint32_t SameBitsTarget(const Setting& setting, const Unit& unit, uint32_t address) {
  if (unit.form == Unit::kPointer) return unit.word;
  if (unit.form == Unit::kRelative) return address + unit.word;
#if MOTE_WITH_PAIRS
  if (unit.form == Unit::kUpper) return PairTarget(setting.architecture->pairs, unit.word, address, unit.lower);
#endif
  return TargetOf(RowOf(setting, unit), unit.word, address);
}

uint32_t Retarget(const Setting& setting, const Unit& unit, uint32_t address, uint32_t target) {
  if (unit.form == Unit::kPointer) return target;
  if (unit.form == Unit::kRelative) return target - address;
#if MOTE_WITH_PAIRS
  if (unit.form == Unit::kUpper) return WithUpper(setting.architecture->pairs, unit.word, address, target);
#endif
  return WithTarget(RowOf(setting, unit), unit.word, address, target);
}

[[gnu::always_inline]] inline bool Predictor::LookAt(const uint8_t* bytes, uint32_t available, uint32_t old_position,
                                                     uint32_t address) {
  const Architecture& facts = FactsOf(*setting_->architecture);
  const uint32_t unaligned = (1u << facts.align) - 1;
  uint32_t next = old_position + kWordSize - (address & (kWordSize - 1));
  bool found;
  if (kFixedSteps) {
    found = Find(*setting_, bytes, available, address, old_position >= boundary_ && (old_position & unaligned) == 0, unit_);
    if (found && old_position + unit_.size > boundary_) boundary_ = old_position + unit_.size;
    const uint32_t instruction = (old_position | unaligned) + 1;
    if (next > instruction) next = instruction;
  } else {
    uint32_t boundary = boundary_;
    if (old_position > boundary) boundary = old_position;
    boundary = (boundary + unaligned) & ~unaligned;
    const bool instruction = old_position == boundary;
    uint32_t end = old_position;
#if MOTE_WITH_PAIRS
    if (instruction && PatchLower(bytes, available)) {
      end = patched_end_ = boundary + kWordSize;
      found = false;
    } else
#endif
    {
      found = Find(*setting_, bytes, available, address, instruction, unit_);
      if (found) {
        end += unit_.size;
      } else if (instruction) {
        end += (bytes[0] & facts.length_mask) == facts.length_match ? facts.long_size : facts.short_size;
      }
    }
    if (end > boundary) boundary = end;
    boundary_ = boundary;
    if (next > boundary) next = boundary;
  }
  next_look_ = next;
  return found;
}

const Unit& Predictor::Look(const uint8_t* bytes, uint32_t available, uint32_t old_position) {
  if (!LookAt(bytes, available, old_position, setting_->map.OldAddress(old_position))) {
    unit_.form = Unit::kNone;
    unit_.size = 0;
  }
  return unit_;
}

uint32_t Predictor::Walk(const Window& window, uint32_t old_position, uint32_t limit, uint32_t room) {
  uint32_t stop;
  uint32_t address = setting_->map.OldAddress(old_position, stop);
  stop -= old_position;
  if (stop > limit) stop = limit;
  if (stop > window.usable) stop = window.usable;
  uint32_t plain = 0;
  do {
    if (LookAt(window.bytes + plain, window.size - plain, old_position + plain, address + plain) && unit_.size <= room - plain) {
      return plain;
    }
    plain = next_look_ - old_position;
    // A rewritten instruction's bytes are known until the next look.
  } while (plain < stop && !kPairs);
  unit_.size = 0;
  return plain < stop ? plain : stop;
}

#if MOTE_WITH_PAIRS
void Predictor::LearnUpper(const Unit& unit, uint32_t new_address, uint32_t target) {
  const PairKind pairs = setting_->architecture->pairs;
  const int8_t reg = static_cast<int8_t>(UpperRegister(pairs, unit.word));
  Lower* lower = nullptr;
  for (Lower& known : lowers_) {
    if (known.reg == reg) lower = &known;
  }
  if (lower == nullptr) {
    lower = &lowers_[next_lower_];
    next_lower_ = (next_lower_ + 1) % kLowers;
  }
  *lower = {static_cast<int16_t>(unit.lower), static_cast<int16_t>(LowerOf(pairs, unit.word, new_address, target)), reg};
}

bool Predictor::PatchLower(const uint8_t* bytes, uint32_t available) {
  const PairKind pairs = setting_->architecture->pairs;
  if (pairs == PairKind::kNone || available < kWordSize) return false;
  const uint32_t w = LoadLittle(bytes, kWordSize);
  for (const Lower& known : lowers_) {
    uint32_t bits;
    if (known.reg < 0 || !IsLower(pairs, w, known.reg, bits)) continue;
    const uint32_t behind = bits - static_cast<uint32_t>(int32_t{known.old_bits});
    if (behind + kLowerReach >= 2 * kLowerReach) continue;
    patched_ = WithLower(pairs, w, behind + static_cast<uint32_t>(int32_t{known.new_bits}));
    return true;
  }
  return false;
}
#endif

}  // namespace mote

#endif  // MOTE_WITH_MODEL
