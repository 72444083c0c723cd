// SPDX-License-Identifier: Apache-2.0
// What GCC and BearSSL call of a C library, as small as it gets.
#include "string.h"

void* memcpy(void* to, const void* from, size_t size) {
  char* target = to;
  for (const char* source = from; size != 0; --size) *target++ = *source++;
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  if ((char*)to < (const char*)from) return memcpy(to, from, size);
  while (size-- != 0) ((char*)to)[size] = ((const char*)from)[size];
  return to;
}

void* memset(void* to, int byte, size_t size) {
  for (char* target = to; size != 0; --size) *target++ = (char)byte;
  return to;
}
