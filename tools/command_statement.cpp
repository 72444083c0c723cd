// SPDX-License-Identifier: Apache-2.0
// mote statement: a vendor revokes a server's keys, or replaces the root key.
#include <stdint.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "release/manifest_writer.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/key_files.h"
#include "tools/output_file.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote statement FILE --key root.pem --sequence N [--server-epoch N] [--new-root new.pub.pem]\n"
    "\n"
    "Writes a statement to devices: from now on they refuse server keys of epochs below\n"
    "--server-epoch, and trust --new-root instead of the root key that signs this. Servers put\n"
    "all statements in front of every offer (mote offer --statement), in order; a device takes\n"
    "each once. Statements cannot be taken back: the next one has a higher sequence number, and\n"
    "no lower epoch.\n"
    "\n"
    "A device takes a new root key only while it runs an image that the present one signed: after\n"
    "a replacement, offer an image signed by the new key before you replace that one as well.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote statement 1.statement --key root.pem --sequence 1 --server-epoch 1   revokes epoch 0\n"
    "  mote statement 2.statement --key root.pem --sequence 2 --server-epoch 1 \\\n"
    "    --new-root root2.pub.pem";

struct Options {
  std::string name;
  KeyOptions key;
  std::optional<uint32_t> sequence;
  uint32_t server_epoch = 0;
  std::string new_root_name;
  ReportOptions report;
};

void Run(const CLI::App& command, const Options& options) {
  if (options.key.key_name.empty()) ThrowUsage(command, "--key is required");
  if (!options.sequence) ThrowUsage(command, "--sequence is required");
  if (*options.sequence == 0) ThrowUsage(command, "--sequence starts at 1");
  if (IsSameFile(options.name, options.key.key_name) ||
      IsSameFile(options.name, options.new_root_name)) {
    ThrowUsage(command, "FILE would overwrite a key");
  }
  std::optional<PublicKey> new_root;
  if (!options.new_root_name.empty()) new_root = ReadVerifyingKey(options.new_root_name);
  const PrivateKey key = ReadPrivateKey(options.key);
  OutputFile output(options.name);
  const std::vector<uint8_t> statement = AboutFile(options.key.key_name, [&] {
    return WriteStatement(key, *options.sequence, options.server_epoch, new_root);
  });
  output.Commit(statement);
  nlohmann::ordered_json json;
  json["sequence"] = *options.sequence;
  json["server_epoch"] = options.server_epoch;
  json["new_root"] = new_root ? KeyJson(*new_root) : nlohmann::ordered_json();
  json["size"] = statement.size();
  PrintReport(options.report, options.name == "-",
              fmt::format("sequence     {:>10}\n"
                          "server epoch {:>10}  server keys of lower ones are refused\n"
                          "new root     {}\n"
                          "output       {:>10} bytes\n",
                          *options.sequence, options.server_epoch,
                          new_root ? KeyText(*new_root) : "none: it stays", statement.size()),
              json);
}

}  // namespace

void AddStatementCommand(CLI::App& app) {
  CLI::App* command = AddCommand(app, "statement", kForms, kExamples,
                                 {Status::kDone, Status::kBadArgument, Status::kCorrupt,
                                  Status::kUnsupported, Status::kFileError});
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->name)->required();
  AddKeyOptions(*command, options->key, "the root key that devices trust now");
  AddSizeOption(*command, "--sequence", options->sequence, "N",
                "1 or more, above that of the last statement");
  AddSizeOption(*command, "--server-epoch", options->server_epoch, "N",
                "server keys of lower epochs are revoked [0]");
  command
      ->add_option("--new-root", options->new_root_name,
                   "public key that replaces the root key [it stays]")
      ->type_name("FILE");
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
