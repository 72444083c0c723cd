// SPDX-License-Identifier: Apache-2.0
// The outside programs and how each is called: as its manual advises for the smallest delta. To add
// one, add a row.
#include "bench/tools.h"

#include <ctype.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

namespace mote::bench {
namespace {

namespace fs = std::filesystem;

using Arguments = std::vector<std::string>;

struct Program {
  std::string name;
  std::string about;
  std::vector<std::string> programs;  ///< all of them must be installed
  std::string package;                ///< where Debian has them
  Arguments version;                  ///< prints it; empty: the program does not say
  bool delta;
  std::function<Command(const Files&)> diff, patch;
};

/// What a command prints, standard output or else standard error.
std::string OutputOf(const Arguments& arguments, const fs::path& scratch) {
  const fs::path output = scratch / "stdout";
  Run({.arguments = arguments, .output = output}, scratch);
  std::string text;
  for (const fs::path& path : {output, scratch / "stderr"}) {
    std::ifstream file(path, std::ios::binary);
    text.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return text;
}

std::string FirstVersion(const std::string& text) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(R"(\d+\.\d+(\.\d+)*)")) ? match.str() : "";
}

std::vector<Program> Programs(const fs::path& scratch) {
  // What its secondary compression is depends on how xdelta3 was built: the strongest of what it
  // has.
  std::string secondary = "none";
  if (FindProgram("xdelta3")) {
    const std::string config = OutputOf({"xdelta3", "config"}, scratch);
    for (const char* name : {"djw", "lzma"}) {
      std::string key = fmt::format("SECONDARY_{}=1", name);
      std::ranges::transform(key, key.begin(),
                             [](char c) { return static_cast<char>(toupper(c)); });
      if (config.find(key) != std::string::npos) secondary = name;
    }
  }
  return {
      {.name = "bsdiff",
       .about = "bsdiff and bspatch, the usual yardstick",
       .programs = {"bsdiff", "bspatch"},
       .package = "bsdiff",
       .version = {},
       .delta = true,
       .diff =
           [](const Files& files) {
             return Command{{"bsdiff", files.old_image, files.new_image, files.delta}, {}};
           },
       .patch =
           [](const Files& files) {
             return Command{{"bspatch", files.old_image, files.rebuilt, files.delta}, {}};
           }},
      // -n leaves out checksums, -A= the names of the files: neither is the delta's fault.
      {.name = "xdelta3",
       .about = fmt::format("xdelta3 -9 -S {} -n -A=", secondary),
       .programs = {"xdelta3"},
       .package = "xdelta3",
       .version = {"xdelta3", "-V"},
       .delta = true,
       .diff =
           [secondary](const Files& files) {
             return Command{{"xdelta3", "-e", "-9", "-S", secondary, "-n", "-A=", "-f", "-s",
                             files.old_image, files.new_image, files.delta},
                            {}};
           },
       .patch =
           [](const Files& files) {
             return Command{
                 {"xdelta3", "-d", "-f", "-s", files.old_image, files.delta, files.rebuilt}, {}};
           }},
      {.name = "zstd-from",
       .about = "zstd --ultra -22 --long=27 --patch-from=OLD",
       .programs = {"zstd"},
       .package = "zstd",
       .version = {"zstd", "-V"},
       .delta = true,
       .diff =
           [](const Files& files) {
             return Command{
                 {"zstd", "-q", "-f", "--ultra", "-22", "--long=27",
                  "--patch-from=" + files.old_image.string(), files.new_image, "-o", files.delta},
                 {}};
           },
       .patch =
           [](const Files& files) {
             return Command{
                 {"zstd", "-q", "-f", "-d", "--memory=2048MB",
                  "--patch-from=" + files.old_image.string(), files.delta, "-o", files.rebuilt},
                 {}};
           }},
      {.name = "xz-full",
       .about = "xz -9e of the whole new image: no delta at all",
       .programs = {"xz"},
       .package = "xz-utils",
       .version = {"xz", "--version"},
       .delta = false,
       .diff =
           [](const Files& files) {
             return Command{{"xz", "-9e", "-T1", "-k", "-c", files.new_image}, files.delta};
           },
       .patch =
           [](const Files& files) {
             return Command{{"xz", "-d", "-k", "-c", "-F", "xz", "-S", ".delta", files.delta},
                            files.rebuilt};
           }},
  };
}

}  // namespace

std::vector<Contender> OutsideTools(const fs::path& scratch, std::vector<std::string>& missing) {
  std::vector<Contender> tools;
  for (Program& program : Programs(scratch)) {
    std::string lacking;
    for (const std::string& name : program.programs) {
      if (!FindProgram(name)) lacking = name;
    }
    if (!lacking.empty()) {
      missing.push_back(fmt::format("{}: {} is not installed (Debian package {})", program.name,
                                    lacking, program.package));
      continue;
    }
    tools.push_back(
        {.name = program.name,
         .about = program.about,
         .ours = false,
         .delta = program.delta,
         .version = program.version.empty() ? "" : FirstVersion(OutputOf(program.version, scratch)),
         .diff = std::move(program.diff),
         .patch = std::move(program.patch)});
  }
  return tools;
}

}  // namespace mote::bench
