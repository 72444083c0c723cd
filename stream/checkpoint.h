// SPDX-License-Identifier: Apache-2.0
// Checkpoints: every so many sectors, all that an update needs to go on is written to flash, in two areas in turn. After a power
// cut the update goes on from the last one. CHECKPOINT.md has the bytes, and what they cost.
//
//   static mote::Updater updater;
//   static mote::Checkpoints checkpoints;
//   status = updater.Init(config);
//   if (status == mote::Status::kNeedInput) offset = checkpoints.Begin({area, identity, ...}, updater, config);
//   ... the sender is told to go on at byte `offset` of the delta ...
//   while (status == mote::Status::kNeedInput && a piece arrives) status = checkpoints.Write(updater, piece, size);
//   if (status == mote::Status::kNeedInput) status = updater.Finish();
//   ... checkpoints.Discard() when it is done or given up ...
//
// agent/session.h does this, and keeps the sectors behind the checkpoint that are complete. A flash that fails here never
// fails the update: there are no more checkpoints then.
//
// RAM: sizeof(Checkpoints), about 90 bytes, the caller's. Stack: about 350 bytes below Begin and Write. Needs MOTE_WITH_CHECKPOINT=1.
#pragma once

#include <stdint.h>

#include "patch/config.h"
#include "stream/delta_hash.h"
#include "stream/flash.h"
#include "stream/flash_pipe.h"
#include "stream/hash.h"
#include "stream/updater.h"

namespace mote {

constexpr uint32_t kCheckpointDigestSize = 32;
/// Largest program unit, in bytes, of a flash that holds checkpoints.
constexpr uint32_t kMaxCheckpointUnit = kMaxPipeUnit;

/// Two areas of the same size, one behind the other.
struct CheckpointArea {
  const Flash* flash;
  uint32_t offset;  ///< bytes; where an erase unit starts
  uint32_t size;    ///< bytes of one of them; whole erase units; best at least CheckpointSize()
  /// Sectors (erase units of the new slot) from one checkpoint to the next, at least 1.
  uint32_t interval;
};

/// Bytes that a checkpoint takes at most: `memory` is what the codec is given (a window, or for codec model kModelRam of the
/// profile), `buffer` the sector buffer; with marks for an interval, of which there are more where one byte of the delta makes more, or codec
/// model holds more back until the end; 100 more where the delta is hashed, too. In less, an update waits with a checkpoint until fewer bytes are in its buffer.
constexpr uint32_t CheckpointSize(uint32_t memory, uint32_t buffer, uint32_t interval, uint32_t program_unit) {
  const uint32_t mark = program_unit < 8 ? 8 : program_unit;
  return (216 + memory + buffer + program_unit - 1) / program_unit * program_unit + (interval + 2) * mark;
}

/// Which update it is. A checkpoint of another one is never gone on from.
struct UpdateIdentity {
  /// SHA-256 of the new image, kCheckpointDigestSize bytes, or null: not known. Must outlive the update.
  const uint8_t* digest;
  /// What the transport knows of the delta, such as its CRC and size; any numbers that tell deltas apart. 0: nothing.
  uint32_t delta, delta_size;
};

struct CheckpointConfig {
  CheckpointArea area;
  UpdateIdentity identity;
  /// Of the hash that the updater has.
  HashState hash;
  /// Sees the delta, and is kept too; null: there is none. It was started, can save its state, and outlives the update. After Begin returned
  /// 0, it has to be started anew.
  DeltaHash* delta_hash = nullptr;
};

#if MOTE_WITH_CHECKPOINT
class Checkpoints {
 public:
  /// Looks for a checkpoint of this update. Returns at which byte of the delta to go on, with `updater` as it was there; 0: at its
  /// start, with `updater` as after Init, and the caller starts the hash anew. Writes nothing. REQUIRES: updater.Init(updater_config)
  /// returned kNeedInput, the hash was started, and the area is made of whole erase units and is nobody else's.
  uint32_t Begin(const CheckpointConfig& config, Updater& updater, const UpdaterConfig& updater_config);

  /// As Updater::Write. Writes a checkpoint whenever it is due; it is not before the first byte of this call was taken.
  Status Write(Updater& updater, const uint8_t* data, uint32_t size);

  /// The new slot is about to be changed for the first time in this session: writes down that this update has begun.
  /// `new_size`: bytes of the new image.
  void Start(uint32_t new_size);
  /// The first `size` bytes of the new slot, whole sectors, are complete: will not be changed again by this update. One mark in
  /// flash if that was not known yet.
  void Complete(uint32_t size);
  /// Bytes from the start of the new slot that are known to be complete, as Complete was told in this or an earlier session.
  uint32_t complete() const { return complete_; }

  /// There is no checkpoint any more.
  void Discard();

  /// How many were written in this session, and at which byte of the delta the last one is.
  uint32_t written() const { return written_; }
  uint32_t offset() const { return offset_; }

 private:
  struct Header;

  const Flash& flash() const { return *config_.area.flash; }
  uint32_t StartOf(unsigned area) const { return config_.area.offset + area * config_.area.size; }
  uint32_t MarkOffset(uint32_t mark) const;
  bool Peek(unsigned area, uint32_t& sequence, uint32_t& size) const;
  bool HasMark(uint32_t mark) const;
  bool WriteMark(uint32_t mark);
  void TransferHeader(StateStream& stream, Header& header) const;
  void TransferState(StateStream& stream, Updater& updater) const;
  bool Restore(unsigned area, Updater& updater);
  void Save(const Updater* updater, uint32_t new_size);
  uint32_t SizeOf(Updater* updater, Header& header) const;
  void SetNext(uint32_t flushed);

  CheckpointConfig config_;
  const Flash* slot_flash_;
  uint32_t slot_;       // in its flash
  uint32_t sequence_;   // the largest there is
  uint32_t size_;       // of the record that counts
  uint32_t erased_;     // in the flash: the end of what was erased for it
  uint32_t consumed_;   // bytes of the delta
  uint32_t offset_;     // of the delta, at the last checkpoint
  uint32_t complete_;   // bytes of the new slot
  uint32_t marked_;     // ... that the record itself tells; each mark behind it is one sector more
  uint32_t next_;       // bytes of the new slot at which a checkpoint is due
  uint32_t carry_;      // bytes in the sector buffer with which there may be room for one
  uint32_t marks_;
  uint32_t written_;
  uint8_t current_;     // area; kNone: there is no record
  bool settled_;        // it was written in this session
  bool broken_;         // the flash failed, or the area is too small

  static constexpr uint8_t kNone = 2;
};
#endif

}  // namespace mote
