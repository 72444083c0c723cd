// SPDX-License-Identifier: Apache-2.0
// mote keygen: makes a pair of keys.
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "release/keys.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/key_files.h"
#include "tools/output_file.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote keygen KEY.pem [options]\n"
    "\n"
    "Makes a pair of keys: the private one in KEY.pem, which only you may read (mode 0600), the\n"
    "public one in KEY.pub.pem. A vendor's key signs releases, and devices are built with its\n"
    "public part; a server's key signs offers; an approver's key approves releases; a device's "
    "key\n"
    "(x25519 or p256) is what payloads are encrypted for. Files are PKCS#8 and\n"
    "SubjectPublicKeyInfo in PEM: `openssl` makes and reads them, too.\n"
    "\n"
    "A vendor's key that is lost cannot be replaced on devices; one that is stolen signs "
    "anything:\n"
    "protect it with a passphrase, and keep a copy where nobody else gets at it.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote keygen vendor.pem --passphrase            asks for the passphrase\n"
    "  mote keygen server.pem --type ed25519 --passphrase-file server.pass\n"
    "  mote keygen device.pem --type x25519           for encrypted payloads";

struct Options {
  std::string key_name;
  std::string type = KeyTypeName(KeyType::kP256);
  std::string passphrase_file;
  bool passphrase = false;
  bool force = false;
  ReportOptions report;
};

std::string PublicName(const std::string& name) {
  constexpr std::string_view kEnd = ".pem";
  const std::string stem = name.ends_with(kEnd) ? name.substr(0, name.size() - kEnd.size()) : name;
  return stem + ".pub.pem";
}

std::span<const uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void RefuseExisting(const std::string& name) {
  struct stat status = {};
  if (lstat(name.c_str(), &status) != 0) return;
  throw Error(Status::kFileError,
              name + ": is there already: name another file, or replace the key with --force");
}

void Run(const CLI::App& command, const Options& options) {
  if (options.key_name == "-" || options.key_name.empty()) {
    ThrowUsage(command, "KEY.pem has to be a file");
  }
  if (options.passphrase && !options.passphrase_file.empty()) {
    ThrowUsage(command, "--passphrase asks for what --passphrase-file has: give one of them");
  }
  const std::string public_name = PublicName(options.key_name);
  if (!options.force) {
    RefuseExisting(options.key_name);
    RefuseExisting(public_name);
  }
  std::optional<std::string> passphrase;
  if (!options.passphrase_file.empty()) passphrase = ReadPassphraseFile(options.passphrase_file);
  if (options.passphrase) {
    passphrase = AskPassphrase(fmt::format("New passphrase for {}: ", options.key_name), true);
  }
  const PrivateKey key = PrivateKey::Generate(*KeyTypeByName(options.type));
  std::string pem = key.ToPem(passphrase);
  if (passphrase) Wipe(*passphrase);
  {
    OutputFile output(options.key_name, Access::kPrivate);
    output.Commit(AsBytes(pem));
  }
  Wipe(pem);
  {
    OutputFile output(public_name);
    output.Commit(AsBytes(key.public_key().ToPem()));
  }
  nlohmann::ordered_json json;
  json["type"] = options.type;
  json["private"] = options.key_name;
  json["public"] = public_name;
  json["passphrase"] = passphrase.has_value();
  PrintReport(options.report, false,
              fmt::format("private      {}, {}\n"
                          "public       {}\n"
                          "type         {}\n",
                          options.key_name,
                          passphrase ? "protected by the passphrase"
                                     : "not protected by a passphrase: whoever reads it can use it",
                          public_name, options.type),
              json);
}

}  // namespace

void AddKeygenCommand(CLI::App& app) {
  CLI::App* command = AddCommand(app, "keygen", kForms, kExamples,
                                 {Status::kDone, Status::kBadArgument, Status::kFileError});
  const auto options = std::make_shared<Options>();
  command->add_option("KEY.pem", options->key_name)->required();
  command->add_option("--type", options->type, "p256, ed25519 (sign), x25519 (encrypts) [p256]")
      ->type_name("NAME")
      ->check(CLI::IsMember({"p256", "ed25519", "x25519"}));
  command->add_flag("--passphrase", options->passphrase, "ask for a passphrase on the terminal");
  command
      ->add_option("--passphrase-file", options->passphrase_file,
                   "take the first line of this file as the passphrase [none]")
      ->type_name("FILE");
  command->add_flag("--force", options->force, "replace files that are there");
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
