// SPDX-License-Identifier: Apache-2.0
#include "bench/in_place.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/measure.h"
#include "bench/table.h"

namespace mote::bench {
namespace {

constexpr InPlaceGeometry kGeometry;  // sectors of 4 KiB, two areas for records
constexpr double kMostMean = 1.12;
constexpr double kMostWorst = 1.60;
constexpr uint32_t kMostRecord = 4096;

// The other tools' columns, by how their names start.
struct Tool {
  const char* name;
  const char* heading;
};
constexpr Tool kTools[] = {{"detools in-place", "detools in place"}, {"HPatchLite in-place", "HPatchLite in place"}};

std::optional<size_t> Column(const Reference& reference, const Tool& tool) {
  for (size_t i = 0; i < reference.tools.size(); ++i) {
    if (reference.tools[i].starts_with(tool.name)) return i;
  }
  return std::nullopt;
}

InPlaceResult MeasureOne(const Pair& pair) {
  InPlaceResult result;
  try {
    const InPlaceUpdate update =
        MakeInPlaceUpdate(ReadFile(pair.old_path), ReadFile(pair.new_path), kGeometry, {}, true);
    const InPlaceRun& run = update.forward.run;
    result.two_slots = update.forward.two_slots;
    result.reversible = update.file.size();
    result.file = update.file.size() - update.inverse->delta.size();
    result.worst_erases = run.erases.worst();
    result.checkpoints = run.checkpoints;
    result.journal_area = run.journal_area;
  } catch (const Error& error) {
    result.error = error.what();
  }
  return result;
}

Table PairTable(const std::vector<Pair>& pairs, const std::vector<InPlaceResult>& results,
                const std::optional<Reference>& reference) {
  Table table;
  table.header = {"pair", "new", "two slots", "in place", "ratio", "reversible", "worst erases"};
  for (const Tool& tool : kTools) {
    if (reference) table.header.push_back(tool.heading);
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const InPlaceResult& result = results[i];
    Row row{pairs[i].name, Thousands(pairs[i].new_size)};
    if (result.error.empty()) {
      row.insert(row.end(), {Thousands(result.two_slots), Thousands(result.file), Ratio(result.ratio()),
                             Thousands(result.reversible), std::to_string(result.worst_erases)});
    } else {
      row.insert(row.end(), {"FAILED", "-", "-", "-", "-"});
    }
    for (const Tool& tool : kTools) {
      if (!reference) break;
      const std::optional<size_t> column = Column(*reference, tool);
      const auto size = column ? reference->sizes[i][*column] : std::nullopt;
      row.push_back(size ? Thousands(static_cast<uint64_t>(*size)) : "-");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

// Our files over what each of the others is about.
Table MeanTable(const std::vector<InPlaceResult>& results, const std::optional<Reference>& reference) {
  Table table;
  table.header = {"in place, over", "geometric mean", "best pair", "worst pair", "pairs"};
  const auto add = [&](const std::string& name, std::vector<double> ratios) {
    if (ratios.empty()) return;
    std::ranges::sort(ratios);
    table.rows.push_back({name, Ratio(GeometricMean(ratios).value), Ratio(ratios.front()), Ratio(ratios.back()),
                          std::to_string(ratios.size())});
  };
  std::vector<double> own, way_back;
  for (const InPlaceResult& result : results) {
    if (!result.error.empty()) continue;
    own.push_back(result.ratio());
    way_back.push_back(static_cast<double>(result.reversible) / static_cast<double>(result.two_slots));
  }
  add("two slots", own);
  add("two slots, with the way back", way_back);
  for (const Tool& tool : kTools) {
    const std::optional<size_t> column = reference ? Column(*reference, tool) : std::nullopt;
    if (!column) continue;
    std::vector<double> ratios;
    for (size_t i = 0; i < results.size(); ++i) {
      const std::optional<double>& theirs = reference->sizes[i][*column];
      if (results[i].error.empty() && theirs) ratios.push_back(static_cast<double>(results[i].file) / *theirs);
    }
    add(reference->tools[*column], ratios);
  }
  return table;
}

Table PromiseTable(const std::vector<InPlaceResult>& results) {
  std::vector<double> ratios;
  uint32_t record = 0;
  for (const InPlaceResult& result : results) {
    if (!result.error.empty()) continue;
    ratios.push_back(result.ratio());
    record = std::max(record, result.journal_area);
  }
  Table table;
  table.header = {"figure", "promised at most", "measured", "verdict"};
  const auto add = [&](const char* figure, const std::string& limit, const std::string& measured, bool kept) {
    table.rows.push_back({figure, limit, measured, kept ? "kept" : "MISSED"});
  };
  if (ratios.empty()) return table;
  const double mean = GeometricMean(ratios).value;
  const double worst = std::ranges::max(ratios);
  add("in place / two slots, geometric mean", fmt::format("{:.2f}", kMostMean), Ratio(mean), mean <= kMostMean);
  add("in place / two slots, worst pair", fmt::format("{:.2f}", kMostWorst), Ratio(worst), worst <= kMostWorst);
  add("area for a record, bytes", Thousands(kMostRecord), Thousands(record), record <= kMostRecord);
  return table;
}

}  // namespace

bool IsCortexM(const Pair& pair) { return Family(pair) == "arm-thumb"; }

std::vector<InPlaceResult> MeasureInPlace(const std::vector<Pair>& pairs,
                                          const std::function<void(const Pair&, const InPlaceResult&)>& tell) {
  std::vector<InPlaceResult> results;
  for (const Pair& pair : pairs) {
    results.push_back(MeasureOne(pair));
    tell(pair, results.back());
  }
  return results;
}

std::string InPlaceReport(const std::vector<Pair>& pairs, const std::vector<InPlaceResult>& results,
                          const std::optional<Reference>& reference, bool markdown, const std::string& invocation) {
  const auto shown = [markdown](const Table& table) { return markdown ? AsMarkdown(table) : AsText(table); };
  std::string text;
  if (markdown) {
    text += "# Updates in place\n\nMade by this command; do not edit.\n\n    " + invocation + "\n\n";
  }
  text += fmt::format(
      "{} Cortex-M pairs. Image area: the larger image and {} sectors of {} bytes; journal: {} areas. Sizes in bytes, with\n"
      "all headers. Each update was carried out by the device's code and gave the new image, if it is not marked FAILED.\n"
      "Worst erases: of the sector that is erased most.\n\n",
      pairs.size(), kDefaultSpare, kGeometry.erase_unit, kGeometry.journals);
  text += shown(PairTable(pairs, results, reference)) + "\n";
  text += shown(MeanTable(results, reference)) + "\n";
  if (reference) {
    text += fmt::format("The other tools' sizes are those of {}.\n\n", reference->name);
  }
  text += shown(PromiseTable(results));
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (!results[i].error.empty()) text += fmt::format("\nFAILED: {}: {}\n", pairs[i].name, results[i].error);
  }
  return text;
}

}  // namespace mote::bench
