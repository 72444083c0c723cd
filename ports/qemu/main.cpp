// SPDX-License-Identifier: Apache-2.0
// The test image, the same for every machine: applies a built-in delta to a built-in old image and
// prints, for ports/qemu/run, the SHA-256 of the result and what it took.
//
// The update runs four times. First with a digest taken in the pipeline; then three times without,
// in which the bodies of the flash callbacks do their work once, twice and three times: the
// difference of two counts is the port's share, and the two differences must agree (as in
// bench/device/count.cpp).
#include <bearssl_hash.h>
#include <stddef.h>
#include <stdint.h>

#include "ports/qemu/machine.h"
#include "crypto/sha256_bearssl.h"
#include "stream/updater.h"

extern "C" {
void* memcpy(void* to, const void* from, size_t size);

// images.cpp
extern const uint8_t old_image[], old_image_end[], delta[], delta_end[], new_sha256[];

extern uint32_t stack_limit[];  // the linker script's
}

namespace {

constexpr uint32_t kPacket = 244;  // of Bluetooth Low Energy
constexpr uint32_t kKnownTurns = 1000000;
constexpr uint32_t kPaint = 0xC5C5C5C5;

#if MOTE_WITH_MODEL
constexpr uint32_t kMemory = mote::ModelMemory(mote::kFirstProfile);
#else
constexpr uint32_t kMemory = 1024;  // a window
#endif

mote::Updater updater;
alignas(4) uint8_t memory[kMemory];
alignas(4) uint8_t sector[machine::kEraseUnit];
volatile uint32_t times;  // how often a callback's body does its work

mote::Status ReadOld(void*, uint32_t offset, uint8_t* to, uint32_t size) {
  for (uint32_t i = times; i != 0; --i) memcpy(to, old_image + offset, size);
  return mote::Status::kDone;
}
mote::Status ReadNew(void*, uint32_t offset, uint8_t* to, uint32_t size) {
  for (uint32_t i = times; i != 0; --i) memcpy(to, machine::kSlot + offset, size);
  return mote::Status::kDone;
}
mote::Status Erase(void*, uint32_t offset) {
  for (uint32_t i = times; i != 0; --i) machine::Erase(machine::kSlot + offset);
  return mote::Status::kDone;
}
mote::Status Program(void*, uint32_t offset, const uint8_t* data, uint32_t size) {
  for (uint32_t i = times; i != 0; --i) machine::Program(machine::kSlot + offset, data, size);
  return mote::Status::kDone;
}

const mote::Flash old_flash{&ReadOld, nullptr, nullptr, nullptr, machine::kEraseUnit, 4, 0xFF};
const mote::Flash new_flash{&ReadNew, &Erase, &Program, nullptr, machine::kEraseUnit, 4, 0xFF};

struct Outcome {
  mote::Status status;
  uint32_t ticks;
  uint32_t stack;  // bytes below this function's own frame
};

[[gnu::noinline]] Outcome Update(uint32_t callback_times, const mote::Hash& hash) {
  times = callback_times;
  mote::UpdaterConfig config{};
  config.old_slot = {&old_flash, 0, static_cast<uint32_t>(old_image_end - old_image)};
  config.new_slot = {&new_flash, 0, machine::kSlotSize};
  config.buffer = sector;
  config.buffer_size = sizeof sector;
  config.memory = memory;
  config.memory_size = sizeof memory;
  config.hash = hash;
  for (uint32_t erased = 0; erased < machine::kSlotSize; erased += machine::kEraseUnit) {
    machine::Erase(machine::kSlot + erased);  // so that nothing is left of the run before
  }

  // Nothing below the stack pointer is in use: interrupts are off. Volatile, or it becomes a call
  // of memset.
  auto* const top = reinterpret_cast<volatile uint32_t*>(machine::StackPointer());
  for (volatile uint32_t* word = stack_limit; word < top; ++word) *word = kPaint;

  machine::StartCounter();
  mote::Status status = updater.Init(config);
  const auto size = static_cast<uint32_t>(delta_end - delta);
  for (uint32_t at = 0; status == mote::Status::kNeedInput && at < size; at += kPacket) {
    const uint32_t left = size - at;
    status = updater.Write(delta + at, left < kPacket ? left : kPacket);
  }
  if (status == mote::Status::kNeedInput) status = updater.Finish();
  const uint32_t ticks = machine::Counter();

  volatile uint32_t* word = stack_limit;
  while (word < top && *word == kPaint) ++word;
  return {status, ticks, static_cast<uint32_t>(top - word) * 4};
}

/// Prints " HEX\n".
void PrintHex(const uint8_t* bytes, uint32_t size) {
  char text[3] = {};
  machine::Print(" ");
  for (uint32_t i = 0; i < size; ++i) {
    text[0] = "0123456789abcdef"[bytes[i] >> 4];
    text[1] = "0123456789abcdef"[bytes[i] & 15];
    machine::Print(text);
  }
  machine::Print("\n");
}

void Print(const char* name, uint32_t value) {
  uint8_t bytes[4];
  for (uint32_t i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(value >> (24 - 8 * i));
  machine::Print(name);
  PrintHex(bytes, sizeof bytes);
}

bool Same(const uint8_t* a, const uint8_t* b, uint32_t size) {
  while (size != 0 && a[size - 1] == b[size - 1]) --size;
  return size == 0;
}

}  // namespace

extern "C" [[noreturn]] void Main() {
  machine::StartCounter();
  machine::KnownLoop(kKnownTurns);
  Print("known_ticks", machine::Counter());
  Print("known_instructions", 2 * kKnownTurns);
  Print("counter_hz", machine::kCounterHz);

  br_sha256_context sha256;
  uint8_t digest[br_sha256_SIZE];
  Outcome outcome = Update(1, mote::BearsslSha256(&sha256));
  br_sha256_out(&sha256, digest);
  bool good = outcome.status == mote::Status::kDone && Same(digest, new_sha256, sizeof digest);
  Print("status", static_cast<uint32_t>(outcome.status));
  Print("new_size", updater.patcher().produced());
  Print("state", sizeof updater);
  Print("memory", sizeof memory);
  Print("stack_sha256", outcome.stack);
  for (uint32_t i = 1; i <= 3; ++i) {
    outcome = Update(i, {});
    good = good && outcome.status == mote::Status::kDone;
    Print("ticks", outcome.ticks);
  }
  Print("stack", outcome.stack);

  // What stands in the slot now, not what went through the pipeline.
  const mote::Hash hash = mote::BearsslSha256(&sha256);
  if (good) hash.update(hash.context, machine::kSlot, updater.patcher().produced());
  br_sha256_out(&sha256, digest);
  machine::Print("sha256");
  PrintHex(digest, sizeof digest);
  good = good && Same(digest, new_sha256, sizeof digest);
  Print("match", good);
  machine::Exit(good);
}

extern "C" [[noreturn]] void Fault() {
  machine::Print("fault 1\n");
  machine::Exit(false);
}
