// SPDX-License-Identifier: Apache-2.0
// A state as a row of numbers and bytes, which is written down or read back. Every class has one function, Transfer, that names
// its fields in order, for both directions: they cannot disagree. CHECKPOINT.md has the row.
#pragma once

#include <stdint.h>

namespace mote {

class StateStream {
 public:
  /// Takes `size` >= 1 bytes to where the state is kept, or gets them from there.
  using Move = void (*)(void* context, uint8_t* bytes, uint32_t size);

  StateStream(bool restoring, Move move, void* context) : move_(move), context_(context), restoring_(restoring) {}

  bool restoring() const { return restoring_; }
  /// False once something that was read cannot be: then nothing may be done with what was read.
  bool good() const { return good_; }
  /// What must hold for any state. Nothing that is read is trusted.
  void Require(bool holds) {
    if (!holds) good_ = false;
  }

  [[gnu::noinline]] void Bytes(uint8_t* bytes, uint32_t size) {
    if (size != 0) move_(context_, bytes, size);
  }

  /// A number, an enumeration or a bool, in as many bytes as it has here, the lowest first.
  template <typename T>
  void Number(T& value) {
    const uint32_t number = Exchange(restoring_ ? 0 : static_cast<uint32_t>(value), sizeof(T));
    if (restoring_) value = static_cast<T>(number);
  }

 private:
  [[gnu::noinline]] uint32_t Exchange(uint32_t number, unsigned size) {
    uint8_t bytes[4];
    for (unsigned i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(number >> 8 * i);
    move_(context_, bytes, size);
    number = 0;
    for (unsigned i = size; i-- != 0;) number = number << 8 | bytes[i];
    return number;
  }

  Move move_;
  void* context_;
  bool restoring_;
  bool good_ = true;
};

}  // namespace mote
