// SPDX-License-Identifier: Apache-2.0
// mote offer: an update server answers a device's token.
#include <stdint.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "diff/diff.h"
#include "release/offer.h"
#include "stream/updater.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/key_files.h"
#include "tools/output_file.h"
#include "tools/progress.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote offer STORE TOKEN OFFER --key server.pem [options]\n"
    "mote offer STORE OFFER --broadcast --base IMAGE [options]\n"
    "\n"
    "Answers a device: TOKEN says what it is, what it runs and what its decoder can do. Picks the\n"
    "newest release in the folder STORE that is for it, makes the smallest payload that it can\n"
    "take (a delta where STORE has the image that it runs, else a full image, packed), signs for\n"
    "this device and this token, and writes what to send. STORE has releases (mote sign) and\n"
    "images, in any folders below it; files are told by what is in them.\n"
    "\n"
    "A broadcast is for devices that cannot be asked: it is the same for all that run IMAGE, has\n"
    "no server's signature, and devices take it only if their policy allows that.";

constexpr const char* kExamples =
    "Exit code 14 (downgrade) says that nothing is newer than what the device runs.\n"
    "\n"
    "Examples\n"
    "  mote offer store device.token update.offer --key server.pem\n"
    "  mote offer store device.token update.offer --key server.pem --statement 1.statement \\\n"
    "    --device-key device.pub.pem --json\n"
    "  mote offer store update.offer --broadcast --base v1.bin --ram 4K --arch thumb";

struct Options {
  std::string store;
  std::vector<std::string> names;  // TOKEN and OFFER, or OFFER
  KeyOptions key;
  std::vector<std::string> statements;
  std::string device_key_name, shared_key_name;
  bool broadcast = false;
  std::string base_name;
  std::optional<uint32_t> application, hardware, link_address, ram;
  std::string architecture = "auto";
  InputOptions input;
  ReportOptions report;
};

Token ReadTokenFile(const std::string& name) {
  const std::vector<uint8_t> file = ReadBytes(name);
  Token token;
  const bool is_token = TrustFileOf(file) == TrustFile::kToken;
  if (is_token && file.size() != kTokenSize) {
    throw Error(Status::kCorrupt,
                fmt::format("{}: a token has {} bytes, this has {}: ask the device again",
                            InputName(name), kTokenSize, file.size()));
  }
  if (!is_token || ReadToken(file.data(), token) != Status::kDone) {
    throw Error(Status::kUnsupported,
                InputName(name) + ": not a token, or of a version that this mote does not know");
  }
  return token;
}

// All that is known of devices that cannot be asked: what they run, and what the options say.
Token BroadcastToken(const CLI::App& command, const Options& options, const InputImage* base,
                     const std::vector<Release>& releases) {
  Token token{};
  token.link_address = options.link_address.value_or(kAnyAddress);
  if (base) {
    const Sha256::Digest digest = Sha256::Of(base->bytes);
    std::copy_n(digest.begin(), sizeof token.base, token.base);
    for (const Release& release : releases) {
      const VendorPart vendor = release.vendor();
      if (!IsTokenBase(token, ImageDigest(vendor))) continue;
      token.application = vendor.application;
      token.hardware = vendor.hardware;
      token.version = vendor.version;
      token.security_counter = vendor.security_counter;
    }
  }
  if (options.application) token.application = *options.application;
  if (options.hardware) token.hardware = *options.hardware;
  if (token.version == 0 && (!options.application || !options.hardware)) {
    ThrowUsage(command,
               "STORE has no release of --base to say what it is: give --application and "
               "--hardware");
  }
  token.decoder_ram = options.ram.value_or(std::numeric_limits<uint32_t>::max());
  token.capacity = std::numeric_limits<uint32_t>::max();
  for (const Codec codec : {Codec::kModel, Codec::kLzss, Codec::kRaw}) {
    token.codecs |= static_cast<uint16_t>(1 << static_cast<int>(codec));
  }
  const auto architecture = ArchitectureByName(options.architecture);
  token.architectures = static_cast<uint16_t>(architecture ? 1 << static_cast<int>(*architecture)
                                                           : (1 << kArchitectureCount) - 1);
  return token;
}

