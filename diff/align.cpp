// SPDX-License-Identifier: Apache-2.0
#include "diff/align.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <unordered_map>

namespace mote {
namespace {

// Exact matches shorter than this start no diagonal: they are found by chance all over an image of
// this size.
constexpr uint32_t kMinSeed = 6;
// Longer matches need not be told apart.
constexpr uint32_t kMaxSeed = 4096;
// While a copy goes on unchanged for this long, no other place is looked for.
constexpr uint32_t kEnoughAhead = 32;
// An extension ends where it has lost this much from its best point: an equal byte gives 1, another
// takes 2.
constexpr int kExtendDrop = 48;
constexpr int kDifferencePenalty = 2;
// A gap of at most this between two stretches of one diagonal is part of it: whether its
// differences (a table of pointers that all moved) are cheaper than inserting it is for the costs
// to say.
constexpr uint32_t kBridge = 2048;
// How many diagonals compete at one place.
constexpr size_t kMaxActive = 48;
constexpr uint32_t kProgressStep = 1 << 14;

using Bytes = std::span<const uint8_t>;

// A stretch of new along one diagonal; old position = new position + diagonal.
struct Candidate {
  int64_t diagonal;
  uint32_t begin;
  uint32_t end;
};

uint32_t ExtendForward(Bytes old_image, Bytes new_image, int64_t diagonal, uint32_t from) {
  int score = 0;
  int best = 0;
  uint32_t best_end = from;
  const int64_t limit = std::min<int64_t>(static_cast<int64_t>(new_image.size()),
                                          static_cast<int64_t>(old_image.size()) - diagonal);
  for (int64_t i = from; i < limit; ++i) {
    if (new_image[i] == old_image[i + diagonal]) {
      if (++score > best) {
        best = score;
        best_end = static_cast<uint32_t>(i + 1);
      }
      if (score > kExtendDrop) score = best = kExtendDrop;
    } else if ((score -= kDifferencePenalty) < best - kExtendDrop) {
      break;
    }
  }
  return best_end;
}

uint32_t ExtendBackward(Bytes old_image, Bytes new_image, int64_t diagonal, uint32_t from,
                        uint32_t floor) {
  int score = 0;
  int best = 0;
  uint32_t best_begin = from;
  const int64_t limit = std::max<int64_t>(floor, -diagonal);
  for (int64_t i = from; i > limit; --i) {
    if (new_image[i - 1] == old_image[i - 1 + diagonal]) {
      if (++score > best) {
        best = score;
        best_begin = static_cast<uint32_t>(i - 1);
      }
      if (score > kExtendDrop) score = best = kExtendDrop;
    } else if ((score -= kDifferencePenalty) < best - kExtendDrop) {
      break;
    }
  }
  return best_begin;
}

// How many bytes agree from `at` on, up to kEnoughAhead.
bool RunsOn(Bytes old_image, Bytes new_image, int64_t diagonal, uint32_t at) {
  for (uint32_t n = 0; n < kEnoughAhead; ++n) {
    const int64_t i = static_cast<int64_t>(at) + n;
    const int64_t o = i + diagonal;
    if (i >= static_cast<int64_t>(new_image.size()) || o < 0 ||
        o >= static_cast<int64_t>(old_image.size()) || new_image[i] != old_image[o]) {
      return false;
    }
  }
  return true;
}

std::vector<Candidate> FindCandidates(const SuffixArray& index, Bytes old_image, Bytes new_image,
                                      const std::function<void(double)>& progress) {
  std::vector<Candidate> candidates;
  std::unordered_map<int64_t, uint32_t> covered;  // per diagonal: new is searched up to here
  int64_t current = 0;
  bool have_current = false;
  if (!old_image.empty() && !new_image.empty()) {
    // The diagonal of an image that did not move, from its first byte.
    const uint32_t end = ExtendForward(old_image, new_image, 0, 0);
    if (end > 0) candidates.push_back({0, 0, end});
    covered[0] = end;
    have_current = true;
  }
  uint32_t next_report = 0;
  for (uint32_t i = 0; i < new_image.size();) {
    if (i >= next_report) {
      if (progress) progress(static_cast<double>(i) / static_cast<double>(new_image.size()));
      next_report = i + kProgressStep;
    }
    if (have_current && RunsOn(old_image, new_image, current, i)) {
      i += kEnoughAhead / 2;
      continue;
    }
    const int64_t expected =
        std::clamp<int64_t>(i + current, 0, std::numeric_limits<int32_t>::max());
    const SuffixArray::Match match =
        index.Longest(new_image.subspan(i, std::min<size_t>(kMaxSeed, new_image.size() - i)),
                      static_cast<uint32_t>(expected));
    if (match.length < kMinSeed) {
      ++i;
      continue;
    }
    const int64_t diagonal = static_cast<int64_t>(match.position) - i;
    uint32_t& until = covered[diagonal];
    if (until < i + match.length) {
      uint32_t begin = ExtendBackward(old_image, new_image, diagonal, i, until);
      if (begin - until < kBridge && until > 0) begin = until;
      const uint32_t end = ExtendForward(old_image, new_image, diagonal, i + match.length);
      candidates.push_back({diagonal, begin, end});
      until = end;
    }
    if (match.length >= kEnoughAhead) {
      current = diagonal;
      have_current = true;
    }
    ++i;
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.diagonal < b.diagonal;
  });
  return candidates;
}

// One step of a path: from here on new follows `diagonal`, or is inserted.
struct Node {
  uint32_t begin;
  int32_t previous;
  int64_t diagonal;
  bool insert;
};

struct State {
  int64_t diagonal;
  uint32_t end;  // of its candidate
  int64_t cost;
  uint32_t begin;    // where the path came to this diagonal,
  int32_t previous;  // and from which node
  int32_t node;      // made when another path goes on from here: most are never needed
  bool differs;      // the last byte was a difference
};

class Path {
 public:
  int32_t Add(uint32_t begin, int32_t previous, int64_t diagonal, bool insert) {
    nodes_.push_back({begin, previous, diagonal, insert});
    return static_cast<int32_t>(nodes_.size() - 1);
  }

