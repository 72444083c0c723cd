// SPDX-License-Identifier: Apache-2.0
// The least firmware with an update agent, for tools/footprint: the caller's side, which is not counted. It is linked and
// inspected, not run, so flash, keys and buffers come from outside.
#include "agent/agent.h"
#include "crypto/cipher_bearssl.h"
#include "crypto/sha256_bearssl.h"
#include "crypto/signature_bearssl.h"

extern "C" mote::Status Firmware(mote::Agent& agent, mote::AgentConfig& config, mote::Layout& layout, mote::Trust& trust,
                                 br_sha256_context* sha256, const uint8_t* key, uint8_t* token, const uint8_t* offer, uint32_t size) {
  trust.verifier = mote::BearsslP256Verifier();
  layout.trust = &trust;
  config.layout = &layout;
  config.sha256 = mote::BearsslSha256Functions(sha256);
  config.delta_sha256 = mote::BearsslSha256Functions(sha256 + 1);
#if MOTE_WITH_ENCRYPTION
  const mote::BearsslSecret secret = mote::BearsslP256Secret(key);
  const mote::BearsslSecrets secrets = {&secret, 1};
  const mote::PayloadCipher cipher = mote::BearsslCipher(&secrets);
  config.cipher = &cipher;
#endif
  mote::Status status = config.metadata->Load(layout);
  if (status == mote::Status::kDone) status = agent.Init(config);
  if (status == mote::Status::kDone) status = agent.Request(token);
  if (status == mote::Status::kDone) status = agent.Begin();
  if (status == mote::Status::kNeedInput) status = agent.Write(agent.wanted(), offer, size);
  if (status == mote::Status::kNeedInput) status = agent.Finish();
  if (*token == 0) status = mote::Confirm(layout, *config.metadata, config.running);
  return status;
}

// The state in RAM by room, told through the sizes of symbols; the linker drops them.
#define RAM_OF(room, bytes)                 \
  extern "C" const uint8_t ram_of_##room[]; \
  const uint8_t ram_of_##room[(bytes)] = {}
RAM_OF(memory, mote::ModelMemory(mote::kFirstProfile));
RAM_OF(agent, sizeof(mote::Metadata) + sizeof(mote::Agent));
RAM_OF(crypto, 2 * sizeof(br_sha256_context));