void CheckOptions(const CLI::App& command, const Options& options) {
  if (options.broadcast) {
    if (options.architecture != "auto" && !ArchitectureByName(options.architecture)) {
      ThrowUsage(command, fmt::format("--arch: '{}' is not one that mote diff --help names",
                                      options.architecture));
    }
    if (options.names.size() != 1) ThrowUsage(command, "with --broadcast it is STORE OFFER");
    for (const char* name : {"--key", "--device-key", "--shared-key"}) {
      if (command.count(name) != 0) {
        ThrowUsage(command,
                   fmt::format("{} is not for --broadcast: nothing binds it to a device", name));
      }
    }
    return;
  }
  if (options.names.size() != 2) {
    ThrowUsage(command, fmt::format("{} is required", options.names.empty() ? "TOKEN" : "OFFER"));
  }
  if (options.key.key_name.empty()) ThrowUsage(command, "--key is required");
  for (const char* name :
       {"--base", "--application", "--hardware", "--link-address", "--ram", "--arch"}) {
    if (command.count(name) != 0) {
      ThrowUsage(command, fmt::format("{} is for --broadcast: the token says it", name));
    }
  }
  if (!options.device_key_name.empty() && !options.shared_key_name.empty()) {
    ThrowUsage(command, "a payload is encrypted for one key: --device-key or --shared-key");
  }
}

void Report(const Options& options, const Token& token, const VendorPart& target,
            const Offer& offer, const std::string& base_name) {
  nlohmann::ordered_json json;
  json["base"] =
      offer.full ? nlohmann::ordered_json() : nlohmann::ordered_json(VersionText(token.version));
  json["target"] = VersionText(target.version);
  json["image_size"] = target.size;
  json["full"] = offer.full;
  json["broadcast"] = options.broadcast;
  json["codec"] = CodecName(offer.header.codec);
  json["decoder_ram"] = offer.decoder_ram;
  json["encryption"] = EncryptionName(static_cast<unsigned>(offer.encryption));
  json["statements_size"] = offer.statements_size;
  json["manifest_size"] = offer.manifest_size;
  json["delta_size"] = offer.delta_size;
  json["payload_size"] = offer.payload_size;
  json["total_size"] = offer.bytes.size();
  std::string text = fmt::format(
      "device       {}\n"
      "runs         {:>10}  {}\n"
      "target       {:>10}  {} bytes\n"
      "payload is   {}, codec {}, {} bytes of RAM\n"
      "encryption   {}\n",
      options.broadcast ? "all that run the base: a broadcast" : Hex(token.device),
      VersionText(token.version),
      !base_name.empty()  ? "base " + base_name
      : options.broadcast ? "or anything else: no base is needed"
                          : "its image is not in the store",
      VersionText(target.version), target.size, offer.full ? "a full image" : "a delta",
      CodecName(offer.header.codec), offer.decoder_ram,
      EncryptionName(static_cast<unsigned>(offer.encryption)));
  text += fmt::format(
      "statements   {:>10} bytes\n"
      "manifest     {:>10} bytes\n"
      "payload      {:>10} bytes\n"
      "total        {:>10} bytes  {:.2f} % of the image\n",
      offer.statements_size, offer.manifest_size, offer.payload_size, offer.bytes.size(),
      PerCent(offer.bytes.size(), target.size));
  PrintReport(options.report, options.names.back() == "-", text, json);
}

