// SPDX-License-Identifier: Apache-2.0
// AArch64: B and BL, and the pairs ADRP with the ADD, load or store that adds the lower 12 bits. Source: Arm Architecture
// Reference Manual for A-profile, C6.2.
#pragma once

#include "patch/architecture.h"

namespace mote {

inline constexpr UnitRow kAarch64Rows[] = {
    {0x7C000000, 0x14000000, 0x08000000, 0, 0, 0, 4, 1, 2, {{0, 26, 2}}},  // B, BL
};
inline constexpr Architecture kAarch64 = {kAarch64Rows, 1, PairKind::kAarch64, 2, 0, 0, 4, 4, false, false};

}  // namespace mote
