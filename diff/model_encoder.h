// SPDX-License-Identifier: Apache-2.0
// Codec model, the host side: writes what patch/model_decoder.h reads. FORMAT.md 6.
#pragma once

#include <stdint.h>

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "diff/align.h"
#include "patch/architecture.h"
#include "patch/model.h"

namespace mote {

/// What the model is told about a pair of images, and writes at the start of the delta.
struct ModelSetting {
  ArchitectureId architecture = ArchitectureId::kWords;
  bool relative_words = false;
  uint32_t ram_start = 0;
  uint32_t ram_size = 0;
  /// At least one, at most kMaxSegments; the first at offset 0 of both images, the others in order of their offsets.
  std::vector<Segment> segments{Segment{}};
  /// FNV-1a of the new image; filled in when a setting is read.
  uint32_t new_check = 0;
};

/// What the bits of a delta were spent on.
enum class BitUse : uint8_t {
  kSetting, kRuns, kHits, kRunEnds, kMisses, kSubstitutions, kLiterals, kMatches, kSeeks
};
constexpr unsigned kBitUses = 9;
constexpr std::array<std::string_view, kBitUses> kBitUseNames = {
    "setting", "runs", "hits", "run ends", "misses", "substitutions", "literals", "matches", "seeks"};

struct ModelDelta {
  std::vector<uint8_t> bytes;  ///< what follows the header
  std::array<double, kBitUses> bits{};
  uint32_t units = 0, misses = 0, substituted = 0, inserted = 0, matched = 0, copies = 0;
};

/// As a match window: no limit.
constexpr uint32_t kAnyDistance = UINT32_MAX;

/// Codes new along `copies` (in order, not overlapping in new). What repeats new is from at most `match_window` bytes back. REQUIRES: profile < kModelProfiles; images of at most
/// kMaxImageSize bytes.
ModelDelta EncodeModel(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                       const std::vector<Copy>& copies, const ModelSetting& setting,
                       unsigned profile, uint32_t match_window = kAnyDistance);

/// An image with the address bits of every unit cleared, so that two calls of moved code look alike. `old_side`: whether it is
/// the old image or the new one.
std::vector<uint8_t> MaskAddresses(std::span<const uint8_t> image, const ModelSetting& setting,
                                   bool old_side);

}  // namespace mote
