// SPDX-License-Identifier: Apache-2.0
// The `mote` command: makes, applies, explains and checks differential firmware updates.
#include <unistd.h>

#include <exception>
#include <new>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/output_file.h"

namespace {

using mote::Error;
using mote::Status;

// No Status fits a defect of mote itself; this is EX_SOFTWARE of sysexits.h.
constexpr int kExitInternal = 70;

constexpr const char* kForms =
    "mote - differential firmware updates\n"
    "\n"
    "  mote diff OLD NEW DELTA       writes the delta that turns OLD into NEW\n"
    "  mote patch OLD DELTA NEW      applies it as a device does, on a simulated flash\n"
    "  mote info DELTA               tells what is in a delta and the RAM it needs\n"
    "  mote verify OLD DELTA         tells whether it would apply; --root: is an offer genuine?\n"
    "  mote push DELTA --port DEV    sends it to a device over a serial line\n"
    "  mote keygen KEY.pem           makes keys: of vendors, servers, approvers, devices\n"
    "  mote sign IMAGE RELEASE       makes a release: what the vendor says of IMAGE, signed\n"
    "  mote approve IMAGE APPROVAL   agrees to a release before it is signed\n"
    "  mote statement FILE           replaces the keys that devices trust\n"
    "  mote provision RELEASE OUT    makes what a device with trust leaves the factory with\n"
    "  mote token TOKEN --port DEV   asks a device what it is and runs\n"
    "  mote offer STORE TOKEN OFFER  answers a device: the newest release, as small as can be\n"
    "  mote inspect FILE             tells what is in a release, offer, statement, token, "
    "approval\n"
    "\n"
    "OLD and NEW are raw images, Intel HEX, ELF or UF2, told by their content. `-` is standard "
    "input\n"
    "(one of the inputs) or standard output (DELTA of diff, NEW of patch; reports then go to "
    "standard\n"
    "error). Output appears whole or not at all.";

constexpr const char* kFooter =
    "Exit codes, with the names that reports and devices use\n"
    "    0  done          it worked\n"
    "    1  need_input    the delta ends too early: get it again\n"
    "    2  bad_argument  the command line is wrong: see the help of the subcommand\n"
    "    3  corrupt       a file is damaged, or (codec model) ends too early: get it again\n"
    "    4  wrong_base    OLD is not the image that the delta was made from\n"
    "    5  does_not_fit  the device has too little RAM or flash\n"
    "    6  unsupported   the file needs a newer mote, or something that the device lacks\n"
    "    7  flash_error   erasing or programming the simulated flash failed\n"
    "    8  read_error    reading the simulated flash failed\n"
    "    9  file_error    a file cannot be read or written\n"
    "   10  bad_image     a HEX, ELF or UF2 file is malformed\n"
    "   11  bad_signature a signature does not hold, or is by a key that is not trusted (any "
    "more)\n"
    "   12  wrong_device  meant for another device, application or hardware\n"
    "   13  stale         an answer to another request than the device's latest one\n"
    "   14  downgrade     not newer than what runs, or below the device's security counter\n"
    "   70                a defect of mote: please report it\n"
    "  130                interrupted (Ctrl-C); 129 and 143 for SIGHUP and SIGTERM";

int Fail(Status status, const std::string& message) {
  fmt::print(stderr, "mote: {}\n", message);
  return static_cast<int>(status);
}

// CLI11 states some problems in several lines.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

int Run(int argc, char** argv) {
  CLI::App app(kForms, "mote");
  app.footer(kFooter);
  app.formatter_fn([](const CLI::App* command, std::string, CLI::AppFormatMode) {
    return mote::tools::HelpText(*command);
  });
  app.set_help_flag("-h,--help", "this help; after a subcommand, its options and examples");
  app.set_version_flag("--version", "mote " MOTE_VERSION, "the version of mote");
  app.require_subcommand(1);
  mote::tools::AddDiffCommand(app);
  mote::tools::AddPatchCommand(app);
  mote::tools::AddInfoCommand(app);
  mote::tools::AddVerifyCommand(app);
  mote::tools::AddPushCommand(app);
  mote::tools::AddKeygenCommand(app);
  mote::tools::AddSignCommand(app);
  mote::tools::AddApproveCommand(app);
  mote::tools::AddStatementCommand(app);
  mote::tools::AddProvisionCommand(app);
  mote::tools::AddTokenCommand(app);
  mote::tools::AddOfferCommand(app);
  mote::tools::AddInspectCommand(app);
  const auto chosen = [&app] {
    const std::vector<CLI::App*> commands = app.get_subcommands();
    return commands.empty() ? std::string() : commands.front()->get_name();
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    mote::tools::WriteText(STDOUT_FILENO, app.help());
  } catch (const CLI::CallForVersion& version) {
    mote::tools::WriteText(STDOUT_FILENO, std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    const std::string name = chosen();
    if (name.empty() && argc > 1) {
      return Fail(
          Status::kBadArgument,
          fmt::format(
              "'{}' is not a subcommand: use diff, patch, info, verify, push, keygen, sign, "
              "approve, statement, provision, token, offer or inspect, or see mote --help",
              argv[1]));
    }
    return Fail(Status::kBadArgument,
                fmt::format("{}{}: see mote {}--help", name.empty() ? "" : name + ": ",
                            OneLine(error.what()), name.empty() ? "" : name + " "));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    mote::tools::CleanUpOnSignals();
    return Run(argc, argv);
  } catch (const Error& error) {
    return Fail(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return Fail(Status::kDoesNotFit,
                "out of memory: mote diff takes about 6 x OLD + 28 x NEW bytes at worst, mote "
                "patch 8 x the larger one: "
                "use a larger machine");
  } catch (const std::exception& error) {
    fmt::print(stderr, "mote: internal error ({}): please report it\n", error.what());
    return kExitInternal;
  }
}
