// SPDX-License-Identifier: Apache-2.0
#include "agent/boot.h"

#include "agent/trust.h"

namespace mote {
namespace {

[[maybe_unused]] constexpr int kStepAttempts = 3;  // of an installation, at one start

[[maybe_unused]] bool IsRunning(InstallState state) {
  return state == InstallState::kOverwriteRunning || state == InstallState::kSwapRunning ||
         state == InstallState::kInPlaceRunning || state == InstallState::kUndoRunning;
}

// It may be otherwise at the next start.
bool IsTransient(Status status) {
  return status == Status::kReadError || status == Status::kFlashError;
}

}  // namespace

Status HashImage(const Slot& slot, uint32_t size, const Sha256Functions& sha256, uint8_t* buffer,
                 uint32_t buffer_size, uint8_t* digest) {
  if (size > slot.size) return Status::kCorrupt;
  sha256.start(sha256.context);
  for (uint32_t at = 0; at < size;) {
    const uint32_t part = size - at < buffer_size ? size - at : buffer_size;
    const Status status = slot.flash->read(slot.flash->context, slot.offset + at, buffer, part);
    if (status != Status::kDone) return status;
    sha256.update(sha256.context, buffer, part);
    at += part;
  }
  sha256.finish(sha256.context, digest);
  return Status::kDone;
}

Status CheckDigest(const Slot& slot, uint32_t size, const uint8_t* digest,
                   const Sha256Functions& sha256, uint8_t* buffer, uint32_t buffer_size) {
  uint8_t found[kDigestSize];
  const Status status = HashImage(slot, size, sha256, buffer, buffer_size, found);
  if (status != Status::kDone) return status;
  return IsEqual(found, digest, kDigestSize) ? Status::kDone : Status::kCorrupt;
}

Status Bootloader::CheckImage(uint8_t index) {
  const SlotRecord& record = config_.metadata.slot(index);
#if MOTE_WITH_TRUST
  if (config_.layout.trust) {
    const Status status = CheckRelease(config_.layout, config_.metadata, index, config_.sha256);
    if (status != Status::kDone) return status;
  }
#endif
  if (!record.has_digest) return Status::kDone;
  return CheckDigest(config_.layout.slots[index].slot, record.size, record.digest, config_.sha256,
                     config_.buffer, config_.buffer_size);
}

// Of the slots that may be started and are not passed over, the one with the latest update.
uint8_t Bootloader::Newest(unsigned passed_over) const {
  uint8_t newest = kNoSlot;
  for (uint8_t i = 0; i < config_.layout.count; ++i) {
    const SlotInfo& info = config_.layout.slots[i];
    const SlotRecord& record = config_.metadata.slot(i);
    if (!info.bootable || info.factory || (passed_over >> i & 1) != 0) continue;
    if (record.state != SlotState::kConfirmed && record.state != SlotState::kOnTrial) continue;
    if (newest == kNoSlot || record.update > config_.metadata.slot(newest).update) newest = i;
  }
  return newest;
}

Status Bootloader::Choose(uint8_t index, BootChoice& choice) const {
  const SlotRecord& record = config_.metadata.slot(index);
  choice = {index, record.size, record.state == SlotState::kOnTrial,
            config_.layout.slots[index].factory, refused_};
  return Status::kDone;
}

// An image was passed over, or will be. The first one counts.
void Bootloader::Refuse(Status status) {
  if (refused_ == Status::kDone) refused_ = status == Status::kDone ? Status::kCorrupt : status;
}

Status Bootloader::Boot(BootChoice& choice) {
  Metadata& metadata = config_.metadata;
  const Layout& layout = config_.layout;
  refused_ = Status::kDone;
  if (Status status = CheckLayout(layout); status != Status::kDone) return status;
  if (Status status = metadata.Load(layout); status != Status::kDone) return status;
  if (config_.buffer_size == 0) return Status::kBadArgument;
  for (uint8_t i = 0; MOTE_WITH_INSTALL && i < layout.count; ++i) {
    if (layout.install != Install::kNone && (i == layout.primary || i == layout.staging) &&
        (config_.buffer_size & (layout.slots[i].slot.flash->program_unit - 1)) != 0) {
      return Status::kBadArgument;
    }
  }

  // Whatever this start decides must be what later ones read, even if the last write was cut and
  // its bits read differently then. A flash that cannot be written costs only that.
  if (!metadata.certain()) metadata.Commit();

  // Every round but the two that restoring may add passes over a slot.
  Status result = Status::kCorrupt;
  unsigned passed_over = 0;
  [[maybe_unused]] bool restored = false;
  uint8_t uncounted = kNoSlot;
  while (true) {
#if MOTE_WITH_INSTALL
    if (metadata.install != InstallState::kNone) {
      if (Status status = FinishInstall(); status != Status::kDone) {
        result = status;
        // Where it was not begun, primary is as it was.
        if (IsRunning(metadata.install)) break;
      }
    }
#endif
    const uint8_t index = Newest(passed_over);
    if (index == kNoSlot) {
#if MOTE_WITH_INSTALL
      if (restored || !CanRestore() || result != Status::kCorrupt) break;
      restored = true;
      metadata.install = layout.install == Install::kInPlace ? InstallState::kUndoRequested
                                                             : InstallState::kOverwriteRequested;
      result = metadata.Commit();
      if (result != Status::kDone) break;
      result = Status::kCorrupt;
      passed_over = 0;
      continue;
#else
      break;
#endif
    }
    passed_over |= 1u << index;
    SlotRecord& record = metadata.slot(index);
    const bool on_trial = record.state == SlotState::kOnTrial;
    const Status status = CheckImage(index);
    if (status == Status::kDone && !on_trial) return Choose(index, choice);
    if (status == Status::kDone && record.boots_left != 0) {
      --record.boots_left;
      const Status written = metadata.Commit();
      if (written == Status::kDone) return Choose(index, choice);
      result = written;
      uncounted = index;
    } else if (IsTransient(status)) {
      result = status;
    } else if (on_trial) {
      record.state = SlotState::kBad;
      if (Status written = metadata.Commit(); written != Status::kDone) result = written;
    }
    Refuse(status);
  }
  for (uint8_t i = 0; i < layout.count; ++i) {
    if (layout.slots[i].factory && layout.slots[i].bootable && CheckImage(i) == Status::kDone) {
      return Choose(i, choice);
    }
  }
#if MOTE_WITH_IN_PLACE
  // It did not confirm itself and cannot be taken back; but it is whole, and there is no other.
  if (layout.install == Install::kInPlace && metadata.install == InstallState::kNone &&
      primary_record().state == SlotState::kBad && CheckImage(layout.primary) == Status::kDone) {
    return Choose(layout.primary, choice);
  }
#endif
  // Its starts cannot be counted any more; but it is whole, and there is no other.
  if (uncounted != kNoSlot) return Choose(uncounted, choice);
  return result;
}

#if MOTE_WITH_INSTALL

// kDone: there is no installation any more. Anything else: it is only requested yet, or has to go
// on at the next start.
Status Bootloader::FinishInstall() {
#if MOTE_WITH_IN_PLACE
  if (config_.layout.install == Install::kInPlace) return FinishInPlace();
#endif
  if (config_.metadata.install == InstallState::kOverwriteRequested ||
      config_.metadata.install == InstallState::kSwapRequested) {
    const Status status = BeginInstall();
    if (status != Status::kDone || config_.metadata.install == InstallState::kNone) return status;
  }
  const InstallState running = config_.metadata.install;
  const Status status = RunInstall();
  // Where it could not be written down, it was read again, or could not be: primary is not whole.
  if (status != Status::kDone) config_.metadata.install = running;
  return status;
}

Status Bootloader::BeginInstall() {
  Metadata& metadata = config_.metadata;
  const Status status = CheckImage(config_.layout.staging);
  if (status != Status::kDone) {  // what cannot be read now may be activated again
    if (!IsTransient(status)) staging_record().state = SlotState::kBad;
    Refuse(status);
    metadata.install = InstallState::kNone;
    return metadata.Commit();
  }
  // Images whose size is not known are taken to be as large as they may be.
  const uint32_t capacity = ImageCapacity(config_.layout, config_.layout.staging);
  const bool swap = metadata.install == InstallState::kSwapRequested;
  uint32_t bytes = staging_record().size;
  if (bytes == 0) bytes = capacity;
  if (swap && primary_record().size > bytes) bytes = primary_record().size;
  if (swap && primary_record().size == 0) bytes = capacity;
  if (bytes > capacity) bytes = capacity;
  const uint32_t unit = InstallUnit(config_.layout);
  metadata.install_units = (bytes + unit - 1) / unit;
  metadata.progress = 0;
  metadata.install = swap ? InstallState::kSwapRunning : InstallState::kOverwriteRunning;
  return metadata.Commit();
}

// METADATA.md 4
Status Bootloader::RunInstall() {
  Metadata& metadata = config_.metadata;
  // The last mark or the record itself may read differently at the next start: first it is made
  // certain, then the next step may destroy what the one before it needed.
  if (!metadata.settled()) {
    if (Status status = metadata.Commit(); status != Status::kDone) return status;
  }
  const bool swap = metadata.install == InstallState::kSwapRunning;
  const uint32_t steps = swap ? 3 * metadata.install_units : metadata.install_units;
  while (metadata.progress < steps) {
    Status status = Step();
    for (int i = 1; i < kStepAttempts && status != Status::kDone; ++i) status = Step();
    if (status != Status::kDone && swap && IsForOldImage(metadata.progress)) {
      // What staging cannot take is lost; whatever primary holds now is the new image.
      primary_record().state = SlotState::kBad;
      status = metadata.Commit();
    }
    if (status != Status::kDone) return status;
    status = metadata.Advance();
    if (status != Status::kDone) return status;
  }
  return swap ? CompleteSwap() : CompleteOverwrite();
}

Status Bootloader::Step() {
  Metadata& metadata = config_.metadata;
  const uint32_t step = metadata.progress;
  const uint32_t units = metadata.install_units;
  if (metadata.install == InstallState::kOverwriteRunning) {
    return CopyUnit(staging(), step, primary(), step);
  }
  if (step < units) {
    const uint32_t i = units - 1 - step;
    return CopyUnit(primary(), i, primary(), i + 1);
  }
  const uint32_t i = (step - units) >> 1;
  if (!IsForOldImage(step)) return CopyUnit(staging(), i, primary(), i);
  if (primary_record().state == SlotState::kBad) return Status::kDone;
  return CopyUnit(primary(), i + 1, staging(), i);
}

// Whether a step of a swap only serves to keep the old image.
bool Bootloader::IsForOldImage(uint32_t step) const {
  const uint32_t units = config_.metadata.install_units;
  return step >= units && ((step - units) & 1) != 0;
}

Status Bootloader::CopyUnit(const Slot& from, uint32_t from_unit, const Slot& to,
                            uint32_t to_unit) {
  const uint32_t unit = InstallUnit(config_.layout);
  const uint32_t source = from.offset + from_unit * unit;
  const uint32_t target = to.offset + to_unit * unit;
  for (uint32_t at = 0; at < unit; at += to.flash->erase_unit) {
    const Status status = to.flash->erase(to.flash->context, target + at);
    if (status != Status::kDone) return status;
  }
  for (uint32_t at = 0; at < unit;) {
    const uint32_t part = unit - at < config_.buffer_size ? unit - at : config_.buffer_size;
    if (Status status = from.flash->read(from.flash->context, source + at, config_.buffer, part);
        status != Status::kDone) {
      return status;
    }
    if (Status status = to.flash->program(to.flash->context, target + at, config_.buffer, part);
        status != Status::kDone) {
      return status;
    }
    at += part;
  }
  return Status::kDone;
}

// Both slots hold the image now. Staging is kept for the day when primary's digest does not hold.
Status Bootloader::CompleteOverwrite() {
  Metadata& metadata = config_.metadata;
  SlotRecord& record = staging_record();
  Status status = Status::kDone;
  if (record.has_digest) {
    status = CheckDigest(primary(), record.size, record.digest, config_.sha256, config_.buffer,
                         config_.buffer_size);
  }
  if (status != Status::kDone) {  // what was written does not read back: from the start
    metadata.progress = 0;
    const Status written = metadata.Commit();
    return written != Status::kDone || status != Status::kCorrupt ? status : Status::kFlashError;
  }
  record.state = SlotState::kConfirmed;
  primary_record() = record;
  RaiseCounter(config_.layout, metadata, config_.layout.primary);
  metadata.install = InstallState::kNone;
  metadata.install_units = metadata.progress = 0;
  return metadata.Commit();
}

Status Bootloader::CompleteSwap() {
  Metadata& metadata = config_.metadata;
  const SlotRecord old = primary_record();
  primary_record() = staging_record();
  staging_record() = old;
  primary_record().state = SlotState::kOnTrial;
  primary_record().boots_left = config_.layout.trial_boots;
  metadata.install = InstallState::kNone;
  metadata.install_units = metadata.progress = 0;
  return metadata.Commit();
}

#endif  // MOTE_WITH_INSTALL

}  // namespace mote
