// SPDX-License-Identifier: Apache-2.0
// mote verify: would a delta apply, and what image would it give?
#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "diff/bsdiff40.h"
#include "patch/check.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/device_update.h"
#include "tools/progress.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote verify OLD DELTA [options]\n"
    "\n"
    "Tells whether DELTA would apply to OLD, and what image it would give: its size, its SHA-256 "
    "and\n"
    "the check that the delta carries. Writes no file; the exit code says the result. bsdiff40 "
    "files\n"
    "carry no check: for them only the SHA-256 tells whether OLD was the right one.\n"
    "What follows a delta, as transports pad, is ignored; after codec model it has to be zeros.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote verify v1.bin update.mote\n"
    "  mote verify v1.bin update.mote --json | jq -r .sha256";

struct Options {
  std::string old_name;
  std::string delta_name;
  InputOptions input;
  ReportOptions report;
};

void Report(const Options& options, const std::vector<uint8_t>& image, bool has_check) {
  const std::string sha256 = Sha256Hex(image);
  nlohmann::ordered_json json;
  json["applies"] = true;
  json["status"] = StatusName(Status::kDone);
  json["new_size"] = image.size();
  json["sha256"] = sha256;
  std::string check = "none: the format has none";
  if (has_check) {
    const uint32_t value =
        UpdateCheck(kCheckStart, image.data(), static_cast<uint32_t>(image.size()));
    json["new_check"] = value;
    check = fmt::format("{:08x}", value);
  } else {
    json["new_check"] = nullptr;
  }
  PrintReport(options.report, false,
              fmt::format("applies  yes\n"
                          "new      {} bytes\n"
                          "sha256   {}\n"
                          "check    {}\n",
                          image.size(), sha256, check),
              json);
}

void Run(const CLI::App& command, const Options& options) {
  if (options.old_name == "-" && options.delta_name == "-") {
    ThrowUsage(command, "standard input can be OLD or DELTA, not both");
  }
  const InputImage old_image = ReadImage(options.old_name, options.input);
  const std::vector<uint8_t> delta = ReadBytes(options.delta_name);
  std::vector<uint8_t> image;
  try {
    image = AboutUpdate(options.old_name, options.delta_name, [&] {
      if (!IsForDevices(delta)) return ApplyOnHost(old_image.bytes, delta);
      Progress progress("verifying");
      return UpdateDevice({}, old_image.bytes, delta, [&](double share) { progress.Update(share); })
          .new_image;
    });
  } catch (const Error& error) {
    // The answer is no: a script that asked for JSON gets it as JSON.
    if (options.report.json) {
      nlohmann::ordered_json json;
      json["applies"] = false;
      json["status"] = StatusName(error.status());
      PrintReport(options.report, false, "", json);
    }
    throw;
  }
  Report(options, image, !IsBsdiff40(delta));
}

}  // namespace

void AddVerifyCommand(CLI::App& app) {
  CLI::App* command = AddCommand(app, "verify", kForms, kExamples,
                                 {Status::kDone, Status::kNeedInput, Status::kBadArgument,
                                  Status::kCorrupt, Status::kWrongBase, Status::kDoesNotFit,
                                  Status::kUnsupported, Status::kFileError, Status::kBadImage});
  const auto options = std::make_shared<Options>();
  command->add_option("OLD", options->old_name)->required();
  command->add_option("DELTA", options->delta_name)->required();
  AddInputOptions(*command, options->input);
  AddReportOptions(*command, options->report, false);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
