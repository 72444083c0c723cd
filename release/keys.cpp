// SPDX-License-Identifier: Apache-2.0
#include "release/keys.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <sodium.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <stdexcept>

namespace mote {
namespace {

struct TypeEntry {
  KeyType type;
  const char* name;
  const char* openssl;  // as EVP_PKEY_is_a knows it
};
constexpr TypeEntry kTypes[] = {{KeyType::kP256, "p256", "EC"},
                                {KeyType::kEd25519, "ed25519", "ED25519"},
                                {KeyType::kX25519, "x25519", "X25519"}};
constexpr const char* kCurve = "prime256v1";  // OpenSSL's name for P-256

constexpr size_t kCoordinate = 32;
constexpr size_t kPoint = 2 * kCoordinate;
constexpr uint8_t kUncompressed = 4;  // in front of x and y (SEC 1, 2.3.3)

// OWASP's figure of 2023 for PBKDF2 with HMAC-SHA-256: a guess takes a third of a second.
constexpr int kIterations = 600000;
constexpr int kSaltSize = 16;

template <auto function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

// Calls that fail only where memory or the library does.
template <typename T>
T Check(T result) {
  if (result) return result;
  ERR_clear_error();
  throw std::runtime_error("OpenSSL failed where it should not");
}

void CheckDone(int result) { Check(result == 1); }

void InitialiseSodium() {
  if (sodium_init() < 0) throw Error(Status::kUnsupported, "there are no random numbers here");
}

KeyType TypeOf(EVP_PKEY* key) {
  for (const TypeEntry& entry : kTypes) {
    if (EVP_PKEY_is_a(key, entry.openssl) != 1) continue;
    if (entry.type != KeyType::kP256) return entry.type;
    char curve[64];
    size_t size = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve,
                                       &size) == 1 &&
        std::string_view(curve, size) == kCurve) {
      return entry.type;
    }
  }
  throw Error(Status::kUnsupported,
              "a key of a type that mote does not use: it takes P-256, Ed25519 and X25519, see "
              "mote keygen");
}

HostPublicKey PublicPart(EVP_PKEY* key) {
  HostPublicKey result{TypeOf(key), {}};
  if (result.type == KeyType::kP256) {
    for (const char* name : {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y}) {
      BIGNUM* coordinate = nullptr;
      CheckDone(EVP_PKEY_get_bn_param(key, name, &coordinate));
      const Number owned(coordinate);
      uint8_t bytes[kCoordinate];
      Check(BN_bn2binpad(coordinate, bytes, sizeof bytes) == sizeof bytes);
      result.bytes.insert(result.bytes.end(), std::begin(bytes), std::end(bytes));
    }
  } else {
    result.bytes.resize(kCoordinate);
    size_t size = kCoordinate;
    CheckDone(EVP_PKEY_get_raw_public_key(key, result.bytes.data(), &size));
  }
  return result;
}

// OpenSSL's object for a public key; null where it is no point of the curve.
Key MakePublic(KeyType type, std::span<const uint8_t> bytes) {
  if (type != KeyType::kP256) {
    const int id = type == KeyType::kEd25519 ? EVP_PKEY_ED25519 : EVP_PKEY_X25519;
    return Key(EVP_PKEY_new_raw_public_key(id, nullptr, bytes.data(), bytes.size()));
  }
  if (bytes.size() != kPoint) return nullptr;
  uint8_t point[1 + kPoint] = {kUncompressed};
  std::ranges::copy(bytes, point + 1);
  std::string curve = kCurve;  // the parameters want it not to be constant
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
      OSSL_PARAM_construct_end()};
  const Context context(Check(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)));
  CheckDone(EVP_PKEY_fromdata_init(context.get()));
  EVP_PKEY* key = nullptr;
  // It reads the point, and refuses one that is not on the curve.
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return Key(key);
}

Bio ReadFrom(std::string_view text) {
  return Bio(Check(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
}

std::string TakeText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

// What the library asks a passphrase from; exceptions must not pass through it.
struct PassphraseCall {
  const PassphraseSource* source;
  bool asked = false;
  std::exception_ptr failure;
};

int AskPassphrase(char* buffer, int size, int, void* user) {
  auto& call = *static_cast<PassphraseCall*>(user);
  call.asked = true;
  try {
    std::string passphrase = (*call.source)();
    if (passphrase.size() > static_cast<size_t>(size)) {
      Wipe(passphrase);
      throw Error(Status::kBadArgument,
                  "the passphrase is longer than " + std::to_string(size) + " bytes");
    }
    std::ranges::copy(passphrase, buffer);
    const auto length = static_cast<int>(passphrase.size());
    Wipe(passphrase);
    return length;
  } catch (...) {
    call.failure = std::current_exception();
    return -1;
  }
}

int NoPassphrase(char*, int, int, void*) { return -1; }

}  // namespace

const char* KeyTypeName(KeyType type) {
  for (const TypeEntry& entry : kTypes) {
    if (entry.type == type) return entry.name;
  }
  return "unknown";
}

std::optional<KeyType> KeyTypeByName(std::string_view name) {
  for (const TypeEntry& entry : kTypes) {
    if (name == entry.name) return entry.type;
  }
  return {};
}

void Wipe(std::span<uint8_t> bytes) { sodium_memzero(bytes.data(), bytes.size()); }

void Wipe(std::string& text) {
  sodium_memzero(text.data(), text.size());
  text.clear();
}

HostPublicKey HostPublicKey::FromPem(std::string_view pem) {
  const Bio bio = ReadFrom(pem);
  const Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, &NoPassphrase, nullptr));
  ERR_clear_error();
  if (key) return PublicPart(key.get());
  throw Error(
      Status::kCorrupt,
      pem.find("PRIVATE KEY-----") != std::string_view::npos
          ? "a private key, where a public one is asked for: give the .pub.pem file"
          : "not a public key in PEM, or damaged: mote keygen writes such files (.pub.pem)");
}

