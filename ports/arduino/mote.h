/* SPDX-License-Identifier: Apache-2.0 */
/* What a sketch includes: <mote.h>. Libraries are found by a header at the top of src/; the manual
 * is stream/mote.h. */
#pragma once

#if defined(__cplusplus) && __cplusplus < 201703L
#error "mote needs C++17: see the -std option in the platform.txt of your board's core"
#endif

#include "stream/mote.h"
