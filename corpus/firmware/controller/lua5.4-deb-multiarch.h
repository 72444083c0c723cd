// SPDX-License-Identifier: Apache-2.0
// Stands in for the header that Debian's build of Lua generates: no multiarch paths on a bare board.
#pragma once
#define DEB_HOST_MULTIARCH ""
