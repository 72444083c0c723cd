// SPDX-License-Identifier: Apache-2.0
// MIPS32 in both byte orders: J and JAL, whose targets lie in the same 256 MiB. Source: MIPS32 Architecture for Programmers,
// volume II-A.
#pragma once

#include "patch/architecture.h"

namespace mote {

constexpr UnitRow kMipsRows[] = {
    {0xFC000000, 0x0C000000, 4, 1, 2, 0, 28, 0, 28, false, 0, 0, {{0, 26, 2}}},  // JAL
    {0xFC000000, 0x08000000, 4, 2, 2, 0, 28, 0, 28, false, 0, 0, {{0, 26, 2}}},  // J
};
constexpr Architecture kMips = {kMipsRows, 2, PairKind::kNone, 2, 0, 0, 4, 4, false, false, true};
constexpr Architecture kMipsBig = {kMipsRows, 2, PairKind::kNone, 2, 0, 0, 4, 4, true, false, true};

}  // namespace mote
