// SPDX-License-Identifier: Apache-2.0
// A fuzzer's input, taken apart into choices and bytes. Behind its end come zeros.
#pragma once

#include <gtest/gtest.h>
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <cstdlib>
#include <span>

#include "tests/support/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace mote::testing {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : left_(data, size) {}

  uint8_t Byte() {
    if (left_.empty()) return 0;
    const uint8_t byte = left_[0];
    left_ = left_.subspan(1);
    return byte;
  }
  uint32_t Number16() {
    const uint32_t low = Byte();
    return low | static_cast<uint32_t>(Byte()) << 8;
  }
  uint32_t Number32() {
    const uint32_t low = Number16();
    return low | Number16() << 16;
  }
  /// `size` bytes, fewer at the end.
  Bytes Take(size_t size) {
    const std::span<const uint8_t> taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return {taken.begin(), taken.end()};
  }
  Bytes Rest() { return Take(left_.size()); }
  bool empty() const { return left_.empty(); }

 private:
  std::span<const uint8_t> left_;
};

/// The checks are GoogleTest's, outside of any test: a failed one was printed, and ends the process
/// here.
inline void StopAtFailure() {
  if (::testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed()) std::abort();
}

}  // namespace mote::testing
