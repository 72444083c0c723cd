// SPDX-License-Identifier: Apache-2.0
// The least firmware that updates itself with mote, for tools/footprint and tests/device: the caller's side, which is not
// counted. It is linked and inspected, not run, so flash and buffers come from outside.
#include "stream/checkpoint.h"
#include "stream/updater.h"
#ifdef WITH_SHA256
#include "crypto/sha256_bearssl.h"
#endif

extern "C" mote::Status Firmware(mote::Updater& updater, mote::UpdaterConfig& config, const uint8_t* delta, uint32_t size) {
#ifdef WITH_SHA256
  br_sha256_context sha256;
  config.hash = mote::BearsslSha256(&sha256);
#endif
  mote::Status status = updater.Init(config);
#if MOTE_WITH_CHECKPOINT
  // All that Session calls. Both stand in the buffer here.
  mote::Checkpoints& checkpoints = *reinterpret_cast<mote::Checkpoints*>(config.buffer);
  const mote::CheckpointConfig& checkpoint_config = *reinterpret_cast<const mote::CheckpointConfig*>(config.memory);
  const uint32_t skipped = checkpoints.Begin(checkpoint_config, updater, config);
  status = checkpoints.Write(updater, delta + skipped, size - skipped);
  checkpoints.Start(size);
  checkpoints.Complete(skipped);
  checkpoints.Discard();
#else
  if (status == mote::Status::kNeedInput) status = updater.Write(delta, size);
#endif
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
#if MOTE_WITH_CHECKPOINT
RAM_OF(stream, sizeof(mote::Updater) - sizeof(mote::Patcher) + sizeof(mote::Checkpoints));
#else
RAM_OF(stream, sizeof(mote::Updater) - sizeof(mote::Patcher));
#endif
#ifdef WITH_SHA256
RAM_OF(crypto, sizeof(br_sha256_context));
#endif
