// SPDX-License-Identifier: Apache-2.0
// Nothing in the corpus sets errno; the header exists because libraries include it.
#pragma once
