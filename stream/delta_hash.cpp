// SPDX-License-Identifier: Apache-2.0
#include "stream/delta_hash.h"

#if MOTE_WITH_CHECKPOINT

namespace mote {

void DeltaHash::Start(const Hash& hash, const HashState& state) {
  hash_ = hash;
  state_ = state;
  size_ = 0;
}

void DeltaHash::Update(const uint8_t* data, uint32_t size) {
  for (; size != 0; --size) {
    block_[size_++ % kHashBlockSize] = *data++;
    if (size_ % kHashBlockSize == 0) hash_.update(hash_.context, block_, kHashBlockSize);
  }
}

void DeltaHash::Flush() { hash_.update(hash_.context, block_, size_ % kHashBlockSize); }

void DeltaHash::Transfer(StateStream& stream) {
  uint8_t state[kHashStateSize] = {};
  if (!stream.restoring()) state_.save(state_.context, state);
  stream.Number(size_);
  stream.Bytes(block_, size_ % kHashBlockSize);
  stream.Bytes(state, sizeof state);
  if (stream.restoring()) state_.restore(state_.context, state, size_ - size_ % kHashBlockSize);
}

}  // namespace mote

#endif
