// SPDX-License-Identifier: Apache-2.0
// Codec model, the device side: rebuilds new from old by predicting it, and decodes only where the prediction was wrong.
// FORMAT.md 6.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "patch/model.h"
#include "patch/range_decoder.h"

namespace mote {

class Patcher;

/// Lives at the start of the patcher's memory; the trees and the shift table stand behind it. Errors go to the patcher.
class ModelDecoder {
 public:
  /// REQUIRES: ModelMemory(profile) bytes at `memory`, aligned like a pointer, to 4 at least; kFirstProfile <= profile < kModelProfiles.
  static void Create(uint8_t* memory, unsigned profile, Patcher& patcher);

  /// One byte of the delta behind its header.
  void Put(uint8_t byte);
  /// There are no more bytes.
  void Finish();
#if MOTE_WITH_IN_PLACE
  /// Goes on where the patcher was paused, without what was read of old before.
  void Continue(bool ended);
#endif

#if MOTE_WITH_CHECKPOINT
  /// Whether the setting was read: before that there is nothing to save.
  bool started() const { return step_ != Step::kSetting; }
  /// REQUIRES: Create was called and, to save, started().
  void Transfer(StateStream& stream);
#endif

 private:
  // Bytes of old that are read at once.
  static constexpr uint32_t kCacheSize = 44;

  // What the next step decodes.
  enum class Step : uint8_t { kItem, kRun, kSubstitution, kInsertion, kSetting };

  // Placement, without <new>.
  static void* operator new(size_t, void* at) noexcept { return at; }

  void Run(unsigned least);
  void Next();
  void ReadSetting();
  void Item();
  uint32_t MissedShift(uint32_t predicted);
  uint32_t CodedShift(ShiftUse use, uint32_t predicted, unsigned scale);
  void PutUnit(uint32_t target);
  void EndRun();
  void Substitute();
  void Insert();
  void Seek();
  Window Old();
  void PutOld(const uint8_t* bytes, uint32_t size);
  const Unit& unit() const { return predictor_.unit(); }
  uint32_t NewPosition() const;
  uint32_t NewAddress() const;
  void Fail();

  unsigned Bit(unsigned index);
  uint32_t Tree(unsigned first, unsigned bits);
  uint32_t Number(unsigned model);
  uint8_t Byte(unsigned tree);
  const ModelProfile& profile() const { return kFirstProfile + 1 == kModelProfiles ? kModelProfile[kFirstProfile] : profile_; }

  // What is used most stands first: Cortex-M0 reaches only the first 32 bytes of an object with a byte load, and 128 with others.
  Step step_;
  bool again_;       // the last thing inserted was a match; the byte substituted is not the first
  bool missed_;      // the last unit was not where it was predicted
  ModelProfile profile_;
  Predictor predictor_;
  Patcher* patcher_;
  uint32_t run_;           // items left that are as predicted
  uint32_t insertion_;     // bytes left of it
#if MOTE_WITH_IN_PLACE
  uint32_t match_;         // of these, bytes left of a match that was paused
#endif
  uint32_t old_position_;
  uint32_t last_seek_;     // where in new
  uint32_t distance_;      // of the last match, less 1
  uint32_t new_check_;
  uint32_t cache_end_;     // in old, or beyond; 0: it is empty, which no place in old, now or after a seek, takes for full
  RangeDecoder coder_;
  ShiftTable table_;
  Setting setting_;
  uint32_t recent_[kShiftUses][kRecentShifts];
  alignas(4) uint8_t cache_[kCacheSize + (kWholeWords ? 4 : 0)];  // the predictor may read behind what is there
  ModelContexts contexts_;  // the trees of bytes follow, then the shift table
};

/// Bytes of memory that a delta with this profile needs; on a device with 32-bit pointers, see kModelRam.
constexpr uint32_t ModelMemory(unsigned profile) {
  return static_cast<uint32_t>(sizeof(ModelDecoder)) + TreeProbabilities(kModelProfile[profile]) * 2 +
         kModelProfile[profile].table_entries * uint32_t{sizeof(ShiftTable::Entry)};
}

}  // namespace mote
