// SPDX-License-Identifier: Apache-2.0
// Images, and edited versions of them, that a seed decides; the same on every machine.
#pragma once

#include <stdint.h>

#include <filesystem>
#include <random>
#include <string_view>

#include "tests/support/reference.h"

namespace mote::testing {

/// Divides the number of generated cases where sanitizers make each of them slow.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kSlowdown = 8;
#else
constexpr int kSlowdown = 1;
#endif

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t Next() { return engine_(); }
  /// 0 to limit - 1; 0 for limit 0.
  uint32_t Below(uint64_t limit) {
    return limit == 0 ? 0 : static_cast<uint32_t>(engine_() % limit);
  }
  /// 0 to limit, small numbers as likely as large ones in the sense that each bit length is.
  uint32_t UpTo(uint32_t limit);

 private:
  std::mt19937_64 engine_;  // its output is the standard's
};

/// Incompressible bytes.
Bytes RandomBytes(Random& random, size_t size);
/// Bytes with the habits of machine code: words from a small vocabulary, addresses that count up,
/// runs of zeros and of 0xFF.
Bytes CodeLikeBytes(Random& random, size_t size);

enum class Edit { kInsert, kDelete, kMove, kSwap, kRepeat, kShiftConstant, kCount };
/// Makes one edit of that kind at a random place. kShiftConstant adds a constant to each n-th word
/// of a stretch, as addresses do when code moves. The result has at most `limit` bytes.
void ApplyEdit(Random& random, Edit edit, size_t limit, Bytes& image);
/// Makes `count` random edits.
Bytes Edited(Random& random, Bytes image, int count, size_t limit);

/// Kinds of edited pairs: one for each kind of edit, and one with all of them.
constexpr int kEditKinds = static_cast<int>(Edit::kCount) + 1;
const char* EditKindName(int kind);
struct EditedPair {
  Bytes old_image, new_image;
};
/// The one with number `i` of that kind: mostly a few sectors, sometimes more; mostly like code.
EditedPair MakeEditedPair(Random& random, int kind, int i);

/// Bytes from "D1 00 0b"; blanks and newlines do not count.
Bytes Hex(std::string_view text);
Bytes FromText(std::string_view text);
Bytes ReadFile(const std::filesystem::path& path);
void WriteFile(const std::filesystem::path& path, std::span<const uint8_t> bytes);

}  // namespace mote::testing
