// SPDX-License-Identifier: Apache-2.0
// Codec model, against what should not happen: damaged and cut deltas on a whole device, garbage
// behind a good header, numbers and settings out of range, forged decisions, flashes that fail,
// calls at the wrong time. What each must come to, the second decoder tells;
// model_reference_test.cpp has more of its kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "diff/apply.h"
#include "diff/diff.h"
#include "diff/model.h"
#include "diff/range_encoder.h"
#include "tests/support/device.h"
#include "tests/support/images.h"
#include "tests/support/model_deltas.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/programs.h"
#include "tests/support/reference.h"

namespace mote::testing {
namespace {

constexpr DeviceShape kShape = {.sector = 64, .program_unit = 4, .buffer = 64};
constexpr uint32_t kSlot = 4096;

struct Sample {
  std::string name;
  Bytes old_image, new_image, delta;
};

void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.name; }

// Small deltas with everything in them: units right and wrong, pairs, substitutions, insertions
// with matches, seeks.
std::vector<Sample> Samples() {
  std::vector<Sample> samples;
  constexpr ArchitectureId kIds[] = {ArchitectureId::kThumb, ArchitectureId::kXtensa,
                                     ArchitectureId::kRiscv, ArchitectureId::kAarch64,
                                     ArchitectureId::kMipsBig};
  unsigned profile = 0;
  for (const ArchitectureId id : kIds) {
    Random random(static_cast<uint64_t>(id));
    Program program = MakeProgram(random, {.architecture = id,
                                           .functions = 8,
                                           .function_size = 60,
                                           .new_base = 0x08020000,
                                           .edits = 3,
                                           .retargeted = 6});
    // Something that repeats, and single bytes that differ.
    for (int n = 0; n < 60; ++n)
      program.new_image.push_back(program.new_image[program.new_image.size() - 20]);
    for (size_t i = 7; i < program.new_image.size(); i += 97) program.new_image[i] ^= 0x11;
    samples.push_back({std::string(ArchitectureName(id)), program.old_image, program.new_image,
                       EncodedDelta(program.old_image, program.new_image, program.copies,
                                    program.setting, profile)});
    std::ranges::replace(samples.back().name, '-', '_');
    profile = (profile + 1) % kModelProfiles;
  }
  const Bytes text = FromText("hello world");
  samples.push_back(
      {"hello", text, FromText("hello, world"), Diff(text, FromText("hello, world"), {})});
  samples.push_back({"from_nothing",
                     {},
                     FromText("a new image, a new image"),
                     Diff({}, FromText("a new image, a new image"), {})});
  return samples;
}

uint32_t MemoryFor(const Bytes& delta) { return CodecMemory(ReadHeader(delta)); }

class ModelOnDevice : public ::testing::TestWithParam<Sample> {
 protected:
  // The device's status is the second decoder's, and so is the image, which may be none but
  // `new_image`. Memory is that of the largest profile, as damage may ask for another one.
  static void ExpectAsReference(const Bytes& old_image, const Bytes& new_image, const Bytes& delta,
                                const Pieces& pieces) {
    const DeviceOutcome device = RunDevice(kShape, old_image, kSlot, ModelMemory(0), delta, pieces);
    const Outcome reference =
        ReferenceDevice{.old_image = old_image, .capacity = kSlot, .window_size = ModelMemory(0)}
            .Apply(delta);
    ASSERT_STREQ(StatusName(device.status), StatusName(reference.status));
    if (device.status != Status::kDone) return;
    ASSERT_EQ(Compare(device.image, new_image), "") << "a wrong image was called good";
  }
};

INSTANTIATE_TEST_SUITE_P(Model, ModelOnDevice, ::testing::ValuesIn(Samples()),
                         [](const auto& sample) { return sample.param.name; });

TEST_P(ModelOnDevice, EveryFlippedBit) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  Bytes delta = intact;
  Random random(1);
  for (size_t bit = 0; bit < 8 * delta.size(); ++bit) {
    SCOPED_TRACE(::testing::Message() << "bit " << bit);
    delta[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    ASSERT_NO_FATAL_FAILURE(
        ExpectAsReference(old_image, new_image, delta, bit % 2 ? Pieces(random) : Pieces(1)));
    delta[bit / 8] = intact[bit / 8];
  }
}

TEST_P(ModelOnDevice, EveryCut) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  const size_t header = ReadHeader(intact).header_size;
  for (size_t size = 0; size < intact.size(); ++size) {
    SCOPED_TRACE(::testing::Message() << "cut to " << size << " bytes");
    const Bytes delta(intact.begin(), intact.begin() + static_cast<ptrdiff_t>(size));
    const DeviceOutcome outcome =
        RunDevice(kShape, old_image, kSlot, ModelMemory(0), delta, Pieces(7));
    // In the header it is seen that something is missing. Behind it, zeros follow, and the last
    // byte was none.
    if (size < header) {
      ASSERT_EQ(outcome.status, Status::kNeedInput);
    } else {
      ASSERT_STREQ(StatusName(outcome.status), "corrupt");
    }
    // The host says the same.
    try {
      Apply(old_image, delta);
      FAIL() << "the host made an image of it";
    } catch (const Error& error) {
      ASSERT_EQ(error.status(), outcome.status);
    }
  }
}

