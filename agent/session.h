// SPDX-License-Identifier: Apache-2.0
// An update, from the first byte of a delta to an image that the next start takes. In the running
// firmware:
//
//   static mote::Metadata metadata;
//   static mote::Session session;
//   metadata.Load(layout);
//   if (metadata.slot(running).state == mote::SlotState::kOnTrial) {
//     if (everything works) mote::Confirm(layout, metadata, running);
//   }
//   ... an update is announced ...
//   status = session.Begin({&layout, &metadata, running, mote::InactiveSlot(layout, metadata,
//   running),
//                           sector, sizeof sector, memory, sizeof memory, sha256, digest});
//   while (status == mote::Status::kNeedInput && a piece arrives) status = session.Write(piece,
//   size); if (status == mote::Status::kNeedInput) status = session.Finish(); if (status ==
//   mote::Status::kDone) status = mote::Activate(layout, metadata, target);
//   ... restart ...
//
// Nothing is erased and no record is changed before the delta's header was checked against the
// running image. Then the target slot is kReceiving until Finish has read all of it back: what it
// held before is gone.
//
// Resume by replay: after a power cut, begin the same update again and hand over the delta from its
// start. Sectors that were complete, as marks in the metadata say, and that hold the right bytes,
// as reading back says, are neither erased nor programmed again. The marks are there because what
// an interrupted operation left may read as right today and as wrong tomorrow: the sector in which
// the power went is always written anew.
//
// Resume by checkpoint (MOTE_WITH_CHECKPOINT, stream/checkpoint.h): with an area for checkpoints,
// Begin goes on from the last one, and offset() says at which byte of the delta. Sectors behind it
// that were complete are kept, as above, each by a mark of its own.
//
// In place (Install::kInPlace), what arrives is a file of deltas (FORMAT.md 12), which goes into
// staging as it is. While it does, it is decoded without writing anything: it is refused as early
// as any other delta, or the bootloader can do it. The digest is that of the file; an interrupted
// one goes on behind the sectors that are complete, as offset() says.
//
// RAM: sizeof(Session), about 300 bytes, with MOTE_WITH_IN_PLACE 800, the caller's, with the
// buffers and contexts in the configuration. A Session may not be moved between Begin and Finish.
// Not thread-safe. It may be abandoned at any time. Stack: about 400 bytes below Write and Finish,
// and the codec's.
#pragma once

#include <stdint.h>

#include "agent/layout.h"
#include "agent/metadata.h"
#include "agent/sha256.h"
#include "stream/checkpoint.h"
#include "stream/delta_hash.h"
#include "stream/in_place.h"
#include "stream/in_place_file.h"
#include "stream/updater.h"

namespace mote {

struct SessionConfig {
  const Layout* layout;
  Metadata* metadata;  ///< loaded
  uint8_t
      running;  ///< the slot of the firmware that runs: holds the delta's old image; never changed
  uint8_t target;  ///< where the new image goes: A/B: a bootable slot; static: staging
  /// The sector buffer, as UpdaterConfig::buffer. Where it is smaller than the target's erase unit,
  /// see kCorrupt at Write.
  uint8_t* buffer;
  uint32_t buffer_size;
  uint8_t* memory;  ///< as UpdaterConfig::memory
  uint32_t memory_size;
  Sha256Functions sha256;
  /// What the new image must have, kDigestSize bytes; null: only the delta's own check is made,
  /// which finds accidents, not attackers. In place: what the file must have. Must outlive the
  /// session.
  const uint8_t* digest = nullptr;
  /// Where the new image was linked to run; kAnyAddress: not checked.
  uint32_t link_address = kAnyAddress;
#if MOTE_WITH_CHECKPOINT
  /// Null, as always in place: an interrupted update is resumed by replay only. Must outlive the
  /// session.
  const CheckpointArea* checkpoints = nullptr;
  /// Numbers that tell this delta from others, as UpdateIdentity: for the transport to know.
  uint32_t delta = 0, delta_size = 0;
#endif
#if MOTE_WITH_TRUST
  /// In a layout with trust, and only there (Agent fills this in): the vendor part of the new
  /// image's manifest with its signature, which was checked. It says digest, size and link address.
  /// Must outlive the session.
  const uint8_t* release = nullptr;
  /// SHA-256 that the delta must have, kDigestSize bytes, and a hash for it, another one than
  /// `sha256` (with checkpoints, one that can save its state); null: it is not looked at. Must
  /// outlive the session.
  const uint8_t* delta_digest = nullptr;
  const Sha256Functions* delta_sha256 = nullptr;
#endif
};

class Session {
 public:
  /// Starts an update; nothing is changed yet. Returns kNeedInput, or
  ///  - kBadArgument, the caller's fault: a null pointer, an index out of range; the target is the
  ///  running slot, a
  ///    factory slot, or not one where updates go in this layout; the running image is on trial (it
  ///    must confirm itself first: the target may hold what it would be rolled back to); an
  ///    installation is to come at the next start; as Updater::Init; areas for checkpoints that
  ///    are not whole erase units, or lie over a slot or the metadata, or are given in place;
  ///  - kDoesNotFit, the sender's fault: the image was linked for another slot.
  Status Begin(const SessionConfig& config);

#if MOTE_WITH_CHECKPOINT
  /// At which byte of the delta Write goes on after Begin; 0 without a checkpoint.
  uint32_t offset() const { return offset_; }
  /// How many checkpoints were written, and at which byte of the delta the last one is. Meaningless
  /// without an area for them.
  const Checkpoints& checkpoints() const { return checkpoints_; }
#endif

