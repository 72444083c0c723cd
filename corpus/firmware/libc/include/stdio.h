// SPDX-License-Identifier: Apache-2.0
// Formatted output of the corpus' small C library (printf.c): integers, strings and characters, no floating point.
#pragma once
#include <stdarg.h>
#include <stddef.h>

typedef struct File FILE;

int printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
int puts(const char* text);
int putchar(int c);
int snprintf(char* to, size_t size, const char* format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char* to, size_t size, const char* format, va_list args);