TEST_P(ModelOnDevice, BytesReplacedLostAndDoubled) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  for (size_t i = 0; i < intact.size(); ++i) {
    SCOPED_TRACE(::testing::Message() << "byte " << i);
    for (const int value : {0x00, 0x7F, 0x80, 0xFF}) {
      Bytes delta = intact;
      delta[i] = static_cast<uint8_t>(value);
      ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, new_image, delta, Pieces(64)));
    }
    Bytes lost = intact;
    lost.erase(lost.begin() + static_cast<ptrdiff_t>(i));
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, new_image, lost, Pieces(3)));
    Bytes doubled = intact;
    doubled.insert(doubled.begin() + static_cast<ptrdiff_t>(i), intact[i]);
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, new_image, doubled, Pieces(5)));
  }
}

TEST_P(ModelOnDevice, PaddingOfAnyKindNeverMakesAWrongImage) {
  const auto& [name, old_image, new_image, intact] = GetParam();
  Random random(3);
  for (const int filler : {0x00, 0x01, 0x80, 0xFF, -1}) {
    Bytes padded = intact;
    for (int n = 0; n < 200; ++n)
      padded.push_back(
          static_cast<uint8_t>(filler < 0 ? random.Next() : static_cast<uint64_t>(filler)));
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(old_image, new_image, padded, Pieces(random)));
    if (filler == 0) {
      ASSERT_EQ(RunDevice(kShape, old_image, kSlot, ModelMemory(0), padded, Pieces(1)).status,
                Status::kDone);
    }
  }
}

TEST_P(ModelOnDevice, SlotAndMemoryMustBeLargeEnough) {
  const auto& [name, old_image, new_image, delta] = GetParam();
  const DeviceShape shape = {.sector = 4, .program_unit = 4, .buffer = 64};
  const auto slot = static_cast<uint32_t>((new_image.size() - 1) / 4 * 4);
  const uint32_t memory = MemoryFor(delta);
  if (slot != 0) {
    EXPECT_EQ(RunDevice(shape, old_image, slot, memory, delta, Pieces(1)).status,
              Status::kDoesNotFit);
  }
  EXPECT_EQ(RunDevice(shape, old_image, slot + 4, memory, delta, Pieces(1)).status, Status::kDone);
  for (const uint32_t less : {1u, 4u, memory / 2, memory}) {
    EXPECT_EQ(RunDevice(shape, old_image, slot + 4, memory - less, delta, Pieces(1)).status,
              Status::kDoesNotFit)
        << less;
  }
}

TEST_P(ModelOnDevice, AnyOtherBaseIsRefused) {
  const auto& [name, old_image, new_image, delta] = GetParam();
  for (size_t i = 0; i < old_image.size(); i += 5) {
    Bytes other = old_image;
    other[i] ^= static_cast<uint8_t>(1 << i % 8);
    ASSERT_EQ(RunDevice(kShape, other, kSlot, ModelMemory(0), delta, Pieces(64)).status,
              Status::kWrongBase)
        << "byte " << i;
  }
}

// --- Calls at the wrong time.

// A device in memory, without the rig's own order of calls.
struct Bench {
  Bytes old_image;
  Bytes new_image;
  Bytes buffer;
  std::vector<uint64_t> memory;
  Patcher patcher;

