// SPDX-License-Identifier: Apache-2.0
// Codec model, decoded twice: the device's decoder and the reference, which FORMAT.md alone made,
// must come to the same status and image. Deltas that the encoder made, the same damaged, and
// forged ones that say what no encoder would.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "diff/apply.h"
#include "diff/commands.h"
#include "diff/diff.h"
#include "diff/model.h"
#include "tests/support/images.h"
#include "tests/support/pairs.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/reference.h"
#include "tests/support/reference_model.h"

namespace mote::testing {
namespace {

constexpr unsigned kArchitectures = 11;
constexpr unsigned kProfiles = 3;
constexpr uint32_t kCapacity = 1 << 16;

constexpr unsigned kRiscv = 3, kAarch64 = 4;  // numbers of FORMAT.md 6.4

Bytes MakeDelta(const Bytes& old_image, const Bytes& new_image, unsigned profile,
                std::optional<unsigned> architecture, unsigned effort = 1) {
  DiffOptions options;
  options.ram = DecoderRam(Codec::kModel, profile).value();
  options.effort = effort;
  if (architecture) options.architecture = static_cast<ArchitectureId>(*architecture);
  return Diff(old_image, new_image, options);
}

Outcome OnDevice(const Bytes& old_image, const Bytes& delta, Random& random) {
  PatcherRig rig(old_image);
  rig.capacity = kCapacity;
  rig.buffer_size = 1 + random.UpTo(300);
  rig.Start();
  const Status status =
      random.Below(4) == 0 ? rig.Write(delta, 1 + random.UpTo(64)) : rig.Write(delta, random);
  return {status, rig.flushed()};
}

// What both came to; a failure where they differ.
Outcome Both(const Bytes& old_image, const Bytes& delta, Random& random) {
  const Outcome device = OnDevice(old_image, delta, random);
  Outcome reference = ReferenceDevice{.old_image = old_image, .capacity = kCapacity}.Apply(delta);
  EXPECT_STREQ(StatusName(device.status), StatusName(reference.status));
  if (device.status == Status::kDone && reference.status == Status::kDone) {
    EXPECT_EQ(Compare(device.image, reference.image), "");
  }
  return reference;
}

void ExpectBoth(const Bytes& old_image, const Bytes& new_image, const Bytes& delta,
                Random& random) {
  const Outcome outcome = Both(old_image, delta, random);
  ASSERT_FALSE(::testing::Test::HasFailure());
  ASSERT_STREQ(StatusName(outcome.status), StatusName(Status::kDone));
  ASSERT_EQ(Compare(outcome.image, new_image), "");
}

// --- FORMAT.md 7.2

TEST(ModelFormat, WorkedExampleIsDecoded) {
  Bytes old_image;
  for (int i = 0; i < 64; ++i) old_image.push_back(static_cast<uint8_t>(i));
  Bytes new_image = old_image;
  new_image[32] = 0x21;
  const Bytes delta = Hex("D1 02 40 00 05 09 3A 6D 00 7C 28 CF E1 39 7C AA 93 4C");
  Random random(1);
  ExpectBoth(old_image, new_image, delta, random);
  EXPECT_EQ(Apply(old_image, delta), new_image);
  const Outcome device = PatcherRig(old_image).Run(delta, 1);
  EXPECT_EQ(device, (Outcome{Status::kDone, new_image}));
}

// --- Programs: functions of filling, calls, pointers and address pairs, laid out at an address.

class Program {
 public:
  Program(Random& random, unsigned architecture) : random_(random), architecture_(architecture) {
    for (uint32_t n = 4 + random.Below(24); n != 0; --n) functions_.push_back(NewFunction());
  }

  void Edit() {
    auto& function = functions_[random_.Below(functions_.size())];
    const size_t at = random_.Below(function.size());
    const auto place = function.begin() + static_cast<ptrdiff_t>(at);
    const auto other = static_cast<ptrdiff_t>(random_.Below(functions_.size()));
    switch (random_.Below(7)) {
      case 0:
        function.insert(place, NewItem());
        break;
      case 1:
        *place = NewItem();
        break;
      case 2:
        place->function = static_cast<uint32_t>(other);
        break;
      case 3:
        place->filler = static_cast<uint32_t>(random_.Next());
        break;
      case 4:
        std::swap(function, functions_[static_cast<size_t>(other)]);
        break;
      case 5:
        functions_.insert(functions_.begin() + other, NewFunction());
        break;
      default:
        if (function.size() > 1) function.erase(place);
    }
  }

  // Calls count functions, so that a new one in front moves all names: some edits change much.
  Bytes Link(uint32_t base) const {
    std::vector<uint32_t> addresses(functions_.size(), base);
    Lay(base, addresses);
    return Lay(base, addresses);
  }

 private:
  enum class Kind { kFiller, kCall, kPointer, kPair };
  struct Item {
    Kind kind;
    uint32_t function, filler, offset;
  };
  using Function = std::vector<Item>;

