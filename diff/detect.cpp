// SPDX-License-Identifier: Apache-2.0
#include "diff/detect.h"

#include <algorithm>
#include <map>
#include <utility>

#include "patch/bytes.h"
#include "patch/predictor.h"

namespace mote {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr uint8_t kEspressifMagic = 0xE9;
constexpr uint32_t kMaxEspressifSegments = 16;
// The header's size depends on the part: with the extended fields of the ESP32 family, and without on the ESP8266.
constexpr uint32_t kEspressifHeaders[] = {24, 8};
constexpr uint32_t kEspressifSegmentHeader = 8;

// Small numbers are not pointers, nor is what erased flash and small negative ones look like.
constexpr uint32_t kLeastPointer = 0x100;
constexpr uint32_t kMostPointer = 0xFF000000;
// An image starts at a multiple of this; the finer grain only where the coarse one finds nothing.
struct Grain {
  uint32_t bytes;
  size_t most;  // anchors and pointers looked at
};
constexpr Grain kGrains[] = {{0x100, 10000}, {4, 1500}};
constexpr size_t kLeastVotes = 12;
// A string worth a pointer has at least so many characters.
constexpr uint32_t kLeastString = 5;
constexpr uint32_t kPage = 1 << 16;
constexpr uint32_t kLeastRamWords = 4;
// Where RAM often is: Cortex-M (two places), ESP32-C3 and its like, ESP8266 and ESP32, RISC-V, Telink.
constexpr AddressRange kUsualRam[] = {{0x1FFE0000, 0x00120000}, {0x10000000, 0x00100000},
                                      {0x3FC00000, 0x00100000}, {0x3FF00000, 0x00700000},
                                      {0x80000000, 0x00400000}, {0x00840000, 0x00020000}};
// A page belongs to the fullest one if it has at least this part of its words,
constexpr uint32_t kPageShare = 64;
// and is at most so many pages from another that does.
constexpr uint32_t kPageGap = 8;

bool IsPrintable(uint8_t byte) { return byte >= 0x20 && byte < 0x7F; }

uint32_t Word(Bytes image, uint32_t at, bool big_endian) {
  return big_endian ? LoadBig(&image[at], 4) : LoadLittle(&image[at], 4);
}

bool IsText(uint32_t word) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    if (!IsPrintable(static_cast<uint8_t>(word >> shift))) return false;
  }
  return true;
}

// Where the instructions that count from where they stand refer to, in order; as often as they do.
std::vector<uint32_t> Targets(Bytes image, const Architecture& architecture) {
  const auto size = static_cast<uint32_t>(image.size());
  std::vector<uint32_t> targets;
  Setting setting{ChosenArchitecture(architecture), false, {}};
  // No word is a pointer: the only segment lies where none can be.
  Predictor predictor;
  predictor.Init(setting);
  for (uint32_t at = 0; at < size;) {
    const Unit unit = predictor.Look(&image[at], std::min(kLookahead, size - at), at);
    if (unit.form == Unit::kRow && unit.row->sign != 0 && unit.target < size) {
      targets.push_back(unit.target);
    }
    at += unit.size != 0 ? unit.size : std::min(predictor.PlainBytes(at), size - at);
  }
  std::ranges::sort(targets);
  return targets;
}

// Offsets that are worth pointing to, in order, each once: what is called twice or more, and strings.
std::vector<uint32_t> Anchors(Bytes image, const Architecture& architecture) {
  const auto size = static_cast<uint32_t>(image.size());
  std::vector<uint32_t> anchors;
  const std::vector<uint32_t> targets = Targets(image, architecture);
  for (size_t i = 1; i < targets.size(); ++i) {
    if (targets[i] == targets[i - 1]) anchors.push_back(targets[i]);
  }
  uint32_t printable = 0;
  for (uint32_t at = size; at-- != 0;) {
    if (IsPrintable(image[at])) {
      ++printable;
      continue;
    }
    if (image[at] == 0 && printable >= kLeastString) anchors.push_back(at + 1);
    printable = 0;
  }
  std::ranges::sort(anchors);
  anchors.erase(std::unique(anchors.begin(), anchors.end()), anchors.end());
  return anchors;
}

using PageCounts = std::map<uint32_t, uint32_t>;

// How many aligned words fall into each page; what cannot be a pointer is left out.
PageCounts Pages(Bytes image, bool big_endian) {
  PageCounts pages;
  for (uint32_t at = 0; at + 4 <= image.size(); at += 4) {
    const uint32_t word = Word(image, at, big_endian);
    if (word >= kPage && word < kMostPointer && !IsText(word)) ++pages[word / kPage];
  }
  return pages;
}

PageCounts::const_iterator Fullest(const PageCounts& pages) {
  return std::ranges::max_element(pages, {}, [](const auto& page) { return page.second; });
}

// The first and the last of the pages around `center` that belong to it, over small gaps.
std::pair<uint32_t, uint32_t> Cluster(const PageCounts& pages, PageCounts::const_iterator center) {
  const auto belongs = [&](uint32_t page) {
    const auto found = pages.find(page);
    return found != pages.end() && found->second * kPageShare >= center->second;
  };
  uint32_t first = center->first, last = center->first;
  for (uint32_t gap = 1; gap <= kPageGap && gap <= first; ++gap) {
    if (belongs(first - gap)) first -= std::exchange(gap, 0);
  }
  for (uint32_t gap = 1; gap <= kPageGap; ++gap) {
    if (belongs(last + gap)) last += std::exchange(gap, 0);
  }
  return {first, last};
}

template <typename T>
void Thin(std::vector<T>& list, size_t most) {
  if (list.size() <= most) return;
  for (size_t i = 0; i < most; ++i) list[i] = list[i * list.size() / most];
  list.resize(most);
}

}  // namespace

