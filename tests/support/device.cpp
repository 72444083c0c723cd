// SPDX-License-Identifier: Apache-2.0
#include "tests/support/device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "stream/updater.h"
#include "tests/support/patcher_rig.h"
#include "tools/simulated_flash.h"

namespace mote::testing {
namespace {

constexpr uint64_t kSeed = 7;  // of the garbage that the flash holds

uint32_t RoundUp(uint32_t size, uint32_t unit) { return (size + unit - 1) / unit * unit; }

bool NothingWasErased(Status status) {
  return status == Status::kWrongBase || status == Status::kDoesNotFit ||
         status == Status::kUnsupported || status == Status::kBadArgument;
}

void AppendHashed(void* context, const uint8_t* data, uint32_t size) {
  auto& hashed = *static_cast<Bytes*>(context);
  hashed.insert(hashed.end(), data, data + size);
}

}  // namespace

void PrintTo(const DeviceShape& shape, std::ostream* out) {
  *out << "sector " << shape.sector << ", unit " << shape.program_unit << ", buffer "
       << shape.buffer << ", erased " << int{shape.erased_value};
}

size_t Pieces::Next(size_t left) const {
  return random_ != nullptr ? random_->UpTo(static_cast<uint32_t>(left))
                            : std::min<size_t>(size_, left);
}

DeviceOutcome RunDevice(const DeviceShape& shape, std::span<const uint8_t> old_image, uint32_t slot,
                        uint32_t memory_size, std::span<const uint8_t> delta,
                        const Pieces& pieces) {
  using Flash = SimulatedFlash;
  // A sector that is nobody's before, between and behind the slots.
  const uint32_t old_size = static_cast<uint32_t>(old_image.size());
  const uint32_t old_extent = RoundUp(old_size + 1, shape.sector);
  const uint32_t new_extent = RoundUp(std::max(slot, 1u), shape.sector);
  const uint32_t old_at = shape.sector;
  const uint32_t new_at = old_at + old_extent + shape.sector;
  const uint32_t new_end = new_at + new_extent;
  SimulatedFlash simulated({.size = new_end + shape.sector,
                            .erase_unit = shape.sector,
                            .program_unit = shape.program_unit,
                            .erased_value = shape.erased_value},
                           kSeed);
  simulated.Load(old_at, old_image);
  simulated.Forbid(0, new_at, Flash::kChange);
  simulated.Forbid(new_end, shape.sector, Flash::kChange);
  simulated.Forbid(0, old_at, Flash::kRead);
  // Codec model repeats what is new, and reads it back; PatcherRig watches that it reads nothing else there.
  const bool reads_new = delta.size() > 1 && (delta[1] & 0x0F) == static_cast<uint8_t>(Codec::kModel);
  simulated.Forbid(old_at + old_extent, shape.sector, Flash::kRead);
  if (!reads_new) simulated.Forbid(new_at, new_extent, Flash::kRead);
  simulated.Forbid(new_end, shape.sector, Flash::kRead);
  const auto before = simulated.content();

  // Of exactly the documented sizes, on the heap: sanitizers see a byte too far.
  Bytes buffer(shape.buffer);
  Bytes memory(memory_size);
  Bytes hashed;
  const mote::Flash flash = simulated.flash();
  Updater updater;
  Status status = updater.Init({{&flash, old_at, old_extent},
                                {&flash, new_at, new_extent},
                                buffer.data(),
                                shape.buffer,
                                memory.data(),
                                memory_size,
                                {&AppendHashed, &hashed}});
  DeviceOutcome outcome{};
  while (status == Status::kNeedInput && outcome.bytes_taken != delta.size()) {
    const auto piece =
        delta.subspan(outcome.bytes_taken).first(pieces.Next(delta.size() - outcome.bytes_taken));
    const Bytes copy(piece.begin(),
                     piece.end());  // so that sanitizers see a byte too far here, too
    status = updater.Write(copy.data(), static_cast<uint32_t>(copy.size()));
    outcome.bytes_taken += piece.size();
  }
  if (status == Status::kNeedInput) status = updater.Finish();
  if (status == Status::kNeedInput) status = updater.Finish();
  EXPECT_EQ(updater.Finish(), status) << "Finish changed its mind";
  outcome.status = status;
  outcome.changes = simulated.operations(Flash::kChange);

  EXPECT_EQ(simulated.violation_count(), 0u) << simulated.DescribeViolations();
  EXPECT_TRUE(std::ranges::all_of(simulated.erases(), [](uint32_t n) { return n <= 1; }))
      << "a sector was erased twice";
  EXPECT_TRUE(std::ranges::all_of(simulated.programs(), [](uint32_t n) { return n <= 1; }))
      << "a unit was programmed twice";
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + new_at, simulated.content().begin()))
      << "the old slot changed";
  EXPECT_TRUE(
      std::equal(before.begin() + new_end, before.end(), simulated.content().begin() + new_end))
      << "it wrote behind the slot";
  if (NothingWasErased(status)) {
    EXPECT_EQ(outcome.changes, 0u) << "changed before " << StatusName(status);
  }
  if (status == Status::kDone) {
    const uint32_t size = updater.patcher().new_size();
    const auto image = simulated.Content(new_at, size);
    outcome.image.assign(image.begin(), image.end());
    EXPECT_EQ(Compare(hashed, image), "") << "the hash saw something else";
    EXPECT_EQ(simulated.operations(Flash::kErase), (size + shape.sector - 1) / shape.sector);
    const auto rest = simulated.Content(new_at + size, RoundUp(size, shape.sector) - size);
    EXPECT_TRUE(std::ranges::all_of(rest, [&](uint8_t byte) { return byte == shape.erased_value; }))
        << "something stands behind the image";
  }
  return outcome;
}

}  // namespace mote::testing
