// SPDX-License-Identifier: Apache-2.0
// Assertions are off in a release image.
#pragma once
#define assert(condition) ((void)0)
