// SPDX-License-Identifier: Apache-2.0
// Checkpoints: an update goes on from any of them, in memory that knows nothing, and what is damaged, forged or another
// update's is not gone on from. CHECKPOINT.md is what they are held to.
#include "stream/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "diff/diff.h"
#include "diff/sha256.h"
#include "patch/model.h"
#include "stream/updater.h"
#include "tests/support/images.h"
#include "tests/support/model_deltas.h"
#include "tests/support/pairs.h"
#include "tests/support/reference.h"
#include "tools/simulated_flash.h"

namespace mote::testing {
namespace {

struct Shape {
  uint32_t sector = 1024;
  uint32_t program_unit = 4;
  uint32_t buffer = 1024;
  uint32_t interval = 3;
  uint8_t erased_value = 0xFF;
  uint32_t area = 0;  // 0: as CheckpointSize says
};

uint32_t MemoryOf(std::span<const uint8_t> delta) {
  const unsigned parameter = delta[1] >> 4;
  switch (static_cast<Codec>(delta[1] & 15)) {
    case Codec::kLzss:
      return 256u << parameter;
    case Codec::kModel:
      return ModelMemory(parameter);
    default:
      return 0;
  }
}

// A device with the old image in one slot. A copy is the device after a power cut.
class Device {
 public:
  Device(const Shape& shape, Bytes old_image, Bytes new_image, Bytes delta)
      : shape_(shape),
        old_(std::move(old_image)),
        new_(std::move(new_image)),
        delta_(std::move(delta)),
        digest_(Sha256::Of(new_)),
        memory_size_(MemoryOf(delta_)),
        old_slot_(RoundUp(static_cast<uint32_t>(old_.size()))),
        new_slot_(RoundUp(static_cast<uint32_t>(new_.size()))),
        area_(shape.area != 0 ? shape.area
                              : RoundUp(CheckpointSize((memory_size_ + 7) & ~7u, shape.buffer, shape.interval,
                                                       shape.program_unit))),
        simulated({.size = old_slot_ + new_slot_ + 2 * area_,
                   .erase_unit = shape.sector,
                   .program_unit = shape.program_unit,
                   .erased_value = shape.erased_value},
                  7) {
    simulated.Load(0, old_);
    simulated.Forbid(0, old_slot_, SimulatedFlash::kChange);
    identity = {digest_.data(), 0x1234, static_cast<uint32_t>(delta_.size())};
  }

  // A start with garbage in all memory. Returns where to go on, or nothing where it cannot be started.
  uint32_t Begin(bool with_hash_state = true) {
    flash_ = simulated.flash();
    Random garbage(3);
    buffer_ = RandomBytes(garbage, shape_.buffer);
    memory_.resize(memory_size_ / 8 + 1);
    for (uint64_t& word : memory_) word = garbage.Next();
    Fill(updater, garbage);
    Fill(checkpoints, garbage);
    sha_ = Sha256();
    const UpdaterConfig config = {{&flash_, 0, old_slot_},
                                  {&flash_, old_slot_, new_slot_},
                                  buffer_.data(),
                                  shape_.buffer,
                                  reinterpret_cast<uint8_t*>(memory_.data()),
                                  memory_size_,
                                  sha_.hash()};
    EXPECT_EQ(updater.Init(config), Status::kNeedInput);
    const HashState none = {nullptr, nullptr, nullptr};
    at = checkpoints.Begin({{&flash_, area_start(), area_, shape_.interval}, identity,
                            with_hash_state ? sha_.hash_state() : none},
                           updater, config);
    if (at == 0) sha_ = Sha256();
    return at;
  }
  // Until so many bytes of the delta are taken, or a checkpoint was written after at least `checkpoints_wanted`.
  Status Go(size_t until, uint32_t piece, uint32_t checkpoints_wanted = UINT32_MAX) {
    Status status = Status::kNeedInput;
    while (status == Status::kNeedInput && at < until && checkpoints.written() < checkpoints_wanted) {
      const auto size = static_cast<uint32_t>(std::min<size_t>(piece, until - at));
      status = checkpoints.Write(updater, delta_.data() + at, size);
      at += size;
    }
    return status;
  }
  // To the end, which must be right.
  void ExpectRest(uint32_t piece) {
    Status status = Go(delta_.size(), piece);
    if (status == Status::kNeedInput) status = updater.Finish();
    ASSERT_EQ(status, Status::kDone);
    ASSERT_TRUE(std::ranges::equal(simulated.Content(old_slot_, static_cast<uint32_t>(new_.size())), new_));
    ASSERT_EQ(sha_.Finish(), digest_);
    ASSERT_EQ(simulated.violation_count(), 0u) << simulated.DescribeViolations();
  }
  uint32_t area_start(unsigned area = 0) const { return old_slot_ + new_slot_ + area * area_; }
  uint32_t area_size() const { return area_; }
  uint32_t new_start() const { return old_slot_; }
  size_t delta_size() const { return delta_.size(); }
  uint32_t memory_size() const { return memory_size_; }
  std::span<const uint8_t> Record(unsigned area) const {
    const auto all = simulated.Content(area_start(area), area_);
    return all.first(std::min<size_t>(LoadLittle32(all.data() + 8), all.size()));
  }
  static uint32_t LoadLittle32(const uint8_t* bytes) {
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
  }

