// SPDX-License-Identifier: Apache-2.0
#include "tools/device_update.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "diff/apply.h"
#include "diff/bsdiff40.h"
#include "diff/diff.h"
#include "stream/updater.h"
#include "tools/simulated_flash.h"

namespace mote::tools {
namespace {

constexpr uint64_t kFlashLimit = 1ull << 32;  // offsets in a Flash have 32 bits
constexpr uint32_t kBelievedSize = 16 << 20;
constexpr uint64_t kSeed = 1;  // of the garbage in the flash before the update

// The slot that was given, or as many sectors as the larger image takes.
uint32_t SlotSize(const Device& device, size_t old_size, size_t new_size) {
  const uint64_t sectors =
      (std::max<uint64_t>({old_size, new_size, 1}) + device.sector - 1) / device.sector;
  const uint64_t slot = device.slot ? *device.slot : sectors * device.sector;
  if (2 * slot >= kFlashLimit) {
    throw Error(
        Status::kDoesNotFit,
        fmt::format("two slots of {} bytes do not fit in a flash of 4 GiB: use a smaller slot",
                    slot));
  }
  if (old_size > slot) {
    throw Error(Status::kDoesNotFit,
                fmt::format("the old image has {} bytes and the slot {}: use a larger slot",
                            old_size, slot));
  }
  return static_cast<uint32_t>(slot);
}

// What a failed update means to the person at the terminal.
std::string Explain(Status status, size_t offset, const DeltaHeader& header, uint32_t slot) {
  switch (status) {
    case Status::kNeedInput:
      return fmt::format("the delta ends before the image is complete (offset {}): get it again",
                         offset);
    case Status::kCorrupt:
      // Its end looks like any other place, and where the damage is cannot be told.
      if (header.codec == Codec::kModel) {
        return "the delta is damaged or was cut short: get it again";
      }
      return fmt::format("the delta is damaged (offset {}): get it again", offset);
    case Status::kWrongBase:
      return "this is not the image that the delta was made from: take that one, or make a new "
             "delta";
    case Status::kDoesNotFit:
      return fmt::format("the new image has {} bytes and the slot {}: use a larger slot",
                         header.new_size, slot);
    default:
      return fmt::format("the update stopped with {} (offset {})", StatusName(status), offset);
  }
}

uint64_t Sum(const std::vector<uint32_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

}  // namespace

void RequireRam(const Device& device, uint32_t needed) {
  if (!device.ram || needed <= *device.ram) return;
  throw Error(Status::kDoesNotFit,
              fmt::format("its decoder takes {} bytes of RAM and the device has {}: {}", needed,
                          *device.ram,
                          *device.ram < kUpdaterRam
                              ? fmt::format("no decoder takes less than {}", kUpdaterRam)
                              : fmt::format("make it with mote diff --ram {}", *device.ram)));
}

bool IsForDevices(std::span<const uint8_t> delta) {
  if (IsBsdiff40(delta)) return false;
  const DeltaHeader header = ReadHeader(delta);
  return DecoderRam(header).has_value();
}

DeviceUpdate UpdateDevice(const Device& device, std::span<const uint8_t> old_image,
                          std::span<const uint8_t> delta,
                          const std::function<void(double)>& progress) {
  const DeltaHeader header = ReadHeader(delta);
  DeviceUpdate result{};
  result.decoder_ram = DecoderRam(header).value();
  RequireRam(device, result.decoder_ram);
  result.slot = SlotSize(device, old_image.size(), header.new_size);
  // The header's word is not enough for so much memory: a delta of ten bytes may claim 2 GiB.
  if (header.new_size > kBelievedSize) Apply(old_image, delta);

  SimulatedFlash simulated(
      {.size = 2 * result.slot, .erase_unit = device.sector, .program_unit = device.program_unit},
      kSeed);
  simulated.Load(0, old_image);
  simulated.Forbid(0, result.slot, SimulatedFlash::kChange);
  const Flash flash = simulated.flash();
  std::vector<uint8_t> sector(device.sector);
  // In words: codec model wants its memory aligned.
  std::vector<uint64_t> memory((CodecMemory(header) + 7) / 8);
  Updater updater;
  Status status = updater.Init({{&flash, 0, result.slot},
                                {&flash, result.slot, result.slot},
                                sector.data(),
                                static_cast<uint32_t>(sector.size()),
                                reinterpret_cast<uint8_t*>(memory.data()),
                                static_cast<uint32_t>(memory.size() * 8),
                                {}});
  // Byte by byte, so that a message can name the offset.
  size_t offset = 0;
  for (; offset < delta.size() && status == Status::kNeedInput; ++offset) {
    status = updater.Write(&delta[offset], 1);
    const uint32_t new_size = updater.patcher().new_size();
    if (new_size != 0) progress(static_cast<double>(updater.patcher().produced()) / new_size);
  }
  if (status == Status::kNeedInput) status = updater.Finish();
  if (status != Status::kDone) {
    throw Error(status, Explain(status, status == Status::kNeedInput ? offset : offset - 1, header,
                                result.slot));
  }
  if (simulated.violation_count() != 0) throw std::logic_error(simulated.DescribeViolations());
  const std::span<const uint8_t> image = simulated.Content(result.slot, header.new_size);
  result.new_image.assign(image.begin(), image.end());
  result.sectors_erased = Sum(simulated.erases());
  result.bytes_programmed = Sum(simulated.programs()) * device.program_unit;
  return result;
}

}  // namespace mote::tools
