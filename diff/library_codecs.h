// SPDX-License-Identifier: Apache-2.0
// The codecs that come from libraries (libbz2, libzstd, liblz4): for gateways and Linux-class
// devices. unpacker.h unpacks them.
#pragma once

#include <stdint.h>

#include <span>
#include <vector>

#include "patch/format.h"

namespace mote {

/// Packs with the library's strongest sensible setting. `codec` is kBz2, kZstd or kLz4.
std::vector<uint8_t> PackWithLibrary(Codec codec, std::span<const uint8_t> bytes);

}  // namespace mote
