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

}  // namespace mote
