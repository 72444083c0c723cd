// SPDX-License-Identifier: Apache-2.0
// Updates in place: what the encoder makes can be carried out where new overwrites old, on every geometry, through power cuts.
// Seeds decide everything; a failure prints the seed of its case.
#include "diff/in_place.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "diff/align.h"
#include "diff/apply.h"
#include "patch/patcher.h"
#include "stream/in_place.h"
#include "stream/in_place_file.h"
#include "tests/support/images.h"
#include "tests/support/pairs.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/reference.h"
#include "tools/simulated_flash.h"

namespace mote::testing {
namespace {

uint32_t Sectors(size_t size, uint32_t erase_unit) {
  return static_cast<uint32_t>((size + erase_unit - 1) / erase_unit);
}

// --- What a delta reads, found without stream/in_place.h: a patcher whose old image is destroyed as new is written.

class Overwriting {
 public:
  // Old is `shift` sectors up; where `complete` bytes of new are whole sectors, all up to `interval` sectors behind these is garbage.
  Overwriting(Bytes old_image, uint32_t erase_unit, uint32_t shift, uint32_t interval)
      : old_image_(std::move(old_image)), erase_unit_(erase_unit), shift_(shift), interval_(interval) {}

  Status Run(const Bytes& delta) {
    std::vector<uint64_t> memory((CodecMemory(ReadHeader(delta)) + 7) / 8);
    Bytes buffer(erase_unit_);
    Patcher patcher;
    patcher.Init({{&ReadOld, this, static_cast<uint32_t>(old_image_.size())},
                  {buffer.data(), erase_unit_, &Flush, &ReadNew, this, 1u << 30},
                  reinterpret_cast<uint8_t*>(memory.data()), static_cast<uint32_t>(memory.size() * 8)});
    const Status status = patcher.Write(delta.data(), static_cast<uint32_t>(delta.size()));
    return status == Status::kNeedInput ? patcher.Finish() : status;
  }

  const Bytes& new_image() const { return new_image_; }
  // Reads of what was garbage.
  uint32_t misreads() const { return misreads_; }
  // The largest `complete` - q of all reads.
  int64_t need() const { return need_; }

 private:
  static Status ReadOld(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
    auto& self = *static_cast<Overwriting*>(context);
    std::copy_n(self.old_image_.begin() + offset, size, to);
    // Before the header is complete, all of old is read for its check.
    if (!self.started()) return Status::kDone;
    const int64_t complete = static_cast<int64_t>(self.new_image_.size() / self.erase_unit_ * self.erase_unit_);
    const int64_t unit = self.erase_unit_;
    self.need_ = std::max(self.need_, complete - offset);
    const int64_t garbage_end = complete + self.interval_ * unit - self.shift_ * unit;
    for (uint32_t i = 0; i < size && offset + i < garbage_end; ++i) to[i] = 0xA5;
    self.misreads_ += offset < garbage_end;
    return Status::kDone;
  }
  static Status ReadNew(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
    std::copy_n(static_cast<Overwriting*>(context)->new_image_.begin() + offset, size, to);
    return Status::kDone;
  }
  static Status Flush(void* context, uint8_t* data, uint32_t size) {
    Bytes& image = static_cast<Overwriting*>(context)->new_image_;
    image.insert(image.end(), data, data + size);
    return Status::kDone;
  }
  // The check of the base reads it once, from its start to its end.
  bool started() {
    if (checked_ >= old_image_.size()) return true;
    checked_ += std::min<size_t>(erase_unit_, old_image_.size() - checked_);
    return false;
  }

