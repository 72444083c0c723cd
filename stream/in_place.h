// SPDX-License-Identifier: Apache-2.0
// An update where there is room for one image: the old one is overwritten by the new one, and the power may still be cut at any
// instruction. A bootloader does it, with the delta in flash.
//
//   1. The delta is decoded without writing anything, which proves that it can be done: that the base is the right one, that no byte
//      of old is needed after it was overwritten, and that what comes out is the right image.
//   2. Old is moved up, from its last sector to its first, to the end of the image area: the spare sectors are below it then.
//   3. New is written from the start of the area on. Every so many sectors the state of the decoder is written to a journal.
//
//   |<------------------------ image area ------------------------>|
//   | old                                        | spare sectors   |
//   | spare sectors   | old                                        |
//   | new up to here | ...    | what is left of old                |
//
// A sector is erased only when all that is needed to write it again is in flash: the sector it is a copy of; or the last record of
// the journal with what of old is read from there on. Which step is the next one is for the caller to keep, through power cuts
// (agent/metadata.h does). IN_PLACE.md has the bytes and the reasons.
//
//   static mote::InPlace in_place;
//   mote::InPlacePlan plan;
//   status = in_place.Prove(config, plan);
//   ... plan and progress 0 are written down ...
//   status = in_place.Run(config, plan, progress);  // calls config.advance after each step
//
// RAM: sizeof(InPlace), at most kInPlaceRam bytes, the codec's memory and the buffer, all the caller's. Stack: about 300 bytes. Needs
// MOTE_WITH_IN_PLACE=1. Only codec model. Wear: see SectorErases of diff/in_place.h.
#pragma once

#include <stdint.h>

#include "patch/config.h"
#include "stream/flash.h"
#include "stream/flash_pipe.h"
#include "stream/updater.h"

namespace mote {

/// Areas for records, one behind the other, which are written in turn.
struct JournalArea {
  const Flash* flash;
  uint32_t offset;  ///< bytes; where an erase unit starts
  uint32_t size;    ///< bytes of one area; whole erase units; JournalRecordSize() is always enough
  uint8_t count;    ///< of areas, at least 2: the more, the fewer erases of each
};

/// Bytes of a record at most, for this memory of the codec.
constexpr uint32_t JournalRecordSize(uint32_t memory) { return memory + 160; }

/// sizeof(InPlace) on a device with 32-bit pointers is at most this; the codec's memory and the buffer come on top.
constexpr uint32_t kInPlaceRam = 304;

#if MOTE_WITH_IN_PLACE

struct InPlaceConfig {
  /// The image area: the image is at its start. A whole number of erase units, of which the larger image leaves at least one free.
  Slot area;
  /// Where the delta is, without the header above; size: its bytes.
  Slot delta;
  JournalArea journal;  ///< as CheckLayout wants it
  /// The area of the journal that is written first: to be another one at each update, or the first one wears out soonest.
  uint8_t first_record;
  /// The sector buffer: at least kMinInPlaceBuffer bytes, which divide the erase unit and are a multiple of the program unit.
  uint8_t* buffer;
  uint32_t buffer_size;
  /// As UpdaterConfig::memory.
  uint8_t* memory;
  uint32_t memory_size;
  /// Sees the new image during the proof, as far as it is known.
  Hash hash;
  /// One more step of Run is done, for good: the next one may destroy what it needed. Anything but kDone ends Run.
  Status (*advance)(void* context);
  void* context;
};

constexpr uint32_t kMinInPlaceBuffer = 64;

/// What Run has to know, and what the device has to keep while it goes on.
struct InPlacePlan {
  uint32_t old_size;  ///< bytes
  uint32_t new_size;  ///< bytes; for the caller, Run does not use it
  uint32_t window;    ///< likewise; 0: the proof saw all of new, and its check holds; else bytes of buffer that this takes
  uint32_t interval;  ///< sectors of new from one record of the journal to the next
};

class InPlace {
 public:
  /// Proves that an update can be done on this device as it is: with its base, area, journal and RAM. Writes nothing. Returns
  ///  - kDone: `plan` says how. Unless it repeats parts of new from further back than the buffer is long, the new image is known
  ///    too: config.hash has seen it, and the delta's own check holds;
  ///  - kBadArgument, the port's fault: buffer or journal are not as described;
  ///  - kDoesNotFit: the new image leaves no sector of the area free, or there are not enough spare sectors for this delta, or not
  ///    enough memory, or a record is larger than its area;
  ///  - kWrongBase, kUnsupported, kCorrupt: as Patcher::Write, for a delta that is whole; kUnsupported also for other codecs;
  ///  - what the flash returned.
  Status Prove(const InPlaceConfig& config, InPlacePlan& plan);

  /// The same for a delta that arrives in pieces, of which config.delta is not used. kNeedInput: go on with the next piece or, at the
  /// end of the delta, with FinishProof. Other statuses as Prove, kDone of WriteProof also: the rest is not needed.
  Status BeginProof(const InPlaceConfig& config);
  Status WriteProof(const uint8_t* data, uint32_t size);
  Status FinishProof(InPlacePlan& plan);

  /// Does what is left after `progress` steps. When it was cut or returned an error, all that it takes to go on is in flash: call it
  /// again with the same configuration and plan, and as many steps as were advanced. kDone: new_size() bytes of new are in the area,
  /// have the check that the delta asks for, and were read back. kFlashError, kReadError: the flash's fault. kCorrupt: the plan is not
  /// the one that was proved, or the delta is not.
  Status Run(const InPlaceConfig& config, const InPlacePlan& plan, uint32_t progress);

  /// Bytes of the new image; 0 before the delta's header was read.
  uint32_t new_size() const { return updater_.patcher().new_size(); }

 private:
  static Status Read(void* self, uint32_t offset, uint8_t* to, uint32_t size);
  static Status Erase(void* self, uint32_t offset);
  static Status Program(void* self, uint32_t offset, const uint8_t* data, uint32_t size);
  Status Start(bool proving);
  Status Proceed(Status status, bool ended);
  Status Feed();
  Status Settle();
  Status MoveSector(uint32_t from);
  uint32_t RecordStart() const;
  void Transfer(StateStream& stream);
  void TransferRecord(StateStream& stream, const FlashPipe& pipe);
  Status Save();
  Status Restore();

  const Flash& flash() const { return *config_.area.flash; }

  bool proving_;
  uint32_t complete_;  // bytes of new: whole sectors
  uint32_t saved_;     // of these, those before the last record
  uint32_t number_;    // of records
  uint32_t consumed_;  // bytes of the delta
  uint32_t distance_;  // bytes: how far old was moved; proving, how far it has to be at least
  uint32_t interval_;  // bytes from one record to the next
  InPlaceConfig config_;
  Flash images_;  // as the updater sees them
  Updater updater_;
};

static_assert(sizeof(void*) != 4 || sizeof(InPlace) <= kInPlaceRam, "the documented RAM is too low");

#endif  // MOTE_WITH_IN_PLACE

}  // namespace mote
