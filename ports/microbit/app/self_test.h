// SPDX-License-Identifier: Apache-2.0
// Whether the ciphers work.
#pragma once

// Runs all tests: a known answer for each cipher. Returns how many gave it; `count`: of how many.
unsigned SelfTest(unsigned* count);
