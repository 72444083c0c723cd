// SPDX-License-Identifier: Apache-2.0
// mote info: what is in a delta.
#include <stdint.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "diff/apply.h"
#include "diff/bsdiff40.h"
#include "diff/diff.h"
#include "diff/in_place.h"
#include "stream/in_place_file.h"
#include "tools/command_support.h"
#include "tools/commands.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote info DELTA [options]\n"
    "\n"
    "Tells what is in a delta, without the old image: its header, the RAM that a device needs,\n"
    "and its commands or, for codec model, what it assumes of the images: instruction set, load\n"
    "addresses, where variables are. Recognises bsdiff40 files and those of mote diff --in-place.\n"
    "Whether the delta is intact only `mote verify` can tell.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote info update.mote\n"
    "  mote info - --json < update.mote | jq .decoder_ram\n"
    "  mote info update.mote --json | jq -r .model.architecture";

struct Options {
  std::string delta_name;
  ReportOptions report;
};

struct Report {
  std::string text;
  nlohmann::ordered_json json;
};

std::string ShareText(const char* label, uint64_t bytes, uint64_t whole) {
  return fmt::format("{:<12} {:>10} bytes  {:.2f} %\n", label, bytes, PerCent(bytes, whole));
}

nlohmann::ordered_json ShareJson(uint64_t bytes, uint64_t whole) {
  nlohmann::ordered_json json;
  json["bytes"] = bytes;
  json["per_cent_of_new"] = PerCent(bytes, whole);
  return json;
}

Report ReportBsdiff40(const std::vector<uint8_t>& delta) {
  const Bsdiff40Info info = ReadBsdiff40Info(delta);
  nlohmann::ordered_json json;
  json["format"] = "bsdiff40";
  json["delta_size"] = delta.size();
  json["new_size"] = info.new_size;
  json["copies"] = info.copies;
  json["control_size"] = info.control_size;
  json["difference_size"] = info.difference_size;
  json["extra_size"] = info.extra_size;
  json["decoder_ram"] = nullptr;
  return {fmt::format("format       bsdiff40, for bspatch; no device decodes it\n"
                      "delta        {:>10} bytes  {:.2f} % of new\n"
                      "new          {:>10} bytes\n"
                      "copies       {:>10}\n"
                      "control      {:>10} bytes  packed\n"
                      "differences  {:>10} bytes  packed\n"
                      "extra        {:>10} bytes  packed\n",
                      delta.size(), PerCent(delta.size(), info.new_size), info.new_size,
                      info.copies, info.control_size, info.difference_size, info.extra_size),
          json};
}

Report ReportMote(const std::vector<uint8_t>& delta) {
  const DeltaHeader header = ReadHeader(delta);
  // Codec model has no commands.
  const bool has_commands = header.codec != Codec::kModel;
  DeltaStatistics statistics;
  if (has_commands) {
    statistics = ReadStatistics(delta);
  } else {
    statistics.new_check = ReadModelSetting(std::span(delta).subspan(header.header_size)).new_check;
  }
  nlohmann::ordered_json json;
  json["format"] = "mote";
  json["version"] = header.version;
  AddCodecJson(json, header, delta);
  json["delta_size"] = delta.size();
  json["header_size"] = header.header_size;
  if (has_commands) json["command_bytes"] = statistics.command_bytes;
  json["old_size"] = header.old_size;
  json["old_check"] = header.old_check;
  json["new_size"] = header.new_size;
  json["new_check"] = statistics.new_check;
  std::string text = fmt::format(
      "format       mote, version {}\n"
      "delta        {:>10} bytes  {:.2f} % of new; header {} bytes\n"
      "old          {:>10} bytes  check {:08x}\n"
      "new          {:>10} bytes  check {:08x}\n",
      header.version, delta.size(), PerCent(delta.size(), header.new_size), header.header_size,
      header.old_size, header.old_check, header.new_size, statistics.new_check);
  if (has_commands) {
    json["copies"] = statistics.copies;
    json["insertions"] = statistics.insertions;
    json["copied"] = ShareJson(statistics.copied_bytes, header.new_size);
    json["differences"] = ShareJson(statistics.difference_bytes, header.new_size);
    json["inserted"] = ShareJson(statistics.inserted_bytes, header.new_size);
    text += fmt::format("commands     {:>10} bytes  before the codec: {} copies, {} insertions\n",
                        statistics.command_bytes, statistics.copies, statistics.insertions);
    text += ShareText("copied", statistics.copied_bytes, header.new_size);
    text += ShareText("differences", statistics.difference_bytes, header.new_size);
    text += ShareText("inserted", statistics.inserted_bytes, header.new_size);
  }
  return {text + CodecText(header, delta), json};
}

Report ReportInPlace(const std::vector<uint8_t>& file) {
  const InPlaceFile parts = ReadInPlaceFile(file);
  const auto report = [](std::span<const uint8_t> delta) {
    return ReportMote({delta.begin(), delta.end()});
  };
  const Report forward = report(parts.forward);
  const uint32_t ram = InPlaceRam(ReadHeader(parts.forward));
  nlohmann::ordered_json json;
  json["format"] = "in-place";
  json["version"] = file[0] & 0x0F;
  json["file_size"] = kInPlaceHeaderSize + parts.forward.size() + parts.inverse.size();
  json["reversible"] = !parts.inverse.empty();
  json["ram_in_place"] = ram;
  json["forward"] = forward.json;
  json["inverse"] = nullptr;
  std::string text = fmt::format(
      "format       in-place update, version {}: {}\n"
      "file         {:>10} bytes  header {}, forward {}, inverse {}\n"
      "RAM          {:>10} bytes  in place, and the sector buffer\n\n{}",
      file[0] & 0x0F, parts.inverse.empty() ? "no way back" : "with the way back",
      json["file_size"].get<size_t>(), kInPlaceHeaderSize, parts.forward.size(),
      parts.inverse.size(), ram, forward.text);
  if (!parts.inverse.empty()) {
    const Report inverse = report(parts.inverse);
    json["inverse"] = inverse.json;
    text += "\n" + inverse.text;
  }
  return {text, json};
}

void Run(const Options& options) {
  const std::vector<uint8_t> delta = ReadBytes(options.delta_name);
  const Report report = AboutFile(options.delta_name, [&] {
    if (IsBsdiff40(delta)) return ReportBsdiff40(delta);
    return IsInPlaceFile(delta) ? ReportInPlace(delta) : ReportMote(delta);
  });
  PrintReport(options.report, false, report.text, report.json);
}

}  // namespace

void AddInfoCommand(CLI::App& app) {
  CLI::App* command = AddCommand(app, "info", kForms, fmt::format("{}\n\n{}", RamHelp(), kExamples),
                                 {Status::kDone, Status::kNeedInput, Status::kBadArgument,
                                  Status::kCorrupt, Status::kUnsupported, Status::kFileError});
  const auto options = std::make_shared<Options>();
  command->add_option("DELTA", options->delta_name)->required();
  AddReportOptions(*command, options->report, false);
  command->final_callback([options] { Run(*options); });
}

}  // namespace mote::tools
