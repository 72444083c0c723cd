// SPDX-License-Identifier: Apache-2.0
// Results as tables for a terminal, as Markdown, and as JSON.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/measure.h"

namespace mote::bench {

/// Sizes that somebody measured elsewhere: --reference.
struct Reference {
  std::string name;                ///< of the file, without its directory
  std::vector<std::string> tools;  ///< in the order of the file, then "low" and "best"
  /// [pair of the results][tool]; nothing where the file does not have it.
  std::vector<std::vector<std::optional<double>>> sizes;
};

/// Reads {PAIR: {"all": {TOOL: SIZE}, "low": SIZE, "best": SIZE}}; what else is in there is passed
/// over, and none of the members needs to be there. Throws Error: kFileError, kBadImage
/// (malformed).
Reference ReadReference(const std::filesystem::path& path, const std::vector<Pair>& pairs);

/// Geometric mean of our size over theirs, over the pairs that both have.
Mean Compare(const Results& results, size_t contender, const Reference& reference, size_t tool);
/// The ratios themselves, the smallest first.
std::vector<double> Ratios(const Results& results, size_t contender, const Reference& reference,
                           size_t tool);

/// A figure that mote promises, and what it is in these results.
struct Promise {
  std::string codec;
  std::string figure;  ///< what is measured
  double limit;        ///< the figure is to be this or less
  double measured;
  /// The same without the pair that favours us most: whether one pair carries the mean.
  std::optional<double> without_best;
  size_t pairs;  ///< on how many
  bool kept() const { return measured <= limit; }
};

/// All promises that these results can be held against; report.cpp has the table of them.
std::vector<Promise> Promises(const Results& results, const std::optional<Reference>& reference);

struct ReportOptions {
  bool details = false;    ///< one line for each delta, besides the tables
  std::string plot;        ///< Markdown: the plot's path as seen from the file; empty: no plot
  std::string invocation;  ///< Markdown: how to make the file again
};

std::string TextReport(const Results& results, const std::optional<Reference>& reference,
                       const ReportOptions& options);
std::string MarkdownReport(const Results& results, const std::optional<Reference>& reference,
                           const ReportOptions& options);
/// README.md lists the members.
std::string JsonReport(const Results& results, const std::optional<Reference>& reference);

}  // namespace mote::bench
