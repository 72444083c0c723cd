// SPDX-License-Identifier: Apache-2.0
// mote sign and mote approve: a vendor makes a release.
#include <stdint.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "release/approval.h"
#include "release/manifest_writer.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/key_files.h"
#include "tools/output_file.h"

namespace mote::tools {
namespace {

constexpr const char* kSignForms =
    "mote sign IMAGE RELEASE --key vendor.pem --application N --hardware N --version 1.2.3\n"
    "\n"
    "Makes a release: what the vendor says of IMAGE, signed. Nothing of IMAGE itself is in it: a\n"
    "server needs both (mote offer). Devices start only images that their vendor signed, and take\n"
    "offers only from the server whose public key is in the release.\n"
    "\n"
    "With --policy it refuses to sign without enough approvals (mote approve). That keeps this\n"
    "machine from signing what too few people want; whoever has the vendor's key can sign without.";

constexpr const char* kSignExamples =
    "A policy is JSON; the files are named from where it lies:\n"
    "  {\"k\": 2, \"approvers\": [\"alice.pub.pem\", \"bob.pub.pem\", \"carol.pub.pem\"]}\n"
    "\n"
    "Examples\n"
    "  mote sign v2.elf store/v2.release --key vendor.pem --application 1 --hardware 7 \\\n"
    "    --version 2.0.0 --server-key server.pub.pem\n"
    "  mote sign v2.bin v2.release --key vendor.pem --application 1 --hardware 7 --version 2.0.0 "
    "\\\n"
    "    --link-address 0x8008000 --policy policy.json --approval alice.ok --approval bob.ok";

constexpr const char* kApproveForms =
    "mote approve IMAGE APPROVAL --key alice.pem --application N --hardware N --version 1.2.3\n"
    "\n"
    "Approves a release before it is signed: signs what the vendor is going to say of IMAGE. All\n"
    "options have to be those that `mote sign` is given; where one differs, it says which. "
    "Devices\n"
    "do not see approvals: `mote sign --policy` counts them.";

constexpr const char* kApproveExamples =
    "Examples\n"
    "  mote approve v2.elf alice.ok --key alice.pem --application 1 --hardware 7 \\\n"
    "    --version 2.0.0 --server-key server.pub.pem";

struct Options {
  FieldOptions fields;
  KeyOptions key;
  std::string output_name;
  std::string policy_name;
  std::vector<std::string> approvals;
  std::string vendor_type = KeyTypeName(KeyType::kP256);
  ReportOptions report;
};

ApprovalPolicy ReadPolicy(const std::string& name) {
  const std::vector<uint8_t> file = ReadBytes(name);
  const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  const auto fail = [&](const std::string& what) {
    throw Error(Status::kCorrupt,
                fmt::format("{}: {}: see mote sign --help", InputName(name), what));
  };
  if (!json.is_object()) fail("not a policy in JSON");
  for (const auto& [key, value] : json.items()) {
    if (key != "k" && key != "approvers") fail(fmt::format("'{}' is no part of a policy", key));
  }
  if (!json.contains("k") || !json["k"].is_number_unsigned()) fail("k has to be a number");
  if (!json.contains("approvers") || !json["approvers"].is_array()) {
    fail("approvers has to be a list of files");
  }
  ApprovalPolicy policy;
  // Whatever is too large for the type is out of reach as well.
  policy.threshold = static_cast<unsigned>(
      std::min<uint64_t>(json["k"].get<uint64_t>(), std::numeric_limits<unsigned>::max()));
  for (const auto& approver : json["approvers"]) {
    if (!approver.is_string()) fail("approvers has to be a list of files");
    const auto path = std::filesystem::path(name).parent_path() / approver.get<std::string>();
    policy.approvers.push_back(ReadVerifyingKey(path.string()));
  }
  AboutFile(name, [&] { CheckPolicy(policy); });
  return policy;
}

// Returns how many people approve.
size_t RequireApprovals(const Options& options, const std::vector<uint8_t>& vendor_part) {
  const ApprovalPolicy policy = ReadPolicy(options.policy_name);
  std::vector<Approval> approvals;
  for (const std::string& name : options.approvals) {
    const std::vector<uint8_t> file = ReadBytes(name);
    AboutFile(name, [&] {
      approvals.push_back(ReadApproval(file));
      CheckApproval(policy, vendor_part, approvals.back());
    });
  }
  return AboutFile(options.policy_name,
                   [&] { return CheckApprovals(policy, vendor_part, approvals); });
}

// What both commands report.
void Report(const Options& options, const FilledFields& filled,
            const std::vector<uint8_t>& vendor_part, const std::vector<uint8_t>& output,
            const std::string& approved) {
  const VendorPart vendor = ParseVendorPart(vendor_part.data());
  nlohmann::ordered_json json;
  AddVendorJson(json, vendor);
  json["size"] = output.size();
  std::string text = VendorText(vendor);
  const size_t at = text.find('\n', text.find("linked for"));
  text.insert(at, "  " + filled.link_source);
  PrintReport(options.report, options.output_name == "-",
              fmt::format("{}{}output       {:>10} bytes\n", text, approved, output.size()), json);
}

void CheckNames(const CLI::App& command, const Options& options) {
  if (options.key.key_name.empty()) ThrowUsage(command, "--key is required");
  if (IsSameFile(options.output_name, options.fields.image_name) ||
      IsSameFile(options.output_name, options.key.key_name)) {
    ThrowUsage(command, "the output would overwrite the image or the key");
  }
}

void RunSign(const CLI::App& command, const Options& options) {
  CheckNames(command, options);
  if (!options.approvals.empty() && options.policy_name.empty()) {
    ThrowUsage(command, "--approval counts only with --policy");
  }
  const FilledFields filled = ReadFields(command, options.fields);
  const PrivateKey key = ReadPrivateKey(options.key);
  const SignatureAlgorithm algorithm =
      AboutFile(options.key.key_name, [&] { return key.public_key().ForSignatures().algorithm; });
  const std::vector<uint8_t> part = AboutFile(options.fields.image_name, [&] {
    return WriteVendorPart(filled.fields, algorithm, filled.image);
  });
  std::string approved;
  if (!options.policy_name.empty()) {
    approved = fmt::format("approved by  {:>10}\n", RequireApprovals(options, part));
  }
  OutputFile output(options.output_name);
  const std::vector<uint8_t> release = WriteRelease(part, key);
  output.Commit(release);
  Report(options, filled, part, release, approved);
}

void RunApprove(const CLI::App& command, const Options& options) {
  CheckNames(command, options);
  const FilledFields filled = ReadFields(command, options.fields);
  const PrivateKey key = ReadPrivateKey(options.key);
  const SignatureAlgorithm algorithm = options.vendor_type == KeyTypeName(KeyType::kP256)
                                           ? SignatureAlgorithm::kP256
                                           : SignatureAlgorithm::kEd25519;
  const std::vector<uint8_t> part = AboutFile(options.fields.image_name, [&] {
    return WriteVendorPart(filled.fields, algorithm, filled.image);
  });
  OutputFile output(options.output_name);
  const std::vector<uint8_t> approval =
      AboutFile(options.key.key_name, [&] { return WriteApproval(part, key); });
  output.Commit(approval);
  Report(options, filled, part, approval, "");
}

}  // namespace

void AddSignCommand(CLI::App& app) {
  CLI::App* command =
      AddCommand(app, "sign", kSignForms, kSignExamples,
                 {Status::kDone, Status::kBadArgument, Status::kCorrupt, Status::kUnsupported,
                  Status::kFileError, Status::kBadImage, Status::kBadSignature});
  const auto options = std::make_shared<Options>();
  AddFieldOptions(*command, options->fields);
  command->add_option("RELEASE", options->output_name)->required();
  AddKeyOptions(*command, options->key, "the vendor's private key");
  command->add_option("--policy", options->policy_name, "who has to approve, below [nobody]")
      ->type_name("FILE");
  command->add_option("--approval", options->approvals, "an approval; may be given several times")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { RunSign(*command, *options); });
}

void AddApproveCommand(CLI::App& app) {
  CLI::App* command = AddCommand(app, "approve", kApproveForms, kApproveExamples,
                                 {Status::kDone, Status::kBadArgument, Status::kCorrupt,
                                  Status::kUnsupported, Status::kFileError, Status::kBadImage});
  const auto options = std::make_shared<Options>();
  AddFieldOptions(*command, options->fields);
  command->add_option("APPROVAL", options->output_name)->required();
  AddKeyOptions(*command, options->key, "the approver's private key");
  command
      ->add_option("--vendor-type", options->vendor_type,
                   "type of the vendor's key: p256 or ed25519 [p256]")
      ->type_name("NAME")
      ->check(CLI::IsMember({"p256", "ed25519"}));
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { RunApprove(*command, *options); });
}

}  // namespace mote::tools
