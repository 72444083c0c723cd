// SPDX-License-Identifier: Apache-2.0
#include "diff/sha256.h"

#include <sodium/crypto_hash_sha256.h>
#include <string.h>

namespace mote {
namespace {

using State = crypto_hash_sha256_state;

State* AsState(uint8_t* bytes) { return reinterpret_cast<State*>(bytes); }

}  // namespace

Sha256::Sha256() {
  static_assert(sizeof(State) == sizeof state_ && alignof(State) <= 8);
  static_assert(crypto_hash_sha256_BYTES == sizeof(Digest));
  crypto_hash_sha256_init(AsState(state_.data()));
}

void Sha256::Update(std::span<const uint8_t> data) {
  crypto_hash_sha256_update(AsState(state_.data()), data.data(), data.size());
}

Sha256::Digest Sha256::Finish() const {
  State copy;  // the library's final clears the state
  memcpy(&copy, state_.data(), sizeof copy);
  Digest digest;
  crypto_hash_sha256_final(&copy, digest.data());
  return digest;
}

Hash Sha256::hash() {
  return {[](void* context, const uint8_t* data, uint32_t size) {
            static_cast<Sha256*>(context)->Update({data, size});
          },
          this};
}

// The library's structure is public; its portable implementation counts bits.
HashState Sha256::hash_state() {
  static_assert(sizeof(State::state) == kHashStateSize);
  return {[](void* context, uint8_t* state) {
            memcpy(state, AsState(static_cast<Sha256*>(context)->state_.data())->state,
                   kHashStateSize);
          },
          [](void* context, const uint8_t* state, uint32_t size) {
            Sha256& self = *static_cast<Sha256*>(context);
            self = Sha256();
            memcpy(AsState(self.state_.data())->state, state, kHashStateSize);
            AsState(self.state_.data())->count = uint64_t{size} * 8;
          },
          this};
}

Sha256::Digest Sha256::Of(std::span<const uint8_t> data) {
  Sha256 sha256;
  sha256.Update(data);
  return sha256.Finish();
}

}  // namespace mote
