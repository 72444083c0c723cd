/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote over Zephyr's flash areas: an update from the first byte of a delta to an image that MCUboot
 * takes at the next start. In the manner of stream_flash: begin, write pieces of any size as they
 * arrive, finish.
 *
 *     static struct mote_zephyr update;                        // stays where it is until the end
 *     static uint8_t sector[4096];
 *     static uint32_t memory[4096 / 4];
 *
 *     const struct mote_zephyr_config config = {
 *         .old_area = FIXED_PARTITION_ID(slot0_partition),     // what runs
 *         .new_area = FIXED_PARTITION_ID(slot1_partition),
 *         .buffer = sector, .buffer_size = sizeof sector,
 *         .memory = (uint8_t*)memory, .memory_size = sizeof memory,
 *         .hash = {sha256_update, &sha256},                    // or {NULL, NULL}
 *     };
 *     mote_status status = mote_zephyr_begin(&update, &config);
 *     while (status == MOTE_NEED_INPUT && (size = receive(piece, sizeof piece)) != 0) {
 *       status = mote_zephyr_write(&update, piece, size);
 *     }
 *     if (status == MOTE_NEED_INPUT) status = mote_zephyr_finish(&update);
 *     if (status == MOTE_DONE) status = mote_zephyr_activate(&update);  // where there is MCUboot
 *     if (status == MOTE_DONE) sys_reboot(SYS_REBOOT_COLD);
 *
 * One update belongs to one thread, which the flash driver blocks. No heap. To abandon an update:
 * mote_zephyr_abandon. After that, and after any final status, mote_zephyr_begin starts the next
 * one.
 */
#pragma once

#include <zephyr/storage/flash_map.h>

#include "stream/mote.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mote_zephyr_config {
  uint8_t old_area; /* ids of flash areas; may be on different devices */
  uint8_t new_area;
  uint8_t* buffer; /* these five: as in mote_updater_config */
  uint32_t buffer_size;
  uint8_t* memory;
  uint32_t memory_size;
  mote_hash hash;
};

/* A flash area as mote sees it. */
struct mote_zephyr_area {
  mote_flash flash; /* its context is this structure */
  const struct flash_area* area;
};

/* An update; what is inside is not for the caller. */
struct mote_zephyr {
  mote_updater updater;
  struct mote_zephyr_area old_area, new_area;
  uint32_t new_size;  /* bytes that an image may take in new_area: a multiple of the erase unit */
  mote_status status; /* the last one; the areas are open as long as it is MOTE_NEED_INPUT */
};

/* Starts an update; nothing is erased before the delta's header was checked. Returns
 * MOTE_NEED_INPUT, or
 *  - MOTE_BAD_ARGUMENT: as mote_updater_init; the areas are the same one, have no driver, or
 *    new_area is not made of equal erase units; with CONFIG_MOTE_MCUBOOT also where MCUboot has
 *    something to do at the next start: an image that is on trial must be confirmed first
 *    (boot_write_img_confirmed), since new_area holds what it would be rolled back to;
 *  - MOTE_READ_ERROR: an area or its layout, or MCUboot's state cannot be read. */
mote_status mote_zephyr_begin(struct mote_zephyr* update, const struct mote_zephyr_config* config);

/* As mote_updater_write and mote_updater_finish; the first status that is not MOTE_NEED_INPUT is
 * final. */
mote_status mote_zephyr_write(struct mote_zephyr* update, const void* data, uint32_t size);
mote_status mote_zephyr_finish(struct mote_zephyr* update);

/* Gives up an update that is not finished. new_area then holds no image. */
void mote_zephyr_abandon(struct mote_zephyr* update);

#if defined(CONFIG_MOTE_MCUBOOT)
/* Has MCUboot start the new image at the next start, on trial. Before, compare the digest with a
 * signed one, or have MCUboot check signatures. Returns MOTE_DONE, MOTE_FLASH_ERROR, or
 * MOTE_BAD_ARGUMENT if the last status was not MOTE_DONE. REQUIRES: new_area is MCUboot's secondary
 * slot. */
mote_status mote_zephyr_activate(struct mote_zephyr* update);
#endif

#ifdef __cplusplus
}
#endif
