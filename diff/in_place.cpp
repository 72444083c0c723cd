// SPDX-License-Identifier: Apache-2.0
#include "diff/in_place.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "patch/check.h"
#include "patch/model.h"
#include "stream/flash_pipe.h"
#include "stream/in_place.h"
#include "stream/in_place_file.h"

namespace mote {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr uint32_t kLargestSize = (1 << 24) - 1;  // of a delta: its size has 24 bits
constexpr uint32_t kLargestBuffer = 4096;         // if nothing is said
constexpr uint32_t kSizedBytes = 7;               // of the header, before its check

std::string Text(uint64_t number) { return std::to_string(number); }

uint32_t Sectors(size_t size, uint32_t erase_unit) {
  return static_cast<uint32_t>((size + erase_unit - 1) / erase_unit);
}

uint32_t BufferSize(const InPlaceGeometry& geometry) {
  uint32_t size = geometry.buffer != 0 ? geometry.buffer : geometry.erase_unit;
  while (geometry.buffer == 0 && size > kLargestBuffer && size % 2 == 0) size /= 2;
  return size;
}

// A NOR flash in memory. What no such flash can do fails.
class Chip {
 public:
  Chip(uint32_t size, const InPlaceGeometry& geometry)
      : geometry_(geometry), content_(size, 0xFF), programmed_(size / geometry.program_unit),
        erases_(size / geometry.erase_unit) {}

  Flash flash() {
    return {&Read, &Erase, &Program, this, geometry_.erase_unit, geometry_.program_unit, 0xFF};
  }
  void Load(Bytes bytes) {
    std::ranges::copy(bytes, content_.begin());
    std::fill(programmed_.begin(), programmed_.end(), true);
  }
  Bytes Content(uint32_t size) const { return Bytes(content_).first(size); }
  // Of each sector from `offset` on, the most of one and the sum.
  uint32_t MostErases(uint32_t offset, uint32_t end) const {
    return *std::max_element(Counter(offset), Counter(end));
  }
  uint64_t Erases(uint32_t offset, uint32_t end) const {
    uint64_t sum = 0;
    for (auto at = Counter(offset); at != Counter(end); ++at) sum += *at;
    return sum;
  }
  uint64_t programmed_bytes() const { return programmed_bytes_; }

 private:
  std::vector<uint32_t>::const_iterator Counter(uint32_t offset) const {
    return erases_.begin() + offset / geometry_.erase_unit;
  }
  bool Holds(uint32_t offset, uint32_t size, uint32_t unit) const {
    return offset % unit == 0 && size % unit == 0 && offset <= content_.size() && size <= content_.size() - offset;
  }
  static Status Read(void* self, uint32_t offset, uint8_t* to, uint32_t size) {
    const Chip& chip = *static_cast<Chip*>(self);
    if (!chip.Holds(offset, size, 1)) return Status::kReadError;
    std::copy_n(chip.content_.begin() + offset, size, to);
    return Status::kDone;
  }
  static Status Erase(void* self, uint32_t offset) {
    Chip& chip = *static_cast<Chip*>(self);
    const auto [erase_unit, program_unit] = std::pair(chip.geometry_.erase_unit, chip.geometry_.program_unit);
    if (!chip.Holds(offset, erase_unit, erase_unit)) return Status::kFlashError;
    ++chip.erases_[offset / erase_unit];
    std::fill_n(chip.content_.begin() + offset, erase_unit, uint8_t{0xFF});
    std::fill_n(chip.programmed_.begin() + offset / program_unit, erase_unit / program_unit, false);
    return Status::kDone;
  }
  static Status Program(void* self, uint32_t offset, const uint8_t* data, uint32_t size) {
    Chip& chip = *static_cast<Chip*>(self);
    const uint32_t unit = chip.geometry_.program_unit;
    if (!chip.Holds(offset, size, unit)) return Status::kFlashError;
    const auto first = chip.programmed_.begin() + offset / unit;
    const auto end = first + size / unit;
    if (std::find(first, end, true) != end) return Status::kFlashError;
    std::fill(first, end, true);
    std::copy_n(data, size, chip.content_.begin() + offset);
    chip.programmed_bytes_ += size;
    return Status::kDone;
  }

