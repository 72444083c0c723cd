// SPDX-License-Identifier: Apache-2.0
// Arm Thumb and Thumb-2: BL, and the wide B (encodings T1 and T4). A halfword is a step: what a wide instruction's second half looks
// like is never a BL. Source: Armv7-M Architecture Reference Manual, A7.7.12 and A7.7.18.
#pragma once

#include "patch/architecture.h"

namespace mote {

// The first halfword is in the low half. BL: 11110S imm10, 11J1 1J2 imm11; B.W: 10J1 1J2. J1 and J2 are 1 in all that reach no
// further than 4 MiB, and those are all that a microcontroller's flash has room for.
inline constexpr UnitRow kThumbRows[] = {
    {0xB800F800, 0xB800F000, 0x400000, 4, 0, 0, 4, 1, 1, {{16, 11, 1}, {0, 11, 12}}},
};
inline constexpr Architecture kThumb = {kThumbRows, 1, PairKind::kNone, 1, 0, 0, 2, 2, false, false};

}  // namespace mote
