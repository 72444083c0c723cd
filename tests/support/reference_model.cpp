// SPDX-License-Identifier: Apache-2.0
// The sections are those of FORMAT.md, and so are the names. Numbers are uint32_t, which counts
// modulo 2^32 as section 6 does.
#include "tests/support/reference_model.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

namespace mote::testing {
namespace {

struct Stop {
  Status status;
};
// New is complete.
struct Complete {};

void Require(bool holds, Status otherwise = Status::kCorrupt) {
  if (!holds) throw Stop{otherwise};
}

// Bits `low` to `high` of `word`, both of them included.
uint32_t BitsOf(uint32_t word, unsigned low, unsigned high) {
  return static_cast<uint32_t>((word >> low) % (uint64_t{1} << (high - low + 1)));
}

uint32_t WithBits(uint32_t word, unsigned low, unsigned high, uint32_t value) {
  const auto mask = static_cast<uint32_t>(((uint64_t{1} << (high - low + 1)) - 1) << low);
  return (word & ~mask) | (value << low & mask);
}

uint32_t SignExtended(uint32_t value, unsigned bits) {
  if (bits == 32) return value;
  value = BitsOf(value, 0, bits - 1);
  return value >> (bits - 1) == 1 ? value - (uint32_t{1} << bits) : value;
}

// --- 6.1 Range coder. The forger, which writes what a decoder would read, takes the same place.

class Coder {
 public:
  virtual ~Coder() = default;
  virtual bool Bit(uint32_t chance) = 0;
  virtual bool EvenBit() = 0;
};

class RangeDecoder : public Coder {
 public:
  explicit RangeDecoder(std::span<const uint8_t> coded) : coded_(coded) {
    for (int i = 0; i < 4; ++i) code_ = code_ * 256 + NextByte();
  }
  bool Bit(uint32_t chance) override {
    const uint32_t bound = (range_ >> 12) * chance;
    const bool bit = code_ < bound;
    if (bit) {
      range_ = bound;
    } else {
      code_ -= bound;
      range_ -= bound;
    }
    Normalise();
    return bit;
  }
  bool EvenBit() override {
    range_ = range_ >> 1;
    const bool bit = code_ >= range_;
    if (bit) code_ -= range_;
    Normalise();
    return bit;
  }

 private:
  uint8_t NextByte() { return at_ < coded_.size() ? coded_[at_++] : 0; }
  void Normalise() {
    while (range_ < 1u << 24) {
      range_ = range_ * 256;
      code_ = code_ * 256 + NextByte();
    }
  }

  std::span<const uint8_t> coded_;
  size_t at_ = 0;
  uint32_t range_ = 0xFFFFFFFF;
  uint32_t code_ = 0;
};

// The code that a decoder reads lies in [low, low + range).
class Forger : public Coder {
 public:
  explicit Forger(const Decide& decide) : decide_(decide) {}
  bool Bit(uint32_t chance) override {
    const bool bit = decide_(chance);
    const uint32_t bound = (range_ >> 12) * chance;
    if (bit) {
      range_ = bound;
    } else {
      low_ += bound;
      range_ -= bound;
    }
    Normalise();
    return bit;
  }
  bool EvenBit() override {
    const bool bit = decide_(2048);
    range_ = range_ >> 1;
    if (bit) low_ += range_;
    Normalise();
    return bit;
  }
  Bytes Finish() {
    for (int i = 0; i < 4; ++i) Shift();
    while (!bytes_.empty() && bytes_.back() == 0) bytes_.pop_back();
    return bytes_;
  }

 private:
  void Normalise() {
    while (range_ < 1u << 24) {
      range_ = range_ * 256;
      Shift();
    }
  }
  void Shift() {
    if (low_ >> 32 != 0) {
      for (size_t i = bytes_.size(); i-- != 0 && ++bytes_[i] == 0;) {
      }
    }
    bytes_.push_back(static_cast<uint8_t>(low_ >> 24));
    low_ = low_ << 8 & 0xFFFFFFFF;
  }

  const Decide& decide_;
  Bytes bytes_;
  uint64_t low_ = 0;
  uint32_t range_ = 0xFFFFFFFF;
};

// --- 6.2 Probabilities, numbers, trees

struct Probability {
  Probability(unsigned start = 0x8000, unsigned the_limit = 15)
      : chance(start / 16), count(start % 16), limit(the_limit) {}

  void Adapt(bool bit) {
    constexpr unsigned kShift[16] = {1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5};
    const unsigned s = kShift[count];
    if (bit) {
      chance += (4095 - chance) >> s;
    } else {
      chance -= chance >> s;
    }
    if (count < limit) count += 1;
  }

