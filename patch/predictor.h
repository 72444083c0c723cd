// SPDX-License-Identifier: Apache-2.0
// Walks through old and predicts what new has in its place. The encoder and the decoder ask it the same questions in the same
// order, and so get the same answers. FORMAT.md 6.4 to 6.7.
#pragma once

#include <stdint.h>

#include "patch/address_map.h"
#include "patch/architectures.h"
#include "patch/pair.h"
#include "patch/shift_table.h"

namespace mote {

/// Words that are offsets from where they stand (jump tables) reach this far back, and no nearer than the other.
constexpr uint32_t kRelativeReach = 1u << 20;
constexpr uint32_t kRelativeNearest = 256;

/// How many bytes from the current one on Look may want to see.
constexpr uint32_t kLookahead = MOTE_WITH_PAIRS ? kPairBytes : 4;

/// Something in old that carries an address.
struct Unit {
  enum Form : uint8_t { kPointer, kRow, kUpper, kRelative, kNone };

  Form form;
  // Where one row is all there is, these three follow from the form, and are not written: ask KindOf and its like.
  uint8_t size;   ///< bytes; 0: there is no unit
  uint8_t kind;   ///< 0 pointer, 1 to 3; part of the statistics' contexts
  uint8_t scale;  ///< targets are multiples of 2^scale
  uint32_t word;  ///< the bytes, as a number
  uint32_t target;
  const UnitRow* row;  ///< kRow
#if MOTE_WITH_PAIRS
  uint32_t lower;  ///< kUpper: the lower part that it was found with
#endif
};

/// What both images have in common.
struct Setting {
  ChosenArchitecture architecture;
  uint32_t relative_words;  // whether they are looked for
  AddressMap map;
};

/// The row that `unit`, a kRow, was found by, and what else may follow from its form.
constexpr const UnitRow& RowOf(const Unit& unit) { return kOneRow ? kOnlyRow : *unit.row; }
constexpr unsigned SizeOf(const Unit& unit) { return kOneRow ? unsigned{kOnlyRow.size} : unit.size; }
constexpr unsigned KindOf(const Unit& unit) { return kOneRow ? static_cast<unsigned>(unit.form) : unit.kind; }
constexpr unsigned ScaleOf(const Unit& unit) { return !kOneRow ? unit.scale : unit.form == Unit::kRow ? kOnlyRow.scale : 0u; }
static_assert(!kOneRow || (kOnlyRow.size == 4 && kOnlyRow.kind == Unit::kRow));

/// The unit at old's or new's `bytes`, `available` of them, at `address`. A pointer or a relative word may stand here if the place is
/// `aligned`, and an instruction may start here if `instruction`.
Unit FindUnit(const Setting& setting, const uint8_t* bytes, uint32_t available, uint32_t address, bool aligned, bool instruction);

/// How far what the bits of `unit` refer to moves when it moves from `old_address` to `new_address`.
inline uint32_t SameBitsShift([[maybe_unused]] const Setting& setting, const Unit& unit, uint32_t old_address,
                              uint32_t new_address) {
  if (unit.form == Unit::kPointer) return 0;
  if (unit.form == Unit::kRow) return CountFrom(RowOf(unit), new_address) - CountFrom(RowOf(unit), old_address);
#if MOTE_WITH_PAIRS
  if (unit.form == Unit::kUpper) {
    const PairKind pairs = (*setting.architecture).pairs;
    return PairTarget(pairs, unit.word, new_address, 0) - PairTarget(pairs, unit.word, old_address, 0);
  }
#endif
  return new_address - old_address;
}

/// The bytes of `unit` if it stood at `address` and referred to `target`, as a number.
inline uint32_t Retarget([[maybe_unused]] const Setting& setting, const Unit& unit, uint32_t address, uint32_t target) {
  if (unit.form == Unit::kPointer) return target;
  if (unit.form == Unit::kRow) return WithTarget(RowOf(unit), unit.word, address, target);
#if MOTE_WITH_PAIRS
  if (unit.form == Unit::kUpper) return WithUpper((*setting.architecture).pairs, unit.word, address, target);
#endif
  return target - address;
}

/// Bytes of old that are at hand, of which the last ones may not be looked at: their lookahead may be missing.
struct Window {
  const uint8_t* bytes;
  uint32_t size, usable;
};

class Predictor {
 public:
  void Init(const Setting& setting) {
    setting_ = &setting;
    boundary_ = 0;
#if MOTE_WITH_PAIRS
    patched_end_ = 0;
    for (Lower& lower : lowers_) lower.reg = -1;
    next_lower_ = 0;
#endif
  }

