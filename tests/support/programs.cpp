// SPDX-License-Identifier: Apache-2.0
#include "tests/support/programs.h"

#include <algorithm>

#include "patch/bytes.h"
#include "patch/pair.h"

namespace mote::testing {
namespace {

constexpr uint32_t kRamStart = 0x20000000, kRamSize = 0x4000;

// What a function is made of.
struct Item {
  enum Kind { kPlain, kRow, kPair, kPointer, kVariable, kRelative };
  Kind kind;
  Bytes bytes{};       // kPlain
  uint32_t word = 0;   // kRow, kPair: the instruction without its address
  uint32_t lower = 0;  // kPair: the second instruction
  unsigned row = 0;
  uint32_t to = 0;      // the number of a function, or an offset into RAM
  uint32_t inside = 0;  // how far behind its start
};

struct Function {
  uint32_t number;
  std::vector<Item> items;
};

class Maker {
 public:
  Maker(Random& random, const ProgramOptions& options)
      : random_(random), options_(options), architecture_(*FindArchitecture(options.architecture)) {
    for (uint32_t& word : vocabulary_) word = static_cast<uint32_t>(random.Next());
  }

  Program Make();

 private:
  Function MakeFunction(uint32_t number);
  Item MakeReference();
  Item MakePlain(uint32_t size);
  // Where each function starts, by number; also the size of the whole.
  std::vector<uint32_t> Places(const std::vector<Function>& functions, uint32_t& size) const;
  Bytes Render(const std::vector<Function>& functions, uint32_t base,
               const std::vector<uint32_t>& places, uint32_t size) const;
  static uint32_t SizeOf(const Item& item, const Architecture& architecture) {
    if (item.kind == Item::kPlain) return static_cast<uint32_t>(item.bytes.size());
    if (item.kind == Item::kRow) return architecture.rows[item.row].size;
    return item.kind == Item::kPair ? 8 : 4;
  }
  // Words stand at multiples of four, instructions where this architecture has them.
  uint32_t Aligned(uint32_t at, const Item& item) const {
    uint32_t unit = 1u << architecture_.align;
    if (item.kind == Item::kPointer || item.kind == Item::kVariable || item.kind == Item::kRelative)
      unit = 4;
    return item.kind == Item::kPlain ? at : (at + unit - 1) / unit * unit;
  }
  void Store(uint8_t* to, unsigned size, uint32_t word) const {
    if (architecture_.big_endian) {
      StoreBig(to, size, word);
    } else {
      StoreLittle(to, size, word);
    }
  }

