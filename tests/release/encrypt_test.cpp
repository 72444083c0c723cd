// SPDX-License-Identifier: Apache-2.0
// Encrypted payloads, opened by OpenSSL as FORMAT.md 10 says, and by the simulated device's keys.
#include "release/encrypt.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <optional>

#include "release/digests.h"
#include "tests/release/support.h"

namespace mote::testing {
namespace {

const Bytes kDevice = {1, 2, 3, 4, 5, 6, 7, 8};

SharedKey SomeSharedKey() {
  SharedKey key;
  std::ranges::copy(SomeImage(32, 77), key.begin());
  return key;
}

Bytes Hkdf(const Bytes& salt, std::span<const uint8_t> secret, const Bytes& info) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  char sha256[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<uint8_t*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, const_cast<uint8_t*>(salt.data()),
                                        salt.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<uint8_t*>(info.data()),
                                        info.size()),
      OSSL_PARAM_construct_end()};
  Bytes key(32);
  EXPECT_EQ(EVP_KDF_derive(context, key.data(), key.size(), parameters), 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return key;
}

// Opens one piece; nothing where its tag does not hold.
std::optional<Bytes> OpenPiece(const Bytes& key, const Bytes& nonce,
                               std::span<const uint8_t> piece) {
  const auto sealed = piece.first(piece.size() - 16);
  Bytes tag(piece.end() - 16, piece.end());
  Bytes plain(sealed.size());
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int size = 0;
  EVP_DecryptInit_ex(context, EVP_chacha20_poly1305(), nullptr, key.data(), nonce.data());
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag.data());
  EVP_DecryptUpdate(context, plain.data(), &size, sealed.data(), static_cast<int>(sealed.size()));
  const bool holds = EVP_DecryptFinal_ex(context, plain.data() + size, &size) == 1;
  EVP_CIPHER_CTX_free(context);
  return holds ? std::optional(plain) : std::nullopt;
}

// FORMAT.md, 10, from its text.
std::optional<Bytes> OpenByFormat(const EncryptedPayload& payload, std::span<const uint8_t> secret,
                                  const Bytes& delta, unsigned bits) {
  Bytes info = {'m', 'o', 't', 'e', '-', 'e', '1', 0};
  info.insert(info.end(), kDevice.begin(), kDevice.end());
  const Sha256::Digest digest = Sha256::Of(delta);
  info.insert(info.end(), digest.begin(), digest.end());
  const Bytes key = Hkdf(payload.parameter, secret, info);
  Bytes result;
  const size_t step = (size_t{1} << bits) + 16;
  uint8_t i = 0;
  for (size_t from = 0; from < payload.bytes.size(); from += step, ++i) {
    const size_t size = std::min(step, payload.bytes.size() - from);
    const uint8_t last = from + size == payload.bytes.size() ? 1 : 0;
    const Bytes nonce = {i, 0, 0, 0, last, 0, 0, 0, 0, 0, 0, 0};
    const auto piece = OpenPiece(key, nonce, std::span(payload.bytes).subspan(from, size));
    if (!piece) return {};
    result.insert(result.end(), piece->begin(), piece->end());
  }
  return result;
}

// A device of this kind: who to encrypt for, its keys, and the secret that OpenSSL agrees on.
struct Kind {
  PayloadRecipient recipient;
  DeviceKeys keys;
  std::optional<PrivateKey> own;
};

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds(3);
  kinds[0].recipient = SomeSharedKey();
  kinds[0].keys.shared = SomeSharedKey();
  kinds[1].recipient = KeyOf(KeyType::kX25519).public_key();
  kinds[1].keys.x25519 = kinds[1].own = KeyOf(KeyType::kX25519);
  kinds[2].recipient = KeyOf(KeyType::kP256).public_key();
  kinds[2].keys.p256 = kinds[2].own = KeyOf(KeyType::kP256);
  return kinds;
}

// With the `openssl` command: nothing of release/keys.cpp is in it.
Bytes SecretOf(const Kind& kind, const EncryptedPayload& payload) {
  if (!kind.own) {
    const SharedKey key = SomeSharedKey();
    return {key.begin(), key.end()};
  }
  const Scratch scratch;
  scratch.Write("key.pem", kind.own->ToPem({}));
  scratch.Write("peer.pem", HostPublicKey{kind.own->type(), payload.parameter}.ToPem());
  EXPECT_TRUE(scratch.Openssl("pkeyutl -derive -inkey key.pem -peerkey peer.pem -out secret"));
  const std::string secret = scratch.Read("secret");
  return {secret.begin(), secret.end()};
}

