// SPDX-License-Identifier: Apache-2.0
// Codec model: finds out what the model is to know of a pair of images, and the alignment that makes the smallest delta.
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "diff/align.h"
#include "diff/detect.h"
#include "diff/model_encoder.h"

namespace mote {

constexpr unsigned kDefaultEffort = 5;

struct ModelOptions {
  unsigned profile = 0;
  /// Empty: the one that makes the smallest delta.
  std::optional<ArchitectureId> architecture;
  /// Load addresses, where they are known. Empty: found in the images.
  std::vector<LoadRun> old_runs, new_runs;
  /// 1 to 9: how many alignments are tried.
  unsigned effort = kDefaultEffort;
  /// As Align has it.
  int64_t lowest_diagonal = kAnyDiagonal;
  /// As EncodeModel has it.
  uint32_t match_window = kAnyDistance;
  std::function<void(double)> progress;
};

struct ModelResult {
  ModelDelta delta;
  ModelSetting setting;
};

/// Deterministic.
ModelResult FindModelDelta(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                           const ModelOptions& options);

/// What the start of a delta says, behind its header. Throws Error(kUnsupported).
ModelSetting ReadModelSetting(std::span<const uint8_t> coded);

/// "thumb", "xtensa", ... and back; nothing for a name that is not known.
const char* ArchitectureName(ArchitectureId id);
std::optional<ArchitectureId> ArchitectureByName(std::string_view name);

}  // namespace mote
