// SPDX-License-Identifier: Apache-2.0
// Number conversion and a first-fit heap between the end of .bss and the stack (both named by the linker script).
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct Block {
  struct Block* next;
  size_t size;  // of the whole block, this header included
};

extern char fw_heap_start[], fw_heap_end[];
static struct Block* free_list;
static int heap_ready;

int abs(int value) { return value < 0 ? -value : value; }

long strtol(const char* text, char** end, int base) {
  unsigned long value = 0;
  int negative = 0;
  while (isspace(*text)) ++text;
  if (*text == '-' || *text == '+') negative = *text++ == '-';
  if ((base == 0 || base == 16) && text[0] == '0' && (text[1] | 32) == 'x') {
    text += 2;
    base = 16;
  }
  if (base == 0) base = 10;
  for (; isalnum(*text); ++text) {
    int digit = isdigit(*text) ? *text - '0' : (*text | 32) - 'a' + 10;
    if (digit >= base) break;
    value = value * (unsigned)base + (unsigned)digit;
  }
  if (end) *end = (char*)text;
  return negative ? -(long)value : (long)value;
}

int atoi(const char* text) { return (int)strtol(text, NULL, 10); }

void* malloc(size_t size) {
  if (!heap_ready) {
    heap_ready = 1;
    free_list = (struct Block*)fw_heap_start;
    free_list->next = NULL;
    free_list->size = (size_t)(fw_heap_end - fw_heap_start);
  }
  size = (size + sizeof(struct Block) + 7) & ~(size_t)7;
  for (struct Block** link = &free_list; *link; link = &(*link)->next) {
    struct Block* block = *link;
    if (block->size < size) continue;
    if (block->size >= size + 2 * sizeof(struct Block)) {
      struct Block* rest = (struct Block*)((char*)block + size);
      rest->next = block->next;
      rest->size = block->size - size;
      block->size = size;
      *link = rest;
    } else {
      *link = block->next;
    }
    return block + 1;
  }
  return NULL;
}

void* calloc(size_t count, size_t size) {
  if (size && count > SIZE_MAX / size) return NULL;
  void* block = malloc(count * size);
  return block ? memset(block, 0, count * size) : NULL;
}

void free(void* memory) {
  if (!memory) return;
  struct Block* block = (struct Block*)memory - 1;
  struct Block** link = &free_list;
  while (*link && *link < block) link = &(*link)->next;
  block->next = *link;
  *link = block;
  for (struct Block* at = free_list; at && at->next;) {
    if ((char*)at + at->size == (char*)at->next) {
      at->size += at->next->size;
      at->next = at->next->next;
    } else {
      at = at->next;
    }
  }
}

void abort(void) {
  for (;;) {
  }
}

void exit(int status) {
  (void)status;
  abort();
}
