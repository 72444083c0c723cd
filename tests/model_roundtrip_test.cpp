// SPDX-License-Identifier: Apache-2.0
// Codec model: what the encoder writes, the device rebuilds. Every profile and instruction set,
// settings made by hand, images of odd sizes, and several flashes. Seeds decide everything; a
// failure prints the seed of its case.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "diff/align.h"
#include "diff/apply.h"
#include "diff/diff.h"
#include "diff/model.h"
#include "diff/suffix_array.h"
#include "tests/support/device.h"
#include "tests/support/images.h"
#include "tests/support/model_deltas.h"
#include "tests/support/pairs.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/programs.h"
#include "tests/support/reference.h"

namespace mote::testing {
namespace {

constexpr uint32_t kPieceSizes[] = {1, 2, 3, 7, 64, 4096};
constexpr uint32_t kBuffers[] = {1, 3, 64, 100, 4096};
constexpr DeviceShape kShapes[] = {
    {.sector = 4096, .program_unit = 4, .buffer = 4096},
    {.sector = 4096, .program_unit = 256, .buffer = 256},
    {.sector = 128, .program_unit = 4, .buffer = 128, .erased_value = 0x00},
    {.sector = 512, .program_unit = 8, .buffer = 24},
    {.sector = 96, .program_unit = 32, .buffer = 2048},
    {.sector = 1, .program_unit = 1, .buffer = 1},
};

Bytes MakeDelta(const Bytes& old_image, const Bytes& new_image, unsigned profile,
                std::optional<ArchitectureId> architecture = {}) {
  DiffOptions options;
  options.ram = kModelRam[profile];
  options.architecture = architecture;
  options.effort = 1;
  return Diff(old_image, new_image, options);
}

// On a whole device, with memory for this delta and not a byte more.
void ExpectUpdate(const DeviceShape& shape, const Bytes& old_image, const Bytes& new_image,
                  const Bytes& delta, const Pieces& pieces) {
  const DeltaHeader header = ReadHeader(delta);
  ASSERT_EQ(header.codec, Codec::kModel);
  ASSERT_EQ(header.old_size, old_image.size());
  ASSERT_EQ(header.new_size, new_image.size());
  const DeviceOutcome outcome = RunDevice(shape, old_image, static_cast<uint32_t>(new_image.size()),
                                          CodecMemory(header), delta, pieces);
  ASSERT_STREQ(StatusName(outcome.status), "done");
  ASSERT_EQ(Compare(outcome.image, new_image), "");
}

// All kinds of pieces, each on one of the devices; which one, `random` decides.
void ExpectUpdates(Random& random, const Bytes& old_image, const Bytes& new_image,
                   const Bytes& delta) {
  for (const uint32_t size : kPieceSizes) {
    const DeviceShape& shape = kShapes[random.Below(std::size(kShapes))];
    SCOPED_TRACE(::testing::Message()
                 << "pieces of " << size << ", " << ::testing::PrintToString(shape));
    ASSERT_NO_FATAL_FAILURE(ExpectUpdate(shape, old_image, new_image, delta, Pieces(size)));
  }
  const DeviceShape& shape = kShapes[random.Below(std::size(kShapes))];
  SCOPED_TRACE(::testing::Message() << "random pieces, " << ::testing::PrintToString(shape));
  ASSERT_NO_FATAL_FAILURE(ExpectUpdate(shape, old_image, new_image, delta, Pieces(random)));
}

// The patcher alone, whose calls are watched more closely: faster, for many cases.
void ExpectRebuilt(const Bytes& old_image, const Bytes& new_image, const Bytes& delta,
                   uint32_t buffer, uint32_t pieces) {
  PatcherRig rig(old_image);
  rig.buffer_size = buffer;
  rig.memory_size = CodecMemory(ReadHeader(delta));
  rig.capacity = static_cast<uint32_t>(new_image.size());
  const Outcome outcome = rig.Run(delta, pieces);
  ASSERT_STREQ(StatusName(outcome.status), "done")
      << "the second decoder says "
      << StatusName(ReferenceDevice{.old_image = old_image}.Apply(delta).status)
      << ": if done, the device's is wrong, else the encoder";
  ASSERT_EQ(Compare(outcome.image, new_image), "");
}

void ExpectRebuilt(Random& random, const Bytes& old_image, const Bytes& new_image,
                   const Bytes& delta) {
  ExpectRebuilt(old_image, new_image, delta, kBuffers[random.Below(std::size(kBuffers))],
                kPieceSizes[random.Below(std::size(kPieceSizes))]);
}

ArchitectureId RandomArchitecture(Random& random) {
  return static_cast<ArchitectureId>(random.Below(kArchitectureCount));
}

class EveryArchitecture : public ::testing::TestWithParam<unsigned> {
 protected:
  static ArchitectureId Id() { return static_cast<ArchitectureId>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Model, EveryArchitecture, ::testing::Range(0u, kArchitectureCount),
                         [](const auto& id) {
                           std::string name =
                               ArchitectureName(static_cast<ArchitectureId>(id.param));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

// --- Generated edits.

class ModelEdits : public ::testing::TestWithParam<int> {};


INSTANTIATE_TEST_SUITE_P(Model, ModelEdits, ::testing::Range(0, kEditKinds),
                         [](const auto& kind) { return EditKindName(kind.param); });

TEST_P(ModelEdits, AreUpdated) {
  for (int i = 0; i < 250 / kSlowdown; ++i) {
    const uint64_t seed = static_cast<uint64_t>(GetParam()) * 1'000'000 + static_cast<uint64_t>(i);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Random random(seed);
    const auto [old_image, new_image] = MakeEditedPair(random, GetParam(), i);
    // Found out by the encoder now and then, which is slow; given mostly, whether it fits or not.
    std::optional<ArchitectureId> architecture;
    if (i % 4 != 0) architecture = RandomArchitecture(random);
    const Bytes delta = MakeDelta(old_image, new_image, random.Below(kModelProfiles), architecture);
    ASSERT_NO_FATAL_FAILURE(ExpectUpdates(random, old_image, new_image, delta));
  }
}

// --- Programs with addresses, by a setting that fits: units of all kinds are hit and missed.

TEST_P(EveryArchitecture, ProgramsAreUpdated) {
  for (int i = 0; i < 60 / kSlowdown + 1; ++i) {
    SCOPED_TRACE(::testing::Message() << "seed " << i);
    Random random(static_cast<uint64_t>(i));
    ProgramOptions options;
    options.architecture = Id();
    options.functions = 5 + random.Below(60);
    options.function_size = 20 + random.Below(200);
    options.edits = random.Below(6);
    options.retargeted = random.Below(2) ? 0 : 3 + random.Below(60);
    // To another slot as often as not.
    if (i % 2) options.new_base = options.old_base + (1 + random.Below(7)) * 0x20000;
    const Program program = MakeProgram(random, options);
    for (unsigned profile = 0; profile < kModelProfiles; ++profile) {
      SCOPED_TRACE(::testing::Message() << "profile " << profile);
      const Bytes delta = EncodedDelta(program.old_image, program.new_image, program.copies,
                                       program.setting, profile);
      if (i % 8 == 0) {
        ASSERT_NO_FATAL_FAILURE(ExpectUpdates(random, program.old_image, program.new_image, delta));
      } else {
        ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, program.old_image, program.new_image, delta));
      }
    }
  }
}

// What the model is for. A program that only moved has nothing new but where it stands: the delta
// may not grow with it. Without the addresses, it does.
TEST_P(EveryArchitecture, MovedProgramsCostNextToNothing) {
  Random random(1);
  ProgramOptions options;
  options.architecture = Id();
  options.functions = 200;
  options.edits = 0;
  options.retargeted = 0;
  // 8051 and MIPS jumps stay in their 64 KiB and 256 MiB.
  options.old_base = 0x08000000;
  options.new_base = 0x08000000;
  Program program = MakeProgram(random, options);
  program.setting.relative_words = true;
  const Bytes same =
      EncodedDelta(program.old_image, program.new_image, program.copies, program.setting, 0);
  EXPECT_LE(same.size(), 40u);
  // From here on: all that points anywhere points 0x20000 higher.
  random = Random(1);
  options.new_base = 0x08020000;
  program = MakeProgram(random, options);
  program.setting.relative_words = true;
  const Bytes moved =
      EncodedDelta(program.old_image, program.new_image, program.copies, program.setting, 0);
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, program.old_image, program.new_image, moved));
  ModelSetting blind;
  blind.segments = {{0, 0x80000000, 0, 0x80000000}};
  const Bytes unseen = EncodedDelta(program.old_image, program.new_image, program.copies, blind, 0);
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, program.old_image, program.new_image, unseen));
  EXPECT_LT(moved.size() * 4, unseen.size());
}

