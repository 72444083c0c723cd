// SPDX-License-Identifier: Apache-2.0
// A slot in plain memory, for machines that have enough of it.
#include <stddef.h>

#include "ports/qemu/machine.h"

extern "C" void* memcpy(void* to, const void* from, size_t size);
extern "C" void* memset(void* to, int value, size_t size);
extern "C" uint8_t slot[];  // the linker script's

namespace machine {

uint8_t* const kSlot = slot;

void Erase(uint8_t* at) { memset(at, 0xFF, kEraseUnit); }

void Program(uint8_t* at, const uint8_t* data, uint32_t size) { memcpy(at, data, size); }

}  // namespace machine
