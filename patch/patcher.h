// SPDX-License-Identifier: Apache-2.0
// The patcher: takes a delta in pieces of any size and rebuilds the new image from the old one. FORMAT.md describes
// what it reads.
//
//   mote::Patcher patcher;
//   patcher.Init({{&ReadOld, &flash, old_extent}, {sector, sizeof sector, &WriteSector, &ReadBack, &flash, slot_size},
//                 memory, sizeof memory});
//   while (a piece arrives && status == mote::Status::kNeedInput) status = patcher.Write(piece, size);
//   status = patcher.Finish();
//   // kDone: the image is whole, all of it was handed to WriteSector, and its check holds.
//
// RAM: sizeof(Patcher), the output buffer and the codec's memory, all the caller's. No heap, no statics, no blocking. It is not
// thread-safe; use one patcher from one thread at a time. patch/config.h says which codecs are compiled in.
//
// Every delta is treated as hostile: nothing outside the base's extent is read, not more than the header's size of new (which must
// fit the slot) is handed on, each byte of input does a bounded amount of work, and a damaged delta ends in a status.
#pragma once

#include <stdint.h>

#include "lzss/decoder.h"
#include "patch/check.h"
#include "patch/config.h"
#include "patch/format.h"
#if MOTE_WITH_MODEL
#include "patch/model_decoder.h"
#endif
#include "patch/state_stream.h"
#include "patch/status.h"

namespace mote {

/// The old image.
struct Base {
  /// Reads `size` >= 1 bytes at `offset` into `to`; offset + size never exceeds `extent`. Returns kDone; anything
  /// else stops the patcher and is returned by Write unchanged (kReadError is meant for this).
  Status (*read)(void* context, uint32_t offset, uint8_t* to, uint32_t size);
  void* context;
  /// How many bytes may be read, at least the old image's size. What follows the image in its slot (a trailer that
  /// the bootloader changes) may lie inside: only the image itself is read.
  uint32_t extent;
};

/// Where the new image goes.
struct Output {
  /// Collects the new image; `buffer_size` >= 1 bytes. Best: one sector.
  uint8_t* buffer;
  uint32_t buffer_size;
  /// Takes the next piece of the new image: always a full buffer, but for the last one, which may be shorter. Returns kDone;
  /// anything else stops the patcher and is returned by Write unchanged. It is first called after the whole header was
  /// checked, the base included: nothing needs to be erased before.
  Status (*flush)(void* context, uint8_t* data, uint32_t size);
  /// Reads back `size` >= 1 bytes at `offset` of the new image into `to`, all of which were flushed before. Statuses as those of
  /// Base::read. For codec model, which repeats what is new; may be null when only raw and lzss are used.
  Status (*read)(void* context, uint32_t offset, uint8_t* to, uint32_t size);
  void* context;
  /// Bytes that the slot holds: a larger image is refused.
  uint32_t capacity;
};

struct PatcherConfig {
  Base base;
  Output output;
  /// Work memory of the codec: for lzss its window, for model its state, none for raw. As large as the delta's header asks for;
  /// may be null with size 0 when only raw is used. Aligned like a pointer, to 4 bytes at least (lzss does not care).
  uint8_t* memory;
  uint32_t memory_size;
};

class Patcher {
 public:
  /// Starts anew. The buffers and contexts in `config` must outlive the patcher. Nothing is read or written yet.
  void Init(const PatcherConfig& config) {
    config_ = config;
    state_ = State::kMagic;
    status_ = Status::kNeedInput;
#if MOTE_WITH_IN_PLACE
    proves_ = knows_base_ = paused_ = false;
    window_ = 0;
#endif
    mode_ = Mode::kCheck;
    codec_ = Codec::kRaw;
    shift_ = 0;
    number_ = 0;
    bytes_ = 0;
    new_size_ = 0;
    old_position_ = 0;
    remaining_ = 0;
    filled_ = 0;
    check_ = kCheckStart;
  }

  /// Takes all of `size` bytes of the delta. Returns
  ///  - kNeedInput: go on with the next piece or, at the end of the delta, with Finish;
  ///  - kDone: the image is complete and right; further bytes are ignored (block transports pad);
  ///  - kUnsupported: version, codec, parameter or reserved bit unknown to this build; nothing was flushed;
  ///  - kDoesNotFit: the slot or the memory is too small; nothing was flushed;
  ///  - kWrongBase: the base is shorter than, or differs from, what the delta was made from; nothing was flushed;
  ///  - kCorrupt: the delta is damaged: out-of-range command or number, or the image's check fails;
  ///  - what one of the callbacks returned.
  /// After anything but kNeedInput the patcher stays in that state and returns it again.
  Status Write(const uint8_t* data, uint32_t size);

  /// Call it when the delta has ended: a codec may hold back input until it knows the end. Returns kDone, or an error
  /// as Write, or kNeedInput if the delta was cut short: Write goes on after that. Behind the header, codec model cannot tell a cut
  /// from the end, and makes it kCorrupt.
  Status Finish();