// Diff finds all of it by itself.
TEST_P(EveryArchitecture, ProgramsAreUpdatedByDiff) {
  Random random(2);
  ProgramOptions options;
  options.architecture = Id();
  options.functions = 80;
  const Program program = MakeProgram(random, options);
  for (unsigned profile = 0; profile < kModelProfiles; ++profile) {
    const Bytes free = MakeDelta(program.old_image, program.new_image, profile);
    ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, program.old_image, program.new_image, free));
    const Bytes given = MakeDelta(program.old_image, program.new_image, profile, Id());
    ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, program.old_image, program.new_image, given));
    EXPECT_EQ(
        ReadModelSetting(std::span(given).subspan(ReadHeader(given).header_size)).architecture,
        Id());
  }
}

TEST_P(EveryArchitecture, RandomImagesAreUpdated) {
  // Random bytes are full of what looks like instructions, pairs and pointers, none of them aligned
  // with anything.
  for (int i = 0; i < 120 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "seed " << i);
    Random random(static_cast<uint64_t>(i) + 1000);
    const Bytes old_image = RandomBytes(random, random.UpTo(5'000));
    const Bytes new_image =
        i % 3 ? Edited(random, old_image, 6, 6'000) : RandomBytes(random, random.UpTo(5'000));
    const Bytes delta = MakeDelta(old_image, new_image, random.Below(kModelProfiles), Id());
    ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, old_image, new_image, delta));
  }
}

