// SPDX-License-Identifier: Apache-2.0
// BearSSL's SHA-256 as agent/ wants it.
#pragma once

#include <bearssl_hash.h>

#include "agent/sha256.h"

namespace microbit {

/// `context` is the caller's and stays where it is.
mote::Sha256Functions Sha256(br_sha256_context* context);

}  // namespace microbit
