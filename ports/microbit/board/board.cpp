// SPDX-License-Identifier: Apache-2.0
#include "ports/microbit/board/board.h"

#include "ports/microbit/board/nrf51.h"

namespace microbit {
namespace {

constexpr uint32_t kPinTx = 24, kPinRx = 25;
constexpr uint32_t kBaud115200 = 0x01D7E000;
constexpr uint32_t kPrescaler = 9;  // 16 MHz / 2^9 = 31.25 ticks a millisecond
constexpr uint32_t kTicksOf4Milliseconds = 125;

uint32_t last_ticks, milliseconds, quarter_ticks;

}  // namespace

void StartUart() {
  kGpio[kGpioOutSet] = 1u << kPinTx;
  kGpio[kGpioDirSet] = 1u << kPinTx;
  kUart[kUartPinTx] = kPinTx;
  kUart[kUartPinRx] = kPinRx;
  kUart[kUartBaudRate] = kBaud115200;
  kUart[kUartConfig] = 0;
  kUart[kUartEnable] = 4;
  kUart[kUartTxReady] = 0;
  // RxReady stays: what arrived while the bootloader was at work would block the line for ever.
  kUart[kUartStartTx] = 1;
  kUart[kUartStartRx] = 1;
}

void PutByte(uint8_t byte) {
  kUart[kUartTx] = byte;
  while (kUart[kUartTxReady] == 0) {
  }
  kUart[kUartTxReady] = 0;
}

int GetByte() {
  if (kUart[kUartError] != 0) {  // overrun, framing, break: the frame's check notices
    kUart[kUartError] = 0;
    kUart[kUartErrorSource] = kUart[kUartErrorSource];
  }
  if (kUart[kUartRxReady] == 0) return -1;
  kUart[kUartRxReady] = 0;
  return static_cast<uint8_t>(kUart[kUartRx]);
}

void Print(const char* text) {
  for (; *text != 0; ++text) {
    if (*text == '\n') PutByte('\r');
    PutByte(static_cast<uint8_t>(*text));
  }
}

void PrintNumber(uint32_t number) {
  char digits[11];
  char* at = digits + sizeof digits;
  *--at = 0;
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  Print(at);
}

void StartClock() {
  kTimer[kTimerMode] = 0;
  kTimer[kTimerBitMode] = 3;  // 32 bits
  kTimer[kTimerPrescaler] = kPrescaler;
  kTimer[kTimerClear] = 1;
  kTimer[kTimerStart] = 1;
  last_ticks = milliseconds = quarter_ticks = 0;
}

uint32_t Milliseconds() {
  kTimer[kTimerCapture] = 1;
  const uint32_t ticks = kTimer[kTimerCompare];
  // In quarters of a tick, of which a millisecond has 125; whole runs of 125 ticks first, so that
  // nothing overflows.
  const uint32_t passed = ticks - last_ticks;
  last_ticks = ticks;
  milliseconds += passed / kTicksOf4Milliseconds * 4;
  quarter_ticks += passed % kTicksOf4Milliseconds * 4;
  milliseconds += quarter_ticks / kTicksOf4Milliseconds;
  quarter_ticks %= kTicksOf4Milliseconds;
  return milliseconds;
}

void Reset() {
  asm volatile("dsb" ::: "memory");
  kSystemControl[kSystemReset] = kSystemResetRequest;
  while (true) {
  }
}

}  // namespace microbit