TEST_P(EveryArchitecture, TinyImagesAreUpdated) {
  // Around the lookahead, 36 bytes, and units cut off by either end.
  Random random(GetParam());
  const Program program =
      MakeProgram(random, {.architecture = Id(), .functions = 2, .function_size = 40, .edits = 1});
  const auto start = [&](const Bytes& image, size_t size) {
    return Bytes(image.begin(),
                 image.begin() + static_cast<ptrdiff_t>(std::min(size, image.size())));
  };
  for (uint32_t old_size = 0; old_size <= 40; ++old_size) {
    for (uint32_t new_size = 0; new_size <= 40; new_size += kSlowdown > 1 ? 3 : 1) {
      SCOPED_TRACE(::testing::Message() << old_size << " to " << new_size << " bytes");
      const Bytes old_image = start(program.old_image, old_size);
      const Bytes new_image =
          start((old_size + new_size) % 3 ? program.old_image : program.new_image, new_size);
      std::vector<Copy> copies;
      if (const uint32_t both = std::min(old_size, new_size); both != 0) copies = {{0, 0, both}};
      const Bytes delta =
          EncodedDelta(old_image, new_image, copies, program.setting, (old_size + new_size) % 3);
      ASSERT_NO_FATAL_FAILURE(
          ExpectRebuilt(old_image, new_image, delta, 1 + new_size % 5, 1 + old_size % 4));
      if ((old_size * 41 + new_size) % 11 == GetParam()) {
        const Bytes found = MakeDelta(old_image, new_image, old_size % 3, Id());
        ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(old_image, new_image, found, 64, 7));
      }
    }
  }
}

