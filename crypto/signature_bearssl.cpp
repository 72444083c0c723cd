// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature_bearssl.h"

#include "agent/sha256.h"

namespace mote {
namespace {

constexpr uint32_t kCoordinate = 32;  // bytes

bool Verify(void* context, const PublicKey& key, const uint8_t* digest, const uint8_t* signature) {
  if (key.algorithm != SignatureAlgorithm::kP256) return false;
  // BearSSL checks r against the curve's order, and all of s, but not whether r is 0: its
  // arithmetic assumes that it is not.
  uint8_t r = 0;
  for (uint32_t i = 0; i < kCoordinate; ++i) r |= signature[i];
  if (r == 0) return false;

  uint8_t point[1 + 2 * kCoordinate];
  point[0] = 4;  // not compressed
  for (uint32_t i = 0; i < 2 * kCoordinate; ++i) point[1 + i] = key.bytes[i];
  const br_ec_public_key public_key = {BR_EC_secp256r1, point, sizeof point};
  return br_ecdsa_i15_vrfy_raw(static_cast<const br_ec_impl*>(context), digest, kDigestSize,
                               &public_key, signature, kSignatureSize) == 1;
}

}  // namespace

SignatureVerifier BearsslP256Verifier(const br_ec_impl* curve) {
  // It comes back as const: see Verify.
  return {&Verify, const_cast<br_ec_impl*>(curve),
          1 << static_cast<uint8_t>(SignatureAlgorithm::kP256)};
}

}  // namespace mote
