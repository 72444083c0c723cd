// SPDX-License-Identifier: Apache-2.0
// The digest that is taken while the image is written, behind one function pointer, so that a port may use its own
// library or its chip's hash unit.
#pragma once

#include <stdint.h>

namespace mote {

/// `update` may be null: then no digest is taken. Its context is the library's own state, started and finished by the caller.
struct Hash {
  void (*update)(void* context, const uint8_t* data, uint32_t size);
  void* context;
};

/// Bytes of a SHA-256's state between two blocks: its eight numbers of 32 bits.
constexpr uint32_t kHashStateSize = 32;
constexpr uint32_t kHashBlockSize = 64;

/// For checkpoints: what a library keeps between two blocks. Both may be null: then what was hashed is hashed again, from the flash.
struct HashState {
  /// Writes kHashStateSize bytes, in an order of the library's own. Called after whole blocks only.
  void (*save)(void* context, uint8_t* state);
  /// Goes on as after `size` bytes, a multiple of kHashBlockSize, that came to `state`.
  void (*restore)(void* context, const uint8_t* state, uint32_t size);
  void* context;
};

}  // namespace mote
