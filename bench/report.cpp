// SPDX-License-Identifier: Apache-2.0
// Tables and JSON; report.h is the manual.
#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/table.h"

namespace mote::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kLzss = "lzss-1k";
constexpr const char* kModel = "model-4k";

/// Promised sizes: geometric means over all pairs that the reference has too. A tool is named by
/// how its name there starts.
struct SizePromise {
  const char* codec;
  const char* tool;
  double limit;
  bool each = false;  ///< the limit holds for the worst pair, too, not for the mean only
};
constexpr SizePromise kSizePromises[] = {
    {kModel, "low", 0.36},
    {kModel, "best", 0.50},
    {kModel, "best", 1.00, true},
    {kLzss, "HPatchLite tuz 1k", 1.00},
    {kLzss, "detools heatshrink w10", 0.76},
    {kLzss, "UpKit", 0.31},
    {"bz2", "bsdiff", 1.00},
};
/// Promised costs, of kLzss on the largest pair. Below kLargeEnough bytes of old and new what the
/// program itself takes decides.
constexpr uint64_t kLargeEnough = 1 << 20;
constexpr double kMostTimeOfBsdiff = 1;
constexpr double kMostMemoryOfImages = 10;

std::string Mebibytes(uint64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / (1 << 20));
}

/// Megabytes of new in a second; only for our decoders, whose time is theirs alone.
std::optional<double> Throughput(const Results& results, size_t pair, size_t contender) {
  const Measurement& measurement = results.measurements[pair][contender];
  if (!results.contenders[contender].ours || !measurement.verified()) return std::nullopt;
  if (measurement.patch_seconds <= 0 || results.pairs[pair].new_size == 0) return std::nullopt;
  return static_cast<double>(results.pairs[pair].new_size) * 1e-6 / measurement.patch_seconds;
}

const Cost* FindCost(const Results& results, const std::string& name) {
  for (const Cost& cost : results.largest) {
    if (results.contenders[cost.contender].name == name) return &cost;
  }
  return nullptr;
}

double MemoryRatio(const Cost& cost, const Pair& pair) {
  return static_cast<double>(cost.memory) /
         static_cast<double>(std::max<uint64_t>(1, pair.old_size + pair.new_size));
}

/// The pairs' numbers, by family of processors, within it by name.
std::vector<size_t> ByFamily(const Results& results) {
  std::vector<size_t> order(results.pairs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](size_t i) { return Family(results.pairs[i]); });
  return order;
}

/// What one contender came to over all pairs.
struct Total {
  Mean relative;
  size_t smaller = 0;  ///< pairs on which its delta is smaller than the baseline's
  double cpu_seconds = 0;
  uint64_t diff_memory = 0;
  Mean throughput;
  std::optional<uint32_t> least_ram, most_ram;
};

Total Summarize(const Results& results, size_t contender) {
  Total total;
  std::vector<double> relative, throughput;
  for (size_t i = 0; i < results.pairs.size(); ++i) {
    const Measurement& measurement = results.measurements[i][contender];
    if (const auto value = results.Relative(i, contender)) {
      relative.push_back(*value);
      total.smaller += *value < 1;
    }
    if (const auto value = Throughput(results, i, contender)) throughput.push_back(*value);
    total.cpu_seconds += measurement.diff_cpu_seconds;
    total.diff_memory = std::max(total.diff_memory, measurement.diff_memory);
    if (measurement.decoder_ram) {
      const uint32_t ram = *measurement.decoder_ram;
      total.least_ram = std::min(total.least_ram.value_or(ram), ram);
      total.most_ram = std::max(total.most_ram.value_or(ram), ram);
    }
  }
  total.relative = GeometricMean(relative);
  total.throughput = GeometricMean(throughput);
  return total;
}

std::string BaselineName(const Results& results) {
  const std::optional<size_t> baseline = results.Baseline();
  return baseline ? results.contenders[*baseline].name : "(no baseline)";
}

