// SPDX-License-Identifier: Apache-2.0
// What the subcommands share.
#include "tools/command_support.h"

#include <unistd.h>

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "diff/bsdiff40.h"
#include "diff/diff.h"
#include "diff/model.h"
#include "diff/sha256.h"
#include "lzss/decoder.h"
#include "patch/model.h"
#include "stream/updater.h"
#include "tools/output_file.h"

namespace mote::tools {
namespace {

constexpr size_t kHelpWidth = 100;
constexpr size_t kOptionColumn = 24;

struct Suffix {
  std::string_view text;
  unsigned shift;
};
constexpr Suffix kSuffixes[] = {{"KiB", 10}, {"K", 10}, {"MiB", 20}, {"M", 20}};

ModelSetting ReadSetting(const DeltaHeader& header, std::span<const uint8_t> delta) {
  return ReadModelSetting(delta.subspan(header.header_size));
}

std::string SegmentText(const Segment& segment, bool only_one) {
  std::string text = fmt::format("assumed at   {:#010x}", segment.old_address);
  if (!only_one) text += fmt::format(" from offset {:#x}", segment.old_offset);
  if (segment.new_address != segment.old_address || segment.new_offset != segment.old_offset) {
    text += fmt::format(", new at {:#010x}", segment.new_address);
    if (!only_one) text += fmt::format(" from offset {:#x}", segment.new_offset);
  }
  return text + "\n";
}

std::string SettingText(const ModelSetting& setting) {
  std::string text =
      fmt::format("architecture {}{}\n", ArchitectureName(setting.architecture),
                  setting.relative_words ? ", with words relative to where they stand" : "");
  for (const Segment& segment : setting.segments) {
    text += SegmentText(segment, setting.segments.size() == 1);
  }
  if (setting.ram_size != 0) {
    text += fmt::format("variables at {:#010x}, {} bytes\n", setting.ram_start, setting.ram_size);
  }
  return text;
}

nlohmann::ordered_json SettingJson(const ModelSetting& setting) {
  nlohmann::ordered_json json;
  json["architecture"] = ArchitectureName(setting.architecture);
  json["relative_words"] = setting.relative_words;
  json["segments"] = nlohmann::ordered_json::array();
  for (const Segment& segment : setting.segments) {
    nlohmann::ordered_json one;
    one["old_offset"] = segment.old_offset;
    one["old_address"] = segment.old_address;
    one["new_offset"] = segment.new_offset;
    one["new_address"] = segment.new_address;
    json["segments"].push_back(one);
  }
  json["variables"] = nullptr;
  if (setting.ram_size != 0) {
    json["variables"] = {{"address", setting.ram_start}, {"size", setting.ram_size}};
  }
  return json;
}

bool IsSmallProfile(const DeltaHeader& header) {
  return header.codec == Codec::kModel && header.profile == kModelProfiles - 1;
}

}  // namespace

CLI::App* AddCommand(CLI::App& app, const std::string& name, const std::string& forms,
                     const std::string& footer, std::initializer_list<Status> statuses) {
  CLI::App* command = app.add_subcommand(name, forms);
  command->set_help_flag("-h,--help", "this help");
  std::string codes = "Exit codes (mote --help explains them)";
  const char* separator = ": ";
  for (const Status status : statuses) {
    const std::string code = fmt::format("{} {}", static_cast<int>(status), StatusName(status));
    const size_t line_start = codes.rfind('\n') + 1;  // 0 where there is none
    const bool wraps = codes.size() + 2 + code.size() + 1 - line_start > kHelpWidth;
    codes += fmt::format("{}{}", wraps ? ",\n  " : separator, code);
    separator = ", ";
  }
  command->footer(codes + "\n\n" + footer);
  return command;
}

std::string HelpText(const CLI::App& app) {
  std::string text = app.get_description() + "\n\nOptions\n";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->nonpositional() || option->get_group().empty()) continue;
    std::string names = fmt::format("{}", fmt::join(option->get_snames(), ""));
    if (!names.empty()) names = "-" + names + ", ";
    names += fmt::format("--{}", fmt::join(option->get_lnames(), ", --"));
    if (option->get_expected_max() > 0) {
      // CLI11 appends what a check allows; the descriptions say that in words.
      const std::string unit = option->get_type_name();
      names += " " + unit.substr(0, unit.find(':'));
    }
    std::string description = option->get_description();
    for (size_t at = 0; (at = description.find('\n', at)) != std::string::npos; ++at) {
      description.insert(at + 1, kOptionColumn + 2, ' ');
    }
    text += fmt::format("  {:<{}}{}\n", names, kOptionColumn, description);
  }
  return text + "\n" + app.get_footer() + "\n";
}

std::optional<uint32_t> ParseSize(std::string_view text) {
  unsigned shift = 0;
  for (const Suffix& suffix : kSuffixes) {
    if (text.ends_with(suffix.text)) {
      text.remove_suffix(suffix.text.size());
      shift = suffix.shift;
      break;
    }
  }
  int radix = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    radix = 16;
  }
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  if (value > std::numeric_limits<uint32_t>::max() >> shift) return {};
  return value << shift;
}

