// SPDX-License-Identifier: Apache-2.0
#include "tools/in_place_file.h"

#include <algorithm>

#include "diff/apply.h"
#include "diff/error.h"
#include "patch/bytes.h"
#include "patch/check.h"

namespace mote::tools {
namespace {

using Bytes = std::vector<uint8_t>;

Status ReadBytes(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  const Bytes& bytes = *static_cast<const Bytes*>(context);
  if (offset > bytes.size() || size > bytes.size() - offset) return Status::kReadError;
  std::copy_n(bytes.begin() + offset, size, to);
  return Status::kDone;
}

// What the device says, before anything is erased.
Status Prove(std::span<const uint8_t> old_image, Bytes delta, const InPlaceArea& area) {
  Bytes content(old_image.begin(), old_image.end());
  content.resize(area.size);
  const auto refuse = [](void*, uint32_t) { return Status::kFlashError; };
  const auto refuse_bytes = [](void*, uint32_t, const uint8_t*, uint32_t) {
    return Status::kFlashError;
  };
  const Flash image = {&ReadBytes,        refuse,           refuse_bytes, &content, area.sector,
                       area.program_unit, area.erased_value};
  Flash file = image;
  file.context = &delta;
  Bytes buffer(area.buffer);
  std::vector<uint64_t> memory((CodecMemory(ReadHeader(delta)) + 7) / 8);
  InPlaceConfig config{};
  config.area = {&image, 0, area.size};
  config.delta = {&file, 0, static_cast<uint32_t>(delta.size())};
  config.journal = {&image, 0, area.journal, 2};
  config.buffer = buffer.data();
  config.buffer_size = area.buffer;
  config.memory = reinterpret_cast<uint8_t*>(memory.data());
  config.memory_size = static_cast<uint32_t>(memory.size() * 8);
  InPlace in_place;
  InPlacePlan plan;
  const Status status = in_place.Prove(config, plan);
  return status == Status::kDone && plan.window != 0 ? Status::kBadArgument : status;
}

}  // namespace

void FixInPlaceFile(Bytes& file) {
  if (file.size() < kInPlaceHeaderSize) return;
  InPlaceHeader header;
  if (ReadInPlaceHeader(file.data(), header) != Status::kDone) return;
  const size_t end = std::min<size_t>(file.size(), header.Size());
  const uint32_t check = UpdateCheck(header.start, file.data() + kInPlaceHeaderSize,
                                     static_cast<uint32_t>(end - kInPlaceHeaderSize));
  StoreLittle(file.data() + 7, 4, check);
}

Bytes PackInPlaceFile(std::span<const uint8_t> forward, std::span<const uint8_t> inverse) {
  Bytes file(kInPlaceHeaderSize + forward.size() + inverse.size());
  file[0] = kInPlaceMagicAndVersion;
  StoreLittle(file.data() + 1, 3, static_cast<uint32_t>(forward.size()));
  StoreLittle(file.data() + 4, 3, static_cast<uint32_t>(inverse.size()));
  const auto behind = std::ranges::copy(forward, file.begin() + kInPlaceHeaderSize).out;
  std::ranges::copy(inverse, behind);
  FixInPlaceFile(file);
  return file;
}

Bytes DiffInPlace(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                  const InPlaceArea& area, DiffOptions options) {
  const auto old_sectors =
      static_cast<uint32_t>((old_image.size() + area.sector - 1) / area.sector);
  const int64_t room = int64_t{area.size} - int64_t{old_sectors} * area.sector;
  options.match_window = area.buffer;
  // What is left of the room after one sector is for the record's interval.
  for (int64_t back = room - area.sector; back >= -int64_t{area.sector}; back -= area.sector) {
    options.lowest_diagonal = -back;
    Bytes delta = Diff(old_image, new_image, options);
    const Status status = Prove(old_image, delta, area);
    if (status == Status::kDone) return delta;
    if (status != Status::kDoesNotFit) throw Error(status, "the delta cannot be proved");
  }
  throw Error(Status::kDoesNotFit, "the image area is too small for this update");
}

}  // namespace mote::tools
