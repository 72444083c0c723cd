// SPDX-License-Identifier: Apache-2.0
// The machine `sim` with an LX106: start-up, the simulator's calls, and the core's counter of
// cycles, which in QEMU is its clock.
#include "ports/qemu/machine.h"

asm(R"(
  .section .start, "ax"
  j start
  .balign 4
top:
  .word stack_top
base:
  .word vectors
  .balign 256
vectors:
  .rept 8
  .balign 16
  j fault
  .endr
start:
  l32r a1, top
  l32r a2, base
  wsr.vecbase a2
  movi a2, 0x20   # user mode, no interrupt masked; none is enabled
  wsr.ps a2
  rsync
  call0 Main
fault:
  l32r a1, top
  call0 Fault
)");

namespace {

int SimulatorCall(int operation, int first, const void* second, uint32_t third) {
  register int a2 asm("a2") = operation;
  register int a3 asm("a3") = first;
  register const void* a4 asm("a4") = second;
  register uint32_t a5 asm("a5") = third;
  asm volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
  return a2;
}

uint32_t start_cycle;

uint32_t Cycle() {
  uint32_t value;
  asm volatile("rsr.ccount %0" : "=r"(value));
  return value;
}

}  // namespace

namespace machine {

void Print(const char* text) {
  uint32_t size = 0;
  while (text[size] != 0) ++size;
  SimulatorCall(4, 1, text, size);  // write, standard output
}

void Exit(bool good) {
  SimulatorCall(1, good ? 0 : 1, nullptr, 0);
  while (true) {
  }
}

const uint32_t kCounterHz = 40000000;

void StartCounter() { start_cycle = Cycle(); }

uint32_t Counter() { return Cycle() - start_cycle; }

}  // namespace machine
