// SPDX-License-Identifier: Apache-2.0
// RISC-V (RV32 and RV64, compressed instructions too): JAL, and the pairs LUI or AUIPC with the ADDI, load, store or JALR that adds the
// lower 12 bits. Source: The RISC-V Instruction Set Manual, volume I, 2.5, 2.4 and 16.
#pragma once

#include "patch/architecture.h"

namespace mote {

inline constexpr UnitRow kRiscvRows[] = {
    {0x0000007F, 0x0000006F, 0x100000, 0, 0, 0, 4, 1, 1, {{21, 10, 1}, {20, 1, 11}, {12, 8, 12}, {31, 1, 20}}},  // JAL
};
inline constexpr Architecture kRiscv = {kRiscvRows, 1, PairKind::kRiscv, 1, 0x03, 0x03, 4, 2, false, true};

}  // namespace mote
