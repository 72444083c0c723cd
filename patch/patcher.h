// SPDX-License-Identifier: Apache-2.0
// The patcher: takes a delta in pieces of any size and rebuilds the new image from the old one. FORMAT.md describes
// what it reads.
//
//   mote::Patcher patcher;
//   patcher.Init({{&ReadOld, &flash, old_extent}, {sector, sizeof sector, &WriteSector, &flash, slot_size},
//                 window, sizeof window});
//   while (status == mote::Status::kNeedInput) status = patcher.Write(piece, size);   // as they arrive
//   // kDone: the image is whole, all of it was handed to WriteSector, and its check holds.
//
// RAM: sizeof(Patcher), the output buffer and the window, all the caller's. No heap, no statics, no blocking. It may not be
// moved once Write was called: the decoder inside it refers to it. It is not thread-safe; use one patcher from one thread at a time.
//
// Every delta is treated as hostile: nothing outside the base's extent is read, not more than the header's size of new (which must
// fit the slot) is handed on, each byte of input does a bounded amount of work, and a damaged delta ends in a status.
#pragma once

#include <stdint.h>

#include "lzss/decoder.h"
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
  void* context;
  /// Bytes that the slot holds: a larger image is refused.
  uint32_t capacity;
};

struct PatcherConfig {
  Base base;
  Output output;
  /// For codec lzss, as large as the header of the delta asks for; may be null with size 0 when only `raw` is used.
  uint8_t* window;
  uint32_t window_size;
};

class Patcher {
 public:
  /// Starts anew. The buffers and contexts in `config` must outlive the patcher. Nothing is read or written yet.
  void Init(const PatcherConfig& config);

  /// Takes all of `size` bytes of the delta. Returns
  ///  - kNeedInput: go on with the next piece; at the end of the delta: it was cut short;
  ///  - kDone: the image is complete and right; further bytes are ignored (block transports pad);
  ///  - kUnsupported: version, codec, parameter or reserved bit unknown to this build; nothing was flushed;
  ///  - kDoesNotFit: the slot or the window is too small; nothing was flushed;
  ///  - kWrongBase: the base is shorter than, or differs from, what the delta was made from; nothing was flushed;
  ///  - kCorrupt: the delta is damaged: out-of-range command or number, or the image's check fails;
  ///  - what `read` or `flush` returned.
  /// After anything but kNeedInput the patcher stays in that state and returns it again.
  Status Write(const uint8_t* data, uint32_t size);

  /// Size of the new image in bytes; 0 before the header was read.
  uint32_t new_size() const { return new_size_; }
  /// How many bytes of new were rebuilt so far (the last of them may still be in the buffer).
  uint32_t produced() const { return new_size_ - remaining_; }

 private:
  enum class State : uint8_t {
    kMagic, kCodec, kOldSize, kNewSize, kOldCheck,  // the header, FORMAT.md 3
    kCopy, kKind, kSeek, kNewCheck,                 // the commands' numbers, FORMAT.md 5
    kBytes,                                         // the bytes of a difference or an insertion
  };

  static Status PutByte(void* self, uint8_t byte);
  Status Put(uint8_t byte);
  Status TakeNumber(uint32_t value);
  Status Start(uint32_t old_check);
  Status Copy(uint32_t size);
  Status ReadOld(uint32_t size);
  Status Advance(uint32_t size);

  // Bytes first: Cortex-M0 reaches only the first 32 bytes of an object with a byte load.
  State state_;
  Status status_;
  uint8_t shift_;       // of the number being read
  uint8_t codec_;       // second byte of the header
  bool insert_;         // the current bytes are inserted, not added to old
  bool unpack_;         // the codec is lzss and the header is behind us
  uint32_t number_;     // being read
  uint32_t bytes_;      // left of the current difference or insertion
  uint32_t old_size_;
  uint32_t new_size_;
  uint32_t old_position_;
  uint32_t remaining_;  // bytes of new still to be rebuilt
  uint32_t filled_;     // bytes of new in the buffer
  uint32_t check_;      // of new, as far as it was flushed
  PatcherConfig config_;
  lzss::Decoder lzss_;
};

}  // namespace mote
