// SPDX-License-Identifier: Apache-2.0
// The machine `virt` with RV32: start-up, semihosting, and the core's counter of instructions.
#include "ports/qemu/machine.h"
#include "ports/qemu/semihosting.h"

asm(R"(
  .section .start, "ax"
  .option arch, +zicsr
  la sp, stack_top
  la t0, Fault
  csrw mtvec, t0
  j Main
)");

namespace {

uint32_t start;

uint32_t InstructionsRetired() {
  uint32_t value;
  asm volatile(
      ".option push\n"
      ".option arch, +zicsr\n"
      "csrr %0, minstret\n"
      ".option pop"
      : "=r"(value));
  return value;
}

}  // namespace

namespace machine {

int Semihosting(int operation, const void* argument) {
  register int a0 asm("a0") = operation;
  register const void* a1 asm("a1") = argument;
  // The three instructions together are the call; none of them may be a compressed one, or lie on
  // another page.
  asm volatile(
      ".balign 16\n"
      ".option push\n"
      ".option norvc\n"
      "slli x0, x0, 0x1f\n"
      "ebreak\n"
      "srai x0, x0, 7\n"
      ".option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
}

const uint32_t kCounterHz = 1000000000;

void StartCounter() { start = InstructionsRetired(); }

uint32_t Counter() { return InstructionsRetired() - start; }

}  // namespace machine
