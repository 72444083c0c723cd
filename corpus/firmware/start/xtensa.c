// SPDX-License-Identifier: Apache-2.0
// Start-up of the Xtensa lx106 images. The boot ROM jumps to the entry point with a stack of its own.
#include "board.h"
#include "start/memory.h"

__attribute__((used, noreturn)) void Start(void) {
  StartProgram();
  __builtin_unreachable();
}

__asm__(
    ".section .vectors, \"ax\"\n"
    ".literal_position\n"
    ".global Entry\n"
    ".align 4\n"
    "Entry:\n"
    "  movi a1, fw_stack_top\n"
    "  movi a0, Start\n"
    "  jx a0\n"
    ".text\n");

// The lx106 does not divide; the compiler's library leaves these to the boot ROM of the ESP8266.
static uint32_t Divide(uint32_t value, uint32_t by, uint32_t* rest) {
  uint32_t quotient = 0, remainder = 0;
  for (int bit = 31; bit >= 0; --bit) {
    remainder = remainder << 1 | (value >> bit & 1);
    quotient <<= 1;
    if (remainder >= by) {
      remainder -= by;
      quotient |= 1;
    }
  }
  *rest = remainder;
  return quotient;
}

uint32_t __udivsi3(uint32_t value, uint32_t by) {
  uint32_t rest;
  return Divide(value, by, &rest);
}

uint32_t __umodsi3(uint32_t value, uint32_t by) {
  uint32_t rest;
  Divide(value, by, &rest);
  return rest;
}

int32_t __divsi3(int32_t value, int32_t by) {
  uint32_t rest;
  uint32_t quotient = Divide(value < 0 ? 0u - (uint32_t)value : (uint32_t)value, by < 0 ? 0u - (uint32_t)by : (uint32_t)by,
                             &rest);
  return (int32_t)((value < 0) != (by < 0) ? 0u - quotient : quotient);
}

typedef union {
  uint64_t whole;
  struct {
    uint32_t low, high;
  } half;
} Wide;

// By 16 bits at a time: a 64-bit product written in C would call this very function.
uint64_t __muldi3(uint64_t a, uint64_t b) {
  Wide left = {a}, right = {b}, product;
  uint32_t l0 = left.half.low & 0xffff, l1 = left.half.low >> 16;
  uint32_t r0 = right.half.low & 0xffff, r1 = right.half.low >> 16;
  uint32_t low = l0 * r0, middle = l1 * r0 + (low >> 16), middle2 = l0 * r1 + (middle & 0xffff);
  product.half.low = middle2 << 16 | (low & 0xffff);
  product.half.high = l1 * r1 + (middle >> 16) + (middle2 >> 16) + left.half.low * right.half.high +
                      left.half.high * right.half.low;
  return product.whole;
}

static uint64_t DivideWide(uint64_t value, uint64_t by, uint64_t* rest) {
  uint64_t quotient = 0, remainder = 0;
  for (int bit = 63; bit >= 0; --bit) {
    remainder = remainder << 1 | (value >> bit & 1);
    quotient <<= 1;
    if (remainder >= by) {
      remainder -= by;
      quotient |= 1;
    }
  }
  *rest = remainder;
  return quotient;
}

uint64_t __udivdi3(uint64_t value, uint64_t by) {
  uint64_t rest;
  return DivideWide(value, by, &rest);
}

uint64_t __umoddi3(uint64_t value, uint64_t by) {
  uint64_t rest;
  DivideWide(value, by, &rest);
  return rest;
}
