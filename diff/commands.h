// SPDX-License-Identifier: Apache-2.0
// The command stream (FORMAT.md 5): what a delta says before its codec packs it.
#pragma once

#include <stdint.h>

#include <span>
#include <vector>

#include "diff/align.h"
#include "diff/apply.h"
#include "diff/unpacker.h"

namespace mote {

/// Appends an unsigned number, seven bits a byte, low ones first (FORMAT.md 2).
void AppendVarint(std::vector<uint8_t>& to, uint32_t value);
/// Maps 0, -1, 1, -2, ... to 0, 1, 2, 3, ...
uint32_t Zigzag(int32_t value);

/// Writes the commands that rebuild new along `copies` (in order, not overlapping in new), the
/// check at the end included.
std::vector<uint8_t> WriteCommands(std::span<const uint8_t> old_image,
                                   std::span<const uint8_t> new_image,
                                   const std::vector<Copy>& copies);

/// Reads them back without the old image, for statistics; stops behind the check. Throws Error:
/// kNeedInput where the stream ends early, kCorrupt where a command is impossible, there are more
/// than FORMAT.md 4 allows, or the unpacker says so.
DeltaStatistics CountCommands(Unpacker& commands, const DeltaHeader& header);

}  // namespace mote
