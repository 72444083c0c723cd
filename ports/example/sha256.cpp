// SPDX-License-Identifier: Apache-2.0
// The example board's SHA-256: BearSSL's. A chip with a hash unit has three other functions.
#include <bearssl_hash.h>

#include "ports/example/board.h"

namespace example {
namespace {

br_sha256_context state;

void Start(void*) { br_sha256_init(&state); }
void Update(void*, const uint8_t* data, uint32_t size) { br_sha256_update(&state, data, size); }
void Finish(void*, uint8_t* digest) { br_sha256_out(&state, digest); }

}  // namespace

mote::Sha256Functions Sha256() { return {&Start, &Update, &Finish, nullptr}; }

}  // namespace example