TEST_P(EveryArchitecture, OldMayEndAnywhere) {
  // Copies that end where old does, in the middle of a unit, or start there; new goes on.
  Random random(GetParam() + 50);
  const Program program =
      MakeProgram(random, {.architecture = Id(), .functions = 6, .function_size = 60});
  for (uint32_t cut = 1; cut < 60; ++cut) {
    SCOPED_TRACE(::testing::Message() << cut << " bytes less of old");
    if (cut >= program.old_image.size()) break;
    const Bytes old_image(program.old_image.begin(),
                          program.old_image.end() - static_cast<ptrdiff_t>(cut));
    const auto old_size = static_cast<uint32_t>(old_image.size());
    const auto new_size = static_cast<uint32_t>(program.new_image.size());
    std::vector<Copy> copies = {
        {0, old_size - std::min(old_size, 70 + cut), std::min({old_size, 70 + cut, new_size})}};
    const uint32_t next = copies[0].length + 1 + cut % 5;
    if (next < new_size) copies.push_back({next, 0, std::min(old_size, new_size - next)});
    for (unsigned profile = 0; profile < kModelProfiles; ++profile) {
      const Bytes delta =
          EncodedDelta(old_image, program.new_image, copies, program.setting, profile);
      ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, old_image, program.new_image, delta));
    }
  }
}

// --- Settings by hand.

// Segments anywhere, of any addresses, ranges of RAM that hold everything or nothing, alignments of
// no sense: size is all they may cost.
TEST_P(EveryArchitecture, AnySettingIsFollowed) {
  for (int i = 0; i < 250 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "seed " << i);
    Random random(static_cast<uint64_t>(i) + 5000);
    const Program program = MakeProgram(random, {.architecture = Id(), .functions = 20});
    const auto old_size = static_cast<uint32_t>(program.old_image.size());
    const auto new_size = static_cast<uint32_t>(program.new_image.size());
    const auto address = [&]() -> uint32_t {
      if (random.Below(3) == 0) return static_cast<uint32_t>(random.Next());
      return 0x08000000 + (random.Below(0x10000) & (random.Below(2) ? ~3u : ~0u));
    };
    const auto offset = [&](uint32_t size) {
      return random.Below(6) == 0 ? size * random.Below(2) : random.Below(size + 1);
    };
    ModelSetting setting = program.setting;
    setting.relative_words = random.Below(2) != 0;
    if (random.Below(2)) setting.ram_start = address(), setting.ram_size = random.UpTo(0xFFFFFFFF);
    setting.segments.resize(1 + random.Below(kMaxSegments));
    const bool other_addresses = random.Below(2) != 0;
    for (size_t n = 0; n < setting.segments.size(); ++n) {
      Segment& segment = setting.segments[n];
      if (n != 0) segment.old_offset = offset(old_size), segment.new_offset = offset(new_size);
      segment.old_address = segment.new_address = address();
      if (other_addresses) segment.new_address = address();
    }
    // In order, in both images.
    std::vector<uint32_t> new_offsets;
    for (const Segment& segment : setting.segments) new_offsets.push_back(segment.new_offset);
    std::ranges::sort(setting.segments, {}, &Segment::old_offset);
    std::ranges::sort(new_offsets);
    for (size_t n = 0; n < new_offsets.size(); ++n) setting.segments[n].new_offset = new_offsets[n];
    setting.segments[0].old_offset = setting.segments[0].new_offset = 0;
    // At whole words mostly; elsewhere they are nobody's, and followed all the same.
    if (random.Below(4) != 0) {
      for (Segment& segment : setting.segments) {
        for (uint32_t* value :
             {&segment.old_offset, &segment.new_offset, &segment.old_address, &segment.new_address})
          *value &= ~3u;
      }
    }
    std::vector<Copy> copies = program.copies;
    if (random.Below(3) == 0) {
      for (Copy& copy : copies) copy.old_position = random.Below(old_size - copy.length + 1);
    }
    const unsigned profile = random.Below(kModelProfiles);
    const Bytes delta =
        EncodedDelta(program.old_image, program.new_image, copies, setting, profile);
    ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, program.old_image, program.new_image, delta));
    // And it says what it was made with.
    const ModelSetting read =
        ReadModelSetting(std::span(delta).subspan(ReadHeader(delta).header_size));
    ASSERT_EQ(read.architecture, setting.architecture);
    ASSERT_EQ(read.relative_words, setting.relative_words);
    ASSERT_EQ(read.ram_size, setting.ram_size);
    if (setting.ram_size != 0) {
      ASSERT_EQ(read.ram_start, setting.ram_start);
    }
    ASSERT_EQ(read.new_check, ReferenceCheck(program.new_image));
    ASSERT_EQ(read.segments.size(), setting.segments.size());
    for (size_t n = 0; n < setting.segments.size(); ++n) {
      ASSERT_EQ(read.segments[n].old_offset, setting.segments[n].old_offset);
      ASSERT_EQ(read.segments[n].new_offset, setting.segments[n].new_offset);
      ASSERT_EQ(read.segments[n].old_address, setting.segments[n].old_address);
      ASSERT_EQ(read.segments[n].new_address, setting.segments[n].new_address);
    }
  }
}

