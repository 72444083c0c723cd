// SPDX-License-Identifier: Apache-2.0
// The table of mote's configurations, and the process that runs one of them; codecs.h is the
// manual.
#include "bench/codecs.h"

#include <fmt/format.h>
#include <stdint.h>
#include <stdio.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "bench/corpus.h"
#include "diff/apply.h"
#include "diff/bsdiff40.h"
#include "diff/diff.h"

namespace mote::bench {
namespace {

using Bytes = std::vector<uint8_t>;
using View = std::span<const uint8_t>;

struct Configuration {
  std::string name;
  std::string about;
  std::function<Bytes(View old_image, View new_image)> diff;
  std::function<Bytes(View old_image, View delta)> patch;
  /// RAM that a device needs for this delta, without its sector buffer; nothing where no device
  /// decodes it. Bytes.
  std::function<std::optional<uint32_t>(View delta)> ram;
};

/// mote's own format with these options.
Configuration Own(std::string name, std::string about, DiffOptions options) {
  return {.name = std::move(name),
          .about = std::move(about),
          .diff = [options](View old_image,
                            View new_image) { return Diff(old_image, new_image, options); },
          .patch = Apply,
          .ram = [](View delta) -> std::optional<uint32_t> {
            const DeltaHeader header = ReadHeader(delta);
            return DecoderRam(header);
          }};
}

DiffOptions Options(Codec codec, uint32_t ram = 0, unsigned window_bits = 0) {
  DiffOptions options;
  options.codec = codec;
  options.ram = ram;
  options.window_bits = window_bits;
  return options;
}

/// What is measured, in the order of the columns. A row here is all that a new codec, or a new RAM
/// profile of one, needs.
std::vector<Configuration> Configurations() {
  return {
      Own("model-4k", "mote, the predictive model in 4 KiB of RAM", Options(Codec::kModel, 4096)),
      Own("model-2k", "mote, the predictive model in 2 KiB", Options(Codec::kModel, 2048)),
      Own("model-1k", "mote, the predictive model in 1 KiB", Options(Codec::kModel, 1024)),
      Own("raw", "mote, commands not packed: the smallest decoder", Options(Codec::kRaw)),
      Own("lzss-1k", "mote, LZSS with a window of 1 KiB", Options(Codec::kLzss, 0, 10)),
      Own("lzss-best", "mote, LZSS with the best window, up to 32 KiB", Options(Codec::kLzss)),
      Own("lz4", "mote, commands packed by liblz4, for gateways", Options(Codec::kLz4)),
      Own("bz2", "mote, commands packed by libbz2, for gateways", Options(Codec::kBz2)),
      Own("zstd", "mote, commands packed by libzstd, for gateways", Options(Codec::kZstd)),
      {.name = "bsdiff40",
       .about = "mote, in the file format of bsdiff: the gain of the alignment alone",
       .diff = [](View old_image,
                  View new_image) { return WriteBsdiff40(old_image, new_image, {}); },
       .patch = ApplyBsdiff40,
       .ram = [](View) -> std::optional<uint32_t> { return std::nullopt; }},
  };
}

/// Applies the delta again and again, for a tenth of a second or a hundred times. Returns the
/// shortest time.
double TimePatch(const Configuration& configuration, View old_image, View delta) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run < 100; ++run) {
    const Clock::time_point before = Clock::now();
    configuration.patch(old_image, delta);
    const Clock::time_point after = Clock::now();
    best = std::min(best, std::chrono::duration<double>(after - before).count());
    if (after - start > std::chrono::milliseconds(100)) break;
  }
  return best;
}

void RunStep(const std::string& step, const Configuration& configuration,
             const std::vector<std::string>& files) {
  const Bytes first = ReadFile(files[0]);
  const Bytes second = ReadFile(files[1]);
  if (step == "diff") {
    WriteFile(files[2], configuration.diff(first, second));
    return;
  }
  if (step != "patch") throw Error(Status::kBadArgument, "no such step: " + step);
  WriteFile(files[2], configuration.patch(first, second));
  nlohmann::json report{{"seconds", TimePatch(configuration, first, second)},
                        {"decoder_ram", nullptr}};
  if (const std::optional<uint32_t> ram = configuration.ram(second)) report["decoder_ram"] = *ram;
  fmt::print("{}\n", report.dump());
}

}  // namespace

std::vector<Contender> OurCodecs(const std::filesystem::path& self) {
  std::vector<Contender> contenders;
  for (const Configuration& configuration : Configurations()) {
    const std::string program = self.string();
    const std::string name = configuration.name;
    contenders.push_back({.name = name,
                          .about = configuration.about,
                          .ours = true,
                          .delta = true,
                          .version = "",
                          .diff =
                              [program, name](const Files& files) {
                                return Command{{program, kChildArgument, "diff", name,
                                                files.old_image, files.new_image, files.delta},
                                               {}};
                              },
                          .patch =
                              [program, name](const Files& files) {
                                return Command{{program, kChildArgument, "patch", name,
                                                files.old_image, files.delta, files.rebuilt},
                                               files.rebuilt.string() + ".report"};
                              }});
  }
  return contenders;
}

int RunChild(const std::vector<std::string>& arguments) {
  try {
    if (arguments.size() != 5) throw Error(Status::kBadArgument, "wrong number of arguments");
    for (const Configuration& configuration : Configurations()) {
      if (configuration.name != arguments[1]) continue;
      RunStep(arguments[0], configuration, {arguments.begin() + 2, arguments.end()});
      return 0;
    }
    throw Error(Status::kBadArgument, "no such codec: " + arguments[1]);
  } catch (const Error& e) {
    fmt::print(stderr, "{}: {}\n", StatusName(e.status()), e.what());
    return static_cast<int>(e.status());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "out of memory\n");
    return static_cast<int>(Status::kDoesNotFit);
  }
}

}  // namespace mote::bench
