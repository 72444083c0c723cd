/* SPDX-License-Identifier: Apache-2.0 */
/* What a firmware does with stream/mote.h: an update from one slot of a flash, here in RAM, to the other, in pieces of odd sizes.
 *
 *   c_example OLD DELTA NEW     0 if DELTA makes NEW of OLD, else 1 and a word on why */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/mote.h"

enum {
  kSector = 2048,
  kProgramUnit = 8,
  kSlotSize = 64 * kSector,
  kOldSlot = 0,
  kNewSlot = kSlotSize,
  kFlashSize = 2 * kSlotSize,
  kMemorySize = MOTE_WINDOW_SIZE(10)
};

/* What a real flash does not forgive is counted, and fails the example. */
typedef struct ram_flash {
  uint8_t bytes[kFlashSize];
  uint8_t erases[kFlashSize / kSector];
  uint8_t programs[kFlashSize / kProgramUnit]; /* since the last erase; a fresh part counts as programmed */
  unsigned mistakes;
} ram_flash;

static mote_status flash_read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  ram_flash* flash = context;
  if (size == 0 || offset > kFlashSize || size > kFlashSize - offset) {
    ++flash->mistakes;
    return MOTE_READ_ERROR;
  }
  memcpy(to, flash->bytes + offset, size);
  return MOTE_DONE;
}

static mote_status flash_erase(void* context, uint32_t offset) {
  ram_flash* flash = context;
  if (offset < kNewSlot || offset >= kFlashSize || offset % kSector != 0 || ++flash->erases[offset / kSector] != 1) {
    ++flash->mistakes;
    return MOTE_FLASH_ERROR;
  }
  memset(flash->bytes + offset, 0xFF, kSector);
  memset(flash->programs + offset / kProgramUnit, 0, kSector / kProgramUnit);
  return MOTE_DONE;
}

static mote_status flash_program(void* context, uint32_t offset, const uint8_t* data, uint32_t size) {
  ram_flash* flash = context;
  uint32_t i;
  if (offset < kNewSlot || offset > kFlashSize || size > kFlashSize - offset || size == 0 || offset % kProgramUnit != 0 ||
      size % kProgramUnit != 0) {
    ++flash->mistakes;
    return MOTE_FLASH_ERROR;
  }
  for (i = 0; i < size / kProgramUnit; ++i) {
    if (flash->programs[offset / kProgramUnit + i]++ != 0) ++flash->mistakes;
  }
  memcpy(flash->bytes + offset, data, size);
  return MOTE_DONE;
}

/* Stands for the firmware's SHA-256. */
static void count_bytes(void* context, const uint8_t* data, uint32_t size) {
  (void)data;
  *(uint32_t*)context += size;
}

static ram_flash memory_of_the_chip;
static uint32_t hashed;
static mote_updater updater;
static uint8_t sector[kSector];
static uint32_t memory[kMemorySize / sizeof(uint32_t)];

static const mote_flash internal_flash = {
    .read = flash_read,
    .erase = flash_erase,
    .program = flash_program,
    .context = &memory_of_the_chip,
    .erase_unit = kSector,
    .program_unit = kProgramUnit,
    .erased_value = 0xFF,
};
static const mote_updater_config config = {
    .old_slot = {&internal_flash, kOldSlot, kSlotSize},
    .new_slot = {&internal_flash, kNewSlot, kSlotSize},
    .buffer = sector,
    .buffer_size = sizeof sector,
    .memory = (uint8_t*)memory,
    .memory_size = sizeof memory,
    .hash = {count_bytes, &hashed},
};

static uint8_t delta[kSlotSize], expected[kSlotSize];

static uint32_t load(const char* name, uint8_t* to) {
  FILE* file = fopen(name, "rb");
  size_t size;
  if (file == NULL) {
    printf("%s cannot be opened\n", name);
    exit(1);
  }
  size = fread(to, 1, kSlotSize, file);
  if (ferror(file) || (size == kSlotSize && fgetc(file) != EOF)) {
    printf("%s cannot be read, or is too large\n", name);
    exit(1);
  }
  fclose(file);
  return (uint32_t)size;
}

int main(int argc, char** argv) {
  uint32_t delta_size, expected_size, taken = 0, piece = 0;
  mote_status status;
  if (argc != 4) return 2;

  /* A part as it comes: content is garbage, nothing is erased. */
  memset(memory_of_the_chip.bytes, 0xA5, sizeof memory_of_the_chip.bytes);
  memset(memory_of_the_chip.programs, 1, sizeof memory_of_the_chip.programs);
  load(argv[1], memory_of_the_chip.bytes + kOldSlot);
  delta_size = load(argv[2], delta);
  expected_size = load(argv[3], expected);

  status = mote_updater_init(&updater, &config);
  while (status == MOTE_NEED_INPUT && taken < delta_size) {
    piece = (piece * 5 + 3) % 61; /* 3, 18, 32, 41, ...; 0 happens, too */
    if (piece > delta_size - taken) piece = delta_size - taken;
    status = mote_updater_write(&updater, delta + taken, piece);
    taken += piece;
  }
  if (status == MOTE_NEED_INPUT) status = mote_updater_finish(&updater);

  if (status != MOTE_DONE) {
    printf("the update ended with %s\n", mote_status_name(status));
  } else if (mote_updater_new_size(&updater) != expected_size || mote_updater_produced(&updater) != expected_size ||
             memcmp(memory_of_the_chip.bytes + kNewSlot, expected, expected_size) != 0) {
    printf("the slot holds another image\n");
  } else if (hashed != expected_size) {
    printf("%lu bytes were hashed\n", (unsigned long)hashed);
  } else if (memory_of_the_chip.mistakes != 0) {
    printf("the flash was mistreated %u times\n", memory_of_the_chip.mistakes);
  } else {
    printf("%lu bytes from a delta of %lu; %lu bytes of RAM and the sector buffer\n", (unsigned long)expected_size,
           (unsigned long)delta_size, (unsigned long)MOTE_RAM(kMemorySize));
    return 0;
  }
  return 1;
}
