// SPDX-License-Identifier: Apache-2.0
#include "diff/suffix_array.h"

#include <divsufsort.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "diff/error.h"

namespace mote {
namespace {

// How many neighbours on each side of the best suffix are looked at for one nearer to where the last copy ended.
constexpr int kNeighbours = 8;

uint32_t Distance(uint32_t a, uint32_t b) { return a > b ? a - b : b - a; }

}  // namespace

SuffixArray::SuffixArray(std::span<const uint8_t> text) : text_(text), bucket_(65537) {
  if (text.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw Error(Status::kUnsupported, "the old image is larger than 2 GiB - 1: split it");
  }
  order_.resize(text.size());
  if (!text.empty() &&
      divsufsort(text.data(), order_.data(), static_cast<saidx_t>(text.size())) != 0) {
    throw std::bad_alloc();
  }
  // bucket_[p] counts the suffixes below the two-byte prefix p; the last byte alone sorts before its extensions.
  for (size_t i = 0; i + 1 < text.size(); ++i) ++bucket_[(text[i] << 8 | text[i + 1]) + 1];
  if (!text.empty()) ++bucket_[(text.back() << 8) + 1];
  for (size_t p = 1; p < bucket_.size(); ++p) bucket_[p] += bucket_[p - 1];
}

uint32_t SuffixArray::CommonPrefix(uint32_t rank, std::span<const uint8_t> pattern,
                                   uint32_t from) const {
  const std::span<const uint8_t> suffix = text_.subspan(static_cast<size_t>(order_[rank]));
  const size_t limit = std::min(suffix.size(), pattern.size());
  size_t n = from;
  while (n + 8 <= limit && std::memcmp(&suffix[n], &pattern[n], 8) == 0) n += 8;
  while (n < limit && suffix[n] == pattern[n]) ++n;
  return static_cast<uint32_t>(n);
}

SuffixArray::Match SuffixArray::Longest(std::span<const uint8_t> pattern, uint32_t near) const {
  if (order_.empty() || pattern.empty()) return {};
  uint32_t low = 0;
  uint32_t high = static_cast<uint32_t>(order_.size());
  if (pattern.size() >= 2) {
    const uint32_t prefix = pattern[0] << 8 | pattern[1];
    low = bucket_[prefix];
    high = bucket_[prefix + 1];
    if (low == high) return {};  // no two bytes in common: of no use to any caller
  }
  // The insertion point of the pattern: the best match is one of its two neighbours. The common prefix with both ends
  // of the interval is carried along, so that bytes already known to agree are not compared again.
  const uint32_t first = low;
  const uint32_t last = high;
  uint32_t low_lcp = 0;
  uint32_t high_lcp = 0;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const uint32_t lcp = CommonPrefix(middle, pattern, std::min(low_lcp, high_lcp));
    const size_t at = static_cast<size_t>(order_[middle]) + lcp;
    const bool suffix_is_less =
        lcp < pattern.size() && (at >= text_.size() || text_[at] < pattern[lcp]);
    if (suffix_is_less) {
      low = middle + 1;
      low_lcp = lcp;
    } else {
      high = middle;
      high_lcp = lcp;
    }
  }
  Match best;
  uint32_t best_rank = low;
  for (uint32_t rank : {low, low - 1}) {
    if (rank >= last || rank < first) continue;
    const uint32_t lcp = CommonPrefix(rank, pattern, 0);
    if (lcp > best.length) {
      best = {static_cast<uint32_t>(order_[rank]), lcp};
      best_rank = rank;
    }
  }
  if (best.length == 0) return {};
  for (int direction : {-1, 1}) {
    uint32_t rank = best_rank;
    for (int i = 0; i < kNeighbours; ++i) {
      rank += static_cast<uint32_t>(direction);
      if (rank >= last || rank < first || CommonPrefix(rank, pattern, 0) < best.length) break;
      const uint32_t position = static_cast<uint32_t>(order_[rank]);
      if (Distance(position, near) < Distance(best.position, near)) best.position = position;
    }
  }
  return best;
}

}  // namespace mote