  uint32_t chance, count, limit;
};

// Of t bits: 2^t probabilities, that at 0 is not used.
using Tree = std::vector<Probability>;

// A tree of 5 bits.
struct NumberModel {
  Tree bits = Tree(32);
};

class Reader {
 public:
  explicit Reader(Coder& coder) : coder_(coder) {}

  uint32_t Even(unsigned n) {
    uint32_t value = 0;
    while (n-- != 0) value = value * 2 + coder_.EvenBit();
    return value;
  }
  bool Bit(Probability& p) {
    const bool bit = coder_.Bit(p.chance);
    p.Adapt(bit);
    return bit;
  }
  uint32_t InTree(Tree& tree) {
    uint32_t v = 1;
    while (v < tree.size()) v = 2 * v + Bit(tree[v]);
    return v - static_cast<uint32_t>(tree.size());
  }
  uint32_t Number(NumberModel& m) {
    const uint32_t b = InTree(m.bits);
    return (uint32_t{1} << b) + Even(b) - 1;
  }
  uint8_t Byte(Tree& tree) {
    unsigned t = 0;
    while (size_t{1} << t < tree.size()) t += 1;
    const uint32_t v = InTree(tree);
    return static_cast<uint8_t>((v << (8 - t)) + Even(8 - t));
  }
  uint32_t EvenNumber() {
    const uint32_t z = Even(5);
    const uint32_t b = Even(5);
    return ((uint32_t{1} << b) + Even(b)) << z;
  }

 private:
  Coder& coder_;
};

// --- 6.3 Setting

struct Segment {
  uint32_t old_offset, new_offset, old_address, new_address;
};

struct Setting {
  Setting(Reader& reader, uint32_t the_old_size) : old_size(the_old_size) {
    architecture = reader.Even(4);
    relative_words = reader.Even(1);
    const bool has_ram = reader.Even(1);
    const bool other_addresses = reader.Even(1);
    const uint32_t count = reader.Even(2) + 1;
    if (has_ram) {
      ram_start = reader.EvenNumber();
      ram_size = reader.EvenNumber();
    }
    uint32_t old_offset = 0, new_offset = 0;
    while (segments.size() < count) {
      if (!segments.empty()) {
        old_offset += reader.EvenNumber();
        new_offset += reader.EvenNumber();
      }
      const uint32_t old_address = reader.EvenNumber();
      const uint32_t new_address = other_addresses ? reader.EvenNumber() : old_address;
      segments.push_back({old_offset, new_offset, old_address, new_address});
    }
    new_check = reader.Even(32);
    Require(architecture <= 10, Status::kUnsupported);
  }

  uint32_t OldAddress(uint32_t offset) const {
    const Segment* last = &segments[0];
    for (const Segment& s : segments) {
      if (s.old_offset <= offset) last = &s;
    }
    return offset - last->old_offset + last->old_address;
  }
  uint32_t NewAddress(uint32_t offset) const {
    const Segment* last = &segments[0];
    for (const Segment& s : segments) {
      if (s.new_offset <= offset) last = &s;
    }
    return offset - last->new_offset + last->new_address;
  }
  bool IsPointer(uint32_t word) const {
    if (word - ram_start < ram_size) return true;
    for (size_t i = segments.size(); i-- != 0;) {
      const uint32_t next = i + 1 < segments.size() ? segments[i + 1].old_offset : old_size;
      if (word - segments[i].old_address < next - segments[i].old_offset + 4096) return true;
      if (segments[i].old_offset == 0) break;
    }
    return false;
  }

  uint32_t old_size;
  unsigned architecture;
  bool relative_words;
  uint32_t ram_start = 0, ram_size = 0;
  std::vector<Segment> segments;
  uint32_t new_check;
};

// --- 6.4 Units

enum class Pairs { kNone, kRiscv, kAarch64 };

struct Field {
  unsigned from, bits, to;  // from+bits>to
};

enum class Offset { kSigned, kUnsigned, kOnesAbove };

struct Row {
  uint32_t mask, match;
  unsigned size, kind, scale;
  uint32_t (*base)(uint32_t a);
  unsigned n;
  Offset offset;
  std::vector<Field> fields;

