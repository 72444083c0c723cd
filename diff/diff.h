// SPDX-License-Identifier: Apache-2.0
// The host's entry point: compares two images and writes a delta.
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "diff/error.h"
#include "patch/format.h"

namespace mote {

struct DiffOptions {
  Codec codec = Codec::kLzss;
  /// Bytes of RAM that the device has for the decoder: kUpdaterRam and the window, without the
  /// sector buffer. 0: no limit but the largest window. The smallest delta among the windows that
  /// fit is taken.
  uint32_t ram = 0;
  /// Exactly this LZSS window, 8 to 15; 0: chosen.
  unsigned window_bits = 0;
  /// Called now and then with the share done, 0 to 1, from the calling thread. It may throw to
  /// cancel.
  std::function<void(double)> progress;
};

/// Writes the delta that turns `old_image` into `new_image`. Either may be empty. Deterministic:
/// the same input gives the same bytes on every machine. Applies what it made with the device's own
/// pipeline before returning it. Throws Error: kUnsupported for an image above 2^31 - 1 bytes,
/// kDoesNotFit where `ram` is too small for any window of the codec, kBadArgument for a window out
/// of range. Memory: about 6 x old + 3 x new bytes, and 25 x what new has that old has not (codec
/// lzss).
std::vector<uint8_t> Diff(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                          const DiffOptions& options);

/// RAM in bytes that a device with 32-bit pointers needs for this codec, without the sector buffer;
/// nothing for codecs that no device decodes. `window_bits` counts for kLzss only.
std::optional<uint32_t> DecoderRam(Codec codec, unsigned window_bits);

/// "raw", "lzss", ... and back; CodecByName gives nothing for a name it does not know.
const char* CodecName(Codec codec);
std::optional<Codec> CodecByName(std::string_view name);

}  // namespace mote
