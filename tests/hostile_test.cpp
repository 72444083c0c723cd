// SPDX-License-Identifier: Apache-2.0
// Damaged and forged deltas: every flipped bit, every cut, garbage, forged sizes. What a decoder
// must make of each is what FORMAT.md says, and that the reference decoder tells; an image that is
// not the right one may never be called good.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "diff/apply.h"
#include "diff/bsdiff40.h"
#include "diff/commands.h"
#include "diff/diff.h"
#include "diff/library_codecs.h"
#include "diff/suffix_array.h"
#include "tests/support/device.h"
#include "tests/support/images.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/reference.h"
#include "tools/device_update.h"

namespace mote::testing {
namespace {

constexpr DeviceShape kShape = {.sector = 64, .program_unit = 4, .buffer = 64};
constexpr uint32_t kSlot = 1024;
constexpr uint32_t kWindow =
    1 << 12;  // larger ones are refused: that, too, is reached by flipping bits

struct Sample {
  std::string name;
  Bytes old_image, new_image, delta;
};

void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.name; }

// Small deltas that hold every kind of command.
std::vector<Sample> Samples(std::initializer_list<Codec> codecs) {
  std::vector<Sample> samples;
  const auto add = [&](const char* name, const Bytes& old_image, const Bytes& new_image) {
    for (const Codec codec : codecs) {
      DiffOptions options;
      options.codec = codec;
      options.window_bits = codec == Codec::kLzss ? 9 : 0;
      samples.push_back({std::string(name) + "_" + CodecName(codec), old_image, new_image,
                         Diff(old_image, new_image, options)});
    }
  };
  add("hello", FromText("hello world"), FromText("hello, world"));
  add("from_nothing", {}, FromText("a new image"));
  Random random(11);
  const Bytes old_image = CodeLikeBytes(random, 700);
  Bytes moved = old_image;
  std::rotate(moved.begin() + 100, moved.begin() + 180, moved.begin() + 400);
  moved.insert(moved.begin() + 500, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  for (size_t i = 0; i < moved.size(); i += 60) moved[i] = static_cast<uint8_t>(moved[i] + 16);
  add("moved", old_image, moved);
  add("repeats", Bytes(old_image.begin(), old_image.begin() + 50), [&] {
    Bytes image(old_image.begin(), old_image.begin() + 80);
    for (int i = 0; i < 4; ++i) image.insert(image.end(), image.begin() + 20, image.begin() + 70);
    image.insert(image.end(), 300, 0x00);
    return image;
  }());
  return samples;
}

// What a device makes of `delta` has to be what the reference makes of it; if that is an image, it
// is `new_image`, or the delta is a forged one and `new_image` is null.
void ExpectAsReference(const Bytes& old_image, const Bytes* new_image, const Bytes& delta,
                       const Pieces& pieces) {
  // The device's slot holds a byte of garbage behind the old image, and whole sectors.
  const DeviceOutcome device = RunDevice(kShape, old_image, kSlot, kWindow, delta, pieces);
  const Outcome reference =
      ReferenceDevice{.old_image = old_image, .capacity = kSlot, .window_size = kWindow}.Apply(
          delta);
  ASSERT_STREQ(StatusName(device.status), StatusName(reference.status));
  if (device.status != Status::kDone) return;
  ASSERT_EQ(Compare(device.image, reference.image), "");
  if (new_image != nullptr) {
    ASSERT_EQ(Compare(device.image, *new_image), "") << "a wrong image was called good";
  }
}

// --- On the device.

class OnDevice : public ::testing::TestWithParam<Sample> {};

INSTANTIATE_TEST_SUITE_P(Hostile, OnDevice,
                         ::testing::ValuesIn(Samples({Codec::kRaw, Codec::kLzss})),
                         [](const auto& sample) { return sample.param.name; });

TEST_P(OnDevice, EveryFlippedBit) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  Bytes delta = intact;
  Random random(1);
  for (size_t bit = 0; bit < 8 * delta.size(); ++bit) {
    SCOPED_TRACE(::testing::Message() << "bit " << bit);
    delta[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const Pieces pieces = bit % 2 ? Pieces(random) : Pieces(1);
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, &new_image, delta, pieces));
    delta[bit / 8] = intact[bit / 8];
  }
}

