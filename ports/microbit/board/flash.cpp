// SPDX-License-Identifier: Apache-2.0
#include "ports/microbit/board/flash.h"

#include <stddef.h>

#include "ports/microbit/board/layout.h"
#include "ports/microbit/board/nrf51.h"

extern "C" void* memcpy(void* to, const void* from, size_t size);
extern "C" int memcmp(const void* a, const void* b, size_t size);

namespace microbit {
namespace {

using mote::Status;

const uint8_t* At(uint32_t offset) { return reinterpret_cast<const uint8_t*>(offset); }

void Wait() {
  while ((kNvmc[kNvmcReady] & 1) == 0) {
  }
}

/// Opens the flash for erasing or writing, and closes it again: a program that runs wild finds it
/// closed.
class Opened {
 public:
  explicit Opened(uint32_t mode) {
    kNvmc[kNvmcConfig] = mode;
    Wait();
  }
  ~Opened() {
    Wait();
    kNvmc[kNvmcConfig] = kNvmcReadOnly;
    Wait();
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

/// The bootloader is nobody's to change, nor is the image that runs.
bool Writable(uint32_t offset, uint32_t size) {
  const uint32_t first = AddressOf(layout_slot_a), end = AddressOf(layout_flash_end);
  const uint32_t own = AddressOf(fw_image_start);
  const uint32_t own_end = own < first ? first : own + AddressOf(layout_slot_size);
  return offset >= first && offset < end && size <= end - offset &&
         (offset >= own_end || offset + size <= own);
}

Status Read(void*, uint32_t offset, uint8_t* to, uint32_t size) {
  memcpy(to, At(offset), size);
  FlashUsed();
  return Status::kDone;
}

Status Erase(void*, uint32_t offset) {
  if (!Writable(offset, kPage)) return Status::kFlashError;
  {
    const Opened opened(kNvmcErase);
    kNvmc[kNvmcErasePage] = offset;
  }
  for (uint32_t i = 0; i < kPage; i += sizeof(uint32_t)) {
    if (Register(offset + i) != UINT32_MAX) return Status::kFlashError;
  }
  FlashUsed();
  return Status::kDone;
}

Status Program(void*, uint32_t offset, const uint8_t* data, uint32_t size) {
  if (!Writable(offset, size)) return Status::kFlashError;
  {
    const Opened opened(kNvmcWrite);
    for (uint32_t i = 0; i < size; i += sizeof(uint32_t)) {
      uint32_t word;
      memcpy(&word, data + i, sizeof word);
      Register(offset + i) = word;
      Wait();
    }
  }
  FlashUsed();
  return memcmp(At(offset), data, size) == 0 ? Status::kDone : Status::kFlashError;
}

}  // namespace

const mote::Flash kFlash{&Read, &Erase, &Program, nullptr, kPage, sizeof(uint32_t), 0xFF};

}  // namespace microbit