  uint32_t Target(uint32_t w, uint32_t a) const {
    uint32_t value = 0;
    for (const Field& field : fields)
      value |= BitsOf(w, field.from, field.from + field.bits - 1) << field.to;
    if (offset == Offset::kSigned) value = SignExtended(value, n);
    if (offset == Offset::kOnesAbove) value |= ~uint32_t{0} << n;
    return base(a) + value;
  }
  uint32_t Retargeted(uint32_t w, uint32_t t, uint32_t a) const {
    const uint32_t value = t - base(a);
    for (const Field& field : fields) {
      w = WithBits(w, field.from, field.from + field.bits - 1,
                   BitsOf(value, field.to, field.to + field.bits - 1));
    }
    return w;
  }
};

struct Architecture {
  bool big;
  uint32_t alignment;  // A
  unsigned (*length)(uint8_t first);
  Pairs pairs;
  bool code_first;
  std::vector<Row> rows;

  // Instructions start where the one before ends, not just at any multiple of A.
  bool HasBoundary() const {
    const bool all_alike = length(0x00) == alignment && length(0xFF) == alignment;
    return !all_alike || pairs != Pairs::kNone;
  }
};

uint32_t AtA(uint32_t a) { return a; }
uint32_t At4(uint32_t a) { return a + 4; }
uint32_t AtWord4(uint32_t a) { return (a & ~3u) + 4; }
uint32_t AtNextWord(uint32_t a) { return (a + 3) & ~3u; }
uint32_t At64K(uint32_t a) { return a & ~0xFFFFu; }
uint32_t At256M(uint32_t a) { return a & ~0x0FFFFFFFu; }

template <unsigned kLength>
unsigned Always(uint8_t) {
  return kLength;
}
unsigned XtensaLength(uint8_t first) { return (first & 0x08) == 0 ? 3 : 2; }
unsigned BigXtensaLength(uint8_t first) { return (first & 0x80) == 0 ? 3 : 2; }
unsigned RiscvLength(uint8_t first) { return (first & 0x03) == 0x03 ? 4 : 2; }

const std::vector<Architecture>& Architectures() {
  constexpr Offset kS = Offset::kSigned, kU = Offset::kUnsigned, kOnes = Offset::kOnesAbove;
  constexpr Pairs kNone = Pairs::kNone;
  static const std::vector<Field> long_branch_fields = {{16, 11, 1}, {0, 11, 12}};
  static const std::vector<Field> jal_fields = {{21, 10, 1}, {20, 1, 11}, {12, 8, 12}, {31, 1, 20}};
  static const std::vector<Row> thumb = {
      {0xB800F800, 0xB800F000, 4, 1, 1, At4, 23, kS, long_branch_fields}};
  static const std::vector<Row> xtensa = {
      {0x00000F, 0x000005, 3, 1, 2, AtWord4, 20, kS, {{6, 18, 2}}},
      {0x00000F, 0x000001, 3, 2, 2, AtNextWord, 18, kOnes, {{8, 16, 2}}},
      {0x00003F, 0x000006, 3, 3, 0, At4, 18, kS, {{6, 18, 0}}}};
  static const std::vector<Row> riscv = {
      {0x0000007F, 0x0000006F, 4, 1, 1, AtA, 21, kS, jal_fields}};
  static const std::vector<Row> aarch64 = {
      {0x7C000000, 0x14000000, 4, 1, 2, AtA, 28, kS, {{0, 26, 2}}}};
  static const std::vector<Row> tc32 = {
      {0xF800F800, 0x98009000, 4, 1, 1, At4, 23, kS, long_branch_fields}};
  static const std::vector<Row> intel8051 = {
      {0xFF0000, 0x120000, 3, 1, 0, At64K, 16, kU, {{0, 16, 0}}},
      {0xFF0000, 0x020000, 3, 2, 0, At64K, 16, kU, {{0, 16, 0}}}};
  static const std::vector<Row> mips = {
      {0xFC000000, 0x0C000000, 4, 1, 2, At256M, 28, kU, {{0, 26, 2}}},
      {0xFC000000, 0x08000000, 4, 2, 2, At256M, 28, kU, {{0, 26, 2}}}};
  static const std::vector<Row> big_xtensa = {
      {0xF00000, 0x500000, 3, 1, 2, AtWord4, 20, kS, {{0, 18, 2}}},
      {0xF00000, 0x100000, 3, 2, 2, AtNextWord, 18, kOnes, {{0, 16, 2}}},
      {0xFC0000, 0x600000, 3, 3, 0, At4, 18, kS, {{0, 18, 0}}}};
  static const Architecture table[] = {
      {false, 1, Always<1>, kNone, false, {}},
      {false, 2, Always<2>, kNone, false, thumb},
      {false, 1, XtensaLength, kNone, false, xtensa},
      {false, 2, RiscvLength, Pairs::kRiscv, true, riscv},
      {false, 4, Always<4>, Pairs::kAarch64, false, aarch64},
      {false, 2, Always<2>, kNone, false, tc32},
      {true, 1, Always<1>, kNone, false, intel8051},
      {false, 4, Always<4>, kNone, false, mips},
      {true, 1, BigXtensaLength, kNone, false, big_xtensa},
      {true, 4, Always<4>, kNone, false, mips},
      {true, 1, Always<1>, kNone, false, {}},
  };
  static const std::vector<Architecture> architectures(std::begin(table), std::end(table));
  return architectures;
}

uint32_t NumberOf(std::span<const uint8_t> bytes, bool big) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    value = value << 8 | bytes[big ? i : bytes.size() - 1 - i];
  return value;
}

void AppendNumber(Bytes& bytes, uint32_t value, unsigned size, bool big) {
  for (unsigned i = 0; i < size; ++i)
    bytes.push_back(static_cast<uint8_t>(value >> 8 * (big ? size - 1 - i : i)));
}

// --- 6.5 Pairs

// The register that an upper part sets; nothing for other words.
std::optional<uint32_t> UpperRegister(Pairs pairs, uint32_t w) {
  if (pairs == Pairs::kRiscv) {
    const uint32_t r = BitsOf(w, 7, 11);
    const uint32_t opcode = BitsOf(w, 0, 6);
    if ((opcode == 0x17 || opcode == 0x37) && r != 0) return r;
  }
  if (pairs == Pairs::kAarch64 && (w & 0x9F000000) == 0x90000000) return BitsOf(w, 0, 4);
  return {};
}

unsigned ScaleOfAccess(uint32_t w) {
  const bool quad = BitsOf(w, 30, 31) == 0 && BitsOf(w, 23, 23) == 1 && BitsOf(w, 26, 26) == 1;
  return quad ? 4 : BitsOf(w, 30, 31);
}

bool IsRiscvStore(uint32_t w) { return BitsOf(w, 0, 6) == 0x23 || BitsOf(w, 0, 6) == 0x27; }
bool IsAarch64Add(uint32_t w) { return (w & 0xFFC00000) == 0x91000000; }

// The value of a lower part of register r; nothing for other words.
std::optional<uint32_t> Lower(Pairs pairs, uint32_t w, uint32_t r) {
  if (pairs == Pairs::kRiscv && BitsOf(w, 15, 19) == r) {
    const uint32_t opcode = BitsOf(w, 0, 6);
    if (opcode == 0x67 || opcode == 0x03 || opcode == 0x07 || (w & 0x707F) == 0x13)
      return SignExtended(BitsOf(w, 20, 31), 12);
    if (IsRiscvStore(w)) return SignExtended(BitsOf(w, 25, 31) * 32 + BitsOf(w, 7, 11), 12);
  }
  if (pairs == Pairs::kAarch64 && BitsOf(w, 5, 9) == r) {
    if (IsAarch64Add(w)) return BitsOf(w, 10, 21);
    if ((w & 0x3B000000) == 0x39000000) {
      const uint32_t lower = BitsOf(w, 10, 21) << ScaleOfAccess(w);
      if (lower <= 0xFFF) return lower;
    }
  }
  return {};
}

uint32_t WithLower(Pairs pairs, uint32_t w, uint32_t x) {
  if (pairs == Pairs::kRiscv) {
    if (!IsRiscvStore(w)) return WithBits(w, 20, 31, BitsOf(x, 0, 11));
    return WithBits(WithBits(w, 25, 31, BitsOf(x, 5, 11)), 7, 11, BitsOf(x, 0, 4));
  }
  if (IsAarch64Add(w)) return WithBits(w, 10, 21, BitsOf(x, 0, 11));
  return WithBits(w, 10, 21, BitsOf(x >> ScaleOfAccess(w), 0, 11));
}

// The lower of the lower part that belongs to the upper part of register r at the start of `bytes`.
std::optional<uint32_t> FindLower(Pairs pairs, uint32_t r, std::span<const uint8_t> bytes) {
  const bool riscv = pairs == Pairs::kRiscv;
  size_t at = 4;
  for (int i = 0; i < 8; ++i) {
    if (at + 4 > bytes.size()) return {};
    const uint32_t w = NumberOf(bytes.subspan(at, 4), false);
    if (riscv && BitsOf(w, 0, 1) != 3) {
      const uint32_t h = BitsOf(w, 0, 15), q = BitsOf(w, 0, 1), e = BitsOf(w, 13, 15);
      if (q == 1 && e == 5) return {};
      if (BitsOf(h, 7, 11) == r &&
          ((q == 1 && e <= 3) || (q == 2 && (e == 0 || e == 2 || e == 4)))) {
        return {};
      }
      at += 2;
      continue;
    }
    if (const auto lower = Lower(pairs, w, r)) return lower;
    const uint32_t opcode = BitsOf(w, 0, 6);
    if (riscv && opcode != 0x23 && opcode != 0x27 && opcode != 0x63 && BitsOf(w, 7, 11) == r)
      return {};
    if (!riscv && UpperRegister(pairs, w) == r) return {};
    at += 4;
  }
  return {};
}

bool IsLui(uint32_t w) { return BitsOf(w, 0, 6) == 0x37; }

uint32_t UpperTarget(Pairs pairs, uint32_t w, uint32_t lower, uint32_t a) {
  if (pairs == Pairs::kRiscv) return (w & ~0xFFFu) + lower + (IsLui(w) ? 0 : a);
  const uint32_t p = BitsOf(w, 5, 23) * 4 + BitsOf(w, 29, 30);
  return (a & ~0xFFFu) + (p << 12) + lower;
}

uint32_t UpperRetargeted(Pairs pairs, uint32_t w, uint32_t t, uint32_t a) {
  if (pairs == Pairs::kRiscv) {
    if (!IsLui(w)) t -= a;
    return (w & 0xFFF) + ((t + 0x800) & ~0xFFFu);
  }
  const uint32_t p = SignExtended((t >> 12) - (a >> 12), 20);
  return WithBits(WithBits(w, 5, 23, BitsOf(p, 2, 20)), 29, 30, BitsOf(p, 0, 1));
}

uint32_t LowerFor(Pairs pairs, uint32_t w, uint32_t t, uint32_t a) {
  if (pairs == Pairs::kAarch64) return BitsOf(t, 0, 11);
  return SignExtended(BitsOf(IsLui(w) ? t : t - a, 0, 11), 12);
}

struct RememberedLower {
  uint32_t r, old_lower, new_lower;
};

// --- 6.4 again: a unit is one of these.

struct Unit {
  enum class Form { kPointer, kRelativeWord, kRow, kUpperPart };

