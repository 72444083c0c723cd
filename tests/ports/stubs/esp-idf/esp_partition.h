/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for ESP-IDF's header of this name: what ports/esp-idf uses of it, declared after
 * Espressif's documentation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int esp_err_t; /* in esp_err.h, which this one includes */
#define ESP_OK 0
#define ESP_FAIL -1

typedef struct esp_flash_t esp_flash_t;

typedef struct {
  esp_flash_t* flash_chip;
  int type; /* enumerations */
  int subtype;
  uint32_t address;
  uint32_t size;
  uint32_t erase_size;
  char label[17];
  bool encrypted;
} esp_partition_t;

esp_err_t esp_partition_read(const esp_partition_t* partition, size_t offset, void* to,
                             size_t size);
esp_err_t esp_partition_write(const esp_partition_t* partition, size_t offset, const void* data,
                              size_t size);
esp_err_t esp_partition_erase_range(const esp_partition_t* partition, size_t offset, size_t size);

#ifdef __cplusplus
}
#endif
