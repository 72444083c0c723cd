// SPDX-License-Identifier: Apache-2.0
// Only the type: the corpus' boards have no calendar.
#pragma once
typedef long time_t;
