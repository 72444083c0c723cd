// SPDX-License-Identifier: Apache-2.0
// A session where there is room for one image: the file goes into staging as it is, and is proved
// on the way.
#include "agent/session.h"
#include "patch/check.h"

#if MOTE_WITH_IN_PLACE

namespace mote {

Status Session::BeginInPlace() {
  if (config_.checkpoints) return Status::kBadArgument;
#if MOTE_WITH_TRUST
  // Of the image, it is for the bootloader to compare.
  if (config_.release) config_.digest = config_.delta_digest;
  config_.delta_digest = nullptr;
#endif
  const uint32_t unit = flash_.program_unit;
  if (config_.buffer_size < kMinInPlaceBuffer || (config_.buffer_size & (unit - 1)) != 0) {
    return Status::kBadArgument;
  }
  received_ = collected_ = offset_ = 0;
  resuming_ = false;
  ResumeInPlace();
  return Status::kNeedInput;
}

// From sectors of staging that hold the same file and are complete. What they hold is proved and
// hashed like what arrives.
void Session::ResumeInPlace() {
  const SlotRecord& slot = record();
  if (slot.state != SlotState::kReceiving || !slot.has_digest || !config_.digest ||
      !IsEqual(slot.digest, config_.digest, kDigestSize)) {
    return;
  }
  uint32_t end = 0;
  for (uint32_t mark = config_.metadata->progress; mark != 0; --mark) {
    const uint32_t next = end + interval_ * flash_.erase_unit;
    if (next >= slot.size) break;  // the last byte comes from the sender
    end = next;
  }
  resuming_ = true;
  Status status = Status::kNeedInput;
  while (received_ != end && status == Status::kNeedInput) {
    uint8_t byte;
    status = Read(this, target().offset + received_, &byte, 1);
    if (status == Status::kDone) status = TakeInPlace(byte);
  }
  if (status == Status::kNeedInput && collected_ != 0) status = FlushInPlace();
  resuming_ = false;
  if (status == Status::kNeedInput) {
    offset_ = received_;
    SkipSectors(offset_);
  } else {
    received_ = collected_ = 0;
    StartHashes();
  }
}

Status Session::WriteInPlace(const uint8_t* data, uint32_t size) {
  Status status = Status::kNeedInput;
  for (; size != 0 && status == Status::kNeedInput; --size) status = TakeInPlace(*data++);
  return status;
}

// Nothing is written before all that is to be written was looked at.
Status Session::TakeInPlace(uint8_t byte) {
  if (received_ >= kInPlaceHeaderSize && received_ == header_.Size()) return Status::kNeedInput;
  config_.buffer[collected_++] = byte;
  ++received_;
  Status status = ProveInPlace(byte);
  if (status == Status::kNeedInput &&
      (collected_ == config_.buffer_size || received_ == new_size())) {
    status = FlushInPlace();
  }
  return status;
}

Status Session::ProveInPlace(uint8_t byte) {
  if (received_ < kInPlaceHeaderSize) return Status::kNeedInput;
  if (received_ == kInPlaceHeaderSize) {
    const Status status = ReadInPlaceHeader(config_.buffer, header_);
    if (status != Status::kDone) return status;
    if (header_.Size() > target().size) return Status::kDoesNotFit;
    check_ = header_.start;
    const Layout& layout = *config_.layout;
    return proof_ = in_place_.BeginProof({layout.slots[layout.primary].slot,
                                          {nullptr, 0, header_.forward_size},
                                          *layout.journal,
                                          0,
                                          sector_part_,
                                          sizeof sector_part_,
                                          config_.memory,
                                          config_.memory_size,
                                          {},
                                          nullptr,
                                          nullptr});
  }
  check_ = UpdateCheck(check_, &byte, 1);
  if (proof_ == Status::kNeedInput && received_ <= kInPlaceHeaderSize + header_.forward_size) {
    proof_ = in_place_.WriteProof(&byte, 1);
#if MOTE_WITH_TRUST
    const uint32_t new_size = in_place_.new_size();
    if (config_.release && new_size != 0 &&
        VendorField(config_.release, kVendorImageSize) != new_size) {
      return Status::kCorrupt;
    }
#endif
  }
  return proof_ == Status::kDone ? Status::kNeedInput : proof_;
}

Status Session::FlushInPlace() {
  const uint32_t at = target().offset + received_ - collected_;
  config_.sha256.update(config_.sha256.context, config_.buffer, collected_);
  while ((collected_ & (flash_.program_unit - 1)) != 0) {
    config_.buffer[collected_++] = flash_.erased_value;
  }
  const uint32_t size = collected_;
  collected_ = 0;
  const Status status = resuming_ ? Status::kDone : Program(this, at, config_.buffer, size);
  return status == Status::kDone ? Status::kNeedInput : status;
}

Status Session::FinishInPlace() {
  if (received_ < kInPlaceHeaderSize || received_ != header_.Size()) return Status::kNeedInput;
  if (check_ != header_.check) return Status::kCorrupt;
  InPlacePlan plan;
  if (Status status = in_place_.FinishProof(plan); status != Status::kDone) return status;
  const uint32_t window = config_.layout->boot_buffer;
  if (window != 0 && plan.window > window) return Status::kDoesNotFit;
  return Verify();
}

}  // namespace mote

#endif  // MOTE_WITH_IN_PLACE
