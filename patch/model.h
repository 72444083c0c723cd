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
  uint8_t literal_trees;  ///< 1, or 3: chosen by LiteralTree
  uint8_t table_entries;
  uint8_t class_mask;     ///< 0: statistics that exist once for each class of something are shared by all its classes
};
constexpr unsigned kModelProfiles = 3;
inline constexpr ModelProfile kModelProfile[kModelProfiles] = {{8, 3, 64, 0xFF}, {7, 1, 24, 0xFF}, {4, 1, 12, 0}};
/// Bytes of RAM that they take on a device with 32-bit pointers, all but the sector buffer included; the last one in a build with
/// MOTE_SMALL_MODEL.
constexpr uint32_t kModelRam[kModelProfiles] = {4096, 2048, 1024};
/// The first that this build can decode.
constexpr unsigned kFirstProfile = MOTE_SMALL_MODEL ? 2 : 0;

/// Numbers of any size, mostly small ones: Exp-Golomb codes (Elias gamma of value + 1) with adaptive prefix bits and two adaptive
/// bits behind the leading one.
struct NumberModel {
  static constexpr unsigned kPrefixes = 16;
  Probability prefix[kPrefixes];
  Probability first[2];   // the bit behind the leading one, of two-bit numbers and of longer ones
  Probability second[2];  // the next, by the one before
};

/// The last thing that a run ended with; statistics of the next run and of what ends it depend on it.
enum class Event : uint8_t { kStart, kMiss, kSubstitution, kInsertion };
constexpr unsigned kEvents = 4;

constexpr unsigned kUnitKinds = 4;
constexpr unsigned kRecentShifts = 4;
constexpr unsigned kRecentDiagonals = 3;
/// Shortest match inside an insertion; with the distance of the last one, any length is worth it.
constexpr uint32_t kMinMatch = 3;
/// After so many right predictions in a row a context says nothing more about its units but when one is wrong.
constexpr unsigned kConfident = 255;

/// How many classes of something a build keeps statistics for.
constexpr unsigned Classes(unsigned count) { return MOTE_SMALL_MODEL ? 1 : count; }

/// All statistics but the trees. What is a single probability stands first, where short instructions reach it.
struct ModelContexts {
  uint8_t streak[12 * Classes(kUnitKinds)];  // right predictions in a row
  Probability hit[12 * Classes(kUnitKinds)];
  Probability miss_here[Classes(kEvents)];
  Probability inserts[Classes(kEvents)];
  Probability more[Classes(4)];
  Probability old_bits[Classes(kUnitKinds)];
  Probability recent_shift[kRecentShifts];
  Probability negative[2];  // misses, seeks
  Probability recent_diagonal[kRecentDiagonals];
  Probability match[2];  // after a literal, after a match
  Probability last_distance;
  NumberModel run[Classes(kEvents)];
  NumberModel insertion, seek;
  NumberModel miss[Classes(2)];          // of code, of pointers
  NumberModel match_length[Classes(2)];  // at the last distance, at another
  NumberModel distance[Classes(4)];      // by length
};

/// Most units are where they are predicted, matches are rare, and runs are not short.
constexpr Probability kHitChance = 0xF843;
constexpr Probability kMatchChance = 0x0CC3;
constexpr Probability kLongRunChance = 0xD001;
constexpr unsigned kLongRunPrefixes = 6;

/// What Adapted makes of the probability of a hit when a unit of a confident context is a miss: after that many right answers it
/// stands still at 0xFE0 / 4096, wherever it came from (171 of them do).
constexpr Probability kMissedHitChance = 0xF61F;
static_assert(Adapted(0xFE0F, 1, kFlagLimit) == 0xFE0F && Adapted(0xFE0F, 0, kFlagLimit) == kMissedHitChance);

/// Sets the statistics as they are at the start of every delta, and the trees' probabilities, if they follow, up to `end`.
/// REQUIRES: all streaks are 0.
inline void Init(ModelContexts& contexts, Probability* end) {
  for (Probability* p = contexts.hit; p != end; ++p) *p = kEvenChance;
  for (Probability& hit : contexts.hit) hit = kHitChance;
  for (NumberModel& run : contexts.run) {
#pragma GCC unroll 1
    for (unsigned i = 0; i < kLongRunPrefixes; ++i) run.prefix[i] = kLongRunChance;
  }
  contexts.match[0] = kMatchChance;
}
inline void Init(ModelContexts& contexts) {
  for (uint8_t& streak : contexts.streak) streak = 0;
  Init(contexts, reinterpret_cast<Probability*>(&contexts + 1));
}

/// The trees' probabilities: that of the residuals, then those of the literals.
constexpr uint32_t TreeProbabilities(const ModelProfile& profile) {
  return (1u + profile.literal_trees) << profile.tree_bits;
}

/// Which tree a literal is coded with: the bytes of an instruction have different habits, and the byte before tells more.
inline unsigned LiteralTree(const ModelProfile& profile, bool halfwords, uint32_t new_position, uint8_t previous_byte) {
  if (profile.literal_trees == 1) return 0;
  if (halfwords) return (new_position & 1) == 0 ? 0 : 1u + (previous_byte >= 0x40);
  return previous_byte < 0x40 ? 0 : 1u + (previous_byte >> 7);
}

/// The context of a unit's answer: how its shift was found, the last two answers, its kind.
inline unsigned HitContext(const ModelProfile& profile, ShiftTable::Found found, unsigned history, unsigned kind) {
  return (kind & profile.class_mask) * 12 + found * 4u + (history & 3);
}

/// Moves `latest` to the front of distinct values; what is behind `last` is forgotten.
[[gnu::noinline]] inline void Touch(uint32_t* values, const uint32_t* last, uint32_t latest) {
  uint32_t next = latest;
  while (true) {
    const uint32_t value = *values;
    *values = next;
    if (value == latest || values == last) return;
    next = value;
    ++values;
  }
}

/// The latest distinct values of something, the last first.
template <unsigned kCount>
struct Recent {
  uint32_t value[kCount];

  void Touch(uint32_t latest) { mote::Touch(value, value + kCount - 1, latest); }
};

}  // namespace mote
