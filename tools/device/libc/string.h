// SPDX-License-Identifier: Apache-2.0
// Stands in for the C library on targets for which Debian has none.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int byte, size_t size);
int memcmp(const void* a, const void* b, size_t size);
size_t strlen(const char* text);

#ifdef __cplusplus
}
#endif
