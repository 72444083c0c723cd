// SPDX-License-Identifier: Apache-2.0
// Cortex-M machines: vectors, semihosting, and SysTick, the core's own timer, on the processor's
// clock.
#include "ports/qemu/machine.h"
#include "ports/qemu/semihosting.h"

extern "C" {
extern uint32_t stack_top[];  // the linker script's
[[noreturn]] void Main();
[[noreturn]] void Fault();
}

namespace {

struct SysTick {
  volatile uint32_t control, reload, value;
};
auto& systick = *reinterpret_cast<SysTick*>(0xE000E010);
constexpr uint32_t kLongest = 0xFFFFFF;  // it has 24 bits, and counts down

[[gnu::section(".start"), gnu::used]] void (*const vectors[16])() = {
    reinterpret_cast<void (*)()>(stack_top), &Main, &Fault, &Fault, &Fault, &Fault, &Fault, &Fault};

}  // namespace

namespace machine {

int Semihosting(int operation, const void* argument) {
  register int r0 asm("r0") = operation;
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

const uint32_t kCounterHz = MACHINE_HZ;

void StartCounter() {
  systick.control = 0;
  systick.reload = kLongest;
  systick.value = 0;    // any value clears it
  systick.control = 5;  // on, with the processor's clock, without an interrupt
}

uint32_t Counter() { return kLongest - systick.value; }

}  // namespace machine
