// SPDX-License-Identifier: Apache-2.0
#include "tools/key_files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/image.h"

namespace mote::tools {
namespace {

constexpr size_t kMaxPassphrase = 1000;
constexpr uint64_t kMaxKeyFile = 1 << 16;
constexpr const char* kAnywhere = "any";

std::string_view AsText(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Regular files in a folder and those below it, in the order of their names.
std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  namespace fs = std::filesystem;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error)) names.push_back(at->path().string());
    if (error) break;
  }
  if (error) {
    throw Error(Status::kFileError,
                fmt::format("{}: cannot be read ({}): name a folder that you may read", folder,
                            error.message()));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

void AddKeyOptions(CLI::App& command, KeyOptions& options, const std::string& what) {
  command.add_option("--key", options.key_name, what)->type_name("FILE");
  command
      .add_option("--passphrase-file", options.passphrase_file,
                  "its first line is the passphrase of --key [asked for on the terminal]")
      ->type_name("FILE");
}

std::string ReadPassphraseFile(const std::string& name) {
  std::vector<uint8_t> file = ReadFile(name, kMaxKeyFile);
  const auto end = std::ranges::find_if(file, [](uint8_t c) { return c == '\n' || c == '\r'; });
  std::string passphrase(file.begin(), end);
  Wipe(file);
  if (passphrase.empty()) {
    throw Error(Status::kBadArgument,
                InputName(name) + ": its first line is empty: write the passphrase there");
  }
  return passphrase;
}

std::string AskPassphrase(const std::string& prompt, bool twice) {
  // OpenSSL would read from standard input where there is no terminal.
  const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0) {
    throw Error(Status::kBadArgument,
                "a passphrase is needed and there is no terminal to ask for it: give "
                "--passphrase-file");
  }
  close(terminal);
  std::array<char, kMaxPassphrase + 1> buffer{};
  const int result = EVP_read_pw_string_min(buffer.data(), 1, buffer.size(), prompt.c_str(), twice);
  std::string passphrase = buffer.data();
  Wipe({reinterpret_cast<uint8_t*>(buffer.data()), buffer.size()});
  if (result != 0 || passphrase.empty()) {
    Wipe(passphrase);
    throw Error(Status::kBadArgument, twice ? "no passphrase, or not the same one twice: try again"
                                            : "no passphrase was given: try again");
  }
  return passphrase;
}

PrivateKey ReadPrivateKey(const KeyOptions& options) {
  std::vector<uint8_t> file = ReadFile(options.key_name, kMaxKeyFile);
  return AboutFile(options.key_name, [&] {
    const PassphraseSource source = [&] {
      if (!options.passphrase_file.empty()) return ReadPassphraseFile(options.passphrase_file);
      return AskPassphrase(fmt::format("Passphrase of {}: ", options.key_name), false);
    };
    try {
      PrivateKey key = PrivateKey::FromPem(AsText(file), source);
      Wipe(file);
      return key;
    } catch (...) {
      Wipe(file);
      throw;
    }
  });
}

HostPublicKey ReadPublicKey(const std::string& name) {
  std::vector<uint8_t> file = ReadFile(name, kMaxKeyFile);
  return AboutFile(name, [&] { return HostPublicKey::FromPem(AsText(file)); });
}

PublicKey ReadVerifyingKey(const std::string& name) {
  const HostPublicKey key = ReadPublicKey(name);
  return AboutFile(name, [&] { return key.ForSignatures(); });
}

SharedKey ReadSharedKey(const std::string& name) {
  std::vector<uint8_t> file = ReadFile(name, kMaxKeyFile);
  SharedKey key{};
  bool done = file.size() == key.size();
  if (done) {
    std::ranges::copy(file, key.begin());
  } else {
    std::string_view text = AsText(file);
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    done = text.size() == 2 * key.size();
    for (size_t i = 0; done && i < key.size(); ++i) {
      const char* digits = text.data() + 2 * i;
      const auto [end, error] = std::from_chars(digits, digits + 2, key[i], 16);
      done = error == std::errc() && end == digits + 2;
    }
  }
  Wipe(file);
  if (done) return key;
  throw Error(
      Status::kCorrupt,
      InputName(name) + ": not a shared key: it has to be 32 bytes, or 64 hexadecimal digits");
}

