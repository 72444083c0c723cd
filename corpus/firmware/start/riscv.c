// SPDX-License-Identifier: Apache-2.0
// Start-up of the RISC-V images: the entry point, which is the first thing in an image, and the trap handler.
#include "board.h"
#include "start/memory.h"

#define CLINT_TIMECMP (*(volatile uint32_t*)0x02004000)

__attribute__((interrupt, aligned(4))) static void Trap(void) {
  board_tick();
  CLINT_TIMECMP += 33;  // 32768 Hz clock: about a millisecond
}

__attribute__((used, noreturn)) static void Start(void) {
  __asm__ volatile(".option push\n.option arch, +zicsr\ncsrw mtvec, %0\n.option pop" ::"r"(Trap));
  StartProgram();
  __builtin_unreachable();
}

__attribute__((naked, section(".vectors"), used)) void Entry(void) {
  __asm__ volatile(
      ".option push\n.option norelax\n"
      "la gp, __global_pointer$\n"
      ".option pop\n"
      "la sp, fw_stack_top\n"
      "j %0" ::"i"(Start));
}
