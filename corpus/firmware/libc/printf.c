// SPDX-License-Identifier: Apache-2.0
// printf and snprintf: %d %i %u %x %X %c %s %p %%, with flags '-' and '0', width, precision of strings, and 'l', 'z', 'h'.
#include <stdio.h>
#include <string.h>

#include "board.h"

struct Out {
  char* to;  // NULL: to the console
  size_t room;
  int count;
};

static void Put(struct Out* out, char c) {
  if (!out->to) {
    board_putc(c);
  } else if ((size_t)out->count + 1 < out->room) {
    out->to[out->count] = c;
  }
  ++out->count;
}

static void PutField(struct Out* out, const char* text, int size, int width, int left, char pad) {
  int fill = width > size ? width - size : 0;
  if (!left) {
    while (fill-- > 0) Put(out, pad);
  }
  for (int i = 0; i < size; ++i) Put(out, text[i]);
  if (left) {
    while (fill-- > 0) Put(out, ' ');
  }
}

static void PutNumber(struct Out* out, unsigned long value, unsigned base, int negative, int upper, int width, int left,
                      char pad) {
  char text[12];
  int at = sizeof text;
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  do {
    text[--at] = digits[value % base];
    value /= base;
  } while (value);
  if (negative) text[--at] = '-';
  PutField(out, text + at, (int)sizeof text - at, width, left, pad);
}

static void Format(struct Out* out, const char* format, va_list args) {
  for (; *format; ++format) {
    if (*format != '%') {
      Put(out, *format);
      continue;
    }
    int left = 0, width = 0, precision = -1;
    char pad = ' ';
    for (++format; *format == '-' || *format == '0'; ++format) {
      if (*format == '-') left = 1;
      if (*format == '0') pad = '0';
    }
    if (*format == '*') {
      width = va_arg(args, int);
      ++format;
    }
    for (; *format >= '0' && *format <= '9'; ++format) width = width * 10 + *format - '0';
    if (*format == '.') {
      precision = 0;
      if (*++format == '*') {
        precision = va_arg(args, int);
        ++format;
      }
      for (; *format >= '0' && *format <= '9'; ++format) precision = precision * 10 + *format - '0';
    }
    while (*format == 'l' || *format == 'z' || *format == 'h') ++format;  // all of them are 32 bits wide here
    switch (*format) {
      case 'd':
      case 'i': {
        long value = va_arg(args, long);
        PutNumber(out, value < 0 ? 0UL - (unsigned long)value : (unsigned long)value, 10, value < 0, 0, width, left,
                  pad);
        break;
      }
      case 'u':
        PutNumber(out, va_arg(args, unsigned long), 10, 0, 0, width, left, pad);
        break;
      case 'x':
      case 'X':
      case 'p':
        PutNumber(out, va_arg(args, unsigned long), 16, 0, *format == 'X', width, left, pad);
        break;
      case 'c': {
        char c = (char)va_arg(args, int);
        PutField(out, &c, 1, width, left, ' ');
        break;
      }
      case 's': {
        const char* text = va_arg(args, const char*);
        if (!text) text = "(null)";
        int size = 0;
        while (text[size] && size != precision) ++size;
        PutField(out, text, size, width, left, ' ');
        break;
      }
      case 0:
        return;
      default:
        Put(out, *format);
    }
  }
}

int vsnprintf(char* to, size_t size, const char* format, va_list args) {
  struct Out out = {to, size, 0};
  Format(&out, format, args);
  if (size) to[(size_t)out.count < size ? (size_t)out.count : size - 1] = 0;
  return out.count;
}

int snprintf(char* to, size_t size, const char* format, ...) {
  va_list args;
  va_start(args, format);
  int count = vsnprintf(to, size, format, args);
  va_end(args);
  return count;
}

int printf(const char* format, ...) {
  struct Out out = {NULL, 0, 0};
  va_list args;
  va_start(args, format);
  Format(&out, format, args);
  va_end(args);
  return out.count;
}

// The compiler turns some calls of printf into these.
int putchar(int c) {
  board_putc((char)c);
  return c;
}

int puts(const char* text) {
  while (*text) board_putc(*text++);
  board_putc('\n');
  return 0;
}
