// SPDX-License-Identifier: Apache-2.0
#include "patch/predictor.h"

#include "patch/bytes.h"
#include "patch/config.h"

namespace mote {
namespace {

constexpr bool kPairs = MOTE_WITH_RISCV || MOTE_WITH_AARCH64;
constexpr unsigned kWordSize = 4;

uint32_t Load(const Architecture& architecture, const uint8_t* bytes, unsigned size) {
  return MOTE_WITH_BIG_ENDIAN && architecture.big_endian ? LoadBig(bytes, size) : LoadLittle(bytes, size);
}

void FindInstruction(const Architecture& architecture, const uint8_t* bytes, uint32_t available, uint32_t address, Unit& unit) {
  for (unsigned i = 0; i < architecture.row_count; ++i) {
    const UnitRow& row = architecture.rows[i];
    if (row.size > available) continue;
    const uint32_t w = Load(architecture, bytes, row.size);
    if ((w & row.mask) != row.match) continue;
    unit = {Unit::kRow, row.size, row.kind, row.scale, w, TargetOf(row, w, address), 0, &row};
    return;
  }
  if (!kPairs || available < kWordSize) return;
  const PairKind pairs = architecture.pairs;
  const uint32_t w = LoadLittle(bytes, kWordSize);
  const int r = UpperRegister(pairs, w);
  uint32_t lower;
  if (r < 0 || !FindLower(pairs, bytes, available, r, lower)) return;
  unit = {Unit::kUpper, kWordSize, 2, 0, w, PairTarget(pairs, w, address, lower), lower, nullptr};
}

}  // namespace

Unit FindUnit(const Setting& setting, const uint8_t* bytes, uint32_t available, uint32_t address, bool instruction) {
  const Architecture& architecture = *setting.architecture;
  Unit unit;
  unit.form = Unit::kNone;
  unit.size = 0;
  const bool aligned = (address & (kWordSize - 1)) == 0 && available >= kWordSize;
  const uint32_t word = aligned ? Load(architecture, bytes, kWordSize) : 0;
  if (instruction && architecture.code_first) FindInstruction(architecture, bytes, available, address, unit);
  if (unit.size == 0 && aligned && setting.map.IsPointer(word)) {
    unit = {Unit::kPointer, kWordSize, 0, 0, word, word, 0, nullptr};
  }
  if (unit.size == 0 && instruction && !architecture.code_first) FindInstruction(architecture, bytes, available, address, unit);
  if (unit.size == 0 && aligned && setting.relative_words && word >= 0u - kRelativeReach && word < 0u - kRelativeNearest) {
    unit = {Unit::kRelative, kWordSize, 3, 0, word, address + word, 0, nullptr};
  }
  return unit;
}

uint32_t SameBitsTarget(const Setting& setting, const Unit& unit, uint32_t address) {
  if (unit.form == Unit::kPointer) return unit.word;
  if (unit.form == Unit::kRelative) return address + unit.word;
  if (kPairs && unit.form == Unit::kUpper) return PairTarget(setting.architecture->pairs, unit.word, address, unit.lower);
  return TargetOf(*unit.row, unit.word, address);
}

uint32_t Retarget(const Setting& setting, const Unit& unit, uint32_t address, uint32_t target) {
  if (unit.form == Unit::kPointer) return target;
  if (unit.form == Unit::kRelative) return target - address;
  if (kPairs && unit.form == Unit::kUpper) return WithUpper(setting.architecture->pairs, unit.word, address, target);
  return WithTarget(*unit.row, unit.word, address, target);
}

Unit Predictor::Look(const uint8_t* bytes, uint32_t available, uint32_t old_position) {
  const Architecture& architecture = *setting_->architecture;
  if (old_position > boundary_) boundary_ = old_position;
  const uint32_t unaligned = (1u << architecture.align) - 1;
  boundary_ = (boundary_ + unaligned) & ~unaligned;
  const bool instruction = old_position == boundary_;
  if (kPairs && instruction && PatchLower(bytes, available)) {
    boundary_ += kWordSize;
    patched_end_ = boundary_;
    Unit none;
    none.form = Unit::kNone;
    none.size = 0;
    return none;
  }
  const Unit unit = FindUnit(*setting_, bytes, available, setting_->map.OldAddress(old_position), instruction);
  uint32_t step = unit.size;
  if (step == 0 && instruction) {
    step = (bytes[0] & architecture.length_mask) == architecture.length_match ? architecture.long_size : architecture.short_size;
  }
  if (old_position + step > boundary_) boundary_ = old_position + step;
  return unit;
}

uint32_t Predictor::PlainBytes(uint32_t old_position) const {
  // Up to the next instruction or the next aligned word.
  const uint32_t address = setting_->map.OldAddress(old_position);
  uint32_t bytes = kWordSize - (address & (kWordSize - 1));
  if (boundary_ > old_position && boundary_ - old_position < bytes) bytes = boundary_ - old_position;
  return bytes;
}

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
  *lower = {reg, unit.lower, LowerOf(pairs, unit.word, new_address, target)};
}

bool Predictor::PatchLower(const uint8_t* bytes, uint32_t available) {
  const PairKind pairs = setting_->architecture->pairs;
  if (pairs == PairKind::kNone || available < kWordSize) return false;
  const uint32_t w = LoadLittle(bytes, kWordSize);
  for (const Lower& known : lowers_) {
    uint32_t bits;
    if (known.reg < 0 || !IsLower(pairs, w, known.reg, bits)) continue;
    if (bits - known.old_bits + kLowerReach >= 2 * kLowerReach) continue;
    patched_ = WithLower(pairs, w, bits - known.old_bits + known.new_bits);
    return true;
  }
  return false;
}

}  // namespace mote
