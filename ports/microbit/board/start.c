// SPDX-License-Identifier: Apache-2.0
// Start-up: the vector table, which is the first thing in an image, and the reset handler.
//
// The Cortex-M0 has one vector table, at address 0: the bootloader's. An exception in a program
// therefore arrives here, in the bootloader's copy of this file, which resets the part: the boot
// decision then finds a program that did not confirm itself.
#include <stdint.h>

extern uint32_t fw_data_load[], fw_data_start[], fw_data_end[], fw_bss_start[], fw_bss_end[],
    fw_stack_top[];
typedef void (*Function)(void);
extern const Function fw_constructors[], fw_constructors_end[];
int main(void);

void ResetHandler(void);
void ResetHandler(void) {
  const uint32_t* from = fw_data_load;
  for (uint32_t* to = fw_data_start; to < fw_data_end;) *to++ = *from++;
  for (uint32_t* to = fw_bss_start; to < fw_bss_end;) *to++ = 0;
  for (const Function* at = fw_constructors; at < fw_constructors_end;) (*at++)();
  main();
  for (;;) {
  }
}

static void Fault(void) {
  *(volatile uint32_t*)0xE000ED0C = 0x05FA0004;  // SYSRESETREQ
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) static const Function vectors[48] = {
    (Function)fw_stack_top, ResetHandler, [2 ... 47] = Fault};
