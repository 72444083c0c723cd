// SPDX-License-Identifier: Apache-2.0
// Runs the contenders; measure.h is the manual.
#include "bench/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/process.h"

namespace mote::bench {
namespace {

namespace fs = std::filesystem;

/// Takes over what the child of RunChild printed.
void ReadReport(const fs::path& path, Measurement& measurement) {
  const nlohmann::json report = nlohmann::json::parse(ReadFile(path));
  measurement.patch_seconds = report.at("seconds");
  if (const nlohmann::json& ram = report.at("decoder_ram"); !ram.is_null()) {
    measurement.decoder_ram = ram.get<uint32_t>();
  }
}

constexpr int kCostRuns = 5;

/// Diffs the largest pair several times with each contender that Cost names.
std::vector<Cost> MeasureLargest(const Results& results, const fs::path& scratch) {
  const size_t largest = results.LargestPair();
  const Pair& pair = results.pairs[largest];
  const Files files{.old_image = pair.old_path,
                    .new_image = pair.new_path,
                    .delta = scratch / "delta",
                    .rebuilt = scratch / "rebuilt"};
  std::vector<Cost> costs;
  for (size_t c = 0; c < results.contenders.size(); ++c) {
    const Measurement& m = results.measurements[largest][c];
    if (!m.verified() || !(results.contenders[c].ours || results.Bsdiff() == c)) continue;
    costs.push_back({c, m.diff_wall_seconds, m.diff_cpu_seconds, m.diff_memory});
  }
  for (int run = 1; run < kCostRuns; ++run) {
    for (Cost& cost : costs) {
      const Outcome outcome = Run(results.contenders[cost.contender].diff(files), scratch);
      if (!outcome.succeeded) continue;
      cost.wall_seconds = std::min(cost.wall_seconds, outcome.wall_seconds);
      cost.cpu_seconds = std::min(cost.cpu_seconds, outcome.cpu_seconds);
      cost.memory = std::min(cost.memory, outcome.peak_memory);
    }
  }
  return costs;
}

}  // namespace

Measurement Measure(const Contender& contender, const Pair& pair, const fs::path& scratch) {
  const Files files{.old_image = pair.old_path,
                    .new_image = pair.new_path,
                    .delta = scratch / "delta",
                    .rebuilt = scratch / "rebuilt"};
  Measurement measurement;
  const Outcome diff = Run(contender.diff(files), scratch);
  if (!diff.succeeded) {
    measurement.error = "making the delta: " + diff.error;
    return measurement;
  }
  std::error_code error;
  measurement.size = fs::file_size(files.delta, error);
  if (error) {
    measurement.error = "making the delta: no file was written";
    return measurement;
  }
  measurement.diff_wall_seconds = diff.wall_seconds;
  measurement.diff_cpu_seconds = diff.cpu_seconds;
  measurement.diff_memory = diff.peak_memory;

  const Command command = contender.patch(files);
  const Outcome patch = Run(command, scratch);
  if (!patch.succeeded) {
    measurement.error = "applying the delta: " + patch.error;
    return measurement;
  }
  measurement.patch_seconds = patch.wall_seconds;
  measurement.patch_memory = patch.peak_memory;
  if (contender.ours) ReadReport(command.output, measurement);
  measurement.error = Difference(files.new_image, files.rebuilt);
  return measurement;
}

size_t Results::LargestPair() const {
  const auto bytes = [](const Pair& pair) { return pair.old_size + pair.new_size; };
  return static_cast<size_t>(std::ranges::max_element(pairs, {}, bytes) - pairs.begin());
}

std::optional<size_t> Results::Bsdiff() const {
  const auto found = std::ranges::find(contenders, "bsdiff", &Contender::name);
  if (found == contenders.end()) return std::nullopt;
  return static_cast<size_t>(found - contenders.begin());
}

std::optional<size_t> Results::Baseline() const {
  for (const char* name : {"bsdiff", "bsdiff40"}) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      if (contenders[i].name == name) return i;
    }
  }
  return std::nullopt;
}

std::optional<double> Results::Relative(size_t pair, size_t contender) const {
  const std::optional<size_t> baseline = Baseline();
  if (!baseline) return std::nullopt;
  const Measurement& one = measurements[pair][contender];
  const Measurement& other = measurements[pair][*baseline];
  if (!one.verified() || !other.verified() || other.size == 0) return std::nullopt;
  return static_cast<double>(one.size) / static_cast<double>(other.size);
}

size_t Results::Failures() const {
  size_t failures = 0;
  for (const std::vector<Measurement>& row : measurements) {
    for (const Measurement& measurement : row) failures += !measurement.verified();
  }
  return failures;
}

Mean GeometricMean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  if (values.empty()) return {};
  return {.value = std::exp(sum / static_cast<double>(values.size())), .count = values.size()};
}

void MeasureAll(Results& results, const fs::path& scratch, const Progress& progress) {
  const size_t columns = results.contenders.size();
  const size_t all = results.pairs.size() * columns;
  results.measurements.assign(results.pairs.size(), std::vector<Measurement>(columns));
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  size_t done = 0;
  std::exception_ptr failure;

  const auto work = [&] {
    for (size_t i = next++; i < all; i = next++) {
      const Pair& pair = results.pairs[i / columns];
      const Contender& contender = results.contenders[i % columns];
      Measurement& measurement = results.measurements[i / columns][i % columns];
      try {
        const fs::path directory = scratch / std::to_string(i);
        fs::create_directory(directory);
        measurement = Measure(contender, pair, directory);
        fs::remove_all(directory);
        const std::lock_guard lock(mutex);
        progress(++done, all, pair, contender, measurement);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = all;
        return;
      }
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 1; i < results.jobs; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
  results.largest = MeasureLargest(results, scratch);
}

}  // namespace mote::bench
