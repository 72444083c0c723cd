// SPDX-License-Identifier: Apache-2.0
#include "agent/session.h"

#include "agent/boot.h"

namespace mote {
namespace {

// Sectors from one mark to the next, so that the marks of one update fit into a page. No division:
// it would be the only one in many a firmware.
uint32_t MarkInterval(const Slot& slot, uint32_t marks_per_page) {
  const uint32_t step = marks_per_page * slot.flash->erase_unit;
  uint32_t interval = 1;
  for (uint32_t covered = step; covered < slot.size && step != 0; covered += step) ++interval;
  return step == 0 ? 0xFFFFFFFF : interval;
}

uint32_t LatestUpdate(const Layout& layout, const Metadata& metadata) {
  uint32_t latest = 0;
  for (uint8_t i = 0; i < layout.count; ++i) {
    if (metadata.slot(i).update > latest) latest = metadata.slot(i).update;
  }
  return latest;
}

#if MOTE_WITH_CHECKPOINT
bool Overlap(const Flash* flash, uint32_t start, uint32_t end, const Slot& slot) {
  return slot.flash == flash && slot.offset < end && start < slot.offset + slot.size;
}

// Both areas: whole erase units, and nobody else's.
bool IsUsable(const CheckpointArea& area, const Layout& layout) {
  const Flash* flash = area.flash;
  if (!flash || !flash->read || !flash->erase || !flash->program || area.interval == 0)
    return false;
  const uint32_t unit = flash->program_unit;
  if (unit == 0 || (unit & (unit - 1)) != 0 || unit > kMaxCheckpointUnit ||
      flash->erase_unit == 0 || area.size == 0 || area.size > (0xFFFFFFFF - area.offset) / 2 ||
      area.offset % flash->erase_unit != 0 || area.size % flash->erase_unit != 0) {
    return false;
  }
  const uint32_t end = area.offset + 2 * area.size;
  const MetadataArea& metadata = layout.metadata;
  bool is_free = !Overlap(flash, area.offset, end,
                          {metadata.flash, metadata.offset, metadata.page_size * metadata.pages});
  for (uint8_t i = 0; i < layout.count; ++i) {
    if (Overlap(flash, area.offset, end, layout.slots[i].slot)) is_free = false;
  }
  return is_free;
}
#endif

bool IsImage(SlotState state) {
  return state == SlotState::kConfirmed || state == SlotState::kOnTrial ||
         state == SlotState::kVerified;
}

}  // namespace

uint8_t InactiveSlot(const Layout& layout, const Metadata& metadata, uint8_t running) {
  if (layout.install != Install::kNone) return layout.staging;
  uint8_t best = kNoSlot;
  for (uint8_t i = 0; i < layout.count; ++i) {
    const SlotRecord& record = metadata.slot(i);
    if (i == running || layout.slots[i].factory || !layout.slots[i].bootable) continue;
    if (best == kNoSlot) {
      best = i;
      continue;
    }
    const SlotRecord& other = metadata.slot(best);
    if (IsImage(record.state) != IsImage(other.state)) {
      if (!IsImage(record.state)) best = i;
    } else if (record.update < other.update) {
      best = i;
    }
  }
  return best;
}

Status Session::Begin(const SessionConfig& config) {
  status_ = Status::kBadArgument;
  if (!config.layout || !config.metadata || !config.buffer) return status_;
  const Layout& layout = *config.layout;
  if (config.running >= layout.count || config.target >= layout.count ||
      config.running == config.target) {
    return status_;
  }
  const SlotInfo& info = layout.slots[config.target];
  const bool is_target =
      layout.install == Install::kNone ? info.bootable : config.target == layout.staging;
  if (!is_target || info.factory || config.metadata->install != InstallState::kNone ||
      config.metadata->slot(config.running).state == SlotState::kOnTrial) {
    return status_;
  }
  const SlotInfo& place = layout.install == Install::kNone ? info : layout.slots[layout.primary];
  if (config.link_address != kAnyAddress && place.link_address != kAnyAddress &&
      config.link_address != place.link_address) {
    return status_ = Status::kDoesNotFit;
  }
#if MOTE_WITH_TRUST
  if ((layout.trust != nullptr) != (config.release != nullptr)) return status_;
  if (config.delta_digest && !config.delta_sha256) return status_;
#endif
#if MOTE_WITH_CHECKPOINT
  if (config.checkpoints && !IsUsable(*config.checkpoints, layout)) return status_;
#if MOTE_WITH_TRUST
  if (config.checkpoints && config.delta_digest &&
      !(config.delta_sha256->save && config.delta_sha256->restore)) {
    return status_;
  }
#endif
#endif

  config_ = config;
  started_ = kept_ = false;
  sector_ = trusted_ = info.slot.offset;
  interval_ = until_mark_ = MarkInterval(info.slot, config.metadata->marks_per_page());
  marks_ = sectors_written_ = sectors_kept_ = 0;
  const Flash& flash = *info.slot.flash;
  flash_ = {
      &Read, &Erase, &Program, this, flash.erase_unit, flash.program_unit, flash.erased_value};
  StartHashes();
#if MOTE_WITH_IN_PLACE
  if (in_place()) return status_ = BeginInPlace();
#endif
  const UpdaterConfig updater_config = {
      layout.slots[config.running].slot,
      {&flash_, info.slot.offset, ImageCapacity(layout, config.target)},
      config.buffer,
      config.buffer_size,
      config.memory,
      config.memory_size,
      {config.sha256.update, config.sha256.context}};
  status_ = updater_.Init(updater_config);
#if MOTE_WITH_CHECKPOINT
  offset_ = 0;
  if (status_ == Status::kNeedInput && config.checkpoints) Resume(updater_config);
#endif
  return status_;
}

void Session::StartHashes() {
  config_.sha256.start(config_.sha256.context);
#if MOTE_WITH_TRUST
  if (!config_.delta_digest) return;
  const Sha256Functions& sha256 = *config_.delta_sha256;
  sha256.start(sha256.context);
  delta_hash_.Start({sha256.update, sha256.context}, {sha256.save, sha256.restore, sha256.context});
#endif
}

#if MOTE_WITH_CHECKPOINT
// Where there is a checkpoint, everything before it is done, in flash and in what is counted.
void Session::Resume(const UpdaterConfig& config) {
  const Sha256Functions& sha256 = config_.sha256;
  const bool has_state = sha256.save && sha256.restore;
  CheckpointConfig checkpoints = {
      *config_.checkpoints,
      {config_.digest, config_.delta, config_.delta_size},
      {has_state ? sha256.save : nullptr, has_state ? sha256.restore : nullptr, sha256.context}};
#if MOTE_WITH_TRUST
  if (config_.delta_digest) checkpoints.delta_hash = &delta_hash_;
#endif
  offset_ = checkpoints_.Begin(checkpoints, updater_, config);
  if (offset_ == 0) {
    StartHashes();
    return;
  }
  SkipSectors(updater_.flushed());
}

// So many bytes of the target are complete: whole sectors.
void Session::SkipSectors(uint32_t size) {
  const uint32_t end = sector_ + size;
  for (; sector_ != end; sector_ += flash_.erase_unit) {
    if (--until_mark_ != 0) continue;
    until_mark_ = interval_;
    ++marks_;
  }
}
#endif

Status Session::Write(const uint8_t* data, uint32_t size) {
  if (status_ != Status::kNeedInput) return status_;
  Status status;
#if MOTE_WITH_IN_PLACE
  if (in_place()) {
    status = WriteInPlace(data, size);
    return status == Status::kNeedInput ? status : Fail(status);
  }
#endif
#if MOTE_WITH_CHECKPOINT
  if (config_.checkpoints) {
    status = checkpoints_.Write(updater_, data, size);
  } else
#endif
  {
#if MOTE_WITH_TRUST
    if (config_.delta_digest) delta_hash_.Update(data, size);
#endif
    status = updater_.Write(data, size);
  }
  return status == Status::kNeedInput || status == Status::kDone ? Status::kNeedInput
                                                                 : Fail(status);
}

Status Session::Finish() {
  if (status_ != Status::kNeedInput) return status_;
#if MOTE_WITH_IN_PLACE
  if (in_place()) {
    const Status status = FinishInPlace();
    return status == Status::kDone        ? status_ = status
           : status == Status::kNeedInput ? status
                                          : Fail(status);
  }
#endif
  Status status = updater_.Finish();
  if (status == Status::kNeedInput) return status;
  if (status == Status::kDone) status = VerifyDelta();
  if (status == Status::kDone) status = Verify();
  if (status != Status::kDone) return Fail(status);
#if MOTE_WITH_CHECKPOINT
  if (config_.checkpoints) checkpoints_.Discard();
#endif
  return status_ = status;
}

// A delta that was damaged may have written anything: nothing of it is kept the next time.
Status Session::Fail(Status status) {
#if MOTE_WITH_CHECKPOINT
  if (status == Status::kCorrupt && config_.checkpoints) checkpoints_.Discard();
#endif
  if (status == Status::kCorrupt && started_ && config_.metadata->progress != 0) {
    config_.metadata->progress = 0;
    config_.metadata->Commit();
  }
  return status_ = status;
}

Status Session::VerifyDelta() {
#if MOTE_WITH_TRUST
  if (!config_.delta_digest) return Status::kDone;
  delta_hash_.Flush();
  uint8_t digest[kDigestSize];
  config_.delta_sha256->finish(config_.delta_sha256->context, digest);
  if (!IsEqual(digest, config_.delta_digest, kDigestSize)) return Status::kCorrupt;
#endif
  return Status::kDone;
}

Status Session::Verify() {
  config_.sha256.finish(config_.sha256.context, digest_);
  if (!started_) return Status::kCorrupt;  // an image of no bytes
  if (config_.digest && !IsEqual(digest_, config_.digest, kDigestSize)) return Status::kCorrupt;
  const Status status = CheckDigest(target(), new_size(), digest_, config_.sha256, config_.buffer,
                                    config_.buffer_size);
  if (status != Status::kDone) return status == Status::kCorrupt ? Status::kFlashError : status;
  SlotRecord& slot = record();
  slot.state = SlotState::kVerified;
  slot.has_digest = true;
  CopyBytes(slot.digest, digest_, kDigestSize);
  slot.update = LatestUpdate(*config_.layout, *config_.metadata) + 1;
  config_.metadata->progress = 0;
  return config_.metadata->Commit();
}

uint32_t Session::new_size() const {
#if MOTE_WITH_IN_PLACE
  if (in_place()) return received_ < kInPlaceHeaderSize ? 0 : header_.Size();
#endif
  return updater_.patcher().new_size();
}

uint32_t Session::produced() const {
#if MOTE_WITH_IN_PLACE
  if (in_place()) return received_;
#endif
  return updater_.patcher().produced();
}

// ---- The target's flash, as the updater sees it.

Status Session::Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  const Flash& flash = *static_cast<Session*>(context)->target().flash;
  return flash.read(flash.context, offset, to, size);
}

