// SPDX-License-Identifier: Apache-2.0
// Between a StateStream and the flash: a record is written or read in pieces of a small buffer, and its check is taken on the way.
#pragma once

#include <stdint.h>

#include "patch/check.h"
#include "stream/flash.h"

namespace mote {

/// Largest program unit, in bytes, of a flash that a FlashPipe writes to.
constexpr uint32_t kMaxPipeUnit = 64;

class FlashPipe {
 public:
  /// Reads or writes from `at` to `end`, both where a program unit starts. `flash` must outlive it, and what is written to was erased.
  FlashPipe(const Flash& flash, uint32_t at, uint32_t end);

  /// For StateStream; the context is the pipe.
  static void Write(void* self, uint8_t* bytes, uint32_t size) { static_cast<FlashPipe*>(self)->Write(bytes, size); }
  static void Read(void* self, uint8_t* bytes, uint32_t size) { static_cast<FlashPipe*>(self)->Read(bytes, size); }

  /// Programs what is left in the buffer, filled up to a program unit.
  void Flush();
  /// FNV-1a of all bytes so far.
  uint32_t check() const { return check_; }
  /// The flash failed, or `end` was reached. What was read since means nothing.
  bool failed() const { return failed_; }

 private:
  void Write(const uint8_t* bytes, uint32_t size);
  void Read(uint8_t* bytes, uint32_t size);

  const Flash& flash_;
  uint32_t at_;  // of the next piece
  const uint32_t end_;
  uint32_t used_ = 0;  // of the buffer
  uint32_t left_ = 0;  // in it, to be read
  uint32_t check_ = kCheckStart;
  bool failed_ = false;
  alignas(4) uint8_t buffer_[kMaxPipeUnit];
};

}  // namespace mote