TEST_P(OnDevice, EveryCut) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  for (size_t size = 0; size < intact.size(); ++size) {
    const Bytes delta(intact.begin(), intact.begin() + static_cast<ptrdiff_t>(size));
    const DeviceOutcome outcome = RunDevice(kShape, old_image, kSlot, kWindow, delta, Pieces(7));
    ASSERT_EQ(outcome.status, Status::kNeedInput) << "cut to " << size << " bytes";
  }
}

TEST_P(OnDevice, EveryByteReplaced) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  Bytes delta = intact;
  for (size_t i = 0; i < delta.size(); ++i) {
    for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
      SCOPED_TRACE(::testing::Message() << "byte " << i << " is " << value);
      delta[i] = static_cast<uint8_t>(value);
      ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, &new_image, delta, Pieces(64)));
    }
    delta[i] = intact[i];
  }
}

TEST_P(OnDevice, BytesLostAndDoubled) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  for (size_t i = 0; i < intact.size(); ++i) {
    SCOPED_TRACE(::testing::Message() << "byte " << i);
    Bytes lost = intact;
    lost.erase(lost.begin() + static_cast<ptrdiff_t>(i));
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, &new_image, lost, Pieces(3)));
    Bytes doubled = intact;
    doubled.insert(doubled.begin() + static_cast<ptrdiff_t>(i), intact[i]);
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, &new_image, doubled, Pieces(3)));
  }
}

TEST_P(OnDevice, ManyWoundsAtOnce) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  Random random(2);
  for (int i = 0; i < 20'000 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "case " << i);
    // The header stays, so that the commands are reached.
    Bytes delta = intact;
    const size_t header = ReadHeader(intact).header_size;
    for (uint32_t n = 1 + random.Below(4); n != 0; --n) {
      delta[header + random.Below(delta.size() - header)] = static_cast<uint8_t>(random.Next());
    }
    // Two or more wounds may even make another image and its check; then only the reference can be
    // asked.
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, nullptr, delta, Pieces(random)));
  }
}

TEST_P(OnDevice, FailsWhileTheSlotIsTooSmall) {
  const auto& [name, old_image, new_image, delta] = GetParam();
  const DeviceShape shape = {.sector = 4, .program_unit = 4, .buffer = 64};
  const auto slot = static_cast<uint32_t>((new_image.size() - 1) / 4 * 4);
  if (slot != 0) {
    EXPECT_EQ(RunDevice(shape, old_image, slot, kWindow, delta, Pieces(1)).status,
              Status::kDoesNotFit);
  }
  EXPECT_EQ(RunDevice(shape, old_image, slot + 4, kWindow, delta, Pieces(1)).status, Status::kDone);
}

TEST_P(OnDevice, AnyOtherBaseIsRefused) {
  const auto& [name, old_image, new_image, delta] = GetParam();
  for (size_t i = 0; i < old_image.size(); ++i) {
    Bytes other = old_image;
    other[i] ^= static_cast<uint8_t>(1 << i % 8);
    ASSERT_EQ(RunDevice(kShape, other, kSlot, kWindow, delta, Pieces(64)).status,
              Status::kWrongBase)
        << "byte " << i;
  }
}

// --- Garbage.

TEST(Garbage, IsNeverAnImage) {
  Random random(3);
  const Bytes old_image = CodeLikeBytes(random, 300);
  for (int i = 0; i < 200'000 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "case " << i);
    Bytes delta = RandomBytes(random, random.UpTo(200));
    // Each case gets a little further than the one before: magic, codec, sizes, the right check.
    if (i % 4 >= 1 && !delta.empty()) delta[0] = 0xD1;
    if (i % 4 >= 2 && delta.size() > 1)
      delta[1] = static_cast<uint8_t>(random.Below(2) | random.Below(5) << 4);
    if (i % 4 == 3) {
      Bytes header = {0xD1, static_cast<uint8_t>(random.Below(2))};
      AppendVarint(header, 300);
      AppendVarint(header, Zigzag(static_cast<int32_t>(random.Below(600)) - 300));
      const uint32_t check = ReferenceCheck(old_image);
      for (int shift = 0; shift < 32; shift += 8)
        header.push_back(static_cast<uint8_t>(check >> shift));
      delta.insert(delta.begin(), header.begin(), header.end());
    }
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, nullptr, delta, Pieces(random)));
  }
}

// --- Forged sizes. Nothing may be believed before it was paid for: memory stays what it was.

// In bytes, as the kernel counts them. `field` is VmHWM, the peak, or VmRSS, now.
uint64_t Memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1)) * 1024;
  }
  ADD_FAILURE() << "no " << field << " in /proc/self/status";
  return 0;
}

