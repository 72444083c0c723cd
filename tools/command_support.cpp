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
#include "diff/sha256.h"
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
    if (!option->nonpositional()) continue;
    std::string names = fmt::format("{}", fmt::join(option->get_snames(), ""));
    if (!names.empty()) names = "-" + names + ", ";
    names += fmt::format("--{}", fmt::join(option->get_lnames(), ", --"));
    if (option->get_expected_max() > 0) {
      // CLI11 appends what a check allows; the descriptions say that in words.
      const std::string unit = option->get_type_name();
      names += " " + unit.substr(0, unit.find(':'));
    }
    text += fmt::format("  {:<{}}{}\n", names, kOptionColumn, option->get_description());
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

std::string CodecText(const DeltaHeader& header) {
  const std::string window =
      header.codec == Codec::kLzss
          ? fmt::format(", window of {} bytes (2^{})", 1u << header.window_bits, header.window_bits)
          : "";
  const std::optional<uint32_t> ram = DecoderRam(header);
  return fmt::format(
      "codec        {}{}\n"
      "RAM          {}\n",
      CodecName(header.codec), window,
      ram ? fmt::format("{:>10} bytes  and the sector buffer", *ram)
          : "no device decodes this codec");
}

std::string Sha256Hex(std::span<const uint8_t> data) {
  return fmt::format("{:02x}", fmt::join(Sha256::Of(data), ""));
}

double PerCent(uint64_t part, uint64_t whole) {
  if (whole == 0) return 0;
  return std::round(1e4 * static_cast<double>(part) / static_cast<double>(whole)) / 100;
}

}  // namespace mote::tools
