// SPDX-License-Identifier: Apache-2.0
// Memory and string functions, written for size. Compiled with -fno-tree-loop-distribute-patterns, so that the
// compiler does not turn a loop here into a call of the function it is the body of.
#include <string.h>

void* memcpy(void* to, const void* from, size_t size) {
  char* t = to;
  const char* f = from;
  while (size--) *t++ = *f++;
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  char* t = to;
  const char* f = from;
  if (t <= f) return memcpy(to, from, size);
  while (size--) t[size] = f[size];
  return to;
}

void* memset(void* to, int value, size_t size) {
  char* t = to;
  while (size--) *t++ = (char)value;
  return to;
}

int memcmp(const void* a, const void* b, size_t size) {
  const unsigned char* x = a;
  const unsigned char* y = b;
  for (; size--; ++x, ++y) {
    if (*x != *y) return *x - *y;
  }
  return 0;
}

void* memchr(const void* from, int value, size_t size) {
  const unsigned char* f = from;
  for (; size--; ++f) {
    if (*f == (unsigned char)value) return (void*)f;
  }
  return NULL;
}

size_t strlen(const char* text) {
  const char* end = text;
  while (*end) ++end;
  return (size_t)(end - text);
}

int strncmp(const char* a, const char* b, size_t size) {
  for (; size; --size, ++a, ++b) {
    if (*a != *b) return (unsigned char)*a - (unsigned char)*b;
    if (!*a) break;
  }
  return 0;
}

int strcmp(const char* a, const char* b) { return strncmp(a, b, (size_t)-1); }

char* strncpy(char* to, const char* from, size_t size) {
  size_t i = 0;
  for (; i < size && from[i]; ++i) to[i] = from[i];
  for (; i < size; ++i) to[i] = 0;
  return to;
}

char* strcpy(char* to, const char* from) { return memcpy(to, from, strlen(from) + 1); }

char* strchr(const char* text, int value) {
  for (;; ++text) {
    if (*text == (char)value) return (char*)text;
    if (!*text) return NULL;
  }
}

char* strstr(const char* text, const char* part) {
  size_t size = strlen(part);
  for (; *text; ++text) {
    if (!strncmp(text, part, size)) return (char*)text;
  }
  return size ? NULL : (char*)text;
}
