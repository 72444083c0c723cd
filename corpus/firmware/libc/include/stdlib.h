// SPDX-License-Identifier: Apache-2.0
// Conversions and the heap of the corpus' small C library (stdlib.c).
#pragma once
#include <stddef.h>

int abs(int value);
int atoi(const char* text);
long strtol(const char* text, char** end, int base);
void* malloc(size_t size);
void* calloc(size_t count, size_t size);
void free(void* block);
_Noreturn void abort(void);
_Noreturn void exit(int status);

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
