// SPDX-License-Identifier: Apache-2.0
// The constants of the delta format; FORMAT.md is its description.
#pragma once

#include <stdint.h>

namespace mote {

/// First byte of every delta: 0xD in the high half, the format version in the low half.
constexpr uint8_t kMagicAndVersion = 0xD1;

/// How the command stream is packed: the low half of the second byte. The high half is the codec's parameter.
enum class Codec : uint8_t {
  kRaw = 0,   ///< not at all; parameter 0
  kLzss = 1,  ///< LZSS; parameter: window bits - 8
  kModel = 2,  ///< the predictive model; parameter: its profile
  kBz2 = 8,   ///< libbz2, host only; parameter 0
  kZstd = 9,  ///< libzstd, host only; parameter 0
  kLz4 = 10,  ///< liblz4 frame, host only; parameter 0
};

constexpr uint32_t kMaxHeaderSize = 16;
/// Sizes of images stay below this, so that differences of sizes and positions fit in 32 bits with their sign.
constexpr uint32_t kMaxImageSize = 0x7FFFFFFF;

}  // namespace mote
