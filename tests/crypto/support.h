// SPDX-License-Identifier: Apache-2.0
// What the tests of crypto/ compare with: other people's commands, libcrypto's arithmetic on P-256,
// and Project Wycheproof's vectors.
#pragma once

#include <stdint.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "agent/signature.h"
#include "tests/support/reference.h"

namespace mote::testing {

std::string ToHex(std::span<const uint8_t> bytes);

/// A folder of its own, which goes with it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// Runs a shell command in the folder. Throws if it fails, with what it printed.
  void Run(const std::string& command) const;
  Bytes Read(const std::string& name) const;
  void Write(const std::string& name, std::span<const uint8_t> bytes) const;

 private:
  std::filesystem::path path_;
};

/// r and s, 32 bytes each, of an ECDSA signature in DER. Throws if it is none.
Bytes RawSignature(std::span<const uint8_t> der);

/// The key with these bytes, of which there are PublicKeySize().
PublicKey MakeKey(SignatureAlgorithm algorithm, std::span<const uint8_t> bytes);

/// A digest and a signature of it that holds for any key on P-256, made without its private key:
/// from numbers a and b, R = a G + b Q, r its x, s = r/b, and r a/b is the digest. (So nobody may
/// choose digests.)
struct Forgery {
  Bytes digest, signature;
};
/// `seed`: decides a and b. Throws if the key is not on the curve.
Forgery Forge(std::span<const uint8_t> key, uint64_t seed);

/// The file of that name, such as "x25519_test". Throws if it is not there.
nlohmann::json Wycheproof(std::string_view name);

}  // namespace mote::testing
