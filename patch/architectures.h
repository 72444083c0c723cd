// SPDX-License-Identifier: Apache-2.0
// The instruction sets that this build has. Where it is a single one, its facts are known to the compiler, which then leaves out
// what they make superfluous.
#pragma once

#include "patch/arch_8051.h"
#include "patch/arch_aarch64.h"
#include "patch/arch_mips.h"
#include "patch/arch_riscv.h"
#include "patch/arch_tc32.h"
#include "patch/arch_thumb.h"
#include "patch/arch_xtensa.h"
#include "patch/architecture.h"
#include "patch/config.h"

namespace mote {

inline constexpr Architecture kWordsOnly = {nullptr, 0, PairKind::kNone, 0, 0, 0, 1, 1, false, false, true};
inline constexpr Architecture kWordsOnlyBig = {nullptr, 0, PairKind::kNone, 0, 0, 0, 1, 1, true, false, true};

constexpr bool kOneArchitecture = !MOTE_WITH_BIG_ENDIAN && MOTE_WITH_THUMB + MOTE_WITH_XTENSA + MOTE_WITH_RISCV +
                                  MOTE_WITH_AARCH64 + MOTE_WITH_TC32 + MOTE_WITH_8051 + MOTE_WITH_MIPS == 1;

/// All that may carry an address has four bytes and is judged by them alone: less is not worth a look.
constexpr bool kWholeWords = kOneArchitecture && !MOTE_WITH_XTENSA && !MOTE_WITH_PAIRS;

/// The facts of `chosen`. Pointers only (kWordsOnly) is one architecture more in every build: where the facts are constant, they
/// are those of the other one.
constexpr const Architecture& FactsOf(const Architecture& chosen) {
  if (!kOneArchitecture) return chosen;
  return MOTE_WITH_THUMB ? kThumb : MOTE_WITH_XTENSA ? kXtensa : MOTE_WITH_RISCV ? kRiscv : MOTE_WITH_AARCH64 ? kAarch64 :
         MOTE_WITH_TC32 ? kTc32 : kMips;
}

}  // namespace mote
