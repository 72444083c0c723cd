// SPDX-License-Identifier: Apache-2.0
#include "ports/microbit/app/arena.h"

#include <string.h>

typedef struct Free {
  struct Free* next;  // at a higher address
  size_t size;
} Free;

extern char fw_heap_start[], fw_heap_end[];
static Free* list;
static size_t used, peak;

static size_t Rounded(size_t size) { return (size + 7) & ~(size_t)7; }

void ArenaInit(void) {
  list = (Free*)fw_heap_start;
  list->next = NULL;
  list->size = ArenaSize();
  used = peak = 0;
}

static void* Take(size_t size) {
  for (Free** link = &list; *link; link = &(*link)->next) {
    Free* const block = *link;
    if (block->size < size) continue;
    if (block->size == size) {
      *link = block->next;
    } else {
      Free* const rest = (Free*)((char*)block + size);
      rest->next = block->next;
      rest->size = block->size - size;
      *link = rest;
    }
    used += size;
    if (used > peak) peak = used;
    return block;
  }
  return NULL;
}

static void Give(void* memory, size_t size) {
  if (size == 0) return;
  Free** link = &list;
  Free* before = NULL;
  while (*link && (char*)*link < (char*)memory) {
    before = *link;
    link = &before->next;
  }
  Free* block = memory;
  block->next = *link;
  block->size = size;
  *link = block;
  if (block->next && (char*)block + size == (char*)block->next) {
    block->size += block->next->size;
    block->next = block->next->next;
  }
  if (before && (char*)before + before->size == (char*)block) {
    before->size += block->size;
    before->next = block->next;
  }
  used -= size;
}

void* ArenaAllocate(void* context, void* block, size_t old_size, size_t new_size) {
  (void)context;
  const size_t have = block ? Rounded(old_size) : 0;
  const size_t want = Rounded(new_size);
  if (want <= have) {
    if (block) Give((char*)block + want, have - want);
    return want ? block : NULL;
  }
  void* const to = Take(want);
  if (to && block) {
    memcpy(to, block, old_size);
    Give(block, have);
  }
  return to;
}

size_t ArenaUsed(void) { return used; }
size_t ArenaPeak(void) { return peak; }
size_t ArenaSize(void) { return (size_t)(fw_heap_end - fw_heap_start) & ~(size_t)7; }