void AddFieldOptions(CLI::App& command, FieldOptions& options) {
  command.add_option("IMAGE", options.image_name)->required();
  AddSizeOption(command, "--application", options.application, "N",
                "what the image does, in your own numbering");
  AddSizeOption(command, "--hardware", options.hardware, "N", "what it runs on");
  command.add_option("--version", options.version, "of the image: 1.2.3")->type_name("VERSION");
  AddSizeOption(command, "--counter", options.counter, "N",
                "security counter: devices refuse lower ones from then on [0]");
  command
      .add_option("--link-address", options.link_address,
                  "where it was linked to run, or any [what HEX, ELF or UF2 say; else any]")
      ->type_name("ADDR");
  command
      .add_option("--server-key", options.server_key_name,
                  "public key of the server that may offer it [none may]")
      ->type_name("FILE");
  AddSizeOption(command, "--server-epoch", options.server_epoch, "N",
                "of that key: a statement revokes all below its own [0]");
  AddInputOptions(command, options.input);
}

FilledFields ReadFields(const CLI::App& command, const FieldOptions& options) {
  FilledFields filled;
  if (!options.application) ThrowUsage(command, "--application is required");
  if (!options.hardware) ThrowUsage(command, "--hardware is required");
  const std::optional<uint32_t> version = ParseVersion(options.version);
  if (!version || *version == 0) {
    ThrowUsage(command, options.version.empty()
                            ? "--version is required"
                            : fmt::format("--version: '{}' is not a version such as 1.2.3, from "
                                          "0.0.1 to 255.255.65535",
                                          options.version));
  }
  std::optional<uint32_t> address;
  if (!options.link_address.empty() && options.link_address != kAnywhere) {
    address = ParseSize(options.link_address);
    if (!address || *address == kAnyAddress) {
      ThrowUsage(command, fmt::format("--link-address: '{}' is neither an address such as "
                                      "0x8004000 nor any",
                                      options.link_address));
    }
  }
  ReleaseFields& fields = filled.fields;
  fields.application = *options.application;
  fields.hardware = *options.hardware;
  fields.version = *version;
  fields.security_counter = options.counter;
  fields.server_epoch = options.server_epoch;
  if (!options.server_key_name.empty()) {
    fields.server_key = ReadVerifyingKey(options.server_key_name);
  }
  InputImage image = ReadImage(options.image_name, options.input);
  filled.image = std::move(image.bytes);
  if (address) {
    fields.link_address = *address;
    filled.link_source = "--link-address";
  } else if (!options.link_address.empty()) {
    filled.link_source = "--link-address: runs in any slot";
  } else if (image.base && *image.base < kAnyAddress) {
    fields.link_address = static_cast<uint32_t>(*image.base);
    filled.link_source = "the " + image.format + " file";
  } else {
    filled.link_source =
        "nothing says it: no device can refuse it for the wrong slot; see "
        "--link-address";
  }
  return filled;
}