  Form form;
  unsigned size, kind, scale;
  uint32_t word;
  const Row* row = nullptr;    // kRow
  Pairs pairs = Pairs::kNone;  // kUpperPart
  uint32_t r = 0, lower = 0;   // kUpperPart
  uint32_t target = 0;

  uint32_t TargetAt(uint32_t a) const {
    switch (form) {
      case Form::kPointer:
        return word;
      case Form::kRelativeWord:
        return a + word;
      case Form::kRow:
        return row->Target(word, a);
      default:
        return UpperTarget(pairs, word, lower, a);
    }
  }
  uint32_t Retargeted(uint32_t t, uint32_t a) const {
    switch (form) {
      case Form::kPointer:
        return t;
      case Form::kRelativeWord:
        return t - a;
      case Form::kRow:
        return row->Retargeted(word, t, a);
      default:
        return UpperRetargeted(pairs, word, t, a);
    }
  }
};

class Walk {
 public:
  Walk(std::span<const uint8_t> old_image, const Setting& setting)
      : old_(old_image), setting_(setting), architecture_(Architectures()[setting.architecture]) {}

  uint32_t position = 0;
  uint32_t boundary = 0;

  std::optional<Unit> Look() {
    const auto bytes = old_.subspan(position, std::min<size_t>(36, old_.size() - position));
    bool may_start = position % architecture_.alignment == 0;
    if (architecture_.HasBoundary()) {
      boundary = std::max(boundary, position);
      while (boundary % architecture_.alignment != 0) ++boundary;
      may_start = position == boundary;
    }
    if (may_start && bytes.size() >= 4 && Patch(NumberOf(bytes.first(4), false))) {
      boundary += 4;
      return {};
    }
    const std::optional<Unit> unit = Find(bytes, may_start);
    const uint32_t step = unit ? unit->size : may_start ? architecture_.length(bytes[0]) : 0;
    boundary = std::max(boundary, position + step);
    return unit;
  }

