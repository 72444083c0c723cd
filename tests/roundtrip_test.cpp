// SPDX-License-Identifier: Apache-2.0
// Deltas of generated and real pairs rebuild the new image: every codec, pieces of all sizes,
// several flashes. Seeds decide everything; a failure prints the seed of its case.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "diff/apply.h"
#include "diff/diff.h"
#include "stream/updater.h"
#include "tests/support/device.h"
#include "tests/support/images.h"
#include "tests/support/pairs.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/reference.h"

namespace mote::testing {
namespace {

constexpr Codec kDeviceCodecs[] = {Codec::kRaw, Codec::kLzss};
constexpr Codec kHostCodecs[] = {Codec::kBz2, Codec::kZstd, Codec::kLz4};
constexpr uint32_t kPieceSizes[] = {1, 2, 3, 7, 64, 4096};
// NOR and EEPROM-like flashes; buffers of a sector, smaller, larger, and no divisor of it.
constexpr DeviceShape kShapes[] = {
    {.sector = 4096, .program_unit = 4, .buffer = 4096},
    {.sector = 4096, .program_unit = 256, .buffer = 256},
    {.sector = 128, .program_unit = 4, .buffer = 128, .erased_value = 0x00},
    {.sector = 512, .program_unit = 8, .buffer = 24},
    {.sector = 96, .program_unit = 32, .buffer = 2048},
    {.sector = 1, .program_unit = 1, .buffer = 1},
};

Bytes MakeDelta(const Bytes& old_image, const Bytes& new_image, Codec codec,
                unsigned window_bits = 0) {
  DiffOptions options;
  options.codec = codec;
  options.window_bits = window_bits;
  return Diff(old_image, new_image, options);
}

// One delta, in pieces of one kind, on one device.
void ExpectUpdate(const DeviceShape& shape, const Bytes& old_image, const Bytes& new_image,
                  const Bytes& delta, const Pieces& pieces) {
  const DeltaHeader header = ReadHeader(delta);
  const uint32_t window = header.codec == Codec::kLzss ? 1u << header.window_bits : 0;
  const DeviceOutcome outcome =
      RunDevice(shape, old_image, static_cast<uint32_t>(new_image.size()), window, delta, pieces);
  ASSERT_EQ(outcome.status, Status::kDone);
  ASSERT_EQ(Compare(outcome.image, new_image), "");
  ASSERT_EQ(outcome.bytes_taken, delta.size())
      << "it was done before the end: the delta carries bytes of no use";
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

// Every codec. What the host's codecs pack must be what `raw` has, so that the device need not see
// it again.
void ExpectRoundTrip(Random& random, const Bytes& old_image, const Bytes& new_image) {
  Bytes commands;
  for (const Codec codec : kDeviceCodecs) {
    const unsigned window_bits = codec == Codec::kLzss ? 8 + random.Below(8) : 0;
    SCOPED_TRACE(::testing::Message() << CodecName(codec) << " " << window_bits);
    const Bytes delta = MakeDelta(old_image, new_image, codec, window_bits);
    const DeltaHeader header = ReadHeader(delta);
    ASSERT_EQ(header.codec, codec);
    ASSERT_EQ(header.window_bits, window_bits);
    ASSERT_EQ(header.old_size, old_image.size());
    ASSERT_EQ(header.new_size, new_image.size());
    const Outcome reference = ReferenceDevice{.old_image = old_image}.Apply(delta);
    ASSERT_EQ(reference.status, Status::kDone);
    ASSERT_EQ(Compare(reference.image, new_image), "");
    ASSERT_NO_FATAL_FAILURE(ExpectUpdates(random, old_image, new_image, delta));
    if (codec == Codec::kRaw) commands = UnpackCommands(delta, header);
    const DeltaStatistics statistics = ReadStatistics(delta);
    ASSERT_EQ(statistics.copied_bytes + statistics.difference_bytes + statistics.inserted_bytes,
              new_image.size());
    ASSERT_EQ(statistics.command_bytes, commands.size());
    ASSERT_EQ(statistics.new_check, ReferenceCheck(new_image));
  }
  for (const Codec codec : kHostCodecs) {
    SCOPED_TRACE(CodecName(codec));
    const Bytes delta = MakeDelta(old_image, new_image, codec);
    const DeltaHeader header = ReadHeader(delta);
    ASSERT_EQ(header.codec, codec);
    ASSERT_EQ(UnpackCommands(delta, header), commands);
    ASSERT_EQ(Compare(Apply(old_image, delta), new_image), "");
  }
}

// --- Generated edits: one kind at a time, and all kinds together.

class Edits : public ::testing::TestWithParam<int> {};

constexpr int kCases = 1000;  // of each kind

INSTANTIATE_TEST_SUITE_P(Roundtrip, Edits, ::testing::Range(0, kEditKinds),
                         [](const auto& kind) { return EditKindName(kind.param); });

TEST_P(Edits, AreUpdated) {
  for (int i = 0; i < kCases / kSlowdown; ++i) {
    const uint64_t seed = static_cast<uint64_t>(GetParam()) * 1'000'000 + static_cast<uint64_t>(i);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Random random(seed);
    const auto [old_image, new_image] = MakeEditedPair(random, GetParam(), i);
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(random, old_image, new_image));
  }
}

// --- Each flash with each kind of pieces.

class Shapes : public ::testing::TestWithParam<DeviceShape> {};

INSTANTIATE_TEST_SUITE_P(Roundtrip, Shapes, ::testing::ValuesIn(kShapes),
                         [](const auto& shape) { return "shape" + std::to_string(shape.index); });

TEST_P(Shapes, TakeAllPieces) {
  // Sizes around the edges of sectors and units.
  const uint32_t sector = GetParam().sector;
  const uint32_t unit = GetParam().program_unit;
  Random random(sector);
  for (const uint32_t size : {1u, unit, unit + 1, sector - 1, sector, sector + 1, 2 * sector,
                              2 * sector + unit, 3 * sector - 1}) {
    SCOPED_TRACE(::testing::Message() << "new image of " << size);
    const Bytes old_image = CodeLikeBytes(random, 2 * sector);
    Bytes new_image = Edited(random, old_image, 3, size);
    while (new_image.size() < size) new_image.push_back(static_cast<uint8_t>(random.Next()));
    for (const Codec codec : kDeviceCodecs) {
      const Bytes delta = MakeDelta(old_image, new_image, codec);
      for (const uint32_t piece : kPieceSizes) {
        ASSERT_NO_FATAL_FAILURE(
            ExpectUpdate(GetParam(), old_image, new_image, delta, Pieces(piece)));
      }
      ASSERT_NO_FATAL_FAILURE(
          ExpectUpdate(GetParam(), old_image, new_image, delta, Pieces(random)));
    }
  }
}

// --- Odd pairs.

struct Pair {
  const char* name;
  Bytes old_image, new_image;
};

void PrintTo(const Pair& pair, std::ostream* out) { *out << pair.name; }

std::vector<Pair> OddPairs() {
  Random random(2026);
  const Bytes image = CodeLikeBytes(random, 20'000);
  const Bytes other = RandomBytes(random, 20'000);
  Bytes every_byte =
      image;  // each byte differs from the one at its place, and no stretch is found elsewhere
  for (uint8_t& byte : every_byte) byte = static_cast<uint8_t>(byte + 1 + random.Below(255));
  Bytes repeated;
  for (int i = 0; i < 12; ++i)
    repeated.insert(repeated.end(), image.begin(), image.begin() + 5'000);
  Bytes pattern(20'000);
  for (size_t i = 0; i < pattern.size(); ++i) pattern[i] = i % 2 ? 0x55 : 0xAA;
  const Bytes reversed(image.rbegin(), image.rend());
  return {
      {"empty_to_empty", {}, {}},
      {"from_empty", {}, image},
      {"to_empty", image, {}},
      {"equal", image, image},
      {"one_byte_images", {1}, {2}},
      {"from_one_byte", {1}, image},
      {"to_one_byte", image, {image[777]}},
      {"no_similarity", image, other},
      {"every_byte_differs", image, every_byte},
      {"reversed", image, reversed},
      {"much_larger_new", Bytes(image.begin(), image.begin() + 200), repeated},
      {"much_smaller_new", image, Bytes(image.begin() + 9'000, image.begin() + 9'100)},
      {"first_byte", image,
       [&] {
         Bytes b = image;
         b.front() ^= 1;
         return b;
       }()},
      {"last_byte", image,
       [&] {
         Bytes b = image;
         b.back() ^= 1;
         return b;
       }()},
      {"grown_at_both_ends", image,
       [&] {
         Bytes b = image;
         b.insert(b.begin(), 9);
         b.push_back(9);
         return b;
       }()},
      {"halves_swapped", image,
       [&] {
         Bytes b = image;
         std::rotate(b.begin(), b.begin() + 10'000, b.end());
         return b;
       }()},
      {"zeros_to_ones", Bytes(20'000, 0), Bytes(20'000, 0xFF)},
      {"zeros_grow", Bytes(10'000, 0), Bytes(50'000, 0)},
      {"pattern_shifted", pattern, Bytes(pattern.begin() + 1, pattern.end())},
  };
}

class Odd : public ::testing::TestWithParam<Pair> {};

INSTANTIATE_TEST_SUITE_P(Roundtrip, Odd, ::testing::ValuesIn(OddPairs()),
                         [](const auto& pair) { return std::string(pair.param.name); });

TEST_P(Odd, IsUpdated) {
  Random random(1);
  ExpectRoundTrip(random, GetParam().old_image, GetParam().new_image);
}

// What a delta of such a pair must cost is known without looking at ours: nothing to say, or all of
// new and little more.
TEST(DeltaSize, OfEqualImagesIsTiny) {
  Random random(3);
  const Bytes image = CodeLikeBytes(random, 50'000);
  for (const Codec codec : kDeviceCodecs)
    EXPECT_LE(MakeDelta(image, image, codec).size(), 32u) << CodecName(codec);
}

TEST(DeltaSize, OfNoSimilarityIsLittleMoreThanNew) {
  Random random(4);
  const Bytes old_image = RandomBytes(random, 50'000);
  const Bytes new_image = RandomBytes(random, 50'000);
  EXPECT_LE(MakeDelta(old_image, new_image, Codec::kRaw).size(), 50'000 + 64u);
  EXPECT_LE(MakeDelta(old_image, new_image, Codec::kLzss).size(),
            50'000 * 9 / 8 + 64u);  // nine bits a literal
}

// The image in flash is followed by what a boot loader keeps there: the device must not care.
TEST(OldSlot, TrailerBehindTheImageDoesNotCount) {
  Random random(5);
  const Bytes old_image = CodeLikeBytes(random, 5'000);
  const Bytes new_image = Edited(random, old_image, 4, 8'000);
  Bytes with_trailer = old_image;
  with_trailer.insert(with_trailer.end(), 500, 0x77);
  for (const Codec codec : kDeviceCodecs) {
    const Bytes delta = MakeDelta(old_image, new_image, codec);
    ExpectUpdate(kShapes[0], with_trailer, new_image, delta, Pieces(64));
    EXPECT_EQ(Compare(Apply(with_trailer, delta), new_image), "");
  }
}

TEST(Padding, BehindTheDeltaIsIgnored) {
  Random random(6);
  const Bytes old_image = CodeLikeBytes(random, 5'000);
  const Bytes new_image = Edited(random, old_image, 4, 8'000);
  for (const Codec codec : {Codec::kRaw, Codec::kLzss, Codec::kBz2, Codec::kZstd, Codec::kLz4}) {
    for (const int filler : {0x00, 0xFF, 0x5A}) {
      SCOPED_TRACE(::testing::Message() << CodecName(codec) << ", filled with " << filler);
      const Bytes delta = MakeDelta(old_image, new_image, codec);
      Bytes padded = delta;
      padded.insert(padded.end(), 1'000, static_cast<uint8_t>(filler));
      EXPECT_EQ(Compare(Apply(old_image, padded), new_image), "");
      const DeltaStatistics statistics = ReadStatistics(padded);
      EXPECT_EQ(statistics.new_check, ReferenceCheck(new_image));
      EXPECT_EQ(statistics.command_bytes, ReadStatistics(delta).command_bytes);
    }
  }
}

// --- Real firmware.

TEST(RealPairs, AreThere) {
  EXPECT_GE(PairNames().size(), 3u) << "no committed pairs in " << PairsFolder();
}

class RealPair : public ::testing::TestWithParam<std::string> {};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RealPair);
INSTANTIATE_TEST_SUITE_P(Roundtrip, RealPair, ::testing::ValuesIn(PairNames()),
                         [](const auto& pair) { return TestName(pair.param); });

TEST_P(RealPair, IsUpdatedBothWays) {
  const auto [a, b] = ReadPair(GetParam());
  ASSERT_NE(a, b);
  Random random(a.size());
  ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(random, a, b));
  ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(random, b, a));
}

}  // namespace
}  // namespace mote::testing