void ForgetPeakMemory() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5";  // proc(5)
  ASSERT_TRUE(file.flush());
}

constexpr uint64_t kAllowance =
    48 << 20;  // for the libraries' states, and what sanitizers keep of them

class Forged : public ::testing::Test {
 protected:
  // For an old image of no bytes: claims 2 GiB - 1 of new, or 1 GiB.
  static Bytes HugeHeader(uint8_t codec, bool all = true) {
    Bytes delta = all ? Hex("D1 00 00 FE FF FF FF 0F C5 9D 1C 81")
                      : Hex("D1 00 00 80 80 80 80 08 C5 9D 1C 81");
    delta[1] = codec;
    return delta;
  }
  static Status StatusOf(const std::function<void()>& work) {
    try {
      work();
      return Status::kDone;
    } catch (const Error& error) {
      return error.status();
    }
  }
  void SetUp() override { Start(); }
  void TearDown() override {
    EXPECT_LT(Memory("VmHWM"), before_ + kAllowance) << "it took memory on the delta's word";
  }
  // What was before does not count.
  void Start() {
    ForgetPeakMemory();
    before_ = Memory("VmRSS");
  }

 private:
  uint64_t before_ = 0;
};

TEST_F(Forged, HugeNewImageOnTheDevice) {
  const Bytes delta = HugeHeader(0);
  EXPECT_EQ(ReadHeader(delta).new_size, 0x7FFFFFFFu);
  EXPECT_EQ(RunDevice(kShape, {}, kSlot, 0, delta, Pieces(1)).status, Status::kDoesNotFit);
}

TEST_F(Forged, HugeNewImageOnTheHost) {
  for (const uint8_t codec : {0, 1}) {
    const Bytes delta = HugeHeader(codec);
    EXPECT_EQ(StatusOf([&] { Apply({}, delta); }), Status::kNeedInput);
    EXPECT_EQ(StatusOf([&] { ReadStatistics(delta); }), Status::kNeedInput);
    // Two slots of that size are more than a flash has; of half that size, they are not.
    EXPECT_EQ(StatusOf([&] { tools::UpdateDevice({}, {}, delta, [](double) {}); }),
              Status::kDoesNotFit);
    const Bytes half = HugeHeader(codec, false);
    EXPECT_EQ(StatusOf([&] { tools::UpdateDevice({}, {}, half, [](double) {}); }),
              Status::kNeedInput);
  }
}

TEST_F(Forged, HugeInsertion) {
  Bytes delta = HugeHeader(0, false);
  for (const uint8_t byte : Hex("00 81 80 80 80 08 11 22"))
    delta.push_back(byte);  // all of new, two bytes there
  EXPECT_EQ(StatusOf([&] { Apply({}, delta); }), Status::kNeedInput);
  EXPECT_EQ(StatusOf([&] { ReadStatistics(delta); }), Status::kNeedInput);
  EXPECT_EQ(StatusOf([&] { tools::UpdateDevice({}, {}, delta, [](double) {}); }),
            Status::kNeedInput);
}

// Few bytes that unpack to very many: bombs. The commands are damaged from the start, and nobody
// may unpack on.
TEST_F(Forged, Bombs) {
  std::vector<Bytes> bombs;
  const Bytes ones(64 << 20, 0xFF);  // no varint has five bytes of FF
  for (const Codec codec : {Codec::kBz2, Codec::kZstd, Codec::kLz4}) {
    bombs.push_back(HugeHeader(static_cast<uint8_t>(codec)));
    for (const uint8_t byte : PackWithLibrary(codec, ones)) bombs.back().push_back(byte);
  }
  Start();
  for (const Bytes& bomb : bombs) {
    SCOPED_TRACE(CodecName(ReadHeader(bomb).codec));
    EXPECT_EQ(StatusOf([&] { Apply({}, bomb); }), Status::kCorrupt);
    EXPECT_EQ(StatusOf([&] { ReadStatistics(bomb); }), Status::kCorrupt);
  }
}

// --- Images above 2 GiB - 1: refused before they are looked at. The memory is not there; who reads
// it all takes it.

