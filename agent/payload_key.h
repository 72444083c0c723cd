// SPDX-License-Identifier: Apache-2.0
// What an encrypted payload needs of the port's cryptography (FORMAT.md, 10), behind function
// pointers. The device's secret stays on the port's side. cipher_bearssl.h has all of it.
#pragma once

#include <stdint.h>

#include "agent/manifest.h"

namespace mote {

constexpr uint32_t kContentKeySize = 32;
constexpr uint32_t kPieceNonceSize = 12;
constexpr uint32_t kKeyInfoSize = 8 + kDeviceIdSize + kDigestSize;

/// HKDF's info for a payload to `device` (kDeviceIdSize bytes) of the delta with this digest
/// (kDigestSize bytes): kKeyInfoSize bytes to `info`.
inline void MakeKeyInfo(const uint8_t* device, const uint8_t* delta_digest, uint8_t* info) {
  constexpr uint8_t kTag[8] = {'m', 'o', 't', 'e', '-', 'e', '1', 0};
  CopyBytes(info, kTag, sizeof kTag);
  CopyBytes(info + sizeof kTag, device, kDeviceIdSize);
  CopyBytes(info + sizeof kTag + kDeviceIdSize, delta_digest, kDigestSize);
}

/// The nonce of a piece by its number: kPieceNonceSize bytes to `nonce`.
inline void MakePieceNonce(uint32_t piece, bool last, uint8_t* nonce) {
  for (uint32_t i = 0; i < kPieceNonceSize; ++i) nonce[i] = 0;
  StoreLittle(nonce, 4, piece);
  nonce[4] = last ? 1 : 0;
}

struct PayloadCipher {
  /// The key of a payload: agrees on a secret with the device's own key, and derives with HKDF.
  /// `parameter`: EncryptionParameterSize() bytes, also HKDF's salt; `info`: kKeyInfoSize bytes;
  /// `key`: kContentKeySize. False where there is no such key on this device, or `parameter` is no
  /// point of the curve.
  bool (*derive)(void* context, Encryption encryption, const uint8_t* parameter,
                 const uint8_t* info, uint8_t* key);
  /// Checks the tag (kPieceTagSize bytes, in constant time) of a piece of `size` bytes, and
  /// decrypts it in place. False where the tag does not hold: then `data` means nothing.
  bool (*open)(void* context, const uint8_t* key, const uint8_t* nonce, uint8_t* data,
               uint32_t size, const uint8_t* tag);
  void* context;
  /// Bit 1 << Encryption for each that there is a key for; never kNone.
  uint8_t encryptions;
};

}  // namespace mote
