// SPDX-License-Identifier: Apache-2.0
// The bootloader's part of an update in place: what is kept in the metadata, before, while and
// after stream/in_place.h does it. METADATA.md 4.
#include "agent/boot.h"
#include "agent/trust.h"
#include "patch/check.h"

#if MOTE_WITH_IN_PLACE

namespace mote {
namespace {

constexpr int kAttempts = 3;  // at one start, each from the last step that was done

bool IsUndo(InstallState state) {
  return state == InstallState::kUndoRequested || state == InstallState::kUndoRunning;
}

}  // namespace

// kDone: there is no installation any more. Anything else: it is only requested yet, or has to go
// on at the next start.
Status Bootloader::FinishInPlace() {
  Metadata& metadata = config_.metadata;
  InPlaceConfig config{};
  bool reversible = false;
  Status status = ReadFile(config, reversible);
  if (metadata.install == InstallState::kInPlaceRequested ||
      metadata.install == InstallState::kUndoRequested) {
    if (status == Status::kDone) status = ProveInPlace(config, reversible);
    // What cannot be read now may be another time, and a port may be repaired.
    if (status == Status::kReadError || status == Status::kFlashError ||
        status == Status::kBadArgument) {
      return status;
    }
    if (status != Status::kDone) {
      staging_record().state = SlotState::kBad;
      Refuse(status);
      metadata.install = InstallState::kNone;
      return metadata.Commit();
    }
    metadata.install =
        IsUndo(metadata.install) ? InstallState::kUndoRunning : InstallState::kInPlaceRunning;
    metadata.progress = 0;
    status = metadata.Commit();
  }
  if (status != Status::kDone) return status;
  const InstallState running = metadata.install;
  status = RunInPlace(config, reversible);
  // Where it could not be written down, it was read again, or could not be: primary is not whole.
  if (status != Status::kDone) metadata.install = running;
  return status;
}

Status Bootloader::RunInPlace(const InPlaceConfig& config, bool reversible) {
  Metadata& metadata = config_.metadata;
  // The last mark or the record itself may read differently at the next start: first it is made
  // certain, then the next step may destroy what the one before it needed.
  if (!metadata.settled()) {
    if (Status status = metadata.Commit(); status != Status::kDone) return status;
  }
  const InPlacePlan plan = {primary_record().size, 0, 0, metadata.install_units};
  Status status;
  int attempts = kAttempts;
  do {
    status = in_place_.Run(config, plan, metadata.progress);
    if (status == Status::kDone) return CompleteInPlace(reversible);
  } while (--attempts != 0 && metadata.settled());
  return status;
}

// Where things are, and whether there is a delta that takes this one back.
Status Bootloader::ReadFile(InPlaceConfig& config, bool& reversible) const {
  const Slot& file = config_.layout.slots[config_.layout.staging].slot;
  uint8_t bytes[kInPlaceHeaderSize];
  InPlaceHeader header;
  Status status = file.flash->read(file.flash->context, file.offset, bytes, sizeof bytes);
  if (status == Status::kDone) status = ReadInPlaceHeader(bytes, header);
  if (status != Status::kDone) return status;
  if (header.Size() > file.size) return Status::kCorrupt;
  const bool undo = IsUndo(config_.metadata.install);
  const uint32_t start = file.offset + kInPlaceHeaderSize;
  config.area = primary();
  config.delta = {file.flash, start, header.forward_size};
  if (undo) config.delta = {file.flash, start + header.forward_size, header.inverse_size};
  config.journal = *config_.layout.journal;
  config.first_record = static_cast<uint8_t>(config_.metadata.slot(config_.layout.primary).update);
  config.buffer = config_.buffer;
  config.buffer_size = config_.buffer_size;
  config.memory = config_.memory;
  config.memory_size = config_.memory_size;
  config.hash = {config_.sha256.update, config_.sha256.context};
  config.advance = [](void* metadata) { return static_cast<Metadata*>(metadata)->Advance(); };
  config.context = &config_.metadata;
  reversible = !undo && header.inverse_size != 0;
  const bool running = config_.metadata.install == InstallState::kInPlaceRunning ||
                       config_.metadata.install == InstallState::kUndoRunning;
  return running ? Status::kDone : CheckFile(header);
}

Status Bootloader::CheckFile(const InPlaceHeader& header) const {
  const Slot& file = config_.layout.slots[config_.layout.staging].slot;
  uint32_t check = header.start;
  for (uint32_t at = kInPlaceHeaderSize; at != header.Size();) {
    const uint32_t left = header.Size() - at;
    const uint32_t size = left < config_.buffer_size ? left : config_.buffer_size;
    const Status status =
        file.flash->read(file.flash->context, file.offset + at, config_.buffer, size);
    if (status != Status::kDone) return status;
    check = UpdateCheck(check, config_.buffer, size);
    at += size;
  }
  return check == header.check ? Status::kDone : Status::kCorrupt;
}

// The last look before something is erased.
Status Bootloader::ProveInPlace(const InPlaceConfig& config, bool reversible) {
  const bool undo = IsUndo(config_.metadata.install);
  if (!undo) {
    if (Status status = CheckImage(config_.layout.staging); status != Status::kDone) return status;
  }
  InPlacePlan plan;
  config_.sha256.start(config_.sha256.context);
  if (Status status = in_place_.Prove(config, plan); status != Status::kDone) return status;
  uint8_t digest[kDigestSize];
  config_.sha256.finish(config_.sha256.context, digest);
  if (plan.window != 0) return Status::kDoesNotFit;
  SlotRecord& old = primary_record();
  const SlotRecord& record = staging_record();
  // A full image needs no old one, which is lost.
  const bool full = plan.old_size == 0 && !reversible;
  if (old.size != 0 && old.size != plan.old_size && !full) return Status::kWrongBase;
  const uint8_t* expected = undo && record.has_digest ? record.digest : digest;
#if MOTE_WITH_TRUST
  if (config_.layout.trust) expected = record.release + kVendorDigest;
#endif
  if (!IsEqual(digest, expected, kDigestSize)) return Status::kCorrupt;
  old.size = plan.old_size;
  config_.metadata.install_units = plan.interval;
  return Status::kDone;
}

// Whether the digest is what the vendor signed, or what the old image had, is looked at like that
// of any image before it is started.
Status Bootloader::CompleteInPlace(bool reversible) {
  Metadata& metadata = config_.metadata;
  const bool undo = IsUndo(metadata.install);
  const SlotRecord old = primary_record();
  SlotRecord& record = primary_record();
  record = staging_record();
  record.state = SlotState::kConfirmed;
  if (!undo) {
    record.size = in_place_.new_size();
    record.has_digest = true;
    const Status status = HashImage(primary(), record.size, config_.sha256, config_.buffer,
                                    config_.buffer_size, record.digest);
    if (status != Status::kDone) {
      record = old;
      return status;
    }
  }
  if (reversible) {
    record.state = SlotState::kOnTrial;
    record.boots_left = config_.layout.trial_boots;
    staging_record() = old;  // what taking it back would bring
    staging_record().state = SlotState::kConfirmed;
  } else {
    RaiseCounter(config_.layout, metadata, config_.layout.primary);
    staging_record() = {};
  }
  metadata.install = InstallState::kNone;
  metadata.install_units = metadata.progress = 0;
  return metadata.Commit();
}

}  // namespace mote

#endif  // MOTE_WITH_IN_PLACE
