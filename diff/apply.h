// SPDX-License-Identifier: Apache-2.0
// Deltas on the host: what is in one, and applying it through the pipeline that a device runs.
#pragma once

#include <stdint.h>

#include <optional>
#include <span>
#include <vector>

#include "diff/error.h"
#include "patch/format.h"

namespace mote {

/// What the header of a delta says.
struct DeltaHeader {
  unsigned version;
  Codec codec;
  unsigned window_bits;  ///< kLzss only, else 0
  unsigned profile;      ///< kModel only, else 0
  uint32_t old_size;     ///< bytes
  uint32_t new_size;     ///< bytes
  uint32_t old_check;    ///< FNV-1a of the old image
  uint32_t header_size;  ///< bytes
};

/// Reads the header. Throws Error: kNeedInput (too short), kCorrupt (not a delta), kUnsupported
/// (version, codec, reserved bits).
DeltaHeader ReadHeader(std::span<const uint8_t> delta);

/// Bytes of work memory (PatcherConfig::memory) that the delta needs on this machine: pointers in it are larger here than on a
/// device, whose need DecoderRam tells.
uint32_t CodecMemory(const DeltaHeader& header);

/// What the commands of a delta come to.
struct DeltaStatistics {
  uint32_t copies = 0;            ///< commands that copy
  uint32_t insertions = 0;        ///< commands that insert
  uint64_t copied_bytes = 0;      ///< bytes of new equal to old
  uint64_t difference_bytes = 0;  ///< bytes of new that are old plus a difference
  uint64_t inserted_bytes = 0;    ///< bytes of new that the delta carries
  uint64_t command_bytes = 0;     ///< the command stream before its codec
  uint32_t new_check = 0;         ///< FNV-1a of the new image
};

/// Reads all commands, without the old image. Throws Error as ReadHeader, and kCorrupt or
/// kNeedInput for a damaged or cut delta. REQUIRES: a codec other than kModel, which has no commands.
DeltaStatistics ReadStatistics(std::span<const uint8_t> delta);

/// The command stream of a delta, up to its check, as it is before its codec packed it: with it,
/// any codec looks like kRaw. Throws Error as ReadStatistics.
std::vector<uint8_t> UnpackCommands(std::span<const uint8_t> delta, const DeltaHeader& header);

/// Rebuilds new with the device's Patcher. `old_image` may be longer than the image the delta was
/// made from; only its start is read. Throws Error: the Patcher's status, with a message that says
/// at which offset of the delta and what to do.
std::vector<uint8_t> Apply(std::span<const uint8_t> old_image, std::span<const uint8_t> delta);

}  // namespace mote
