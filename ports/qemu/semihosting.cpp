// SPDX-License-Identifier: Apache-2.0
#include "ports/qemu/semihosting.h"

#include "ports/qemu/machine.h"

namespace machine {

void Print(const char* text) { Semihosting(0x04, text); }

void Exit(bool good) {
  Semihosting(0x18, reinterpret_cast<const void*>(
                        good ? 0x20026 : 0x20023));  // application exit, run-time error
  while (true) {
  }
}

}  // namespace machine
