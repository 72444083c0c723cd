// SPDX-License-Identifier: Apache-2.0
// The whole pipeline on a simulated flash: what it does to which part of the flash, and what it says when it cannot.
#include "stream/updater.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "diff/diff.h"
#include "stream/mote.h"
#include "tests/support/images.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/reference.h"
#include "tools/simulated_flash.h"

namespace mote::testing {
namespace {

struct Shape {
  uint32_t sector;
  uint32_t program_unit;
  uint32_t buffer;
  uint8_t erased_value = 0xFF;
};

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << "sector " << shape.sector << ", unit " << shape.program_unit << ", buffer " << shape.buffer << ", erased "
       << int{shape.erased_value};
}

// Two slots with a sector that is nobody's before, between and behind them. Everything but reading the old slot and
// changing the new one is forbidden.
class Rig {
 public:
  Rig(const Shape& shape, Bytes old_image, uint32_t new_size)
      : shape_(shape),
        old_size_(RoundUp(static_cast<uint32_t>(old_image.size()))),
        new_slot_size_(RoundUp(new_size)),
        simulated({.size = old_size_ + new_slot_size_ + 3 * shape.sector,
                   .erase_unit = shape.sector,
                   .program_unit = shape.program_unit,
                   .erased_value = shape.erased_value},
                  /*seed=*/3),
        buffer_(shape.buffer),
        memory_(1024) {
    simulated.Load(old_at(), old_image);
    simulated.Forbid(0, new_at(), SimulatedFlash::kChange);
    simulated.Forbid(new_end(), shape.sector, SimulatedFlash::kChange);
    simulated.Forbid(0, old_at(), SimulatedFlash::kRead);
    simulated.Forbid(old_at() + old_size_, simulated.geometry().size - old_at() - old_size_, SimulatedFlash::kRead);
    flash = simulated.flash();
    config = {{&flash, old_at(), old_size_},
              {&flash, new_at(), new_slot_size_},
              buffer_.data(),
              shape.buffer,
              memory_.data(),
              static_cast<uint32_t>(memory_.size()),
              {&Append, this}};
  }
  Rig(const Rig&) = delete;

  // Pieces of 7 bytes, then Finish; after an error, more pieces, which must change nothing.
  Status Run(const Bytes& delta) {
    Status status = updater.Init(config);
    for (size_t at = 0; at < delta.size() && status == Status::kNeedInput; at += kPiece) {
      status = updater.Write(delta.data() + at, static_cast<uint32_t>(std::min(kPiece, delta.size() - at)));
    }
    if (status == Status::kNeedInput) return updater.Finish();
    const uint64_t operations = simulated.operations();
    EXPECT_EQ(updater.Write(delta.data(), static_cast<uint32_t>(delta.size())), status) << "the last status is not kept";
    EXPECT_EQ(updater.Finish(), status) << "Finish says something else";
    EXPECT_EQ(simulated.operations(), operations) << "the flash is used after the end";
    return status;
  }

  uint32_t old_at() const { return shape_.sector; }
  uint32_t new_at() const { return old_at() + old_size_ + shape_.sector; }
  uint32_t new_end() const { return new_at() + new_slot_size_; }

 private:
  static constexpr size_t kPiece = 7;
  uint32_t RoundUp(uint32_t size) const { return (std::max(size, 1u) + shape_.sector - 1) / shape_.sector * shape_.sector; }
  static void Append(void* context, const uint8_t* data, uint32_t size) {
    Rig& rig = *static_cast<Rig*>(context);
    rig.hashed.insert(rig.hashed.end(), data, data + size);
  }

  Shape shape_;
  uint32_t old_size_, new_slot_size_;

 public:
  SimulatedFlash simulated;
  Flash flash;
  UpdaterConfig config;
  Updater updater;
  Bytes hashed;

