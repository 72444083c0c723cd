// SPDX-License-Identifier: Apache-2.0
// What picolibc leaves to the board: the console behind stdio; no files, no process.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ports/microbit/app/app.h"

static int Put(char c, FILE* file) {
  (void)file;
  if (c == '\n') BoardPut('\r');
  BoardPut(c);
  return 0;
}

static int Get(FILE* file) {
  (void)file;
  return EOF;
}

static FILE console = FDEV_SETUP_STREAM(Put, Get, NULL, _FDEV_SETUP_RW);
FILE* const stdin = &console;
FILE* const stdout = &console;
FILE* const stderr = &console;

FILE* fopen(const char* path, const char* mode) {
  (void)path, (void)mode;
  return NULL;
}

FILE* freopen(const char* path, const char* mode, FILE* file) {
  (void)path, (void)mode, (void)file;
  return NULL;
}

// Files do not open: there is one thing to say of them.
char* strerror(int error) {
  (void)error;
  return "no files";
}

void abort(void) {
  *(volatile uint32_t*)0xE000ED0C = 0x05FA0004;  // SYSRESETREQ
  for (;;) {
  }
}

time_t time(time_t* to) {
  const time_t now = (time_t)(BoardMilliseconds() / 1000);
  if (to) *to = now;
  return now;
}

clock_t clock(void) { return (clock_t)BoardMilliseconds(); }
