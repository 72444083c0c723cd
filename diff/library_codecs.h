// SPDX-License-Identifier: Apache-2.0
// The codecs that come from libraries (libbz2, libzstd, liblz4): for gateways and Linux-class devices.
#pragma once

#include <stdint.h>

#include <span>
#include <vector>

#include "diff/error.h"
#include "patch/format.h"

namespace mote {

/// Packs with the library's strongest sensible setting. `codec` is kBz2, kZstd or kLz4.
std::vector<uint8_t> PackWithLibrary(Codec codec, std::span<const uint8_t> bytes);

/// Unpacks one whole stream; bytes behind it are ignored. Throws Error: kCorrupt where the library finds damage or more than `limit`
/// bytes come out, kNeedInput where the stream ends early.
std::vector<uint8_t> UnpackWithLibrary(Codec codec, std::span<const uint8_t> packed, uint64_t limit);

}  // namespace mote