 private:
  Bytes buffer_, memory_;
};

struct Pair {
  Bytes old_image, new_image, delta;
};

Pair MakePair(uint32_t old_size, uint32_t new_size, Codec codec) {
  Random random(11);
  Pair pair;
  pair.old_image = CodeLikeBytes(random, old_size);
  pair.new_image = pair.old_image;
  const Bytes more = CodeLikeBytes(random, new_size);
  pair.new_image.insert(pair.new_image.begin() + old_size / 2, more.begin(), more.begin() + std::min<uint32_t>(40, new_size));
  pair.new_image.insert(pair.new_image.end(), more.begin(), more.end());
  pair.new_image.resize(new_size);
  DiffOptions options;
  options.codec = codec;
  options.window_bits = codec == Codec::kLzss ? 10 : 0;
  pair.delta = Diff(pair.old_image, pair.new_image, options);
  return pair;
}

constexpr Shape kShapes[] = {
    {4096, 4, 4096},       {4096, 256, 256}, {4096, 1, 1},         {2048, 8, 2048, 0x00}, {1024, 16, 4096},
    {512, 8, 24},          {128, 4, 128},    {96, 32, 2048, 0x00}, {1, 1, 1},             {16384, 4, 512},
};

class UpdaterOnFlash : public ::testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(All, UpdaterOnFlash, ::testing::ValuesIn(kShapes));

TEST_P(UpdaterOnFlash, EachSectorOnceAndNothingElse) {
  const Shape shape = GetParam();
  for (const Codec codec : {Codec::kRaw, Codec::kLzss}) {
    for (const uint32_t new_size : {0u, 1u, 95u, 96u, 4095u, 4096u, 4097u, 9001u}) {
      SCOPED_TRACE(::testing::Message() << "new of " << new_size << " bytes, codec " << static_cast<int>(codec));
      const Pair pair = MakePair(5000, new_size, codec);
      Rig rig(shape, pair.old_image, new_size + 2 * shape.sector);
      const Bytes before = rig.simulated.content();
      ASSERT_EQ(rig.Run(pair.delta), Status::kDone);
      EXPECT_EQ(rig.updater.patcher().new_size(), new_size);
      EXPECT_EQ(rig.updater.patcher().produced(), new_size);
      EXPECT_EQ(Compare(rig.simulated.Content(rig.new_at(), new_size), pair.new_image), "");
      EXPECT_EQ(Compare(rig.hashed, pair.new_image), "");
      EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();

      const uint32_t sectors = (new_size + shape.sector - 1) / shape.sector;
      const uint32_t units = (new_size + shape.program_unit - 1) / shape.program_unit;
      const auto& erases = rig.simulated.erases();
      for (uint32_t i = 0; i < erases.size(); ++i) {
        const uint32_t first = rig.new_at() / shape.sector;
        ASSERT_EQ(erases[i], i >= first && i < first + sectors ? 1u : 0u) << "sector " << i;
      }
      const auto& programs = rig.simulated.programs();
      for (uint32_t i = 0; i < programs.size(); ++i) {
        const uint32_t first = rig.new_at() / shape.program_unit;
        ASSERT_EQ(programs[i], i >= first && i < first + units ? 1u : 0u) << "program unit " << i;
      }
      const auto after = rig.simulated.content();
      EXPECT_TRUE(std::equal(before.begin(), before.begin() + rig.new_at(), after.begin()));
      EXPECT_TRUE(std::all_of(after.begin() + rig.new_at() + new_size, after.begin() + rig.new_at() + sectors * shape.sector,
                              [&](uint8_t byte) { return byte == shape.erased_value; }));
      EXPECT_TRUE(std::equal(before.begin() + rig.new_at() + sectors * shape.sector, before.end(),
                             after.begin() + rig.new_at() + sectors * shape.sector));
    }
  }
}

TEST_P(UpdaterOnFlash, ErrorsOfEveryOperationAreReturnedAndFinal) {
  const Shape shape = GetParam();
  const Pair pair = MakePair(700, 900, Codec::kLzss);
  const struct {
    unsigned operation;
    Status status;
  } faults[] = {{SimulatedFlash::kRead, Status::kReadError},
                {SimulatedFlash::kErase, Status::kFlashError},
                {SimulatedFlash::kProgram, Status::kFlashError},
                {SimulatedFlash::kProgram, Status::kBadArgument}};
  Rig good(shape, pair.old_image, 900);
  ASSERT_EQ(good.Run(pair.delta), Status::kDone);
  for (const auto& fault : faults) {
    const uint64_t count = good.simulated.operations(fault.operation);
    ASSERT_GT(count, 0u);
    const uint64_t step = count / 100 + 1;
    for (uint64_t skip = 0; skip < count; skip += step) {
      Rig rig(shape, pair.old_image, 900);
      rig.simulated.FailAfter(skip, fault.operation, fault.status);
      ASSERT_EQ(rig.Run(pair.delta), fault.status) << "operation " << fault.operation << " after " << skip;
      EXPECT_EQ(rig.simulated.operations(fault.operation), skip + 1) << "it went on";
      EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
    }
    Rig rig(shape, pair.old_image, 900);
    rig.simulated.FailAfter(count, fault.operation, fault.status);
    EXPECT_EQ(rig.Run(pair.delta), Status::kDone) << "the fault comes too late";
  }
}

TEST_P(UpdaterOnFlash, RefusalsComeBeforeAnythingIsErased) {
  const Pair pair = MakePair(700, 900, Codec::kLzss);
  const auto expect = [&](Status status, const Bytes& delta, const auto& change) {
    Rig rig(GetParam(), pair.old_image, 900);
    change(rig);
    EXPECT_EQ(rig.Run(delta), status) << StatusName(status);
    EXPECT_EQ(rig.simulated.operations(SimulatedFlash::kChange), 0u) << StatusName(status);
    EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
    EXPECT_EQ(rig.updater.patcher().produced(), 0u) << StatusName(status);
  };
  const auto nothing = [](Rig&) {};
  const auto with = [&](size_t at, uint8_t byte) {
    Bytes delta = pair.delta;
    delta[at] = byte;
    return delta;
  };
  expect(Status::kCorrupt, with(0, 0x51), nothing);
  expect(Status::kUnsupported, with(0, 0xD2), nothing);
  expect(Status::kUnsupported, with(1, 0x03), nothing);
  expect(Status::kUnsupported, with(1, 0xF1), nothing);
  expect(Status::kDoesNotFit, pair.delta, [](Rig& rig) { rig.config.new_slot.size = 899; });
  expect(Status::kDoesNotFit, pair.delta, [](Rig& rig) { rig.config.memory_size = 1023; });
  expect(Status::kWrongBase, pair.delta, [](Rig& rig) { rig.config.old_slot.size = 699; });
  expect(Status::kWrongBase, pair.delta, [&](Rig& rig) {
    const uint8_t other = static_cast<uint8_t>(pair.old_image[699] ^ 1);
    rig.simulated.Load(rig.old_at() + 699, {&other, 1});
  });
  expect(Status::kNeedInput, Bytes(pair.delta.begin(), pair.delta.begin() + 10), nothing);
}

TEST(Updater, BadArguments) {
  const Shape shape{512, 8, 512};
  const auto init = [&](const auto& change) {
    Rig rig(shape, FromText("hello world"), 12);
    change(rig);
    const Status status = rig.updater.Init(rig.config);
    EXPECT_EQ(rig.simulated.operations(), 0u);
    return status;
  };
  EXPECT_EQ(init([](Rig&) {}), Status::kNeedInput);
  EXPECT_EQ(init([](Rig& rig) { rig.config.buffer_size = 8; }), Status::kNeedInput);
  EXPECT_EQ(init([](Rig& rig) { rig.config.buffer_size = 0; }), Status::kBadArgument);
  EXPECT_EQ(init([](Rig& rig) { rig.config.buffer_size = 12; }), Status::kBadArgument);
  EXPECT_EQ(init([](Rig& rig) { rig.config.buffer_size = 4; }), Status::kBadArgument);
  EXPECT_EQ(init([](Rig& rig) { rig.config.new_slot.offset += 4; }), Status::kBadArgument);
  EXPECT_EQ(init([](Rig& rig) { rig.flash.program_unit = 24; }), Status::kBadArgument);
  EXPECT_EQ(init([](Rig& rig) { rig.flash.program_unit = 3; }), Status::kBadArgument);
}

TEST(Updater, EveryPrefixOfADeltaNeedsInput) {
  const Pair pair = MakePair(300, 400, Codec::kLzss);
  for (size_t size = 0; size < pair.delta.size(); ++size) {
    Rig rig({128, 4, 128}, pair.old_image, 400);
    EXPECT_EQ(rig.Run(Bytes(pair.delta.begin(), pair.delta.begin() + static_cast<ptrdiff_t>(size))), Status::kNeedInput) << size;
  }
}

TEST(Updater, CanBeStartedAgain) {
  const Pair pair = MakePair(300, 400, Codec::kLzss);
  Rig rig({128, 4, 128}, pair.old_image, 400);
  ASSERT_EQ(rig.Run(Bytes(pair.delta.begin(), pair.delta.begin() + 60)), Status::kNeedInput);
  rig.hashed.clear();
  ASSERT_EQ(rig.Run(pair.delta), Status::kDone);
  EXPECT_EQ(Compare(rig.simulated.Content(rig.new_at(), 400), pair.new_image), "");
  EXPECT_EQ(Compare(rig.hashed, pair.new_image), "");
  EXPECT_EQ(rig.simulated.violation_count(), 0u) << rig.simulated.DescribeViolations();
}

// --- The same through the C header.

mote_status CRead(void*, uint32_t, uint8_t*, uint32_t) { return MOTE_READ_ERROR; }
mote_status CErase(void*, uint32_t) { return MOTE_FLASH_ERROR; }
mote_status CProgram(void*, uint32_t, const uint8_t*, uint32_t) { return MOTE_FLASH_ERROR; }

struct CSetup {
  mote_flash flash{&CRead, &CErase, &CProgram, nullptr, 512, 8, 0xFF};
  uint32_t memory[64];
  uint8_t buffer[512];
  mote_updater_config config{};
  mote_updater updater;

