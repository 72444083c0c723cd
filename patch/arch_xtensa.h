// SPDX-License-Identifier: Apache-2.0
// Xtensa (LX106, LX6, LX7) in both byte orders: CALL0 and CALLn, L32R, J. Three bytes; two with the code density option.
// Source: Xtensa Instruction Set Architecture Reference Manual, 7.3.
#pragma once

#include "patch/architecture.h"

namespace mote {

inline constexpr UnitRow kXtensaRows[] = {
    {0x00000F, 0x000005, 0x80000, 4, 0, 2, 3, 1, 2, {{6, 18, 2}}},            // CALL0, CALLn
    {0x00000F, 0x000001, 0, -0x40000, 3, 2, 3, 2, 2, {{8, 16, 2}}},  // L32R: always backward
    {0x00003F, 0x000006, 0x20000, 4, 0, 0, 3, 3, 0, {{6, 18, 0}}},            // J
};
inline constexpr Architecture kXtensa = {kXtensaRows, 3, PairKind::kNone, 0, 0x08, 0x00, 3, 2, false, false};

inline constexpr UnitRow kXtensaBigRows[] = {
    {0xF00000, 0x500000, 0x80000, 4, 0, 2, 3, 1, 2, {{0, 18, 2}}},
    {0xF00000, 0x100000, 0, -0x40000, 3, 2, 3, 2, 2, {{0, 16, 2}}},
    {0xFC0000, 0x600000, 0x20000, 4, 0, 0, 3, 3, 0, {{0, 18, 0}}},
};
inline constexpr Architecture kXtensaBig = {kXtensaBigRows, 3, PairKind::kNone, 0, 0x80, 0x00, 3, 2, true, false};

}  // namespace mote
