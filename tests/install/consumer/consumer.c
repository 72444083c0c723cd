/* SPDX-License-Identifier: Apache-2.0 */
/* A user's firmware in C: the installed header compiles as C, and the installed library has its functions. */
#include <stdio.h>
#include <string.h>

#include "stream/mote.h"

int main(void) {
  static mote_updater updater;
  static const mote_updater_config nothing;
  const int right = mote_updater_init(&updater, &nothing) == MOTE_BAD_ARGUMENT &&
                    strcmp(mote_status_name(MOTE_WRONG_BASE), "wrong_base") == 0;
  puts(right ? "C: right" : "C: WRONG");
  return right ? 0 : 1;
}