TEST_F(Forged, ImagesAboveTheLimit) {
  const size_t size = size_t{kMaxImageSize} + 1;
  void* const memory =
      mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::span<const uint8_t> large(static_cast<const uint8_t*>(memory), size);
  const Bytes small = {1, 2, 3};
  EXPECT_EQ(StatusOf([&] { Diff(large, small, {}); }), Status::kUnsupported);
  EXPECT_EQ(StatusOf([&] { Diff(small, large, {}); }), Status::kUnsupported);
  EXPECT_EQ(StatusOf([&] { WriteBsdiff40(large, small, {}); }), Status::kUnsupported);
  EXPECT_EQ(StatusOf([&] { WriteBsdiff40(small, large, {}); }), Status::kUnsupported);
  EXPECT_EQ(StatusOf([&] { SuffixArray index(large); }), Status::kUnsupported);
  // As a base it may be larger: only its start counts.
  EXPECT_EQ(StatusOf([&] { Apply(large, Hex("D1 00 00 00 C5 9D 1C 81 C5 9D 1C 81")); }),
            Status::kDone);
  munmap(memory, size);
}

// --- On the host, where every codec is.

class OnHost : public ::testing::TestWithParam<Sample> {
 protected:
  // The right image or a refusal that is one of the delta's fault. Returns what it was.
  static Status Try(const Bytes& old_image, const Bytes& new_image, const Bytes& delta) {
    try {
      const Bytes image = Apply(old_image, delta);
      EXPECT_EQ(Compare(image, new_image), "") << "a wrong image was called good";
      return Status::kDone;
    } catch (const Error& error) {
      const Status status = error.status();
      EXPECT_TRUE(status == Status::kCorrupt || status == Status::kNeedInput ||
                  status == Status::kUnsupported || status == Status::kWrongBase)
          << StatusName(status) << ": " << error.what();
      EXPECT_NE(std::string(error.what()), "");
      return status;
    }
  }
  // Statistics are read without the images; they must end in an error or in figures, not in
  // anything else.
  static void TryStatistics(const Bytes& delta) {
    try {
      const DeltaHeader header = ReadHeader(delta);
      const DeltaStatistics statistics = ReadStatistics(delta);
      EXPECT_EQ(statistics.copied_bytes + statistics.difference_bytes + statistics.inserted_bytes,
                header.new_size);
    } catch (const Error& error) {
      EXPECT_LE(static_cast<int>(error.status()), static_cast<int>(Status::kUnsupported));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Hostile, OnHost,
                         ::testing::ValuesIn(Samples({Codec::kRaw, Codec::kLzss, Codec::kBz2,
                                                      Codec::kZstd, Codec::kLz4})),
                         [](const auto& sample) { return sample.param.name; });

TEST_P(OnHost, EveryFlippedBit) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  Bytes delta = intact;
  size_t refused = 0;
  for (size_t bit = 0; bit < 8 * delta.size(); ++bit) {
    SCOPED_TRACE(::testing::Message() << "bit " << bit);
    delta[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    refused += Try(old_image, new_image, delta) != Status::kDone;
    TryStatistics(delta);
    delta[bit / 8] = intact[bit / 8];
    if (HasFailure()) return;
  }
  EXPECT_GT(refused, 4 * delta.size()) << "most bits of a delta mean something";
}

TEST_P(OnHost, EveryCut) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  const Codec codec = ReadHeader(intact).codec;
  for (size_t size = 0; size < intact.size(); ++size) {
    SCOPED_TRACE(::testing::Message() << "cut to " << size << " bytes");
    const Bytes delta(intact.begin(), intact.begin() + static_cast<ptrdiff_t>(size));
    const Status status = Try(old_image, new_image, delta);
    // A library's stream may have bytes behind its last command that the image can do without.
    if (status != Status::kDone || codec == Codec::kRaw || codec == Codec::kLzss) {
      ASSERT_STREQ(StatusName(status), StatusName(Status::kNeedInput));
    }
    TryStatistics(delta);
  }
}

TEST_P(OnHost, OtherBasesAreRefused) {
  const auto& [name, old_image, new_image, delta] = GetParam();
  for (size_t i = 0; i < old_image.size(); i += 7) {
    Bytes other = old_image;
    other[i] ^= 0x40;
    ASSERT_EQ(Try(other, new_image, delta), Status::kWrongBase);
    const Bytes shorter(old_image.begin(), old_image.begin() + static_cast<ptrdiff_t>(i));
    ASSERT_EQ(Try(shorter, new_image, delta), Status::kWrongBase);
  }
}

}  // namespace
}  // namespace mote::testing
