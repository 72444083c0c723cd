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
