// SPDX-License-Identifier: Apache-2.0
// The few printf length macros that the libraries of the corpus use.
#pragma once
#include <stdint.h>

#define PRId32 "ld"
#define PRIu32 "lu"
#define PRIx32 "lx"
#define PRIX32 "lX"
