// SPDX-License-Identifier: Apache-2.0
// What bootloader and firmware know about the slots, kept through power cuts. METADATA.md has the
// bytes and why they are safe.
//
//   static mote::Metadata metadata;
//   status = metadata.Load(layout);
//   metadata.slot(1).state = mote::SlotState::kBad;  // in RAM
//   status = metadata.Commit();                      // all of it, in one atomic step
//
// RAM: sizeof(Metadata), about 250 bytes, with MOTE_WITH_TRUST 1,200, the caller's. Stack: about
// 250 bytes. Not thread-safe; one Metadata at a time for one area.
#pragma once

#include <stdint.h>

#include "agent/layout.h"
#include "agent/manifest.h"
#include "agent/sha256.h"
#include "patch/config.h"
#include "patch/state_stream.h"

namespace mote {

/// What a slot holds. The numbers are those in the records.
enum class SlotState : uint8_t {
  kEmpty = 0,      ///< nothing that is known of
  kReceiving = 1,  ///< an update is being written, or was when the power went
  kVerified = 2,   ///< a whole image with the digest that was asked for; it is not started yet
  kOnTrial = 3,    ///< it is started, but `boots_left` says how often, unless it confirms itself
  kConfirmed = 4,
  kBad = 5,  ///< did not confirm itself in time, or its digest does not hold
};

/// What the bootloader is to do with staging and primary. The numbers are those in the records.
enum class InstallState : uint8_t {
  kNone = 0,
  kOverwriteRequested = 1,  ///< nothing was changed yet
  kSwapRequested = 2,
  kOverwriteRunning = 3,
  kSwapRunning = 4,
  kInPlaceRequested = 5,
  kInPlaceRunning = 6,
  kUndoRequested = 7,  ///< in place, with the delta that takes the last update back
  kUndoRunning = 8,
};

struct SlotRecord {
  SlotState state;
  uint8_t boots_left;  ///< kOnTrial: how often it may still be started
  /// `digest` is that of the image's `size` bytes; while kReceiving, the one that it shall have.
  /// False for images that were programmed in the factory: they are started unseen.
  bool has_digest;
  uint32_t size;    ///< bytes of the image; 0 where it is not known
  uint32_t update;  ///< counts updates; the newest image has the largest
  uint8_t digest[kDigestSize];
#if MOTE_WITH_TRUST
  /// `release` is the vendor part of the image's manifest with its signature; while kReceiving, of
  /// the one that is to come. In layouts with trust, no image is started without it.
  bool has_release = false;
  uint8_t release[kMaxVendorSigned] = {};
#endif
};

#if MOTE_WITH_TRUST
/// What a device in a layout with trust knows beside its slots.
struct TrustRecord {
  uint32_t security_counter;  ///< the highest of any image that was confirmed
  uint32_t server_epoch;      ///< keys of update servers before this one are revoked
  uint32_t statement;         ///< sequence number of the last statement that was taken; 0: none
  PublicKey root;             ///< the vendor's; kNone: the layout's
  PublicKey previous_root;    ///< the one before; kNone: none. Only for images that were confirmed
};
#endif

class Metadata {
  struct Page;

  // First: Cortex-M0 reaches only the first bytes of an object with one instruction.
  const Layout* layout_ = nullptr;
  uint8_t current_;  // page
  bool empty_;
  bool settled_;
  uint32_t marks_;  // behind the seals of the current page

 public:
  /// Reads the newest record. `layout` must outlive this object. Writes nothing. Returns
  ///  - kDone; without any record (a device fresh from the factory) empty() is true, the default
  ///    slot and the factory slots are confirmed without a digest, and all others are empty;
  ///  - kUnsupported: there is a whole record of a version or with a value that this build does not
  ///    know. Nothing may be started or changed: the port's fault, which put an old bootloader or
  ///    firmware on a newer device;
  ///  - kBadArgument: the record is for another number of slots, or of an installation that the
  ///  layout does not have: the port's.
  /// REQUIRES: CheckLayout(layout) is kDone, which the bootloader makes sure of at every start.
  /// A page that cannot be read, three times in a row, counts as one without a record.
  Status Load(const Layout& layout);

  bool empty() const { return empty_; }
  /// REQUIRES: index < layout.count.
  SlotRecord& slot(uint8_t index) { return slots_[index]; }
  const SlotRecord& slot(uint8_t index) const { return slots_[index]; }
  InstallState install = InstallState::kNone;
  /// Steps' worth of sectors that the installation is about; in place, InPlacePlan::interval.
  uint32_t install_units = 0;
  /// Steps done of an installation, or resume points passed by a session.
  uint32_t progress = 0;

#if MOTE_WITH_TRUST
  TrustRecord trust;
#endif

  /// Writes everything into the page that is needed least. When it returned kDone, later starts see
  /// the new record; when the power went meanwhile, the old or the new one. kFlashError, kReadError
  /// (the flash's fault): nothing changed, and the values in here are read again from the flash.
  Status Commit();
  /// Adds 1 to `progress` in as few bytes of flash as possible, as safely as Commit. Nothing else
  /// may have been changed since Load or Commit. Statuses as Commit.
  Status Advance();
  /// Whether what was loaded was written in this power cycle. If not, its last mark may have been
  /// read from bits that read differently the next time: before anything is destroyed because of
  /// `progress`, it has to be written again.
  bool settled() const { return settled_; }
  /// Whether all later starts are sure to read this record, or a later one. If not, a power cut
  /// came while it, or one that did not get to count, was written: before anything is done because
  /// of it, it has to be written again, as Bootloader does at every start.
  bool certain() const;
  /// How often Advance gets by without erasing a page, in one page.
  uint32_t marks_per_page() const;

 private:
  enum class Rank : uint8_t { kNothing, kRecord, kSealed, kCertain };
  struct Page {
    uint32_t sequence;
    Rank rank;
  };

  const Flash& flash() const { return *layout_->metadata.flash; }
  uint32_t Start(uint8_t page) const;
  uint32_t MarkOffset(uint8_t page, uint32_t mark) const;
  Status Read(uint32_t offset, uint8_t* to, uint32_t size) const;
  Status Examine(uint8_t page, Page& result) const;
  Status Parse(uint8_t page);
  uint32_t RecordSize() const;
  void Transfer(StateStream& stream, uint32_t& sequence);
  void TransferSlot(StateStream& stream, SlotRecord& slot);
  void Reset();
  bool HasMark(uint8_t page, uint32_t sequence, uint32_t mark) const;
  Status WriteMark(uint8_t page, uint32_t sequence, uint32_t mark);
  Status WritePage(uint8_t page, uint32_t sequence);
  uint8_t WorstPage(unsigned tried) const;
  static bool Counts(const Page& a, const Page& b);
  static bool IsSafer(const Page& a, const Page& b);

  Page pages_[kMaxMetadataPages];
  SlotRecord slots_[kMaxSlots];
};

/// A running firmware that works says so: kOnTrial becomes kConfirmed, and the device's security
/// counter becomes that of its release if it was lower. Costs nothing when it is
/// confirmed already. kDone, statuses of Commit, or kBadArgument (the caller's fault) if `running`
/// is no slot or holds neither.
Status Confirm(const Layout& layout, Metadata& metadata, uint8_t running);

/// A verified image is to be started from the next start of the device on: A/B: it is on trial;
/// static: the bootloader installs it. One atomic step. kDone, also where that is to come already;
/// statuses of Commit, or kBadArgument (the caller's fault) if the slot is not kVerified.
Status Activate(const Layout& layout, Metadata& metadata, uint8_t slot);

}  // namespace mote
