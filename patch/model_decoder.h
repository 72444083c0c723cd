// SPDX-License-Identifier: Apache-2.0
// Codec model, the device side: rebuilds new from old by predicting it, and decodes only where the prediction was wrong.
// FORMAT.md 6.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "patch/model.h"
#include "patch/range_decoder.h"
#include "patch/status.h"

namespace mote {

class Patcher;

/// Lives at the start of the patcher's memory; the trees and the shift table stand behind it.
class ModelDecoder {
 public:
  /// REQUIRES: ModelMemory(profile) bytes at `memory`, aligned to 4; profile < kModelProfiles.
  static ModelDecoder* Create(uint8_t* memory, unsigned profile, Patcher& patcher, uint32_t old_size, uint32_t new_size);

  /// One byte of the delta behind its header. kNeedInput: go on. kDone, or an error as Patcher::Write.
  Status Put(uint8_t byte);
  /// There are no more bytes.
  Status Finish();

 private:
  // What the next step decodes.
  enum class Step : uint8_t { kSetting, kRun, kItem, kSubstitution, kInserted, kSeek };

  // Placement, without <new>.
  static void* operator new(size_t, void* at) noexcept { return at; }

  Status Work(bool finish);
  Status Next();
  Status ReadSetting();
  Status Item();
  Status Hit(const Unit& unit, uint32_t target);
  Status Miss(const Unit& unit, uint32_t shift);
  Status PutUnit(const Unit& unit, uint32_t word);
  Status Substitute();
  Status Insert();
  Status Repeat(bool after_match);
  Status Seek();
  Status CopyByte();
  Status PutNew(uint8_t byte);
  Status Old(uint32_t wanted, const uint8_t*& bytes);

  unsigned Bit(Probability& probability) { return coder_.Bit(probability); }
  unsigned Class(unsigned value) const { return value & profile_.class_mask; }
  uint32_t Number(NumberModel& model);
  uint32_t EvenNumber();
  unsigned Tree(unsigned tree);

  // Bytes first: Cortex-M0 reaches only the first 32 bytes of an object with a byte load.
  Step step_;
  Event event_;            // that the last run ended with
  bool matched_;           // the last thing inserted was a match
  bool corrupt_;           // a number was out of range
  uint8_t history_;        // the units' last answers, a bit each: 1 is wrong
  uint8_t last_byte_;      // of new
  uint8_t substituted_;    // bytes in a row, up to 3
  uint8_t cached_;         // bytes of old in cache_
  ModelProfile profile_;
  uint32_t run_;           // items left that are as predicted
  uint32_t insertion_;     // bytes left of it
  uint32_t old_size_, new_size_;
  uint32_t old_position_, new_position_;
  uint32_t last_seek_;     // where in new
  uint32_t distance_;      // of the last match
  uint32_t new_check_;
  uint32_t cache_start_;
  Patcher* patcher_;
  Probability* trees_;
  Recent<kRecentShifts> shifts_;
  Recent<kRecentDiagonals> diagonals_;
  ShiftTable table_;
  Setting setting_;
  Predictor predictor_;
  uint8_t cache_[64];
  RangeDecoder coder_;
  ModelContexts contexts_;
};

/// Bytes of memory that a delta with this profile needs; on a device with 32-bit pointers, see kModelRam.
constexpr uint32_t ModelMemory(unsigned profile) {
  return static_cast<uint32_t>(sizeof(ModelDecoder)) + TreeProbabilities(kModelProfile[profile]) * 2 +
         ShiftTableBytes(kModelProfile[profile].table_entries);
}

}  // namespace mote