  Bench(const Bytes& old_bytes, const Bytes& delta)
      : old_image(old_bytes), buffer(48), memory(MemoryFor(delta) / 8 + 1) {
    patcher.Init(
        {{&Read, this, static_cast<uint32_t>(old_image.size())},
         {buffer.data(), static_cast<uint32_t>(buffer.size()), &Flush, &ReadBack, this, kSlot},
         reinterpret_cast<uint8_t*>(memory.data()),
         static_cast<uint32_t>(memory.size() * 8)});
  }
  static Status Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
    const Bytes& from = static_cast<Bench*>(context)->old_image;
    if (offset > from.size() || size > from.size() - offset) return Status::kReadError;
    std::copy_n(from.begin() + offset, size, to);
    return Status::kDone;
  }
  static Status ReadBack(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
    const Bytes& from = static_cast<Bench*>(context)->new_image;
    if (offset > from.size() || size > from.size() - offset) return Status::kReadError;
    std::copy_n(from.begin() + offset, size, to);
    return Status::kDone;
  }
  static Status Flush(void* context, uint8_t* data, uint32_t size) {
    Bytes& to = static_cast<Bench*>(context)->new_image;
    to.insert(to.end(), data, data + size);
    return Status::kDone;
  }
  Status Write(std::span<const uint8_t> bytes) {
    return patcher.Write(bytes.data(), static_cast<uint32_t>(bytes.size()));
  }
};

class ModelFinish : public ::testing::TestWithParam<Sample> {};

INSTANTIATE_TEST_SUITE_P(Model, ModelFinish, ::testing::ValuesIn(Samples()),
                         [](const auto& sample) { return sample.param.name; });

TEST_P(ModelFinish, OnceAtTheEndIsEnoughAndTwiceIsNoHarm) {
  const auto& [name, old_image, new_image, delta] = GetParam();
  Bench bench(old_image, delta);
  const Status written = bench.Write(delta);
  EXPECT_TRUE(written == Status::kNeedInput || written == Status::kDone);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(bench.patcher.Finish(), Status::kDone);
  EXPECT_EQ(Compare(bench.new_image, new_image), "");
  EXPECT_EQ(bench.patcher.produced(), new_image.size());
  // What comes later changes nothing.
  EXPECT_EQ(bench.Write(delta), Status::kDone);
  EXPECT_EQ(bench.Write({}), Status::kDone);
  EXPECT_EQ(Compare(bench.new_image, new_image), "");
}

TEST_P(ModelFinish, TooEarlyEndsItInTheHeaderItDoesNot) {
  const auto& [name, old_image, new_image, delta] = GetParam();
  const size_t header = ReadHeader(delta).header_size;
  for (size_t early = 0; early < delta.size(); ++early) {
    SCOPED_TRACE(::testing::Message() << "after " << early << " bytes");
    Bench bench(old_image, delta);
    ASSERT_EQ(bench.Write(std::span(delta).first(early)), Status::kNeedInput);
    const Status finished = bench.patcher.Finish();
    ASSERT_STREQ(StatusName(finished), early < header ? "need_input" : "corrupt");
    ASSERT_EQ(bench.patcher.Finish(), finished);
    // The rest: goes on in the header, is not looked at behind it.
    const size_t flushed = bench.new_image.size();
    const Status rest = bench.Write(std::span(delta).subspan(early));
    if (finished == Status::kNeedInput) {
      ASSERT_EQ(bench.patcher.Finish(), Status::kDone);
      ASSERT_EQ(Compare(bench.new_image, new_image), "");
    } else {
      ASSERT_EQ(rest, finished);
      ASSERT_EQ(bench.patcher.Finish(), finished);
      ASSERT_EQ(bench.new_image.size(), flushed) << "it goes on after the end";
    }
  }
}

TEST_P(ModelFinish, IsNeededWhereTheRestIsHeldBack) {
  // Without Finish, the decoder waits for bytes that do not come: it says so, and does not say that
  // it is done.
  const auto& [name, old_image, new_image, delta] = GetParam();
  Bench bench(old_image, delta);
  const Status written = bench.Write(delta);
  if (written == Status::kDone) {
    ASSERT_EQ(Compare(bench.new_image, new_image), "");
  } else {
    ASSERT_EQ(written, Status::kNeedInput);
    ASSERT_LE(bench.new_image.size(), new_image.size());
  }
}

