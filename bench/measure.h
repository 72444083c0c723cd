// SPDX-License-Identifier: Apache-2.0
// Every contender over every pair: one delta made, measured, applied and compared for each.
#pragma once

#include <stdint.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/corpus.h"
#include "bench/tools.h"

namespace mote::bench {

/// What one contender made of one pair.
struct Measurement {
  /// Empty: the delta was made, applied, and gave new byte by byte. Otherwise what went wrong, and
  /// nothing below counts.
  std::string error;
  uint64_t size = 0;                    ///< of the delta file, bytes
  double diff_wall_seconds = 0;         ///< the whole process that made it
  double diff_cpu_seconds = 0;          ///< the same, user and system
  uint64_t diff_memory = 0;             ///< the same, peak, bytes
  double patch_seconds = 0;             ///< ours: the decoder in memory; others: the whole process
  uint64_t patch_memory = 0;            ///< the whole process, peak, bytes
  std::optional<uint32_t> decoder_ram;  ///< of a device without its sector buffer, bytes

  bool verified() const { return error.empty(); }
};

/// Makes, applies and compares one delta. `scratch`: an existing directory of this measurement
/// alone.
Measurement Measure(const Contender& contender, const Pair& pair,
                    const std::filesystem::path& scratch);

/// The costs of one diff, the least of several runs in turns with the others, so that a moment in
/// which the machine was busy does not decide: for the pair with the most bytes. Only contenders
/// that are ours, and `bsdiff`.
struct Cost {
  size_t contender;
  double wall_seconds;
  double cpu_seconds;
  uint64_t memory;  ///< peak, bytes
};

struct Results {
  std::vector<Contender> contenders;
  std::vector<Pair> pairs;
  std::vector<std::vector<Measurement>> measurements;  ///< [pair][contender]
  std::vector<std::string> missing;  ///< tools that are not installed, a line each
  uint64_t memory_floor = 0;         ///< see MemoryFloor; bytes
  unsigned jobs = 1;
  std::vector<Cost> largest;  ///< on LargestPair, see Cost

  /// The pair with the most bytes, old and new together.
  size_t LargestPair() const;
  /// The real bsdiff, if it takes part.
  std::optional<size_t> Bsdiff() const;
  /// What sizes are relative to: the contender `bsdiff`; without it `bsdiff40`, the same format;
  /// else nothing.
  std::optional<size_t> Baseline() const;
  /// Size of this contender's delta over the baseline's; nothing where one of the two failed.
  std::optional<double> Relative(size_t pair, size_t contender) const;
  size_t Failures() const;
};

/// A geometric mean and how many values are in it.
struct Mean {
  double value = 1;
  size_t count = 0;
};
Mean GeometricMean(const std::vector<double>& values);

/// Called after each measurement, never by two threads at once.
using Progress =
    std::function<void(size_t done, size_t all, const Pair&, const Contender&, const Measurement&)>;

/// Fills in results.measurements, `results.jobs` at a time, and then results.largest, one at a
/// time. Throws Error(kFileError) where scratch files cannot be made.
void MeasureAll(Results& results, const std::filesystem::path& scratch, const Progress& progress);

}  // namespace mote::bench
