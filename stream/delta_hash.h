// SPDX-License-Identifier: Apache-2.0
// The digest of a delta as it arrives, in a form that a checkpoint can keep: libraries tell their state between two blocks only,
// so what does not fill a block waits here.
#pragma once

#include <stdint.h>

#include "patch/config.h"
#include "patch/state_stream.h"
#include "stream/hash.h"

namespace mote {

class DeltaHash {
 public:
#if MOTE_WITH_CHECKPOINT
  /// The library's state is started. `state` may have null functions: then Transfer must not be called.
  void Start(const Hash& hash, const HashState& state);
  void Update(const uint8_t* data, uint32_t size);
  /// Hands what waits to the library, which can then be asked for the digest. Nothing may follow.
  void Flush();
  /// As Patcher::Transfer.
  void Transfer(StateStream& stream);

 private:
  Hash hash_;
  HashState state_;
  uint32_t size_;  // bytes so far
  uint8_t block_[kHashBlockSize];
#else
  void Start(const Hash& hash, const HashState&) { hash_ = hash; }
  void Update(const uint8_t* data, uint32_t size) { hash_.update(hash_.context, data, size); }
  void Flush() {}

 private:
  Hash hash_;
#endif
};

}  // namespace mote
