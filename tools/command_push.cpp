// SPDX-License-Identifier: Apache-2.0
// mote push: sends a delta to a device over a serial line.
#include <stdint.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/input_image.h"
#include "tools/output_file.h"
#include "tools/progress.h"
#include "tools/serial_channel.h"
#include "tools/serial_push.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote push DELTA --port DEVICE [options]\n"
    "\n"
    "Sends DELTA, or an offer, to a device over a serial line. The device rebuilds the new image "
    "in\n"
    "its free slot while the bytes arrive, checks it and starts it. What gets lost is sent again; "
    "an\n"
    "interrupted update goes on where the device says, also after it lost power; with offers, by "
    "a\n"
    "new one. ports/TRANSPORT.md has the protocol. DEVICE is a serial port, a Unix socket, or\n"
    "HOST:PORT for TCP.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote push update.mote --port /dev/ttyACM0\n"
    "  mote push update.mote --port localhost:4444 --console 2";

struct Options {
  std::string delta_name;
  LineOptions line;
  std::optional<unsigned> console;
  ReportOptions report;
};

std::string Report(const PushResult& result, size_t delta_size, double seconds) {
  std::string text = fmt::format("delta        {:>10} bytes", delta_size);
  if (result.started_at != 0 && !result.installed_before) {
    text += fmt::format("  went on at byte {}", result.started_at);
  }
  text += fmt::format("\nline         {:>10} bytes  {} requests, {} repeated, {:.1f} s\n",
                      result.bytes_sent, result.requests, result.repeated, seconds);
  if (result.resumed != 0) {
    text += fmt::format("device       {:>10} times  started again meanwhile\n", result.resumed);
  }
  if (result.installed_before) return text + "new          installed before\n";
  return text + fmt::format("new          {:>10} bytes  in the device's slot\n", result.new_size);
}

void Run(const Options& options) {
  const std::vector<uint8_t> delta = ReadBytes(options.delta_name);
  AboutFile(options.line.port, [&] {
    const auto channel = OpenSerialChannel(options.line.port, options.line.baud);
    const auto started = std::chrono::steady_clock::now();
    PushOptions push;
    push.give_up = std::chrono::seconds(options.line.timeout);
    if (options.console) {
      push.console = [](std::string_view line) {
        WriteText(STDOUT_FILENO, fmt::format("device: {}\n", line));
      };
    }
    PushResult result;
    {
      Progress progress("updating");
      push.progress = [&progress](double share) { progress.Update(share); };
      result = Push(*channel, delta, push);
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - started;
    nlohmann::ordered_json json;
    json["status"] = StatusName(Status::kDone);
    json["delta_size"] = delta.size();
    json["new_size"] = result.new_size;
    json["started_at"] = result.started_at;
    json["installed_before"] = result.installed_before;
    json["bytes_sent"] = result.bytes_sent;
    json["requests"] = result.requests;
    json["repeated"] = result.repeated;
    json["device_restarts"] = result.resumed;
    json["seconds"] = time.count();
    PrintReport(options.report, false, Report(result, delta.size(), time.count()), json);
    if (options.console) {
      ShowConsole(*channel, std::chrono::seconds(*options.console), push.console);
    }
  });
}

}  // namespace

void AddPushCommand(CLI::App& app) {
  CLI::App* command = AddCommand(
      app, "push", kForms,
      fmt::format("A device that does not answer, and a line that cannot be opened, are 9.\n\n{}",
                  kExamples),
      {Status::kDone, Status::kNeedInput, Status::kBadArgument, Status::kCorrupt,
       Status::kWrongBase, Status::kDoesNotFit, Status::kUnsupported, Status::kFlashError,
       Status::kReadError, Status::kFileError, Status::kBadSignature, Status::kWrongDevice,
       Status::kStale, Status::kDowngrade});
  const auto options = std::make_shared<Options>();
  command->add_option("DELTA", options->delta_name)->required();
  AddLineOptions(*command, options->line);
  command
      ->add_option("--console", options->console,
                   "show what the device prints, also so long after the update")
      ->type_name("SECONDS")
      ->check(CLI::Range(0, 3600));
  AddReportOptions(*command, options->report, true);
  command->final_callback([options] { Run(*options); });
}

}  // namespace mote::tools