  Bytes old_image_, new_image_;
  uint32_t erase_unit_, shift_, interval_;
  size_t checked_ = 0;
  uint32_t misreads_ = 0;
  int64_t need_ = INT64_MIN;
};

// --- A device, with its power cut now and then.

struct Shape {
  uint32_t erase_unit, program_unit, buffer;
  uint8_t erased_value = 0xFF;
};

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << "erase unit " << shape.erase_unit << ", program unit " << shape.program_unit << ", buffer " << shape.buffer
       << ", erased " << int{shape.erased_value};
}

constexpr Shape kShapes[] = {
    {256, 4, 256}, {256, 8, 64, 0x00}, {512, 1, 128}, {1024, 16, 1024}, {2048, 64, 64}, {4096, 4, 4096}, {4096, 2, 512},
};

// Lives through one update in `flash`: image area, two areas for records behind it. `cuts`: how often the power goes.
void ExpectUpdated(const Shape& shape, const Bytes& old_image, const Bytes& new_image, const Bytes& delta,
                   const InPlaceRun& expected, Random& random, int cuts) {
  SCOPED_TRACE(::testing::PrintToString(shape));
  constexpr uint32_t kGuard = 1;  // sectors that are nobody's
  const uint32_t unit = shape.erase_unit;
  const uint32_t area_at = kGuard * unit;
  const uint32_t journal_at = area_at + expected.area + kGuard * unit;
  const uint32_t delta_at = journal_at + 2 * expected.journal_area + kGuard * unit;
  const uint32_t delta_end = delta_at + Sectors(delta.size(), unit) * unit;
  SimulatedFlash simulated({.size = delta_end + kGuard * unit,
                            .erase_unit = unit,
                            .program_unit = shape.program_unit,
                            .erased_value = shape.erased_value},
                           random.Next());
  simulated.Load(area_at, old_image);
  simulated.Load(delta_at, delta);
  simulated.Forbid(0, area_at, SimulatedFlash::kAll);
  simulated.Forbid(area_at + expected.area, kGuard * unit, SimulatedFlash::kAll);
  simulated.Forbid(journal_at + 2 * expected.journal_area, kGuard * unit, SimulatedFlash::kAll);
  simulated.Forbid(delta_at, delta_end - delta_at, SimulatedFlash::kChange);
  simulated.Forbid(delta_end, kGuard * unit, SimulatedFlash::kAll);

  const DeltaHeader header = ReadHeader(delta);
  const Flash flash = simulated.flash();
  Bytes buffer(shape.buffer);
  Bytes memory(CodecMemory(header));
  uint32_t progress = 0;
  InPlaceConfig config{};
  config.area = {&flash, area_at, expected.area};
  config.delta = {&flash, delta_at, static_cast<uint32_t>(delta.size())};
  config.journal = {&flash, journal_at, expected.journal_area, 2};
  config.first_record = static_cast<uint8_t>(random.Below(2));
  config.buffer = buffer.data();
  config.buffer_size = shape.buffer;
  config.memory = memory.data();
  config.memory_size = static_cast<uint32_t>(memory.size());
  config.advance = [](void* context) {
    ++*static_cast<uint32_t*>(context);
    return Status::kDone;
  };
  config.context = &progress;

  InPlacePlan plan{};
  ASSERT_EQ(InPlace().Prove(config, plan), Status::kDone);
  ASSERT_EQ(simulated.operations(SimulatedFlash::kChange), 0u);
  ASSERT_EQ(plan.interval, expected.interval);
  const uint64_t changes = expected.programmed / shape.buffer + expected.erased;
  Status status = Status::kNeedInput;
  for (; cuts > 0 && status != Status::kDone; --cuts) {
    simulated.CutPowerAfter(random.Below(changes), static_cast<SimulatedFlash::Cut>(random.Below(5)));
    status = InPlace().Run(config, plan, progress);
    ASSERT_TRUE(status == Status::kDone || !simulated.powered()) << "it failed by itself: " << StatusName(status);
    simulated.PowerUp();
  }
  if (status != Status::kDone) status = InPlace().Run(config, plan, progress);
  ASSERT_EQ(status, Status::kDone);
  ASSERT_EQ(simulated.violation_count(), 0u) << simulated.DescribeViolations();
  ASSERT_EQ(Compare(simulated.Content(area_at, static_cast<uint32_t>(new_image.size())), new_image), "");
}

// --- Everything that holds for one delta.

void ExpectInPlace(const Shape& shape, const Bytes& from, const Bytes& to, const InPlaceDelta& made, Random& random) {
  const InPlaceRun& run = made.run;
  ASSERT_EQ(Compare(Apply(from, made.delta), to), "") << "the delta is not one for two slots, too";
  Overwriting overwriting(from, shape.erase_unit, run.shift, run.interval);
  ASSERT_EQ(overwriting.Run(made.delta), Status::kDone);
  ASSERT_EQ(overwriting.misreads(), 0u);
  ASSERT_EQ(Compare(overwriting.new_image(), to), "");
  // The interval is the longest that is possible, or one less: where a sector is complete the device reads again what it had read
  // ahead, up to 44 bytes, and by then may need up to a sector more.
  const int64_t unit = shape.erase_unit;
  const int64_t room = run.shift * unit - std::max<int64_t>(overwriting.need(), 0);
  ASSERT_LE(run.interval, room / unit);
  ASSERT_GE(run.interval + 1, (room - 44) / unit);

  const uint32_t written = Sectors(to.size(), shape.erase_unit);
  ASSERT_LE(run.erases.image, 2u);
  ASSERT_EQ(run.erases.journal, (run.checkpoints + 1) / 2);
  ASSERT_LE(run.checkpoints, written / run.interval);
  ASSERT_EQ(run.erased, Sectors(from.size(), shape.erase_unit) + written +
                            uint64_t{run.checkpoints} * (run.journal_area / shape.erase_unit));
  const int cuts = static_cast<int>(random.Below(4));
  ASSERT_NO_FATAL_FAILURE(ExpectUpdated(shape, from, to, made.delta, run, random, cuts));
}

void ExpectUpdate(const Shape& shape, uint32_t spare, bool reversible, const Bytes& old_image, const Bytes& new_image,
                  const DiffOptions& options, Random& random) {
  SCOPED_TRACE(::testing::Message() << "spare " << spare << ", " << ::testing::PrintToString(shape));
  const uint32_t larger = Sectors(std::max(old_image.size(), new_image.size()), shape.erase_unit);
  InPlaceGeometry geometry;
  geometry.erase_unit = shape.erase_unit;
  geometry.program_unit = shape.program_unit;
  geometry.area = (larger + spare) * shape.erase_unit;
  InPlaceUpdate update;
  ASSERT_NO_THROW(update = MakeInPlaceUpdate(old_image, new_image, geometry, options, reversible));
  const InPlaceFile file = ReadInPlaceFile(update.file);
  ASSERT_TRUE(std::ranges::equal(file.forward, update.forward.delta));
  ASSERT_EQ(update.file.size(), kInPlaceHeaderSize + file.forward.size() + file.inverse.size());
  ASSERT_EQ(update.spare, spare);
  ASSERT_NO_FATAL_FAILURE(ExpectInPlace(shape, old_image, new_image, update.forward, random));
  ASSERT_EQ(update.inverse.has_value(), reversible);
  if (!reversible) return;
  ASSERT_TRUE(std::ranges::equal(file.inverse, update.inverse->delta));
  ASSERT_NO_FATAL_FAILURE(ExpectInPlace(shape, new_image, old_image, *update.inverse, random));
}

// --- Generated edits.

enum Change {
  kForward, kBackward, kHalves, kGrowth, kShrinkage, kInsertAtStart, kDeleteAtStart, kRepeats, kReversedBlocks, kMixed, kChanges
};
constexpr const char* kChangeNames[] = {"forward",      "backward",     "halves",  "growth",         "shrinkage",
                                        "insert_start", "delete_start", "repeats", "reversed_blocks", "mixed"};
static_assert(std::size(kChangeNames) == kChanges);

Bytes Changed(Random& random, const Bytes& image, int change) {
  Bytes result = image;
  const auto at = [&](size_t offset) { return result.begin() + static_cast<ptrdiff_t>(offset); };
  const size_t size = result.size();
  const auto insert = [&](size_t offset, const Bytes& bytes) { result.insert(at(offset), bytes.begin(), bytes.end()); };
  switch (change) {
    case kForward:
    case kBackward: {  // a block goes behind, or before, one of any size
      size_t cuts[] = {random.Below(size), random.Below(size), random.Below(size)};
      std::ranges::sort(cuts);
      const size_t middle = change == kForward ? cuts[0] + (cuts[2] - cuts[0]) / 8 : cuts[1];
      std::rotate(at(cuts[0]), at(middle), at(cuts[2]));
      break;
    }
    case kHalves:
      std::rotate(result.begin(), at(size / 2), result.end());
      break;
    case kGrowth:
      for (int i = 0; i < 4; ++i) insert(random.Below(result.size()), CodeLikeBytes(random, random.Below(size / 2)));
      break;
    case kShrinkage:
      for (int i = 0; i < 4; ++i) {
        const size_t from = random.Below(result.size());
        result.erase(at(from), at(from + random.Below(result.size() - from) / 2));
      }
      break;
    case kInsertAtStart:
      insert(0, CodeLikeBytes(random, random.Below(size)));
      break;
    case kDeleteAtStart:
      result.erase(at(0), at(random.Below(size)));
      break;
    case kRepeats:
      for (int i = 0; i < 4; ++i) {
        const size_t from = random.Below(result.size());
        const Bytes block(at(from), at(from + random.Below(result.size() - from) / 4));
        insert(random.Below(result.size()), block);
      }
      break;
    case kReversedBlocks: {
      const size_t block = 64 + random.Below(size);
      Bytes blocks;
      for (size_t end = size; end != 0;) {
        const size_t from = end > block ? end - block : 0;
        blocks.insert(blocks.end(), at(from), at(end));
        end = from;
      }
      result = blocks;
      break;
    }
    default:
      result = Edited(random, result, 1 + static_cast<int>(random.Below(8)), 3 * size);
  }
  // Single bytes, too.
  for (uint32_t i = random.Below(8); i > 0 && !result.empty(); --i) {
    result[random.Below(result.size())] = static_cast<uint8_t>(random.Next());
  }
  return result;
}

class Changes : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(InPlaceDelta, Changes, ::testing::Range(0, int{kChanges}),
                         [](const auto& change) { return kChangeNames[change.param]; });

constexpr int kCases = 200;  // of each

TEST_P(Changes, AreUpdated) {
  for (int i = 0; i < kCases / kSlowdown; ++i) {
    const uint64_t seed = static_cast<uint64_t>(GetParam()) * 1'000'000 + static_cast<uint64_t>(i);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Random random(seed);
    const Shape& shape = kShapes[i % std::size(kShapes)];
    const size_t size = 1 + random.Below(shape.erase_unit > 1024 ? 24'000 : 12'000);
    const Bytes old_image = i % 5 == 0 ? RandomBytes(random, size) : CodeLikeBytes(random, size);
    const Bytes new_image = Changed(random, old_image, GetParam());
    DiffOptions options;
    options.effort = 1 + random.Below(2);
    constexpr uint32_t kRams[] = {0, 2176, 1152};
    options.ram = kRams[random.Below(std::size(kRams))];
    // Finding it out takes longer than all the rest.
    if (i % 20 != 0) options.architecture = i % 3 == 0 ? ArchitectureId::kWords : ArchitectureId::kThumb;
    ASSERT_NO_FATAL_FAILURE(
        ExpectUpdate(shape, 1 + random.Below(4), i % 2 == 0, old_image, new_image, options, random));
  }
}

// What would have to be copied from what is overwritten is refused, and seen.
TEST(InPlaceDelta, RefusesWhatIsOverwritten) {
  Random random(1);
  const Bytes old_image = CodeLikeBytes(random, 40'000);
  const Bytes new_image = Changed(random, old_image, kHalves);
  const Bytes delta = Diff(old_image, new_image, {});
  InPlaceGeometry geometry;
  geometry.area = 12 * 4096;
  try {
    RunInPlace(old_image, delta, geometry);
    FAIL() << "it was carried out";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::kDoesNotFit) << error.what();
  }
  Overwriting overwriting(old_image, 4096, 2, 1);
  EXPECT_EQ(overwriting.Run(delta), Status::kCorrupt);
  EXPECT_NE(overwriting.misreads(), 0u);

  // Without an area, the smallest one is found: one sector less is too small.
  geometry.area = 0;
  const InPlaceRun run = RunInPlace(old_image, delta, geometry);
  EXPECT_EQ(Compare(run.new_image, new_image), "");
  EXPECT_GE(run.area, 40'000u + 20'000u);
  geometry.area = run.area - 4096;
  EXPECT_THROW(RunInPlace(old_image, delta, geometry), Error);

  const InPlaceUpdate update = MakeInPlaceUpdate(old_image, new_image, {}, {}, false);
  EXPECT_EQ(update.forward.two_slots, delta.size());
  EXPECT_GT(update.forward.delta.size(), 2 * delta.size()) << "half of the image cannot be copied";
}

TEST(InPlaceDelta, CopiesNothingFromBelowTheLimit) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Bytes old_image = CodeLikeBytes(random, 1 + random.Below(20'000));
    const Bytes new_image = Changed(random, old_image, static_cast<int>(seed % kChanges));
    const int64_t lowest = -static_cast<int64_t>(random.Below(old_image.size()));
    const auto copies = Align(SuffixArray(old_image), old_image, new_image, AlignCosts{}, {}, lowest);
    for (const Copy& copy : copies) {
      ASSERT_GE(int64_t{copy.old_position} - int64_t{copy.new_position}, lowest);
    }
    if (seed % 20 == 0) {
      DiffOptions options;
      options.codec = seed % 40 == 0 ? Codec::kLzss : Codec::kModel;
      options.lowest_diagonal = lowest;
      ASSERT_EQ(Compare(Apply(old_image, Diff(old_image, new_image, options)), new_image), "");
    }
  }
}

// --- Geometries.

Status StatusOf(const Bytes& old_image, const Bytes& new_image, const InPlaceGeometry& geometry,
                const DiffOptions& options = {}) {
  try {
    MakeInPlaceUpdate(old_image, new_image, geometry, options, true);
  } catch (const Error& error) {
    return error.status();
  }
  return Status::kDone;
}

TEST(InPlaceDelta, RefusesGeometries) {
  Random random(2);
  const Bytes small = CodeLikeBytes(random, 5'000);
  const Bytes large = CodeLikeBytes(random, 9'000);
  const auto area = [](uint32_t sectors) { return InPlaceGeometry{.area = sectors * 4096}; };
  EXPECT_EQ(StatusOf(small, large, {}), Status::kDone);
  EXPECT_EQ(StatusOf(small, large, area(4)), Status::kDone);
  EXPECT_EQ(StatusOf(small, large, area(3)), Status::kDoesNotFit);  // none is left beside the large one
  EXPECT_EQ(StatusOf(large, small, area(3)), Status::kDoesNotFit);
  EXPECT_EQ(StatusOf(small, large, area(1)), Status::kDoesNotFit);
  EXPECT_EQ(StatusOf(small, large, {.area = 4 * 4096 + 1}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.erase_unit = 0}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.erase_unit = 32}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.erase_unit = 4098}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.program_unit = 0}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.program_unit = 3}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.program_unit = 128}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.erase_unit = 1u << 31}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.area = 0xFFFFF000}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.journals = 1}), Status::kBadArgument);
  EXPECT_EQ(StatusOf(small, large, {.journals = 256}), Status::kBadArgument);
  DiffOptions options;
  options.codec = Codec::kLzss;
  EXPECT_EQ(StatusOf(small, large, {}, options), Status::kBadArgument);
  options.codec = Codec::kModel;
  options.ram = 1000;
  EXPECT_EQ(StatusOf(small, large, {}, options), Status::kDoesNotFit);

  const uint32_t size = static_cast<uint32_t>(MakeInPlaceUpdate(small, large, {}, {}, true).file.size());
  EXPECT_EQ(StatusOf(small, large, {.staging = size}), Status::kDone);
  EXPECT_EQ(StatusOf(small, large, {.staging = size - 1}), Status::kDoesNotFit);
}

