// SPDX-License-Identifier: Apache-2.0
// Earlier places of an image that start like the current one: hash chains over three bytes.
#pragma once

#include <stdint.h>

#include <span>
#include <vector>

#include "patch/bytes.h"
#include "patch/model.h"

namespace mote {

class MatchFinder {
 public:
  explicit MatchFinder(std::span<const uint8_t> image)
      : image_(image), previous_(image.size()), head_(size_t{1} << kHashBits, kNone) {}

  /// Enters all places before `to`.
  void Advance(uint32_t to) {
    for (; at_ < to; ++at_) {
      if (at_ + kMinMatch > image_.size()) continue;
      uint32_t& head = head_[Hash(at_)];
      previous_[at_] = head;
      head = at_;
    }
  }

  /// Calls found(place, length) for places that agree with `at` in 3 to `limit` bytes, the nearest first, each longer than the one
  /// before. REQUIRES: Advance(at).
  template <typename Found>
  void Each(uint32_t at, uint32_t limit, Found found) const {
    if (limit < kMinMatch) return;
    uint32_t longest = kMinMatch - 1;
    uint32_t place = head_[Hash(at)];
    for (unsigned tries = 0; tries < kTries && place != kNone && longest < limit;
         ++tries, place = previous_[place]) {
      if (image_[place + longest] != image_[at + longest]) continue;
      const uint32_t length = Length(place, at, limit);
      if (length <= longest) continue;
      longest = length;
      found(place, length);
    }
  }

  /// How many bytes agree, `limit` at most.
  uint32_t Length(uint32_t place, uint32_t at, uint32_t limit) const {
    uint32_t length = 0;
    while (length < limit && image_[place + length] == image_[at + length]) ++length;
    return length;
  }

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  static constexpr unsigned kHashBits = 16;
  static constexpr unsigned kTries = 1000;

  uint32_t Hash(uint32_t at) const {
    return LoadLittle(&image_[at], kMinMatch) * 0x9E3779B1u >> (32 - kHashBits);
  }

  std::span<const uint8_t> image_;
  std::vector<uint32_t> previous_, head_;
  uint32_t at_ = 0;
};

}  // namespace mote
