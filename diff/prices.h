// SPDX-License-Identifier: Apache-2.0
// What a bit costs under a probability, for choosing between ways to write the same thing. Integers, so that the choice is
// the same on every machine.
#pragma once

#include <stdint.h>

#include <algorithm>
#include <array>
#include <bit>

#include "patch/model.h"

namespace mote {

/// One bit, in the unit of prices.
constexpr uint32_t kBitPrice = 16;

namespace prices_internal {

// -log2(chance / 4096), by squaring: each square gives one more binary digit (I. Pavlov, LZMA SDK).
constexpr uint16_t Price(uint32_t chance) {
  uint32_t w = chance;
  uint32_t digits = 0;
  for (int i = 0; i < 4; ++i) {
    w *= w;
    digits <<= 1;
    while (w >= 1u << 16) {
      w >>= 1;
      ++digits;
    }
  }
  return static_cast<uint16_t>((12 << 4) - 15 - digits);
}

constexpr auto kPrices = [] {
  std::array<uint16_t, 4096> prices{};
  for (uint32_t chance = 1; chance < prices.size(); ++chance) prices[chance] = Price(chance);
  return prices;
}();

}  // namespace prices_internal

inline uint32_t PriceOf(Probability probability, unsigned bit) {
  const unsigned chance = probability >> 4;
  return prices_internal::kPrices[bit ? chance : 4096 - chance];
}

/// A number of so many bits under the tree at `tree`.
inline uint32_t TreePrice(const Probability* tree, unsigned bits, uint32_t number) {
  uint32_t price = 0;
  unsigned node = 1;
  while (bits-- != 0) {
    const unsigned bit = number >> bits & 1;
    price += PriceOf(tree[node], bit);
    node = node * 2 + bit;
  }
  return price;
}

inline uint32_t NumberPrice(const NumberModel& model, uint32_t value) {
  const unsigned bits = static_cast<unsigned>(std::bit_width(value + 1)) - 1;
  return bits * kBitPrice + TreePrice(model.tree, NumberModel::kBits, bits);
}

}  // namespace mote