  Item NewItem() {
    constexpr Kind kKinds[] = {Kind::kFiller, Kind::kFiller,  Kind::kCall,
                               Kind::kCall,   Kind::kPointer, Kind::kPair};
    return {kKinds[random_.Below(std::size(kKinds))], random_.Below(functions_.size() + 1),
            static_cast<uint32_t>(random_.Next()), random_.Below(4) == 0 ? random_.Below(64) : 0};
  }
  Function NewFunction() {
    Function function;
    for (uint32_t n = 1 + random_.Below(30); n != 0; --n) function.push_back(NewItem());
    return function;
  }

  bool IsBig() const { return architecture_ == 6 || architecture_ >= 8; }
  static void Put(Bytes& to, uint32_t word, bool big = false) {
    for (unsigned i = 0; i < 4; ++i)
      to.push_back(static_cast<uint8_t>(word >> 8 * (big ? 3 - i : i)));
  }

  // One pass: with the addresses of the pass before it.
  Bytes Lay(uint32_t base, std::vector<uint32_t>& addresses) const {
    Bytes image;
    const std::vector<uint32_t> known = addresses;
    for (size_t f = 0; f < functions_.size(); ++f) {
      while (image.size() % 4 != 0) image.push_back(0);
      addresses[f] = base + static_cast<uint32_t>(image.size());
      for (const Item& item : functions_[f]) {
        const uint32_t target = known[item.function % known.size()] + item.offset;
        LayItem(item, target, base, image);
      }
    }
    return image;
  }

  void LayItem(const Item& item, uint32_t target, uint32_t base, Bytes& image) const {
    const auto address = [&] { return base + static_cast<uint32_t>(image.size()); };
    const size_t rows = ReferenceRows(architecture_);
    if (item.kind == Kind::kPair && (architecture_ == kRiscv || architecture_ == kAarch64)) {
      if (architecture_ == kRiscv) {
        LayRiscvPair(item.filler, target, address(), image);
      } else {
        LayAarch64Pair(item.filler, target & ~15u, address(), image);
      }
    } else if (item.kind == Kind::kCall && rows != 0) {
      const Bytes bytes =
          ReferenceInstruction(architecture_, item.filler % rows, item.filler, target, address());
      image.insert(image.end(), bytes.begin(), bytes.end());
    } else if (item.kind == Kind::kFiller) {
      // Few different ones; one in four random; some at the bounds of relative words.
      constexpr uint32_t kBounds[] = {0xFFEFFFFF, 0xFFF00000, 0xFFFFFEFF, 0xFFFFFF00};
      const uint32_t few = (item.filler >> 8) % 16 * 0x01234567;
      Put(image,
          item.filler % 32 == 1  ? kBounds[item.filler >> 8 & 3]
          : item.filler % 4 != 0 ? few
                                 : item.filler,
          IsBig());
    } else {
      while (image.size() % 4 != 0) image.push_back(0);
      Put(image, target, IsBig());
    }
  }

  // Instructions between the two parts: 0 to 3, or up to one more than there may be.
  static uint32_t Gap(uint32_t filler) {
    const uint32_t n = filler >> 4 & 3;
    return n != 3 ? n : 3 + (filler >> 13 & 7) % 6;
  }

  // LUI or AUIPC, some instructions, one or two lower parts, one in eight with another register.
  static void LayRiscvPair(uint32_t filler, uint32_t t, uint32_t a, Bytes& image) {
    const uint32_t r = 5 + filler % 8;
    const bool lui = filler >> 3 & 1;
    if (!lui) t -= a;
    Put(image, ((t + 0x800) & ~0xFFFu) | r << 7 | (lui ? 0x37 : 0x17));
    for (uint32_t n = Gap(filler); n != 0; --n) {
      if (filler >> (6 + n % 4) & 1) {
        Put(image, 0x00000013 | (filler >> 10 & 31) << 7);  // ADDI of any register
      } else {
        image.push_back(static_cast<uint8_t>(filler >> 12 & 0xFE) | (filler >> 11 & 1));
        image.push_back(static_cast<uint8_t>(filler >> 17));
      }
    }
    for (uint32_t n = 1 + (filler >> 24 & 1); n != 0; --n) {
      const uint32_t lower = t + 4 * (n - 1);
      const uint32_t base_register = filler >> 25 == 0 ? 31 : r;
      if (filler >> (26 + n) & 1) {
        Put(image, 0x00002023 | base_register << 15 | (filler >> 20 & 31) << 20 |
                       (lower & 31) << 7 | (lower >> 5 & 127) << 25);
      } else {
        constexpr uint32_t kCode[] = {0x00000067, 0x00002003, 0x00002007, 0x00000013};
        Put(image,
            kCode[filler >> 29 & 3] | base_register << 15 | (filler >> 20 & 31) << 7 | lower << 20);
      }
    }
  }

