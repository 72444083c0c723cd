// SPDX-License-Identifier: Apache-2.0
// Whose images this board starts, and what tells it from others: for programs that are built with
// MOTE_WITH_TRUST=1.
#pragma once

#include <stdint.h>

#include "agent/layout.h"
#include "agent/manifest.h"
#include "vendor_key.h"  // ports/microbit/build makes it

namespace microbit {

/// Of the releases for this board (`mote sign --application 1 --hardware 51`): the field
/// controller, on a micro:bit with an nRF51. The vendor's own numbers.
constexpr uint32_t kApplication = 1, kHardware = 51;

/// What the layout points to, with the vendor's key that the build was given. `verifier` checks the
/// signatures: a program that is short of stack has its own.
constexpr mote::Trust BoardTrust(mote::SignatureVerifier verifier) {
  return {{mote::SignatureAlgorithm::kP256, {VENDOR_KEY}}, kApplication, kHardware, verifier};
}

/// Writes the number that the part was made with, kDeviceIdSize bytes. Nobody has to keep it
/// secret.
void ReadDeviceId(uint8_t* to);

/// Fills `to` with `size` bytes of the part's noise source, with its correction for bias: some 0.7
/// ms a byte. A mote::AgentConfig::random; always true.
bool ReadRandom(void*, uint8_t* to, uint32_t size);

}  // namespace microbit
