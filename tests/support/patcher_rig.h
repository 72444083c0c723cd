// SPDX-License-Identifier: Apache-2.0
// Runs the device's Patcher over images in memory, and watches that it keeps to its contract.
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <span>

#include "patch/patcher.h"
#include "tests/support/images.h"
#include "tests/support/reference.h"

namespace mote::testing {

/// A device for one patcher. Its buffers have exactly their documented sizes, so that address sanitizers see every byte too far.
/// Callbacks that get what the contract forbids (reads beyond the extent, empty or short pieces, more than the header's size)
/// fail the running test.
class PatcherRig {
 public:
  explicit PatcherRig(Bytes old_image) : old_image_(std::move(old_image)) {}

  // Set before Start.
  uint32_t buffer_size = 64;
  uint32_t memory_size = 1 << 15;
  uint32_t capacity = 0x7FFFFFFF;
  /// Called before each read, flush and read-back with their number, from 0; what it returns instead of kDone is returned to the patcher.
  std::function<Status(uint32_t)> on_read, on_flush, on_read_back;

  /// Starts a patcher anew.
  void Start();
  /// Hands on pieces of `chunk` bytes until the end, also after the patcher is done: what it then says must not change. Ends with Finish.
  Status Write(std::span<const uint8_t> delta, uint32_t chunk = 0xFFFFFFFF);
  /// As Write, with pieces of random sizes.
  Status Write(std::span<const uint8_t> delta, Random& random);
  /// Start and Write.
  Outcome Run(std::span<const uint8_t> delta, uint32_t chunk = 0xFFFFFFFF);

  const Patcher& patcher() const { return *patcher_; }
  const Bytes& flushed() const { return flushed_; }
  uint32_t reads() const { return reads_; }
  uint32_t flushes() const { return flushes_; }
  uint32_t read_backs() const { return read_backs_; }  ///< reads of what was flushed
  uint32_t read_end() const { return read_end_; }  ///< one past the highest byte read

 private:
  static Status Read(void* self, uint32_t offset, uint8_t* to, uint32_t size);
  static Status Flush(void* self, uint8_t* data, uint32_t size);
  static Status ReadBack(void* self, uint32_t offset, uint8_t* to, uint32_t size);
  Status Finish();
  Status WritePiece(std::span<const uint8_t> piece);

  Bytes old_image_;
  Bytes buffer_, memory_, flushed_;
  std::optional<Patcher> patcher_;
  std::optional<Status> final_status_;
  uint32_t reads_ = 0, flushes_ = 0, read_backs_ = 0, read_end_ = 0;
};

/// "", or the first difference of two images in words: images are too long to print.
std::string Compare(std::span<const uint8_t> actual, std::span<const uint8_t> expected);

}  // namespace mote::testing
