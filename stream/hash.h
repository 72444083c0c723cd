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

}  // namespace mote