std::string Hex(std::span<const uint8_t> bytes) {
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

const char* EncryptionName(unsigned number) {
  constexpr const char* kNames[] = {"none", "shared", "x25519", "p256"};
  return number < std::size(kNames) ? kNames[number] : "unknown";
}

const char* AlgorithmName(unsigned number) {
  constexpr const char* kNames[] = {"none", "p256", "ed25519"};
  return number < std::size(kNames) ? kNames[number] : "unknown";
}

std::string AddressText(uint32_t address) {
  return address == kAnyAddress ? kAnywhere : fmt::format("{:#010x}", address);
}

std::string KeyText(const PublicKey& key) {
  if (key.algorithm == SignatureAlgorithm::kNone) return "none";
  const std::span<const uint8_t> bytes(key.bytes, PublicKeySize(key.algorithm));
  return fmt::format("{} {}", AlgorithmName(static_cast<unsigned>(key.algorithm)),
                     Sha256Hex(bytes).substr(0, 16));
}

nlohmann::ordered_json KeyJson(const PublicKey& key) {
  if (key.algorithm == SignatureAlgorithm::kNone) return nullptr;
  nlohmann::ordered_json json;
  json["type"] = AlgorithmName(static_cast<unsigned>(key.algorithm));
  json["key"] = Hex({key.bytes, PublicKeySize(key.algorithm)});
  return json;
}

std::string VendorText(const VendorPart& vendor) {
  return fmt::format(
      "application  {:>10}\n"
      "hardware     {:>10}\n"
      "version      {:>10}\n"
      "counter      {:>10}  security counter\n"
      "image        {:>10} bytes\n"
      "sha256       {}\n"
      "linked for   {:>10}\n"
      "signed by    a vendor's key, {}\n"
      "server key   {}{}\n",
      vendor.application, vendor.hardware, VersionText(vendor.version), vendor.security_counter,
      vendor.size, Hex({vendor.digest, kDigestSize}), AddressText(vendor.link_address),
      AlgorithmName(static_cast<unsigned>(vendor.algorithm)), KeyText(vendor.server_key),
      vendor.server_key.algorithm == SignatureAlgorithm::kNone
          ? ": no server may offer it to single devices"
          : fmt::format(", epoch {}", vendor.server_epoch));
}

void AddVendorJson(nlohmann::ordered_json& json, const VendorPart& vendor) {
  json["application"] = vendor.application;
  json["hardware"] = vendor.hardware;
  json["version"] = VersionText(vendor.version);
  json["security_counter"] = vendor.security_counter;
  json["image_size"] = vendor.size;
  json["sha256"] = Hex({vendor.digest, kDigestSize});
  json["link_address"] = vendor.link_address == kAnyAddress
                             ? nlohmann::ordered_json()
                             : nlohmann::ordered_json(vendor.link_address);
  json["vendor_key_type"] = AlgorithmName(static_cast<unsigned>(vendor.algorithm));
  json["server_key"] = KeyJson(vendor.server_key);
  json["server_epoch"] = vendor.server_epoch;
}

std::vector<Release> ReadReleases(const std::string& folder) {
  std::vector<Release> releases;
  for (const std::string& name : FilesIn(folder)) {
    const std::vector<uint8_t> file = ReadFile(name);
    if (TrustFileOf(file) != TrustFile::kManifest) continue;
    // Offers that lie there, too, are none.
    const OfferView view = AboutFile(name, [&] { return ReadOffer(file); });
    if (!view.has_server_part() && view.payload.empty()) releases.emplace_back(file);
  }
  return releases;
}

std::vector<StoredImage> FindImages(const std::string& folder,
                                    const std::function<bool(const Sha256::Digest&)>& wanted) {
  std::vector<StoredImage> images;
  std::set<Sha256::Digest> found;
  const auto take = [&](const std::string& name, std::vector<uint8_t> bytes) {
    const Sha256::Digest digest = Sha256::Of(bytes);
    if (bytes.empty() || !wanted(digest) || !found.insert(digest).second) return;
    images.push_back({name, digest, std::move(bytes)});
  };
  for (const std::string& name : FilesIn(folder)) {
    std::vector<uint8_t> file = ReadFile(name);
    try {
      Image image = ParseImage(file, name);
      if (image.format != ImageFormat::kRaw) take(name, std::move(image.bytes));
    } catch (const Error& error) {
      if (error.status() != Status::kBadImage) throw;
    }
    take(name, std::move(file));
  }
  return images;
}

}  // namespace mote::tools
