// SPDX-License-Identifier: Apache-2.0
// What main.cpp asks of a machine: a line out, a counter of instructions, and memory for the new
// image.
#pragma once

#include <stdint.h>

namespace machine {

/// Prints text that ends in zero.
void Print(const char* text);

/// Ends QEMU, with exit code 0 or 1.
[[noreturn]] void Exit(bool good);

/// How often the counter ticks in a second of the emulated clock, in which 1,000,000,000
/// instructions are executed (-icount shift=0).
extern const uint32_t kCounterHz;
void StartCounter();
/// Ticks since StartCounter.
uint32_t Counter();

/// The slot for the new image, which can be read in place. `at` lies in it: where an erase unit
/// starts, or a whole word.
extern uint8_t* const kSlot;
void Erase(uint8_t* at);
void Program(uint8_t* at, const uint8_t* data, uint32_t size);
#ifdef MACHINE_MICROBIT
constexpr uint32_t kSlotSize = 64 << 10;
constexpr uint32_t kEraseUnit = 1024;
#else
constexpr uint32_t kSlotSize = 1 << 20;
constexpr uint32_t kEraseUnit = 4096;
#endif

[[gnu::always_inline]] inline uintptr_t StackPointer() {
  uintptr_t value;
#ifdef __riscv
  asm volatile("mv %0, sp" : "=r"(value));
#else
  asm volatile("mov %0, sp" : "=r"(value));
#endif
  return value;
}

/// Executes 2 * turns instructions.
[[gnu::always_inline]] inline void KnownLoop(uint32_t turns) {
#if defined __arm__
  asm volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b" : "+l"(turns) : : "cc");
#else  // RISC-V and Xtensa
  asm volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(turns));
#endif
}

}  // namespace machine