  InPlaceGeometry geometry_;
  std::vector<uint8_t> content_;
  std::vector<bool> programmed_;  // since its erase, each program unit
  std::vector<uint32_t> erases_;
  uint64_t programmed_bytes_ = 0;
};

Status ReadDelta(void* delta, uint32_t offset, uint8_t* to, uint32_t size) {
  std::copy_n(static_cast<const Bytes*>(delta)->begin() + offset, size, to);
  return Status::kDone;
}

// A device for one update.
class Device {
 public:
  // REQUIRES: geometry.area is a whole number of sectors.
  Device(Bytes old_image, Bytes delta, const InPlaceGeometry& geometry)
      : geometry_(geometry), delta_(delta), header_(ReadHeader(delta)),
        journal_area_(Sectors(JournalRecordSize(kModelRam[header_.profile] - kUpdaterRam), geometry.erase_unit) *
                      geometry.erase_unit),
        chip_(geometry.area + journal_area_ * geometry.journals, geometry), flash_(chip_.flash()),
        delta_flash_{&ReadDelta, nullptr, nullptr, &delta_, 1, 1, 0xFF}, buffer_(BufferSize(geometry)),
        memory_((CodecMemory(header_) + 7) / 8) {
    chip_.Load(old_image);
    config_.area = {&flash_, 0, geometry.area};
    config_.delta = {&delta_flash_, 0, static_cast<uint32_t>(delta.size())};
    config_.journal = {&flash_, geometry.area, journal_area_, static_cast<uint8_t>(geometry.journals)};
    config_.buffer = buffer_.data();
    config_.buffer_size = static_cast<uint32_t>(buffer_.size());
    // In words: codec model wants its memory aligned.
    config_.memory = reinterpret_cast<uint8_t*>(memory_.data());
    config_.memory_size = static_cast<uint32_t>(memory_.size() * 8);
    config_.advance = [](void*) { return Status::kDone; };
  }

  // kDoesNotFit also where the new image would not be seen.
  Status Prove() {
    const Status status = in_place_.Prove(config_, plan_);
    return status == Status::kDone && plan_.window != 0 ? Status::kDoesNotFit : status;
  }

  Status Run() { return in_place_.Run(config_, plan_, 0); }

  // REQUIRES: Run returned kDone.
  InPlaceRun Outcome() const {
    const uint32_t erase_unit = geometry_.erase_unit;
    const uint32_t end = geometry_.area + journal_area_ * geometry_.journals;
    const Bytes image = chip_.Content(plan_.new_size);
    InPlaceRun run;
    run.new_image.assign(image.begin(), image.end());
    run.area = geometry_.area;
    run.shift = geometry_.area / erase_unit - Sectors(plan_.old_size, erase_unit);
    run.interval = plan_.interval;
    run.journal_area = journal_area_;
    run.checkpoints = static_cast<uint32_t>(chip_.Erases(geometry_.area, end) * erase_unit / journal_area_);
    run.erases = {chip_.MostErases(0, geometry_.area), chip_.MostErases(geometry_.area, end)};
    run.erased = chip_.Erases(0, end);
    run.programmed = chip_.programmed_bytes();
    return run;
  }

  uint32_t interval() const { return plan_.interval; }

