// SPDX-License-Identifier: Apache-2.0
#include "patch/architecture.h"

#include "patch/architectures.h"
#include "patch/config.h"

#if MOTE_WITH_MODEL

namespace mote {

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

#endif  // MOTE_WITH_MODEL