  /// Size of the new image in bytes; 0 before the header was read.
  uint32_t new_size() const { return new_size_; }
  /// How many bytes of new were rebuilt so far (the last of them may still be in the buffer).
  uint32_t produced() const { return new_size_ - remaining_ - bytes_; }

#if MOTE_WITH_CHECKPOINT
  /// Whether this is a state that can be saved: the header was checked, something was decoded, and there is more of new to come.
  bool CanSave() const;
  /// Names all that a patcher needs to go on, between two calls of Write. REQUIRES: to save, CanSave(); to restore, Init was
  /// just called. Restoring checks the base anew, and everything else that is read; when the stream is not good afterwards,
  /// only Init may be called. Nothing is flushed.
  void Transfer(StateStream& stream);
  /// Bytes that are in the buffer, and the check of those that were flushed.
  uint32_t filled() const { return filled_; }
  uint32_t check() const { return check_; }
#endif

#if MOTE_WITH_IN_PLACE
  // For stream/in_place.h, right after Init. Only codec model is taken then.
  /// Decodes without Output::read: what is repeated of new comes out of the buffer, which holds the last `buffer_size` bytes of it.
  void Prove() { proves_ = true; }
  /// How far back, in bytes, something was repeated from that the buffer did not hold any more; 0: nothing was. What the delta reads of
  /// old does not depend on it, so decoding goes on, but what is flushed is not new, and its check is not made.
  uint32_t window() const { return window_; }
  /// Transfer, restoring, does not check the base: part of it was overwritten since.
  void KnowBase() { knows_base_ = true; }

  /// From Output::flush: once the step that is being decoded is done, Write and Finish return kNeedInput, until Continue.
  void Pause() { paused_ = true; }
  bool paused() const { return paused_; }
  /// Goes on as Write with no bytes, or once the delta has `ended`, as Finish. Does not rely on what of old was read before.
  Status Continue(bool ended);
  /// Size of the old image in bytes; 0 before the header was read.
  uint32_t old_size() const { return old_size_; }
#endif

 private:
  // What comes next: the fields of the header (FORMAT.md 3), then those of a command, then the check of new (5). Each is followed by
  // the next in this list, if the code does not say otherwise.
  enum class State : uint8_t { kMagic, kCodec, kOldSize, kNewSize, kOldCheck, kCopy, kKind, kSeek, kNewCheck };
  // What becomes of the buffer: old is read into it to be checked; or to be new, as it is or with differences added; or it takes
  // an insertion.
  enum class Mode : uint8_t { kCheck, kAdd, kInsert };

  Status Unpack(uint8_t packed);
  Status Put(uint8_t byte);
  Status PutContent(uint8_t byte);
  Status Start(uint32_t old_check);
  Status Append(uint32_t size);
  Status Flush();
#if !MOTE_WITH_IN_PLACE
  static constexpr bool paused() { return false; }
#endif
#if MOTE_WITH_CHECKPOINT
  bool InRange() const;
#endif
#if MOTE_WITH_MODEL
  // For codec model. Its decoder goes on for a while after an error, which stays in status_: after that, nothing is called and
  // what is read means nothing.
  friend class ModelDecoder;
  ModelDecoder& model() { return *reinterpret_cast<ModelDecoder*>(config_.memory); }
  bool going() const { return status_ == Status::kNeedInput; }
  void Fail(Status status);
  void FlushNew();
  void ReadOld(uint32_t offset, uint8_t* to, uint32_t size);
  uint8_t ReadNew(uint32_t distance);
  void PutNew(const uint8_t* bytes, uint32_t size);
  void CompleteNew(uint32_t new_check);
#endif

  // Bytes first: Cortex-M0 reaches only the first 32 bytes of an object with a byte load.
  State state_;
  Status status_;
  Mode mode_;
  Codec codec_;          // of what is being read: raw in the header
  uint8_t codec_field_;  // the header's: codec and parameter
#if MOTE_WITH_IN_PLACE
  bool proves_, knows_base_, paused_;
#endif
  uint32_t shift_;       // of the number being read: bits so far
  uint32_t number_;      // being read
  uint32_t bytes_;       // left of the current difference or insertion
  uint32_t old_size_;
  uint32_t new_size_;
  uint32_t old_position_;
  uint32_t remaining_;   // bytes of new that no command was read for
  uint32_t filled_;      // bytes of old or new in the buffer
  uint32_t check_;       // of old, then of new, without what is in the buffer
#if MOTE_WITH_IN_PLACE
  uint32_t window_;
#endif
  PatcherConfig config_;
#if MOTE_WITH_CHECKPOINT
  uint32_t old_check_;
#endif
#if MOTE_WITH_LZSS
  lzss::Decoder lzss_;
#endif
};

}  // namespace mote
