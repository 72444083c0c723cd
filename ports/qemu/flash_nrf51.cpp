// SPDX-License-Identifier: Apache-2.0
// A slot in the micro:bit's flash, whose RAM is smaller than an image: erased and programmed
// through the nRF51's flash controller.
#include <stddef.h>

#include "ports/qemu/machine.h"

extern "C" void* memcpy(void* to, const void* from, size_t size);
extern "C" uint8_t slot[];  // the linker script's

namespace {

struct Controller {
  volatile uint32_t config, erase_page;
};
auto& controller = *reinterpret_cast<Controller*>(0x4001E504);
enum : uint32_t { kRead, kWrite, kErase };

}  // namespace

namespace machine {

uint8_t* const kSlot = slot;

void Erase(uint8_t* at) {
  controller.config = kErase;
  controller.erase_page = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(at));
  controller.config = kRead;
}

void Program(uint8_t* at, const uint8_t* data, uint32_t size) {
  auto* const to = reinterpret_cast<volatile uint32_t*>(at);
  controller.config = kWrite;
  for (uint32_t i = 0; i < size / 4; ++i) {
    uint32_t word;
    memcpy(&word, data + 4 * i, 4);
    to[i] = word;
  }
  controller.config = kRead;
}

}  // namespace machine
