// SPDX-License-Identifier: Apache-2.0
// Intel 8051: LCALL and LJMP, with a 16-bit address in big-endian order. Instructions are of one to three bytes and not walked:
// every byte may start one. Source: MCS 51 Microcontroller Family User's Manual, chapter 2.
#pragma once

#include "patch/architecture.h"

namespace mote {

inline constexpr UnitRow k8051Rows[] = {
    {0xFF0000, 0x120000, 0, 0, 0, 16, 3, 1, 0, {{0, 16, 0}}},  // LCALL
    {0xFF0000, 0x020000, 0, 0, 0, 16, 3, 2, 0, {{0, 16, 0}}},  // LJMP
};
inline constexpr Architecture k8051 = {k8051Rows, 2, PairKind::kNone, 0, 0, 0, 1, 1, true, false};

}  // namespace mote
