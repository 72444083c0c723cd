/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote over ESP-IDF's partitions: an update from the first byte of a delta to an app that the
 * second-stage bootloader takes at the next start. The old image is the app that runs, the new one
 * goes into the next OTA partition, as with esp_ota_begin, esp_ota_write and esp_ota_end.
 *
 *     static struct mote_esp update;                           // stays where it is until the end
 *     static uint8_t sector[4096];
 *     static uint32_t memory[4096 / 4];
 *
 *     const struct mote_esp_config config = {
 *         .buffer = sector, .buffer_size = sizeof sector,
 *         .memory = (uint8_t*)memory, .memory_size = sizeof memory,
 *         .hash = {sha256_update, &sha256},                    // or {NULL, NULL}
 *     };
 *     mote_status status = mote_esp_begin(&update, &config);
 *     while (status == MOTE_NEED_INPUT && (size = receive(piece, sizeof piece)) != 0) {
 *       status = mote_esp_write(&update, piece, size);
 *     }
 *     if (status == MOTE_NEED_INPUT) status = mote_esp_finish(&update);
 *     if (status == MOTE_DONE) status = mote_esp_activate(&update);
 *     if (status == MOTE_DONE) esp_restart();
 *
 * One update belongs to one task, which the flash driver blocks. No heap of its own; esp_ota_* may
 * take some. There is nothing to free: an update may be abandoned at any time, and mote_esp_begin
 * starts the next one.
 */
#pragma once

#include "esp_partition.h"
#include "stream/mote.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mote_esp_config {
  uint8_t* buffer; /* as in mote_updater_config; its size is a multiple of 16 */
  uint32_t buffer_size;
  uint8_t* memory;
  uint32_t memory_size;
  mote_hash hash;
};

/* A partition as mote sees it. */
struct mote_esp_partition {
  mote_flash flash; /* its context is this structure */
  const esp_partition_t* partition;
};

/* An update; what is inside is not for the caller. */
struct mote_esp {
  mote_updater updater;
  struct mote_esp_partition old_app, new_app;
  mote_status status; /* the last one */
};

/* Starts an update; nothing is erased before the delta's header was checked. Returns
 * MOTE_NEED_INPUT, or MOTE_BAD_ARGUMENT: as mote_updater_init; there is no OTA partition to write
 * to; or the app that runs is on trial (ESP_OTA_IMG_PENDING_VERIFY): it must be confirmed first
 * (esp_ota_mark_app_valid_cancel_rollback), since the other partition holds what it would be rolled
 * back to. */
mote_status mote_esp_begin(struct mote_esp* update, const struct mote_esp_config* config);

/* As mote_updater_write and mote_updater_finish; the first status that is not MOTE_NEED_INPUT is
 * final. */
mote_status mote_esp_write(struct mote_esp* update, const void* data, uint32_t size);
mote_status mote_esp_finish(struct mote_esp* update);

/* Has the new app started at the next start, on trial where CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE
 * is set. Before, compare the digest with a signed one, or use secure boot. Returns MOTE_DONE;
 * MOTE_CORRUPT: ESP-IDF does not take the image for an app, or its signature does not hold;
 * MOTE_FLASH_ERROR; MOTE_BAD_ARGUMENT if the last status was not MOTE_DONE. */
mote_status mote_esp_activate(struct mote_esp* update);

#ifdef __cplusplus
}
#endif