/// Sizes of all deltas, the smallest marked, and the geometric means.
Table SizeTable(const Results& results, bool markdown) {
  Table table;
  table.header = {"pair", "new"};
  for (const Contender& contender : results.contenders) table.header.push_back(contender.name);
  const auto mark = [&](const std::string& text, bool smallest) {
    if (markdown) return smallest ? "**" + text + "**" : text;
    return text + (smallest ? "*" : " ");
  };
  std::string family;
  for (const size_t i : ByFamily(results)) {
    const Pair& pair = results.pairs[i];
    if (Family(pair) != family) {
      family = Family(pair);
      table.rows.push_back({family});
    }
    uint64_t smallest = UINT64_MAX;
    for (const Measurement& m : results.measurements[i]) {
      if (m.verified()) smallest = std::min(smallest, m.size);
    }
    Row row{markdown ? pair.name : "  " + pair.name, Thousands(pair.new_size)};
    for (const Measurement& m : results.measurements[i]) {
      row.push_back(m.verified() ? mark(Thousands(m.size), m.size == smallest)
                                 : mark("FAILED", false));
    }
    table.rows.push_back(std::move(row));
  }
  if (!results.Baseline()) return table;
  table.rows.push_back({"geometric mean of size / " + BaselineName(results)});
  Row row{markdown ? "all pairs" : "  all pairs", ""};
  for (size_t c = 0; c < results.contenders.size(); ++c) {
    const Mean mean = Summarize(results, c).relative;
    row.push_back(mean.count ? mark(Ratio(mean.value), false) : mark("-", false));
  }
  table.rows.push_back(std::move(row));
  return table;
}

/// Times, memory and RAM of each contender.
Table CostTable(const Results& results) {
  Table table;
  const std::string baseline = BaselineName(results);
  table.header = {"contender",  "size / " + baseline, "smaller on",
                  "diff CPU s", "CPU / " + baseline,  "diff peak MiB",
                  "patch MB/s", "decoder RAM B",      "what it is"};
  table.last_left = true;
  const std::optional<size_t> base = results.Baseline();
  const double base_seconds = base ? Summarize(results, *base).cpu_seconds : 0;
  for (size_t c = 0; c < results.contenders.size(); ++c) {
    const Contender& contender = results.contenders[c];
    const Total total = Summarize(results, c);
    std::string ram = "-";
    if (total.most_ram) {
      ram = Thousands(*total.least_ram);
      if (total.most_ram != total.least_ram)
        ram = fmt::format("{}-{}", ram, Thousands(*total.most_ram));
    }
    table.rows.push_back(
        {contender.name, total.relative.count ? Ratio(total.relative.value) : "-",
         base ? fmt::format("{} of {}", total.smaller, total.relative.count) : "-",
         fmt::format("{:.3f}", total.cpu_seconds),
         base_seconds > 0 ? fmt::format("{:.2f}", total.cpu_seconds / base_seconds) : "-",
         Mebibytes(total.diff_memory),
         total.throughput.count ? fmt::format("{:.0f}", total.throughput.value) : "-", ram,
         contender.version.empty() ? contender.about
                                   : fmt::format("{} ({})", contender.about, contender.version)});
  }
  return table;
}

Table DetailTable(const Results& results) {
  Table table;
  table.header = {"delta",      "bytes",      "/ " + BaselineName(results),
                  "diff CPU s", "wall s",     "peak MiB",
                  "patch ms",   "patch MB/s", "decoder RAM B"};
  for (const size_t i : ByFamily(results)) {
    table.rows.push_back({results.pairs[i].name});
    for (size_t c = 0; c < results.contenders.size(); ++c) {
      const Measurement& m = results.measurements[i][c];
      const std::string name = "  " + results.contenders[c].name;
      if (!m.verified()) {
        table.rows.push_back({name, "FAILED"});
        continue;
      }
      const auto relative = results.Relative(i, c);
      const auto throughput = Throughput(results, i, c);
      table.rows.push_back({name, Thousands(m.size), relative ? Ratio(*relative) : "-",
                            fmt::format("{:.3f}", m.diff_cpu_seconds),
                            fmt::format("{:.3f}", m.diff_wall_seconds), Mebibytes(m.diff_memory),
                            fmt::format("{:.2f}", m.patch_seconds * 1e3),
                            throughput ? fmt::format("{:.0f}", *throughput) : "-",
                            m.decoder_ram ? Thousands(*m.decoder_ram) : "-"});
    }
  }
  return table;
}