// Whether it has to be erased is known when the first bytes for it are.
Status Session::Erase(void*, uint32_t) { return Status::kDone; }

Status Session::Program(void* context, uint32_t offset, const uint8_t* data, uint32_t size) {
  Session& self = *static_cast<Session*>(context);
  if (!self.started_) {
    if (Status status = self.Start(); status != Status::kDone) return status;
  }
  while (size != 0) {
    const uint32_t left = self.sector_ + self.flash_.erase_unit - offset;
    const uint32_t part = size < left ? size : left;
    if (Status status = self.ProgramPart(offset, data, part); status != Status::kDone) {
      return status;
    }
    if (part == left) {
      if (Status status = self.CompleteSector(); status != Status::kDone) return status;
    }
    offset += part;
    data += part;
    size -= part;
  }
  return Status::kDone;
}

// The one place where the target stops being what it was. Always a new record: what was read may
// not have been settled.
Status Session::Start() {
  Metadata& metadata = *config_.metadata;
  SlotRecord& slot = record();
#if MOTE_WITH_TRUST
  if (config_.release) {
    const bool is_image = config_.layout->install != Install::kInPlace;
    if (is_image && VendorField(config_.release, kVendorImageSize) != new_size()) {
      return Status::kCorrupt;
    }
    const uint32_t size = VendorPartSize(config_.release) + kSignatureSize;
    for (uint32_t i = 0; i < kMaxVendorSigned; ++i) {
      slot.release[i] = i < size ? config_.release[i] : 0;
    }
    slot.has_release = true;
  }
#endif
  bool resumes = slot.state == SlotState::kReceiving && slot.size == new_size() &&
                 slot.has_digest == (config_.digest != nullptr);
  if (config_.digest && !IsEqual(slot.digest, config_.digest, kDigestSize)) resumes = false;
  for (uint8_t i = 0; i < config_.layout->count; ++i) {
    SlotRecord& other = metadata.slot(i);
    if (other.state == SlotState::kReceiving) other.state = SlotState::kEmpty;
  }
  if (!resumes) metadata.progress = 0;
  if (metadata.progress < marks_) metadata.progress = marks_;  // before a checkpoint
  slot.state = SlotState::kReceiving;
  slot.boots_left = 0;
  slot.size = new_size();
  slot.update = 0;
  slot.has_digest = config_.digest != nullptr;
  if (config_.digest) CopyBytes(slot.digest, config_.digest, kDigestSize);
  const uint32_t progress = metadata.progress;
  if (Status status = metadata.Commit(); status != Status::kDone) return status;
  trusted_ = target().offset + progress * interval_ * flash_.erase_unit;
  started_ = true;
#if MOTE_WITH_CHECKPOINT
  if (config_.checkpoints) {
    const uint32_t complete = target().offset + checkpoints_.complete();
    if (resumes && trusted_ < complete) trusted_ = complete;
    // The slot is not what the marks were made for.
    if (!resumes && sector_ < complete) checkpoints_.Discard();
    checkpoints_.Start(new_size());
  }
#endif
  return Status::kDone;
}

