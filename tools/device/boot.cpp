// SPDX-License-Identifier: Apache-2.0
// The least bootloader with signatures, for tools/footprint: the caller's side, which is not counted. It is linked and
// inspected, not run, so the flash comes from outside.
#include "agent/boot.h"
#include "crypto/sha256_bearssl.h"
#include "crypto/signature_bearssl.h"

constexpr uint32_t kBuffer = 256;

extern "C" mote::Status Firmware(mote::Layout& layout, mote::Trust& trust, mote::Metadata& metadata, uint8_t* buffer,
                                 br_sha256_context* sha256, mote::BootChoice& choice, uint8_t* memory) {
  trust.verifier = mote::BearsslP256Verifier();
  layout.trust = &trust;
#if MOTE_WITH_IN_PLACE
  constexpr uint32_t kMemory = mote::ModelMemory(mote::kFirstProfile);
#else
  constexpr uint32_t kMemory = 0;
#endif
  mote::Bootloader bootloader({layout, metadata, mote::BearsslSha256Functions(sha256), buffer, kBuffer, memory, kMemory});
  return bootloader.Boot(choice);
}

// The state in RAM by room, told through the sizes of symbols; the linker drops them.
#define RAM_OF(room, bytes)                 \
  extern "C" const uint8_t ram_of_##room[]; \
  const uint8_t ram_of_##room[(bytes)] = {}
#if MOTE_WITH_IN_PLACE
RAM_OF(in_place, sizeof(mote::InPlace) - sizeof(mote::Updater));
RAM_OF(stream, sizeof(mote::Updater));
RAM_OF(memory, mote::ModelMemory(mote::kFirstProfile));
RAM_OF(agent, sizeof(mote::Metadata) + sizeof(mote::Bootloader) - sizeof(mote::InPlace) + kBuffer);
#else
RAM_OF(agent, sizeof(mote::Metadata) + sizeof(mote::Bootloader) + kBuffer);
#endif
RAM_OF(crypto, sizeof(br_sha256_context));
