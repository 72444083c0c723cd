// SPDX-License-Identifier: Apache-2.0
// mote inspect: what is in a release, an offer, a statement, a token or an approval.
#include <stdint.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "diff/apply.h"
#include "diff/diff.h"
#include "diff/model.h"
#include "release/approval.h"
#include "release/manifest_reader.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/key_files.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote inspect FILE [options]\n"
    "\n"
    "Tells what is in a release, an offer, a statement, a token or an approval: every field.\n"
    "Checks the form, no signature: whether it is genuine `mote verify --root` tells.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote inspect update.offer\n"
    "  mote inspect device.token --json | jq -r .version";

struct Options {
  std::string name;
  ReportOptions report;
};

struct Part {
  std::string text;
  nlohmann::ordered_json json;
};

// Names of the bits in a set.
template <typename Name>
std::vector<std::string> Names(unsigned set, const Name& name) {
  std::vector<std::string> names;
  for (unsigned i = 0; set >> i != 0; ++i) {
    if ((set >> i & 1) != 0) names.push_back(name(i));
  }
  return names;
}

std::string List(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

Part StatementPart(std::span<const uint8_t> bytes) {
  const Statement statement = ParseStatement(bytes.data() + kTrustHeaderSize);
  Part part;
  part.json["sequence"] = statement.sequence;
  part.json["server_epoch"] = statement.server_epoch;
  part.json["root_key_type"] = AlgorithmName(static_cast<unsigned>(statement.algorithm));
  part.json["new_root"] = KeyJson(statement.root);
  part.json["size"] = bytes.size();
  part.text = fmt::format(
      "statement    {:>10} bytes\n"
      "sequence     {:>10}\n"
      "server epoch {:>10}  server keys of lower ones are refused\n"
      "signed by    a root key, {}\n"
      "new root     {}\n",
      bytes.size(), statement.sequence, statement.server_epoch,
      AlgorithmName(static_cast<unsigned>(statement.algorithm)), KeyText(statement.root));
  return part;
}

std::string DeltaCodecText(uint8_t codec) {
  const char* name = CodecName(static_cast<Codec>(codec & 0xF));
  return fmt::format("{}, parameter {}", name, codec >> 4);
}

Part ServerPartText(const ServerPart& server) {
  Part part;
  const std::span<const uint8_t> base(server.base_prefix, kBasePrefixSize);
  const std::span<const uint8_t> parameter(server.parameter,
                                           EncryptionParameterSize(server.encryption));
  const bool full = Hex(base) == "00000000";
  const char* encryption = EncryptionName(static_cast<unsigned>(server.encryption));
  part.json["device"] = Hex({server.device, kDeviceIdSize});
  part.json["nonce"] = Hex({server.nonce, kNonceSize});
  part.json["base_version"] = VersionText(server.base_version);
  part.json["base_sha256_start"] =
      full ? nlohmann::ordered_json() : nlohmann::ordered_json(Hex(base));
  part.json["delta_size"] = server.delta_size;
  part.json["decoder_ram"] = server.decoder_ram;
  part.json["codec"] = CodecName(static_cast<Codec>(server.codec & 0xF));
  part.json["codec_parameter"] = server.codec >> 4;
  part.json["encryption"] = encryption;
  part.json["piece_size"] = server.piece_bits == 0
                                ? nlohmann::ordered_json()
                                : nlohmann::ordered_json(1u << server.piece_bits);
  part.json["delta_sha256"] = Hex({server.delta_digest, kDigestSize});
  part.json["encryption_parameter"] = Hex(parameter);
  part.text = fmt::format(
      "device       {}\n"
      "nonce        {}\n"
      "base         {}\n"
      "delta        {:>10} bytes  before encryption\n"
      "sha256       {}\n"
      "codec        {}\n"
      "RAM          {:>10} bytes  and the sector buffer\n"
      "encryption   {}{}\n",
      Hex({server.device, kDeviceIdSize}), Hex({server.nonce, kNonceSize}),
      full ? "none: a full image"
           : fmt::format("{}, SHA-256 {}...", VersionText(server.base_version), Hex(base)),
      server.delta_size, Hex({server.delta_digest, kDigestSize}), DeltaCodecText(server.codec),
      server.decoder_ram, encryption,
      server.encryption == Encryption::kNone
          ? ""
          : fmt::format(", pieces of {} bytes\nparameter    {}", 1u << server.piece_bits,
                        Hex(parameter)));
  return part;
}

// What a payload's own header says, where it can be read.
Part PayloadPart(const OfferView& view) {
  Part part;
  part.json["payload_size"] = view.payload.size();
  part.text = fmt::format("payload      {:>10} bytes{}\n", view.payload.size(),
                          view.payload.empty() ? "" : "  follows");
  if (view.has_server_part()) {
    const uint64_t announced = PayloadSize(view.server());
    part.json["payload_size_announced"] = announced;
    if (announced != view.payload.size()) {
      part.text += fmt::format("             {:>10} bytes were announced\n", announced);
    }
  } else if (!view.payload.empty()) {
    // Nobody signed it: it may be anything.
    const DeltaHeader header = ReadHeader(view.payload);
    part.json["codec"] = CodecName(header.codec);
    part.json["old_size"] = header.old_size;
    part.json["new_size"] = header.new_size;
    part.text +=
        fmt::format("codec        {}\nold          {:>10} bytes\nnew          {:>10} bytes\n",
                    CodecName(header.codec), header.old_size, header.new_size);
  }
  return part;
}

void Append(Part& to, const Part& part) {
  to.text += part.text;
  to.json.update(part.json);
}

Part OfferPart(std::span<const uint8_t> file) {
  const OfferView view = ReadOffer(file);
  Part whole;
  const char* kind = view.manifest.empty()    ? "statements"
                     : view.has_server_part() ? "offer"
                     : view.payload.empty()   ? "release"
                                              : "broadcast";
  whole.json["kind"] = kind;
  whole.text = fmt::format("kind         {}\n", kind);
  whole.json["statements"] = nlohmann::ordered_json::array();
  for (const auto bytes : view.statements) {
    const Part statement = StatementPart(bytes);
    whole.json["statements"].push_back(statement.json);
    whole.text += statement.text;
  }
  if (view.manifest.empty()) return whole;
  const VendorPart vendor = view.vendor();
  whole.json["manifest_size"] = view.manifest.size();
  whole.text +=
      fmt::format("manifest     {:>10} bytes\n{}", view.manifest.size(), VendorText(vendor));
  AddVendorJson(whole.json, vendor);
  if (view.has_server_part()) {
    whole.text += "-- the server says --\n";
    const Part server = ServerPartText(view.server());
    whole.text += server.text;
    whole.json["server"] = server.json;
  }
  Append(whole, PayloadPart(view));
  return whole;
}

Part TokenPart(std::span<const uint8_t> file) {
  if (file.size() != kTokenSize) {
    throw Error(Status::kCorrupt,
                fmt::format("a token has {} bytes, this has {}: ask the device again", kTokenSize,
                            file.size()));
  }
  Token token;
  if (ReadToken(file.data(), token) != Status::kDone) {
    throw Error(Status::kUnsupported, "a token of a version that this mote does not know");
  }
  const auto codecs =
      Names(token.codecs, [](unsigned i) { return CodecName(static_cast<Codec>(i)); });
  const auto architectures = Names(token.architectures, [](unsigned i) {
    return ArchitectureName(static_cast<ArchitectureId>(i));
  });
  const auto signatures = Names(token.signatures, &AlgorithmName);
  const auto encryptions = Names(token.encryptions, &EncryptionName);
  Part part;
  part.json["kind"] = "token";
  part.json["device"] = Hex(token.device);
  part.json["nonce"] = Hex(token.nonce);
  part.json["application"] = token.application;
  part.json["hardware"] = token.hardware;
  part.json["version"] = VersionText(token.version);
  part.json["security_counter"] = token.security_counter;
  part.json["base_sha256_start"] = Hex(token.base);
  part.json["decoder_ram"] = token.decoder_ram;
  part.json["link_address"] = token.link_address == kAnyAddress
                                  ? nlohmann::ordered_json()
                                  : nlohmann::ordered_json(token.link_address);
  part.json["capacity"] = token.capacity;
  part.json["codecs"] = codecs;
  part.json["architectures"] = architectures;
  part.json["signatures"] = signatures;
  part.json["encryptions"] = encryptions;
  part.json["piece_bits"] = token.piece_bits;
  part.json["small_model"] = token.small_model;
  part.text = fmt::format(
      "kind         token\n"
      "device       {}\n"
      "nonce        {}\n"
      "application  {:>10}\n"
      "hardware     {:>10}\n"
      "version      {:>10}  runs\n"
      "counter      {:>10}  lowest security counter that it accepts\n"
      "base         {}  first bytes of the SHA-256 of what runs\n"
      "RAM          {:>10} bytes  for the decoder\n"
      "linked for   {:>10}  the slot to be written\n"
      "room         {:>10} bytes\n"
      "codecs       {}{}\n"
      "predicts     {}\n"
      "signatures   {}\n"
      "encryptions  {}{}\n",
      Hex(token.device), Hex(token.nonce), token.application, token.hardware,
      VersionText(token.version), token.security_counter, Hex(token.base), token.decoder_ram,
      AddressText(token.link_address), token.capacity, List(codecs),
      token.small_model ? "; of model the smallest profile only" : "", List(architectures),
      List(signatures), List(encryptions),
      token.piece_bits == 0 ? "" : fmt::format("; pieces of up to 2^{} bytes", token.piece_bits));
  return part;
}

Part ApprovalPart(std::span<const uint8_t> file) {
  const Approval approval = ReadApproval(file);
  Part part;
  part.json["kind"] = "approval";
  part.json["approver"] = KeyJson(approval.approver);
  part.text = fmt::format("kind         approval\napprover     {}\n", KeyText(approval.approver));
  const VendorPart vendor = ParseVendorPart(approval.vendor_part.data());
  AddVendorJson(part.json, vendor);
  part.text += VendorText(vendor);
  return part;
}

void Run(const Options& options) {
  const std::vector<uint8_t> file = ReadBytes(options.name);
  const Part part = AboutFile(options.name, [&] {
    const auto kind = TrustFileOf(file);
    if (!kind) {
      throw Error(Status::kUnsupported,
                  "neither a release nor an offer, a statement, a token or an approval; of a delta "
                  "mote info tells what is in it");
    }
    switch (*kind) {
      case TrustFile::kToken:
        return TokenPart(file);
      case TrustFile::kApproval:
        return ApprovalPart(file);
      default:
        return OfferPart(file);
    }
  });
  PrintReport(options.report, false, part.text, part.json);
}

}  // namespace

void AddInspectCommand(CLI::App& app) {
  CLI::App* command = AddCommand(app, "inspect", kForms, kExamples,
                                 {Status::kDone, Status::kNeedInput, Status::kBadArgument,
                                  Status::kCorrupt, Status::kUnsupported, Status::kFileError});
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->name)->required();
  AddReportOptions(*command, options->report, false);
  command->final_callback([options] { Run(*options); });
}

}  // namespace mote::tools
