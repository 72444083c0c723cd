// SPDX-License-Identifier: Apache-2.0
// Alignment: which parts of the new image are copied, with small differences, from where in the old one.
#pragma once

#include <stdint.h>

#include <functional>
#include <span>
#include <vector>

#include "diff/suffix_array.h"

namespace mote {

/// One stretch of new that resembles old: new[new_position + i] is rebuilt from old[old_position + i], plus a
/// difference where the two are not equal. What lies between two copies is inserted.
struct Copy {
  uint32_t new_position;
  uint32_t old_position;
  uint32_t length;
};

/// What the aligner believes each choice costs, in 1/16 bit. The codec that will code the commands knows best.
struct AlignCosts {
  int difference_start = 15 * 16;  ///< a byte that differs, after one that did not
  int difference_next = 8 * 16;    ///< another one behind it
  int insert_start = 8 * 16;       ///< the command that starts an insertion
  int insert_byte = 116;           ///< an inserted byte
  int copy_start = 28 * 16;        ///< the command that starts a copy elsewhere, without its distance
  int distance_bit = 16;           ///< each doubling of the distance of that jump
};

/// As a lowest diagonal: no limit.
constexpr int64_t kAnyDiagonal = INT64_MIN;

/// Finds the cheapest way to write new as copies from old and insertions.
///
/// Seeds come from the suffix array: the longest exact match at each place of new that no good copy covers yet, each
/// extended both ways along its diagonal (the constant difference of the two positions) while it keeps resembling.
/// Then dynamic programming (Viterbi's algorithm) over new, with the diagonals as states, finds the path of least cost.
/// Deterministic: integers only. Returns copies in order of new_position, not overlapping there.
///
/// @param lowest_diagonal no byte is copied from further back than this: old position - new position is at least so many
/// bytes. What an update in place has overwritten cannot be read any more.
/// @param progress called now and then with the share that is done, 0 to 1; may be empty. It may throw to cancel.
std::vector<Copy> Align(const SuffixArray& index, std::span<const uint8_t> old_image,
                        std::span<const uint8_t> new_image, const AlignCosts& costs,
                        const std::function<void(double)>& progress,
                        int64_t lowest_diagonal = kAnyDiagonal);

}  // namespace mote
