// SPDX-License-Identifier: Apache-2.0
#include "tools/simulated_flash.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

namespace mote {
namespace {

// One torn operation in so many is not begun, and as many are complete but for the report of it.
constexpr uint64_t kAllOrNothing = 8;

const char* OperationName(SimulatedFlash::Operation operation) {
  switch (operation) {
    case SimulatedFlash::kRead:
      return "read";
    case SimulatedFlash::kErase:
      return "erase";
    default:
      return "program";
  }
}

unsigned Index(SimulatedFlash::Operation operation) {
  return static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(operation)));
}

bool Overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
  return a < b + b_size && b < a + a_size;
}

void Require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

}  // namespace

SimulatedFlash::SimulatedFlash(const Geometry& geometry, uint64_t seed)
    : geometry_(geometry), random_(seed) {
  Require(std::has_single_bit(geometry.program_unit), "the program unit is not a power of two");
  Require(geometry.erase_unit != 0 && geometry.erase_unit % geometry.program_unit == 0,
          "the erase unit is not a multiple of the program unit");
  Require(geometry.size % geometry.erase_unit == 0, "the size is not a multiple of the erase unit");
  Require(geometry.erased_value == 0xFF || geometry.erased_value == 0x00,
          "the erased value is neither 0xFF nor 0x00");
  for (const Geometry::Larger& larger : geometry.larger) {
    Require(larger.erase_unit != 0 && larger.erase_unit % geometry.erase_unit == 0 &&
                larger.offset % larger.erase_unit == 0 && larger.size % larger.erase_unit == 0,
            "larger erase units do not fit where they are");
  }
  content_.resize(geometry.size);
  for (uint8_t& byte : content_) byte = static_cast<uint8_t>(Random());
  erased_.resize(geometry.size / geometry.program_unit);
  erases_.resize(geometry.size / geometry.erase_unit);
  programs_.resize(erased_.size());
}

uint32_t SimulatedFlash::EraseUnitAt(uint32_t offset) const {
  for (const Geometry::Larger& larger : geometry_.larger) {
    if (offset >= larger.offset && offset - larger.offset < larger.size) return larger.erase_unit;
  }
  return geometry_.erase_unit;
}

Flash SimulatedFlash::FlashAt(uint32_t offset) {
  return {&Read,
          &Erase,
          &Program,
          this,
          EraseUnitAt(offset),
          geometry_.program_unit,
          geometry_.erased_value};
}

void SimulatedFlash::Load(uint32_t offset, std::span<const uint8_t> content) {
  Require(offset <= content_.size() && content.size() <= content_.size() - offset,
          "Load leaves the flash");
  std::ranges::copy(content, content_.begin() + offset);
  if (content.empty()) return;
  const uint32_t unit = geometry_.program_unit;
  const size_t last = (offset + content.size() - 1) / unit;
  for (size_t at = offset / unit; at <= last; ++at) erased_[at] = false;
}

void SimulatedFlash::Blank(uint32_t offset, uint32_t size) {
  Require(offset <= content_.size() && size <= content_.size() - offset, "Blank leaves the flash");
  Require(offset % geometry_.erase_unit == 0 && size % geometry_.erase_unit == 0,
          "Blank takes whole erase units");
  std::fill_n(content_.begin() + offset, size, geometry_.erased_value);
  std::fill_n(erased_.begin() + offset / geometry_.program_unit, size / geometry_.program_unit,
              true);
  Forget(offset, size);
}

// What stands there is certain from now on.
void SimulatedFlash::Forget(uint32_t offset, size_t size) {
  std::erase_if(unstable_, [&](const Unstable& unstable) {
    return unstable.offset >= offset && unstable.offset - offset < size;
  });
}

std::span<const uint8_t> SimulatedFlash::Content(uint32_t offset, uint32_t size) const {
  Require(offset <= content_.size() && size <= content_.size() - offset,
          "Content leaves the flash");
  return std::span(content_).subspan(offset, size);
}

