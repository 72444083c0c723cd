// SPDX-License-Identifier: Apache-2.0
// mote verify: would a delta apply, and what image would it give? Is a release or an offer genuine?
#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "diff/bsdiff40.h"
#include "diff/in_place.h"
#include "patch/check.h"
#include "release/manifest_reader.h"
#include "release/verify.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/device_update.h"
#include "tools/key_files.h"
#include "tools/progress.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote verify OLD DELTA [options]\n"
    "mote verify --root vendor.pub.pem OFFER [--base OLD] [--statement FILE]... [--image NEW]\n"
    "\n"
    "Tells whether DELTA would apply to OLD, and what image it would give: its size, its SHA-256 "
    "and\n"
    "the check that the delta carries. Writes no file; the exit code says the result. bsdiff40 "
    "files\n"
    "carry no check: for them only the SHA-256 tells whether OLD was the right one. Of a file of\n"
    "mote diff --in-place it is the way forward.\n"
    "What follows a delta, as transports pad, is ignored; after codec model it has to be zeros.\n"
    "\n"
    "With --root, checks an offer or a release as a device does that trusts this key: statements,\n"
    "the vendor's signature, the server's (which is for one base image: --base), and that the\n"
    "delta, unless it is encrypted, makes the image that the vendor signed.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote verify v1.bin update.mote\n"
    "  mote verify v1.bin update.mote --json | jq -r .sha256\n"
    "  mote verify --root vendor.pub.pem v2.release --image v2.bin\n"
    "  mote verify --root vendor.pub.pem update.offer --base v1.bin";

struct Options {
  std::string old_name;
  std::string delta_name;
  std::string root_name;  // empty: a delta is verified
  std::string base_name;
  std::string image_name;
  std::vector<std::string> statements;
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

struct Findings {
  nlohmann::ordered_json json;
  std::string text;

