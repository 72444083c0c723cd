// SPDX-License-Identifier: Apache-2.0
// lwIP's view of the compiler and the C library.
#pragma once

#define LWIP_NO_UNISTD_H 1
#define LWIP_PLATFORM_DIAG(message) \
  do {                              \
  } while (0)
#define LWIP_PLATFORM_ASSERT(message) \
  do {                                \
  } while (1)
