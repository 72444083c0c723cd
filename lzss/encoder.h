// SPDX-License-Identifier: Apache-2.0
// LZSS, the host side: an encoder that chooses literals and matches by what they cost together.
#pragma once

#include <stdint.h>

#include <span>
#include <vector>

namespace mote::lzss {

/// Packs `data` for a decoder with a window of 2^window_bits bytes. The result has no length of its own: the decoder's user knows when
/// to stop; the last byte is filled up with zero bits. Dynamic programming over all positions; nearly optimal: the last match's offset
/// is carried along the cheapest path only. Time grows with size x matches in the window, memory is about 20 x size bytes.
/// REQUIRES: kMinWindowBits <= window_bits <= kMaxWindowBits.
std::vector<uint8_t> Encode(std::span<const uint8_t> data, unsigned window_bits);

}  // namespace mote::lzss
