// SPDX-License-Identifier: Apache-2.0
// A packed stream, unpacked piece by piece: nobody has to hold what a forged file would unpack to.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <span>

#include "patch/format.h"

namespace mote {

class Unpacker {
 public:
  virtual ~Unpacker() = default;
  /// Fills `to` and returns its size; fewer bytes, also none, where the stream ends or a damaged
  /// part of it begins. Throws Error: kCorrupt where it is damaged, kNeedInput where its end is
  /// missing.
  virtual size_t Read(std::span<uint8_t> to) = 0;
};

/// For kRaw, kBz2, kZstd and kLz4. `packed` must outlive the unpacker; bytes behind the stream's
/// end are ignored.
std::unique_ptr<Unpacker> MakeUnpacker(Codec codec, std::span<const uint8_t> packed);
/// For kLzss. The stream has no end of its own: it ends with its bytes.
std::unique_ptr<Unpacker> MakeLzssUnpacker(unsigned window_bits, std::span<const uint8_t> packed);

}  // namespace mote
