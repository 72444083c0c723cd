// SPDX-License-Identifier: Apache-2.0
#include "stream/sha256_bearssl.h"

namespace mote {
namespace {

void Update(void* context, const uint8_t* data, uint32_t size) {
  br_sha256_update(static_cast<br_sha256_context*>(context), data, size);
}

void Save(void* context, uint8_t* state) { br_sha256_state(static_cast<br_sha256_context*>(context), state); }

void Restore(void* context, const uint8_t* state, uint32_t size) {
  br_sha256_init(static_cast<br_sha256_context*>(context));
  br_sha256_set_state(static_cast<br_sha256_context*>(context), state, size);
}

}  // namespace

HashState BearsslSha256State(br_sha256_context* context) { return {&Save, &Restore, context}; }

Hash BearsslSha256(br_sha256_context* context) {
  br_sha256_init(context);
  return {&Update, context};
}

}  // namespace mote