  /// Goes to another place in old: what was known of the instructions here holds no longer.
  void Jump(uint32_t old_position) {
    boundary_ = old_position;
#if MOTE_WITH_PAIRS
    patched_end_ = 0;
#endif
  }

  /// What stands at `old_position`: an instruction, perhaps with an address, or just bytes. `bytes`: min(kLookahead, what is left)
  /// bytes of old from there. Call it once for each item.
  const Unit& Look(const uint8_t* bytes, uint32_t available, uint32_t old_position);

  /// Looks from `old_position` on until a unit comes that is not larger than what is left of old and of new: `room` before the
  /// first byte. Returns how many plain bytes are before it, at most `limit` (a limit of 0 takes one look). Without a unit,
  /// the form of unit() is kNone. REQUIRES: three more bytes may be read behind the window.
  uint32_t Walk(const Window& window, uint32_t old_position, uint32_t limit, uint32_t room);

  /// What the last look found.
  const Unit& unit() const { return unit_; }

  /// Whether an instruction may start at `old_position`, seen from what was looked at last.
  bool MayStart(uint32_t old_position) const;

  /// Byte `old_position`, which is `old_byte`, as it is predicted when it belongs to no unit.
  uint8_t Predicted([[maybe_unused]] uint32_t old_position, uint8_t old_byte) const {
#if MOTE_WITH_PAIRS
    const uint32_t left = patched_end_ - old_position;
    if (left - 1 < 4) return static_cast<uint8_t>(patched_ >> (32 - 8 * left));
#endif
    return old_byte;
  }

  /// Bytes from `old_position` on, which was just looked at, that are plain ones before something has to be looked at again: up
  /// to the next instruction or the next aligned word.
  uint32_t PlainBytes(uint32_t old_position) const { return next_look_ - old_position; }

#if MOTE_WITH_PAIRS
  /// The upper part unit() became one for `target` at `new_address`: the lower parts that follow will fit.
  void LearnUpper(uint32_t new_address, uint32_t target) { LearnUpper(unit_, new_address, target); }
  void LearnUpper(const Unit& unit, uint32_t new_address, uint32_t target);
#endif

  /// Names what is known between two items. REQUIRES: Init was called.
  void Transfer(StateStream& stream) {
    stream.Number(boundary_);
#if MOTE_WITH_PAIRS
    stream.Number(patched_);
    stream.Number(patched_end_);
    stream.Number(next_lower_);
    stream.Require(next_lower_ < kLowers);
    for (Lower& lower : lowers_) {
      stream.Number(lower.old_bits);
      stream.Number(lower.new_bits);
      stream.Number(lower.reg);
      stream.Require(lower.reg >= -1 && lower.reg < 32);
    }
#endif
  }

 private:
  void LookAt(const uint8_t* bytes, uint32_t available, uint32_t old_position, uint32_t address);

  const Setting* setting_;
  uint32_t boundary_;
  uint32_t next_look_;  // in old: the next aligned word or instruction behind what was last looked at
  Unit unit_;
#if MOTE_WITH_PAIRS
  struct Lower {
    int16_t old_bits, new_bits;  // 12 bits, with their sign where it counts
    int8_t reg;
  };
  // A lower part with bits this near to those seen belongs to the same object.
  static constexpr uint32_t kLowerReach = 16;
  static constexpr unsigned kLowers = 4;

  bool PatchLower(const uint8_t* bytes, uint32_t available);

  uint32_t patched_;      // an instruction whose lower part was rewritten,
  uint32_t patched_end_;  // and where it ends in old
  Lower lowers_[kLowers];
  uint8_t next_lower_;
#endif
};

}  // namespace mote
