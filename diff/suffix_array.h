// SPDX-License-Identifier: Apache-2.0
// A suffix array over the old image, and the longest-match search on it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <vector>

namespace mote {

/// An index of all suffixes of a text of at most 2^31 - 1 bytes (libdivsufsort's 32-bit build). It takes 4 bytes of
/// memory per byte of text, plus 256 KiB, and refers to the text, which must outlive it.
class SuffixArray {
 public:
  struct Match {
    uint32_t position = 0;  ///< where in the text
    uint32_t length = 0;    ///< how many bytes agree
  };

  /// Sorts the suffixes. Throws Error(kUnsupported) for a text above 2^31 - 1 bytes, std::bad_alloc without memory.
  explicit SuffixArray(std::span<const uint8_t> text);

  /// The longest prefix of `pattern` that stands in the text. Of several places with that length it takes, among the
  /// nearest neighbours in suffix order, the one closest to `near`: a short jump costs fewer bytes.
  Match Longest(std::span<const uint8_t> pattern, uint32_t near) const;

 private:
  uint32_t CommonPrefix(uint32_t rank, std::span<const uint8_t> pattern, uint32_t from) const;

  std::span<const uint8_t> text_;
  std::vector<int32_t> order_;
  std::vector<uint32_t> bucket_;  // first rank of each two-byte prefix, 65,537 entries
};

}  // namespace mote
