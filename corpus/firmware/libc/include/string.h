// SPDX-License-Identifier: Apache-2.0
// Memory and string functions of the corpus' small C library (string.c).
#pragma once
#include <stddef.h>

void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* a, const void* b, size_t size);
void* memchr(const void* from, int value, size_t size);
size_t strlen(const char* text);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t size);
char* strcpy(char* to, const char* from);
char* strncpy(char* to, const char* from, size_t size);
char* strchr(const char* text, int value);
char* strstr(const char* text, const char* part);
