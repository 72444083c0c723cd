// SPDX-License-Identifier: Apache-2.0
#include "release/encrypt.h"

#include <sodium.h>

#include <algorithm>
#include <type_traits>

#include "agent/decryptor.h"
#include "diff/sha256.h"
#include "release/manifest_reader.h"

namespace mote {
namespace {

constexpr size_t kSaltSize = 16;

static_assert(kContentKeySize == crypto_aead_chacha20poly1305_IETF_KEYBYTES);
static_assert(kPieceNonceSize == crypto_aead_chacha20poly1305_IETF_NPUBBYTES);
static_assert(kPieceTagSize == crypto_aead_chacha20poly1305_IETF_ABYTES);

using ContentKey = std::array<uint8_t, kContentKeySize>;
using PieceNonce = std::array<uint8_t, kPieceNonceSize>;
using KeyInfo = std::array<uint8_t, kKeyInfoSize>;

std::array<uint8_t, 32> Hmac(std::span<const uint8_t> key, std::span<const uint8_t> first,
                             std::span<const uint8_t> second = {}) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  crypto_auth_hmacsha256_update(&state, first.data(), first.size());
  crypto_auth_hmacsha256_update(&state, second.data(), second.size());
  std::array<uint8_t, 32> result;
  crypto_auth_hmacsha256_final(&state, result.data());
  Wipe({reinterpret_cast<uint8_t*>(&state), sizeof state});
  return result;
}

// HKDF-SHA256 (RFC 5869); one block is all that is asked for.
ContentKey Hkdf(std::span<const uint8_t> salt, std::span<const uint8_t> secret,
                std::span<const uint8_t> info) {
  constexpr uint8_t kFirstBlock[] = {1};
  auto extracted = Hmac(salt, secret);
  const ContentKey key = Hmac(extracted, info, kFirstBlock);
  Wipe(extracted);
  return key;
}

HostPublicKey Ephemeral(Encryption encryption, const uint8_t* parameter) {
  return {encryption == Encryption::kX25519 ? KeyType::kX25519 : KeyType::kP256,
          {parameter, parameter + EncryptionParameterSize(encryption)}};
}

bool Derive(void* context, Encryption encryption, const uint8_t* parameter, const uint8_t* info,
            uint8_t* key) {
  const auto& keys = *static_cast<const DeviceKeys*>(context);
  const std::span<const uint8_t> salt(parameter, EncryptionParameterSize(encryption));
  SharedSecret secret;
  if (encryption == Encryption::kSharedKey) {
    if (!keys.shared) return false;
    secret = *keys.shared;
  } else {
    const auto& own = encryption == Encryption::kX25519 ? keys.x25519 : keys.p256;
    if (!own || salt.empty()) return false;
    try {
      secret = own->Agree(Ephemeral(encryption, parameter));
    } catch (const Error&) {
      return false;
    }
  }
  ContentKey content = Hkdf(salt, secret, {info, kKeyInfoSize});
  std::ranges::copy(content, key);
  Wipe(secret);
  Wipe(content);
  return true;
}

bool Open(void*, const uint8_t* key, const uint8_t* nonce, uint8_t* data, uint32_t size,
          const uint8_t* tag) {
  return crypto_aead_chacha20poly1305_ietf_decrypt_detached(data, nullptr, data, size, tag, nullptr,
                                                            0, nonce, key) == 0;
}

}  // namespace

Encryption EncryptionFor(const PayloadRecipient& recipient) {
  if (std::holds_alternative<SharedKey>(recipient)) return Encryption::kSharedKey;
  switch (std::get<HostPublicKey>(recipient).type) {
    case KeyType::kX25519:
      return Encryption::kX25519;
    case KeyType::kP256:
      return Encryption::kP256;
    case KeyType::kEd25519:
      break;
  }
  throw Error(
      Status::kUnsupported,
      "an Ed25519 key, which nothing can be encrypted for: a device's key is of type x25519 "
      "or p256");
}