TEST(Encrypt, OpensslOpensIt) {
  for (const Kind& kind : Kinds()) {
    for (const size_t size : {1, 31, 32, 33, 64, 1000}) {
      const Bytes delta = SomeImage(size, 5);
      const EncryptedPayload payload = EncryptPayload(delta, kDevice, kind.recipient, 5);
      EXPECT_EQ(payload.encryption, EncryptionFor(kind.recipient));
      EXPECT_EQ(payload.parameter.size(), EncryptionParameterSize(payload.encryption));
      EXPECT_EQ(payload.bytes.size(), size + (size + 31) / 32 * 16);
      EXPECT_EQ(OpenByFormat(payload, SecretOf(kind, payload), delta, 5), delta) << size;
    }
  }
}

TEST(Encrypt, NoKeyIsUsedTwice) {
  const Bytes delta = SomeImage(100, 5);
  for (const Kind& kind : Kinds()) {
    const EncryptedPayload one = EncryptPayload(delta, kDevice, kind.recipient, 10);
    const EncryptedPayload two = EncryptPayload(delta, kDevice, kind.recipient, 10);
    EXPECT_NE(one.parameter, two.parameter);
    EXPECT_NE(one.bytes, two.bytes);
  }
}

ServerPart PartFor(const EncryptedPayload& payload, const Bytes& delta,
                   const Sha256::Digest& digest, uint8_t bits) {
  ServerPart part{};
  part.device = kDevice.data();
  part.delta_size = static_cast<uint32_t>(delta.size());
  part.encryption = payload.encryption;
  part.piece_bits = bits;
  part.delta_digest = digest.data();
  part.parameter = payload.parameter.data();
  return part;
}

TEST(Encrypt, TheDevicesKeysOpenItAndNothingElse) {
  const Bytes delta = SomeImage(1000, 5);
  const Sha256::Digest digest = Sha256::Of(delta);
  for (Kind& kind : Kinds()) {
    const EncryptedPayload payload = EncryptPayload(delta, kDevice, kind.recipient, 8);
    const ServerPart part = PartFor(payload, delta, digest, 8);
    EXPECT_EQ(PayloadSize(part), payload.bytes.size());
    EXPECT_EQ(kind.keys.cipher().encryptions, 1 << static_cast<int>(payload.encryption));
    EXPECT_EQ(DecryptPayload(part, payload.bytes, kind.keys), delta);
    const auto status = [&](const ServerPart& changed, const Bytes& bytes) {
      return StatusOf([&] { DecryptPayload(changed, bytes, kind.keys); });
    };
    for (size_t i = 0; i < payload.bytes.size(); i += 41) {
      Bytes changed = payload.bytes;
      changed[i] ^= 1;
      EXPECT_EQ(status(part, changed), Status::kCorrupt) << i;
    }
    // Pieces exchanged, the last one left out, another device.
    Bytes exchanged = payload.bytes;
    std::swap_ranges(exchanged.begin(), exchanged.begin() + 272, exchanged.begin() + 272);
    EXPECT_EQ(status(part, exchanged), Status::kCorrupt);
    ServerPart shorter = part;
    shorter.delta_size = 768;
    EXPECT_EQ(status(shorter, Bytes(payload.bytes.begin(), payload.bytes.begin() + 3 * 272)),
              Status::kCorrupt);
    ServerPart other = part;
    const Bytes other_device(8, 9);
    other.device = other_device.data();
    EXPECT_EQ(status(other, payload.bytes), Status::kCorrupt);
    DeviceKeys none;
    EXPECT_EQ(StatusOf([&] { DecryptPayload(part, payload.bytes, none); }), Status::kUnsupported);
  }
}

TEST(Encrypt, WhatCannotBe) {
  const Bytes delta = SomeImage(10, 5);
  const auto status = [&](const PayloadRecipient& recipient, uint8_t bits) {
    return StatusOf([&] { EncryptPayload(delta, kDevice, recipient, bits); });
  };
  EXPECT_EQ(status(KeyOf(KeyType::kEd25519).public_key(), 10), Status::kUnsupported);
  EXPECT_EQ(status(SomeSharedKey(), 4), Status::kBadArgument);
  EXPECT_EQ(status(SomeSharedKey(), 17), Status::kBadArgument);
  EXPECT_EQ(status(HostPublicKey{KeyType::kX25519, Bytes(32)}, 10), Status::kCorrupt);
  EXPECT_EQ(status(HostPublicKey{KeyType::kP256, Bytes(64)}, 10), Status::kCorrupt);
}

}  // namespace
}  // namespace mote::testing
