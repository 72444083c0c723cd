// SPDX-License-Identifier: Apache-2.0
// The nRF51822's flash behind mote::Flash. Offsets are addresses: the flash starts at 0.
//
// The processor stands still while a page is erased (22 ms) or a word is programmed (46 us), since
// it runs from the same flash; what arrives on the serial line meanwhile is lost after six bytes.
#pragma once

#include "stream/flash.h"

namespace microbit {

/// Refuses to change the bootloader and the image that calls it.
extern const mote::Flash kFlash;

/// Called after each use of kFlash. Each program has its own: it may tell somebody that it is at
/// work.
void FlashUsed();

}  // namespace microbit
