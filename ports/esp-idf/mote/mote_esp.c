/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/esp-idf/mote/mote_esp.h"

#include <stddef.h>

#include "esp_ota_ops.h"

/* A partition that is encrypted is written in blocks of 16 bytes; others in any, but words are
 * quicker. */
enum { kEncryptedUnit = 16, kPlainUnit = 4 };

static mote_status partition_read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  const struct mote_esp_partition* app = context;
  return esp_partition_read(app->partition, offset, to, size) == ESP_OK ? MOTE_DONE
                                                                        : MOTE_READ_ERROR;
}

static mote_status partition_erase(void* context, uint32_t offset) {
  const struct mote_esp_partition* app = context;
  return esp_partition_erase_range(app->partition, offset, app->flash.erase_unit) == ESP_OK
             ? MOTE_DONE
             : MOTE_FLASH_ERROR;
}

static mote_status partition_program(void* context, uint32_t offset, const uint8_t* data,
                                     uint32_t size) {
  const struct mote_esp_partition* app = context;
  return esp_partition_write(app->partition, offset, data, size) == ESP_OK ? MOTE_DONE
                                                                           : MOTE_FLASH_ERROR;
}

static void open_partition(struct mote_esp_partition* app, const esp_partition_t* partition) {
  app->partition = partition;
  app->flash = (mote_flash){
      .read = partition_read,
      .erase = partition_erase,
      .program = partition_program,
      .context = app,
      .erase_unit = partition->erase_size,
      .program_unit = partition->encrypted ? kEncryptedUnit : kPlainUnit,
      .erased_value = 0xFF,
  };
}

mote_status mote_esp_begin(struct mote_esp* update, const struct mote_esp_config* config) {
  const esp_partition_t* running = esp_ota_get_running_partition();
  const esp_partition_t* next = esp_ota_get_next_update_partition(NULL);
  esp_ota_img_states_t state;
  update->status = MOTE_BAD_ARGUMENT;
  if (running == NULL || next == NULL || next == running) return MOTE_BAD_ARGUMENT;
  /* A factory app has no state, nor has one that was never started on trial. */
  if (esp_ota_get_state_partition(running, &state) == ESP_OK &&
      state == ESP_OTA_IMG_PENDING_VERIFY) {
    return MOTE_BAD_ARGUMENT;
  }

  open_partition(&update->old_app, running);
  open_partition(&update->new_app, next);
  {
    const mote_updater_config updater = {
        .old_slot = {&update->old_app.flash, 0, running->size},
        .new_slot = {&update->new_app.flash, 0, next->size},
        .buffer = config->buffer,
        .buffer_size = config->buffer_size,
        .memory = config->memory,
        .memory_size = config->memory_size,
        .hash = config->hash,
    };
    update->status = mote_updater_init(&update->updater, &updater);
  }
  return update->status;
}

mote_status mote_esp_write(struct mote_esp* update, const void* data, uint32_t size) {
  if (update->status == MOTE_NEED_INPUT) {
    update->status = mote_updater_write(&update->updater, data, size);
  }
  return update->status;
}

mote_status mote_esp_finish(struct mote_esp* update) {
  if (update->status == MOTE_NEED_INPUT) update->status = mote_updater_finish(&update->updater);
  return update->status;
}

mote_status mote_esp_activate(struct mote_esp* update) {
  if (update->status != MOTE_DONE) return MOTE_BAD_ARGUMENT;
  switch (esp_ota_set_boot_partition(update->new_app.partition)) {
    case ESP_OK:
      return MOTE_DONE;
    case ESP_ERR_OTA_VALIDATE_FAILED:
      return MOTE_CORRUPT;
    default:
      return MOTE_FLASH_ERROR;
  }
}
