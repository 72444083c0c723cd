// SPDX-License-Identifier: Apache-2.0
// Deltas of codec model that a test makes itself: with a setting and an alignment of its own, or
// forged decision by decision.
#pragma once

#include <stdint.h>

#include "diff/model_encoder.h"
#include "tests/support/images.h"
#include "tests/support/reference_model.h"

namespace mote::testing {

/// The header of a delta from `old_image` to `new_size` bytes. `codec`: the field with codec and
/// parameter.
Bytes HeaderOf(std::span<const uint8_t> old_image, uint32_t new_size, uint8_t codec);
/// The same for codec model.
Bytes ModelHeader(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile);

/// A whole delta by EncodeModel.
Bytes EncodedDelta(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                   const std::vector<Copy>& copies, const ModelSetting& setting, unsigned profile);

/// ForgeModel, with the right check of new in the setting, whatever image comes out: where the
/// decisions make one, the delta is good. `decide` is asked once for each decision.
Forgery ForgeWithCheck(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
                       const Decide& decide);
/// What that codes for the decisions in `bits`, and then always the likelier one: for fuzzers.
Bytes ForgeFromBits(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
                    std::span<const uint8_t> bits);

}  // namespace mote::testing
