// SPDX-License-Identifier: Apache-2.0
// What a bootloader does at every start: finishes or begins an installation, rolls back what did
// not confirm itself, and says which image to start.
//
//   static mote::Metadata metadata;
//   static uint8_t buffer[256];
//   mote::Bootloader bootloader({layout, metadata, sha256, buffer, sizeof buffer});
//   mote::BootChoice choice;
//   if (bootloader.Boot(choice) == mote::Status::kDone) Jump(layout.slots[choice.slot]);
//   else Recover();  // a port's own way: stay here and wait for a programmer; or reset and try
//   again
//
// The order of preference: the newest bootable slot that is confirmed, or on trial with starts
// left, and whose digest holds; then the same of older ones; then a factory slot.
//
//  - When the last record was not written to its end, what counts of it at this start is written
//  once more,
//    before anything is done because of it: METADATA.md 3.
//  - In a layout with trust, a digest holds only where the vendor has signed it, for this device
//  and this
//    slot, with a security counter that is not below the device's (agent/trust.h).
//  - Each start of an image on trial is counted in the flash before it is chosen. When the count
//  cannot be
//    written, an older image is chosen; where there is none, that one, uncounted.
//  - An image on trial whose starts are used up or whose digest does not hold becomes kBad, for
//  good.
//  - A confirmed image whose digest does not hold is passed over, but stays confirmed: the next
//  start tries
//    again.
//  - When nothing is left and staging holds a confirmed image (the old one after a swap, a second
//  copy after
//    overwriting), that is copied back over primary, after its digest was checked.
//  - Before an installation begins, staging's digest is checked; when it does not hold, staging
//  becomes kBad
//    and primary is started. When staging cannot be read, it stays verified and primary is started.
//    Once it has begun, primary is not whole until it is finished, at this start or a later one.
//    Every start goes on where the last one stopped, with the step that was not finished.
//  - A sector of staging that cannot be written during a swap costs the old image, not the new one.
//  A
//    sector of primary that cannot be written stops the installation: Boot says kFlashError at
//    every start until it can, or starts a factory slot.
//
// RAM: sizeof(Bootloader), about 40 bytes, Metadata, and the buffer. Stack: about 450 bytes.
#pragma once

#include <stdint.h>

#include "agent/layout.h"
#include "agent/metadata.h"
#include "agent/sha256.h"
#include "stream/in_place.h"
#include "stream/in_place_file.h"

namespace mote {

struct BootConfig {
  const Layout& layout;
  Metadata& metadata;  ///< its content does not matter: it is loaded
  Sha256Functions sha256;
  /// For hashing and copying. Its size is a multiple of the program units of all slots that are
  /// installed to, and not 0; a few hundred bytes are quick enough.
  uint8_t* buffer;
  uint32_t buffer_size;
  /// With Install::kInPlace, the codec's memory, as InPlaceConfig::memory; and the buffer is as
  /// InPlaceConfig::buffer.
  uint8_t* memory = nullptr;
  uint32_t memory_size = 0;
};

struct BootChoice {
  uint8_t slot;      ///< index in the layout
  uint32_t size;     ///< bytes of the image; 0 where it is not known
  bool on_trial;     ///< it has to call Confirm
  bool last_resort;  ///< a factory slot, because nothing else can be started
  /// Why the newest image of all that had a claim was passed over; kDone: it was not. As
  /// CheckRelease, or kCorrupt: its digest does not hold, or it has used up its starts.
  Status refused;
};

class Bootloader {
 public:
  explicit Bootloader(const BootConfig& config) : config_(config) {}

  /// May take as long as hashing or copying all images does, and may be cut at any instruction.
  /// Returns
  ///  - kDone: start the image in `choice`;
  ///  - kBadArgument, kUnsupported: as CheckLayout and Metadata::Load; or the buffer's size is
  ///  wrong (the port's fault);
  ///  - kFlashError, kReadError: the flash failed and no other image can be started. The next Boot
  ///  tries
  ///    again;
  ///  - kCorrupt: there is no image that may be started.
  Status Boot(BootChoice& choice);

 private:
  Status CheckImage(uint8_t index);
  uint8_t Newest(unsigned passed_over) const;
  Status FinishInstall();
  Status BeginInstall();
  Status RunInstall();
  Status Step();
  bool IsForOldImage(uint32_t step) const;
  Status CopyUnit(const Slot& from, uint32_t from_unit, const Slot& to, uint32_t to_unit);
  Status CompleteOverwrite();
  Status CompleteSwap();
#if MOTE_WITH_IN_PLACE
  Status FinishInPlace();
  Status ReadFile(InPlaceConfig& config, bool& reversible) const;
  Status CheckFile(const InPlaceHeader& header) const;
  Status ProveInPlace(const InPlaceConfig& config, bool reversible);
  Status RunInPlace(const InPlaceConfig& config, bool reversible);
  Status CompleteInPlace(bool reversible);
#endif
  void Refuse(Status status);
  Status Choose(uint8_t index, BootChoice& choice) const;

  const Slot& primary() const { return config_.layout.slots[config_.layout.primary].slot; }
  const Slot& staging() const { return config_.layout.slots[config_.layout.staging].slot; }
  SlotRecord& primary_record() { return config_.metadata.slot(config_.layout.primary); }
  SlotRecord& staging_record() { return config_.metadata.slot(config_.layout.staging); }
  bool CanRestore() {
    return config_.layout.install != Install::kNone &&
           staging_record().state == SlotState::kConfirmed;
  }

  BootConfig config_;
  Status refused_ = Status::kDone;
#if MOTE_WITH_IN_PLACE
  InPlace in_place_;
#endif
};

/// The SHA-256 of the first `size` bytes of `slot`, kDigestSize bytes, to `digest`. kDone,
/// kReadError, or kCorrupt: the slot is shorter. `buffer` is for reading, of 1 byte or more.
Status HashImage(const Slot& slot, uint32_t size, const Sha256Functions& sha256, uint8_t* buffer,
                 uint32_t buffer_size, uint8_t* digest);

/// kDone if the SHA-256 of the first `size` bytes of `slot` is `digest`, kCorrupt if not,
/// kReadError. `buffer` is for reading, of 1 byte or more. All memory is the caller's.
Status CheckDigest(const Slot& slot, uint32_t size, const uint8_t* digest,
                   const Sha256Functions& sha256, uint8_t* buffer, uint32_t buffer_size);

}  // namespace mote
