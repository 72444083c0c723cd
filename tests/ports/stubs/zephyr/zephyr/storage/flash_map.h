/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for Zephyr's header of this name: what ports/zephyr uses of it, declared after Zephyr's
 * documentation. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct device;

struct flash_area {
  uint8_t fa_id;
  uint16_t pad16;
  off_t fa_off;
  size_t fa_size;
  const struct device* fa_dev;
};

int flash_area_open(uint8_t id, const struct flash_area** area);
void flash_area_close(const struct flash_area* area);
int flash_area_read(const struct flash_area* area, off_t offset, void* to, size_t size);
int flash_area_write(const struct flash_area* area, off_t offset, const void* data, size_t size);
int flash_area_erase(const struct flash_area* area, off_t offset, size_t size);
uint32_t flash_area_align(const struct flash_area* area);
uint8_t flash_area_erased_val(const struct flash_area* area);
const struct device* flash_area_get_device(const struct flash_area* area);

#ifdef __cplusplus
}
#endif