  Random& random_;
  const ProgramOptions& options_;
  const Architecture& architecture_;
  uint32_t vocabulary_[32];
};

Item Maker::MakePlain(uint32_t size) {
  Item item{.kind = Item::kPlain};
  while (item.bytes.size() < size) {
    const uint32_t word = random_.Below(4) == 0 ? static_cast<uint32_t>(random_.Next())
                                                : vocabulary_[random_.Below(32)];
    for (int shift = 0; shift < 32; shift += 8)
      item.bytes.push_back(static_cast<uint8_t>(word >> shift));
  }
  item.bytes.resize(size);
  return item;
}

Item Maker::MakeReference() {
  Item item{.kind = Item::kPointer};
  item.to = random_.Below(options_.functions);
  const uint32_t choice = random_.Below(10);
  if (choice < 5 && architecture_.row_count != 0) {
    item.kind = Item::kRow;
    item.row = random_.Below(architecture_.row_count);
    const UnitRow& row = architecture_.rows[item.row];
    item.word = (static_cast<uint32_t>(random_.Next()) & ~row.mask) | row.match;
    if (row.size < 4) item.word &= (1u << 8 * row.size) - 1;
  } else if (choice < 7 && architecture_.pairs != PairKind::kNone) {
    item.kind = Item::kPair;
    item.inside = random_.Below(30);
    const uint32_t r = 1 + random_.Below(30);
    if (architecture_.pairs == PairKind::kRiscv) {
      item.word = (random_.Below(2) ? 0x17u : 0x37u) | r << 7;
      const uint32_t seconds[] = {0x13, 0x2003, 0x2023, 0x67};
      item.lower =
          seconds[random_.Below(4)] | r << 15 | (static_cast<uint32_t>(random_.Next()) & 31u << 20);
    } else {
      item.word = 0x90000000 | r;
      const uint32_t seconds[] = {0x91000000, 0xF9400000, 0xB9000000, 0x39400000};
      item.lower = seconds[random_.Below(4)] | r << 5 | (random_.Below(32));
      item.inside &= ~7u;
    }
  } else if (choice == 8) {
    item.kind = Item::kVariable;
    item.to = random_.Below(kRamSize / 4) * 4;
  } else if (choice == 9) {
    item.kind = Item::kRelative;
  } else {
    item.inside = random_.Below(8) == 0 ? random_.Below(40) : 0;
  }
  return item;
}

Function Maker::MakeFunction(uint32_t number) {
  Function function{number, {}};
  const uint32_t unit = 1u << architecture_.align;
  for (uint32_t size = 0; size < options_.function_size;) {
    function.items.push_back(MakePlain((1 + random_.Below(6)) * std::max(unit, 2u)));
    function.items.push_back(MakeReference());
    size += static_cast<uint32_t>(function.items.rbegin()[1].bytes.size()) + 4;
  }
  return function;
}

std::vector<uint32_t> Maker::Places(const std::vector<Function>& functions, uint32_t& size) const {
  std::vector<uint32_t> places(2 * options_.functions + options_.edits, 0);
  size = 0;
  for (const Function& function : functions) {
    size = (size + 3) / 4 * 4;
    places[function.number] = size;
    for (const Item& item : function.items)
      size = Aligned(size, item) + SizeOf(item, architecture_);
  }
  return places;
}

Bytes Maker::Render(const std::vector<Function>& functions, uint32_t base,
                    const std::vector<uint32_t>& places, uint32_t size) const {
  Bytes image(size);
  for (const Function& function : functions) {
    uint32_t at = places[function.number];
    for (const Item& item : function.items) {
      at = Aligned(at, item);
      uint8_t* to = image.data() + at;
      const uint32_t address = base + at;
      const uint32_t target =
          item.kind == Item::kVariable ? kRamStart + item.to : base + places[item.to] + item.inside;
      switch (item.kind) {
        case Item::kPlain:
          std::ranges::copy(item.bytes, to);
          break;
        case Item::kRow: {
          const UnitRow& row = architecture_.rows[item.row];
          Store(to, row.size, WithTarget(row, item.word, address, target));
          break;
        }
        case Item::kPair: {
          const PairKind pairs = architecture_.pairs;
          const uint32_t word = WithUpper(pairs, item.word, address, target);
          Store(to, 4, word);
          Store(to + 4, 4, WithLower(pairs, item.lower, LowerOf(pairs, word, address, target)));
          break;
        }
        case Item::kPointer:
        case Item::kVariable:
          Store(to, 4, target);
          break;
        case Item::kRelative:
          Store(to, 4, target - address);
          break;
      }
      at += SizeOf(item, architecture_);
    }
  }
  return image;
}

Program Maker::Make() {
  std::vector<Function> before;
  for (uint32_t n = 0; n < options_.functions; ++n) before.push_back(MakeFunction(n));
  std::vector<Function> after = before;
  uint32_t next = options_.functions;
  for (uint32_t n = 0; n < options_.edits && !after.empty(); ++n) {
    const auto at = after.begin() + random_.Below(after.size());
    switch (random_.Below(4)) {
      case 0:
        after.insert(at, MakeFunction(next++));
        break;
      case 1:
        if (after.size() > 1) after.erase(at);  // what refers to it refers to the start
        break;
      case 2:
        std::rotate(at, at + random_.Below(static_cast<uint64_t>(after.end() - at)), after.end());
        break;
      default:
        at->items.insert(at->items.begin() + random_.Below(at->items.size() + 1), MakePlain(6));
    }
  }
  if (options_.retargeted != 0) {
    for (Function& function : after) {
      for (Item& item : function.items) {
        if (item.kind != Item::kPlain && item.kind != Item::kVariable &&
            random_.Below(options_.retargeted) == 0)
          item.to = random_.Below(options_.functions);
      }
    }
  }
  Program program;
  uint32_t old_size, new_size;
  const std::vector<uint32_t> old_places = Places(before, old_size);
  const std::vector<uint32_t> new_places = Places(after, new_size);
  program.old_image = Render(before, options_.old_base, old_places, old_size);
  program.new_image = Render(after, options_.new_base, new_places, new_size);
  program.setting.architecture = options_.architecture;
  program.setting.relative_words = random_.Below(2) != 0;
  program.setting.ram_start = kRamStart;
  program.setting.ram_size = kRamSize;
  program.setting.segments = {{0, options_.old_base, 0, options_.new_base}};
  for (size_t i = 0; i < after.size(); ++i) {
    if (after[i].number >= options_.functions) continue;
    const uint32_t start = new_places[after[i].number];
    const uint32_t end = i + 1 < after.size() ? new_places[after[i + 1].number] : new_size;
    const uint32_t from = old_places[after[i].number];
    program.copies.push_back({start, from, std::min(end - start, old_size - from)});
  }
  return program;
}

}  // namespace

Program MakeProgram(Random& random, const ProgramOptions& options) {
  return Maker(random, options).Make();
}

}  // namespace mote::testing
