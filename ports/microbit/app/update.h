// SPDX-License-Identifier: Apache-2.0
// Takes updates while the application runs: serial frames in, agent/'s session behind them.
#pragma once

#include <stdint.h>

#include "patch/config.h"

namespace microbit {

/// Reads the metadata. Returns the running slot, 0 or 1.
uint8_t UpdateStart();
#if MOTE_WITH_IN_PLACE
/// Whether an update has the interpreter's memory. Once it is over, or the host gone for long,
/// starts the interpreter again.
bool UpdateBusy();
#else
inline bool UpdateBusy() { return false; }
#endif
/// A byte from the serial line. Returns false where it belongs to no frame: the console's.
bool UpdateInput(uint8_t byte);
/// The application works: an image on trial is confirmed, which costs nothing later.
void UpdateConfirm();

}  // namespace microbit
