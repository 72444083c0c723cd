// SPDX-License-Identifier: Apache-2.0
// The example board: everything that a port supplies, each part once, with the reasons. Its flash
// is RAM, so that it runs on a PC; copy the folder and put your part's registers in.
#pragma once

#include <stdint.h>

#include "agent/layout.h"
#include "agent/sha256.h"
#include "stream/flash.h"

namespace example {

// ---- 1. What the data sheet says.

constexpr uint32_t kEraseUnit = 4096;           // bytes that one erase clears
constexpr uint32_t kProgramUnit = 8;            // bytes that are programmed at once: a double word
constexpr uint8_t kErasedValue = 0xFF;          // what they read as in between
constexpr uint32_t kFlashAddress = 0x08000000;  // where the processor sees the flash

// ---- 2. How the flash is divided. The linker scripts say the same (ports/microbit/link shows how
// to have the numbers in one place). Each part starts at an erase unit.
//
//   00000  bootloader   never updated
//   04000  slot A       images linked for 0x08004000
//   32000  slot B       images linked for 0x08032000
//   60000  metadata     three pages, which bootloader and application share

constexpr uint32_t kSlotA = 0x04000;
constexpr uint32_t kSlotB = 0x32000;
constexpr uint32_t kSlotSize = kSlotB - kSlotA;
constexpr uint32_t kMetadata = kSlotB + kSlotSize;
constexpr uint8_t kMetadataPages = 3;
constexpr uint32_t kFlashSize = kMetadata + kMetadataPages * kEraseUnit;

extern const mote::Layout kLayout;

// ---- 3. The flash driver: read, erase one unit, program whole units.

extern const mote::Flash kFlash;

/// From now on the driver refuses to change slot `index`: the application says so of its own.
void Protect(uint8_t index);

// ---- 4. SHA-256, of a library or of the chip's hash unit.

mote::Sha256Functions Sha256();

// ---- 5. The transport: whatever brings the delta. Waits for the next piece and copies up to
// `size` bytes of it to `to`; returns how many, 0 at the end. ports/TRANSPORT.md has one that
// survives a bad serial line.

uint32_t Receive(uint8_t* to, uint32_t size);

// ---- What only the simulation has: the factory's programmer and the other end of the line.

namespace simulation {
/// kFlashSize bytes.
uint8_t* Flash();
/// What Receive will return. `delta` stays where it is.
void Send(const uint8_t* delta, uint32_t size);
}  // namespace simulation

}  // namespace example
