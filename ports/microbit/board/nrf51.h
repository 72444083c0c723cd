// SPDX-License-Identifier: Apache-2.0
// The registers of the nRF51822 that this port uses, by their names in Nordic's reference manual.
#pragma once

#include <stdint.h>

namespace microbit {

inline volatile uint32_t& Register(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

/// A peripheral: its base address, and registers by offset.
template <uint32_t kBase>
struct Peripheral {
  volatile uint32_t& operator[](uint32_t offset) const { return Register(kBase + offset); }
};

/// What the factory programmed.
constexpr Peripheral<0x10000000> kFicr;
constexpr uint32_t kFicrDeviceId = 0x060;  // two words

constexpr Peripheral<0x40000000> kPower;
constexpr uint32_t kPowerResetReason = 0x400;  // bits are cleared by writing 1

constexpr Peripheral<0x40002000> kUart;
constexpr uint32_t kUartStartRx = 0x000, kUartStartTx = 0x008;
constexpr uint32_t kUartRxReady = 0x108, kUartTxReady = 0x11C, kUartError = 0x124;
constexpr uint32_t kUartErrorSource = 0x480, kUartEnable = 0x500;
constexpr uint32_t kUartPinTx = 0x50C, kUartPinRx = 0x514;
constexpr uint32_t kUartRx = 0x518, kUartTx = 0x51C, kUartBaudRate = 0x524, kUartConfig = 0x56C;

constexpr Peripheral<0x40008000> kTimer;
constexpr uint32_t kTimerStart = 0x000, kTimerClear = 0x00C, kTimerCapture = 0x040;
constexpr uint32_t kTimerMode = 0x504, kTimerBitMode = 0x508, kTimerPrescaler = 0x510;
constexpr uint32_t kTimerCompare = 0x540;

constexpr Peripheral<0x4000D000> kRandom;
constexpr uint32_t kRandomStart = 0x000, kRandomReady = 0x100, kRandomValue = 0x508;
constexpr uint32_t kRandomConfig = 0x504, kRandomCorrected = 1;  // for bias

constexpr Peripheral<0x4001E000> kNvmc;
constexpr uint32_t kNvmcReady = 0x400, kNvmcConfig = 0x504, kNvmcErasePage = 0x508;
constexpr uint32_t kNvmcReadOnly = 0, kNvmcWrite = 1, kNvmcErase = 2;

constexpr Peripheral<0x50000000> kGpio;
constexpr uint32_t kGpioOutSet = 0x508, kGpioOutClear = 0x50C, kGpioIn = 0x510;
constexpr uint32_t kGpioDirSet = 0x518;

constexpr Peripheral<0xE000ED00> kSystemControl;
constexpr uint32_t kSystemReset = 0x0C;
constexpr uint32_t kSystemResetRequest = 0x05FA0004;  // with the key

}  // namespace microbit
