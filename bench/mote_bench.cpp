// SPDX-License-Identifier: Apache-2.0
// mote-bench: sizes, times and memory of mote's codecs beside other programs, over real firmware
// pairs. README.md beside this file explains its output.
#include <fmt/format.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "bench/codecs.h"
#include "bench/corpus.h"
#include "bench/in_place.h"
#include "bench/measure.h"
#include "bench/plot.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/tools.h"

namespace mote::bench {
namespace {

namespace fs = std::filesystem;

enum ExitCode {
  kAllVerified = 0,
  kDeltaFailed = 1,
  kUsage = 2,
  kFileProblem = 3,
  kInterrupted = 130  // as shells say it: 128 + SIGINT
};

volatile std::sig_atomic_t interrupted = 0;

constexpr const char* kAbout =
    R"(Compares mote's codecs with other programs over pairs of firmware images: for each pair and
contender it makes a delta, applies it, and compares the result with the new image byte by byte.

The tables go to standard output, progress to standard error.)";

constexpr const char* kExamples = R"(Examples:
  mote-bench                                   all pairs of the repository, everything installed
  mote-bench --pair 'tls-*' --codecs lzss      pairs whose name matches; every lzss-...
  mote-bench --codecs none                     the other programs alone
  mote-bench --corpus DIR --json sizes.json    your own pairs: DIR/NAME/{old.bin,new.bin}
  mote-bench --reference peers.json            compares with sizes measured elsewhere:
                                               {PAIR: {"all": {TOOL: SIZE}, "low": SIZE, "best": SIZE}}
  mote-bench --markdown bench/RESULTS.md --plot bench/results.svg
  mote-bench --in-place --markdown bench/IN_PLACE.md

Exit codes:
  0  every delta gave the new image
  1  at least one did not: it is marked FAILED, the reason stands under the tables
  2  the command line is wrong, or no pair is left to measure
  3  a file cannot be read or written
  130  interrupted; nothing was written
How fast or how small anything is never changes the exit code.)";

struct Arguments {
  std::vector<std::string> corpus, pairs, codecs, tools;
  unsigned jobs = 1;
  std::string json, plot, markdown, reference;
  bool details = false, quiet = false, list = false, in_place = false;
};

/// A command line that cannot be obeyed.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(Status::kBadArgument, message) {}
};

std::vector<fs::path> CorpusDirectories(const Arguments& arguments) {
  if (!arguments.corpus.empty()) return {arguments.corpus.begin(), arguments.corpus.end()};
  std::vector<fs::path> directories;
  for (const char* name : {"corpus/pairs", "build/corpus"}) {
    const fs::path directory = fs::path(MOTE_SOURCE_DIR) / name;
    if (fs::is_directory(directory)) directories.push_back(directory);
  }
  if (directories.empty()) {
    throw UsageError("the repository has neither corpus/pairs nor build/corpus; use --corpus DIR");
  }
  return directories;
}

/// All pairs that are asked for. Of two with the same name, the first directory's counts.
std::vector<Pair> FindPairs(const Arguments& arguments) {
  std::vector<Pair> pairs;
  std::set<std::string> names, used;
  const auto wanted = [&](const std::string& name) {
    bool take = arguments.pairs.empty();
    for (const std::string& pattern : arguments.pairs) {
      if (fnmatch(pattern.c_str(), name.c_str(), 0) != 0) continue;
      take = true;
      used.insert(pattern);
    }
    return take;
  };
  for (const fs::path& directory : CorpusDirectories(arguments)) {
    for (Pair& pair : ReadCorpus(directory)) {
      if (wanted(pair.name) && names.insert(pair.name).second) pairs.push_back(std::move(pair));
    }
  }
  for (const std::string& pattern : arguments.pairs) {
    if (!used.contains(pattern)) throw UsageError("--pair: there is no '" + pattern + "'");
  }
  if (pairs.empty()) {
    throw UsageError("no pair found: a corpus directory holds NAME/old.bin and NAME/new.bin");
  }
  return pairs;
}

/// Keeps those that `wanted` names, by the whole name or the part before a '-'. Empty: all; "none":
/// none of them.
std::vector<Contender> Select(std::vector<Contender> contenders,
                              const std::vector<std::string>& wanted, const char* option) {
  if (wanted.empty()) return contenders;
  std::vector<Contender> selected;
  std::set<std::string> used;
  for (Contender& contender : contenders) {
    const std::string group = contender.name.substr(0, contender.name.find('-'));
    bool take = false;
    for (const std::string& name : wanted) {
      if (name != contender.name && name != group) continue;
      take = true;
      used.insert(name);
    }
    if (take) selected.push_back(std::move(contender));
  }
  for (const std::string& name : wanted) {
    if (name == "none" || used.contains(name)) continue;
    throw UsageError(fmt::format("{}: there is no '{}'; see mote-bench --list", option, name));
  }
  return selected;
}