  // At position.
  uint8_t PredictedByte() const {
    if (patched_ && position - patched_->at < 4)
      return static_cast<uint8_t>(patched_->word >> 8 * (position - patched_->at));
    return old_[position];
  }

  void Seek(uint32_t to) {
    position = boundary = to;
    patched_.reset();
  }

  // An upper part became one for target t at address a in new.
  void Remember(const Unit& unit, uint32_t t, uint32_t a) {
    const RememberedLower lower = {unit.r, unit.lower, LowerFor(unit.pairs, unit.word, t, a)};
    for (auto& place : memory_) {
      if (place && place->r == unit.r) {
        place = lower;
        return;
      }
    }
    memory_[turn_] = lower;
    turn_ = (turn_ + 1) % memory_.size();
  }

 private:
  struct Patched {
    uint32_t at, word;
  };

  // Whether `w`, at position, is a lower part that is patched.
  bool Patch(uint32_t w) {
    for (const auto& place : memory_) {
      if (!place) continue;
      const auto l = Lower(architecture_.pairs, w, place->r);
      if (!l || *l - place->old_lower + 16 >= 32) continue;
      const uint32_t x = *l - place->old_lower + place->new_lower;
      patched_ = {position, WithLower(architecture_.pairs, w, x)};
      return true;
    }
    return false;
  }