TEST(InPlaceDelta, SpreadsTheWear) {
  Random random(3);
  const Bytes old_image = CodeLikeBytes(random, 60'000);
  const Bytes new_image = Edited(random, old_image, 5, 60'000);
  uint32_t checkpoints = 0;
  for (uint32_t journals = 2; journals < 6; ++journals) {
    const InPlaceRun run = MakeInPlaceUpdate(old_image, new_image, {.journals = journals}, {}, false).forward.run;
    if (checkpoints == 0) checkpoints = run.checkpoints;
    EXPECT_EQ(run.checkpoints, checkpoints);
    EXPECT_GE(run.checkpoints, 6u);
    EXPECT_EQ(run.erases.journal, (run.checkpoints + journals - 1) / journals);
  }
}

TEST(InPlaceDelta, TakesAnEmptyOldImage) {
  Random random(4);
  const Bytes image = CodeLikeBytes(random, 10'000);
  ASSERT_NO_FATAL_FAILURE(ExpectUpdate(kShapes[0], 1, false, {}, image, {}, random));
  ASSERT_NO_FATAL_FAILURE(ExpectUpdate(kShapes[0], 1, true, image, image, {}, random));
  // What comes out must be an image.
  for (const auto& [from, to, reversible] :
       {std::tuple(image, Bytes(), false), std::tuple(Bytes(), Bytes(), false), std::tuple(Bytes(), image, true)}) {
    SCOPED_TRACE(::testing::Message() << from.size() << " to " << to.size());
    DiffOptions options;
    options.codec = Codec::kModel;
    try {
      MakeInPlaceUpdate(from, to, {}, options, reversible);
      ADD_FAILURE() << "made";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::kBadArgument);
    }
  }
}

// --- The file.

TEST(InPlaceDelta, FileIsAsFormatSays) {
  const Bytes forward = Hex("D1 00 01"), inverse = Hex("D1 02 03 04");
  Bytes file = WriteInPlaceFile(forward, inverse);
  Bytes expected = Hex("E1 03 00 00 04 00 00");
  Bytes checked = expected;
  for (const Bytes* part : {&forward, &inverse}) checked.insert(checked.end(), part->begin(), part->end());
  const uint32_t check = ReferenceCheck(checked);
  for (int shift = 0; shift < 32; shift += 8) expected.push_back(static_cast<uint8_t>(check >> shift));
  for (const Bytes* part : {&forward, &inverse}) expected.insert(expected.end(), part->begin(), part->end());
  ASSERT_EQ(file, expected);
  EXPECT_EQ(file.size(), 11u + 3 + 4);

  const auto status = [](const Bytes& bytes) {
    try {
      ReadInPlaceFile(bytes);
    } catch (const Error& error) {
      return error.status();
    }
    return Status::kDone;
  };
  EXPECT_EQ(status(file), Status::kDone);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(status(Bytes(file.begin(), file.begin() + static_cast<ptrdiff_t>(size))), Status::kNeedInput) << size;
  }
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    Bytes damaged = file;
    damaged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const Status wanted = bit < 4 ? Status::kUnsupported : Status::kCorrupt;
    // A size that became larger looks like a file that ends too early.
    const bool in_sizes = bit >= 8 && bit < 56;
    const Status found = status(damaged);
    EXPECT_TRUE(found == wanted || (in_sizes && found == Status::kNeedInput)) << bit << ": " << StatusName(found);
  }
  file.resize(4096, 0xFF);
  const InPlaceFile parts = ReadInPlaceFile(file);
  EXPECT_TRUE(std::ranges::equal(parts.forward, forward));
  EXPECT_TRUE(std::ranges::equal(parts.inverse, inverse));
  EXPECT_TRUE(ReadInPlaceFile(WriteInPlaceFile(forward, {})).inverse.empty());
  EXPECT_TRUE(IsInPlaceFile(file));
  EXPECT_FALSE(IsInPlaceFile(forward));
  EXPECT_FALSE(IsInPlaceFile({}));
  EXPECT_EQ(WriteInPlaceFile(Bytes((1 << 24) - 1), {}).size(), 11u + (1 << 24) - 1);
  EXPECT_THROW(WriteInPlaceFile(Bytes(1 << 24), {}), Error);
}

// --- Real firmware.

class InPlacePair : public ::testing::TestWithParam<std::string> {};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(InPlacePair);
INSTANTIATE_TEST_SUITE_P(InPlaceDelta, InPlacePair, ::testing::ValuesIn(PairNames()),
                         [](const auto& pair) { return TestName(pair.param); });

TEST_P(InPlacePair, IsUpdatedAndTakenBack) {
  const auto [old_image, new_image] = ReadPair(GetParam());
  Random random(old_image.size());
  DiffOptions options;
  options.effort = 2;
  for (const Shape& shape : kShapes) {
    ASSERT_NO_FATAL_FAILURE(ExpectUpdate(shape, 1 + random.Below(4), true, old_image, new_image, options, random));
  }
  ASSERT_NO_FATAL_FAILURE(ExpectUpdate({4096, 4, 4096}, kDefaultSpare, true, old_image, new_image, {}, random));
}

TEST(InPlaceDelta, PairsAreThere) { EXPECT_GE(PairNames().size(), 5u); }

}  // namespace
}  // namespace mote::testing
