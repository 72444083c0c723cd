/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/zephyr/mote_zephyr.h"

#include <stddef.h>
#include <zephyr/drivers/flash.h>
#if defined(CONFIG_MOTE_MCUBOOT)
#include <zephyr/dfu/mcuboot.h>
#endif

static mote_status area_read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  const struct mote_zephyr_area* area = context;
  return flash_area_read(area->area, (off_t)offset, to, size) == 0 ? MOTE_DONE : MOTE_READ_ERROR;
}

static mote_status area_erase(void* context, uint32_t offset) {
  const struct mote_zephyr_area* area = context;
  return flash_area_erase(area->area, (off_t)offset, area->flash.erase_unit) == 0
             ? MOTE_DONE
             : MOTE_FLASH_ERROR;
}

static mote_status area_program(void* context, uint32_t offset, const uint8_t* data,
                                uint32_t size) {
  const struct mote_zephyr_area* area = context;
  return flash_area_write(area->area, (off_t)offset, data, size) == 0 ? MOTE_DONE
                                                                      : MOTE_FLASH_ERROR;
}

/* The size of all pages of `area`. */
static mote_status find_erase_unit(const struct flash_area* area, uint32_t* unit) {
  struct flash_pages_info page;
  size_t offset;
  *unit = 0;
  for (offset = 0; offset < area->fa_size; offset += page.size) {
    const off_t at = area->fa_off + (off_t)offset;
    if (flash_get_page_info_by_offs(flash_area_get_device(area), at, &page) != 0) {
      return MOTE_READ_ERROR;
    }
    if (*unit == 0) *unit = (uint32_t)page.size;
    if (page.size == 0 || page.size != *unit || page.start_offset != at) return MOTE_BAD_ARGUMENT;
  }
  return *unit != 0 && offset == area->fa_size ? MOTE_DONE : MOTE_BAD_ARGUMENT;
}

/* Bytes that an image may take in `area`. */
static mote_status find_capacity(const struct mote_zephyr_area* area, uint32_t* capacity) {
#if defined(CONFIG_MOTE_MCUBOOT)
  const int next = mcuboot_swap_type();
  const ssize_t trailer = boot_get_trailer_status_offset(area->area->fa_size);
  if (next < 0) return MOTE_READ_ERROR;
  if (next != BOOT_SWAP_TYPE_NONE || trailer < 0) return MOTE_BAD_ARGUMENT;
  *capacity = (uint32_t)trailer - (uint32_t)trailer % area->flash.erase_unit;
#else
  *capacity = (uint32_t)area->area->fa_size;
#endif
  return MOTE_DONE;
}

static mote_status start(struct mote_zephyr* update, const struct mote_zephyr_config* config) {
  struct mote_zephyr_area *old_area = &update->old_area, *new_area = &update->new_area;
  mote_status status;

  /* The old area is only read. */
  old_area->flash =
      (mote_flash){.read = area_read, .context = old_area, .erase_unit = 1, .program_unit = 1};
  new_area->flash = (mote_flash){
      .read = area_read,
      .erase = area_erase,
      .program = area_program,
      .context = new_area,
      .program_unit = flash_area_align(new_area->area),
      .erased_value = flash_area_erased_val(new_area->area),
  };
  status = find_erase_unit(new_area->area, &new_area->flash.erase_unit);
  if (status == MOTE_DONE) status = find_capacity(new_area, &update->new_size);
  if (status == MOTE_DONE) {
    const mote_updater_config updater = {
        .old_slot = {&old_area->flash, 0, (uint32_t)old_area->area->fa_size},
        .new_slot = {&new_area->flash, 0, update->new_size},
        .buffer = config->buffer,
        .buffer_size = config->buffer_size,
        .memory = config->memory,
        .memory_size = config->memory_size,
        .hash = config->hash,
    };
    status = mote_updater_init(&update->updater, &updater);
  }
  return status;
}

/* A final status closes the areas. */
static mote_status settle(struct mote_zephyr* update, mote_status status) {
  update->status = status;
  if (status != MOTE_NEED_INPUT) {
    flash_area_close(update->old_area.area);
    flash_area_close(update->new_area.area);
  }
  return status;
}

mote_status mote_zephyr_begin(struct mote_zephyr* update, const struct mote_zephyr_config* config) {
  update->status = MOTE_BAD_ARGUMENT;
  if (config->old_area == config->new_area) return MOTE_BAD_ARGUMENT;
  if (flash_area_open(config->old_area, &update->old_area.area) != 0) return MOTE_BAD_ARGUMENT;
  if (flash_area_open(config->new_area, &update->new_area.area) != 0) {
    flash_area_close(update->old_area.area);
    return MOTE_BAD_ARGUMENT;
  }
  return settle(update, start(update, config));
}

mote_status mote_zephyr_write(struct mote_zephyr* update, const void* data, uint32_t size) {
  if (update->status != MOTE_NEED_INPUT) return update->status;
  return settle(update, mote_updater_write(&update->updater, data, size));
}

mote_status mote_zephyr_finish(struct mote_zephyr* update) {
  if (update->status != MOTE_NEED_INPUT) return update->status;
  return settle(update, mote_updater_finish(&update->updater));
}

void mote_zephyr_abandon(struct mote_zephyr* update) {
  if (update->status == MOTE_NEED_INPUT) settle(update, MOTE_BAD_ARGUMENT);
}

#if defined(CONFIG_MOTE_MCUBOOT)
mote_status mote_zephyr_activate(struct mote_zephyr* update) {
  const struct flash_area* area = update->new_area.area;
  int result;
  if (update->status != MOTE_DONE) return MOTE_BAD_ARGUMENT;
  if (flash_area_open(area->fa_id, &area) != 0) return MOTE_FLASH_ERROR;
  /* MCUboot's trailer is programmed next, and must be erased. The image ends before. */
  result = flash_area_erase(area, (off_t)update->new_size, area->fa_size - update->new_size);
  flash_area_close(area);
  if (result == 0) result = boot_request_upgrade(BOOT_UPGRADE_TEST);
  return result == 0 ? MOTE_DONE : MOTE_FLASH_ERROR;
}
#endif
