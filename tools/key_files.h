// SPDX-License-Identifier: Apache-2.0
// Keys and releases as the command finds them: in files, with passphrases from a file or from the
// terminal, in the folder of a store.
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "agent/layout.h"
#include "release/encrypt.h"
#include "release/keys.h"
#include "release/manifest_reader.h"
#include "release/manifest_writer.h"
#include "tools/command_support.h"

namespace mote::tools {

/// Which private key a command uses, and how it comes to its passphrase.
struct KeyOptions {
  std::string key_name;
  std::string passphrase_file;
};

/// Adds --key and --passphrase-file. `what` is what the key does, such as "signs the release".
void AddKeyOptions(CLI::App& command, KeyOptions& options, const std::string& what);

/// Reads --key. A passphrase comes from --passphrase-file (its first line), else from the terminal.
/// Throws Error with the file's name: kFileError, and as PrivateKey::FromPem; kBadArgument where
/// there is neither.
PrivateKey ReadPrivateKey(const KeyOptions& options);

/// Throws Error with the file's name: kFileError, and as HostPublicKey::FromPem.
HostPublicKey ReadPublicKey(const std::string& name);

/// A public key that verifies signatures. Throws Error also for X25519 keys.
PublicKey ReadVerifyingKey(const std::string& name);

/// 32 bytes, or 64 hexadecimal digits. Throws Error: kFileError, kCorrupt.
SharedKey ReadSharedKey(const std::string& name);

/// The first line of a file. Throws Error: kFileError, kBadArgument where it is empty.
std::string ReadPassphraseFile(const std::string& name);

/// Asks on the terminal, without showing what is typed; `twice` for a new one. Throws Error
/// (kBadArgument) where there is no terminal, nothing was typed, or not the same twice.
std::string AskPassphrase(const std::string& prompt, bool twice);

/// What `mote sign` and `mote approve` say of an image.
struct FieldOptions {
  std::string image_name;
  std::optional<uint32_t> application, hardware;
  std::string version;
  uint32_t counter = 0;
  std::string link_address;  ///< empty: what the file says
  std::string server_key_name;
  uint32_t server_epoch = 0;
  InputOptions input;
};

/// Adds the options, and IMAGE.
void AddFieldOptions(CLI::App& command, FieldOptions& options);

struct FilledFields {
  ReleaseFields fields;
  std::vector<uint8_t> image;
  std::string link_source;  ///< for the report: where the link address is from
};
/// Reads the image and fills in the fields. Throws Error: usage, as ReadImage, as ReadPublicKey.
FilledFields ReadFields(const CLI::App& command, const FieldOptions& options);

/// In hexadecimal digits.
std::string Hex(std::span<const uint8_t> bytes);
/// "none", "shared", "x25519", "p256"; "unknown".
const char* EncryptionName(unsigned number);
/// "none", "p256", "ed25519"; "unknown".
const char* AlgorithmName(unsigned number);
/// "any", or in hexadecimal digits.
std::string AddressText(uint32_t address);
/// Lines of a report, and members of `json`, about a vendor part.
std::string VendorText(const VendorPart& vendor);
void AddVendorJson(nlohmann::ordered_json& json, const VendorPart& vendor);
/// "p256 " and the first 16 digits of the key's SHA-256; "none".
std::string KeyText(const PublicKey& key);
/// Type, and the whole key in hexadecimal digits; null for kNone.
nlohmann::ordered_json KeyJson(const PublicKey& key);

/// All releases in a folder and the folders below it: files that start as one. Throws Error with
/// the name of a file that cannot be read or is damaged.
std::vector<Release> ReadReleases(const std::string& folder);

/// The images in a folder whose SHA-256 `wanted` says yes to, each once. Images are read as
/// elsewhere (HEX, ELF, UF2); files that cannot be are raw ones.
struct StoredImage {
  std::string name;
  Sha256::Digest digest;
  std::vector<uint8_t> bytes;
};
std::vector<StoredImage> FindImages(const std::string& folder,
                                    const std::function<bool(const Sha256::Digest&)>& wanted);

}  // namespace mote::tools