bool SimulatedFlash::IsErased(uint32_t offset, uint32_t size) const {
  const uint64_t end = uint64_t{offset} + size;
  const uint32_t unit = geometry_.program_unit;
  for (uint64_t at = offset / unit; size != 0 && at <= (end - 1) / unit; ++at) {
    if (!erased_.at(at)) return false;
  }
  return true;
}

void SimulatedFlash::Forbid(uint32_t offset, uint32_t size, unsigned operations) {
  forbidden_.push_back({.offset = offset, .size = size, .operations = operations});
}

void SimulatedFlash::FailAfter(uint64_t skip, unsigned operations, Status status) {
  failure_ = {skip, operations, status};
}

void SimulatedFlash::Break(uint32_t offset, uint32_t size, unsigned operations, Status status) {
  broken_.push_back({offset, size, operations, status});
}

void SimulatedFlash::CutPowerAfter(uint64_t skip, Cut cut) {
  cut_ = skip;
  cut_kind_ = cut;
}

void SimulatedFlash::PowerUp() {
  powered_ = true;
  cut_.reset();
  for (const Unstable& unstable : unstable_) Draw(unstable);
}

uint64_t SimulatedFlash::operations(unsigned kinds) const {
  uint64_t sum = 0;
  for (Operation operation : {kRead, kErase, kProgram}) {
    if (kinds & operation) sum += counts_[Index(operation)];
  }
  return sum;
}

std::string SimulatedFlash::DescribeViolations() const {
  std::string text;
  for (const Violation& violation : violations_) {
    text += std::string(OperationName(violation.operation)) + " of " +
            std::to_string(violation.size) + " bytes at " + std::to_string(violation.offset) +
            ": " + violation.reason + "\n";
  }
  return text;
}

// What every operation starts with. A status: the operation ends with it.
std::optional<Status> SimulatedFlash::Enter(Operation operation, uint32_t offset, uint32_t size) {
  const Status failed = operation == kRead ? Status::kReadError : Status::kFlashError;
  if (!powered_) {
    ++calls_without_power_;
    return failed;
  }
  ++counts_[Index(operation)];
  if (size == 0) return Record(operation, offset, size, "it is of no bytes");
  if (offset > content_.size() || size > content_.size() - offset) {
    return Record(operation, offset, size, "it leaves the flash");
  }
  const uint32_t unit = operation == kErase     ? EraseUnitAt(offset)
                        : operation == kProgram ? geometry_.program_unit
                                                : 1;
  if (offset % unit != 0 || size % unit != 0) {
    return Record(operation, offset, size,
                  "it is not aligned to units of " + std::to_string(unit) + " bytes");
  }
  for (const Region& region : forbidden_) {
    if ((region.operations & operation) && Overlap(offset, size, region.offset, region.size)) {
      return Record(operation, offset, size, "the region is forbidden");
    }
  }
  if ((failure_.operations & operation) && failure_.skip-- == 0) {
    failure_.operations = 0;
    return failure_.status;
  }
  for (const Region& region : broken_) {
    if ((region.operations & operation) && Overlap(offset, size, region.offset, region.size)) {
      return region.status;
    }
  }
  return {};
}

Status SimulatedFlash::Record(Operation operation, uint32_t offset, uint32_t size,
                              std::string reason) {
  ++violation_count_;
  if (violations_.size() < kMaxViolations) {
    violations_.push_back({operation, offset, size, std::move(reason)});
  }
  return operation == kRead ? Status::kReadError : Status::kFlashError;
}

// Whether the power goes during the change that is about to be made.
bool SimulatedFlash::TearsNow() {
  if (!cut_ || (*cut_)-- != 0) return false;
  cut_.reset();
  powered_ = false;
  return true;
}

Status SimulatedFlash::Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  SimulatedFlash& self = *static_cast<SimulatedFlash*>(context);
  if (const auto status = self.Enter(kRead, offset, size)) return *status;
  for (const Unstable& unstable : self.unstable_) {
    if (!unstable.noisy || !Overlap(offset, size, unstable.offset, unstable.before.size())) {
      continue;
    }
    const uint32_t from = std::max(offset, unstable.offset) - unstable.offset;
    const size_t end = std::min<size_t>(offset + size - unstable.offset, unstable.before.size());
    self.Draw(unstable, from, end);
  }
  std::copy_n(self.content_.begin() + offset, size, to);
  self.read_start_ = std::min(self.read_start_, offset);
  self.read_end_ = std::max(self.read_end_, offset + size);
  return Status::kDone;
}

