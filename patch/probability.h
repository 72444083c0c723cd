// SPDX-License-Identifier: Apache-2.0
// Adaptive binary probabilities, the same in the encoder and on the device. FORMAT.md 6.2.
#pragma once

#include <stdint.h>

namespace mote {

/// The upper 12 bits: how likely a 1 is, in 1/4096, never 0; the lower 4: how often it was adapted, up to 15.
using Probability = uint16_t;

constexpr unsigned kProbabilityBits = 12;
constexpr Probability kEvenChance = 0x8000;

/// The count at which a probability stops to slow down. Bits of a byte's tree change their habits faster than flags do.
constexpr unsigned kTreeLimit = 14;
constexpr unsigned kFlagLimit = 15;

/// A probability learns fast while it is young: each adaption takes 1 / 2^kAdaptShift[count] of the way to the bit seen.
constexpr uint8_t kAdaptShift[16] = {1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5};

[[gnu::always_inline]] constexpr Probability Adapted(Probability probability, unsigned bit, unsigned limit) {
  unsigned count = probability & 15u;
  unsigned chance = probability >> 4;
  const unsigned shift = kAdaptShift[count];
  if (bit) {
    chance += (0xFFFu - chance) >> shift;
  } else {
    chance -= chance >> shift;
  }
  if (count < limit) ++count;
  return static_cast<Probability>(chance << 4 | count);
}

}  // namespace mote
