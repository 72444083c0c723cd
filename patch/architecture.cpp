// SPDX-License-Identifier: Apache-2.0
#include "patch/architecture.h"

#include "patch/arch_8051.h"
#include "patch/arch_aarch64.h"
#include "patch/arch_mips.h"
#include "patch/arch_riscv.h"
#include "patch/arch_tc32.h"
#include "patch/arch_thumb.h"
#include "patch/arch_xtensa.h"
#include "patch/config.h"

namespace mote {
namespace {

constexpr Architecture kWordsOnly = {nullptr, 0, PairKind::kNone, 0, 0, 0, 1, 1, false, false, true};
[[maybe_unused]] constexpr Architecture kWordsOnlyBig = {nullptr, 0, PairKind::kNone, 0, 0, 0, 1, 1, true, false, true};

}  // namespace

// Compares, not a table: a build for one instruction set keeps two of them.
const Architecture* FindArchitecture(ArchitectureId id) {
  if (id == ArchitectureId::kWords) return &kWordsOnly;
  if (MOTE_WITH_THUMB && id == ArchitectureId::kThumb) return &kThumb;
  if (MOTE_WITH_XTENSA && id == ArchitectureId::kXtensa) return &kXtensa;
  if (MOTE_WITH_RISCV && id == ArchitectureId::kRiscv) return &kRiscv;
  if (MOTE_WITH_AARCH64 && id == ArchitectureId::kAarch64) return &kAarch64;
  if (MOTE_WITH_TC32 && id == ArchitectureId::kTc32) return &kTc32;
  if (MOTE_WITH_8051 && id == ArchitectureId::k8051) return &k8051;
  if (MOTE_WITH_MIPS && id == ArchitectureId::kMips) return &kMips;
#if MOTE_WITH_BIG_ENDIAN
  if (MOTE_WITH_XTENSA && id == ArchitectureId::kXtensaBig) return &kXtensaBig;
  if (MOTE_WITH_MIPS && id == ArchitectureId::kMipsBig) return &kMipsBig;
  if (id == ArchitectureId::kWordsBig) return &kWordsOnlyBig;
#endif
  return nullptr;
}

}  // namespace mote
