// SPDX-License-Identifier: Apache-2.0
#include "tests/crypto/support.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "tests/support/images.h"

namespace mote::testing {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* what) const {
    kFree(what);
  }
};
using Number = std::unique_ptr<BIGNUM, Free<&BN_free>>;
using Point = std::unique_ptr<EC_POINT, Free<&EC_POINT_free>>;
using Group = std::unique_ptr<EC_GROUP, Free<&EC_GROUP_free>>;
using Workspace = std::unique_ptr<BN_CTX, Free<&BN_CTX_free>>;

Number ToNumber(std::span<const uint8_t> bytes) {
  return Number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

Bytes ToBytes(const Number& number) {
  Bytes bytes(32);
  if (BN_bn2binpad(number.get(), bytes.data(), 32) != 32) throw std::runtime_error("BN_bn2binpad");
  return bytes;
}

void Check(int result, const char* what) {
  if (result != 1) throw std::runtime_error(what);
}

}  // namespace

std::string ToHex(std::span<const uint8_t> bytes) {
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "mote-crypto-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Folder::Run(const std::string& command) const {
  const std::string whole = "cd '" + path_.string() + "' && (" + command + ") > log 2>&1";
  if (system(whole.c_str()) == 0) return;
  const Bytes log = Read("log");
  throw std::runtime_error(command + ": " + std::string(log.begin(), log.end()));
}

Bytes Folder::Read(const std::string& name) const { return ReadFile(path_ / name); }

void Folder::Write(const std::string& name, std::span<const uint8_t> bytes) const {
  WriteFile(path_ / name, bytes);
}

Bytes RawSignature(std::span<const uint8_t> der) {
  // 30 length { 02 length r, 02 length s }, all of it shorter than 128 bytes.
  const auto take = [&der](size_t size) {
    if (size > der.size()) throw std::runtime_error("the signature ends early");
    const std::span<const uint8_t> taken = der.first(size);
    der = der.subspan(size);
    return taken;
  };
  Bytes raw;
  if (take(1)[0] != 0x30 || take(1)[0] != der.size()) throw std::runtime_error("no DER signature");
  for (int i = 0; i < 2; ++i) {
    if (take(1)[0] != 0x02) throw std::runtime_error("no DER number");
    std::span<const uint8_t> number = take(take(1)[0]);
    while (number.size() > 32 && number[0] == 0) number = number.subspan(1);
    if (number.size() > 32) throw std::runtime_error("a number above 32 bytes");
    raw.insert(raw.end(), 32 - number.size(), 0);
    raw.insert(raw.end(), number.begin(), number.end());
  }
  if (!der.empty()) throw std::runtime_error("something behind the signature");
  return raw;
}

PublicKey MakeKey(SignatureAlgorithm algorithm, std::span<const uint8_t> bytes) {
  PublicKey key = {algorithm, {}};
  if (bytes.size() != PublicKeySize(algorithm)) throw std::runtime_error("a key of another size");
  std::ranges::copy(bytes, key.bytes);
  return key;
}

Forgery Forge(std::span<const uint8_t> key, uint64_t seed) {
  const Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const Workspace workspace(BN_CTX_new());
  const BIGNUM* const order = EC_GROUP_get0_order(group.get());
  Random random(seed);
  const Number a = ToNumber(RandomBytes(random, 31)), b = ToNumber(RandomBytes(random, 31));
  const Number key_x = ToNumber(key.first(32)), key_y = ToNumber(key.subspan(32));
  const Point q(EC_POINT_new(group.get())), point(EC_POINT_new(group.get()));
  Check(EC_POINT_set_affine_coordinates(group.get(), q.get(), key_x.get(), key_y.get(),
                                        workspace.get()),
        "the key is not on the curve");
  Check(EC_POINT_mul(group.get(), point.get(), a.get(), q.get(), b.get(), workspace.get()),
        "EC_POINT_mul");
  const Number r(BN_new()), s(BN_new()), digest(BN_new()), inverse(BN_new());
  Check(
      EC_POINT_get_affine_coordinates(group.get(), point.get(), r.get(), nullptr, workspace.get()),
      "EC_POINT_get_affine_coordinates");
  Check(BN_nnmod(r.get(), r.get(), order, workspace.get()), "BN_nnmod");
  if (BN_mod_inverse(inverse.get(), b.get(), order, workspace.get()) == nullptr) {
    throw std::runtime_error("BN_mod_inverse");
  }
  Check(BN_mod_mul(s.get(), r.get(), inverse.get(), order, workspace.get()), "BN_mod_mul");
  Check(BN_mod_mul(digest.get(), s.get(), a.get(), order, workspace.get()), "BN_mod_mul");
  Bytes signature = ToBytes(r);
  const Bytes second = ToBytes(s);
  signature.insert(signature.end(), second.begin(), second.end());
  return {ToBytes(digest), signature};
}

nlohmann::json Wycheproof(std::string_view name) {
  const std::filesystem::path path =
      std::filesystem::path(MOTE_WYCHEPROOF) / (std::string(name) + ".json");
  if (!std::filesystem::exists(path)) {
    throw std::runtime_error(path.string() + " is not there: tools/wycheproof gets it");
  }
  const Bytes text = ReadFile(path);
  return nlohmann::json::parse(text.begin(), text.end());
}

}  // namespace mote::testing
