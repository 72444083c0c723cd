// SPDX-License-Identifier: Apache-2.0
// Addresses that two instructions share: RISC-V's LUI or AUIPC, and AArch64's ADRP, give the upper part of an address, and one of
// the instructions that follow adds the lower 12 bits. FORMAT.md 6.5.
#pragma once

#include <stdint.h>

#include "patch/architecture.h"

namespace mote {

/// How many instructions are looked at for the lower part.
constexpr unsigned kPairReach = 8;
/// Bytes behind the start of an upper part that may matter.
constexpr uint32_t kPairBytes = 4 + 4 * kPairReach;

/// The register that `w`, an upper part, sets; -1 when it is none.
int UpperRegister(PairKind kind, uint32_t w);

/// Whether `w` adds lower 12 bits to the register `r`, and which (sign-extended on RISC-V).
bool IsLower(PairKind kind, uint32_t w, int r, uint32_t& lower);

/// Looks for the lower part of the upper one that `bytes` start with.
bool FindLower(PairKind kind, const uint8_t* bytes, uint32_t available, int r, uint32_t& lower);

/// The address that the upper part `w` at `address` and `lower` make.
uint32_t PairTarget(PairKind kind, uint32_t w, uint32_t address, uint32_t lower);

/// `w` at `address` for another target, and the lower bits that go with it.
uint32_t WithUpper(PairKind kind, uint32_t w, uint32_t address, uint32_t target);
uint32_t LowerOf(PairKind kind, uint32_t w, uint32_t address, uint32_t target);

/// The lower part `w` with other lower bits.
uint32_t WithLower(PairKind kind, uint32_t w, uint32_t lower);

}  // namespace mote
