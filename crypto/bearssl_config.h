// SPDX-License-Identifier: Apache-2.0
// For the compilation of BearSSL's own sources (-include crypto/bearssl_config.h, with BearSSL's
// inc/ and src/ among the include directories): its arrays are made for curves of up to 528 bits;
// here no curve is larger than P-256, and a verification takes some 40 % less stack.
// NOT for a firmware that uses larger curves as well: they would overrun the arrays.
#pragma once

#include <inner.h>

#undef BR_MAX_EC_SIZE
#define BR_MAX_EC_SIZE 256