std::vector<LoadRun> EspressifRuns(Bytes image) {
  for (const uint32_t header : kEspressifHeaders) {
    if (image.size() < header || image[0] != kEspressifMagic || image[1] == 0 ||
        image[1] > kMaxEspressifSegments) {
      continue;
    }
    std::vector<LoadRun> runs;
    uint64_t at = header;
    for (unsigned i = 0; i < image[1]; ++i) {
      if (at + kEspressifSegmentHeader > image.size()) return {};
      const uint32_t address = LoadLittle(&image[at], 4);
      const uint32_t size = LoadLittle(&image[at + 4], 4);
      at += kEspressifSegmentHeader;
      if (address < 0x3C000000 || address >= 0x60000000 || at + size > image.size()) break;
      const uint32_t offset = i == 0 ? 0 : static_cast<uint32_t>(at);
      runs.push_back({offset, address - (static_cast<uint32_t>(at) - offset)});
      at += size;
    }
    if (runs.size() == image[1]) return runs;
  }
  return {};
}

std::optional<uint32_t> FindBase(Bytes image, const Architecture& architecture) {
  std::vector<uint32_t> anchors = Anchors(image, architecture);
  std::vector<uint32_t> pointers;
  for (uint32_t at = 0; at + 4 <= image.size(); at += 4) {
    const uint32_t word = Word(image, at, architecture.big_endian);
    if (word >= kLeastPointer && word < kMostPointer && !IsText(word)) pointers.push_back(word);
  }
  std::ranges::sort(pointers);
  pointers.erase(std::unique(pointers.begin(), pointers.end()), pointers.end());
  for (const auto& [grain, most_looked_at] : kGrains) {
    Thin(pointers, most_looked_at);
    Thin(anchors, most_looked_at);
    // Anchors by what is left of them modulo the grain: only those can agree with a pointer.
    std::vector<std::vector<uint32_t>> by_rest(grain);
    for (const uint32_t anchor : anchors) by_rest[anchor % grain].push_back(anchor);
    std::vector<uint32_t> votes;
    for (const uint32_t pointer : pointers) {
      // Bit 0 of a Thumb function's address says Thumb.
      const uint32_t target = architecture.align == 1 ? pointer & ~1u : pointer;
      for (const uint32_t anchor : by_rest[target % grain]) {
        if (anchor <= target && target - anchor <= ~static_cast<uint32_t>(image.size())) votes.push_back(target - anchor);
      }
    }
    std::ranges::sort(votes);
    uint32_t best = 0;
    size_t most = 0, second = 0;
    for (size_t i = 0; i < votes.size();) {
      size_t next = i;
      while (next < votes.size() && votes[next] == votes[i]) ++next;
      if (next - i > most) {
        second = most;
        most = next - i;
        best = votes[i];
      } else {
        second = std::max(second, next - i);
      }
      i = next;
    }
    if (most >= kLeastVotes && most >= second + second / 2) return best;
  }
  return {};
}

uint32_t CountSharedTargets(Bytes image, const Architecture& architecture) {
  const std::vector<uint32_t> targets = Targets(image, architecture);
  uint32_t shared = 0;
  for (size_t i = 1; i < targets.size(); ++i) shared += targets[i] == targets[i - 1];
  return shared;
}

std::vector<uint32_t> BaseCandidates(Bytes image, bool big_endian) {
  std::vector<uint32_t> candidates{0};
  constexpr uint32_t kVectors = 16;
  if (!big_endian && image.size() >= 4 * kVectors) {
    // The handlers of a Cortex-M, odd addresses; the stack pointer before them is none. Unused ones are 0.
    uint32_t lowest = 0xFFFFFFFF;
    bool handlers = true;
    for (uint32_t i = 1; i < kVectors; ++i) {
      const uint32_t word = Word(image, 4 * i, false);
      if (word == 0) continue;
      handlers = handlers && (word & 1) != 0;
      lowest = std::min(lowest, word);
    }
    if (handlers) {
      for (const uint32_t grain : {0x100u, 0x1000u, 0x4000u, 0x10000u, 0x100000u}) {
        candidates.push_back(lowest & ~(grain - 1));
      }
    }
  }
  PageCounts pages = Pages(image, big_endian);
  constexpr int kFullest = 4;
  for (int i = 0; i < kFullest && !pages.empty(); ++i) {
    const auto fullest = Fullest(pages);
    candidates.push_back(fullest->first * kPage);
    candidates.push_back(Cluster(pages, fullest).first * kPage);
    pages.erase(fullest);
  }
  std::ranges::sort(candidates);
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

std::vector<AddressRange> RamCandidates(Bytes image, uint32_t base, bool big_endian) {
  PageCounts pages = Pages(image, big_endian);
  std::erase_if(pages, [&](const auto& page) { return page.first * kPage - base < image.size(); });
  std::vector<AddressRange> candidates;
  for (const AddressRange& usual : kUsualRam) {
    uint32_t first = 0, last = 0, words = 0;
    for (const auto& [page, count] : pages) {
      if (page * kPage - usual.start >= usual.size) continue;
      if (words == 0) first = page;
      last = page;
      words += count;
    }
    if (words >= kLeastRamWords) candidates.push_back({first * kPage, (last - first + 1) * kPage});
  }
  const auto fullest = Fullest(pages);
  if (fullest == pages.end() || fullest->second < kLeastRamWords) return candidates;
  const auto [first, last] = Cluster(pages, fullest);
  candidates.push_back({first * kPage, (last - first + 1) * kPage});
  return candidates;
}

}  // namespace mote
