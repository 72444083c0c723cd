/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote for firmware in C: rebuilds a new image from the running one and a delta, into another slot of the flash.
 * C11 and C++; it needs nothing but this file and the library. It is stream/updater.h under other names.
 *
 * Life of an update
 *
 *     static mote_updater updater;                          // these three stay where they are until the end
 *     static uint8_t sector[4096];
 *     static uint32_t memory[MOTE_WINDOW_SIZE(10) / 4];
 *
 *     const mote_updater_config config = {
 *         .old_slot = {&internal_flash, RUNNING_SLOT, SLOT_SIZE},
 *         .new_slot = {&internal_flash, INACTIVE_SLOT, SLOT_SIZE},
 *         .buffer = sector, .buffer_size = sizeof sector,
 *         .memory = (uint8_t*)memory, .memory_size = sizeof memory,
 *         .hash = {sha256_update, &sha256},               // or {NULL, NULL}
 *     };
 *     mote_status status = mote_updater_init(&updater, &config);
 *     while (status == MOTE_NEED_INPUT) {
 *       const uint32_t size = receive(piece, sizeof piece);  // any size, as they arrive
 *       if (size == 0) break;                                // the delta has ended
 *       status = mote_updater_write(&updater, piece, size);
 *     }
 *     if (status == MOTE_NEED_INPUT) status = mote_updater_finish(&updater);
 *     if (status == MOTE_DONE) ...                           // verify the digest's signature, then switch slots
 *
 * MOTE_DONE means that the whole image stands in the new slot and that its check holds. The check finds accidents, not
 * attackers: compare the digest with a signed one before you start the image. There is nothing to free; an update
 * may be abandoned at any time, and mote_updater_init starts the next one in the same memory.
 *
 * RAM
 *
 *     MOTE_RAM(memory_bytes)   sizeof(mote_updater) and the codec's memory: 0 for deltas with codec "raw",
 *                              MOTE_WINDOW_SIZE(bits) for "lzss", where bits are 8 to 15
 *
 * and your sector buffer. No heap, no statics. Stack below each call: up to 256 bytes, with codec
 * "model" 400 (ports/qemu/run measures it), and what your callbacks take.
 *
 * Ownership
 *
 * All memory is yours. The configuration itself is copied; what it points to (both mote_flash, buffer, memory and the contexts)
 * must outlive the update. A mote_updater refers to itself: do not copy or move it after mote_updater_init.
 *
 * Re-entrancy
 *
 * Two updaters share nothing and may run in two threads. One updater belongs to one thread at a time. A callback must
 * not call mote_updater_write or mote_updater_finish for the updater that called it. Callbacks may block.
 *
 * Errors
 *
 * See mote_status below: each says whose fault it is. The first status that is not MOTE_NEED_INPUT is final: mote_updater_write
 * returns it again and touches nothing more. MOTE_WRONG_BASE, MOTE_DOES_NOT_FIT and MOTE_UNSUPPORTED come before anything is
 * erased. After MOTE_CORRUPT, MOTE_FLASH_ERROR or MOTE_READ_ERROR the new slot holds no image; the old slot is never changed.
 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a call came to. The numbers are those of mote::Status (patch/status.h) and the exit codes of the `mote` command. */
typedef enum mote_status {
  MOTE_DONE = 0,         /* the new image is complete and its check holds */
  MOTE_NEED_INPUT = 1,   /* go on with the next piece; if there is none: the sender or the transport cut the delta short */
  MOTE_BAD_ARGUMENT = 2, /* your fault: null pointer, geometry, buffer size, or no mote_updater_init before */
  MOTE_CORRUPT = 3,      /* the sender's or the transport's fault: the delta is damaged or forged */
  MOTE_WRONG_BASE = 4,   /* the sender's fault: the delta was made from another image than the one in the old slot */
  MOTE_DOES_NOT_FIT = 5, /* the sender's fault: the slot or the memory is smaller than this delta needs */
  MOTE_UNSUPPORTED = 6,  /* the sender's fault: a version, codec or parameter that this build does not know */
  MOTE_FLASH_ERROR = 7,  /* the flash's fault: erasing or programming failed */
  MOTE_READ_ERROR = 8,   /* the flash's fault: reading the old image failed */
  MOTE_FILE_ERROR = 9,   /* only from the `mote` command */
  MOTE_BAD_IMAGE = 10,   /* only from the `mote` command */
  MOTE_BAD_SIGNATURE = 11, /* these four only from agent/: forged, damaged, or by a key that is not trusted */
  MOTE_WRONG_DEVICE = 12,  /* for another device, application or hardware */
  MOTE_STALE = 13,         /* for another request than the latest */
  MOTE_DOWNGRADE = 14      /* not newer than what runs */
} mote_status;

/* A flash memory and how to use it. It may stand in read-only memory. Offsets count bytes from the start of the flash (or of the
 * partition that you hand out). Callbacks return MOTE_DONE, or MOTE_FLASH_ERROR / MOTE_READ_ERROR, which ends the update and is
 * what mote_updater_write returns. Nothing is called after an error. */
