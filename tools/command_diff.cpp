// SPDX-License-Identifier: Apache-2.0
// mote diff: compares two images and writes a delta.
#include <stdint.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "diff/apply.h"
#include "diff/bsdiff40.h"
#include "diff/diff.h"
#include "lzss/decoder.h"
#include "stream/updater.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/output_file.h"
#include "tools/progress.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote diff OLD NEW DELTA [options]\n"
    "\n"
    "Writes the delta that turns OLD into NEW, and proves it with the device's own decoder before\n"
    "DELTA appears. The same input gives the same delta on every machine.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote diff v1.bin v2.bin update.mote              the smallest delta that any device takes\n"
    "  mote diff v1.elf v2.elf update.mote --ram 2K     for 2048 bytes of decoder RAM\n"
    "  mote diff v1.hex - update.mote --json < v2.hex   report for a script\n"
    "  mote diff v1.bin v2.bin - -q | wc -c             how large would it be?\n"
    "  mote diff v1.bin v2.bin v1-v2.bsdiff --format bsdiff40";

struct Options {
  std::string old_name;
  std::string new_name;
  std::string delta_name;
  std::string codec = "lzss";
  std::string format = "mote";
  std::optional<uint32_t> window;
  std::optional<uint32_t> ram;
  InputOptions input;
  ReportOptions report;
};

std::vector<uint8_t> MakeBsdiff40(const InputImage& old_image, const InputImage& new_image,
                                  Progress& progress) {
  std::vector<uint8_t> delta = WriteBsdiff40(old_image.bytes, new_image.bytes,
                                             [&progress](double share) { progress.Update(share); });
  if (ApplyBsdiff40(old_image.bytes, delta) != new_image.bytes) {
    throw std::logic_error("the bsdiff40 delta does not rebuild NEW");
  }
  return delta;
}

std::vector<uint8_t> MakeDelta(const Options& options, const InputImage& old_image,
                               const InputImage& new_image) {
  Progress progress("comparing");
  if (options.format == "bsdiff40") return MakeBsdiff40(old_image, new_image, progress);
  DiffOptions diff;
  diff.codec = *CodecByName(options.codec);
  diff.ram = options.ram.value_or(0);
  diff.window_bits = options.window.value_or(0);
  diff.progress = [&progress](double share) { progress.Update(share); };
  return Diff(old_image.bytes, new_image.bytes, diff);
}

nlohmann::ordered_json ImageJson(const InputImage& image) {
  nlohmann::ordered_json json;
  json["size"] = image.bytes.size();
  json["format"] = image.format;
  json["base"] = image.base ? nlohmann::ordered_json(*image.base) : nlohmann::ordered_json();
  return json;
}

std::string ImageText(const InputImage& image) {
  return fmt::format("{:>10} bytes  {}{}\n", image.bytes.size(), image.format,
                     image.base ? fmt::format(" at {:#010x}", *image.base) : "");
}

void Report(const Options& options, const InputImage& old_image, const InputImage& new_image,
            const std::vector<uint8_t>& delta) {
  const double per_cent = PerCent(delta.size(), new_image.bytes.size());
  nlohmann::ordered_json json;
  json["old"] = ImageJson(old_image);
  json["new"] = ImageJson(new_image);
  json["delta_size"] = delta.size();
  json["per_cent_of_new"] = per_cent;
  json["format"] = options.format;
  std::string text =
      "old          " + ImageText(old_image) + "new          " + ImageText(new_image);
  text += fmt::format("delta        {:>10} bytes  {:.2f} % of new\n", delta.size(), per_cent);
  if (options.format == "bsdiff40") {
    text += "format       bsdiff40, for bspatch; no device decodes it\n";
  } else {
    const DeltaHeader header = ReadHeader(delta);
    const std::optional<uint32_t> ram = DecoderRam(header);
    json["codec"] = CodecName(header.codec);
    json["window_bits"] = header.window_bits;
    json["decoder_ram"] = ram ? nlohmann::ordered_json(*ram) : nlohmann::ordered_json();
    text += CodecText(header);
  }
  PrintReport(options.report, options.delta_name == "-", text, json);
}

void Run(const CLI::App& command, const Options& options) {
  if (options.old_name == "-" && options.new_name == "-") {
    ThrowUsage(command, "standard input can be OLD or NEW, not both");
  }
  if (IsSameFile(options.delta_name, options.old_name) ||
      IsSameFile(options.delta_name, options.new_name)) {
    ThrowUsage(command, "DELTA would overwrite OLD or NEW");
  }
  const bool lzss = options.format == "mote" && options.codec == "lzss";
  if (options.format == "bsdiff40" && command.count("--codec") != 0) {
    ThrowUsage(command, "--codec is for --format mote: bsdiff40 always packs with bz2");
  }
  if (options.window && !lzss) ThrowUsage(command, "--window is for --codec lzss");
  if (options.window &&
      (*options.window < lzss::kMinWindowBits || *options.window > lzss::kMaxWindowBits)) {
    ThrowUsage(command, fmt::format("--window must be {} to {}", lzss::kMinWindowBits,
                                    lzss::kMaxWindowBits));
  }
  if (options.ram && (options.format != "mote" || !DecoderRam(*CodecByName(options.codec), 0))) {
    ThrowUsage(command, "--ram is for --codec lzss and raw: no device decodes the others");
  }
  const InputImage old_image = ReadImage(options.old_name, options.input);
  const InputImage new_image = ReadImage(options.new_name, options.input);
  OutputFile output(options.delta_name);
  const std::vector<uint8_t> delta =
      AboutFile("diff", [&] { return MakeDelta(options, old_image, new_image); });
  output.Commit(delta);
  Report(options, old_image, new_image, delta);
}

}  // namespace

void AddDiffCommand(CLI::App& app) {
  CLI::App* command = AddCommand(app, "diff", kForms,
                                 fmt::format("RAM of the device, in bytes: {} + window (2^BITS) + "
                                             "sector buffer. --ram counts the first two.\n"
                                             "\n{}",
                                             kUpdaterRam, kExamples),
                                 {Status::kDone, Status::kBadArgument, Status::kDoesNotFit,
                                  Status::kUnsupported, Status::kFileError, Status::kBadImage});
  const auto options = std::make_shared<Options>();
  command->add_option("OLD", options->old_name)->required();
  command->add_option("NEW", options->new_name)->required();
  command->add_option("DELTA", options->delta_name)->required();
  command
      ->add_option("--codec", options->codec, "raw, lzss, or for hosts only bz2, zstd, lz4 [lzss]")
      ->type_name("NAME")
      ->check(CLI::IsMember({"raw", "lzss", "bz2", "zstd", "lz4"}));
  command->add_option("--format", options->format, "mote, or bsdiff40 for bspatch [mote]")
      ->type_name("NAME")
      ->check(CLI::IsMember({"mote", "bsdiff40"}));
  AddSizeOption(*command, "--window", options->window, "BITS",
                "LZSS window of 2^BITS bytes, 8 to 15 [what gives the smallest delta]");
  AddSizeOption(*command, "--ram", options->ram, "BYTES",
                "RAM for the decoder, without sector buffer; K and KiB allowed [no limit]");
  AddInputOptions(*command, options->input);
  AddSizeOption(*command, "--base", options->input.base, "ADDR",
                "load address of the images, for the report [what HEX, ELF or UF2 say]");
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
