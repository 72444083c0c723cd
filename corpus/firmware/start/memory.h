// SPDX-License-Identifier: Apache-2.0
// What the linker scripts define, and the C half of every start-up: copy .data, clear .bss, run the program.
#pragma once
#include <stdint.h>

extern uint32_t fw_data_load[], fw_data_start[], fw_data_end[], fw_bss_start[], fw_bss_end[], fw_stack_top[];
int main(void);

static inline void StartProgram(void) {
  const uint32_t* from = fw_data_load;
  for (uint32_t* to = fw_data_start; to < fw_data_end;) *to++ = *from++;
  for (uint32_t* to = fw_bss_start; to < fw_bss_end;) *to++ = 0;
  main();
  for (;;) {
  }
}