 private:
  uint32_t RoundUp(uint32_t size) const { return (size + shape_.sector - 1) / shape_.sector * shape_.sector; }
  template <typename T>
  static void Fill(T& object, Random& garbage) {
    auto* bytes = reinterpret_cast<volatile uint8_t*>(&object);
    for (size_t i = 0; i < sizeof object; ++i) bytes[i] = static_cast<uint8_t>(garbage.Next());
  }

  Shape shape_;
  Bytes old_, new_, delta_;
  Sha256::Digest digest_;
  uint32_t memory_size_, old_slot_, new_slot_, area_;
  Flash flash_;
  Bytes buffer_;
  std::vector<uint64_t> memory_;
  Sha256 sha_;

 public:
  SimulatedFlash simulated;
  UpdateIdentity identity;
  Updater updater;
  Checkpoints checkpoints;
  uint32_t at = 0;  // in the delta
};

Bytes MakeDelta(const Bytes& old_image, const Bytes& new_image, Codec codec, unsigned parameter) {
  DiffOptions options;
  options.codec = codec;
  if (codec == Codec::kLzss) options.window_bits = parameter;
  if (codec == Codec::kModel) options.ram = kModelRam[parameter];
  options.effort = 1;
  return Diff(old_image, new_image, options);
}

struct Kind {
  const char* name;
  Codec codec;
  unsigned parameter;
};
constexpr Kind kKinds[] = {{"raw", Codec::kRaw, 0},
                           {"lzss10", Codec::kLzss, 10},
                           {"model0", Codec::kModel, 0},
                           {"model2", Codec::kModel, 2}};

class CheckpointPair : public ::testing::TestWithParam<std::tuple<std::string, Kind>> {};

INSTANTIATE_TEST_SUITE_P(Checkpoint, CheckpointPair, ::testing::Combine(::testing::ValuesIn(PairNames()), ::testing::ValuesIn(kKinds)),
                         [](const auto& pair) { return TestName(std::get<0>(pair.param) + "_" + std::get<1>(pair.param).name); });

// At every checkpoint, and somewhere behind it, the power goes.
TEST_P(CheckpointPair, GoesOnFromEach) {
  const auto [old_image, new_image] = ReadPair(std::get<0>(GetParam()));
  const Kind& kind = std::get<1>(GetParam());
  const Bytes delta = MakeDelta(old_image, new_image, kind.codec, kind.parameter);
  struct {
    Shape shape;
    uint32_t piece;
  } const cases[] = {{{}, 1},
                     {{.sector = 4096, .buffer = 4096, .interval = 1}, 7},
                     {{.sector = 1024, .program_unit = 16, .buffer = 256, .interval = 2, .erased_value = 0}, 128},
                     {{.sector = 512, .program_unit = 8, .buffer = 1280, .interval = 5}, 4096}};
  unsigned resumed = 0, written = 0;
  for (const auto& [shape, piece] : cases) {
    SCOPED_TRACE(::testing::Message() << "sector " << shape.sector << ", buffer " << shape.buffer << ", pieces of " << piece);
    Device device(shape, old_image, new_image, delta);
    ASSERT_EQ(device.Begin(), 0u);
    Random random(piece);
    const unsigned step = kSlowdown > 1 ? 7 : 3;
    uint32_t most = 0;
    for (uint32_t wanted = 1; device.at < delta.size(); wanted += 1 + random.Below(step)) {
      const Status status = device.Go(delta.size(), piece, std::max(wanted, device.checkpoints.written() + 1));
      ASSERT_TRUE(status == Status::kNeedInput || status == Status::kDone) << StatusName(status);
      if (device.at == delta.size()) break;
      for (unsigned area = 0; area < 2; ++area) {
        const auto record = device.Record(area);
        if (Device::LoadLittle32(record.data()) == 0x5043746D) most = std::max(most, static_cast<uint32_t>(record.size()));
      }
      const uint32_t offset = device.checkpoints.offset();
      // Two cuts in a row; the first one later in the same interval.
      Device cut = device;
          ASSERT_EQ(cut.Begin(random.Below(4) != 0), offset) << "checkpoint " << wanted;
      ++resumed;
      if (random.Below(2) != 0) {
        cut.Go(std::min<size_t>(delta.size(), cut.at + random.Below(300)), piece);
        const uint32_t last = cut.checkpoints.offset();
        Device again = cut;
        ASSERT_EQ(again.Begin(), last);
        ASSERT_NO_FATAL_FAILURE(again.ExpectRest(piece));
      } else {
        ASSERT_NO_FATAL_FAILURE(cut.ExpectRest(piece));
      }
    }
    ASSERT_NO_FATAL_FAILURE(device.ExpectRest(piece));
    written += device.checkpoints.written();
    ASSERT_LE(most, CheckpointSize((device.memory_size() + 7) & ~7u, shape.buffer, shape.interval, shape.program_unit));
    device.checkpoints.Discard();
    ASSERT_EQ(device.Begin(), 0u) << "discarded";
  }
  // Of a delta that fits into the range decoder's queue, everything is decoded at its end.
  if (delta.size() < 200) return;
  EXPECT_GE(written, 3u);
  EXPECT_GE(resumed, 2u);
}

// ---- Records that are not what they should be. A small image, so that each of them can be tried.

struct Small {
  explicit Small(const Kind& kind, const Shape& shape = {.sector = 512, .buffer = 512, .interval = 2}) {
    Random random(5);
    old_image = CodeLikeBytes(random, 6000);
    new_image = Edited(random, old_image, 9, 7000);
    delta = MakeDelta(old_image, new_image, kind.codec, kind.parameter);
    device.emplace(shape, old_image, new_image, delta);
    EXPECT_EQ(device->Begin(), 0u);
    EXPECT_EQ(device->Go(delta.size(), 1, 2), Status::kNeedInput);
    EXPECT_EQ(device->checkpoints.written(), 2u);
    last = device->checkpoints.offset();
  }
  // What a start finds in this flash.
  uint32_t Found(const SimulatedFlash& flash) const {
    Device copy = *device;
    copy.simulated = flash;
    return copy.Begin();
  }
  // The area that the last checkpoint is in.
  unsigned area() const { return 1; }