// An image of several parts that are loaded apart, as on an ESP32: each part's pointers follow it.
TEST(ModelSegments, PartsMoveApart) {
  Random random(9);
  Bytes old_image, new_image;
  std::vector<Segment> segments;
  std::vector<Copy> copies;
  for (uint32_t n = 0; n < kMaxSegments; ++n) {
    const uint32_t base = 0x3F400000 + n * 0x00C00000;
    Program part = MakeProgram(random, {.architecture = ArchitectureId::kXtensa,
                                        .functions = 40,
                                        .old_base = base,
                                        .new_base = base + n * 0x1000,
                                        .edits = 0,
                                        .retargeted = 0});
    part.new_image.resize(part.new_image.size() + n * 4);  // a gap that new only has
    // Pointers are looked for at multiples of 4 of old.
    part.old_image.resize((part.old_image.size() + 3) / 4 * 4);
    const auto old_at = static_cast<uint32_t>(old_image.size());
    const auto new_at = static_cast<uint32_t>(new_image.size());
    segments.push_back({old_at, base, new_at, base + n * 0x1000});
    copies.push_back(
        {new_at, old_at,
         static_cast<uint32_t>(std::min(part.old_image.size(), part.new_image.size()))});
    old_image.insert(old_image.end(), part.old_image.begin(), part.old_image.end());
    new_image.insert(new_image.end(), part.new_image.begin(), part.new_image.end());
  }
  ModelSetting setting;
  setting.architecture = ArchitectureId::kXtensa;
  setting.segments = segments;
  const Bytes all = EncodedDelta(old_image, new_image, copies, setting, 0);
  ASSERT_NO_FATAL_FAILURE(ExpectUpdates(random, old_image, new_image, all));
  setting.segments.resize(1);
  const Bytes one = EncodedDelta(old_image, new_image, copies, setting, 0);
  ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, old_image, new_image, one));
  EXPECT_LT(all.size() * 3, one.size()) << "the segments are of no use";
}

// --- Each flash with each kind of pieces.

TEST(ModelShapes, TakeAllPieces) {
  for (const DeviceShape& shape : kShapes) {
    const uint32_t sector = shape.sector;
    const uint32_t unit = shape.program_unit;
    Random random(sector);
    for (const uint32_t size : {1u, unit, unit + 1, sector - 1, sector, sector + 1, 2 * sector,
                                2 * sector + unit, 3 * sector - 1}) {
      SCOPED_TRACE(::testing::Message()
                   << "new image of " << size << ", " << ::testing::PrintToString(shape));
      const Bytes old_image = CodeLikeBytes(random, 2 * sector);
      Bytes new_image = Edited(random, old_image, 3, size);
      // Repeats: read back from the flash, and from the buffer.
      while (new_image.size() < size)
        new_image.push_back(new_image.size() > 40 && random.Below(50)
                                ? new_image[new_image.size() - 40]
                                : static_cast<uint8_t>(random.Next()));
      const Bytes delta = MakeDelta(old_image, new_image, size % 3, RandomArchitecture(random));
      for (const uint32_t piece : kPieceSizes)
        ASSERT_NO_FATAL_FAILURE(ExpectUpdate(shape, old_image, new_image, delta, Pieces(piece)));
      ASSERT_NO_FATAL_FAILURE(ExpectUpdate(shape, old_image, new_image, delta, Pieces(random)));
    }
  }
}

