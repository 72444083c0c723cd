// SPDX-License-Identifier: Apache-2.0
// What the encoder and the decoder of codec model share: the statistics, and how numbers are written with them.
// FORMAT.md 6.
#pragma once

#include <stdint.h>

#include "patch/address_map.h"
#include "patch/config.h"
#include "patch/predictor.h"
#include "patch/probability.h"
#include "patch/shift_table.h"

namespace mote {

/// What the delta asks of the device, by the codec's parameter: less memory, larger deltas.
struct alignas(4) ModelProfile {
  uint8_t tree_bits;      ///< of a byte that are coded under adaptive probabilities; the rest are even bits
  uint8_t literal_trees;  ///< 1, or 2: for even and for odd places
  uint8_t table_entries;
  uint8_t kind_mask;      ///< 0: units of all kinds share their statistics
};
constexpr unsigned kModelProfiles = 3;
inline constexpr ModelProfile kModelProfile[kModelProfiles] = {{8, 2, 128, 0xFF}, {7, 1, 40, 0xFF}, {4, 1, 12, 0}};
/// Bytes of RAM that they take on a device with 32-bit pointers, all but the sector buffer included; the last one in a build with
/// MOTE_SMALL_MODEL.
constexpr uint32_t kModelRam[kModelProfiles] = {4096, 2048, 1024};
/// The first that this build can decode.
constexpr unsigned kFirstProfile = MOTE_SMALL_MODEL ? 2 : 0;

/// Numbers of any size, mostly small ones: value + 1 has so many bits behind its leading one, which a tree tells; those are even bits.
struct NumberModel {
  static constexpr unsigned kBits = 5;
  Probability tree[1 << kBits];  // that at 0 is not used
};

constexpr unsigned kUnitKinds = 4;
/// Lists of recent shifts: of addresses, for units that are not where they are predicted, and of positions, for seeks.
enum ShiftUse { kMisses, kSeeks };
constexpr unsigned kShiftUses = 2;
constexpr unsigned kRecentShifts = 4;
/// Shortest match inside an insertion; with the distance of the last one, any length is worth it.
constexpr uint32_t kMinMatch = 3;
/// After so many right predictions in a row a context says nothing more about its units but when one is wrong.
constexpr unsigned kConfident = 255;
/// A unit's contexts, for each kind.
constexpr unsigned kHitContexts = 4;

/// All statistics but the trees of bytes. What is a single probability stands first, where short instructions reach it.
struct ModelContexts {
  static constexpr unsigned kHits = kHitContexts * (MOTE_SMALL_MODEL ? 1 : kUnitKinds);
  uint8_t streak[kHits];  // right predictions in a row
  Probability hit[kHits];
  Probability miss_here;
  Probability inserts;
  Probability old_bits;
  Probability more[2];  // after the first substituted byte, after another
  Probability match[2];  // after a literal, after a match
  Probability last_distance;
  Probability recent_shift[kShiftUses * kRecentShifts];
  Probability negative[kShiftUses];
  NumberModel shift, run, insertion, match_length, distance;
};

/// Most units are where they are predicted.
constexpr Probability kHitChance = 0xF843;

/// Sets the statistics as they are at the start of every delta, and the trees' probabilities, if they follow, up to `end`.
/// REQUIRES: all streaks are 0.
inline void Init(ModelContexts& contexts, Probability* end) {
  for (Probability* p = contexts.hit; p != end; ++p) *p = kEvenChance;
  for (Probability& hit : contexts.hit) hit = kHitChance;
}
inline void Init(ModelContexts& contexts) {
  for (uint8_t& streak : contexts.streak) streak = 0;
  Init(contexts, reinterpret_cast<Probability*>(&contexts + 1));
}

/// The trees' probabilities: that of the residuals, then those of the literals.
constexpr uint32_t TreeProbabilities(const ModelProfile& profile) {
  return (1u + profile.literal_trees) << profile.tree_bits;
}

/// Which tree a literal is coded with: the halves of an instruction have different habits.
inline unsigned LiteralTree(const ModelProfile& profile, uint32_t new_position) {
  return 1 + (new_position & (profile.literal_trees - 1u));
}

/// The context of a unit's answer: whether the shift is that of another address, whether the last answer was no, its kind.
inline unsigned HitContext(const ModelProfile& profile, bool near, bool missed, unsigned kind) {
  return (kind & profile.kind_mask) * kHitContexts + near * 2u + missed;
}

/// Moves `latest` to the front of distinct values; what is behind the last is forgotten.
inline void Touch(uint32_t* recent, uint32_t latest) {
  uint32_t next = latest;
  for (unsigned i = 0; i < kRecentShifts; ++i) {
    const uint32_t value = recent[i];
    recent[i] = next;
    if (value == latest) return;
    next = value;
  }
}

}  // namespace mote
