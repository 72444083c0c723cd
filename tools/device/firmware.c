/* SPDX-License-Identifier: Apache-2.0 */
/* firmware.cpp in C: the caller's side of stream/mote.h, which is not counted. */
#include "stream/mote.h"

mote_status Firmware(mote_updater* updater, const mote_updater_config* config, const uint8_t* delta, uint32_t size);

mote_status Firmware(mote_updater* updater, const mote_updater_config* config, const uint8_t* delta, uint32_t size) {
  mote_status status = mote_updater_init(updater, config);
  if (status == MOTE_NEED_INPUT) status = mote_updater_write(updater, delta, size);
  if (status == MOTE_NEED_INPUT) status = mote_updater_finish(updater);
  return status;
}

extern const uint8_t ram_of_c_api[];
const uint8_t ram_of_c_api[sizeof(mote_updater)] = {0};
extern const uint8_t ram_of_memory[];
const uint8_t ram_of_memory[1024] = {0}; /* a window */