 private:
  InPlaceGeometry geometry_;
  Bytes delta_;
  DeltaHeader header_;
  uint32_t journal_area_;
  Chip chip_;
  Flash flash_, delta_flash_;
  std::vector<uint8_t> buffer_;
  std::vector<uint64_t> memory_;
  InPlaceConfig config_{};
  InPlacePlan plan_{};
  InPlace in_place_;
};

void CheckGeometry(const InPlaceGeometry& geometry) {
  const uint32_t unit = geometry.program_unit;
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw Error(Status::kBadArgument, what);
  };
  require(unit != 0 && (unit & (unit - 1)) == 0 && unit <= kMaxPipeUnit,
          "a program unit of " + Text(unit) + " bytes: it must be a power of two, at most " + Text(kMaxPipeUnit));
  require(geometry.erase_unit >= kMinInPlaceBuffer && geometry.erase_unit % unit == 0,
          "an erase unit of " + Text(geometry.erase_unit) + " bytes: it must be a multiple of the program unit, " +
              Text(unit) + ", and at least " + Text(kMinInPlaceBuffer));
  const uint32_t buffer = BufferSize(geometry);
  require(buffer >= kMinInPlaceBuffer && buffer % unit == 0 && geometry.erase_unit % buffer == 0,
          "a buffer of " + Text(buffer) + " bytes: it must divide the erase unit, " + Text(geometry.erase_unit) +
              ", be a multiple of the program unit, " + Text(unit) + ", and have at least " + Text(kMinInPlaceBuffer));
  require(geometry.area + 2ull * geometry.journals * (geometry.erase_unit + kModelRam[0]) <= UINT32_MAX / 2,
          "an image area of " + Text(geometry.area) + " bytes and " + Text(geometry.journals) +
              " journal areas in sectors of " + Text(geometry.erase_unit) + ": that is more than 2 GiB");
  require(geometry.area % geometry.erase_unit == 0, "an image area of " + Text(geometry.area) +
                                                        " bytes: it must be a multiple of the erase unit, " +
                                                        Text(geometry.erase_unit));
  require(geometry.journals >= 2 && geometry.journals <= 255,
          Text(geometry.journals) + " journal areas: there must be 2 to 255");
}

// Refuses an area that has no sector left beyond the image.
void RequireSpare(const char* which, size_t size, const InPlaceGeometry& geometry) {
  const uint32_t taken = Sectors(size, geometry.erase_unit);
  const uint32_t there = geometry.area / geometry.erase_unit;
  if (taken < there) return;
  throw Error(Status::kDoesNotFit,
              std::string("the ") + which + " image takes " + Text(taken) + " sectors of " + Text(geometry.erase_unit) +
                  " bytes and the image area has " + Text(there) +
                  ": an update in place needs at least one more than the larger image");
}

std::string Explain(Status status, const InPlaceGeometry& geometry) {
  switch (status) {
    case Status::kDoesNotFit:
      return "the delta reads what an image area of " + Text(geometry.area) +
             " bytes has overwritten by then, or repeats what a buffer of " + Text(BufferSize(geometry)) +
             " bytes does not hold any more: take a larger one, or make the delta for these";
    case Status::kWrongBase:
      return "this is not the image that the delta was made from: take that one, or make a new delta";
    case Status::kCorrupt:
      return "the delta is damaged or was cut short: get it again";
    case Status::kUnsupported:
      return "the delta needs a newer mote";
    default:
      return std::string("the update stopped with ") + StatusName(status);
  }
}

// The smallest area in which the update can be proved; at most twice what the images take.
uint32_t SmallestArea(Bytes old_image, Bytes delta, InPlaceGeometry geometry) {
  const uint32_t larger =
      std::max(Sectors(ReadHeader(delta).new_size, geometry.erase_unit), Sectors(old_image.size(), geometry.erase_unit));
  uint32_t low = 1;
  uint32_t high = larger + 1;
  while (low < high) {
    const uint32_t spare = low + (high - low) / 2;
    geometry.area = (larger + spare) * geometry.erase_unit;
    if (Device(old_image, delta, geometry).Prove() == Status::kDoesNotFit) {
      low = spare + 1;
    } else {
      high = spare;
    }
  }
  return (larger + high) * geometry.erase_unit;
}

