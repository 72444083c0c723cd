// SPDX-License-Identifier: Apache-2.0
// Semihosting, as Arm defined it and RISC-V took it over: a call to the emulator.
#pragma once

namespace machine {

/// The instructions of the call; each architecture has its own.
int Semihosting(int operation, const void* argument);

}  // namespace machine