void Run(const CLI::App& command, const Options& options) {
  CheckOptions(command, options);
  const std::vector<Release> releases = ReadReleases(options.store);
  OfferRequest request;
  std::optional<InputImage> base;
  if (options.broadcast) {
    if (!options.base_name.empty()) base = ReadImage(options.base_name, options.input);
    request.token = BroadcastToken(command, options, base ? &*base : nullptr, releases);
  } else {
    request.token = ReadTokenFile(options.names[0]);
  }
  request.releases = releases;
  std::vector<std::vector<uint8_t>> statements;
  for (const std::string& name : options.statements) {
    statements.push_back(ReadBytes(name));
    const OfferView view = AboutFile(name, [&] { return ReadOffer(statements.back()); });
    if (view.statements.size() != 1 || !view.manifest.empty()) {
      throw Error(Status::kUnsupported, InputName(name) + ": not a statement, or several");
    }
  }
  request.statements = statements;
  std::optional<PrivateKey> key;
  if (!options.broadcast) {
    key = ReadPrivateKey(options.key);
    AboutFile(options.key.key_name, [&] { return key->public_key().ForSignatures(); });
    request.server = &*key;
  }
  if (!options.device_key_name.empty()) request.recipient = ReadPublicKey(options.device_key_name);
  if (!options.shared_key_name.empty()) request.recipient = ReadSharedKey(options.shared_key_name);

  const Choice choice = AboutFile(options.store, [&] { return ChooseRelease(request); });
  const VendorPart target = choice.target->vendor();
  const auto is_target = [&](const Sha256::Digest& digest) {
    return std::ranges::equal(digest, ImageDigest(target));
  };
  const std::vector<StoredImage> images =
      FindImages(options.store, [&](const Sha256::Digest& digest) {
        return is_target(digest) || IsTokenBase(request.token, digest);
      });
  const StoredImage* image = nullptr;
  const StoredImage* stored_base = nullptr;
  for (const StoredImage& found : images) {
    if (is_target(found.digest)) image = &found;
    if (IsTokenBase(request.token, found.digest)) {
      // The token has eight bytes of a digest: of two images that begin alike neither is meant.
      if (stored_base) {
        throw Error(Status::kWrongBase,
                    fmt::format("{}: its SHA-256 begins like that of {}: remove "
                                "the one that no device runs",
                                found.name, stored_base->name));
      }
      stored_base = &found;
    }
  }
  if (!image) {
    throw Error(Status::kFileError,
                fmt::format("{}: the image of version {} is not there (SHA-256 {}): put it there",
                            options.store, VersionText(target.version), Hex(ImageDigest(target))));
  }
  const std::vector<uint8_t> none;
  const std::vector<uint8_t>& base_bytes = base          ? base->bytes
                                           : stored_base ? stored_base->bytes
                                                         : none;
  OutputFile output(options.names.back());
  Progress progress("comparing");
  request.progress = [&progress](double share) { progress.Update(share); };
  const Offer offer =
      AboutFile("offer", [&] { return MakeOffer(request, choice, image->bytes, base_bytes); });
  output.Commit(offer.bytes);
  Report(options, request.token, target, offer,
         base          ? options.base_name
         : stored_base ? stored_base->name
                       : "");
}

}  // namespace

void AddOfferCommand(CLI::App& app) {
  CLI::App* command =
      AddCommand(app, "offer", kForms, kExamples,
                 {Status::kDone, Status::kBadArgument, Status::kCorrupt, Status::kWrongBase,
                  Status::kDoesNotFit, Status::kUnsupported, Status::kFileError, Status::kBadImage,
                  Status::kBadSignature, Status::kWrongDevice, Status::kDowngrade});
  const auto options = std::make_shared<Options>();
  command->add_option("STORE", options->store)->required();
  command->add_option("TOKEN OFFER", options->names)->required()->expected(1, 2);
  AddKeyOptions(*command, options->key, "the server's private key");
  command
      ->add_option("--statement", options->statements,
                   "goes in front; give all that there are, in order")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--device-key", options->device_key_name,
                   "encrypt for this public key of the device (x25519, p256) [no]")
      ->type_name("FILE");
  command
      ->add_option("--shared-key", options->shared_key_name,
                   "encrypt with this key: 32 bytes, or 64 hexadecimal digits [no]")
      ->type_name("FILE");
  command->add_flag("--broadcast", options->broadcast, "for devices that cannot be asked");
  command->add_option("--base", options->base_name, "broadcast: what they run [a full image]")
      ->type_name("IMAGE");
  AddSizeOption(*command, "--application", options->application, "N",
                "broadcast: [that of the base's release]");
  AddSizeOption(*command, "--hardware", options->hardware, "N",
                "broadcast: [that of the base's release]");
  AddSizeOption(*command, "--link-address", options->link_address, "ADDR",
                "broadcast: of the slot to be written [any]");
  AddSizeOption(*command, "--ram", options->ram, "BYTES",
                "broadcast: RAM for the decoder, without sector buffer [no limit]");
  command->add_option("--arch", options->architecture, "broadcast: as of mote diff [auto]")
      ->type_name("NAME");
  AddInputOptions(*command, options->input);
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