  void Add(const char* name, const std::string& key, const std::string& value) {
    json[key] = value;
    text += fmt::format("{:<12} {}\n", name, value);
  }
};

TrustedKeys ReadTrusted(const Options& options) {
  TrustedKeys trusted{ReadVerifyingKey(options.root_name)};
  for (const std::string& name : options.statements) {
    const std::vector<uint8_t> file = ReadBytes(name);
    AboutFile(name, [&] {
      const OfferView view = ReadOffer(file);
      if (!view.manifest.empty()) throw Error(Status::kUnsupported, "not a statement");
      for (const auto statement : view.statements) TakeStatement(trusted, statement);
    });
  }
  return trusted;
}

// What a payload in the clear comes to is checked against the vendor's word.
void CheckPayload(const OfferView& view, const std::vector<uint8_t>& base, Findings& findings) {
  if (view.has_server_part() && view.server().encryption != Encryption::kNone) {
    if (view.payload.size() != PayloadSize(view.server())) {
      throw Error(Status::kCorrupt, "the payload has another size than announced: get it again");
    }
    return findings.Add("payload", "payload", "encrypted: not checked");
  }
  if (view.has_server_part()) VerifyDelta(view.server(), view.payload);
  if (!IsForDevices(view.payload)) {
    throw Error(Status::kUnsupported, "no device decodes this codec");
  }
  // Before memory is taken for what nobody signed.
  if (ReadHeader(view.payload).new_size != view.vendor().size) {
    throw Error(Status::kCorrupt, "the delta makes an image of another size than the vendor says");
  }
  VerifyImage(view.vendor(), ApplyOnHost(base, view.payload));
  findings.Add("payload", "payload", "makes the vendor's image");
}

Findings CheckOffer(const CLI::App& command, const Options& options,
                    const std::vector<uint8_t>& file, TrustedKeys trusted) {
  Findings findings;
  const OfferView view = AboutFile(options.old_name, [&] {
    OfferView read = ReadOffer(file);
    for (const auto statement : read.statements) TakeStatement(trusted, statement);
    if (!read.statements.empty()) findings.Add("statements", "statements", "signed");
    if (!read.manifest.empty()) VerifyVendor(read, trusted);
    return read;
  });
  if (view.manifest.empty()) return findings;
  const VendorPart vendor = view.vendor();
  findings.Add("vendor", "vendor", "signed version " + VersionText(vendor.version));
  const bool has_payload = view.has_server_part() || !view.payload.empty();
  const bool needs_base = AboutFile(options.old_name, [&] {
    if (view.has_server_part()) return NeedsBase(view.server());
    return has_payload && ReadHeader(view.payload).old_size != 0;
  });
  if (needs_base && options.base_name.empty()) {
    ThrowUsage(command, view.has_server_part()
                            ? "the server signed for one base image: give it as --base"
                            : "the delta is for one base image: give it as --base");
  }
  std::vector<uint8_t> base;
  if (needs_base) base = ReadImage(options.base_name, options.input).bytes;
  if (!view.has_server_part()) findings.Add("server", "server", "none: not bound to a device");
  if (has_payload) {
    AboutUpdate(options.base_name, options.old_name, [&] {
      if (view.has_server_part()) {
        VerifyServer(view, base);
        findings.Add("server", "server",
                     needs_base ? "signed for this base image" : "signed a full image");
      }
      CheckPayload(view, base, findings);
    });
  }
  if (!options.image_name.empty()) {
    const std::vector<uint8_t> image = ReadImage(options.image_name, options.input).bytes;
    AboutFile(options.image_name, [&] { VerifyImage(vendor, image); });
    findings.Add("image", "image", "is the vendor's");
  }
  return findings;
}

void RunTrust(const CLI::App& command, const Options& options) {
  if (!options.delta_name.empty()) ThrowUsage(command, "with --root there is one file: OFFER");
  Findings findings;
  try {
    findings = CheckOffer(command, options, ReadBytes(options.old_name), ReadTrusted(options));
  } catch (const Error& error) {
    // The answer is no: a script that asked for JSON gets it as JSON.
    if (options.report.json) {
      nlohmann::ordered_json json;
      json["genuine"] = false;
      json["status"] = StatusName(error.status());
      PrintReport(options.report, false, "", json);
    }
    throw;
  }
  nlohmann::ordered_json json;
  json["genuine"] = true;
  json["status"] = StatusName(Status::kDone);
  json.update(findings.json);
  PrintReport(options.report, false, "genuine      yes\n" + findings.text, json);
}

void Run(const CLI::App& command, const Options& options) {
  if (!options.root_name.empty()) return RunTrust(command, options);
  for (const char* name : {"--base", "--image", "--statement"}) {
    if (command.count(name) != 0) ThrowUsage(command, fmt::format("{} is for --root", name));
  }
  if (options.delta_name.empty()) ThrowUsage(command, "DELTA is required");
  if (options.old_name == "-" && options.delta_name == "-") {
    ThrowUsage(command, "standard input can be OLD or DELTA, not both");
  }
  const InputImage old_image = ReadImage(options.old_name, options.input);
  const std::vector<uint8_t> delta = ReadBytes(options.delta_name);
  std::vector<uint8_t> image;
  try {
    image = AboutUpdate(options.old_name, options.delta_name, [&] {
      if (IsInPlaceFile(delta)) {
        return RunInPlace(old_image.bytes, ReadInPlaceFile(delta).forward, {}).new_image;
      }
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
  CLI::App* command =
      AddCommand(app, "verify", kForms, kExamples,
                 {Status::kDone, Status::kNeedInput, Status::kBadArgument, Status::kCorrupt,
                  Status::kWrongBase, Status::kDoesNotFit, Status::kUnsupported, Status::kFileError,
                  Status::kBadImage, Status::kBadSignature, Status::kDowngrade});
  const auto options = std::make_shared<Options>();
  command->add_option("OLD", options->old_name)->required();
  command->add_option("DELTA", options->delta_name);
  command
      ->add_option("--root", options->root_name,
                   "check an offer or a release: the vendor's public key that devices trust")
      ->type_name("FILE");
  command->add_option("--base", options->base_name, "with --root: the image that the device runs")
      ->type_name("OLD");
  command
      ->add_option("--statement", options->statements,
                   "with --root: that the device has taken before; several in order")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--image", options->image_name,
                   "with --root: check that this is the image that the vendor signed")
      ->type_name("NEW");
  AddInputOptions(*command, options->input);
  AddReportOptions(*command, options->report, false);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