// --- Flashes that fail.

TEST_P(ModelFinish, ErrorsOfTheFlashComeBackUnchanged) {
  const auto& [name, old_image, new_image, delta] = GetParam();
  PatcherRig good(old_image);
  good.memory_size = MemoryFor(delta);
  good.buffer_size = 48;
  ASSERT_EQ(good.Run(delta, 16).status, Status::kDone);
  for (const Status error : {Status::kReadError, Status::kFlashError, Status::kWrongBase}) {
    for (uint32_t failing = 0; failing < good.reads(); ++failing) {
      PatcherRig rig(old_image);
      rig.memory_size = good.memory_size;
      rig.buffer_size = good.buffer_size;
      rig.on_read = [&](uint32_t number) { return number == failing ? error : Status::kDone; };
      ASSERT_EQ(rig.Run(delta, 16).status, error) << "read " << failing;
      ASSERT_EQ(rig.reads(), failing + 1) << "it reads on";
      ASSERT_LE(rig.flushes(), good.flushes());
    }
    for (uint32_t failing = 0; failing < good.flushes(); ++failing) {
      PatcherRig rig(old_image);
      rig.memory_size = good.memory_size;
      rig.buffer_size = good.buffer_size;
      rig.on_flush = [&](uint32_t number) { return number == failing ? error : Status::kDone; };
      ASSERT_EQ(rig.Run(delta, 16).status, error) << "flush " << failing;
      ASSERT_EQ(rig.flushes(), failing + 1) << "it writes on";
    }
    for (uint32_t failing = 0; failing < good.read_backs(); ++failing) {
      PatcherRig rig(old_image);
      rig.memory_size = good.memory_size;
      rig.buffer_size = good.buffer_size;
      rig.on_read_back = [&](uint32_t number) { return number == failing ? error : Status::kDone; };
      ASSERT_EQ(rig.Run(delta, 16).status, error) << "read-back " << failing;
      ASSERT_EQ(rig.read_backs(), failing + 1) << "it reads on";
    }
  }
}

TEST(ModelReadBack, IsMet) {
  // The test above says nothing where nothing is read back.
  uint32_t read_backs = 0;
  for (const Sample& sample : Samples()) {
    PatcherRig rig(sample.old_image);
    rig.memory_size = MemoryFor(sample.delta);
    rig.buffer_size = 48;
    ASSERT_EQ(rig.Run(sample.delta).status, Status::kDone);
    read_backs += rig.read_backs();
  }
  EXPECT_GT(read_backs, 50u);
}

// --- Garbage behind a good header, and forged decisions: as the second decoder takes them.

void ExpectAsReference(const Bytes& old_image, const Bytes& delta, uint32_t buffer, uint32_t pieces,
                       uint32_t new_size) {
  PatcherRig rig(old_image);
  rig.memory_size = MemoryFor(delta);
  rig.buffer_size = buffer;
  rig.capacity = new_size;
  const Outcome outcome = rig.Run(delta, pieces);
  const Outcome reference = ReferenceDevice{.old_image = old_image}.Apply(delta);
  ASSERT_STREQ(StatusName(outcome.status), StatusName(reference.status));
  if (outcome.status != Status::kDone) return;
  ASSERT_EQ(Compare(outcome.image, reference.image), "");
}

