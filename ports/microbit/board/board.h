// SPDX-License-Identifier: Apache-2.0
// The board's drivers: serial line, clock, reset. Everything is polled; no interrupt is ever
// enabled.
#pragma once

#include <stdint.h>

namespace microbit {

/// Starts the serial line: 115200 baud, 8 bits, no parity, on the pins of the micro:bit's USB
/// interface.
void StartUart();

/// Sends a byte; waits until the line has taken it (87 us).
void PutByte(uint8_t byte);

/// The next received byte, or -1. The part keeps six bytes that were not fetched; what comes after
/// is lost.
int GetByte();

/// Sends text; a line feed becomes carriage return and line feed.
void Print(const char* text);
void PrintNumber(uint32_t number);

void StartClock();

/// Milliseconds since StartClock. REQUIRES: called at least once in 38 hours.
uint32_t Milliseconds();

/// Resets the whole part, as power does, but RAM keeps what it holds.
[[noreturn]] void Reset();

}  // namespace microbit
