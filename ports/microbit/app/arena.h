// SPDX-License-Identifier: Apache-2.0
// The interpreter's memory: what the linker left of RAM, as a list of free blocks without headers
// (Lua tells the size of what it gives back).
#pragma once

#include <stddef.h>

void ArenaInit(void);
// A lua_Alloc. Sizes are rounded up to 8 bytes.
void* ArenaAllocate(void* context, void* block, size_t old_size, size_t new_size);
// Bytes in use, and the most that ever were.
size_t ArenaUsed(void);
size_t ArenaPeak(void);
size_t ArenaSize(void);
