// SPDX-License-Identifier: Apache-2.0
// Updates in a build with trust: the device takes offers, which answer its token and are signed
// (agent/agent.h), and says on the console what it refuses and why.
#include "agent/agent.h"
#include "crypto/sha256_bearssl.h"
#include "crypto/signature_bearssl.h"
#include "patch/model.h"
#include "ports/microbit/app/note.h"
#include "ports/microbit/app/update.h"
#include "ports/microbit/board/board.h"
#include "ports/microbit/board/flash.h"
#include "ports/microbit/board/layout.h"
#include "ports/microbit/board/trust.h"
#include "ports/transport/device_link.h"

namespace microbit {
namespace {

using mote::Status;

static_assert(mote::kLinkTokenSize == mote::kTokenSize);

constexpr uint32_t kSignInterval = 100;  // milliseconds, while the host waits
/// Of codec model: 2 KiB for the decoder, where the build without trust has 4. The interpreter
/// needs the rest.
constexpr unsigned kProfile = 1;

mote::Layout layout;
mote::CheckpointArea checkpoints;
mote::Metadata metadata;
mote::Agent agent;
mote::DeviceLink link;
br_sha256_context sha256, delta_sha256;
alignas(uint32_t) uint8_t memory[mote::kModelRam[kProfile] - mote::kUpdaterRam];
alignas(uint32_t) uint8_t sector[kPage];
Status loaded;
uint8_t running;
uint32_t offer_identity, offer_size;
uint32_t last_sign;
bool open;

bool Verify(void*, const mote::PublicKey& key, const uint8_t* digest, const uint8_t* signature) {
  link.Silent();  // for six seconds
  const mote::SignatureVerifier p256 = mote::BearsslP256Verifier();
  return p256.verify(p256.context, key, digest, signature);
}

constexpr mote::Trust kTrust =
    BoardTrust({&Verify, nullptr, 1 << static_cast<int>(mote::SignatureAlgorithm::kP256)});

void Report(Status status) {
  Print("update: ");
  Print(mote::StatusName(status));
}

/// The end of an update that was refused: why.
Status Refuse(Status status) {
  if (status == Status::kNeedInput || status == Status::kDone) return status;
  open = false;
  Report(status);
  Print("\n");
  return status;
}

Status Token(void*, uint8_t* token) {
  open = false;
  return loaded == Status::kDone ? agent.Request(token) : loaded;
}

Status Open(void*, uint32_t identity, uint32_t size, uint32_t&) {
  if (loaded != Status::kDone) return loaded;
  if (IsInstalled(identity, size, metadata.slot(running))) return Status::kDone;
  offer_identity = identity;
  offer_size = size;
  const Status status = agent.Begin();
  open = status == Status::kNeedInput;
  return Refuse(status);
}

Status Write(void*, const uint8_t* data, uint32_t size) {
  return Refuse(agent.Write(agent.wanted(), data, size));
}

uint32_t Wanted(void*) { return agent.wanted(); }

Status Finish(void*) {
  const Status status = agent.Finish();
  if (status == Status::kNeedInput) return status;
  open = false;
  const mote::Session& session = agent.session();
  if (status == Status::kDone) {
    WriteNote(offer_identity, offer_size, mote::GetNumber(session.digest()));
  }
  Report(status);
  Print(", pages written ");
  PrintNumber(session.sectors_written());
  Print(", kept from before ");
  PrintNumber(session.sectors_kept());
  Print(", begun at byte ");
  PrintNumber(session.offset());
  Print(", checkpoints ");
  PrintNumber(session.checkpoints().written());
  Print("\n");
  return status;
}

void Restart(void*) { Reset(); }

void Put(void*, uint8_t byte) { PutByte(byte); }

}  // namespace

void FlashUsed() {
  if (!open || Milliseconds() - last_sign < kSignInterval) return;
  last_sign = Milliseconds();
  const bool has_session = agent.state() == mote::AgentState::kReceivePayload ||
                           agent.state() == mote::AgentState::kVerifyImage;
  link.Busy(has_session ? agent.session().produced() : 0,
            has_session ? agent.session().new_size() : 0);
}

uint8_t UpdateStart() {
  layout = SlotLayout();
  layout.trust = &kTrust;
  checkpoints = CheckpointLayout();
  running = mote::SlotAtAddress(layout, AddressOf(fw_image_start));
  loaded = metadata.Load(layout);
  mote::AgentConfig config{};
  config.layout = &layout;
  config.metadata = &metadata;
  config.running = running;
  ReadDeviceId(config.device);
  config.buffer = sector;
  config.buffer_size = sizeof sector;
  config.memory = memory;
  config.memory_size = sizeof memory;
  config.sha256 = mote::BearsslSha256Functions(&sha256);
  config.delta_sha256 = mote::BearsslSha256Functions(&delta_sha256);
  config.random = &ReadRandom;
  config.checkpoints = &checkpoints;
  if (loaded == Status::kDone) loaded = agent.Init(config);
  mote::DeviceLinkConfig ends{{&Put, nullptr}, &Open, &Write, &Finish, &Restart, nullptr};
  ends.token = &Token;
  ends.wanted = &Wanted;
  link.Init(ends);
  return running;
}

bool UpdateInput(uint8_t byte) { return link.Put(byte); }

void UpdateConfirm() {
  if (loaded == Status::kDone) mote::Confirm(layout, metadata, running);
}

}  // namespace microbit