TEST(ModelGarbage, BehindAGoodHeader) {
  for (int i = 0; i < 20'000 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "seed " << i);
    Random random(static_cast<uint64_t>(i));
    const Bytes old_image = CodeLikeBytes(random, random.UpTo(400));
    const uint32_t new_size = random.UpTo(1'000);
    Bytes delta = ModelHeader(old_image, new_size, random.Below(kModelProfiles));
    Bytes garbage = RandomBytes(random, random.UpTo(300));
    // All ones, all zeros; and a setting that holds: architecture, one segment at 0.
    if (i % 5 == 0) std::ranges::fill(garbage, static_cast<uint8_t>(i % 10 ? 0xFF : 0x00));
    if (i % 3 == 0 && garbage.size() > 3) {
      garbage[0] = static_cast<uint8_t>(random.Below(11) << 4);
      garbage[1] = garbage[2] = 0;
    }
    delta.insert(delta.end(), garbage.begin(), garbage.end());
    ASSERT_NO_FATAL_FAILURE(
        ExpectAsReference(old_image, delta, 1 + random.Below(100), 1 + random.Below(50), new_size));
  }
}

TEST(ModelForged, GoodImagesOfRandomDecisions) {
  // Decisions near what is likely: long runs, units hit and missed, all of it. The check is made
  // right: the image is a good one, however odd the way to it.
  int done = 0;
  constexpr int kCases = 3'000 / kSlowdown;
  for (int i = 0; i < kCases; ++i) {
    SCOPED_TRACE(::testing::Message() << "seed " << i);
    Random random(static_cast<uint64_t>(i));
    const auto id = static_cast<ArchitectureId>(i % kArchitectureCount);
    const Program program = MakeProgram(random, {.architecture = id, .functions = 10});
    const unsigned profile = random.Below(kModelProfiles);
    const auto new_size = random.Below(2'000);
    // The setting's start by hand: architecture, flags, one segment at the program's base, 1 << 27;
    // then the check.
    std::vector<bool> start;
    const auto put = [&](uint32_t value, unsigned count) {
      while (count-- != 0) start.push_back((value >> count & 1) != 0);
    };
    put(static_cast<uint32_t>(id), 4);
    put(random.Below(2), 1);
    put(0, 4);
    put(27, 5), put(0, 5);
    put(0, 32);
    size_t at = 0;
    // How often it is as likely: mostly, for long ways through; or seldom, for short ones.
    const uint32_t wild = 1 + random.Below(40);
    const Forgery forged =
        ForgeWithCheck(program.old_image, new_size, profile, [&](uint32_t chance) {
          if (at < start.size()) return static_cast<bool>(start[at++]);
          return random.Below(wild) == 0 ? random.Below(2) != 0 : random.Below(4096) < chance;
        });
    Bytes delta = ModelHeader(program.old_image, new_size, profile);
    delta.insert(delta.end(), forged.coded.begin(), forged.coded.end());
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference(program.old_image, delta, 1 + random.Below(100),
                                              1 + random.Below(50), new_size));
    done += forged.outcome.status == Status::kDone;
  }
  EXPECT_GT(done, kCases / 20) << "hardly any way leads to an image";
}

TEST(ModelForged, LengthsThatWrapAroundTakeNoTime) {
  // Nothing to 7 bytes: no run, an insertion of 7, the literals 0, 1 and 2, a match at another
  // distance, 2, whose number is 2^32 - 4 or - 3. With 3 more that is a length to count down from
  // for ever, and none at all.
  const std::string setting = "0000 0 0 0 00  00000 00000 " + std::string(32, '0');
  const std::string start = "00000 1 00011 000  0 00000000 0 00000001 0 00000010  1 0 ";
  for (const char* end : {"01", "10"}) {
    const std::string bits = setting + start + "11111 " + std::string(29, '1') + end + "00001 0";
    size_t at = 0;
    const Forgery forged = ForgeModel({}, 7, 0, [&](uint32_t) {
      while (at < bits.size() && bits[at] == ' ') ++at;
      return at < bits.size() && bits[at++] == '1';
    });
    ASSERT_EQ(forged.outcome.status, Status::kCorrupt);
    ASSERT_EQ(forged.outcome.image, (Bytes{0, 1, 2})) << "it is another way";
    Bytes delta = ModelHeader({}, 7, 0);
    delta.insert(delta.end(), forged.coded.begin(), forged.coded.end());
    const auto before = std::chrono::steady_clock::now();
    ASSERT_NO_FATAL_FAILURE(ExpectAsReference({}, delta, 64, 1, 7));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  }
}

// --- Settings that lie (FORMAT.md 6.3).

// Even bits and even numbers, as a setting has them.
class SettingWriter {
 public:
  SettingWriter& Even(uint32_t value, unsigned bits) {
    while (bits-- != 0) coder_.EvenBit(value >> bits & 1);
    return *this;
  }
  SettingWriter& Number(uint32_t value) {
    if (value == 0) return Even(31, 5).Even(1, 5).Even(0, 1);
    const auto zeros = static_cast<unsigned>(std::countr_zero(value));
    const auto bits = static_cast<unsigned>(std::bit_width(value >> zeros)) - 1;
    return Even(zeros, 5).Even(bits, 5).Even(value >> zeros, bits);
  }
  Bytes Finish() { return coder_.Finish(); }

 private:
  RangeEncoder coder_;
};

constexpr uint32_t kOldSize = 100, kNewSize = 60;

// What device, reference and host's reader say of a setting, between a header and nothing. What the
// last made of it.
ModelSetting ExpectSetting(SettingWriter& writer, Status status) {
  Random random(1);
  const Bytes old_image = RandomBytes(random, kOldSize);
  Bytes delta = ModelHeader(old_image, kNewSize, 0);
  const Bytes coded = writer.Finish();
  delta.insert(delta.end(), coded.begin(), coded.end());
  ExpectAsReference(old_image, delta, 64, 1, kNewSize);
  PatcherRig rig(old_image);
  const Outcome outcome = rig.Run(delta);
  // What comes of the zeros behind a good setting is no image with this check.
  EXPECT_STREQ(StatusName(outcome.status),
               StatusName(status == Status::kDone ? Status::kCorrupt : status));
  if (status != Status::kDone) {
    EXPECT_EQ(rig.flushes(), 0u);
  }
  Status read = Status::kDone;
  ModelSetting setting;
  try {
    setting = ReadModelSetting(coded);
  } catch (const Error& error) {
    read = error.status();
  }
  EXPECT_STREQ(StatusName(read), StatusName(status));
  return setting;
}

TEST(ModelSettings, Architectures) {
  for (unsigned id = 0; id < 16; ++id) {
    SCOPED_TRACE(id);
    SettingWriter writer;
    writer.Even(id, 4).Even(0, 5).Number(0x08000000).Even(0x12345678, 32);
    ExpectSetting(writer, id <= 10 ? Status::kDone : Status::kUnsupported);
  }
}

TEST(ModelSettings, SegmentsMayStandAnywhere) {
  struct {
    uint32_t old_step, new_step;
  } const cases[] = {
      {0, 0},          {kOldSize, kNewSize}, {kOldSize + 1, 0},       {0, kNewSize + 1},
      {0x80000000, 0}, {0, 0xFFFFFFFF},      {0xFFFFFFFF, 0xFFFFFFFF}};
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.old_step << " " << c.new_step);
    SettingWriter writer;
    writer.Even(1, 4).Even(0, 3).Even(1, 2).Number(0x1000);
    writer.Number(c.old_step).Number(c.new_step).Number(0x2000).Even(0, 32);
    const ModelSetting setting = ExpectSetting(writer, Status::kDone);
    ASSERT_EQ(setting.segments.size(), 2u);
    EXPECT_EQ(setting.segments[1].old_offset, c.old_step);
    EXPECT_EQ(setting.segments[1].new_offset, c.new_step);
  }
  // Back again, modulo 2^32: to 40, then to 10, and to 3; and to before the first byte of old.
  for (const uint32_t back : {30u, 41u}) {
    SettingWriter writer;
    writer.Even(1, 4).Even(0, 3).Even(3, 2).Number(0x1000);
    writer.Number(40).Number(40).Number(0x2000);
    writer.Number(0u - back).Number(0u - 30).Number(0x3000);
    writer.Number(0u - 7).Number(5).Number(1).Even(0, 32);
    const ModelSetting setting = ExpectSetting(writer, Status::kDone);
    ASSERT_EQ(setting.segments.size(), 4u);
    EXPECT_EQ(setting.segments[3].old_offset, 40 - back - 7);
    EXPECT_EQ(setting.segments[3].new_offset, 15u);
  }
}