  std::optional<Unit> Find(std::span<const uint8_t> bytes, bool may_start) const {
    const uint32_t a = setting_.OldAddress(position);
    std::optional<Unit> unit;
    const bool aligned = position % 4 == 0 && bytes.size() >= 4;
    const uint32_t v = aligned ? NumberOf(bytes.first(4), architecture_.big) : 0;
    if (architecture_.code_first && may_start) unit = FindInstruction(bytes);
    if (!unit && aligned && setting_.IsPointer(v)) unit = Unit{Unit::Form::kPointer, 4, 0, 0, v};
    if (!unit && !architecture_.code_first && may_start) unit = FindInstruction(bytes);
    if (!unit && setting_.relative_words && aligned && v >= 0xFFF00000 && v < 0xFFFFFF00)
      unit = Unit{Unit::Form::kRelativeWord, 4, 3, 0, v};
    if (unit) unit->target = unit->TargetAt(a);
    return unit;
  }

  std::optional<Unit> FindInstruction(std::span<const uint8_t> bytes) const {
    for (const Row& row : architecture_.rows) {
      if (row.size > bytes.size()) continue;
      const uint32_t w = NumberOf(bytes.first(row.size), architecture_.big);
      if ((w & row.mask) == row.match)
        return Unit{Unit::Form::kRow, row.size, row.kind, row.scale, w, &row};
    }
    const Pairs pairs = architecture_.pairs;
    if (bytes.size() < 4 || pairs == Pairs::kNone) return {};
    const uint32_t w = NumberOf(bytes.first(4), false);
    const auto r = UpperRegister(pairs, w);
    if (!r) return {};
    const auto lower = FindLower(pairs, *r, bytes);
    if (!lower) return {};
    return Unit{Unit::Form::kUpperPart, 4, 2, 0, w, nullptr, pairs, *r, *lower};
  }

  std::span<const uint8_t> old_;
  const Setting& setting_;
  const Architecture& architecture_;
  std::array<std::optional<RememberedLower>, 4> memory_;
  size_t turn_ = 0;
  std::optional<Patched> patched_;
};

// --- 6.6 Shift table

class ShiftTable {
 public:
  explicit ShiftTable(size_t capacity) : capacity_(capacity) {}

  struct Entry {
    uint32_t address, shift, uses;
  };

  Entry Find(uint32_t target) {
    Entry* low = nullptr;
    Entry* high = nullptr;
    for (Entry& entry : entries_) {
      if (entry.address <= target) {
        if (low == nullptr || entry.address > low->address) low = &entry;
      } else {
        if (high == nullptr || entry.address < high->address) high = &entry;
      }
    }
    const bool takes_high = low == nullptr || (high != nullptr && (target - low->address) >> 2 >
                                                                      high->address - target);
    Entry& answer = takes_high ? *high : *low;
    if (answer.uses < 3) answer.uses += 1;
    return answer;
  }

  void Learn(uint32_t address, uint32_t shift) {
    for (Entry& entry : entries_) {
      if (entry.address == address) {
        entry.shift = shift;
        return;
      }
    }
    if (entries_.size() == capacity_) {
      while (entries_[turn_].uses != 0) {
        entries_[turn_].uses -= 1;
        turn_ = (turn_ + 1) % capacity_;
      }
      entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(turn_));
      turn_ = (turn_ + 1) % capacity_;
    }
    entries_.push_back({address, shift, 0});
    std::ranges::sort(entries_, {}, &Entry::address);
  }

 private:
  size_t capacity_;
  std::vector<Entry> entries_;  // in the order of their addresses
  size_t turn_ = 0;
};

// --- 6.7 Decoding

