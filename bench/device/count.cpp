// SPDX-License-Identifier: Apache-2.0
// Bare-metal program for QEMU's mps2-an385: applies a delta with mote::Updater over a flash that is
// plain memory, and prints how many instructions that took. bench/instructions builds it for
// Cortex-M0, loads the images and reads what it prints.
//
// How it counts: under `-icount shift=0` QEMU's virtual clock moves by one nanosecond an
// instruction, and the board's timer runs at 25 MHz of that clock: a tick is 40 instructions.
// Before anything else a loop of known length is counted the same way.
//
// What belongs to the port, the bodies of the flash callbacks, is told from the decoder by running
// the update three times, with bodies that do their work once, twice and three times: the
// difference of two runs is the port's, and the two differences must agree.
#include <stddef.h>
#include <stdint.h>

#include "stream/updater.h"

extern "C" void* memcpy(void* to, const void* from, size_t size);
extern "C" void* memset(void* to, int value, size_t size);
extern "C" int memcmp(const void* a, const void* b, size_t size);

namespace {

constexpr uint32_t kInstructionsPerTick = 40;
constexpr uint32_t kPacket = 244;  // of Bluetooth Low Energy
constexpr uint32_t kSector = 4096;

/// What bench/instructions loads, and where.
struct Parameters {
  uint32_t old_size, new_size, delta_size;  // bytes
};
const auto& parameters = *reinterpret_cast<const Parameters*>(0x20100000);
const auto* const delta = reinterpret_cast<const uint8_t*>(0x20101000);
auto* const old_image = reinterpret_cast<uint8_t*>(0x21000000);
const auto* const new_image = reinterpret_cast<const uint8_t*>(0x21500000);
auto* const slot = reinterpret_cast<uint8_t*>(0x21A00000);
constexpr uint32_t kSlotSize = 0x00500000;

mote::Updater updater;
uint8_t sector[kSector];
alignas(8) uint8_t window[64 << 10];
volatile uint32_t times = 1;  // how often a callback's body does its work
uint32_t known_loop_memory;

/// The board's first CMSDK timer: it counts down.
struct Timer {
  volatile uint32_t control, value, reload;
};
auto& timer = *reinterpret_cast<Timer*>(0x40000000);

void StartTimer() {
  timer.control = 0;
  timer.reload = timer.value = UINT32_MAX;
  timer.control = 1;
}
uint32_t Ticks() { return UINT32_MAX - timer.value; }

int Semihosting(int operation, const void* argument) {
  register int r0 asm("r0") = operation;
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void Print(const char* text) { Semihosting(0x04, text); }

void Print(const char* name, uint32_t value) {
  char digits[12];
  char* at = digits + sizeof digits;
  *--at = 0;
  *--at = '\n';
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  Print(name);
  Print(" ");
  Print(at);
}

/// Ticks of 4,000,000 instructions: 500,000 turns of eight, with a call and memory in them.
uint32_t CountKnownLoop() {
  StartTimer();
  uint32_t turns = 500000, word = 0;
  asm volatile(
      ".syntax unified\n"
      "   b 1f\n"
      "2: muls %0, %0, %0\n"
      "   bx lr\n"
      "1: ldr %0, [%2]\n"
      "   bl 2b\n"
      "   str %0, [%2]\n"
      "   nop\n"
      "   subs %1, %1, #1\n"
      "   bne 1b\n"
      : "=&l"(word), "+l"(turns)
      : "l"(&known_loop_memory)
      : "cc", "lr", "memory");
  return Ticks();
}

mote::Status Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  for (uint32_t i = times; i != 0; --i) memcpy(to, static_cast<uint8_t*>(context) + offset, size);
  return mote::Status::kDone;
}
mote::Status Erase(void* context, uint32_t offset) {
  for (uint32_t i = times; i != 0; --i)
    memset(static_cast<uint8_t*>(context) + offset, 0xFF, kSector);
  return mote::Status::kDone;
}
mote::Status Program(void* context, uint32_t offset, const uint8_t* data, uint32_t size) {
  for (uint32_t i = times; i != 0; --i) memcpy(static_cast<uint8_t*>(context) + offset, data, size);
  return mote::Status::kDone;
}

const mote::Flash old_flash{&Read, &Erase, &Program, old_image, kSector, 4, 0xFF};
const mote::Flash new_flash{&Read, &Erase, &Program, slot, kSector, 4, 0xFF};

/// Ticks of one update. Leaves its status in `status`.
uint32_t CountUpdate(uint32_t callback_times, mote::Status& status) {
  times = callback_times;
  memset(slot, 0, parameters.new_size);
  mote::UpdaterConfig config{};
  config.old_slot = {&old_flash, 0, parameters.old_size};
  config.new_slot = {&new_flash, 0, kSlotSize};
  config.buffer = sector;
  config.buffer_size = sizeof sector;
  config.memory = window;
  config.memory_size = sizeof window;
  StartTimer();
  status = updater.Init(config);
  for (uint32_t at = 0; status == mote::Status::kNeedInput && at < parameters.delta_size;
       at += kPacket) {
    const uint32_t left = parameters.delta_size - at;
    status = updater.Write(delta + at, left < kPacket ? left : kPacket);
  }
  if (status == mote::Status::kNeedInput) status = updater.Finish();
  return Ticks();
}

[[noreturn]] void Main() {
  Print("known_loop_ticks", CountKnownLoop());
  Print("instructions_per_tick", kInstructionsPerTick);
  Print("state", sizeof updater);
  mote::Status status = mote::Status::kBadArgument;
  uint32_t ticks[3];
  bool same = true;
  for (uint32_t i = 0; i < 3; ++i) {
    ticks[i] = CountUpdate(i + 1, status);
    same =
        same && status == mote::Status::kDone && memcmp(slot, new_image, parameters.new_size) == 0;
  }
  Print("status", static_cast<uint32_t>(status));
  Print("same", same);
  Print("ticks_1", ticks[0]);
  Print("ticks_2", ticks[1]);
  Print("ticks_3", ticks[2]);
  Semihosting(0x18, reinterpret_cast<const void*>(
                        same ? 0x20026 : 0x20023));  // application exit, run-time error
  while (true) {
  }
}

[[noreturn]] void Fault() {
  Print("fault\n");
  Semihosting(0x18, reinterpret_cast<const void*>(0x20023));
  while (true) {
  }
}

extern "C" uint32_t stack_top[];

[[gnu::section(".vectors"), gnu::used]] void (*const vectors[16])() = {
    reinterpret_cast<void (*)()>(stack_top), &Main, &Fault, &Fault, &Fault, &Fault, &Fault};

}  // namespace