uint32_t ParseSizeOption(const std::string& name, const std::string& text) {
  if (const std::optional<uint32_t> size = ParseSize(text)) return *size;
  throw CLI::ValidationError(
      name, fmt::format("'{}' is not a number below 2^32 such as 4096, 4K, 4KiB or 0x1000", text));
}

void ThrowUsage(const CLI::App& command, const std::string& what) {
  throw Error(Status::kBadArgument,
              fmt::format("{0}: {1}: see mote {0} --help", command.get_name(), what));
}

void AddLineOptions(CLI::App& command, LineOptions& options) {
  command.add_option("-p,--port", options.port, "the line: a serial port, a socket, HOST:PORT")
      ->type_name("DEVICE")
      ->required();
  command
      .add_option("--baud", options.baud, fmt::format("speed of a serial port [{}]", options.baud))
      ->type_name("RATE");
  command
      .add_option("--timeout", options.timeout,
                  fmt::format("give up after so long without an answer [{}]", options.timeout))
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3600));
}

void AddReportOptions(CLI::App& command, ReportOptions& options, bool with_quiet) {
  command.add_flag("--json", options.json, "report as JSON instead of text");
  if (with_quiet) command.add_flag("-q,--quiet", options.quiet, "no report");
}

void PrintReport(const ReportOptions& options, bool output_is_stdout, const std::string& text,
                 const nlohmann::ordered_json& json) {
  if (options.quiet) return;
  WriteText(output_is_stdout ? STDERR_FILENO : STDOUT_FILENO,
            options.json ? json.dump(2) + "\n" : text);
}

void AddInputOptions(CLI::App& command, InputOptions& options) {
  command
      .add_option("--input-format", options.format,
                  "of the images: auto, raw, hex, elf, uf2 [auto]")
      ->type_name("NAME")
      ->check(CLI::IsMember({"auto", "raw", "hex", "elf", "uf2"}));
}

std::vector<uint8_t> ApplyOnHost(std::span<const uint8_t> old_image,
                                 std::span<const uint8_t> delta) {
  return IsBsdiff40(delta) ? ApplyBsdiff40(old_image, delta) : Apply(old_image, delta);
}

std::string CodecText(const DeltaHeader& header, std::span<const uint8_t> delta) {
  return CodecText(header, delta, DecoderRam(header));
}

std::string CodecText(const DeltaHeader& header, std::span<const uint8_t> delta,
                      std::optional<uint32_t> ram) {
  std::string text = fmt::format("codec        {}", CodecName(header.codec));
  if (header.codec == Codec::kLzss) {
    text +=
        fmt::format(", window of {} bytes (2^{})", 1u << header.window_bits, header.window_bits);
  }
  if (header.codec == Codec::kModel) text += fmt::format(", profile {}", header.profile);
  text += '\n';
  if (header.codec == Codec::kModel) text += SettingText(ReadSetting(header, delta));
  if (!ram) return text + "RAM          no device decodes this codec\n";
  return text + fmt::format("RAM          {:>10} bytes  and the sector buffer{}\n", *ram,
                            IsSmallProfile(header) ? ", in a build with MOTE_SMALL_MODEL" : "");
}

void AddCodecJson(nlohmann::ordered_json& json, const DeltaHeader& header,
                  std::span<const uint8_t> delta) {
  AddCodecJson(json, header, delta, DecoderRam(header));
}

void AddCodecJson(nlohmann::ordered_json& json, const DeltaHeader& header,
                  std::span<const uint8_t> delta, std::optional<uint32_t> ram) {
  json["codec"] = CodecName(header.codec);
  json["window_bits"] = header.window_bits;
  json["decoder_ram"] = ram ? nlohmann::ordered_json(*ram) : nlohmann::ordered_json();
  if (header.codec != Codec::kModel) return;
  json["profile"] = header.profile;
  json["model"] = SettingJson(ReadSetting(header, delta));
}

std::string RamHelp() {
  return fmt::format(
      "RAM of the device, in bytes, besides a sector buffer: codec model {} (the last one in\n"
      "firmware built with MOTE_SMALL_MODEL), lzss {} + window (2^BITS, {} to {}), raw {}.",
      fmt::join(kModelRam, ", "), kUpdaterRam, 1u << lzss::kMinWindowBits,
      1u << lzss::kMaxWindowBits, kUpdaterRam);
}

std::string Sha256Hex(std::span<const uint8_t> data) {
  return fmt::format("{:02x}", fmt::join(Sha256::Of(data), ""));
}

double PerCent(uint64_t part, uint64_t whole) {
  if (whole == 0) return 0;
  return std::round(1e4 * static_cast<double>(part) / static_cast<double>(whole)) / 100;
}

}  // namespace mote::tools
