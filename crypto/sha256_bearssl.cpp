// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256_bearssl.h"

namespace mote {
namespace {

br_sha256_context* Context(void* context) { return static_cast<br_sha256_context*>(context); }

void Start(void* context) { br_sha256_init(Context(context)); }
void Update(void* context, const uint8_t* data, uint32_t size) {
  br_sha256_update(Context(context), data, size);
}
void Finish(void* context, uint8_t* digest) { br_sha256_out(Context(context), digest); }
void Save(void* context, uint8_t* state) { br_sha256_state(Context(context), state); }
void Restore(void* context, const uint8_t* state, uint32_t size) {
  br_sha256_init(Context(context));
  br_sha256_set_state(Context(context), state, size);
}

}  // namespace

HashState BearsslSha256State(br_sha256_context* context) { return {&Save, &Restore, context}; }

Hash BearsslSha256(br_sha256_context* context) {
  br_sha256_init(context);
  return {&Update, context};
}

Sha256Functions BearsslSha256Functions(br_sha256_context* context) {
  return {&Start, &Update, &Finish, context, &Save, &Restore};
}

}  // namespace mote