EncryptedPayload EncryptPayload(std::span<const uint8_t> delta, std::span<const uint8_t> device,
                                const PayloadRecipient& recipient, uint8_t piece_bits) {
  EncryptedPayload payload{EncryptionFor(recipient), {}, {}};
  if (piece_bits < kMinPieceBits || piece_bits > kMaxPieceBits || delta.empty()) {
    throw Error(Status::kBadArgument, "encrypted pieces have 2^5 to 2^16 bytes");
  }
  if (sodium_init() < 0) throw Error(Status::kUnsupported, "there are no random numbers here");
  SharedSecret secret;
  if (const auto* shared = std::get_if<SharedKey>(&recipient)) {
    secret = *shared;
    payload.parameter.resize(kSaltSize);
    randombytes_buf(payload.parameter.data(), payload.parameter.size());
  } else {
    const auto& key = std::get<HostPublicKey>(recipient);
    const PrivateKey ephemeral = PrivateKey::Generate(key.type);
    secret = ephemeral.Agree(key);
    payload.parameter = ephemeral.public_key().bytes;
  }
  KeyInfo info;
  MakeKeyInfo(device.data(), Sha256::Of(delta).data(), info.data());
  ContentKey content = Hkdf(payload.parameter, secret, info);
  Wipe(secret);
  const size_t piece = size_t{1} << piece_bits;
  for (size_t from = 0; from < delta.size(); from += piece) {
    const size_t size = std::min(piece, delta.size() - from);
    PieceNonce nonce;
    MakePieceNonce(static_cast<uint32_t>(from >> piece_bits), from + size == delta.size(),
                   nonce.data());
    const size_t to = payload.bytes.size();
    payload.bytes.resize(to + size + kPieceTagSize);
    crypto_aead_chacha20poly1305_ietf_encrypt(&payload.bytes[to], nullptr, &delta[from], size,
                                              nullptr, 0, nullptr, nonce.data(), content.data());
  }
  Wipe(content);
  return payload;
}

PayloadCipher DeviceKeys::cipher() {
  const auto bit = [](bool has, Encryption encryption) {
    return has ? 1 << static_cast<int>(encryption) : 0;
  };
  const int encryptions = bit(shared.has_value(), Encryption::kSharedKey) |
                          bit(x25519.has_value(), Encryption::kX25519) |
                          bit(p256.has_value(), Encryption::kP256);
  return {&Derive, &Open, this, static_cast<uint8_t>(encryptions)};
}

std::vector<uint8_t> DecryptPayload(const ServerPart& server, std::span<const uint8_t> payload,
                                    DeviceKeys& keys) {
  const PayloadCipher cipher = keys.cipher();
  if ((cipher.encryptions >> static_cast<int>(server.encryption) & 1) == 0) {
    throw Error(Status::kUnsupported, "there is no key for this encryption");
  }
  if (payload.size() != PayloadSize(server)) {
    throw Error(Status::kCorrupt, "the payload has another size than announced");
  }
  KeyInfo info;
  MakeKeyInfo(server.device, server.delta_digest, info.data());
  ContentKey content;
  if (!cipher.derive(cipher.context, server.encryption, server.parameter, info.data(),
                     content.data())) {
    throw Error(Status::kCorrupt, "the ephemeral key is no point of the curve");
  }
  std::vector<uint8_t> buffer((size_t{1} << server.piece_bits) + kPieceTagSize);
  Decryptor decryptor;
  decryptor.Init(cipher, content.data(), server.piece_bits, server.delta_size, 0, buffer.data());
  Wipe(content);
  std::vector<uint8_t> delta;
  while (!payload.empty()) {  // which has as many bytes as announced: all pieces become full
    payload =
        payload.subspan(decryptor.Take(payload.data(), static_cast<uint32_t>(payload.size())));
    const uint8_t* plain;
    uint32_t size;
    if (decryptor.Open(plain, size) != Status::kDone) {
      throw Error(Status::kCorrupt, "a piece's tag does not hold");
    }
    delta.insert(delta.end(), plain, plain + size);
  }
  decryptor.Wipe();
  if (!std::equal(server.delta_digest, server.delta_digest + kDigestSize,
                  Sha256::Of(delta).begin())) {
    throw Error(Status::kCorrupt, "the delta has another digest than announced");
  }
  return delta;
}

}  // namespace mote