  CSetup() {
    config.old_slot = {&flash, 0, 1024};
    config.new_slot = {&flash, 1024, 1024};
    config.buffer = buffer;
    config.buffer_size = sizeof buffer;
    config.memory = reinterpret_cast<uint8_t*>(memory);
    config.memory_size = sizeof memory;
  }
};

TEST(UpdaterInC, BadArgumentsAreKept) {
  const auto init = [](const auto& change) {
    CSetup setup;
    change(setup);
    const mote_status status = mote_updater_init(&setup.updater, &setup.config);
    const uint8_t byte = 0xD1;
    EXPECT_EQ(mote_updater_write(&setup.updater, &byte, 1), status);
    EXPECT_EQ(mote_updater_finish(&setup.updater), status);
    EXPECT_EQ(mote_updater_new_size(&setup.updater), 0u);
    EXPECT_EQ(mote_updater_produced(&setup.updater), 0u);
    return status;
  };
  EXPECT_EQ(init([](CSetup&) {}), MOTE_NEED_INPUT);
  EXPECT_EQ(init([](CSetup& s) { s.config.memory = nullptr, s.config.memory_size = 0; }), MOTE_NEED_INPUT);
  EXPECT_EQ(init([](CSetup& s) { s.config.memory = nullptr; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { ++s.config.memory; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.config.buffer = nullptr; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.config.buffer_size = 0; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.config.buffer_size = 20; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.config.old_slot.flash = nullptr; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.config.new_slot.flash = nullptr; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.config.new_slot.offset = 4; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.flash.read = nullptr; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.flash.erase = nullptr; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.flash.program = nullptr; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.flash.erase_unit = 0; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.flash.erase_unit = 500; }), MOTE_BAD_ARGUMENT);
  EXPECT_EQ(init([](CSetup& s) { s.flash.program_unit = 24; }), MOTE_BAD_ARGUMENT);
}

TEST(UpdaterInC, ErrorsOfCallbacksAreReturned) {
  CSetup setup;
  ASSERT_EQ(mote_updater_init(&setup.updater, &setup.config), MOTE_NEED_INPUT);
  const Bytes delta = Hex("D1 00 0B 02 A73F8BD5");
  EXPECT_EQ(mote_updater_write(&setup.updater, delta.data(), 7), MOTE_NEED_INPUT);
  EXPECT_EQ(mote_updater_new_size(&setup.updater), 12u);
  EXPECT_EQ(mote_updater_write(&setup.updater, &delta[7], 1), MOTE_READ_ERROR);
  EXPECT_EQ(mote_updater_finish(&setup.updater), MOTE_READ_ERROR);
  EXPECT_STREQ(mote_status_name(MOTE_READ_ERROR), "read_error");
}

}  // namespace
}  // namespace mote::testing