Status SimulatedFlash::Erase(void* context, uint32_t offset) {
  SimulatedFlash& self = *static_cast<SimulatedFlash*>(context);
  const uint32_t size = self.EraseUnitAt(offset);
  if (const auto status = self.Enter(kErase, offset, size)) return *status;
  const bool torn = self.TearsNow();
  if (torn && self.cut_kind_ == Cut::kBefore) return Status::kFlashError;
  ++self.erases_[offset / self.geometry_.erase_unit];
  if (torn && self.cut_kind_ != Cut::kAfter) {
    self.Tear(kErase, offset, std::vector<uint8_t>(size, self.geometry_.erased_value));
    return Status::kFlashError;
  }
  self.Blank(offset, size);
  return torn ? Status::kFlashError : Status::kDone;
}

Status SimulatedFlash::Program(void* context, uint32_t offset, const uint8_t* data, uint32_t size) {
  SimulatedFlash& self = *static_cast<SimulatedFlash*>(context);
  if (const auto status = self.Enter(kProgram, offset, size)) return *status;
  const bool torn = self.TearsNow();
  if (torn && self.cut_kind_ == Cut::kBefore) return Status::kFlashError;
  const uint32_t unit = self.geometry_.program_unit;
  const bool erased = self.IsErased(offset, size);
  for (uint32_t at = offset; at < offset + size; at += unit) ++self.programs_[at / unit];
  const Status status = erased
                            ? Status::kDone
                            : self.Record(kProgram, offset, size,
                                          "a unit in it was not erased, or programmed since then");
  std::vector<uint8_t> after(data, data + size);
  for (uint32_t i = 0; i < size; ++i) {
    after[i] = self.Programmed(self.content_[offset + i], data[i]);
  }
  if (torn && self.cut_kind_ != Cut::kAfter) {
    self.Tear(kProgram, offset, std::move(after));
    return Status::kFlashError;
  }
  self.Load(offset, after);
  return torn ? Status::kFlashError : status;
}

// From here on the content is between what it is and `after`.
void SimulatedFlash::Tear(Operation operation, uint32_t offset, std::vector<uint8_t> after) {
  if (operation == kErase) Forget(offset, after.size());
  for (uint32_t at = offset; at < offset + after.size(); at += geometry_.program_unit) {
    erased_[at / geometry_.program_unit] = false;
  }
  const auto before = Content(offset, static_cast<uint32_t>(after.size()));
  const bool noisy = cut_kind_ == Cut::kNoisy;
  const Unstable torn{operation, offset, {before.begin(), before.end()}, std::move(after), noisy};
  Draw(torn);
  if (noisy || cut_kind_ == Cut::kUnstable) unstable_.push_back(torn);
}

void SimulatedFlash::Draw(const Unstable& torn, size_t from, size_t to) {
  const uint64_t outcome = Random() % kAllOrNothing;
  for (size_t i = from; i < to; ++i) {
    uint8_t& byte = content_[torn.offset + i];
    const uint64_t random = Random();
    if (outcome <= 1) {
      byte = outcome == 0 ? torn.before[i] : torn.after[i];
    } else if (torn.operation == kErase) {
      const uint64_t choice = random % 3;
      byte = choice == 0   ? torn.before[i]
             : choice == 1 ? torn.after[i]
                           : static_cast<uint8_t>(random >> 8);
    } else {
      const auto changed = static_cast<uint8_t>(random >> 8);
      byte = torn.before[i] ^ ((torn.before[i] ^ torn.after[i]) & changed);
    }
  }
}

uint8_t SimulatedFlash::Programmed(uint8_t before, uint8_t data) const {
  return geometry_.erased_value == 0xFF ? before & data : before | data;
}

// Splitmix64, from Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
uint64_t SimulatedFlash::Random() {
  uint64_t z = random_ += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

}  // namespace mote
