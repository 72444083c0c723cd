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
static_assert(!kWholeWords || WholeWords(kTheArchitecture));

uint32_t Load(const Architecture& facts, const uint8_t* bytes, unsigned size) {
  return MOTE_WITH_BIG_ENDIAN && facts.big_endian ? LoadBig(bytes, size) : LoadLittle(bytes, size);
}

// The word at `bytes`, or what is left of it.
[[gnu::always_inline]] inline uint32_t WordAt(const Architecture& facts, const uint8_t* bytes, uint32_t available) {
  if (kWholeWords && kFixedSteps) {
    // Looked at in steps of two bytes at least, which the decoder's window keeps aligned.
    using Half [[gnu::may_alias]] = uint16_t;
    const Half* const halves = reinterpret_cast<const Half*>(bytes);
    return halves[0] | static_cast<uint32_t>(halves[1]) << 16;
  }
  return Load(facts, bytes, available < kWordSize ? available : kWordSize);
}

// The functions from here to LookAt are inline, since the decoder comes here for every few bytes, and only from one place.

[[gnu::always_inline]] inline void SetFacts(Unit& unit, unsigned size, unsigned kind, unsigned scale, const UnitRow* row) {
  if (kOneRow) return;
  unit.size = static_cast<uint8_t>(size);
  unit.kind = static_cast<uint8_t>(kind);
  unit.scale = static_cast<uint8_t>(scale);
  unit.row = row;
}

// Whether the bytes, which are `word`, start with an instruction that carries an address.
[[gnu::always_inline]] inline bool FindInstruction(ChosenArchitecture chosen, [[maybe_unused]] const uint8_t* bytes,
                                                   uint32_t available, uint32_t address, uint32_t word, Unit& unit) {
  const Architecture& facts = *chosen;
  for (unsigned i = 0; i < chosen.row_count(); ++i) {
    const UnitRow& row = kOneRow ? kOnlyRow : facts.rows[i];
    if (!kWholeWords && row.size > available) continue;
    uint32_t w = word;
    if (MOTE_WITH_BIG_ENDIAN && facts.big_endian && row.size < kWordSize) w = LoadBig(bytes, row.size);
    if ((w & row.mask) == row.match) {
      unit.form = Unit::kRow;
      unit.word = w;
      unit.target = TargetOf(row, w, address);
      SetFacts(unit, row.size, row.kind, row.scale, &row);
      return true;
    }
    if (kOneRow) break;
  }
#if MOTE_WITH_PAIRS
  const PairKind pairs = facts.pairs;
  // Where RISC-V or AArch64 is the one instruction set, an image of pointers only has its facts.
  if (available < kWordSize || chosen.row_count() == 0) return false;
  const int r = UpperRegister(pairs, word);
  if (r < 0 || !FindLower(pairs, bytes, available, r, unit.lower)) return false;
  unit.form = Unit::kUpper;
  unit.word = word;
  unit.target = PairTarget(pairs, word, address, unit.lower);
  SetFacts(unit, kWordSize, Unit::kUpper, 0, nullptr);
  return true;
#else
  return false;
#endif
}

// Finds the unit at `bytes`. Where kWholeWords, `available` is not looked at: the caller sees whether the unit fits.
[[gnu::always_inline]] inline void Find(const Setting& setting, const uint8_t* bytes, uint32_t available, uint32_t address,
                                        bool aligned, bool instruction, Unit& unit) {
  const ChosenArchitecture chosen = setting.architecture;
  const bool code_first = (*chosen).code_first;
  const uint32_t word = WordAt(*chosen, bytes, available);
  if (!kWholeWords && available < kWordSize) aligned = false;
  if (code_first && instruction && FindInstruction(chosen, bytes, available, address, word, unit)) return;
  if (aligned && setting.map.IsPointer(word)) {
    unit.form = Unit::kPointer;
    unit.target = word;
    SetFacts(unit, kWordSize, Unit::kPointer, 0, nullptr);
  } else {
    if (!code_first && instruction && FindInstruction(chosen, bytes, available, address, word, unit)) return;
    unit.form = Unit::kNone;
    if (!kOneRow) unit.size = 0;
    if (!aligned || !setting.relative_words || word + kRelativeReach >= kRelativeReach - kRelativeNearest) return;
    unit.form = Unit::kRelative;
    unit.target = address + word;
    SetFacts(unit, kWordSize, Unit::kRelative, 0, nullptr);
  }
  unit.word = word;
}

}  // namespace