HostPublicKey HostPublicKey::FromDevice(const PublicKey& key) {
  return {key.algorithm == SignatureAlgorithm::kP256 ? KeyType::kP256 : KeyType::kEd25519,
          {key.bytes, key.bytes + PublicKeySize(key.algorithm)}};
}

std::string HostPublicKey::ToPem() const {
  const Key key = MakePublic(type, bytes);
  if (!key) throw Error(Status::kCorrupt, "no public key: not a point of the curve");
  const Bio bio(Check(BIO_new(BIO_s_mem())));
  CheckDone(PEM_write_bio_PUBKEY(bio.get(), key.get()));
  return TakeText(bio.get());
}

PublicKey HostPublicKey::ForSignatures() const {
  PublicKey key{};
  switch (type) {
    case KeyType::kP256:
      key.algorithm = SignatureAlgorithm::kP256;
      break;
    case KeyType::kEd25519:
      key.algorithm = SignatureAlgorithm::kEd25519;
      break;
    case KeyType::kX25519:
      throw Error(Status::kUnsupported,
                  "an X25519 key, which signs nothing: take one of type p256 or ed25519");
  }
  std::ranges::copy(bytes, key.bytes);
  return key;
}

PrivateKey::PrivateKey(std::shared_ptr<evp_pkey_st> key)
    : key_(std::move(key)), type_(TypeOf(key_.get())), public_key_(PublicPart(key_.get())) {}

PrivateKey PrivateKey::Generate(KeyType type) {
  EVP_PKEY* key = nullptr;
  switch (type) {
    case KeyType::kP256:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kCurve);
      break;
    case KeyType::kEd25519:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
    case KeyType::kX25519:
      key = EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519");
      break;
  }
  if (!key) {
    ERR_clear_error();
    throw Error(Status::kUnsupported, "no key can be made: there are no random numbers here");
  }
  return PrivateKey({key, EVP_PKEY_free});
}

PrivateKey PrivateKey::FromPem(std::string_view pem, const PassphraseSource& passphrase) {
  const Bio bio = ReadFrom(pem);
  PassphraseCall call{&passphrase, false, nullptr};
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, &AskPassphrase, &call);
  ERR_clear_error();
  if (key) return PrivateKey({key, EVP_PKEY_free});
  if (call.failure) std::rethrow_exception(call.failure);
  // With a wrong passphrase what is read is noise: that the file is damaged cannot be told from it.
  if (call.asked) {
    throw Error(Status::kBadArgument, "the passphrase is wrong, or the key is damaged: try again");
  }
  throw Error(Status::kCorrupt,
              pem.find("PUBLIC KEY-----") != std::string_view::npos
                  ? "a public key, where the private one is asked for: give the file without .pub"
                  : "not a private key in PEM, or damaged: mote keygen writes such files");
}

std::string PrivateKey::ToPem(const std::optional<std::string>& passphrase) const {
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>> info(
      Check(EVP_PKEY2PKCS8(key_.get())));
  // Its memory is wiped when it is freed.
  const Bio bio(Check(BIO_new(BIO_s_secmem())));
  if (!passphrase) {
    CheckDone(PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio.get(), info.get()));
    return TakeText(bio.get());
  }
  if (passphrase->empty()) throw Error(Status::kBadArgument, "the passphrase is empty");
  uint8_t salt[kSaltSize];
  CheckDone(RAND_bytes(salt, sizeof salt));
  // PEM_write_bio_PKCS8PrivateKey would do with 2048 iterations.
  const std::unique_ptr<X509_SIG, Free<X509_SIG_free>> encrypted(Check(
      PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase->data(), static_cast<int>(passphrase->size()),
                    salt, sizeof salt, kIterations, info.get())));
  CheckDone(PEM_write_bio_PKCS8(bio.get(), encrypted.get()));
  return TakeText(bio.get());
}

