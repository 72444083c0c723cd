// SPDX-License-Identifier: Apache-2.0
// What the tests of release/ share: files in a folder of their own, the `openssl` command as an
// oracle, a release of some image.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "release/keys.h"
#include "release/manifest_reader.h"
#include "release/manifest_writer.h"

namespace mote::testing {

using Bytes = std::vector<uint8_t>;

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "mote-release-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(folder_); }

  std::string operator/(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, std::span<const uint8_t> bytes) const {
    std::ofstream(*this / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  }
  void Write(const std::string& name, const std::string& text) const {
    Write(name, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Runs `openssl ARGUMENTS` in the folder; whether it exits with 0.
  bool Openssl(const std::string& arguments) const {
    return system(("cd " + folder_ + " && openssl " + arguments + " > log 2>&1").c_str()) == 0;
  }

 private:
  std::string folder_;
};

/// The status of the Error that `work` throws; kDone if it throws none.
template <typename Work>
Status StatusOf(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.status();
  }
  return Status::kDone;
}

inline std::string NoPassphrase() {
  ADD_FAILURE() << "a passphrase was asked for";
  return "";
}

/// An image that depends on `seed`.
inline Bytes SomeImage(size_t size, uint32_t seed) {
  Bytes image(size);
  for (uint8_t& byte : image) {
    seed = seed * 1103515245 + 12345;
    byte = static_cast<uint8_t>(seed >> 16);
  }
  return image;
}

/// A key of each type, made once: that takes time.
inline const PrivateKey& KeyOf(KeyType type, int which = 0) {
  static const std::vector<PrivateKey> keys = [] {
    std::vector<PrivateKey> made;
    for (int i = 0; i < 9; ++i) made.push_back(PrivateKey::Generate(static_cast<KeyType>(i / 3)));
    return made;
  }();
  return keys[static_cast<size_t>(type) * 3 + static_cast<size_t>(which)];
}

inline PublicKey VerifyingKey(const PrivateKey& key) { return key.public_key().ForSignatures(); }

inline Release MakeRelease(const ReleaseFields& fields, std::span<const uint8_t> image,
                           const PrivateKey& vendor) {
  return Release(
      WriteRelease(WriteVendorPart(fields, VerifyingKey(vendor).algorithm, image), vendor));
}

}  // namespace mote::testing