TEST(ModelSettings, NumbersOfAllForms) {
  for (unsigned bits = 0; bits < 32; ++bits) {
    for (unsigned zeros = 0; zeros < 32; ++zeros) {
      SCOPED_TRACE(::testing::Message() << bits << " bits, " << zeros << " zeros");
      for (const uint32_t middle : {0u, 0xFFFFFFFFu, 0x2AAAAAAAu}) {
        SettingWriter writer;
        writer.Even(0, 4).Even(0, 5).Even(zeros, 5).Even(bits, 5).Even(middle, bits).Even(0, 32);
        const ModelSetting setting = ExpectSetting(writer, Status::kDone);
        ASSERT_EQ(setting.segments.size(), 1u);
        const uint64_t leading = uint64_t{1} << bits;
        ASSERT_EQ(setting.segments[0].old_address,
                  static_cast<uint32_t>((leading + middle % leading) << zeros));
        if (HasFailure()) return;
      }
    }
  }
}

TEST(ModelSettings, RangesMayWrapAround) {
  // RAM from near the end of the address space around to its start, and everything: images are
  // rebuilt all the same.
  Random random(4);
  const Bytes old_image = CodeLikeBytes(random, 2'000);
  const Bytes new_image = Edited(random, old_image, 4, 3'000);
  for (const uint32_t start : {0u, 1u, 0x7FFFFFFFu, 0xFFFFF000u, 0xFFFFFFFFu}) {
    for (const uint32_t size : {0u, 1u, 0x2000u, 0x80000000u, 0xFFFFFFFFu}) {
      for (unsigned id = 0; id < kArchitectureCount; ++id) {
        ModelSetting setting;
        setting.architecture = static_cast<ArchitectureId>(id);
        setting.relative_words = true;
        setting.ram_start = start, setting.ram_size = size;
        setting.segments = {{0, start - 100, 0, 0u - start}};
        const Bytes delta = EncodedDelta(
            old_image, new_image,
            {{0, 0, std::min<uint32_t>(2'000, static_cast<uint32_t>(new_image.size()))}}, setting,
            id % 3);
        ASSERT_NO_FATAL_FAILURE(
            ExpectAsReference(old_image, delta, 64, 64, static_cast<uint32_t>(new_image.size())));
        ASSERT_EQ(Compare(Apply(old_image, delta), new_image), "");
      }
    }
  }
}

// --- MaskAddresses, which reads images nobody vouches for.

TEST(MaskAddresses, TakesAnyImageAndSetting) {
  for (int i = 0; i < 4'000 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "seed " << i);
    Random random(static_cast<uint64_t>(i));
    Bytes image =
        i % 2 ? RandomBytes(random, random.UpTo(500)) : CodeLikeBytes(random, random.UpTo(500));
    image.shrink_to_fit();
    ModelSetting setting;
    setting.architecture = static_cast<ArchitectureId>(random.Below(kArchitectureCount));
    setting.relative_words = random.Below(2) != 0;
    setting.ram_start = static_cast<uint32_t>(random.Next()),
    setting.ram_size = random.UpTo(0xFFFFFFFF);
    setting.segments.resize(1 + random.Below(kMaxSegments));
    for (Segment& segment : setting.segments) {
      segment = {random.UpTo(600), static_cast<uint32_t>(random.Next()), random.UpTo(600),
                 static_cast<uint32_t>(random.Next())};
    }
    setting.segments[0].old_offset = setting.segments[0].new_offset = 0;
    for (const bool old_side : {true, false}) {
      const Bytes masked = MaskAddresses(image, setting, old_side);
      ASSERT_EQ(masked.size(), image.size());
      ASSERT_EQ(MaskAddresses(image, setting, old_side), masked);
    }
  }
}

TEST(MaskAddresses, MakesMovedCodeAlike) {
  // The same program at another place, and nothing else: masked, the two are one. Unmasked, they
  // are not.
  for (unsigned id = 0; id < kArchitectureCount; ++id) {
    SCOPED_TRACE(id);
    Random random(id);
    Program program = MakeProgram(random, {.architecture = static_cast<ArchitectureId>(id),
                                           .functions = 50,
                                           .new_base = 0x08040000,
                                           .edits = 0,
                                           .retargeted = 0});
    program.setting.relative_words = true;
    ASSERT_NE(program.old_image, program.new_image);
    const Bytes old_masked = MaskAddresses(program.old_image, program.setting, true);
    const Bytes new_masked = MaskAddresses(program.new_image, program.setting, false);
    size_t differ = 0, differ_masked = 0;
    for (size_t i = 0; i < old_masked.size(); ++i) {
      differ += program.old_image[i] != program.new_image[i];
      differ_masked += old_masked[i] != new_masked[i];
    }
    // Random filling that looks like an instruction here and not there is left.
    EXPECT_LT(differ_masked * 5, differ);
  }
}

}  // namespace
}  // namespace mote::testing
