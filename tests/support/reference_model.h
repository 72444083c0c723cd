// SPDX-License-Identifier: Apache-2.0
// Codec model of the second decoder (reference.h), written from FORMAT.md 6 alone; and a forger,
// which lets a test make the decisions that a delta codes, so that it can say anything at all.
#pragma once

#include <stdint.h>

#include <functional>
#include <span>

#include "tests/support/reference.h"

namespace mote::testing {

/// Decodes what follows the header of a delta with codec model. `old_image` has exactly the old
/// size; `profile` is the header's parameter.
Outcome ReferenceModel(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
                       std::span<const uint8_t> coded);

/// Decides the next bit; `chance` is how likely the model takes a 1 to be, in 1/4096.
using Decide = std::function<bool(uint32_t chance)>;

/// What a decoder makes of the decisions, and the bytes that code them.
struct Forgery {
  Outcome outcome;  ///< kCorrupt also for an image that is complete and has another check
  Bytes coded;      ///< what follows the header
};
Forgery ForgeModel(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
                   const Decide& decide);

/// An instruction that carries an address (FORMAT.md 6.4): that of `row` in the architecture's
/// table, from 0, made to refer to `target` from `address`. The bits that tell neither are those of
/// `filler`.
Bytes ReferenceInstruction(unsigned architecture, size_t row, uint32_t filler, uint32_t target,
                           uint32_t address);
size_t ReferenceRows(unsigned architecture);  ///< how many rows the architecture has

}  // namespace mote::testing
