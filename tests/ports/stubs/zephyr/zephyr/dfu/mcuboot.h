/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for Zephyr's header of this name: what ports/zephyr uses of it, declared after Zephyr's
 * documentation. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define BOOT_SWAP_TYPE_NONE 1
#define BOOT_SWAP_TYPE_REVERT 4
#define BOOT_UPGRADE_TEST 0

#ifdef __cplusplus
extern "C" {
#endif

int mcuboot_swap_type(void);
int boot_request_upgrade(int permanent);
ssize_t boot_get_trailer_status_offset(size_t area_size);

#ifdef __cplusplus
}
#endif
