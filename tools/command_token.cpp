// SPDX-License-Identifier: Apache-2.0
// mote token: asks a device for the token that an offer has to answer.
#include <stdint.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/manifest.h"
#include "ports/transport/messages.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/key_files.h"
#include "tools/output_file.h"
#include "tools/serial_channel.h"
#include "tools/serial_push.h"

namespace mote::tools {
namespace {

static_assert(kLinkTokenSize == kTokenSize);

constexpr const char* kForms =
    "mote token TOKEN --port DEVICE [options]\n"
    "\n"
    "Asks a device over a serial line for a token and writes it: what the device is, what it "
    "runs,\n"
    "what it can decode, and a random number. `mote offer` answers it, `mote push` brings the "
    "offer\n"
    "to the device. Each token replaces the one before, and none outlives a restart of the "
    "device.\n"
    "DEVICE is a serial port, a Unix socket, or HOST:PORT for TCP.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote token device.token --port /dev/ttyACM0\n"
    "  mote offer store device.token update.offer --key server.pem\n"
    "  mote push update.offer --port /dev/ttyACM0";

struct Options {
  std::string output_name;
  LineOptions line;
  ReportOptions report;
};

void Run(const Options& options) {
  OutputFile output(options.output_name);
  const std::vector<uint8_t> bytes = AboutFile(options.line.port, [&] {
    const auto channel = OpenSerialChannel(options.line.port, options.line.baud);
    PushOptions ask;
    ask.give_up = std::chrono::seconds(options.line.timeout);
    return AskToken(*channel, ask);
  });
  Token token;
  if (ReadToken(bytes.data(), token) != Status::kDone) {
    throw Error(Status::kUnsupported,
                options.line.port + ": a token that this mote does not know: get a newer mote");
  }
  output.Commit(bytes);
  nlohmann::ordered_json json;
  json["device"] = fmt::format("{:02x}", fmt::join(token.device, ""));
  json["application"] = token.application;
  json["hardware"] = token.hardware;
  json["version"] = VersionText(token.version);
  json["security_counter"] = token.security_counter;
  json["size"] = bytes.size();
  PrintReport(options.report, options.output_name == "-",
              fmt::format("device       {:02x}\n"
                          "runs         {:>10}  application {}, hardware {}\n"
                          "token        {:>10} bytes\n",
                          fmt::join(token.device, ""), VersionText(token.version),
                          token.application, token.hardware, bytes.size()),
              json);
}

}  // namespace

void AddTokenCommand(CLI::App& app) {
  CLI::App* command = AddCommand(
      app, "token", kForms,
      fmt::format("A device that does not answer, and a line that cannot be opened, are 9.\n\n{}",
                  kExamples),
      {Status::kDone, Status::kBadArgument, Status::kUnsupported, Status::kReadError,
       Status::kFileError});
  const auto options = std::make_shared<Options>();
  command->add_option("TOKEN", options->output_name)->required();
  AddLineOptions(*command, options->line);
  AddReportOptions(*command, options->report, true);
  command->final_callback([options] { Run(*options); });
}

}  // namespace mote::tools
