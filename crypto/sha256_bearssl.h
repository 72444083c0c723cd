// SPDX-License-Identifier: Apache-2.0
// SHA-256 on a device that has BearSSL: its br_sha256 behind what stream/ and agent/ want. Add
// sha256_bearssl.cpp, and of BearSSL src/hash/sha2small.c with src/codec/dec32be.c and enc32be.c,
// to your firmware. `tools/bearssl` gets the source.
//
//   br_sha256_context sha256;
//   config.hash = mote::BearsslSha256(&sha256);
//   ... updater.Init(config), Write until kDone ...
//   uint8_t digest[br_sha256_SIZE];
//   br_sha256_out(&sha256, digest);
//
// and with agent/
//
//   config.sha256 = mote::BearsslSha256Functions(&sha256);
#pragma once

#include <bearssl_hash.h>

#include "agent/sha256.h"
#include "stream/hash.h"

namespace mote {

/// Starts `context`, which is the caller's (sizeof(br_sha256_context) bytes, no heap), and returns
/// the hash that goes on with it. It may be read with br_sha256_out at any time.
Hash BearsslSha256(br_sha256_context* context);
/// For checkpoints: what `context` has between two blocks.
HashState BearsslSha256State(br_sha256_context* context);
/// All of it, on `context`, which is the caller's and stays where it is. Nothing is started yet.
Sha256Functions BearsslSha256Functions(br_sha256_context* context);

}  // namespace mote
