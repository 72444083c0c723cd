// SPDX-License-Identifier: Apache-2.0
// ECDSA P-256 on a device that has BearSSL. Add signature_bearssl.cpp and the sources of BearSSL
// that crypto/bearssl_sources names to your firmware, and let the linker drop what is not called
// (-ffunction-sections -fdata-sections, --gc-sections). tools/footprint_crypto prints what it
// takes.
//
//   config.verifier = mote::BearsslP256Verifier();
#pragma once

#include <bearssl_ec.h>

#include "agent/signature.h"

namespace mote {

/// `curve` is BearSSL's arithmetic: br_ec_prime_i15 is the smallest, br_ec_p256_m15 faster; only
/// the one that is named here gets into the firmware. r and s of 0, of the curve's order and above,
/// and keys that are not on the curve are refused. Takes no memory but the stack, of which
/// bearssl_config.h saves much.
SignatureVerifier BearsslP256Verifier(const br_ec_impl* curve = &br_ec_prime_i15);

}  // namespace mote
