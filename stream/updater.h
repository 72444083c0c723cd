// SPDX-License-Identifier: Apache-2.0
// The whole pipeline of an update: delta in, new image in the inactive slot.
//
//   decode -> rebuild -> sector buffer -> hash -> erase and program
//
//   static mote::Updater updater;
//   status = updater.Init({running_slot, inactive_slot, sector, sizeof sector, memory, sizeof memory, {&HashUpdate, &sha256}});
//   while (a piece arrives && status == mote::Status::kNeedInput) status = updater.Write(piece, size);
//   status = updater.Finish();
//   // kDone: the image stands in the inactive slot and its check holds.
//
// RAM: sizeof(Updater) (at most kUpdaterRam bytes where pointers have 32 bits), the codec's memory and the sector buffer, all the caller's.
// An Updater may not be moved after Init: its stages refer to each other. It is re-entrant in the sense that two updaters share nothing.
#pragma once

#include <stdint.h>

#include "patch/patcher.h"
#include "stream/flash.h"
#include "stream/hash.h"

namespace mote {

/// sizeof(Updater) on a device with 32-bit pointers is at most this. Decoder RAM = kUpdaterRam + the codec's memory + sector buffer.
constexpr uint32_t kUpdaterRam = 176;

struct UpdaterConfig {
  /// Where the old image is; `size` is the extent that may be read. It is never erased or programmed.
  Slot old_slot;
  /// Where the new image goes. Each erase unit is erased once, when the first byte for it is ready, and programmed once.
  Slot new_slot;
  /// The sector buffer: a multiple of the program unit, at least one. It may be smaller or larger than an erase unit.
  uint8_t* buffer;
  uint32_t buffer_size;
  /// Work memory of the codec: for lzss its window, for model its state, none for raw. Aligned like a pointer, to 4 bytes at least (lzss does not care).
  uint8_t* memory;
  uint32_t memory_size;
  /// Sees every byte of the new image, in order, before it is programmed.
  Hash hash;
};

class Updater {
 public:
  /// Starts an update; nothing is read or written yet. Returns kNeedInput, or kBadArgument where the program unit is not a power
  /// of two, or the buffer size or the new slot's offset is not a multiple of it, or the buffer is empty: the port's fault.
  Status Init(const UpdaterConfig& config);

  /// Takes all of `size` bytes of the delta. Statuses as Patcher::Write; kUnsupported, kDoesNotFit and kWrongBase come before
  /// anything is erased. kDone: everything, the last partial sector included, is programmed.
  Status Write(const uint8_t* data, uint32_t size) { return patcher_.Write(data, size); }

  /// Call it when the delta has ended: returns as Patcher::Finish.
  Status Finish() { return patcher_.Finish(); }

  const Patcher& patcher() const { return patcher_; }
#if MOTE_WITH_IN_PLACE
  Patcher& patcher() { return patcher_; }
#endif

#if MOTE_WITH_CHECKPOINT
  /// Bytes of new that were handed to the flash.
  uint32_t flushed() const { return position_ - new_slot_.offset; }
  /// Whether the state can be saved: as Patcher::CanSave, and what was handed to the flash fills erase units.
  bool CanSave() const { return position_ == erased_ && patcher_.CanSave(); }
  /// As Patcher::Transfer. Restoring also reads back what was flushed and checks it: the new slot's flash needs `read`.
  void Transfer(StateStream& stream);
  /// Hands what was flushed to the hash, read back from the flash. Statuses of Flash::read.
  Status HashFlushed();
#endif

 private:
#if MOTE_WITH_CHECKPOINT
  template <typename Take>
  Status ReadFlushed(Take take);
#endif
  static Status ReadOld(void* self, uint32_t offset, uint8_t* to, uint32_t size);
  static Status WriteNew(void* self, uint8_t* data, uint32_t size);
#if MOTE_WITH_MODEL
  static Status ReadNew(void* self, uint32_t offset, uint8_t* to, uint32_t size);
#endif

  uint32_t position_;  // in the flash: where the next byte of new is programmed
  uint32_t erased_;    // in the flash: erased up to here
  Slot old_slot_;
  Slot new_slot_;
  Hash hash_;
  Patcher patcher_;
};

static_assert(sizeof(void*) != 4 || sizeof(Updater) <= kUpdaterRam, "the documented RAM is too low");
#if MOTE_WITH_MODEL
static_assert(sizeof(void*) != 4 || MOTE_SMALL_MODEL || sizeof(Updater) + ModelMemory(0) <= kModelRam[0], "too much RAM");
static_assert(sizeof(void*) != 4 || MOTE_SMALL_MODEL || sizeof(Updater) + ModelMemory(1) <= kModelRam[1], "too much RAM");
static_assert(sizeof(void*) != 4 || !MOTE_SMALL_MODEL || sizeof(Updater) + ModelMemory(2) <= kModelRam[2], "too much RAM");
#endif

}  // namespace mote
