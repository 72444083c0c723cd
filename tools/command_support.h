// SPDX-License-Identifier: Apache-2.0
// What the subcommands share: options, reports, messages and help.
#pragma once

#include <stdint.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "diff/apply.h"
#include "diff/error.h"
#include "patch/status.h"
#include "tools/input_image.h"

namespace mote::tools {

/// Adds a subcommand. `forms` are its command lines and what it is for; `footer` follows the
/// options in its help; `statuses` are the results it can have.
CLI::App* AddCommand(CLI::App& app, const std::string& name, const std::string& forms,
                     const std::string& footer, std::initializer_list<Status> statuses);

/// The text of `mote --help` or `mote SUBCOMMAND --help`.
std::string HelpText(const CLI::App& app);

/// "4096", "4K", "4KiB", "1M", "1MiB" or "0x1000": a number of bytes below 2^32. Nothing for
/// anything else.
std::optional<uint32_t> ParseSize(std::string_view text);

/// As ParseSize. Throws CLI::ValidationError for the option `name`.
uint32_t ParseSizeOption(const std::string& name, const std::string& text);

/// Adds an option that takes what ParseSize reads. `unit` stands for the value in the help.
template <typename Size>  // uint32_t or std::optional<uint32_t>
void AddSizeOption(CLI::App& command, const std::string& name, Size& to, const std::string& unit,
                   const std::string& description) {
  const auto take = [name, &to](const std::string& text) { to = ParseSizeOption(name, text); };
  command.add_option_function<std::string>(name, take, description)->type_name(unit);
}

/// Throws the usage error `what` of the subcommand, Status kBadArgument.
[[noreturn]] void ThrowUsage(const CLI::App& command, const std::string& what);

/// Adds --input-format.
void AddInputOptions(CLI::App& command, InputOptions& options);

/// The serial line to a device.
struct LineOptions {
  std::string port;
  unsigned baud = 115200;
  unsigned timeout = 10;  ///< seconds without an answer
};

/// Adds --port, --baud and --timeout.
void AddLineOptions(CLI::App& command, LineOptions& options);

struct ReportOptions {
  bool json = false;
  bool quiet = false;
};

/// Adds --json and, if `with_quiet`, --quiet.
void AddReportOptions(CLI::App& command, ReportOptions& options, bool with_quiet);

/// Prints the report: to standard output, or to standard error where standard output carries the
/// result itself.
void PrintReport(const ReportOptions& options, bool output_is_stdout, const std::string& text,
                 const nlohmann::ordered_json& json);

/// Calls `work`; an Error that leaves it gets the name of the file in front.
template <typename Work>
auto AboutFile(const std::string& name, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.status(), InputName(name) + ": " + error.what());
  }
}

/// As AboutFile, for work that applies a delta: the old image is to blame for kWrongBase, the delta
/// for the rest.
template <typename Work>
auto AboutUpdate(const std::string& old_name, const std::string& delta_name, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    const std::string& name = error.status() == Status::kWrongBase ? old_name : delta_name;
    throw Error(error.status(), InputName(name) + ": " + error.what());
  }
}

/// Rebuilds new without a device, for deltas that none decodes. Throws Error as Apply or
/// ApplyBsdiff40.
std::vector<uint8_t> ApplyOnHost(std::span<const uint8_t> old_image,
                                 std::span<const uint8_t> delta);

/// The last lines of a report: the codec of a delta, what it was told of the images, and the RAM
/// that it takes: `ram`, or nothing where no device decodes it. Throws Error as ReadModelSetting.
std::string CodecText(const DeltaHeader& header, std::span<const uint8_t> delta,
                      std::optional<uint32_t> ram);
std::string CodecText(const DeltaHeader& header, std::span<const uint8_t> delta);

/// The same for scripts: members of `json`.
void AddCodecJson(nlohmann::ordered_json& json, const DeltaHeader& header,
                  std::span<const uint8_t> delta, std::optional<uint32_t> ram);
void AddCodecJson(nlohmann::ordered_json& json, const DeltaHeader& header,
                  std::span<const uint8_t> delta);

/// What each codec takes of a device's RAM: two lines for the help.
std::string RamHelp();

/// In hexadecimal digits.
std::string Sha256Hex(std::span<const uint8_t> data);

/// `part` in per cent of `whole`, rounded to two digits after the point; 0 where whole is 0.
double PerCent(uint64_t part, uint64_t whole);

}  // namespace mote::tools
