// SPDX-License-Identifier: Apache-2.0
// Telink TC32: TJL, a pair of halfwords like the first Thumb's BL. Found by looking at real images: the
// vendor publishes no encoding.
#pragma once

#include "patch/architecture.h"

namespace mote {

inline constexpr UnitRow kTc32Rows[] = {
    {0xF800F800, 0x98009000, 0x400000, 4, 0, 0, 4, 1, 1, {{16, 11, 1}, {0, 11, 12}}},
};
inline constexpr Architecture kTc32 = {kTc32Rows, 1, PairKind::kNone, 1, 0, 0, 2, 2, false, false};

}  // namespace mote