typedef struct mote_flash {
  /* Reads `size` >= 1 bytes at `offset`. */
  mote_status (*read)(void* context, uint32_t offset, uint8_t* to, uint32_t size);
  /* Erases the erase unit that starts at `offset`. */
  mote_status (*erase)(void* context, uint32_t offset);
  /* Programs `size` bytes at `offset`, both multiples of program_unit, in erased flash. Pieces come in order of offset and never twice;
   * one may cross a page of the part, which you then split. */
  mote_status (*program)(void* context, uint32_t offset, const uint8_t* data, uint32_t size);
  void* context;         /* handed to the three; may be NULL */
  uint32_t erase_unit;   /* bytes that one erase clears, such as 4096; a multiple of program_unit */
  uint32_t program_unit; /* bytes that are programmed at once, such as 4; a power of two */
  uint8_t erased_value;  /* what an erased byte reads as: 0xFF, on a few parts 0x00 */
} mote_flash;

/* A run of flash that holds one image. The two slots may be on different parts. */
typedef struct mote_slot {
  const mote_flash* flash;
  uint32_t offset; /* of a new slot: where an erase unit starts */
  uint32_t size;   /* bytes; of a new slot: a multiple of the erase unit */
} mote_slot;

/* Sees every byte of the new image, in order, before it is programmed: for your SHA-256. `update` may be NULL. You start its context
 * before mote_updater_init and finish it after MOTE_DONE. */
typedef struct mote_hash {
  void (*update)(void* context, const uint8_t* data, uint32_t size);
  void* context;
} mote_hash;

typedef struct mote_updater_config {
  mote_slot old_slot;   /* the image that runs; only read; `size` is how much may be read; `erase` and `program` may be NULL */
  mote_slot new_slot;   /* where the new image goes; only its erase units that the image needs are erased, once each; `read` may be NULL where codec "model" is not compiled in */
  uint8_t* buffer;      /* collects the new image; best as large as an erase unit, but any multiple of the program unit will do */
  uint32_t buffer_size; /* bytes, at least one program unit */
  uint8_t* memory;      /* work memory of the codec, as large as the delta asks for: for "lzss" its window, MOTE_WINDOW_SIZE(bits); for "model"
                         * its state; NULL if only "raw" is used. Aligned like a pointer, to 4 bytes at least. Cleared and written until the update ends */
  uint32_t memory_size; /* bytes; 0 if `memory` is NULL */
  mote_hash hash;
} mote_updater_config;

/* One update in progress. The size is part of the binary interface; what is inside is not. */
#define MOTE_UPDATER_WORDS 56
typedef struct mote_updater {
  uintptr_t words[MOTE_UPDATER_WORDS];
} mote_updater;

/* Bytes of an LZSS window, 8 <= bits <= 15. */
#define MOTE_WINDOW_SIZE(bits) ((uint32_t)1 << (bits))
/* Bytes of RAM for an update without the sector buffer; constants that may size arrays. */
#define MOTE_RAM(memory_bytes) (sizeof(mote_updater) + (memory_bytes))

/* Starts an update in `updater`, whose content does not matter. Nothing is read or written yet. Returns MOTE_NEED_INPUT, or
 * MOTE_BAD_ARGUMENT (your fault: a null pointer that is not allowed above, unaligned memory, an empty buffer, a buffer size, an erase unit or an offset of the
 * new slot that is not a multiple of the program unit, a program unit that is not a power of two); mote_updater_write then returns
 * MOTE_BAD_ARGUMENT, too. REQUIRES: `updater` and `config` are not NULL. */
mote_status mote_updater_init(mote_updater* updater, const mote_updater_config* config);

/* Takes all of `size` bytes of the delta, 0 or more. Calls the callbacks, and takes as long as they do. Returns MOTE_NEED_INPUT (go on),
 * MOTE_DONE (everything is programmed; bytes behind the delta's end are ignored) or an error. REQUIRES: mote_updater_init was called. */
mote_status mote_updater_write(mote_updater* updater, const uint8_t* data, uint32_t size);

/* Call it when the delta has ended: a codec may hold back input until it knows the end. Returns MOTE_DONE, or an error as
 * mote_updater_write, or MOTE_NEED_INPUT if the delta was cut short: mote_updater_write goes on after that. Behind the header, codec
 * "model" cannot tell a cut from the end, and makes it MOTE_CORRUPT. REQUIRES: mote_updater_init was called. */
mote_status mote_updater_finish(mote_updater* updater);

/* Bytes of the new image as the delta's header says; 0 before that was read. Not to be trusted before MOTE_DONE. */
uint32_t mote_updater_new_size(const mote_updater* updater);

/* Bytes of the new image rebuilt so far, for a progress bar; the last ones may still be in the buffer. */
uint32_t mote_updater_produced(const mote_updater* updater);

/* A short name for logs, such as "wrong_base". A static string; never NULL, also for numbers out of range. */
const char* mote_status_name(mote_status status);

#ifdef __cplusplus
}
#endif
