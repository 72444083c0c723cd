// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature_sodium.h"

#include <sodium/crypto_sign.h>

#include "agent/sha256.h"

namespace mote {
namespace {

static_assert(crypto_sign_BYTES == kSignatureSize);
static_assert(crypto_sign_PUBLICKEYBYTES == PublicKeySize(SignatureAlgorithm::kEd25519));

bool Verify(void*, const PublicKey& key, const uint8_t* digest, const uint8_t* signature) {
  return key.algorithm == SignatureAlgorithm::kEd25519 &&
         crypto_sign_verify_detached(signature, digest, kDigestSize, key.bytes) == 0;
}

}  // namespace

SignatureVerifier SodiumEd25519Verifier() {
  return {&Verify, nullptr, 1 << static_cast<uint8_t>(SignatureAlgorithm::kEd25519)};
}

}  // namespace mote
