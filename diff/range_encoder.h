// SPDX-License-Identifier: Apache-2.0
// The range coder's other half (patch/range_decoder.h). FORMAT.md 6.1.
#pragma once

#include <stdint.h>

#include <vector>

namespace mote {

class RangeEncoder {
 public:
  /// A bit whose chance to be 1 is `chance` / 4096, 1 to 4095.
  void Bit(unsigned chance, unsigned bit);
  /// A bit that is as likely 0 as 1.
  void EvenBit(unsigned bit);
  /// Ends the stream. What the decoder can do without is left out: it reads zeros behind the end.
  std::vector<uint8_t> Finish();

 private:
  void Normalize();
  void ShiftLow();

  uint64_t low_ = 0;  // 33 bits: the uppermost is a carry
  uint32_t range_ = 0xFFFFFFFF;
  // Bytes not written yet, as a carry may change them: one, and then some of 0xFF.
  uint8_t held_ = 0;
  uint64_t held_count_ = 1;
  bool first_ = true;  // the first byte held is no output
  std::vector<uint8_t> bytes_;
};

}  // namespace mote
