// SPDX-License-Identifier: Apache-2.0
// Signatures behind one function pointer, so that a port may use its own library or its chip's
// unit. signature_bearssl.h has ECDSA P-256, signature_sodium.h has Ed25519.
#pragma once

#include <stdint.h>

namespace mote {

/// The numbers are those of FORMAT.md, 8.
enum class SignatureAlgorithm : uint8_t {
  kNone = 0,
  /// ECDSA on NIST P-256 with SHA-256 (FIPS 186-4). Key: x and y, 32 bytes each, highest first.
  /// Signature: r and s, in the same way. What is signed is the digest's preimage: `openssl dgst
  /// -sha256 -sign` makes the same signatures, in DER.
  kP256 = 1,
  /// Ed25519 (RFC 8032). Key: 32 bytes. Signature: 64. The message is the digest, 32 bytes: one
  /// pass over what is signed, whatever the algorithm.
  kEd25519 = 2,
};

constexpr uint32_t kSignatureSize = 64;  ///< bytes, of all algorithms
constexpr uint32_t kMaxPublicKeySize = 64;

/// Bytes of a public key; 0 for kNone and for what is unknown.
constexpr uint32_t PublicKeySize(SignatureAlgorithm algorithm) {
  return algorithm == SignatureAlgorithm::kP256      ? 64
         : algorithm == SignatureAlgorithm::kEd25519 ? 32
                                                     : 0;
}

struct PublicKey {
  SignatureAlgorithm algorithm;
  uint8_t bytes[kMaxPublicKeySize];  ///< PublicKeySize() of them
};

struct SignatureVerifier {
  /// Whether `signature`, kSignatureSize bytes, of what has the SHA-256 `digest` is by `key`. False
  /// also for an algorithm that it does not have and for a key that is no point of the curve. It
  /// may take seconds on a small processor. Nothing that it is handed is secret.
  bool (*verify)(void* context, const PublicKey& key, const uint8_t* digest,
                 const uint8_t* signature);
  void* context;
  /// Bit 1 << SignatureAlgorithm for each that there is: others are refused as unsupported, which
  /// says more than that the signature is bad.
  uint8_t algorithms;
};

}  // namespace mote
