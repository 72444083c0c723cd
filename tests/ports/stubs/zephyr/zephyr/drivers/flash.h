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

struct flash_pages_info {
  off_t start_offset;
  size_t size;
  uint32_t index;
};

int flash_get_page_info_by_offs(const struct device* device, off_t offset,
                                struct flash_pages_info* info);

#ifdef __cplusplus
}
#endif
