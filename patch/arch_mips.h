// SPDX-License-Identifier: Apache-2.0
// MIPS32 in both byte orders: J and JAL, whose targets lie in the same 256 MiB. Source: MIPS32 Architecture for Programmers,
// volume II-A.
#pragma once

#include "patch/architecture.h"

namespace mote {

inline constexpr UnitRow kMipsRows[] = {
    {0xFC000000, 0x0C000000, 0, 0, 0, 28, 4, 1, 2, {{0, 26, 2}}},  // JAL
    {0xFC000000, 0x08000000, 0, 0, 0, 28, 4, 2, 2, {{0, 26, 2}}},  // J
};
inline constexpr Architecture kMips = {kMipsRows, 2, PairKind::kNone, 2, 0, 0, 4, 4, false, false};
inline constexpr Architecture kMipsBig = {kMipsRows, 2, PairKind::kNone, 2, 0, 0, 4, 4, true, false};

}  // namespace mote
