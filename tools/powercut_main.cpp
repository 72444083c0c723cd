// SPDX-License-Identifier: Apache-2.0
// Cuts the power of simulated devices at every flash operation of every scenario, and at random,
// and looks whether each of them ever fails to start a whole and right image, or to complete its
// update. tools/powercut runs it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tools/powercut_life.h"

namespace mote::tools {
namespace {

using Event = PowercutEvent;
using Change = PowercutScenario::Change;

// One line each. The order is that of running.
constexpr PowercutScenario kScenarios[] = {
    {.name = "ab-update"},
    {.name = "ab-raw", .codec = Codec::kRaw},
    {.name = "ab-model", .codec = Codec::kModel},
    {.name = "ab-there-and-back", .updates = 2},
    {.name = "ab-rollback", .last_is_broken = true},
    {.name = "ab-confirmed-then-rollback", .updates = 2, .last_is_broken = true},
    {.name = "ab-resume", .abandons_first = true},
    {.name = "ab-resume-no-digest", .abandons_first = true, .knows_digest = false},
    {.name = "ab-resume-another",
     .abandons_first = true,
     .first_is_another = true,
     .knows_digest = false},
    {.name = "checkpoint-lzss", .checkpoint_interval = 2},
    {.name = "checkpoint-model", .codec = Codec::kModel, .checkpoint_interval = 2},
    {.name = "checkpoint-resume", .abandons_first = true, .checkpoint_interval = 1},
    {.name = "checkpoint-model-resume",
     .abandons_first = true,
     .codec = Codec::kModel,
     .checkpoint_interval = 1},
    {.name = "checkpoint-no-digest", .updates = 2, .knows_digest = false, .checkpoint_interval = 1},
    {.name = "checkpoint-another",
     .abandons_first = true,
     .first_is_another = true,
     .knows_digest = false,
     .checkpoint_interval = 2},
    {.name = "checkpoint-swap", .install = Install::kSwap, .checkpoint_interval = 2},
    {.name = "overwrite-update", .install = Install::kOverwrite},
    {.name = "overwrite-twice", .install = Install::kOverwrite, .updates = 2},
    {.name = "overwrite-resume", .install = Install::kOverwrite, .abandons_first = true},
    {.name = "swap-update", .install = Install::kSwap},
    {.name = "swap-twice", .install = Install::kSwap, .updates = 2},
    {.name = "swap-rollback", .install = Install::kSwap, .last_is_broken = true},
    {.name = "swap-confirmed-then-rollback",
     .install = Install::kSwap,
     .updates = 2,
     .last_is_broken = true},
    {.name = "swap-resume", .install = Install::kSwap, .abandons_first = true},
    {.name = "swap-model", .install = Install::kSwap, .codec = Codec::kModel},
    {.name = "factory-update", .updates = 2, .has_factory_slot = true},
    {.name = "factory-rollback", .last_is_broken = true, .has_factory_slot = true},
    {.name = "factory-overwrite", .install = Install::kOverwrite, .has_factory_slot = true},
    {.name = "factory-swap-rollback",
     .install = Install::kSwap,
     .last_is_broken = true,
     .has_factory_slot = true},
    {.name = "trust-ab", .updates = 2, .has_trust = true},
    {.name = "trust-ab-encrypted", .abandons_first = true, .has_trust = true, .is_encrypted = true},
    {.name = "trust-ab-rollback", .last_is_broken = true, .has_trust = true, .is_encrypted = true},
    {.name = "trust-ab-new-root", .updates = 2, .has_trust = true, .replaces_root = true},
    {.name = "trust-checkpoint",
     .abandons_first = true,
     .checkpoint_interval = 2,
     .has_trust = true},
    {.name = "trust-checkpoint-encrypted",
     .abandons_first = true,
     .checkpoint_interval = 1,
     .has_trust = true,
     .is_encrypted = true},
    {.name = "trust-swap", .install = Install::kSwap, .has_trust = true},
    {.name = "trust-swap-encrypted",
     .install = Install::kSwap,
     .abandons_first = true,
     .has_trust = true,
     .is_encrypted = true},
    {.name = "trust-swap-checkpoint",
     .install = Install::kSwap,
     .checkpoint_interval = 2,
     .has_trust = true,
     .is_encrypted = true},
    {.name = "trust-swap-new-root-rollback",
     .install = Install::kSwap,
     .last_is_broken = true,
     .has_trust = true,
     .replaces_root = true},
    {.name = "inplace-update", .install = Install::kInPlace},
    {.name = "inplace-one-spare", .install = Install::kInPlace, .spare = 1},
    {.name = "inplace-three-spare", .install = Install::kInPlace, .spare = 3, .journals = 3},
    {.name = "inplace-four-spare", .install = Install::kInPlace, .spare = 4},
    {.name = "inplace-grows", .install = Install::kInPlace, .change = Change::kGrows},
    {.name = "inplace-grows-one-spare",
     .install = Install::kInPlace,
     .change = Change::kGrows,
     .spare = 1,
     .journals = 3},
    {.name = "inplace-shrinks", .install = Install::kInPlace, .change = Change::kShrinks},
    {.name = "inplace-inserts",
     .install = Install::kInPlace,
     .change = Change::kInserts,
     .spare = 3},
    {.name = "inplace-full",
     .install = Install::kInPlace,
     .change = Change::kGrows,
     .is_full = true},
    {.name = "inplace-twice", .install = Install::kInPlace, .updates = 2, .journals = 3},
    {.name = "inplace-resume",
     .install = Install::kInPlace,
     .abandons_first = true,
     .change = Change::kGrows},
    {.name = "inplace-resume-no-digest",
     .install = Install::kInPlace,
     .abandons_first = true,
     .knows_digest = false,
     .change = Change::kGrows},
    {.name = "inplace-reversible",
     .install = Install::kInPlace,
     .updates = 2,
     .is_reversible = true,
     .ram = kModelRam[1]},
    {.name = "inplace-undo",
     .install = Install::kInPlace,
     .last_is_broken = true,
     .is_reversible = true},
    {.name = "inplace-undo-one-spare",
     .install = Install::kInPlace,
     .last_is_broken = true,
     .is_reversible = true,
     .spare = 1,
     .journals = 3},
    {.name = "inplace-undo-grows",
     .install = Install::kInPlace,
     .last_is_broken = true,
     .change = Change::kGrows,
     .is_reversible = true},
    {.name = "inplace-undo-shrinks",
     .install = Install::kInPlace,
     .last_is_broken = true,
     .change = Change::kShrinks,
     .is_reversible = true,
     .spare = 4},
    {.name = "inplace-twice-then-undo",
     .install = Install::kInPlace,
     .updates = 2,
     .last_is_broken = true,
     .is_reversible = true,
     .ram = kModelRam[0]},
    {.name = "inplace-trust", .install = Install::kInPlace, .updates = 2, .has_trust = true},
    {.name = "inplace-trust-encrypted",
     .install = Install::kInPlace,
     .abandons_first = true,
     .has_trust = true,
     .is_encrypted = true,
     .change = Change::kGrows},
    {.name = "inplace-trust-undo",
     .install = Install::kInPlace,
     .last_is_broken = true,
     .has_trust = true,
     .is_reversible = true,
     .spare = 1},
    {.name = "inplace-trust-new-root-undo",
     .install = Install::kInPlace,
     .last_is_broken = true,
     .has_trust = true,
     .replaces_root = true,
     .is_reversible = true,
     .journals = 3},
};

// name, sector, program unit, buffer, erased value, metadata pages, bytes of each, sectors of an
// image, size of slot 1's sectors where it is another
constexpr PowercutGeometry kGeometries[] = {
    {"256-1", 256, 1, 256, 0xFF, 3, 256, 6},
    {"256-8-zero", 256, 8, 64, 0x00, 3, 512, 6},
    {"512-4", 512, 4, 512, 0xFF, 3, 512, 5},
    {"512-32-wide", 512, 32, 1024, 0xFF, 3, 512, 5},
    {"768-16-zero", 768, 16, 96, 0x00, 3, 768, 4},
    {"1024-2", 1024, 2, 2560, 0xFF, 3, 1024, 4},
    {"2048-8", 2048, 8, 2048, 0xFF, 3, 2048, 4},
    {"2048-16-two", 2048, 16, 512, 0xFF, 2, 2048, 3},
    {"4096-4", 4096, 4, 4096, 0xFF, 3, 4096, 4},
    {"4096-32-two-zero", 4096, 32, 4096, 0x00, 2, 4096, 3},
    {"16384-4", 16384, 4, 4096, 0xFF, 3, 16384, 2},
    {"131072-32", 131072, 32, 32768, 0xFF, 3, 131072, 2},
    {"uneven-1024-4096-4", 1024, 4, 1024, 0xFF, 3, 1024, 7, 4096},
    {"uneven-4096-512-16-zero", 4096, 16, 512, 0x00, 3, 4096, 2, 512},
    {"uneven-16384-131072-1", 16384, 1, 4096, 0xFF, 3, 16384, 5, 131072},
};

struct Options {
  std::string replay;
  bool quick = false;
  bool list = false;
  bool in_place = false;
  uint64_t seed = 1;
  unsigned series = 100;
  std::string only;
  bool sabotage = false;
};

struct Totals {
  uint64_t scenarios = 0, operations = 0, cuts = 0, faults = 0, failures = 0;
  uint64_t resumed = 0;    // sessions, at a checkpoint
  uint64_t continued = 0;  // sessions in place, behind the last complete sectors
  uint32_t resent = 0, interval = 0, rewritten = 0;
};

uint64_t Mix(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

// "ab-update/256-1/7/12m,3u": scenario, geometry, seed, events
std::string ReplayId(const PowercutDevice& device, uint64_t seed,
                     const std::vector<Event>& events) {
  std::string id = fmt::format("{}/{}/{}/", device.scenario().name, device.geometry().name, seed);
  for (size_t i = 0; i < events.size(); ++i) {
    id += fmt::format("{}{}{}", i == 0 ? "" : ",", events[i].after,
                      static_cast<char>(events[i].kind));
  }
  return id;
}

// What may be sent again after an interruption: from one checkpoint to the next, as in a life
// without any, and a piece.
uint32_t ResentLimit(const PowercutDevice& device, const PowercutResult& whole) {
  // An image that turns out to be corrupt is sent again as a whole.
  if (device.scenario().checkpoint_interval == 0 || device.scenario().first_is_another) {
    return UINT32_MAX;
  }
  return whole.interval + kPowercutPiece;
}

// Two areas outlive one cut that leaves what reads differently, not several in a row.
void CheckResent(PowercutResult& result, const std::vector<Event>& events, uint32_t limit) {
  bool is_bound = true;
  for (const Event& event : events) {
    if (!event.is_cut() ||
        (events.size() > 1 && (event.kind == Event::kUnstable || event.kind == Event::kNoisy))) {
      is_bound = false;
    }
  }
  if (is_bound && result.failure.empty() && result.resent > limit) {
    result.failure = fmt::format("{} bytes were sent again, more than {}", result.resent, limit);
  }
}

class Runner {
 public:
  explicit Runner(const Options& options) : options_(options) {}

  void RunAll() {
    for (size_t g = 0; g < std::size(kGeometries); ++g) {
      // A quick run takes a third of the geometries for each scenario, all of them over all
      // scenarios.
      for (size_t s = 0; s < std::size(kScenarios); ++s) {
        if (options_.quick && (g + s) % 3 != 0) continue;
        if (options_.quick && kGeometries[g].sector > 4096) continue;  // in seconds
        // What trust adds does not depend on the size of sectors, the time does.
        if (kScenarios[s].has_trust &&
            std::max(kGeometries[g].sector, kGeometries[g].second_sector) > 16384) {
          continue;
        }
        const bool in_place = kScenarios[s].install == Install::kInPlace;
        if (options_.in_place && !in_place) continue;
        // Nor does what an update in place adds: of large ones, each has some of the scenarios.
        const uint32_t largest = std::max(kGeometries[g].sector, kGeometries[g].second_sector);
        if (in_place && (largest > 4096 || (largest > 1024 && (g + s) % 3 != 0))) continue;
        if (in_place && options_.quick && (g + s) % 9 != 0) continue;
        const std::string name = fmt::format("{}/{}", kScenarios[s].name, kGeometries[g].name);
        if (name.find(options_.only) == std::string::npos) continue;
        Run(PowercutDevice(kScenarios[s], kGeometries[g]));
      }
    }
  }

  int Report() const {
    fmt::print("{} flash faults\n", totals_.faults);
    if (totals_.continued != 0) {
      fmt::print("{} sessions in place went on where one was interrupted\n", totals_.continued);
    }
    if (totals_.resumed != 0) {
      fmt::print(
          "resumed at a checkpoint {} times: at most {} bytes of a delta were sent again for one "
          "cut, {} with one interval of {} "
          "and a piece of {}; at most {} sectors were written again\n",
          totals_.resumed, totals_.resent, totals_.interval + kPowercutPiece, totals_.interval,
          kPowercutPiece, totals_.rewritten);
    }
    fmt::print("{} scenarios, {} operations, {} cuts, {} failures\n", totals_.scenarios,
               totals_.operations, totals_.cuts, totals_.failures);
    return totals_.failures == 0 && totals_.cuts != 0 ? 0 : 1;
  }

 private:
  void Run(const PowercutDevice& device) {
    ++totals_.scenarios;
    limit_ = UINT32_MAX;
    const PowercutResult whole = Live(device, options_.seed, {});
    limit_ = ResentLimit(device, whole);
    totals_.operations += whole.changes;
    if (!whole.failure.empty()) return;
    const auto changes = static_cast<uint32_t>(whole.changes);
    const bool large = device.geometry().sector > 16384;
    const uint32_t step = options_.quick ? 3 : 1;
    for (uint32_t after = 0; after < changes; after += step) {
      for (const auto kind :
           {Event::kBefore, Event::kTorn, Event::kUnstable, Event::kNoisy, Event::kAfter}) {
        Live(device, options_.seed + after, {{after, kind}});
      }
    }
    // Parts differ in what they do when they fail only in these; one geometry in the middle shows
    // it, the others less often.
    const uint32_t stride = options_.quick ? 17 : large ? 11 : 3;
    for (uint32_t after = 0; after < changes; after += stride) {
      for (const auto kind : {Event::kError, Event::kOutage, Event::kWornOut}) {
        Live(device, options_.seed + after, {{after, kind}});
      }
    }
    const auto reads = static_cast<uint32_t>(whole.reads);
    const uint32_t read_stride = std::max(1u, reads / (options_.quick ? 5 : large ? 8 : 60));
    for (uint32_t after = 0; after < reads; after += read_stride) {
      for (const auto kind : {Event::kReadError, Event::kUnreadable}) {
        Live(device, options_.seed + after, {{after, kind}});
      }
    }
    uint64_t pairs = options_.seed * 7919;
    if (device.scenario().install == Install::kInPlace) {
      for (uint32_t after = 0; after < changes; after += step)
        RunPair(device, after, changes, pairs);
    }
    const unsigned series = options_.quick ? options_.series / 10
                            : large        ? options_.series / 4
                                           : options_.series;
    uint64_t random = options_.seed * 1000003;
    for (unsigned i = 0; i < series; ++i) RunSeries(device, changes, random);
  }

  // A cut, and another one: soon after it, or anywhere.
  void RunPair(const PowercutDevice& device, uint32_t after, uint32_t changes, uint64_t& random) {
    static constexpr Event::Kind kKinds[] = {Event::kBefore, Event::kTorn, Event::kAfter,
                                             Event::kUnstable, Event::kNoisy};
    const bool two_pages = device.geometry().metadata_pages == 2;
    const auto run = [&](Event::Kind first, uint32_t limit) {
      const auto second = kKinds[Mix(random) % (two_pages ? 3 : 5)];
      const auto between = static_cast<uint32_t>(Mix(random) % limit);
      Live(device, Mix(random) % 100000, {{after, first}, {between, second}});
    };
    for (const uint32_t limit : {12u, changes}) run(kKinds[Mix(random) % 5], limit);
    // What reads as done at one start and not at the next.
    if (!two_pages && !options_.quick) {
      for (const auto first : {Event::kUnstable, Event::kNoisy}) run(first, 8);
    }
  }

  // Several cuts; many of them soon after the last one, as with a contact that bounces.
  void RunSeries(const PowercutDevice& device, uint32_t changes, uint64_t& random) {
    // With two metadata pages, bits that change between starts are only survived once.
    static constexpr Event::Kind kKinds[] = {Event::kBefore, Event::kTorn, Event::kAfter,
                                             Event::kUnstable, Event::kNoisy};
    const unsigned kinds = device.geometry().metadata_pages == 2 ? 3 : 5;
    std::vector<Event> events(2 + Mix(random) % 7);
    for (Event& event : events) {
      const uint32_t limit = Mix(random) % 2 == 0 ? changes : 8;
      event.after = static_cast<uint32_t>(Mix(random) % limit);
      event.kind = kKinds[Mix(random) % kinds];
    }
    Live(device, Mix(random) % 100000, events);
  }

  PowercutResult Live(const PowercutDevice& device, uint64_t seed,
                      const std::vector<Event>& events) {
    PowercutResult result = device.Live(seed, events, options_.sabotage);
    CheckResent(result, events, limit_);
    const PowercutScenario& scenario = device.scenario();
    (scenario.checkpoint_interval != 0 ? totals_.resumed : totals_.continued) += result.resumed;
    if (events.empty() && result.failure.empty() && result.resumed == 0 &&
        scenario.install == Install::kInPlace && scenario.abandons_first && scenario.knows_digest &&
        device.geometry().sector % device.geometry().buffer == 0 &&
        device.geometry().second_sector == 0) {
      result.failure = "the session that was abandoned is begun anew";
    }
    if (result.events == 1 && events[0].is_cut() && limit_ != UINT32_MAX) {
      // To abandon a session is an interruption, too.
      const uint32_t abandoned = device.scenario().abandons_first ? 1 : 0;
      totals_.rewritten =
          std::max(totals_.rewritten, result.rewritten - std::min(result.rewritten, abandoned));
      if (result.resent > totals_.resent) {
        totals_.resent = result.resent;
        totals_.interval = limit_ - kPowercutPiece;
      }
    }
    for (uint32_t i = 0; i < result.events; ++i)
      ++(events[i].is_cut() ? totals_.cuts : totals_.faults);
    if (!result.failure.empty()) {
      ++totals_.failures;
      fmt::print("FAILED tools/powercut --replay {}  # {}\n", ReplayId(device, seed, events),
                 result.failure);
      std::fflush(stdout);  // for who follows a run of minutes
    }
    return result;
  }

  const Options& options_;
  Totals totals_;
  uint32_t limit_ = UINT32_MAX;
};

template <typename T, size_t kSize>
const T* Find(const T (&all)[kSize], std::string_view name) {
  for (const T& one : all) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::optional<std::vector<Event>> ParseEvents(const std::string& text) {
  std::vector<Event> events;
  if (text.empty()) return events;
  for (const std::string& part : Split(text, ',')) {
    size_t used = 0;
    unsigned long after = 0;
    try {
      after = std::stoul(part, &used);
    } catch (const std::exception&) {
      return {};
    }
    if (used + 1 != part.size() ||
        std::string_view("bmunaexroz").find(part.back()) == std::string::npos) {
      return {};
    }
    events.push_back({static_cast<uint32_t>(after), static_cast<Event::Kind>(part.back())});
  }
  return events;
}

int Replay(const std::string& id) {
  const std::vector<std::string> parts = Split(id, '/');
  const PowercutScenario* scenario = parts.size() == 4 ? Find(kScenarios, parts[0]) : nullptr;
  const PowercutGeometry* geometry = parts.size() == 4 ? Find(kGeometries, parts[1]) : nullptr;
  const auto events = parts.size() == 4 ? ParseEvents(parts[3]) : std::nullopt;
  if (!scenario || !geometry || !events) {
    std::cerr << "powercut: --replay takes what a failure printed: scenario/geometry/seed/events\n";
    return 2;
  }
  const PowercutDevice device(*scenario, *geometry);
  PowercutResult result = device.Live(std::strtoull(parts[2].c_str(), nullptr, 10), *events);
  CheckResent(result, *events, ResentLimit(device, device.Live(1, {})));
  if (scenario->checkpoint_interval != 0) {
    fmt::print(
        "{} checkpoints, {} sectors of their areas erased, {} bytes of the delta sent again, {} "
        "sectors written again\n",
        result.checkpoints, result.checkpoint_erases, result.resent, result.rewritten);
  }
  fmt::print("{} changes, {} reads, {} of {} events, {} sectors kept: {}\n", result.changes,
             result.reads, result.events, events->size(), result.sectors_kept,
             result.failure.empty() ? "right" : result.failure);
  return result.failure.empty() ? 0 : 1;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Cuts the power of simulated devices at every flash operation of an update.");
  app.add_option("--replay", options.replay, "run one life again: what a failure printed");
  app.add_flag("--quick", options.quick, "a selection, in seconds");
  app.add_flag("--in-place", options.in_place, "only updates in place");
  app.add_flag("--list", options.list, "name scenarios and geometries");
  app.add_option("--seed", options.seed, "of what torn operations leave, and of the random series")
      ->capture_default_str();
  app.add_option("--series", options.series, "random series of cuts for each scenario and geometry")
      ->capture_default_str();
  app.add_option("--only", options.only, "scenarios/geometries with this in their name");
  app.add_flag("--sabotage", options.sabotage,
               "start the wrong slot: shows that failures are found");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.list) {
    for (const auto& scenario : kScenarios) fmt::print("scenario {}\n", scenario.name);
    for (const auto& geometry : kGeometries) fmt::print("geometry {}\n", geometry.name);
    return 0;
  }
  if (!options.replay.empty()) return Replay(options.replay);
  Runner runner(options);
  runner.RunAll();
  return runner.Report();
}

}  // namespace
}  // namespace mote::tools

int main(int argc, char** argv) {
  try {
    return mote::tools::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "powercut: " << error.what() << '\n';
    return 1;
  }
}