/// Our codecs against the columns of the reference.
Table ReferenceTable(const Results& results, const Reference& reference) {
  Table table;
  table.header = {"ours / theirs"};
  std::vector<size_t> ours;
  for (size_t c = 0; c < results.contenders.size(); ++c) {
    if (!results.contenders[c].ours) continue;
    ours.push_back(c);
    table.header.push_back(results.contenders[c].name);
  }
  table.header.push_back("pairs");
  for (size_t tool = 0; tool < reference.tools.size(); ++tool) {
    Row row{reference.tools[tool]};
    size_t most = 0;
    for (const size_t c : ours) {
      const Mean mean = Compare(results, c, reference, tool);
      row.push_back(mean.count ? Ratio(mean.value) : "-");
      most = std::max(most, mean.count);
    }
    if (most == 0) continue;
    row.push_back(std::to_string(most));
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// The codecs for which single pairs are compared: the predictive ones, or without them LZSS with 1
/// KiB.
std::vector<size_t> Featured(const Results& results) {
  std::vector<size_t> model, lzss;
  for (size_t c = 0; c < results.contenders.size(); ++c) {
    if (results.contenders[c].name.starts_with("model")) model.push_back(c);
    if (results.contenders[c].name == kLzss) lzss.push_back(c);
  }
  return model.empty() ? lzss : model;
}

/// Each pair against the smallest of the others: `low` of those with little RAM, `best` of all.
Table BestTable(const Results& results, const Reference& reference) {
  Table table;
  table.header = {"pair"};
  std::vector<size_t> tools;
  for (const char* name : {"low", "best"}) {
    const auto tool = std::ranges::find(reference.tools, name);
    if (tool == reference.tools.end()) continue;
    tools.push_back(static_cast<size_t>(tool - reference.tools.begin()));
    table.header.push_back(name);
  }
  const std::vector<size_t> featured = Featured(results);
  for (const size_t c : featured) {
    table.header.push_back(results.contenders[c].name);
    for (const size_t tool : tools) table.header.push_back("/ " + reference.tools[tool]);
  }
  for (const size_t i : ByFamily(results)) {
    Row row{results.pairs[i].name};
    bool any = false;
    for (const size_t tool : tools) {
      const std::optional<double>& size = reference.sizes[i][tool];
      row.push_back(size ? Thousands(static_cast<uint64_t>(*size)) : "-");
      any = any || size;
    }
    for (const size_t c : featured) {
      const Measurement& m = results.measurements[i][c];
      row.push_back(m.verified() ? Thousands(m.size) : "FAILED");
      for (const size_t tool : tools) {
        const std::optional<double>& size = reference.sizes[i][tool];
        row.push_back(m.verified() && size && *size > 0 ? Ratio(static_cast<double>(m.size) / *size)
                                                        : "-");
      }
    }
    if (any) table.rows.push_back(std::move(row));
  }
  if (table.rows.empty() || featured.empty()) return {};
  Row means{"geometric mean"};
  for (size_t i = 0; i < tools.size(); ++i) means.emplace_back();
  for (const size_t c : featured) {
    means.emplace_back();
    for (const size_t tool : tools)
      means.push_back(Ratio(Compare(results, c, reference, tool).value));
  }
  table.rows.push_back(std::move(means));
  return table;
}

/// The costs of the largest pair, beside bsdiff's of the same minutes.
Table LargestTable(const Results& results) {
  Table table;
  table.header = {"contender", "wall s", "CPU s", "CPU / bsdiff", "peak MiB", "peak / (old + new)"};
  const Pair& pair = results.pairs[results.LargestPair()];
  const Cost* bsdiff = FindCost(results, "bsdiff");
  for (const Cost& cost : results.largest) {
    table.rows.push_back(
        {results.contenders[cost.contender].name, fmt::format("{:.3f}", cost.wall_seconds),
         fmt::format("{:.3f}", cost.cpu_seconds),
         bsdiff ? fmt::format("{:.2f}", cost.cpu_seconds / bsdiff->cpu_seconds) : "-",
         Mebibytes(cost.memory), fmt::format("{:.1f}", MemoryRatio(cost, pair))});
  }
  return table;
}

std::string LargestTitle(const Results& results) {
  const Pair& pair = results.pairs[results.LargestPair()];
  return fmt::format("Making the delta of the largest pair, {} ({} + {} bytes)", pair.name,
                     Thousands(pair.old_size), Thousands(pair.new_size));
}

constexpr const char* kLargestNote = "The least of five runs, in turns.";

Table PromiseTable(const std::vector<Promise>& promises) {
  Table table;
  table.header = {"codec", "promised at most", "measured", "without best pair",
                  "pairs", "verdict",          "figure"};
  table.last_left = true;
  for (const Promise& promise : promises) {
    table.rows.push_back(
        {promise.codec, fmt::format("{:.2f}", promise.limit), Ratio(promise.measured),
         promise.without_best ? Ratio(*promise.without_best) : "-", std::to_string(promise.pairs),
         promise.kept() ? "kept" : "MISSED", promise.figure});
  }
  return table;
}

/// A line for each failure and each tool that is missing.
std::vector<std::string> Remarks(const Results& results) {
  std::vector<std::string> lines;
  for (const std::string& line : results.missing) lines.push_back("not measured: " + line);
  for (size_t i = 0; i < results.pairs.size(); ++i) {
    for (size_t c = 0; c < results.contenders.size(); ++c) {
      const Measurement& m = results.measurements[i][c];
      if (m.verified()) continue;
      lines.push_back(fmt::format("FAILED: {} on {}: {}", results.contenders[c].name,
                                  results.pairs[i].name, m.error));
    }
  }
  return lines;
}

std::string Verdict(const Results& results) {
  const size_t all = results.pairs.size() * results.contenders.size();
  const size_t failures = results.Failures();
  return failures == 0 ? fmt::format("All {} deltas were applied and gave the new image.", all)
                       : fmt::format("{} of {} deltas FAILED.", failures, all);
}

std::string ReferenceTitle(const Reference& reference) {
  return fmt::format("Against {}: geometric means of our size over theirs", reference.name);
}

}  // namespace

Reference ReadReference(const std::filesystem::path& path, const std::vector<Pair>& pairs) {
  Reference reference;
  reference.name = path.filename().string();
  reference.sizes.resize(pairs.size());
  const std::vector<uint8_t> text = ReadFile(path);
  const auto record = [&](const std::string& pair, const std::string& tool, const Json& size) {
    auto column = std::ranges::find(reference.tools, tool);
    if (column == reference.tools.end()) {
      column = reference.tools.insert(column, tool);
      for (auto& row : reference.sizes) row.emplace_back();
    }
    for (size_t i = 0; i < pairs.size(); ++i) {
      if (pairs[i].name != pair || !size.is_number()) continue;
      reference.sizes[i][static_cast<size_t>(column - reference.tools.begin())] =
          size.get<double>();
    }
  };
  try {
    const Json json = Json::parse(text);
    for (const auto& [pair, entry] : json.items()) {
      if (!entry.contains("all")) continue;
      for (const auto& [tool, size] : entry.at("all").items()) record(pair, tool, size);
    }
    for (const auto& [pair, entry] : json.items()) {
      for (const char* tool : {"low", "best"}) {
        if (entry.contains(tool)) record(pair, tool, entry.at(tool));
      }
    }
  } catch (const Json::exception& e) {
    throw Error(Status::kBadImage,
                fmt::format("{} is not of the form {{PAIR: {{\"all\": {{TOOL: SIZE}}}}}}: {}",
                            path.string(), e.what()));
  }
  return reference;
}

Mean Compare(const Results& results, size_t contender, const Reference& reference, size_t tool) {
  return GeometricMean(Ratios(results, contender, reference, tool));
}

std::vector<double> Ratios(const Results& results, size_t contender, const Reference& reference,
                           size_t tool) {
  std::vector<double> ratios;
  for (size_t i = 0; i < results.pairs.size(); ++i) {
    const Measurement& measurement = results.measurements[i][contender];
    const std::optional<double>& theirs = reference.sizes[i][tool];
    if (!measurement.verified() || !theirs || *theirs <= 0) continue;
    ratios.push_back(static_cast<double>(measurement.size) / *theirs);
  }
  std::ranges::sort(ratios);
  return ratios;
}

std::vector<Promise> Promises(const Results& results, const std::optional<Reference>& reference) {
  std::vector<Promise> promises;
  for (const SizePromise& promise : kSizePromises) {
    const auto codec = std::ranges::find(results.contenders, promise.codec, &Contender::name);
    if (!reference || codec == results.contenders.end()) continue;
    for (size_t tool = 0; tool < reference->tools.size(); ++tool) {
      if (!reference->tools[tool].starts_with(promise.tool)) continue;
      std::vector<double> ratios = Ratios(
          results, static_cast<size_t>(codec - results.contenders.begin()), *reference, tool);
      if (ratios.empty()) continue;
      if (promise.each) {
        promises.push_back({promise.codec, "size / " + reference->tools[tool] + ", worst pair",
                            promise.limit, ratios.back(), std::nullopt, ratios.size()});
        continue;
      }
      const Mean mean = GeometricMean(ratios);
      ratios.erase(ratios.begin());
      const Mean rest = GeometricMean(ratios);
      promises.push_back({promise.codec, "size / " + reference->tools[tool] + ", geometric mean",
                          promise.limit, mean.value,
                          rest.count ? std::optional(rest.value) : std::nullopt, mean.count});
    }
  }
  const Cost* cost = FindCost(results, kLzss);
  const Pair& pair = results.pairs[results.LargestPair()];
  if (!cost || pair.old_size + pair.new_size < kLargeEnough) return promises;
  if (const Cost* bsdiff = FindCost(results, "bsdiff")) {
    promises.push_back({kLzss, "CPU time of making the delta / bsdiff's, largest pair",
                        kMostTimeOfBsdiff, cost->cpu_seconds / bsdiff->cpu_seconds, std::nullopt,
                        1});
  }
  promises.push_back({kLzss, "peak memory of making the delta / (old + new), largest pair",
                      kMostMemoryOfImages, MemoryRatio(*cost, pair), std::nullopt, 1});
  return promises;
}

std::string TextReport(const Results& results, const std::optional<Reference>& reference,
                       const ReportOptions& options) {
  std::string text = "Sizes in bytes, the smallest of each pair marked *\n\n";
  text += AsText(SizeTable(results, false));
  text +=
      "\nCosts: CPU seconds over all pairs, the rest per pair (worst memory, mean throughput)\n\n";
  text += AsText(CostTable(results));
  text += fmt::format("Memory below {} MiB cannot be told from nothing.\n",
                      Mebibytes(results.memory_floor));
  if (options.details) text += "\nEvery delta\n\n" + AsText(DetailTable(results));
  if (!results.largest.empty()) {
    text += fmt::format("\n{}. {}\n\n", LargestTitle(results), kLargestNote);
    text += AsText(LargestTable(results));
  }
  if (reference) {
    text += fmt::format("\n{}\n\n", ReferenceTitle(*reference));
    text += AsText(ReferenceTable(results, *reference));
    if (const Table table = BestTable(results, *reference); !table.rows.empty()) {
      text +=
          fmt::format("\nPairs against the smallest in {}\n\n", reference->name) + AsText(table);
    }
  }
  if (const std::vector<Promise> promises = Promises(results, reference); !promises.empty()) {
    text += "\nPromises\n\n" + AsText(PromiseTable(promises));
  }
  text += "\n";
  for (const std::string& line : Remarks(results)) text += line + "\n";
  return text + Verdict(results) + "\n";
}

std::string MarkdownReport(const Results& results, const std::optional<Reference>& reference,
                           const ReportOptions& options) {
  std::string text = "# What mote-bench measured\n\n";
  text += "Made by this command; do not edit.\n\n    " + options.invocation + "\n\n";
  text += fmt::format("{} pairs of firmware images. {}\n", results.pairs.size(), Verdict(results));
  for (const std::string& line : Remarks(results)) text += "\n- " + line;
  if (!results.missing.empty() || results.Failures() != 0) text += "\n";
  if (!options.plot.empty()) {
    text += fmt::format("\n![Sizes relative to {}]({})\n", BaselineName(results), options.plot);
  }
  text += "\n## Sizes\n\nBytes; the smallest of each pair in bold.\n\n";
  text += AsMarkdown(SizeTable(results, true));
  text += "\n## Costs\n\n";
  text += fmt::format(
      "CPU seconds are the sum over all pairs, memory is that of the worst pair, throughput is the "
      "geometric mean in megabytes\nof new. Times are one run's with {} at a time and repeat to "
      "about a "
      "tenth: compare the ratios. Memory below {} MiB cannot be\ntold from nothing. `README.md` "
      "says "
      "how each figure is taken.\n\n",
      results.jobs, Mebibytes(results.memory_floor));
  text += AsMarkdown(CostTable(results));
  if (!results.largest.empty()) {
    text += fmt::format("\n## {}\n\n{}\n\n", LargestTitle(results), kLargestNote);
    text += AsMarkdown(LargestTable(results));
  }
  if (reference) {
    text += fmt::format("\n## {}\n\nBelow 1: ours is smaller.\n\n", ReferenceTitle(*reference));
    text += AsMarkdown(ReferenceTable(results, *reference));
    if (const Table table = BestTable(results, *reference); !table.rows.empty()) {
      text += fmt::format(
          "\n## Pairs against the smallest in {}\n\n`low`: of those whose decoder needs little "
          "RAM; `best`: of "
          "all.\n\n",
          reference->name);
      text += AsMarkdown(table);
    }
  }
  if (const std::vector<Promise> promises = Promises(results, reference); !promises.empty()) {
    text += "\n## Promises\n\n" + AsMarkdown(PromiseTable(promises));
  }
  return text;
}

std::string JsonReport(const Results& results, const std::optional<Reference>& reference) {
  const auto optional = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
  Json json;
  json["format"] = 1;
  json["baseline"] = results.Baseline() ? Json(BaselineName(results)) : Json(nullptr);
  json["failures"] = results.Failures();
  json["jobs"] = results.jobs;
  json["memory_floor"] = results.memory_floor;
  json["not_measured"] = results.missing;
  json["contenders"] = Json::array();
  for (size_t c = 0; c < results.contenders.size(); ++c) {
    const Contender& contender = results.contenders[c];
    const Total total = Summarize(results, c);
    json["contenders"].push_back(
        {{"name", contender.name},
         {"about", contender.about},
         {"version", contender.version},
         {"ours", contender.ours},
         {"delta", contender.delta},
         {"relative_geomean", total.relative.count ? Json(total.relative.value) : Json(nullptr)},
         {"relative_pairs", total.relative.count},
         {"diff_cpu_seconds", total.cpu_seconds},
         {"diff_memory", total.diff_memory},
         {"patch_mb_per_s",
          total.throughput.count ? Json(total.throughput.value) : Json(nullptr)}});
  }
  json["pairs"] = Json::array();
  for (size_t i = 0; i < results.pairs.size(); ++i) {
    const Pair& pair = results.pairs[i];
    Json deltas = Json::object();
    for (size_t c = 0; c < results.contenders.size(); ++c) {
      const Measurement& m = results.measurements[i][c];
      Json delta{{"verified", m.verified()}};
      if (!m.verified()) {
        delta["error"] = m.error;
      } else {
        delta["size"] = m.size;
        delta["relative"] = optional(results.Relative(i, c));
        delta["diff_cpu_seconds"] = m.diff_cpu_seconds;
        delta["diff_wall_seconds"] = m.diff_wall_seconds;
        delta["diff_memory"] = m.diff_memory;
        delta["patch_seconds"] = m.patch_seconds;
        delta["patch_memory"] = m.patch_memory;
        delta["patch_mb_per_s"] = optional(Throughput(results, i, c));
        delta["decoder_ram"] = optional(m.decoder_ram);
      }
      deltas[results.contenders[c].name] = std::move(delta);
    }
    json["pairs"].push_back({{"name", pair.name},
                             {"architecture", pair.architecture},
                             {"old_size", pair.old_size},
                             {"new_size", pair.new_size},
                             {"deltas", std::move(deltas)}});
  }
  if (!results.largest.empty()) {
    const Pair& pair = results.pairs[results.LargestPair()];
    Json costs = Json::object();
    for (const Cost& cost : results.largest) {
      costs[results.contenders[cost.contender].name] = {
          {"diff_wall_seconds", cost.wall_seconds},
          {"diff_cpu_seconds", cost.cpu_seconds},
          {"diff_memory", cost.memory},
          {"memory_per_byte", MemoryRatio(cost, pair)}};
    }
    json["largest_pair"] = {{"name", pair.name}, {"costs", std::move(costs)}};
  }
  json["promises"] = Json::array();
  for (const Promise& promise : Promises(results, reference)) {
    json["promises"].push_back({{"codec", promise.codec},
                                {"figure", promise.figure},
                                {"limit", promise.limit},
                                {"measured", promise.measured},
                                {"without_best", optional(promise.without_best)},
                                {"pairs", promise.pairs},
                                {"kept", promise.kept()}});
  }
  if (reference) {
    Json& out = json["reference"];
    out["name"] = reference->name;
    out["geomeans"] = Json::object();
    for (size_t c = 0; c < results.contenders.size(); ++c) {
      if (!results.contenders[c].ours) continue;
      Json& ours = out["geomeans"][results.contenders[c].name] = Json::object();
      for (size_t tool = 0; tool < reference->tools.size(); ++tool) {
        const Mean mean = Compare(results, c, *reference, tool);
        if (mean.count == 0) continue;
        ours[reference->tools[tool]] = {{"ratio", mean.value}, {"pairs", mean.count}};
      }
    }
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mote::bench