struct Profile {
  unsigned tree_bits;
  size_t literal_trees, shifts;
  bool shared_kinds;
};
constexpr Profile kProfiles[] = {{8, 2, 128, false}, {7, 1, 40, false}, {4, 1, 12, true}};

struct Hit {
  Probability p{0xF843};
  unsigned streak = 0;
};

using Recent = std::array<uint32_t, 4>;

void Touch(Recent& recent, uint32_t value) {
  auto place = std::ranges::find(recent, value);
  if (place == recent.end()) --place;
  std::rotate(recent.begin(), place, place + 1);
  recent[0] = value;
}

enum Use : size_t { kMisses, kSeeks };

class ModelDecoder {
 public:
  ModelDecoder(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
               Coder& coder, Bytes& image)
      : old_(old_image),
        new_size_(new_size),
        profile_(kProfiles[profile]),
        reader_(coder),
        setting_(reader_, static_cast<uint32_t>(old_image.size())),
        architecture_(Architectures()[setting_.architecture]),
        walk_(old_image, setting_),
        shifts_(profile_.shifts),
        new_(image) {
    shifts_.Learn(setting_.ram_start, 0);
    const Segment& first = setting_.segments[0];
    shifts_.Learn(first.old_address, first.new_address - first.old_address);
    const Tree tree(size_t{1} << profile_.tree_bits, Probability(0x8000, 14));
    residual_ = tree;
    literal_.assign(profile_.literal_trees, tree);
  }

  void Decode() {
    try {
      if (new_size_ == 0) throw Complete{};
      for (;;) Run();
    } catch (Complete) {
      Require(ReferenceCheck(new_) == setting_.new_check);
    }
  }

 private:
  bool Bit(Probability& p) { return reader_.Bit(p); }
  uint32_t Number(NumberModel& m) { return reader_.Number(m); }
  uint32_t Made() const { return static_cast<uint32_t>(new_.size()); }
  uint32_t Left() const { return new_size_ - Made(); }
  uint32_t OldSize() const { return static_cast<uint32_t>(old_.size()); }
  void Append(uint8_t byte) {
    new_.push_back(byte);
    appended_since_seek_ = true;
    if (new_.size() == new_size_) throw Complete{};
  }

  // From next_run to the next one.
  void Run() {
    uint32_t run = Number(run_);
    while (Item(run)) {
    }
  }

  // Whether the run goes on.
  bool Item(uint32_t& run) {
    std::optional<Unit> unit;
    if (walk_.position < OldSize()) unit = walk_.Look();
    if (unit && unit->size <= Left()) {
      const ShiftTable::Entry e = shifts_.Find(unit->target);
      const uint32_t predicted = e.shift >> unit->scale << unit->scale;
      const size_t near = e.address != unit->target ? 1 : 0;
      Hit& h = hit_[profile_.shared_kinds ? 0 : unit->kind][near][missed_ ? 1 : 0];
      if (run != 0) {
        run -= 1;
        if (h.streak == 255) {
          missed_ = false;
        } else {
          missed_ = !Bit(h.p);
          h.streak += 1;
        }
        uint32_t shift = predicted;
        if (missed_) {
          h.streak = 0;
          shift = Miss(*unit, predicted);
        }
        Write(*unit, unit->target + shift);
        return true;
      }
      if (h.streak == 255 && Bit(miss_here_)) {
        missed_ = true;
        h.streak = 0;
        Write(*unit, unit->target + Miss(*unit, predicted));
        return false;
      }
    } else if (run != 0) {
      Require(walk_.position != OldSize());
      run -= 1;
      const uint8_t byte = walk_.PredictedByte();
      walk_.position += 1;
      Append(byte);
      return true;
    }
    if (Bit(inserts_)) {
      Insertion();
    } else {
      Substitution();
    }
    return false;
  }

  void Write(const Unit& unit, uint32_t t) {
    const uint32_t a = setting_.NewAddress(Made());
    if (unit.form == Unit::Form::kUpperPart) walk_.Remember(unit, t, a);
    Bytes bytes;
    AppendNumber(bytes, unit.Retargeted(t, a), unit.size, architecture_.big);
    walk_.position += unit.size;
    for (const uint8_t byte : bytes) Append(byte);
  }

  // The shift of a unit that is not as predicted.
  uint32_t Miss(const Unit& unit, uint32_t predicted) {
    const uint32_t shift = Bit(old_bits_) ? unit.TargetAt(setting_.NewAddress(Made())) - unit.target
                                          : CodedShift(kMisses, predicted, unit.scale);
    shifts_.Learn(unit.target, shift);
    return shift;
  }

