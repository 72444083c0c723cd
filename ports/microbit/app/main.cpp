// SPDX-License-Identifier: Apache-2.0
// The sample application: the interpreter, the console and the updates take turns.
#include "ports/microbit/app/app.h"
#include "ports/microbit/app/update.h"
#include "ports/microbit/board/board.h"
#include "ports/microbit/board/nrf51.h"

namespace microbit {
namespace {

constexpr uint32_t kOutputs = 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6;

/// Stands in for a sensor: a level of its own for each channel, and noise.
int ReadSensor(unsigned channel) {
  kRandom[kRandomReady] = 0;
  kRandom[kRandomStart] = 1;
  while (kRandom[kRandomReady] == 0) {
  }
  return static_cast<int>(800 + 600 * channel + (kRandom[kRandomValue] & 63));
}

[[noreturn]] void Run() {
  StartUart();
  StartClock();
  kGpio[kGpioDirSet] = kOutputs;
  const uint8_t slot = UpdateStart();
  ControllerStart(slot == 0 ? 'A' : 'B');
#ifdef APP_FAULTY
  asm volatile("udf #0");
#endif
  while (true) {
    const int byte = GetByte();
    if (byte < 0) {
      if (!UpdateBusy() && ControllerPoll()) UpdateConfirm();
    } else if (!UpdateInput(static_cast<uint8_t>(byte)) && !UpdateBusy()) {
      ControllerInput(static_cast<uint8_t>(byte));
    }
  }
}

}  // namespace
}  // namespace microbit

extern "C" {

int main() { microbit::Run(); }

void BoardPut(char c) { microbit::PutByte(static_cast<uint8_t>(c)); }
uint32_t BoardMilliseconds() { return microbit::Milliseconds(); }
int BoardRead(unsigned channel) { return microbit::ReadSensor(channel); }
void BoardSwitch(unsigned pin, int on) {
  microbit::kGpio[on ? microbit::kGpioOutSet : microbit::kGpioOutClear] = 1u << pin;
}
}
