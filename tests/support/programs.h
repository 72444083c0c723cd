// SPDX-License-Identifier: Apache-2.0
// Generated programs for every instruction set that codec model knows: functions that call each
// other and point at each other, laid out twice, before and after an edit. The bytes between are
// random; only the addresses are real.
#pragma once

#include <stdint.h>

#include "diff/model_encoder.h"
#include "tests/support/images.h"

namespace mote::testing {

struct ProgramOptions {
  ArchitectureId architecture = ArchitectureId::kThumb;
  uint32_t functions = 20;
  /// Bytes of one, about.
  uint32_t function_size = 80;
  uint32_t old_base = 0x08000000, new_base = 0x08000000;
  /// Functions that are added, taken out, moved or rewritten.
  uint32_t edits = 3;
  /// One in so many of the addresses in new is another one; 0: none.
  uint32_t retargeted = 40;
};

struct Program {
  Bytes old_image, new_image;
  /// The right architecture, addresses, RAM range.
  ModelSetting setting;
  /// Every function that both have, where it stands.
  std::vector<Copy> copies;
};

/// The same program for the same state of `random`.
Program MakeProgram(Random& random, const ProgramOptions& options);

}  // namespace mote::testing