/// Tells on standard error how far the work is: one line that changes on a terminal, otherwise a
/// line for each delta.
void Tell(size_t done, size_t all, const Pair& pair, const Contender& contender,
          const Measurement& measurement) {
  static const bool terminal = isatty(STDERR_FILENO);
  const std::string what =
      measurement.verified()
          ? fmt::format("{} bytes, {:.2f} s", measurement.size, measurement.diff_wall_seconds)
          : "FAILED: " + measurement.error;
  const std::string line =
      fmt::format("[{}/{}] {} {}: {}", done, all, pair.name, contender.name, what);
  if (!terminal || !measurement.verified()) {
    fmt::print(stderr, "{}{}\n", terminal ? "\r\x1b[K" : "", line);
  } else {
    fmt::print(stderr, "\r\x1b[K{}{}", line.substr(0, 100), done == all ? "\r\x1b[K" : "");
  }
}

/// Thrown between two measurements after Ctrl-C, so that the scratch files are removed.
struct Interrupted {};

/// How to make a Markdown report again. A corpus outside the repository is DIR, of other absolute
/// paths only the last part is told: the rest is this machine's.
std::string Invocation(const Arguments& arguments) {
  std::string text = arguments.in_place ? "mote-bench --in-place" : "mote-bench";
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) text += fmt::format(" {} {}", option, value);
  };
  const auto shown = [](const std::string& given) {
    const fs::path path = fs::path(given).lexically_normal();
    return (path.is_relative() ? path : path.filename()).generic_string();
  };
  for (const std::string& directory : arguments.corpus) {
    add("--corpus", fs::path(directory).is_relative() ? directory : "DIR");
  }
  for (const std::string& pattern : arguments.pairs) add("--pair", "'" + pattern + "'");
  add("--codecs", fmt::format("{}", fmt::join(arguments.codecs, ",")));
  add("--tools", fmt::format("{}", fmt::join(arguments.tools, ",")));
  add("--reference", shown(arguments.reference));
  add("--plot", shown(arguments.plot));
  add("--markdown", shown(arguments.markdown));
  return text;
}

int List(const std::vector<Contender>& codecs, const std::vector<Contender>& tools,
         const std::vector<std::string>& missing) {
  for (const auto* contenders : {&codecs, &tools}) {
    for (const Contender& contender : *contenders) {
      fmt::print("{:<12} {}{}\n", contender.name, contender.about,
                 contender.version.empty() ? "" : " (" + contender.version + ")");
    }
  }
  for (const std::string& line : missing) fmt::print("not measured: {}\n", line);
  return kAllVerified;
}

int ExecuteInPlace(const Arguments& arguments) {
  std::vector<Pair> pairs = FindPairs(arguments);
  std::erase_if(pairs, [](const Pair& pair) { return !IsCortexM(pair); });
  if (pairs.empty()) throw UsageError("--in-place: no pair is for Cortex-M");
  std::optional<Reference> reference;
  if (!arguments.reference.empty()) reference = ReadReference(arguments.reference, pairs);
  size_t failures = 0;
  const std::vector<InPlaceResult> results =
      MeasureInPlace(pairs, [&](const Pair& pair, const InPlaceResult& result) {
        failures += !result.error.empty();
        if (arguments.quiet) return;
        fmt::print(stderr, "{}: {}\n", pair.name,
                   result.error.empty() ? fmt::format("{} bytes", result.file) : result.error);
      });
  fmt::print("{}", InPlaceReport(pairs, results, reference, false, ""));
  if (!arguments.markdown.empty()) {
    WriteFile(arguments.markdown,
              InPlaceReport(pairs, results, reference, true, Invocation(arguments)));
  }
  return failures == 0 ? kAllVerified : kDeltaFailed;
}