InPlaceDelta MakeDirection(Bytes from, Bytes to, const InPlaceGeometry& geometry, const DiffOptions& given,
                           double begin, double share) {
  DiffOptions options = given;
  const auto part = [&](double at) {
    if (given.progress) options.progress = [&given, at, share](double done) { given.progress(at + share / 2 * done); };
  };
  options.lowest_diagonal = kAnyDiagonal;
  options.match_window = kAnyDistance;
  part(begin);
  std::vector<uint8_t> two_slots = Diff(from, to, options);
  part(begin + share / 2);
  const int64_t erase_unit = geometry.erase_unit;
  const int64_t shift = geometry.area / erase_unit - Sectors(from.size(), geometry.erase_unit);
  // One sector is overwritten before the next record is complete.
  for (int64_t lowest = -(shift - 1) * erase_unit; lowest <= 0; lowest += erase_unit) {
    options.lowest_diagonal = lowest;
    options.match_window = BufferSize(geometry);
    InPlaceDelta best;
    uint32_t best_interval = 0;
    // What needs no restriction may be the smaller one all the same.
    for (std::vector<uint8_t> delta : {Diff(from, to, options), two_slots}) {
      Device device(from, delta, geometry);
      const Status status = device.Prove();
      if (status == Status::kDoesNotFit) continue;
      if (status != Status::kDone) throw std::logic_error(std::string("the device refuses its update: ") + StatusName(status));
      if (best_interval != 0 && delta.size() >= best.delta.size() &&
          (delta.size() > best.delta.size() || device.interval() <= best_interval)) {
        continue;
      }
      best.delta = std::move(delta);
      best_interval = device.interval();
    }
    if (best_interval == 0) continue;
    best.two_slots = two_slots.size();
    best.run = RunInPlace(from, best.delta, geometry);
    if (!std::ranges::equal(best.run.new_image, to)) {
      throw std::logic_error("the update in place does not rebuild the new image: this is a defect of mote, please report it");
    }
    best.run.new_image.clear();
    return best;
  }
  throw Error(Status::kDoesNotFit, "no delta can be applied in an image area of " + Text(geometry.area) +
                                       " bytes: give it one more sector of " + Text(geometry.erase_unit));
}

}  // namespace

uint32_t InPlaceRam(const DeltaHeader& header) { return kModelRam[header.profile] + kInPlaceMoreRam; }

InPlaceRun RunInPlace(Bytes old_image, Bytes delta, const InPlaceGeometry& given) {
  CheckGeometry(given);
  InPlaceGeometry geometry = given;
  const DeltaHeader header = ReadHeader(delta);
  if (header.codec != Codec::kModel) {
    throw Error(Status::kUnsupported, std::string("codec ") + CodecName(header.codec) +
                                          " cannot be applied in place: make the delta with codec model");
  }
  if (geometry.area == 0) geometry.area = SmallestArea(old_image, delta, geometry);
  CheckGeometry(geometry);
  RequireSpare("old", old_image.size(), geometry);
  RequireSpare("new", header.new_size, geometry);
  Device device(old_image, delta, geometry);
  Status status = device.Prove();
  if (status == Status::kDone) status = device.Run();
  if (status != Status::kDone) throw Error(status, Explain(status, geometry));
  return device.Outcome();
}