  Bytes old_image, new_image, delta;
  std::optional<Device> device;
  uint32_t last;
};

class CheckpointKind : public ::testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Checkpoint, CheckpointKind, ::testing::ValuesIn(kKinds), [](const auto& kind) { return kind.param.name; });

TEST_P(CheckpointKind, DamagedOnesAreRefused) {
  Small small(GetParam());
  Device& device = *small.device;
  const uint32_t start = device.area_start(small.area());
  const Bytes record(device.Record(small.area()).begin(), device.Record(small.area()).end());
  Device other = device;
  const uint8_t garbage = 0x5A;
  other.simulated.Load(start, {&garbage, 1});
  const uint32_t before = other.Begin();
  ASSERT_LT(before, small.last);
  // The seal is behind it.
  for (size_t bit = 0; bit < (record.size() + 8) * 8; bit += 1 + bit % (3 * kSlowdown)) {
    Device copy = device;
    const uint32_t at = start + static_cast<uint32_t>(bit / 8);
    if (bit / 8 >= record.size() && (record.size() % 4 != 0)) break;  // padding: of no meaning
    const uint8_t byte = static_cast<uint8_t>(copy.simulated.content()[at] ^ 1u << bit % 8);
    copy.simulated.Load(at, {&byte, 1});
    ASSERT_EQ(copy.Begin(), before) << "bit " << bit % 8 << " of byte " << bit / 8;
  }
}

// The check is right again: what is left are the ranges of what was read. Whatever it comes to, nothing is touched that
// should not be (the sanitizers look), and no image is called done that is another.
TEST_P(CheckpointKind, ForgedOnesDoNoHarm) {
  Small small(GetParam());
  Device& device = *small.device;
  const uint32_t start = device.area_start(small.area());
  const Bytes record(device.Record(small.area()).begin(), device.Record(small.area()).end());
  Random random(8);
  unsigned taken = 0, refused = 0;
  const auto attempt = [&](const Bytes& bytes) {
    Device copy = device;
    Bytes forged = bytes;
    const uint32_t check = ReferenceCheck({forged.data(), forged.size() - 4});
    for (unsigned i = 0; i < 4; ++i) forged[forged.size() - 4 + i] = static_cast<uint8_t>(check >> 8 * i);
    copy.simulated.Load(start, forged);
    copy.simulated.Load(device.area_start(1 - small.area()), Bytes(16, 0));
    ++(copy.Begin() == 0 ? refused : taken);
    Status status = copy.Go(copy.delta_size(), 4096);
    if (status == Status::kNeedInput) status = copy.updater.Finish();
    if (status == Status::kDone) {
      ASSERT_TRUE(std::ranges::equal(
          copy.simulated.Content(copy.new_start(), static_cast<uint32_t>(small.new_image.size())), small.new_image));
    }
    ASSERT_EQ(copy.simulated.violation_count(), 0u) << copy.simulated.DescribeViolations();
  };
  for (size_t at = 4; at + 4 < record.size(); at += at < 400 ? 1 : 1 + random.Below(4 * kSlowdown)) {
    for (const uint8_t value : {0x00, 0xFF, 0x80, 0x7F, static_cast<int>(record[at] + 1), static_cast<int>(record[at] - 1)}) {
      if (value == record[at]) continue;
      Bytes forged = record;
      forged[at] = static_cast<uint8_t>(value);
      ASSERT_NO_FATAL_FAILURE(attempt(forged)) << "byte " << at << " is " << int{value};
    }
  }
  // Several fields at once.
  for (int i = 0; i < 3000 / kSlowdown; ++i) {
    Bytes forged = record;
    for (int n = 0; n < 3; ++n) {
      const size_t at = 116 + random.Below(i % 2 == 0 ? 160 : forged.size() - 120);
      const uint8_t value = static_cast<uint8_t>(random.Below(3) == 0 ? 0xFF : random.Next());
      for (size_t k = at; k < std::min<size_t>(at + random.Below(5), forged.size() - 4); ++k) forged[k] = value;
    }
    ASSERT_NO_FATAL_FAILURE(attempt(forged)) << "series " << i;
  }
  EXPECT_GT(refused, 100u);
  EXPECT_GT(taken, 0u);
}

TEST_P(CheckpointKind, OfAnotherUpdateAreRefused) {
  Small small(GetParam());
  const auto begin = [&](const auto& change) {
    Device copy = *small.device;
    change(copy);
    return copy.Begin();
  };
  const auto flip = [](Device& device, uint32_t at) {
    const uint8_t byte = device.simulated.content()[at] ^ 4;
    device.simulated.Load(at, {&byte, 1});
  };
  EXPECT_EQ(begin([](Device&) {}), small.last);
  Sha256::Digest other{};
  EXPECT_EQ(begin([&](Device& d) { d.identity.digest = other.data(); }), 0u);
  EXPECT_EQ(begin([&](Device& d) { d.identity.digest = nullptr; }), 0u);
  EXPECT_EQ(begin([](Device& d) { ++d.identity.delta; }), 0u);
  EXPECT_EQ(begin([](Device& d) { ++d.identity.delta_size; }), 0u);
  // The images are not what they were.
  EXPECT_EQ(begin([&](Device& d) { flip(d, 3000); }), 0u) << "old";
  EXPECT_EQ(begin([&](Device& d) { flip(d, d.new_start() + 17); }), 0u) << "new";
  Device copy = *small.device;
  flip(copy, copy.new_start() + copy.updater.flushed() + 3);
  EXPECT_EQ(copy.Begin(), small.last) << "behind what the checkpoint stands for";
}

// A version that is not known is no checkpoint, and is written over.
TEST_P(CheckpointKind, OfAnotherVersionAreRefused) {
  Small small(GetParam());
  Device copy = *small.device;
  const uint8_t version = 2;
  for (unsigned area = 0; area < 2; ++area) copy.simulated.Load(copy.area_start(area) + 4, {&version, 1});
  EXPECT_EQ(copy.Begin(), 0u);
  EXPECT_NO_FATAL_FAILURE(copy.ExpectRest(9));
}

// An update never fails for want of a checkpoint.
TEST_P(CheckpointKind, FlashThatFailsEndsOnlyTheCheckpoints) {
  for (const unsigned operation : {SimulatedFlash::kErase, SimulatedFlash::kProgram, SimulatedFlash::kRead}) {
    for (unsigned area = 0; area < 2; ++area) {
      Small small(GetParam());
      Device copy = *small.device;
      copy.simulated.Break(copy.area_start(area), copy.area_size(), operation,
                           operation == SimulatedFlash::kRead ? Status::kReadError : Status::kFlashError);
      copy.Begin();
      ASSERT_NO_FATAL_FAILURE(copy.ExpectRest(5)) << operation << " fails in area " << area;
    }
  }
}

// In less room, checkpoints wait until little is in the buffer; with none, there are none.
TEST_P(CheckpointKind, SmallAreas) {
  Small small(GetParam());
  const auto largest = static_cast<uint32_t>(small.device->Record(small.area()).size());
  unsigned fewer = 0;
  for (uint32_t size = 512; size <= (largest / 512 + 2) * 512; size += 512) {
    Device device({.sector = 512, .buffer = 512, .interval = 1, .area = size}, small.old_image, small.new_image, small.delta);
    ASSERT_EQ(device.Begin(), 0u);
    while (device.at < small.delta.size()) {
      const Status status = device.Go(device.at + 1, 1);
      if (status == Status::kDone) break;
      ASSERT_EQ(status, Status::kNeedInput);
      if (device.at % 64 != 0) continue;
      Device cut = device;
      const uint32_t offset = device.checkpoints.offset();
      ASSERT_EQ(cut.Begin(), offset);
      ASSERT_NO_FATAL_FAILURE(cut.ExpectRest(64));
    }
    fewer += device.checkpoints.written() == 0;
  }
  EXPECT_EQ(fewer > 0, GetParam().codec != Codec::kRaw);
}

// CHECKPOINT.md, read by somebody else.
TEST(Checkpoint, IsAsDocumented) {
  Small small(kKinds[0]);
  Device& device = *small.device;
  const auto record = device.Record(small.area());
  const auto word = [&](size_t at) { return Device::LoadLittle32(record.data() + at); };
  EXPECT_EQ(word(0), 0x5043746Du);
  EXPECT_EQ(record[4], 1);
  EXPECT_EQ(record[5], 3) << "with the states of decoder and hash";
  EXPECT_EQ(word(8), record.size());
  EXPECT_EQ(word(12), 2u);
  EXPECT_TRUE(std::ranges::equal(record.subspan(16, 32), Sha256::Of(small.new_image)));
  EXPECT_EQ(word(48), 0x1234u);
  EXPECT_EQ(word(52), small.delta.size());
  EXPECT_EQ(word(56), device.new_start());
  EXPECT_EQ(word(60), 512u);
  EXPECT_EQ(word(64), device.updater.flushed()) << "complete";
  EXPECT_EQ(word(68), small.last);
  // Decoder.
  EXPECT_EQ(record[104], small.delta[1]);
  EXPECT_EQ(word(105), small.old_image.size());
  EXPECT_EQ(word(109), small.new_image.size());
  EXPECT_EQ(word(113), ReferenceCheck(small.old_image));
  const uint32_t bytes = word(127), remaining = word(131), filled = word(139);
  const auto produced = static_cast<uint32_t>(small.new_image.size()) - remaining - bytes;
  EXPECT_EQ(produced - filled, device.updater.flushed());
  EXPECT_EQ(word(143), ReferenceCheck({small.new_image.data(), produced - filled}));
  EXPECT_TRUE(std::ranges::equal(record.subspan(147, filled), std::span(small.new_image).subspan(produced - filled, filled)));
  ASSERT_EQ(record.size(), 147 + filled + 4);
  EXPECT_EQ(word(147 + filled), ReferenceCheck(record.first(147 + filled)));
  // The seal.
  const size_t at = (record.size() + 3) / 4 * 4;
  const auto area = device.simulated.Content(device.area_start(small.area()), device.area_size());
  EXPECT_EQ(Device::LoadLittle32(area.data() + at), 0u);
  EXPECT_EQ(Device::LoadLittle32(area.data() + at + 4), ReferenceCheck(Bytes{2, 0, 0, 0, 0, 0, 0, 0}));
}

// The next place in old is a little before that of the checkpoint, and what was read ahead there is gone.
TEST(Checkpoint, SeeksBackAfterOne) {
  Random random(5);
  const Bytes old_image = RandomBytes(random, 3000);
  const Bytes inserted = RandomBytes(random, 2600);
  for (uint32_t back = 0; back < 64; ++back) {
    SCOPED_TRACE(back);
    Bytes new_image(old_image.begin(), old_image.begin() + 1000);
    new_image.insert(new_image.end(), inserted.begin(), inserted.end());
    const Copy copies[] = {{0, 0, 1000}, {3600, 1000 - back, 500}};
    new_image.insert(new_image.end(), old_image.begin() + 1000 - back, old_image.begin() + 1500 - back);
    const Bytes delta = EncodedDelta(old_image, new_image, {std::begin(copies), std::end(copies)}, {}, 0);
    Device device({.interval = 1}, old_image, new_image, delta);
    ASSERT_EQ(device.Begin(), 0u);
    ASSERT_EQ(device.Go(delta.size(), 1, 2), Status::kNeedInput);  // two checkpoints: within the insertion
    ASSERT_NE(device.Begin(), 0u);
    ASSERT_NO_FATAL_FAILURE(device.ExpectRest(64));
  }
}

TEST(Checkpoint, TheHashGoesOn) {
  Random random(2);
  const Bytes bytes = RandomBytes(random, 1000);
  for (size_t blocks = 0; blocks < 15; ++blocks) {
    Sha256 first, second;
    first.Update({bytes.data(), blocks * 64});
    uint8_t state[kHashStateSize];
    const HashState from = first.hash_state(), to = second.hash_state();
    from.save(from.context, state);
    second.Update(bytes);
    to.restore(to.context, state, static_cast<uint32_t>(blocks * 64));
    second.Update({bytes.data() + blocks * 64, bytes.size() - blocks * 64});
    EXPECT_EQ(second.Finish(), Sha256::Of(bytes));
  }
}

}  // namespace
}  // namespace mote::testing
