// SPDX-License-Identifier: Apache-2.0
// The least firmware that updates itself with mote, for tools/footprint and tests/device: the caller's side, which is not
// counted. It is linked and inspected, not run, so flash and buffers come from outside.
#include "stream/updater.h"
#ifdef WITH_SHA256
#include "stream/sha256_bearssl.h"
#endif

extern "C" mote::Status Firmware(mote::Updater& updater, mote::UpdaterConfig& config, const uint8_t* delta, uint32_t size) {
#ifdef WITH_SHA256
  br_sha256_context sha256;
  config.hash = mote::BearsslSha256(&sha256);
#endif
  mote::Status status = updater.Init(config);
  if (status == mote::Status::kNeedInput) status = updater.Write(delta, size);
  if (status == mote::Status::kNeedInput) status = updater.Finish();
#ifdef WITH_SHA256
  br_sha256_out(&sha256, config.buffer);
#endif
  return status;
}

// The state in RAM by room, told through the sizes of symbols; the linker drops them.
#define RAM_OF(room, bytes)                 \
  extern "C" const uint8_t ram_of_##room[]; \
  const uint8_t ram_of_##room[(bytes)] = {}
#if MOTE_WITH_LZSS
RAM_OF(lzss, sizeof(mote::lzss::Decoder));
RAM_OF(patch, sizeof(mote::Patcher) - sizeof(mote::lzss::Decoder));
#else
RAM_OF(patch, sizeof(mote::Patcher));
#endif
#if MOTE_WITH_MODEL
RAM_OF(memory, mote::ModelMemory(mote::kFirstProfile));
#else
RAM_OF(memory, 1024);  // a window
#endif
RAM_OF(stream, sizeof(mote::Updater) - sizeof(mote::Patcher));
#ifdef WITH_SHA256
RAM_OF(sha256, sizeof(br_sha256_context));
#endif
