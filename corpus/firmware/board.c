// SPDX-License-Identifier: Apache-2.0
// Register-level board support. The register maps follow, in outline, an STM32G0 (Cortex-M0+), an STM32F4 (Cortex-M4),
// an FE310 (RISC-V) and an ESP8266 (Xtensa lx106): enough for real code, not a driver library.
#include "board.h"

#define REG(address) (*(volatile uint32_t*)(address))

#if defined(BOARD_CM0)
enum { kUart = 0x40013800, kAdc = 0x40012400, kGpio = 0x50000000, kFlash = 0x40022000, kRng = 0x40025000 };
enum { kUartStatus = 0x1c, kUartIn = 0x24, kUartOut = 0x28, kTxReady = 1 << 7, kRxReady = 1 << 5 };
enum { kNet = 0x40006400, kLog = 0x08060000, kLogSize = 0x20000, kSector = 0x800 };
#elif defined(BOARD_CM4)
enum { kUart = 0x40011000, kAdc = 0x40012000, kGpio = 0x40020000, kFlash = 0x40023c00, kRng = 0x50060800 };
enum { kUartStatus = 0x00, kUartIn = 0x04, kUartOut = 0x04, kTxReady = 1 << 7, kRxReady = 1 << 5 };
enum { kNet = 0x40028000, kLog = 0x080e0000, kLogSize = 0x20000, kSector = 0x4000 };
#elif defined(BOARD_RV32)
enum { kUart = 0x10013000, kAdc = 0x10025000, kGpio = 0x10012000, kFlash = 0x10014000, kRng = 0x10016000 };
enum { kUartStatus = 0x14, kUartIn = 0x04, kUartOut = 0x00, kTxReady = 1 << 0, kRxReady = 1 << 1 };
enum { kNet = 0x10034000, kLog = 0x20780000, kLogSize = 0x80000, kSector = 0x1000 };
#elif defined(BOARD_LX106)
enum { kUart = 0x60000000, kAdc = 0x60000d00, kGpio = 0x60000300, kFlash = 0x60000200, kRng = 0x3ff20e44 };
enum { kUartStatus = 0x1c, kUartIn = 0x00, kUartOut = 0x00, kTxReady = 1 << 17, kRxReady = 1 << 0 };
enum { kNet = 0x3ff20a00, kLog = 0x40300000, kLogSize = 0x80000, kSector = 0x1000 };
#else
#error "define BOARD_CM0, BOARD_CM4, BOARD_RV32 or BOARD_LX106"
#endif

static volatile uint32_t millis;

void board_tick(void) { ++millis; }

uint32_t board_millis(void) { return millis; }

void board_putc(char c) {
  if (c == '\n') board_putc('\r');
  while (!(REG(kUart + kUartStatus) & kTxReady)) {
  }
  REG(kUart + kUartOut) = (uint8_t)c;
}

int board_getc(void) {
  if (!(REG(kUart + kUartStatus) & kRxReady)) return -1;
  return (int)(REG(kUart + kUartIn) & 0xff);
}

uint32_t board_random(void) { return REG(kRng + 8); }

int board_adc(unsigned channel) {
  REG(kAdc + 0x28) = 1u << channel;
  REG(kAdc + 0x08) |= 1u << 2;
  uint32_t started = millis;
  while (!(REG(kAdc) & (1u << 2))) {
    if (millis - started > 5) return 0;
  }
  return (int)(REG(kAdc + 0x40) & 0xfff);
}

void board_output(unsigned pin, int on) { REG(kGpio + 0x18) = on ? 1u << pin : 1u << (pin + 16); }

uint32_t board_flash_size(void) { return kLogSize; }

const uint8_t* board_flash_at(uint32_t offset) { return (const uint8_t*)(kLog + offset); }

static void FlashWait(void) {
  while (REG(kFlash + 0x10) & (1u << 16)) {
  }
}

void board_flash_erase(uint32_t offset) {
  FlashWait();
  REG(kFlash + 0x14) = 2u | ((offset / kSector) << 3) | (1u << 16);
  FlashWait();
}

void board_flash_write(uint32_t offset, const void* data, uint32_t size) {
  const uint8_t* from = data;
  volatile uint32_t* to = (volatile uint32_t*)(kLog + offset);
  REG(kFlash + 0x14) = 1;
  for (; size >= 4; size -= 4, from += 4) {
    *to++ = from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
    FlashWait();
  }
  if (size) {
    uint32_t word = 0xffffffff;
    for (uint32_t i = 0; i < size; ++i) word = (word & ~(0xffu << (8 * i))) | (uint32_t)from[i] << (8 * i);
    *to = word;
    FlashWait();
  }
  REG(kFlash + 0x14) = 0;
}

int board_frame_read(void* to, uint32_t room) {
  uint32_t size = REG(kNet + 0x04);
  if (size == 0) return 0;
  uint8_t* out = to;
  for (uint32_t i = 0; i < size; ++i) {
    uint8_t byte = (uint8_t)REG(kNet + 0x08);
    if (i < room) out[i] = byte;
  }
  return size <= room ? (int)size : 0;
}

void board_frame_write(const void* frame, uint32_t size) {
  const uint8_t* from = frame;
  REG(kNet + 0x10) = size;
  for (uint32_t i = 0; i < size; ++i) REG(kNet + 0x14) = from[i];
}

int board_line(char* line, unsigned room, unsigned* used) {
  for (int c = board_getc(); c >= 0; c = board_getc()) {
    if (c == '\r' || c == '\n') {
      line[*used] = 0;
      *used = 0;
      return 1;
    }
    if ((c == 8 || c == 127) && *used) {
      --*used;
    } else if (c >= ' ' && *used + 1 < room) {
      line[(*used)++] = (char)c;
    }
  }
  return 0;
}
