// SPDX-License-Identifier: Apache-2.0
// What an image area holds, byte by byte, while an update in place goes on: found out from what is
// done to the flash alone, without any of the updater's own accounts. Nothing may be read that was
// erased or overwritten, and nothing be written but the old image where it is moved to, and the new
// one where it belongs.
#pragma once

#include <stdint.h>

#include <span>
#include <string>
#include <vector>

#include "tools/simulated_flash.h"

namespace mote::tools {

class AreaWatch {
 public:
  AreaWatch(const SimulatedFlash& flash, uint32_t offset, uint32_t size)
      : flash_(flash), offset_(offset), size_(size) {}

  bool Contains(uint32_t offset) const { return offset >= offset_ && offset - offset_ < size_; }
  /// Whether the area's last sector is about to be erased: where an update begins, again or for the
  /// first time.
  bool IsFirstStep(uint32_t offset) const { return offset == offset_ + size_ - sector(); }

  /// An update begins: the area holds `from`, and shall hold `to`, which must stay where it is.
  void Begin(std::span<const uint8_t> from, std::span<const uint8_t> to);
  /// An update begun is over: its image was started.
  void End() { running_ = false; }
  bool running() const { return running_; }

  void PowerUp();
  /// Completely or not.
  void Erased(uint32_t offset);
  /// `complete`: who did it knows that it is.
  void Programmed(uint32_t offset, std::span<const uint8_t> data, bool complete);
  void Read(uint32_t offset, uint32_t size);

  /// What did not hold; empty: everything did.
  const std::string& failure() const { return failure_; }

 private:
  enum Tag : uint8_t { kGone = 0, kOld = 1, kNew = 2 };

  uint32_t sector() const { return flash_.EraseUnitAt(offset_); }
  bool All(uint32_t from, uint32_t to, unsigned tags) const;
  uint8_t NewAt(uint32_t at) const;
  void Fail(const char* what, uint32_t at);

  const SimulatedFlash& flash_;
  const uint32_t offset_, size_;
  bool running_ = false;
  bool rebuilding_ = false;  // old was moved: new is being written
  bool wrote_ = false;       // new, since the power came back
  uint32_t distance_ = 0;    // by which old is moved
  uint32_t known_ = 0;       // bytes of new that were written or read since the power came back
  std::span<const uint8_t> new_;
  std::vector<uint8_t> home_;  // the area's content before
  std::vector<uint8_t> tags_;
  std::string failure_;
};

}  // namespace mote::tools