// A piece within one sector.
Status Session::ProgramPart(uint32_t offset, const uint8_t* data, uint32_t size) {
  const Flash& flash = *target().flash;
  const bool first = offset == sector_;
  if (first) kept_ = sector_ < trusted_;
  if (kept_) {
    Status status = Same(offset, data, size);
    if (status == Status::kDone) return status;
    if (status == Status::kCorrupt) {
      const Status written = Distrust();
      if (written != Status::kDone) status = written;
    }
    // Too late: what stands before it in the sector would be lost.
    if (status != Status::kCorrupt || !first) return status;
    kept_ = false;
  }
  if (first) {
    if (Status status = flash.erase(flash.context, offset); status != Status::kDone) return status;
  }
  return flash.program(flash.context, offset, data, size);
}

Status Session::CompleteSector() {
  ++(kept_ ? sectors_kept_ : sectors_written_);
  sector_ += flash_.erase_unit;
#if MOTE_WITH_CHECKPOINT
  if (config_.checkpoints) checkpoints_.Complete(sector_ - target().offset);
#endif
  if (--until_mark_ != 0) return Status::kDone;
  until_mark_ = interval_;
  ++marks_;
  return marks_ > config_.metadata->progress ? config_.metadata->Advance() : Status::kDone;
}

// From here on it is another image than the one that was interrupted.
Status Session::Distrust() {
  trusted_ = sector_;
#if MOTE_WITH_CHECKPOINT
  // Marks of the checkpoint said so, not only those of the metadata.
  if (config_.checkpoints && sector_ < target().offset + checkpoints_.complete()) {
    checkpoints_.Discard();
  }
#endif
  config_.metadata->progress = marks_;
  return config_.metadata->Commit();
}

// kDone if the flash holds `data`, else kCorrupt, or kReadError.
Status Session::Same(uint32_t offset, const uint8_t* data, uint32_t size) {
  uint8_t there[32];
  while (size != 0) {
    const uint32_t part = size < sizeof there ? size : sizeof there;
    if (Status status = Read(this, offset, there, part); status != Status::kDone) return status;
    if (!IsEqual(there, data, part)) return Status::kCorrupt;
    offset += part;
    data += part;
    size -= part;
  }
  return Status::kDone;
}

}  // namespace mote