  std::vector<Copy> Copies(int32_t node, uint32_t end) const {
    std::vector<Copy> copies;
    for (; node >= 0; node = nodes_[node].previous) {
      const Node& n = nodes_[static_cast<size_t>(node)];
      if (!n.insert && n.begin < end) {
        copies.push_back({n.begin, static_cast<uint32_t>(n.begin + n.diagonal), end - n.begin});
      }
      end = n.begin;
    }
    std::reverse(copies.begin(), copies.end());
    return copies;
  }

 private:
  std::vector<Node> nodes_;
};

int64_t JumpCost(const AlignCosts& costs, int64_t distance) {
  const uint64_t magnitude = static_cast<uint64_t>(std::llabs(distance));
  return costs.copy_start + costs.distance_bit * std::bit_width(magnitude);
}

}  // namespace

std::vector<Copy> Align(const SuffixArray& index, Bytes old_image, Bytes new_image,
                        const AlignCosts& costs, const std::function<void(double)>& progress,
                        int64_t lowest_diagonal) {
  std::vector<Candidate> candidates = FindCandidates(index, old_image, new_image, progress);
  std::erase_if(candidates, [&](const Candidate& c) { return c.diagonal < lowest_diagonal; });
  Path path;
  std::vector<State> active;
  // The state of inserting. `old_at` is where the last copy ended in old.
  struct {
    int64_t cost;
    uint32_t begin;
    int32_t previous;
    int32_t node;
    int64_t old_at;
  } insert{0, 0, -1, -1, 0};
  // The image starts as if a copy had just ended at the start of old.
  bool insert_open = false;
  const auto node_of = [&path](State& s) {
    if (s.node < 0) s.node = path.Add(s.begin, s.previous, s.diagonal, false);
    return s.node;
  };
  const auto node_of_insert = [&path, &insert] {
    if (insert.node < 0) insert.node = path.Add(insert.begin, insert.previous, 0, true);
    return insert.node;
  };
  size_t next = 0;
  for (uint32_t i = 0; i < new_image.size(); ++i) {
    // The cheapest way to stand before byte i, and where old then stands.
    int64_t best = insert.cost;
    State* best_copy = nullptr;
    for (State& s : active) {
      if (s.cost < best) {
        best = s.cost;
        best_copy = &s;
      }
    }
    int32_t best_node = -1;
    int64_t best_old = insert.old_at;
    if (best_copy != nullptr) {
      best_node = node_of(*best_copy);
      best_old = i + best_copy->diagonal;
    } else if (insert_open) {
      best_node = node_of_insert();
    }
    // Close what ended here, open what begins.
    if (best < insert.cost || !insert_open) {
      // Inserting afresh from the best copy, if that is cheaper than to go on inserting.
      if (!insert_open || best + costs.insert_start < insert.cost) {
        insert = {best + costs.insert_start, i, best_node, -1, best_old};
        insert_open = true;
      }
    }
    std::erase_if(active, [&](const State& s) { return s.end <= i; });
    for (; next < candidates.size() && candidates[next].begin <= i; ++next) {
      const Candidate& c = candidates[next];
      if (c.end <= i) continue;
      active.push_back(
          {c.diagonal, c.end, std::numeric_limits<int64_t>::max() / 4, i, -1, -1, false});
    }
    if (active.size() > kMaxActive) {
      std::stable_sort(active.begin(), active.end(),
                       [](const State& a, const State& b) { return a.end > b.end; });
      active.resize(kMaxActive);
    }
    for (State& s : active) {
      const int64_t jump = best + JumpCost(costs, i + s.diagonal - best_old);
      if (jump < s.cost) {
        s.cost = jump;
        s.begin = i;
        s.previous = best_node;
        s.node = -1;
        s.differs = false;
      }
      if (new_image[i] == old_image[static_cast<size_t>(i + s.diagonal)]) {
        s.differs = false;
      } else {
        s.cost += s.differs ? costs.difference_next : costs.difference_start;
        s.differs = true;
      }
    }
    insert.cost += costs.insert_byte;
  }
  if (!insert_open) return {};
  State* best_copy = nullptr;
  for (State& s : active) {
    if (s.cost < (best_copy != nullptr ? best_copy->cost : insert.cost)) best_copy = &s;
  }
  return path.Copies(best_copy != nullptr ? node_of(*best_copy) : node_of_insert(),
                     static_cast<uint32_t>(new_image.size()));
}

}  // namespace mote
