// SPDX-License-Identifier: Apache-2.0
// Ed25519 on a device, or a host, that has libsodium. On a device, add signature_sodium.cpp and the
// sources of libsodium that crypto/sodium_sources names; it is four times the code of BearSSL's
// P-256 (tools/footprint_crypto prints both).
//
//   config.verifier = mote::SodiumEd25519Verifier();
#pragma once

#include "agent/signature.h"

namespace mote {

/// libsodium refuses more than RFC 8032 does: keys and R of small order, and keys that are not in
/// their shortest form. sodium_init() is not needed.
SignatureVerifier SodiumEd25519Verifier();

}  // namespace mote
