// SPDX-License-Identifier: Apache-2.0
// The host's entry point: compares two images and writes a delta.
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "diff/apply.h"
#include "diff/error.h"
#include "diff/model.h"
#include "patch/format.h"

namespace mote {

struct DiffOptions {
  Codec codec = Codec::kModel;
  /// Bytes of RAM that the device has for the decoder: kUpdaterRam and the codec's memory, without the
  /// sector buffer. 0: no limit but what the codec can use. The smallest delta among the windows that
  /// fit is taken, or the largest profile.
  uint32_t ram = 0;
  /// kLzss: exactly this window, 8 to 15; 0: chosen.
  unsigned window_bits = 0;
  /// kModel: the images' instruction set; empty: the one that makes the smallest delta.
  std::optional<ArchitectureId> architecture;
  /// kModel: the images' load addresses, where they are known; empty: found in the images.
  std::vector<LoadRun> old_runs, new_runs;
  /// kModel: 1 to 9, how hard to look for a smaller delta.
  unsigned effort = kDefaultEffort;
  /// For updates in place. As Align has it; and, kModel: what repeats new is from at most so many bytes back, which the device's
  /// sector buffer holds while it proves the delta.
  int64_t lowest_diagonal = kAnyDiagonal;
  uint32_t match_window = kAnyDistance;
  /// Called now and then with the share done, 0 to 1, from the calling thread. It may throw to
  /// cancel.
  std::function<void(double)> progress;
};

/// Writes the delta that turns `old_image` into `new_image`. Either may be empty. Deterministic:
/// the same input gives the same bytes on every machine. Applies what it made with the device's own
/// pipeline before returning it. Throws Error: kUnsupported for an image above 2^31 - 1 bytes,
/// kDoesNotFit where `ram` is too small for any window or profile of the codec, kBadArgument for a window out
/// of range. Memory: about 6 x old + 3 x new bytes, and 25 x what new has that old has not (codec
/// lzss).
std::vector<uint8_t> Diff(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                          const DiffOptions& options);

/// RAM in bytes that a device with 32-bit pointers needs for this codec, without the sector buffer;
/// nothing for codecs that no device decodes. `parameter`: window bits for kLzss, the profile for kModel,
/// of no meaning for others.
std::optional<uint32_t> DecoderRam(Codec codec, unsigned parameter);
/// The same for a delta.
std::optional<uint32_t> DecoderRam(const DeltaHeader& header);

/// "raw", "lzss", ... and back; CodecByName gives nothing for a name it does not know.
const char* CodecName(Codec codec);
std::optional<Codec> CodecByName(std::string_view name);

}  // namespace mote
