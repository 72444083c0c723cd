// SPDX-License-Identifier: Apache-2.0
// What every board of the corpus offers to a program: console, millisecond clock, analogue inputs, outputs, flash log.
// Implemented once (board.c) over four register maps, so that one program becomes four different images.
#pragma once
#include <stdint.h>

void board_putc(char c);
int board_getc(void);  // -1: nothing typed
uint32_t board_millis(void);
void board_tick(void);  // called by the timer interrupt, once a millisecond
uint32_t board_random(void);
int board_adc(unsigned channel);  // 0 to 4095
void board_output(unsigned pin, int on);
uint32_t board_flash_size(void);  // of the log region
void board_flash_erase(uint32_t offset);
void board_flash_write(uint32_t offset, const void* data, uint32_t size);
const uint8_t* board_flash_at(uint32_t offset);
int board_frame_read(void* to, uint32_t room);  // one frame from the network, 0: none
void board_frame_write(const void* frame, uint32_t size);

// Reads a line from the console into `line`; returns 1 when it is complete, 0 when more has to be typed.
int board_line(char* line, unsigned room, unsigned* used);