  uint32_t CodedShift(Use use, uint32_t predicted, unsigned scale) {
    std::optional<uint32_t> chosen;
    size_t asked = 0;
    for (const uint32_t s : recent_shifts_[use]) {
      if (s == predicted) continue;
      if (Bit(recent_shift_[use][asked])) {
        chosen = s;
        break;
      }
      asked += 1;
    }
    if (!chosen) {
      const uint32_t d = Number(shift_) << scale;
      chosen = predicted + d;
      if (d != 0 && Bit(negative_[use])) chosen = predicted - d;
    }
    Touch(recent_shifts_[use], *chosen);
    return *chosen;
  }

  void Substitution() {
    size_t k = 0;
    bool more = true;
    while (more) {
      Require(walk_.position != OldSize());
      const uint8_t predicted = walk_.PredictedByte();
      const uint8_t byte = reader_.Byte(residual_);
      walk_.position += 1;
      Append(static_cast<uint8_t>(predicted + byte));
      more = Bit(more_[k]);
      k = 1;
    }
  }

  void Insertion() {
    uint32_t n = Number(insertion_);
    Require(n <= Left());
    Require(!(n == 0 && seek_was_made_ && !appended_since_seek_));
    unsigned after = 0;
    while (n != 0) {
      after = Bit(match_[after]);
      if (after == 1) {
        const bool last = Bit(last_distance_);
        uint32_t length = Number(match_length_) + 1;
        if (!last) {
          length += 2;
          distance_ = Number(match_distance_) + 1;
        }
        Require(length != 0 && length <= n && distance_ <= Made());
        for (uint32_t i = 0; i < length; ++i) Append(new_[new_.size() - distance_]);
        n -= length;
      } else {
        Append(reader_.Byte(literal_[literal_.size() == 2 ? Made() % 2 : 0]));
        n -= 1;
      }
    }
    Seek();
  }

  void Seek() {
    const uint32_t to = Made() + CodedShift(kSeeks, walk_.position - Made(), 0);
    Require(to <= OldSize());
    walk_.Seek(to);
    seek_was_made_ = true;
    appended_since_seek_ = false;
    const uint32_t s = setting_.NewAddress(Made()) - setting_.OldAddress(to);
    shifts_.Learn(setting_.OldAddress(to), s);
    Touch(recent_shifts_[kMisses], s);
  }

  const std::span<const uint8_t> old_;
  const uint32_t new_size_;
  const Profile profile_;
  Reader reader_;
  const Setting setting_;
  const Architecture& architecture_;
  Walk walk_;
  ShiftTable shifts_;
  Bytes& new_;

  NumberModel run_, insertion_, shift_, match_length_, match_distance_;
  Probability inserts_, miss_here_, old_bits_, last_distance_;
  std::array<Probability, 2> more_, match_;
  std::array<std::array<Probability, 4>, 2> recent_shift_;  // by use
  std::array<Probability, 2> negative_;                     // by use
  std::array<std::array<std::array<Hit, 2>, 2>, 4> hit_;    // by kind, near, missed
  Tree residual_;
  std::vector<Tree> literal_;

  bool missed_ = false;
  std::array<Recent, 2> recent_shifts_ = {};  // by use
  uint32_t distance_ = 1;
  bool seek_was_made_ = false, appended_since_seek_ = false;
};

Outcome Decode(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
               Coder& coder) {
  Outcome outcome{Status::kDone, {}};
  try {
    const auto decoder =
        std::make_unique<ModelDecoder>(old_image, new_size, profile, coder, outcome.image);
    decoder->Decode();
  } catch (const Stop& stop) {
    outcome.status = stop.status;
  }
  return outcome;
}

}  // namespace

Outcome ReferenceModel(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
                       std::span<const uint8_t> coded) {
  RangeDecoder coder(coded);
  return Decode(old_image, new_size, profile, coder);
}

Forgery ForgeModel(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
                   const Decide& decide) {
  Forger coder(decide);
  Outcome outcome = Decode(old_image, new_size, profile, coder);
  return {std::move(outcome), coder.Finish()};
}

Bytes ReferenceInstruction(unsigned architecture, size_t row_number, uint32_t filler,
                           uint32_t target, uint32_t address) {
  const Architecture& of = Architectures().at(architecture);
  const Row& row = of.rows.at(row_number);
  const uint32_t word = (filler & ~row.mask) | row.match;
  Bytes bytes;
  AppendNumber(bytes, row.Retargeted(word, target, address), row.size, of.big);
  return bytes;
}

size_t ReferenceRows(unsigned architecture) { return Architectures().at(architecture).rows.size(); }

}  // namespace mote::testing