InPlaceUpdate MakeInPlaceUpdate(Bytes old_image, Bytes new_image, const InPlaceGeometry& given,
                                const DiffOptions& given_options, bool reversible) {
  CheckGeometry(given);
  if (given_options.codec != Codec::kModel) {
    throw Error(Status::kBadArgument, std::string("codec ") + CodecName(given_options.codec) +
                                          " cannot be applied in place: take codec model");
  }
  if (new_image.empty() || (reversible && old_image.empty())) {
    throw Error(Status::kBadArgument, std::string("the ") + (new_image.empty() ? "new" : "old") +
                                          " image has no bytes: no device rebuilds that in place");
  }
  DiffOptions options = given_options;
  const uint32_t least = kModelRam[kModelProfiles - 1] + kInPlaceMoreRam;
  if (options.ram != 0) {
    if (options.ram < least) {
      throw Error(Status::kDoesNotFit, "an update in place needs at least " + Text(least) +
                                           " bytes of RAM on the device, there are " + Text(options.ram));
    }
    options.ram -= kInPlaceMoreRam;
  }
  InPlaceGeometry geometry = given;
  const uint32_t larger = Sectors(std::max(old_image.size(), new_image.size()), geometry.erase_unit);
  if (geometry.area == 0) geometry.area = (larger + kDefaultSpare) * geometry.erase_unit;
  CheckGeometry(geometry);
  RequireSpare("old", old_image.size(), geometry);
  RequireSpare("new", new_image.size(), geometry);

  InPlaceUpdate update;
  const double share = reversible ? 0.5 : 1;
  update.forward = MakeDirection(old_image, new_image, geometry, options, 0, share);
  if (reversible) update.inverse = MakeDirection(new_image, old_image, geometry, options, share, share);
  update.file = WriteInPlaceFile(update.forward.delta, update.inverse ? Bytes(update.inverse->delta) : Bytes());
  if (geometry.staging != 0 && update.file.size() > geometry.staging) {
    throw Error(Status::kDoesNotFit,
                "the file has " + Text(update.file.size()) + " bytes and the staging area " + Text(geometry.staging) +
                    (reversible ? ": leave the way back out, or find more room" : ": find more room"));
  }
  update.spare = geometry.area / geometry.erase_unit - larger;
  update.scratch = update.spare + update.forward.run.journal_area / geometry.erase_unit * geometry.journals;
  return update;
}

bool IsInPlaceFile(Bytes file) { return !file.empty() && (file[0] ^ kInPlaceMagicAndVersion) >> 4 == 0; }

InPlaceFile ReadInPlaceFile(Bytes file) {
  if (!file.empty() && file[0] != kInPlaceMagicAndVersion) {
    if (!IsInPlaceFile(file)) throw Error(Status::kCorrupt, "this is not a file for updates in place (offset 0)");
    throw Error(Status::kUnsupported, "the file has format version " + Text(file[0] & 0x0F) +
                                          " (offset 0), this build reads " + Text(kInPlaceMagicAndVersion & 0x0F) +
                                          ": use a newer mote");
  }
  InPlaceHeader header;
  if (file.size() < kInPlaceHeaderSize) {
    throw Error(Status::kNeedInput, "the file was cut short: it ends inside its header; get it again");
  }
  if (ReadInPlaceHeader(file.data(), header) != Status::kDone) {
    throw Error(Status::kCorrupt, "the file's header is damaged: get it again");
  }
  if (file.size() < header.Size()) {
    throw Error(Status::kNeedInput, "the file was cut short: it has " + Text(file.size()) + " bytes of " +
                                        Text(header.Size()) + "; get it again");
  }
  const Bytes deltas = file.subspan(kInPlaceHeaderSize, header.forward_size + header.inverse_size);
  if (UpdateCheck(header.start, deltas.data(), static_cast<uint32_t>(deltas.size())) != header.check) {
    throw Error(Status::kCorrupt, "the file is damaged: its check does not hold; get it again");
  }
  return {deltas.first(header.forward_size), deltas.subspan(header.forward_size)};
}

std::vector<uint8_t> WriteInPlaceFile(Bytes forward, Bytes inverse) {
  std::vector<uint8_t> file{kInPlaceMagicAndVersion};
  for (const Bytes delta : {forward, inverse}) {
    if (delta.size() > kLargestSize) {
      throw Error(Status::kDoesNotFit, "a delta of " + Text(delta.size()) + " bytes: a file for updates in place holds up to " +
                                           Text(kLargestSize));
    }
    for (int shift = 0; shift < 24; shift += 8) file.push_back(static_cast<uint8_t>(delta.size() >> shift));
  }
  uint32_t check = UpdateCheck(kCheckStart, file.data(), kSizedBytes);
  for (const Bytes delta : {forward, inverse}) check = UpdateCheck(check, delta.data(), static_cast<uint32_t>(delta.size()));
  for (int shift = 0; shift < 32; shift += 8) file.push_back(static_cast<uint8_t>(check >> shift));
  for (const Bytes delta : {forward, inverse}) file.insert(file.end(), delta.begin(), delta.end());
  return file;
}

}  // namespace mote