  static void LayAarch64Pair(uint32_t filler, uint32_t t, uint32_t a, Bytes& image) {
    const uint32_t r = filler % 8;
    const uint32_t p = (t >> 12) - (a >> 12);
    Put(image, 0x90000000 | (p & 3) << 29 | (p >> 2 & 0x7FFFF) << 5 | r);
    for (uint32_t n = Gap(filler); n != 0; --n) Put(image, 0xD503201F);
    for (uint32_t n = 1 + (filler >> 24 & 1); n != 0; --n) {
      const uint32_t lower = t & 0xFFF;
      if (filler >> (26 + n) & 1) {
        Put(image, 0x91000000 | lower << 10 | r << 5 | (filler >> 20 & 31));
      } else {
        const uint32_t size = filler >> 29 & 3;
        const bool quad = size == 0 && filler >> 28 & 1;
        // One in four any number, also one that is beyond a page.
        const uint32_t number = filler >> 8 & 3 ? lower >> (quad ? 4 : size) : filler >> 12 & 0xFFF;
        Put(image, 0x39400000 | size << 30 | (quad ? 0x04800000u : 0) | number << 10 | r << 5 |
                       (filler >> 20 & 31));
      }
    }
  }

  Random& random_;
  unsigned architecture_;
  std::vector<Function> functions_;
};

struct Pair {
  Bytes old_image, new_image;
};

uint32_t AnyBase(Random& random) {
  constexpr uint32_t kBases[] = {0, 0x1000, 0x08000000, 0x20000000, 0x40200000, 0xFFFFF000};
  return kBases[random.Below(std::size(kBases))];
}

Pair ProgramPair(Random& random, unsigned architecture) {
  Program program(random, architecture);
  const uint32_t base = AnyBase(random);
  Pair pair;
  pair.old_image = program.Link(base);
  for (uint32_t n = random.Below(12); n != 0; --n) program.Edit();
  pair.new_image = program.Link(random.Below(4) == 0 ? base + 0x2000 : base);
  if (random.Below(3) == 0)
    pair.new_image = Edited(random, pair.new_image, 1 + static_cast<int>(random.Below(3)), 20'000);
  return pair;
}

struct Class {
  unsigned architecture, profile;
};

void PrintTo(const Class& c, std::ostream* out) {
  *out << "architecture " << c.architecture << ", profile " << c.profile;
}

std::vector<Class> Classes() {
  std::vector<Class> classes;
  for (unsigned a = 0; a < kArchitectures; ++a)
    for (unsigned p = 0; p < kProfiles; ++p) classes.push_back({a, p});
  return classes;
}

uint64_t Seed(const Class& c, int i) {
  return (c.architecture * 10 + c.profile) * uint64_t{1'000'000} + static_cast<uint64_t>(i);
}

std::string NameOf(const ::testing::TestParamInfo<Class>& c) {
  return "architecture_" + std::to_string(c.param.architecture) + "_profile_" +
         std::to_string(c.param.profile);
}

class ModelTwice : public ::testing::TestWithParam<Class> {};

INSTANTIATE_TEST_SUITE_P(Model, ModelTwice, ::testing::ValuesIn(Classes()), NameOf);

TEST_P(ModelTwice, Programs) {
  for (int i = 0; i < 120 / kSlowdown; ++i) {
    const uint64_t seed = Seed(GetParam(), i);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Random random(seed);
    const auto [old_image, new_image] = ProgramPair(random, GetParam().architecture);
    const Bytes delta =
        MakeDelta(old_image, new_image, GetParam().profile, GetParam().architecture);
    ASSERT_EQ(ReadHeader(delta).codec, Codec::kModel);
    ASSERT_GE(ReadHeader(delta).profile, GetParam().profile);
    ASSERT_NO_FATAL_FAILURE(ExpectBoth(old_image, new_image, delta, random));
  }
}

TEST_P(ModelTwice, Edits) {
  for (int i = 0; i < 120 / kSlowdown; ++i) {
    const uint64_t seed = Seed(GetParam(), i);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Random random(seed);
    const uint32_t limit = i % 30 == 0 ? 40'000 : 4'000;
    const uint32_t size = random.Below(limit);
    const Bytes old_image = i % 5 == 0 ? RandomBytes(random, size) : CodeLikeBytes(random, size);
    const Bytes new_image = Edited(random, old_image, 1 + static_cast<int>(random.Below(8)), limit);
    const Bytes delta =
        MakeDelta(old_image, new_image, GetParam().profile, GetParam().architecture);
    ASSERT_NO_FATAL_FAILURE(ExpectBoth(old_image, new_image, delta, random));
  }
}

// --- Damaged deltas

class ModelDamaged : public ModelTwice {
 protected:
  void SetUp() override {
    Random random(Seed(GetParam(), 0));
    do {
      pair_ = ProgramPair(random, GetParam().architecture);
      delta_ =
          MakeDelta(pair_.old_image, pair_.new_image, GetParam().profile, GetParam().architecture);
    } while (delta_.size() < 60 || delta_.size() > 600);
  }
  // One wound must never make another image; of more, only the reference can tell.
  void Expect(const Bytes& delta, bool one_wound, Random& random) {
    const Outcome outcome = Both(pair_.old_image, delta, random);
    ASSERT_FALSE(HasFailure());
    if (one_wound && outcome.status == Status::kDone) {
      ASSERT_EQ(Compare(outcome.image, pair_.new_image), "") << "a wrong image was called good";
    }
  }

  Pair pair_;
  Bytes delta_;
};

INSTANTIATE_TEST_SUITE_P(Model, ModelDamaged, ::testing::ValuesIn(Classes()), NameOf);

TEST_P(ModelDamaged, EveryFlippedBit) {
  Random random(2);
  Bytes delta = delta_;
  for (size_t bit = 0; bit < 8 * delta.size(); bit += kSlowdown) {
    SCOPED_TRACE(::testing::Message() << "bit " << bit);
    delta[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    ASSERT_NO_FATAL_FAILURE(Expect(delta, true, random));
    delta[bit / 8] = delta_[bit / 8];
  }
}

TEST_P(ModelDamaged, EveryCut) {
  Random random(3);
  for (size_t size = 0; size < delta_.size(); ++size) {
    SCOPED_TRACE(::testing::Message() << "cut to " << size << " bytes");
    const Bytes delta(delta_.begin(), delta_.begin() + static_cast<ptrdiff_t>(size));
    ASSERT_NO_FATAL_FAILURE(Expect(delta, true, random));
  }
}

TEST_P(ModelDamaged, BytesLostDoubledAndReplaced) {
  Random random(4);
  for (size_t i = 0; i < delta_.size(); i += kSlowdown) {
    SCOPED_TRACE(::testing::Message() << "byte " << i);
    const auto at = static_cast<ptrdiff_t>(i);
    Bytes delta = delta_;
    delta.erase(delta.begin() + at);
    ASSERT_NO_FATAL_FAILURE(Expect(delta, false, random));
    delta = delta_;
    delta.insert(delta.begin() + at, delta_[i]);
    ASSERT_NO_FATAL_FAILURE(Expect(delta, false, random));
    for (const int value : {0x00, 0x7F, 0xFF}) {
      delta = delta_;
      delta[i] = static_cast<uint8_t>(value);
      ASSERT_NO_FATAL_FAILURE(Expect(delta, true, random));
    }
  }
}

TEST_P(ModelDamaged, ManyWounds) {
  Random random(5);
  const size_t header = ReadHeader(delta_).header_size;
  for (int i = 0; i < 3'000 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "case " << i);
    // Some in the setting, some anywhere behind the header, some a tail of garbage.
    Bytes delta = delta_;
    const size_t end = i % 4 == 0 ? std::min<size_t>(header + 16, delta.size()) : delta.size();
    for (uint32_t n = 1 + random.Below(3); n != 0; --n)
      delta[header + random.Below(end - header)] = static_cast<uint8_t>(random.Next());
    if (i % 3 == 0) {
      delta.resize(header + random.Below(delta.size() - header));
      for (uint32_t n = random.Below(200); n != 0; --n)
        delta.push_back(static_cast<uint8_t>(random.Next()));
    }
    ASSERT_NO_FATAL_FAILURE(Expect(delta, false, random));
  }
}

// --- Forged deltas: the decisions are random, the bytes code them. They come further than damaged
// ones, whose decisions soon make no sense.

using Bits = std::vector<bool>;

void PutEven(Bits& bits, uint32_t value, unsigned n) {
  while (n-- != 0) bits.push_back(value >> n & 1);
}

// FORMAT.md 6.3, an even number.
void PutEvenNumber(Bits& bits, uint32_t value) {
  // 0 is 2 << 31, modulo 2^32.
  const unsigned z = value == 0 ? 31 : static_cast<unsigned>(std::countr_zero(value));
  const uint32_t rest = value == 0 ? 2 : value >> z;
  const auto b = static_cast<unsigned>(std::bit_width(rest)) - 1;
  PutEven(bits, z, 5);
  PutEven(bits, b, 5);
  PutEven(bits, rest, b);
}

struct ForgedSegment {
  uint32_t old_step, new_step, old_address, new_address;
};

struct ForgedSetting {
  unsigned architecture = 0;
  bool relative_words = false, has_ram = false, other_addresses = false;
  uint32_t ram_start = 0, ram_size = 0;
  std::vector<ForgedSegment> segments = {{}};

  Bits Coded(uint32_t new_check) const {
    Bits bits;
    PutEven(bits, architecture, 4);
    for (const bool bit : {relative_words, has_ram, other_addresses}) bits.push_back(bit);
    PutEven(bits, static_cast<uint32_t>(segments.size()) - 1, 2);
    if (has_ram) {
      PutEvenNumber(bits, ram_start);
      PutEvenNumber(bits, ram_size);
    }
    for (size_t i = 0; i < segments.size(); ++i) {
      if (i != 0) {
        PutEvenNumber(bits, segments[i].old_step);
        PutEvenNumber(bits, segments[i].new_step);
      }
      PutEvenNumber(bits, segments[i].old_address);
      if (other_addresses) PutEvenNumber(bits, segments[i].new_address);
    }
    PutEven(bits, new_check, 32);
    return bits;
  }
};

// What stands after the setting.
class Choice {
 public:
  enum class Temper {
    kAsLikely,  // as the model expects
    kLikely,    // what is likely, but for a few
    kVeryLikely,
    kRestless,  // as the model expects, but for a few
  };
  Choice(uint64_t seed, Temper temper) : random_(seed), temper_(temper) {}

  bool operator()(uint32_t chance) {
    if (chance == 2048) return random_.Below(2) != 0;
    const uint32_t die = random_.Below(4096);
    switch (temper_) {
      case Temper::kAsLikely:
        return die < chance;
      case Temper::kLikely:
        return (chance > 2048) != (die < 100);
      case Temper::kVeryLikely:
        return (chance > 2048) != (die < 4);
      default:
        return random_.Below(16) == 0 ? die % 2 != 0 : die < chance;
    }
  }

 private:
  Random random_;
  Temper temper_;
};

Bytes Header(const Bytes& old_image, uint32_t new_size, unsigned profile) {
  Bytes header = {0xD1, static_cast<uint8_t>(2 | profile << 4)};
  const auto old_size = static_cast<uint32_t>(old_image.size());
  AppendVarint(header, old_size);
  AppendVarint(header, Zigzag(static_cast<int32_t>(new_size - old_size)));
  const uint32_t check = ReferenceCheck(old_image);
  for (int shift = 0; shift < 32; shift += 8)
    header.push_back(static_cast<uint8_t>(check >> shift));
  return header;
}

// A whole delta: the setting, with the check of what it makes, and what `choose` says, which is
// asked the same twice.
template <typename Choose>
Bytes Forge(const Bytes& old_image, uint32_t new_size, unsigned profile,
            const ForgedSetting& setting, const Choose& choose) {
  const auto forged = [&](uint32_t check) {
    const Bits start = setting.Coded(check);
    size_t at = 0;
    Choose rest = choose;
    return ForgeModel(old_image, new_size, profile, [&](uint32_t chance) {
      return at < start.size() ? start[at++] : rest(chance);
    });
  };
  const Forgery first = forged(0);
  const Forgery second = forged(ReferenceCheck(first.outcome.image));
  Bytes delta = Header(old_image, new_size, profile);
  delta.insert(delta.end(), second.coded.begin(), second.coded.end());
  return delta;
}

ForgedSetting RandomSetting(Random& random, unsigned architecture, uint32_t base, uint32_t old_size,
                            uint32_t new_size) {
  ForgedSetting setting;
  setting.architecture = architecture;
  setting.relative_words = random.Below(3) == 0;
  setting.has_ram = random.Below(3) == 0;
  setting.other_addresses = random.Below(3) == 0;
  setting.ram_start = random.Below(2) ? 0x20000000 : static_cast<uint32_t>(random.Next());
  setting.ram_size = random.UpTo(0xFFFFFFFF);
  const auto address = [&] {
    switch (random.Below(6)) {
      case 0:
        return static_cast<uint32_t>(random.Next());
      case 1:
        return base + random.Below(8);
      case 2:
        return base + 4 * random.Below(1024);
      default:
        return base;
    }
  };
  setting.segments = {{0, 0, address(), address()}};
  uint32_t old_left = old_size, new_left = new_size;
  while (random.Below(3) == 0 && setting.segments.size() < 4) {
    if (random.Below(10) == 0) {
      // Anywhere: behind the image, in front of the segment before, at the same place.
      const uint32_t old_step = random.Below(3) ? random.UpTo(0xFFFFFFFF) : 0u - random.UpTo(300);
      setting.segments.push_back({random.Below(4) ? old_step : 0,
                                  static_cast<uint32_t>(random.Next()), address(), address()});
      continue;
    }
    const uint32_t old_step = random.Below(old_left + 1), new_step = random.Below(new_left + 1);
    setting.segments.push_back({old_step, new_step, address(), address()});
    old_left -= old_step;
    new_left -= new_step;
  }
  return setting;
}

class ModelForged : public ModelTwice {};

INSTANTIATE_TEST_SUITE_P(Model, ModelForged, ::testing::ValuesIn(Classes()), NameOf);

TEST_P(ModelForged, RandomDecisions) {
  const auto [architecture, profile] = GetParam();
  const int cases = 1'500 / kSlowdown;
  int done = 0;
  for (int i = 0; i < cases; ++i) {
    const uint64_t seed = Seed(GetParam(), i);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Random random(seed);
    const uint32_t base = AnyBase(random);
    Bytes old_image = Program(random, architecture).Link(base);
    old_image.resize(random.Below(old_image.size() + 1));
    const uint32_t new_size = random.Below(4) == 0
                                  ? random.Below(2 * old_image.size() + 1)
                                  : random.UpTo(static_cast<uint32_t>(old_image.size()));
    const ForgedSetting setting = RandomSetting(random, architecture, base,
                                                static_cast<uint32_t>(old_image.size()), new_size);
    const auto temper = static_cast<Choice::Temper>(random.Below(4));
    Bytes delta = Forge(old_image, new_size, profile, setting, Choice(seed, temper));
    done += Both(old_image, delta, random).status == Status::kDone;
    ASSERT_FALSE(HasFailure());
    // Another byte on the way.
    const size_t header = ReadHeader(delta).header_size;
    if (delta.size() == header) continue;
    delta[header + random.Below(delta.size() - header)] ^=
        static_cast<uint8_t>(1 + random.Below(255));
    Both(old_image, delta, random);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(done, cases / 4) << "the decisions seldom made an image: they say too little";
  RecordProperty("done", done);
}

// Whole hits in one class until their bits are left out, and then a miss: 255 of them, and more.
TEST_P(ModelForged, LongStreaks) {
  const auto [architecture, profile] = GetParam();
  for (int i = 0; i < 40 / kSlowdown; ++i) {
    const uint64_t seed = Seed(GetParam(), i);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Random random(seed);
    // Pointers to everywhere, or to one place.
    ForgedSetting setting;
    setting.architecture = architecture;
    setting.segments = {{0, 0, 0x00400000, 0x00400000}};
    Bytes old_image;
    const bool big = architecture == 6 || architecture >= 8;
    const uint32_t spread = 1 + random.UpTo(4096);
    for (int n = 0; n < 1200; ++n) {
      const uint32_t word = 0x00400000 + random.Below(spread);
      for (unsigned k = 0; k < 4; ++k)
        old_image.push_back(static_cast<uint8_t>(word >> 8 * (big ? 3 - k : k)));
    }
    const auto temper = i % 2 ? Choice::Temper::kVeryLikely : Choice::Temper::kLikely;
    const Bytes delta = Forge(old_image, 4000, profile, setting, Choice(seed, temper));
    Both(old_image, delta, random);
    ASSERT_FALSE(HasFailure());
  }
}

// --- The setting, rule by rule (FORMAT.md 6.3)

TEST(ModelSetting, RandomBits) {
  Random random(6);
  const Bytes old_image = CodeLikeBytes(random, 200);
  for (int i = 0; i < 20'000 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "case " << i);
    const unsigned profile = random.Below(kProfiles);
    Bits bits;
    for (int n = 0; n < 400; ++n) bits.push_back(random.Below(2) != 0);
    if (i % 2 == 0) std::fill_n(bits.begin() + 4, 3, false);
    size_t at = 0;
    const Forgery forgery = ForgeModel(old_image, random.Below(300), profile,
                                       [&](uint32_t) { return bits[at++ % 400]; });
    Bytes delta = Header(old_image, random.Below(300), profile);
    delta.insert(delta.end(), forgery.coded.begin(), forgery.coded.end());
    Both(old_image, delta, random);
    ASSERT_FALSE(HasFailure());
  }
}

Status StatusOf(const ForgedSetting& setting, uint32_t new_size = 0) {
  Random random(7);
  const Bytes old_image(100, 0x55);
  const Bytes delta = Forge(old_image, new_size, 0, setting, Choice(1, Choice::Temper::kAsLikely));
  return Both(old_image, delta, random).status;
}

TEST(ModelSetting, ArchitecturesAbove10AreUnsupported) {
  for (unsigned architecture = 0; architecture < 16; ++architecture) {
    ForgedSetting setting;
    setting.architecture = architecture;
    EXPECT_EQ(StatusOf(setting), architecture <= 10 ? Status::kDone : Status::kUnsupported);
    // The rest of the setting does not matter.
    setting.segments.push_back({101, 0, 0, 0});
    EXPECT_EQ(StatusOf(setting), architecture <= 10 ? Status::kDone : Status::kUnsupported);
  }
}

TEST(ModelSetting, SegmentsMayStandAnywhere) {
  const std::vector<ForgedSegment> cases[] = {
      {{}, {100, 0, 7, 7}},
      {{}, {101, 0, 7, 7}},
      {{}, {0, 1, 7, 7}},
      {{}, {0, 0, 7, 7}, {0, 0, 9, 9}},
      {{}, {60, 0, 7, 7}, {41, 0, 7, 7}},
      // Steps are added modulo 2^32: back by 10, and to before the first byte.
      {{}, {60, 0, 7, 7}, {0xFFFFFFF6, 0, 9, 9}},
      {{}, {60, 0, 7, 7}, {0xFFFFFFC3, 0, 9, 9}, {3, 0, 11, 11}},
  };
  for (const auto& segments : cases) {
    ForgedSetting setting;
    setting.segments = segments;
    EXPECT_EQ(StatusOf(setting), Status::kDone);
  }
}

TEST(ModelSetting, EvenNumbersOfAllForms) {
  const Bytes old_image(8, 1);
  Random random(8);
  for (uint32_t b = 0; b < 32; ++b) {
    for (uint32_t z = 0; z < 32; ++z) {
      SCOPED_TRACE(::testing::Message() << "b " << b << ", z " << z);
      Bits bits(9, false);
      PutEven(bits, z, 5);
      PutEven(bits, b, 5);
      PutEven(bits, 0x2AAAAAAA, b);
      PutEven(bits, ReferenceCheck({}), 32);
      size_t at = 0;
      const Forgery forgery = ForgeModel(
          old_image, 0, 0, [&](uint32_t) { return at < bits.size() ? bits[at++] : false; });
      Bytes delta = Header(old_image, 0, 0);
      delta.insert(delta.end(), forgery.coded.begin(), forgery.coded.end());
      const Outcome outcome = Both(old_image, delta, random);
      ASSERT_FALSE(HasFailure());
      ASSERT_EQ(outcome.status, Status::kDone);
      const uint32_t number = ((uint32_t{1} << b) + (0x2AAAAAAAu & ((1u << b) - 1))) << z;
      ASSERT_EQ(ReadModelSetting(forgery.coded).segments[0].old_address, number);
      if (number != 0) {  // the written form of this number, which PutEvenNumber makes
        Bits again;
        PutEvenNumber(again, number);
        size_t from = 0;
        const auto even = [&](unsigned n) {
          uint32_t value = 0;
          while (n-- != 0) value = value * 2 + again[from++];
          return value;
        };
        const uint32_t zeros = even(5), middle = even(5);
        ASSERT_EQ(((uint32_t{1} << middle) + even(middle)) << zeros, number);
        ASSERT_EQ(from, again.size());
      }
    }
  }
}

// --- Numbers at their ends

// Bits in the order of decoding; behind them zeros.
class Script {
 public:
  explicit Script(const char* bits) : bits_(bits) {}
  bool operator()(uint32_t) {
    while (*bits_ == ' ') ++bits_;
    return *bits_ != 0 && *bits_++ == '1';
  }

 private:
  const char* bits_;
};

Outcome Scripted(const Bytes& old_image, uint32_t new_size, const std::string& bits) {
  Random random(9);
  const Bytes delta = Forge(old_image, new_size, 0, {}, Script(bits.c_str()));
  return Both(old_image, delta, random);
}

// FORMAT.md 6.2: a number, 5 bits of its tree and the even ones behind.
std::string Number(uint32_t value) {
  std::string bits;
  const auto put = [&](uint32_t number, unsigned n) {
    while (n-- != 0) bits += static_cast<char>('0' + (number >> n & 1));
    if (bits.empty() || bits.back() != ' ') bits += ' ';
  };
  const auto b = static_cast<unsigned>(std::bit_width(value + 1)) - 1;
  put(b, 5);
  put(value + 1, b);
  return bits;
}

TEST(ModelNumber, LongestMatchesAreCorrupt) {
  // No run, an insertion of 7 bytes: three literals 0, 1, 2, and then a match.
  const std::string start = "00000  1 00011 000  0 00000000 0 00000001 0 00000010  1 ";
  ASSERT_EQ(Number(0) + "1 " + Number(7), "00000 1 00011 000 ");
  const std::string at_last = start + "1 ", at_another = start + "0 ";
  // At another distance lengths are 3 more than the number, at the last one 1 more: 2^32 - 1 and 0
  // modulo 2^32, and 2^32 - 1 again.
  for (const uint32_t distance : {0u, 1u, 2u, 3u, 0xFFFFFFFEu}) {
    const std::string ending = Number(distance);
    EXPECT_EQ(Scripted({}, 7, at_another + Number(0xFFFFFFFC) + ending).status, Status::kCorrupt);
    EXPECT_EQ(Scripted({}, 7, at_another + Number(0xFFFFFFFD) + ending).status, Status::kCorrupt);
  }
  EXPECT_EQ(Scripted({}, 7, at_last + Number(0xFFFFFFFE)).status, Status::kCorrupt);
  EXPECT_EQ(Scripted({}, 7, at_last + Number(0xFFFFFFFD)).status, Status::kCorrupt);
  // The largest number, 2^32 - 2, is length 1 at distance 2; zeros follow.
  EXPECT_EQ(Scripted({}, 7, at_another + Number(0xFFFFFFFE) + Number(1)),
            (Outcome{Status::kDone, {0, 1, 2, 1, 0, 0, 0}}));
  // Length 3 at distance 2, and a byte of 0 at its end.
  EXPECT_EQ(Scripted({}, 7, at_another + Number(0) + Number(1)),
            (Outcome{Status::kDone, {0, 1, 2, 1, 2, 1, 0}}));
  // At the last distance, which is 1 before there was one: length 4.
  EXPECT_EQ(Scripted({}, 7, at_last + Number(3)), (Outcome{Status::kDone, {0, 1, 2, 2, 2, 2, 2}}));
  EXPECT_EQ(Scripted({}, 7, at_last + Number(4)).status, Status::kCorrupt);
  // Distances reach to the first byte of new.
  EXPECT_EQ(Scripted({}, 7, at_another + Number(0) + Number(2)),
            (Outcome{Status::kDone, {0, 1, 2, 0, 1, 2, 0}}));
  EXPECT_EQ(Scripted({}, 7, at_another + Number(0) + Number(3)).status, Status::kCorrupt);
  EXPECT_EQ(Scripted({}, 7, at_another + Number(0) + Number(0xFFFFFFFE)).status, Status::kCorrupt);
}

TEST(ModelNumber, NothingIsBeforeTheFirstByte) {
  // An insertion that starts with a match, at the last distance and at another.
  EXPECT_EQ(Scripted({}, 7, "00000 1 " + Number(7) + "1 1 " + Number(0)).status, Status::kCorrupt);
  EXPECT_EQ(Scripted({}, 7, "00000 1 " + Number(7) + "1 0 " + Number(0) + Number(0)).status,
            Status::kCorrupt);
}

TEST(ModelNumber, LongestRunGoesToTheEndOfOld) {
  // A run of very many: of the two bytes that there are.
  EXPECT_EQ(Scripted({1, 2}, 2, Number(0xFFFFFFFE)), (Outcome{Status::kDone, {1, 2}}));
  EXPECT_EQ(Scripted({1, 2}, 3, Number(0xFFFFFFFE)).status, Status::kCorrupt);
}

TEST(ModelNumber, SeeksGoBothWaysFromThePrediction) {
  // Nothing is copied; an insertion of no bytes, then a seek from 0: no recent one is other than
  // predicted; 3 ahead; two bytes are copied from there; 4 back from 5, where nothing of
  // the four recent ones, which are 3, 0, 0, 0, is taken but asked: predicted is 3.
  const Bytes old_image{10, 11, 12, 13, 14, 15, 16, 17};
  const std::string seek_to_3 = Number(0) + "1 " + Number(0) + Number(3) + "0 ";
  EXPECT_EQ(Scripted(old_image, 2, seek_to_3 + Number(2)), (Outcome{Status::kDone, {13, 14}}));
  const std::string seek_back =
      seek_to_3 + Number(2) + "1 " + Number(0) + "0 0 0 " + Number(4) + "1 ";
  EXPECT_EQ(Scripted(old_image, 4, seek_back + Number(2)),
            (Outcome{Status::kDone, {13, 14, 11, 12}}));
  // The first of the recent ones that is not 3, 0: from 2 of new on.
  EXPECT_EQ(Scripted(old_image, 4, seek_to_3 + Number(2) + "1 " + Number(0) + "1 " + Number(2)),
            (Outcome{Status::kDone, {13, 14, 12, 13}}));
  // To the end of old one may go, no further, and not to before its start.
  const std::string seek = Number(0) + "1 " + Number(0);
  EXPECT_EQ(
      Scripted(old_image, 1, seek + Number(8) + "0 " + Number(0) + "1 " + Number(1) + "0 00000111")
          .image,
      (Bytes{7}));
  EXPECT_EQ(Scripted(old_image, 1, seek + Number(9) + "0 ").status, Status::kCorrupt);
  EXPECT_EQ(Scripted(old_image, 1, seek + Number(1) + "1 ").status, Status::kCorrupt);
  // Two seeks with nothing between them.
  EXPECT_EQ(Scripted(old_image, 1, seek + Number(3) + "0 " + Number(0) + "1 " + Number(0)).status,
            Status::kCorrupt);
}

// --- Real firmware

class ModelRealPair : public ::testing::TestWithParam<std::string> {};

TEST(ModelRealPairs, AreThere) { EXPECT_GE(PairNames().size(), 3u); }

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModelRealPair);
INSTANTIATE_TEST_SUITE_P(Model, ModelRealPair, ::testing::ValuesIn(PairNames()),
                         [](const auto& pair) { return TestName(pair.param); });

TEST_P(ModelRealPair, BothWays) {
  const auto [a, b] = ReadPair(GetParam());
  Random random(a.size());
  const auto expect = [&](const Bytes& from, const Bytes& to) {
    for (unsigned profile = 0; profile < kProfiles; ++profile) {
      SCOPED_TRACE(::testing::Message() << "profile " << profile);
      const Bytes delta = MakeDelta(from, to, profile, {}, kDefaultEffort);
      ASSERT_NO_FATAL_FAILURE(ExpectBoth(from, to, delta, random));
      // The wrong instruction set makes larger deltas that say more.
      for (unsigned architecture = 0; architecture < kArchitectures; ++architecture) {
        SCOPED_TRACE(::testing::Message() << "architecture " << architecture);
        const Bytes forced = MakeDelta(from, to, profile, architecture);
        ASSERT_NO_FATAL_FAILURE(ExpectBoth(from, to, forced, random));
      }
    }
  };
  ASSERT_NO_FATAL_FAILURE(expect(a, b));
  ASSERT_NO_FATAL_FAILURE(expect(b, a));
}

}  // namespace
}  // namespace mote::testing
