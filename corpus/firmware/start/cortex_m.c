// SPDX-License-Identifier: Apache-2.0
// Start-up of the Cortex-M images: the vector table, which is the first thing in an image, and the reset handler.
#include "board.h"
#include "start/memory.h"

void ResetHandler(void);
void ResetHandler(void) { StartProgram(); }

static void Stop(void) {
  for (;;) {
  }
}

static void Ignore(void) {}

typedef void (*Handler)(void);

__attribute__((section(".vectors"), used)) static const Handler vectors[48] = {
    (Handler)fw_stack_top, ResetHandler, Stop, Stop, Stop, Stop, Stop, 0, 0, 0, 0, Ignore, Ignore, 0, Ignore,
    board_tick, [16 ... 47] = Ignore,
};