Unit FindUnit(const Setting& setting, const uint8_t* bytes, uint32_t available, uint32_t address, bool aligned, bool instruction) {
  Unit unit;
  Find(setting, bytes, available, address, aligned, instruction, unit);
  return unit;
}

bool Predictor::MayStart(uint32_t old_position) const {
  const Architecture& facts = *setting_->architecture;
  const uint32_t unaligned = (1u << facts.align) - 1;
  if (kOneArchitecture ? kFixedSteps : FixedSteps(facts)) return (old_position & unaligned) == 0;
  const uint32_t boundary = old_position > boundary_ ? old_position : boundary_;
  return old_position == ((boundary + unaligned) & ~unaligned);
}

[[gnu::always_inline]] inline void Predictor::LookAt(const uint8_t* bytes, uint32_t available, uint32_t old_position,
                                                     uint32_t address) {
  const Architecture& facts = *setting_->architecture;
  const uint32_t unaligned = (1u << facts.align) - 1;
  const bool aligned = old_position % kWordSize == 0;
  if (kOneArchitecture ? kFixedSteps : FixedSteps(facts)) {
    next_look_ = (old_position | unaligned) + 1;
    if ((old_position & unaligned) == 0) {
      Find(*setting_, bytes, available, address, aligned, true, unit_);
    } else {
      unit_.form = Unit::kNone;
      if (!kOneRow) unit_.size = 0;
    }
    return;
  }
  uint32_t boundary = boundary_;
  if (old_position > boundary) boundary = old_position;
  boundary = (boundary + unaligned) & ~unaligned;
  const bool instruction = old_position == boundary;
  uint32_t end = old_position;
#if MOTE_WITH_PAIRS
  if (instruction && PatchLower(bytes, available)) {
    end = patched_end_ = boundary + kWordSize;
    unit_.form = Unit::kNone;
    unit_.size = 0;
  } else
#endif
  {
    Find(*setting_, bytes, available, address, aligned, instruction, unit_);
    if (unit_.form != Unit::kNone) {
      end += SizeOf(unit_);
    } else if (instruction) {
      end += (bytes[0] & facts.length_mask) == facts.length_match ? facts.long_size : facts.short_size;
    }
  }
  if (end > boundary) boundary = end;
  boundary_ = boundary;
  const uint32_t next = (old_position | (kWordSize - 1)) + 1;
  next_look_ = next < boundary ? next : boundary;
}

const Unit& Predictor::Look(const uint8_t* bytes, uint32_t available, uint32_t old_position) {
  LookAt(bytes, available, old_position, setting_->map.OldAddress(old_position));
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
    LookAt(window.bytes + plain, window.size - plain, old_position + plain, address + plain);
    if (unit_.form != Unit::kNone) {
      if (SizeOf(unit_) <= room - plain) return plain;
      unit_.form = Unit::kNone;
    }
    plain = next_look_ - old_position;
    // A rewritten instruction's bytes are known until the next look.
  } while (plain < stop && !kPairs);
  return plain < stop ? plain : stop;
}

#if MOTE_WITH_PAIRS
void Predictor::LearnUpper(const Unit& unit, uint32_t new_address, uint32_t target) {
  const PairKind pairs = (*setting_->architecture).pairs;
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
  const PairKind pairs = (*setting_->architecture).pairs;
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
