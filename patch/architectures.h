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

inline constexpr Architecture kWordsOnly = {nullptr, 0, PairKind::kNone, 2, 0, 0, 4, 4, false, false};
inline constexpr Architecture kWordsOnlyBig = {nullptr, 0, PairKind::kNone, 2, 0, 0, 4, 4, true, false};

constexpr bool kOneArchitecture = MOTE_ONE_ARCHITECTURE && !MOTE_WITH_BIG_ENDIAN && MOTE_WITH_THUMB + MOTE_WITH_XTENSA + MOTE_WITH_RISCV +
                                  MOTE_WITH_AARCH64 + MOTE_WITH_TC32 + MOTE_WITH_8051 + MOTE_WITH_MIPS == 1;

/// All that may carry an address has four bytes and is judged by them alone: less is not worth a look.
constexpr bool kWholeWords = kOneArchitecture && !MOTE_WITH_XTENSA && !MOTE_WITH_PAIRS;

/// The one instruction set, and what is known of it; in a build with several these mean nothing.
constexpr ArchitectureId kTheId = MOTE_WITH_THUMB     ? ArchitectureId::kThumb
                                  : MOTE_WITH_XTENSA  ? ArchitectureId::kXtensa
                                  : MOTE_WITH_RISCV   ? ArchitectureId::kRiscv
                                  : MOTE_WITH_AARCH64 ? ArchitectureId::kAarch64
                                  : MOTE_WITH_TC32    ? ArchitectureId::kTc32
                                                      : ArchitectureId::kMips;
inline constexpr const Architecture& kTheArchitecture = kTheId == ArchitectureId::kThumb     ? kThumb
                                                        : kTheId == ArchitectureId::kXtensa  ? kXtensa
                                                        : kTheId == ArchitectureId::kRiscv   ? kRiscv
                                                        : kTheId == ArchitectureId::kAarch64 ? kAarch64
                                                        : kTheId == ArchitectureId::kTc32    ? kTc32
                                                                                             : kMips;

/// Where the one architecture has one row, the row is known, too.
constexpr bool kOneRow = kOneArchitecture && kTheArchitecture.row_count == 1;
inline constexpr const UnitRow& kOnlyRow = *kTheArchitecture.rows;

/// Instructions are all of one length, start at its multiples only, and tell nothing of the next ones: there is no need to keep
/// track of them.
constexpr bool FixedSteps(const Architecture& facts) {
  return facts.pairs == PairKind::kNone && facts.long_size == 1 << facts.align && facts.short_size == 1 << facts.align;
}
constexpr bool kFixedSteps = kOneArchitecture && FixedSteps(kTheArchitecture);

/// The architecture that a delta names. Pointers only is one more in every build: where there is one instruction set, its facts hold for
/// pointers, too, but for the rows.
#if MOTE_ONE_ARCHITECTURE
class ChosenArchitecture {
 public:
  ChosenArchitecture() = default;
  explicit ChosenArchitecture(ArchitectureId id) : id_(id) {}

  bool known() const { return id_ == ArchitectureId::kWords || id_ == kTheId; }  ///< this build has it
  const Architecture& operator*() const { return kTheArchitecture; }
  ArchitectureId id() const { return id_; }
  unsigned row_count() const { return id_ == ArchitectureId::kWords ? 0u : kTheArchitecture.row_count; }

 private:
  ArchitectureId id_;
};
#else
class ChosenArchitecture {
 public:
  ChosenArchitecture() = default;
  explicit ChosenArchitecture(ArchitectureId id) : facts_(FindArchitecture(id)) {}
  explicit ChosenArchitecture(const Architecture& facts) : facts_(&facts) {}

  bool known() const { return facts_ != nullptr; }
  const Architecture& operator*() const { return *facts_; }
  /// REQUIRES: known().
  ArchitectureId id() const {
    uint8_t id = 0;
    while (FindArchitecture(static_cast<ArchitectureId>(id)) != facts_) ++id;
    return static_cast<ArchitectureId>(id);
  }
  unsigned row_count() const { return facts_->row_count; }

 private:
  const Architecture* facts_;
};
#endif

}  // namespace mote