int Execute(const Arguments& arguments) {
  if (arguments.in_place) return ExecuteInPlace(arguments);
  const ScratchDirectory scratch;
  Results results;
  std::vector<std::string> missing;
  std::vector<Contender> codecs = OurCodecs(fs::read_symlink("/proc/self/exe"));
  std::vector<Contender> tools = OutsideTools(scratch.path(), missing);
  if (arguments.list) return List(codecs, tools, missing);

  results.contenders = Select(std::move(codecs), arguments.codecs, "--codecs");
  for (Contender& tool : Select(std::move(tools), arguments.tools, "--tools")) {
    results.contenders.push_back(std::move(tool));
  }
  if (results.contenders.empty()) throw UsageError("nothing is left to measure");
  if (arguments.tools.empty()) results.missing = missing;
  results.pairs = FindPairs(arguments);
  results.jobs = arguments.jobs;
  results.memory_floor = MemoryFloor(scratch.path());
  std::optional<Reference> reference;
  if (!arguments.reference.empty()) reference = ReadReference(arguments.reference, results.pairs);

  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  MeasureAll(results, scratch.path(),
             [&](size_t done, size_t all, const Pair& pair, const Contender& contender,
                 const Measurement& measurement) {
               if (interrupted) throw Interrupted();
               if (!arguments.quiet) Tell(done, all, pair, contender, measurement);
             });

  if (interrupted) throw Interrupted();
  ReportOptions options{
      .details = arguments.details, .plot = "", .invocation = Invocation(arguments)};
  fmt::print("{}", TextReport(results, reference, options));
  if (!arguments.json.empty()) WriteFile(arguments.json, JsonReport(results, reference));
  if (!arguments.plot.empty()) WriteFile(arguments.plot, Plot(results));
  if (!arguments.markdown.empty()) {
    if (!arguments.plot.empty()) {
      const fs::path from = fs::absolute(arguments.markdown).parent_path();
      options.plot = fs::absolute(arguments.plot).lexically_relative(from).generic_string();
    }
    WriteFile(arguments.markdown, MarkdownReport(results, reference, options));
  }
  return results.Failures() == 0 ? kAllVerified : kDeltaFailed;
}

int Main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == kChildArgument) return RunChild({argv + 2, argv + argc});
  // What a user has set for daily work must not change what is measured.
  for (const char* name : {"XZ_OPT", "XZ_DEFAULTS", "XDELTA", "ZSTD_CLEVEL", "ZSTD_NBTHREADS"}) {
    unsetenv(name);
  }
  Arguments arguments;
  CLI::App app{kAbout, "mote-bench"};
  app.footer(kExamples);
  app.add_option(
         "--corpus", arguments.corpus,
         "A directory of pairs, NAME/{old.bin,new.bin,meta.json}; may be given again. Default: "
         "corpus/pairs of the repository, and build/corpus where it was built")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--pair", arguments.pairs, "Only this pair; may hold wildcards and be given again")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option(
         "--codecs", arguments.codecs,
         "Only these of mote's codecs, separated by commas: a name of --list, its part before a "
         "'-', or none")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--tools", arguments.tools, "Only these other programs, likewise")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--jobs", arguments.jobs,
                 "Measure so many deltas at the same time. Sizes stay the same; times get worse "
                 "(default 1)")
      ->type_name("N")
      ->check(CLI::Range(1U, 256U));
  app.add_option("--json", arguments.json, "Write all figures to this file")->type_name("FILE");
  app.add_option("--plot", arguments.plot, "Draw the sizes into this file, SVG")->type_name("FILE");
  app.add_option("--markdown", arguments.markdown, "Write the tables as Markdown to this file")
      ->type_name("FILE");
  app.add_option("--reference", arguments.reference,
                 "Compare with the sizes in this JSON file, and say whether promises are kept")
      ->type_name("FILE");
  app.add_flag("--in-place", arguments.in_place,
               "Instead of all that: updates in place, over the Cortex-M pairs")
      ->excludes("--codecs")
      ->excludes("--tools")
      ->excludes("--json")
      ->excludes("--plot");
  app.add_flag("--details", arguments.details, "Also print a line for each delta");
  app.add_flag("--list", arguments.list, "Say what would be measured, and what is not installed");
  app.add_flag("--quiet", arguments.quiet, "No progress on standard error");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kAllVerified : kUsage;
  }
  try {
    return Execute(arguments);
  } catch (const UsageError& e) {
    fmt::print(stderr, "mote-bench: {}\n", e.what());
    return kUsage;
  } catch (const Interrupted&) {
    fmt::print(stderr, "\nmote-bench: interrupted\n");
    return kInterrupted;
  } catch (const std::exception& e) {
    fmt::print(stderr, "mote-bench: {}\n", e.what());
    return kFileProblem;
  }
}

}  // namespace
}  // namespace mote::bench

int main(int argc, char** argv) { return mote::bench::Main(argc, argv); }
