// SPDX-License-Identifier: Apache-2.0
// The sample application's parts. It is a field controller: rules in Lua read sensors and switch
// outputs, the console takes Lua statements, and updates arrive over the same serial line.
//
// APP_VERSION is 1, 2 or 3: releases in a row (controller.c has the differences).
// APP_FAULTY makes an image that crashes before it confirms itself.
// APP_LARGE is the build for a single slot: more of Lua's libraries, ciphers with a self-test, and
// an interpreter that makes room while an update arrives.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef APP_VERSION
#define APP_VERSION 1
#endif

// The board, for C.
void BoardPut(char c);
uint32_t BoardMilliseconds(void);
int BoardRead(unsigned channel);  // 0 to 4095; there are kChannels
void BoardSwitch(unsigned pin, int on);
enum { kChannels = 4 };

// The interpreter. `slot` is 'A' or 'B', where this image runs.
void ControllerStart(char slot);
// Runs the rules, once a second; returns whether they have run.
int ControllerPoll(void);
// A byte that was typed.
void ControllerInput(uint8_t byte);
// Ends the interpreter: from now on the arena is the caller's, until the next start.
void ControllerStop(void);

#ifdef __cplusplus
}
#endif