// The private key's 32 bytes, for libsodium.
SharedSecret PrivateKey::Raw() const {
  SharedSecret raw;
  size_t size = raw.size();
  CheckDone(EVP_PKEY_get_raw_private_key(key_.get(), raw.data(), &size));
  return raw;
}

Signature PrivateKey::Sign(const Sha256::Digest& digest) const {
  Signature signature;
  if (type_ == KeyType::kX25519) {
    throw Error(Status::kUnsupported,
                "an X25519 key, which signs nothing: take one of type p256 or ed25519");
  }
  if (type_ == KeyType::kEd25519) {
    InitialiseSodium();
    SharedSecret seed = Raw();
    uint8_t ignored[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(ignored, secret, seed.data());
    crypto_sign_detached(signature.data(), nullptr, digest.data(), digest.size(), secret);
    Wipe(seed);
    Wipe(secret);
    return signature;
  }
  const Context context(Check(EVP_PKEY_CTX_new(key_.get(), nullptr)));
  CheckDone(EVP_PKEY_sign_init(context.get()));
  uint8_t der[128];
  size_t size = sizeof der;
  CheckDone(EVP_PKEY_sign(context.get(), der, &size, digest.data(), digest.size()));
  const uint8_t* at = der;
  const EcSignature pair(Check(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size))));
  constexpr int kPart = static_cast<int>(kCoordinate);
  Check(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), signature.data(), kPart) == kPart);
  Check(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), signature.data() + kPart, kPart) == kPart);
  return signature;
}

SharedSecret PrivateKey::Agree(const HostPublicKey& other) const {
  SharedSecret secret;
  if (type_ != other.type || type_ == KeyType::kEd25519) {
    throw Error(Status::kUnsupported,
                "these keys cannot agree on a secret: both must be of type "
                "x25519, or both of type p256");
  }
  if (type_ == KeyType::kX25519) {
    InitialiseSodium();
    SharedSecret raw = Raw();
    const int result = other.bytes.size() == kCoordinate
                           ? crypto_scalarmult(secret.data(), raw.data(), other.bytes.data())
                           : -1;
    Wipe(raw);
    // It refuses a result of zeros.
    if (result != 0) throw Error(Status::kCorrupt, "a public key of small order: it is forged");
    return secret;
  }
  const Key peer = MakePublic(other.type, other.bytes);
  if (!peer) throw Error(Status::kCorrupt, "no public key: not a point of the curve");
  const Context context(Check(EVP_PKEY_CTX_new(key_.get(), nullptr)));
  CheckDone(EVP_PKEY_derive_init(context.get()));
  CheckDone(EVP_PKEY_derive_set_peer(context.get(), peer.get()));
  size_t size = secret.size();
  CheckDone(EVP_PKEY_derive(context.get(), secret.data(), &size));
  Check(size == secret.size());
  return secret;
}

bool SameKey(const PublicKey& a, const PublicKey& b) {
  return a.algorithm == b.algorithm &&
         std::equal(a.bytes, a.bytes + PublicKeySize(a.algorithm), b.bytes);
}

bool VerifySignature(const PublicKey& key, const Sha256::Digest& digest,
                     std::span<const uint8_t> signature) {
  if (signature.size() != kSignatureSize) return false;
  if (key.algorithm == SignatureAlgorithm::kEd25519) {
    InitialiseSodium();
    return crypto_sign_verify_detached(signature.data(), digest.data(), digest.size(), key.bytes) ==
           0;
  }
  if (key.algorithm != SignatureAlgorithm::kP256) return false;
  const Key point = MakePublic(KeyType::kP256, {key.bytes, kPoint});
  if (!point) return false;
  const EcSignature pair(Check(ECDSA_SIG_new()));
  constexpr int kPart = static_cast<int>(kCoordinate);
  Number r(Check(BN_bin2bn(signature.data(), kPart, nullptr)));
  Number s(Check(BN_bin2bn(signature.data() + kPart, kPart, nullptr)));
  CheckDone(ECDSA_SIG_set0(pair.get(), r.release(), s.release()));
  uint8_t der[128];
  uint8_t* end = der;
  const int size = i2d_ECDSA_SIG(pair.get(), &end);
  Check(size > 0);
  const Context context(Check(EVP_PKEY_CTX_new(point.get(), nullptr)));
  CheckDone(EVP_PKEY_verify_init(context.get()));
  const bool holds = EVP_PKEY_verify(context.get(), der, static_cast<size_t>(size), digest.data(),
                                     digest.size()) == 1;
  ERR_clear_error();
  return holds;
}

SignatureVerifier HostSignatureVerifier() {
  return {[](void*, const PublicKey& key, const uint8_t* digest, const uint8_t* signature) {
            Sha256::Digest copy;
            std::copy_n(digest, copy.size(), copy.begin());
            return VerifySignature(key, copy, {signature, kSignatureSize});
          },
          nullptr,
          1 << static_cast<int>(SignatureAlgorithm::kP256) |
              1 << static_cast<int>(SignatureAlgorithm::kEd25519)};
}

}  // namespace mote
