// SPDX-License-Identifier: Apache-2.0
#include "lzss/encoder.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "lzss/decoder.h"

namespace mote::lzss {
namespace {

constexpr uint32_t kLiteralBits = 9;
constexpr uint32_t kKindBits = 2;  // match, repeat
// The longest match that an Exp-Golomb number of kMaxPrefix zeros can say is longer; this keeps it simple.
constexpr uint32_t kMaxLength = 1u << kMaxPrefix;
// A match this long is taken whole: what else could start inside it is not looked at.
constexpr uint32_t kLongMatch = 1024;
// How many earlier places with the same two bytes are compared.
constexpr int kMaxCandidates = 1024;
constexpr uint32_t kNone = 0xFFFFFFFF;

uint32_t NumberBits(uint32_t value, unsigned order) {
  return 2 * static_cast<uint32_t>(std::bit_width((value >> order) + 1)) - 1 + order;
}

class BitWriter {
 public:
  void Put(uint32_t value, unsigned bits) {
    while (bits-- != 0) {
      if (free_ == 0) {
        bytes_.push_back(0);
        free_ = 8;
      }
      bytes_.back() |= static_cast<uint8_t>((value >> bits & 1) << --free_);
    }
  }
  void PutNumber(uint32_t value, unsigned order) {
    const uint32_t shifted = value + (1u << order);
    const unsigned width = static_cast<unsigned>(std::bit_width(shifted));
    Put(0, width - 1 - order);
    Put(shifted, width);
  }
  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
  unsigned free_ = 0;
};

// How the cheapest path arrives at a position.
struct Step {
  uint32_t cost = kNone;
  uint32_t length = 0;     // of the step that ends here
  uint32_t offset = 0;     // of that match; 0: a literal
  uint32_t last_offset = 1;  // as the decoder then remembers it
};

class Parser {
 public:
  Parser(std::span<const uint8_t> data, unsigned window_bits)
      : data_(data),
        window_(1u << window_bits),
        order_(OffsetOrder(window_bits)),
        steps_(data.size() + 1),
        head_(1 << 16, kNone),
        previous_(data.size(), kNone) {}

  std::vector<uint8_t> Encode() {
    steps_[0].cost = 0;
    uint32_t skip_to = 0;
    for (uint32_t i = 0; i < data_.size(); ++i) {
      if (i >= skip_to && steps_[i].cost != kNone) skip_to = Relax(i);
      Index(i);
    }
    return Write();
  }

 private:
  uint32_t Key(uint32_t i) const { return static_cast<uint32_t>(data_[i] << 8 | data_[i + 1]); }

  void Index(uint32_t i) {
    if (i + 1 >= data_.size()) return;
    previous_[i] = head_[Key(i)];
    head_[Key(i)] = i;
  }

  uint32_t MatchLength(uint32_t from, uint32_t i, uint32_t known) const {
    const uint32_t limit = std::min(kMaxLength, static_cast<uint32_t>(data_.size()) - i);
    uint32_t n = known;
    while (n < limit && data_[from + n] == data_[i + n]) ++n;
    return n;
  }

  void Offer(uint32_t to, uint32_t cost, uint32_t length, uint32_t offset, uint32_t last_offset) {
    if (cost < steps_[to].cost) steps_[to] = {cost, length, offset, last_offset};
  }

  // Extends the cheapest path to i by everything that can stand at i. Returns where the next position worth looking at is.
  uint32_t Relax(uint32_t i) {
    const Step here = steps_[i];
    Offer(i + 1, here.cost + kLiteralBits, 1, 0, here.last_offset);
    uint32_t longest = 0;
    if (here.last_offset <= i) {
      const uint32_t length = MatchLength(i - here.last_offset, i, 0);
      for (uint32_t n = length >= kLongMatch ? length : 1; n <= length; ++n) {
        Offer(i + n, here.cost + kKindBits + NumberBits(n - 1, 0), n, here.last_offset, here.last_offset);
      }
      if (length >= kLongMatch) return i + length;
    }
    if (i + 1 >= data_.size()) return i + 1;
    uint32_t from = head_[Key(i)];
    longest = 1;
    for (int tries = 0; from != kNone && i - from <= window_ && tries < kMaxCandidates; ++tries) {
      // Nearer places come first and cost no more: only what is longer than all before can be of use.
      if (i + longest < data_.size() && data_[from + longest] == data_[i + longest]) {
        const uint32_t length = MatchLength(from, i, 2);
        const uint32_t offset = i - from;
        const uint32_t base = here.cost + kKindBits + NumberBits(offset - 1, order_);
        const uint32_t first = length >= kLongMatch ? length : longest + 1;
        for (uint32_t n = first; n <= length; ++n) {
          Offer(i + n, base + NumberBits(n - 2, 0), n, offset, offset);
        }
        if (length >= kLongMatch) return i + length;
        longest = std::max(longest, length);
      }
      from = previous_[from];
    }
    return i + 1;
  }

  std::vector<uint8_t> Write() const {
    std::vector<uint32_t> ends;
    for (uint32_t i = static_cast<uint32_t>(data_.size()); i != 0; i -= steps_[i].length) ends.push_back(i);
    BitWriter bits;
    uint32_t last_offset = 1;
    for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
      const Step& step = steps_[*end];
      if (step.offset == 0) {
        bits.Put(1, 1);
        bits.Put(data_[*end - 1], 8);
      } else if (step.offset == last_offset) {
        bits.Put(1, 2);
        bits.PutNumber(step.length - 1, 0);
      } else {
        bits.Put(0, 2);
        bits.PutNumber(step.offset - 1, order_);
        bits.PutNumber(step.length - 2, 0);
        last_offset = step.offset;
      }
    }
    return bits.Take();
  }

  std::span<const uint8_t> data_;
  uint32_t window_;
  unsigned order_;
  std::vector<Step> steps_;
  std::vector<uint32_t> head_;
  std::vector<uint32_t> previous_;
};

}  // namespace

std::vector<uint8_t> Encode(std::span<const uint8_t> data, unsigned window_bits) {
  return Parser(data, window_bits).Encode();
}

}  // namespace mote::lzss