  /// Takes all of `size` bytes of the delta, as Updater::Write, but never returns kDone: that is
  /// for Finish to say. kNeedInput: go on. Errors are final, and the target slot holds no image
  /// after them:
  ///  - kCorrupt, kWrongBase, kDoesNotFit, kUnsupported: as Updater::Write. kCorrupt also where the
  ///  buffer is
  ///    smaller than an erase unit and a sector kept from an interrupted update turned out to
  ///    belong to another image: beginning the update again then writes every sector;
  ///  - kFlashError, kReadError: the flash's fault, slots or metadata.
  Status Write(const uint8_t* data, uint32_t size);

  /// Call it when the delta has ended. Reads the new image back, and when its digest is what was
  /// written and what was asked for, makes the target kVerified. Returns kDone, or kNeedInput if
  /// the delta was cut short (Write may go on), or errors as Write; kCorrupt also for another
  /// digest than the one asked for, of image or delta, and for an image of no bytes; kFlashError
  /// also where the flash does not hold what was programmed.
  Status Finish();

  /// The caller knows that the delta is damaged, say because it should have ended: as if Write had
  /// found out. Returns kCorrupt.
  Status Reject() { return Fail(Status::kCorrupt); }

  /// The new image's digest, kDigestSize bytes. REQUIRES: Finish returned kDone.
  const uint8_t* digest() const { return digest_; }
  uint32_t new_size() const;  ///< bytes that go to the target, as Patcher::new_size
  uint32_t produced() const;  ///< of these, the ones that there are, as Patcher::produced
  /// Sectors of this session that were erased and programmed, and those that held the right bytes
  /// already.
  uint32_t sectors_written() const { return sectors_written_; }
  uint32_t sectors_kept() const { return sectors_kept_; }

 private:
  static Status Read(void* self, uint32_t offset, uint8_t* to, uint32_t size);
  static Status Erase(void* self, uint32_t offset);
  static Status Program(void* self, uint32_t offset, const uint8_t* data, uint32_t size);
  void StartHashes();
  Status Start();
  Status ProgramPart(uint32_t offset, const uint8_t* data, uint32_t size);
  Status CompleteSector();
  Status Distrust();
  Status Same(uint32_t offset, const uint8_t* data, uint32_t size);
  Status Verify();
  Status VerifyDelta();
  Status Fail(Status status);
#if MOTE_WITH_CHECKPOINT
  void Resume(const UpdaterConfig& config);
  void SkipSectors(uint32_t size);
#endif
#if MOTE_WITH_IN_PLACE
  bool in_place() const { return config_.layout->install == Install::kInPlace; }
  Status BeginInPlace();
  void ResumeInPlace();
  Status WriteInPlace(const uint8_t* data, uint32_t size);
  Status TakeInPlace(uint8_t byte);
  Status ProveInPlace(uint8_t byte);
  Status FlushInPlace();
  Status FinishInPlace();
#endif

  const Slot& target() const { return config_.layout->slots[config_.target].slot; }
  SlotRecord& record() { return config_.metadata->slot(config_.target); }

  // In the order of how often they are used: Cortex-M0 reaches only the first bytes of an object
  // with one instruction.
  Status status_ = Status::kBadArgument;
  bool started_;      // the target is kReceiving
  bool kept_;         // the current sector holds the right bytes so far, from an interrupted update
  uint32_t sector_;   // in the flash: where the current one starts
  uint32_t trusted_;  // in the flash: sectors before this were complete
  uint32_t interval_;    // sectors from one mark to the next
  uint32_t until_mark_;  // sectors left to the next mark
  uint32_t marks_;       // passed in this session
  uint32_t sectors_written_, sectors_kept_;
  SessionConfig config_;
  Flash flash_;  // the target's, behind what is in the private functions
  Updater updater_;
#if MOTE_WITH_IN_PLACE
  bool resuming_;       // what is taken is in the flash already
  Status proof_;        // of the delta so far
  uint32_t received_;   // bytes of the file
  uint32_t collected_;  // of these, in the buffer
  uint32_t check_;
  InPlaceHeader header_;
  InPlace in_place_;
  alignas(4) uint8_t sector_part_[kMinInPlaceBuffer];
#endif
#if MOTE_WITH_TRUST
  DeltaHash delta_hash_;
#endif
#if MOTE_WITH_CHECKPOINT
  uint32_t offset_;
  Checkpoints checkpoints_;
#endif
  uint8_t digest_[kDigestSize];
};

/// Where the next update should go: A/B: of the bootable slots that are neither running nor the
/// factory's, one that holds no image, else the one with the oldest; static: staging. kNoSlot if
/// there is none.
uint8_t InactiveSlot(const Layout& layout, const Metadata& metadata, uint8_t running);

}  // namespace mote