// --- Odd pairs.

struct Pair {
  const char* name;
  Bytes old_image, new_image;
};

void PrintTo(const Pair& pair, std::ostream* out) { *out << pair.name; }

Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes whole;
  for (const Bytes& part : parts) whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

std::vector<Pair> OddPairs() {
  Random random(2026);
  const Bytes image = CodeLikeBytes(random, 20'001);
  const Bytes other = RandomBytes(random, 19'999);
  Bytes repeated;
  for (int i = 0; i < 3; ++i) repeated.insert(repeated.end(), image.begin(), image.begin() + 5'000);
  Bytes every_byte = image;
  for (uint8_t& byte : every_byte) byte = static_cast<uint8_t>(byte + 1 + random.Below(255));
  Bytes halves = image;
  std::rotate(halves.begin(), halves.begin() + 10'000, halves.end());
  Bytes grown = image;
  grown.insert(grown.begin(), 9);
  grown.push_back(9);
  Bytes last = image;
  last.back() ^= 1;
  const auto part = [&](size_t from, size_t to) {
    return Bytes(image.begin() + static_cast<ptrdiff_t>(from),
                 image.begin() + static_cast<ptrdiff_t>(to));
  };
  return {
      {"empty_to_empty", {}, {}},
      {"from_empty", {}, image},
      {"to_empty", image, {}},
      {"equal", image, image},
      {"one_byte_images", {1}, {2}},
      {"equal_one_byte_images", {1}, {1}},
      {"from_one_byte", {1}, image},
      {"to_one_byte", image, {image[777]}},
      {"three_bytes", {1, 2, 3}, {1, 2, 4}},
      {"no_similarity", image, other},
      {"every_byte_differs", image, every_byte},
      {"reversed", image, Bytes(image.rbegin(), image.rend())},
      {"much_larger_new", Bytes(image.begin(), image.begin() + 201), repeated},
      {"much_smaller_new", image, Bytes(image.begin() + 9'001, image.begin() + 9'100)},
      {"last_byte", image, last},
      {"end_of_old_twice", part(0, 1'003),
       Joined({part(0, 1'003), part(903, 1'003), {7}, part(1'000, 1'003)})},
      {"grown_at_both_ends", image, grown},
      {"halves_swapped", image, halves},
      {"zeros_to_ones", Bytes(6'000, 0), Bytes(6'000, 0xFF)},
      {"zeros_grow", Bytes(10'000, 0), Bytes(50'001, 0)},
      {"ones", Bytes(4'097, 0xFF), Bytes(12'000, 0xFF)},
  };
}

class ModelOdd : public ::testing::TestWithParam<Pair> {};

INSTANTIATE_TEST_SUITE_P(Model, ModelOdd, ::testing::ValuesIn(OddPairs()),
                         [](const auto& pair) { return std::string(pair.param.name); });

TEST_P(ModelOdd, IsUpdated) {
  Random random(1);
  const auto& [name, old_image, new_image] = GetParam();
  for (unsigned profile = 0; profile < kModelProfiles; ++profile) {
    const Bytes delta = MakeDelta(old_image, new_image, profile);
    ASSERT_EQ(ReadHeader(delta).profile, profile);
    ASSERT_NO_FATAL_FAILURE(ExpectUpdates(random, old_image, new_image, delta));
    for (unsigned id = profile; id < kArchitectureCount; id += kModelProfiles) {
      SCOPED_TRACE(::testing::Message() << "architecture " << id);
      const Bytes given = MakeDelta(old_image, new_image, profile, static_cast<ArchitectureId>(id));
      ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(random, old_image, new_image, given));
    }
  }
}

// --- Sizes that are known without looking at ours.

TEST(ModelSize, OfEqualImagesIsTiny) {
  Random random(3);
  // 8 bytes and the sizes in the header, 4 of the check of new, an address: there is nothing else
  // to say.
  for (const size_t size : {0u, 1u, 35u, 1'000u, 50'001u}) {
    for (unsigned profile = 0; profile < kModelProfiles; ++profile) {
      const Bytes image = CodeLikeBytes(random, size);
      EXPECT_LE(MakeDelta(image, image, profile).size(), 20u)
          << size << " bytes, profile " << profile;
      const Bytes noise = RandomBytes(random, size);
      EXPECT_LE(MakeDelta(noise, noise, profile).size(), 20u)
          << size << " bytes, profile " << profile;
    }
  }
}

TEST(ModelSize, OfNoSimilarityIsLittleMoreThanNew) {
  Random random(4);
  const Bytes old_image = RandomBytes(random, 50'000);
  const Bytes new_image = RandomBytes(random, 50'000);
  for (unsigned profile = 0; profile < kModelProfiles; ++profile)
    EXPECT_LE(MakeDelta(old_image, new_image, profile).size(), 50'000 * 105 / 100u)
        << "profile " << profile;
}

TEST(ModelSize, MemoryIsThatOfTheProfile) {
  Random random(5);
  const Bytes old_image = CodeLikeBytes(random, 3'000);
  const Bytes new_image = Edited(random, old_image, 3, 4'000);
  for (const uint32_t ram : {1024u, 1025u, 2047u, 2048u, 4095u, 4096u, 100'000u, 0u}) {
    DiffOptions options;
    options.ram = ram;
    options.effort = 1;
    const DeltaHeader header = ReadHeader(Diff(old_image, new_image, options));
    EXPECT_EQ(header.profile, ram == 0 || ram >= 4096 ? 0u : ram >= 2048 ? 1u : 2u);
    if (ram != 0) {
      EXPECT_LE(*DecoderRam(header), ram);
    }
  }
  DiffOptions options;
  options.ram = 1023;
  EXPECT_THROW(Diff(old_image, new_image, options), Error);
}

TEST(ModelOldSlot, TrailerBehindTheImageDoesNotCount) {
  Random random(5);
  const Bytes old_image = CodeLikeBytes(random, 5'001);
  const Bytes new_image = Edited(random, old_image, 4, 8'000);
  const Bytes delta = MakeDelta(old_image, new_image, 0);
  for (const uint8_t trailer : {0x00, 0x77, 0xFF}) {
    Bytes with_trailer = old_image;
    with_trailer.insert(with_trailer.end(), 500, trailer);
    PatcherRig rig(with_trailer);
    const Outcome outcome = rig.Run(delta, 64);
    EXPECT_EQ(outcome.status, Status::kDone);
    EXPECT_EQ(Compare(outcome.image, new_image), "");
    EXPECT_LE(rig.read_end(), old_image.size());
    EXPECT_EQ(Compare(Apply(with_trailer, delta), new_image), "");
  }
}

TEST(ModelPadding, OfZerosIsIgnored) {
  Random random(6);
  const Bytes old_image = CodeLikeBytes(random, 5'000);
  const Bytes new_image = Edited(random, old_image, 4, 8'000);
  for (unsigned profile = 0; profile < kModelProfiles; ++profile) {
    const Bytes delta = MakeDelta(old_image, new_image, profile);
    for (const size_t size : {1u, 3u, 100u, 1'000u}) {
      Bytes padded = delta;
      padded.insert(padded.end(), size, 0x00);
      EXPECT_EQ(Compare(Apply(old_image, padded), new_image), "");
      ASSERT_NO_FATAL_FAILURE(ExpectRebuilt(old_image, new_image, padded, 64, 13));
    }
  }
}

// The same input, the same bytes; what is asked for by name is what is taken.
TEST(ModelOptions, EffortNeverMakesItLarger) {
  Random random(7);
  const Program program = MakeProgram(random, {.functions = 60, .edits = 8});
  size_t last = 0;
  for (unsigned effort = 1; effort <= 9; ++effort) {
    DiffOptions options;
    options.effort = effort;
    const Bytes delta = Diff(program.old_image, program.new_image, options);
    EXPECT_EQ(delta, Diff(program.old_image, program.new_image, options)) << "not the same again";
    if (last != 0) {
      EXPECT_LE(delta.size(), last) << "effort " << effort;
    }
    last = delta.size();
  }
}

TEST(ModelOptions, LoadAddressesMayBeGiven) {
  Random random(8);
  const Program program = MakeProgram(random, {.functions = 60, .new_base = 0x08040000});
  DiffOptions options;
  options.architecture = ArchitectureId::kThumb;
  options.old_runs = {{0, 0x08000000}};
  options.new_runs = {{0, 0x08040000}};
  options.effort = 1;
  const Bytes delta = Diff(program.old_image, program.new_image, options);
  const DeltaHeader header = ReadHeader(delta);
  const ModelSetting setting = ReadModelSetting(std::span(delta).subspan(header.header_size));
  ASSERT_EQ(setting.segments.size(), 1u);
  EXPECT_EQ(setting.segments[0].old_address, 0x08000000u);
  EXPECT_EQ(setting.segments[0].new_address, 0x08040000u);
  ASSERT_NO_FATAL_FAILURE(ExpectUpdates(random, program.old_image, program.new_image, delta));
}

// --- Real firmware.

TEST(ModelPairs, AreThere) {
  EXPECT_GE(PairNames().size(), 3u) << "no committed pairs in " << PairsFolder();
}

class ModelPair : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const FirmwarePair pair = ReadPair(GetParam());
    a_ = pair.old_image;
    b_ = pair.new_image;
    ASSERT_NE(a_, b_);
  }
  Bytes a_, b_;
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModelPair);
INSTANTIATE_TEST_SUITE_P(Model, ModelPair, ::testing::ValuesIn(PairNames()),
                         [](const auto& pair) { return TestName(pair.param); });

TEST_P(ModelPair, IsUpdatedBothWays) {
  Random random(a_.size());
  for (unsigned profile = 0; profile < kModelProfiles; ++profile) {
    SCOPED_TRACE(::testing::Message() << "profile " << profile);
    ASSERT_NO_FATAL_FAILURE(ExpectUpdates(random, a_, b_, MakeDelta(a_, b_, profile)));
    ASSERT_NO_FATAL_FAILURE(ExpectUpdates(random, b_, a_, MakeDelta(b_, a_, profile)));
  }
}

// Whatever it is taken for.
TEST_P(ModelPair, IsUpdatedAsAnyArchitecture) {
  Random random(b_.size());
  for (const bool forth : {true, false}) {
    const Bytes& from = forth ? a_ : b_;
    const Bytes& to = forth ? b_ : a_;
    const std::vector<Copy> copies = Align(SuffixArray(from), from, to, AlignCosts{}, {});
    for (unsigned id = 0; id < kArchitectureCount; ++id) {
      SCOPED_TRACE(::testing::Message() << "architecture " << id);
      ModelSetting setting;
      setting.architecture = static_cast<ArchitectureId>(id);
      setting.relative_words = id % 2 != 0;
      setting.ram_start = 0x20000000, setting.ram_size = 0x10000;
      // Where this firmware is loaded is not the question: any address has its units.
      setting.segments = {{0, 0x08000000, 0, 0x08000000 + (id % 3) * 0x10000}};
      for (unsigned profile = 0; profile < kModelProfiles; ++profile)
        ASSERT_NO_FATAL_FAILURE(
            ExpectRebuilt(random, from, to, EncodedDelta(from, to, copies, setting, profile)));
      if (!forth) continue;
      ASSERT_NO_FATAL_FAILURE(
          ExpectRebuilt(random, from, to, MakeDelta(from, to, id % 3, setting.architecture)));
    }
  }
}

}  // namespace
}  // namespace mote::testing
