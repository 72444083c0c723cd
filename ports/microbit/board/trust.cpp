// SPDX-License-Identifier: Apache-2.0
#include "ports/microbit/board/trust.h"

#include "ports/microbit/board/nrf51.h"

namespace microbit {

void ReadDeviceId(uint8_t* to) {
  for (uint32_t i = 0; i < mote::kDeviceIdSize; ++i) {
    to[i] = static_cast<uint8_t>(kFicr[kFicrDeviceId + (i & 4)] >> 8 * (i & 3));
  }
}

bool ReadRandom(void*, uint8_t* to, uint32_t size) {
  kRandom[kRandomConfig] = kRandomCorrected;
  for (uint32_t i = 0; i < size; ++i) {
    kRandom[kRandomReady] = 0;
    kRandom[kRandomStart] = 1;
    while (kRandom[kRandomReady] == 0) {
    }
    to[i] = static_cast<uint8_t>(kRandom[kRandomValue]);
  }
  return true;
}

}  // namespace microbit
