// SPDX-License-Identifier: Apache-2.0
// SHA-256 behind three function pointers, so that a port may use its own library or its chip's hash
// unit. stream/hash.h is its middle part; here an image is also hashed again from the flash.
#pragma once

#include <stdint.h>

namespace mote {

constexpr uint32_t kDigestSize = 32;  ///< bytes

/// All three are set. They cannot fail. `context` is the library's state, the caller's.
struct Sha256Functions {
  /// Forgets what was hashed and begins a new digest.
  void (*start)(void* context);
  void (*update)(void* context, const uint8_t* data, uint32_t size);
  /// Writes kDigestSize bytes. `start` comes before anything else is hashed.
  void (*finish)(void* context, uint8_t* digest);
  void* context;
  /// As in HashState (stream/hash.h): for checkpoints; may be null.
  void (*save)(void* context, uint8_t* state) = nullptr;
  void (*restore)(void* context, const uint8_t* state, uint32_t size) = nullptr;
};

// Not inlined: digests and keys are compared and copied in many places, and seldom.

/// Whether `size` bytes are equal. Not in constant time: nothing secret is compared with it.
[[gnu::noinline]] inline bool IsEqual(const uint8_t* a, const uint8_t* b, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}
[[gnu::noinline]] inline void CopyBytes(uint8_t* to, const uint8_t* from, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) to[i] = from[i];
}

}  // namespace mote
