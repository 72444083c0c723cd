// SPDX-License-Identifier: Apache-2.0
// What updates in place cost against those with a second slot, over the Cortex-M pairs: mote-bench --in-place.
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/corpus.h"
#include "bench/report.h"
#include "diff/in_place.h"

namespace mote::bench {

/// What came of one pair. Sizes in bytes.
struct InPlaceResult {
  std::string error;         ///< empty: the device's code rebuilt new, byte by byte; else nothing below counts
  size_t two_slots = 0;      ///< the delta for a device with two slots
  size_t file = 0;           ///< the update in place
  size_t reversible = 0;     ///< the same, with the way back
  uint32_t worst_erases = 0; ///< of any one sector
  uint32_t checkpoints = 0;
  uint32_t journal_area = 0;

  double ratio() const { return static_cast<double>(file) / static_cast<double>(two_slots); }
};

/// Whether a pair is for Cortex-M, which these figures are about.
bool IsCortexM(const Pair& pair);

/// One after the other, in this process. `tell` is called after each.
std::vector<InPlaceResult> MeasureInPlace(const std::vector<Pair>& pairs,
                                          const std::function<void(const Pair&, const InPlaceResult&)>& tell);

/// The table, the means beside those of other tools in the reference, and the promises. `markdown`: as a document that says at its
/// start how to make it again.
std::string InPlaceReport(const std::vector<Pair>& pairs, const std::vector<InPlaceResult>& results,
                          const std::optional<Reference>& reference, bool markdown, const std::string& invocation);

}  // namespace mote::bench
