// SPDX-License-Identifier: Apache-2.0
#include "ports/microbit/app/update.h"

#include "agent/metadata.h"
#include "agent/session.h"
#include "crypto/sha256_bearssl.h"
#include "patch/model.h"
#include "ports/microbit/app/note.h"
#include "ports/microbit/board/board.h"
#include "ports/microbit/board/flash.h"
#include "ports/microbit/board/layout.h"
#include "ports/transport/device_link.h"

namespace microbit {
namespace {

using mote::Status;

constexpr uint32_t kSignInterval = 100;  // milliseconds, while the host waits

mote::Layout layout;
mote::CheckpointArea checkpoints;
mote::Metadata metadata;
mote::Session session;
mote::DeviceLink link;
br_sha256_context sha256;
alignas(uint32_t) uint8_t memory[mote::kModelRam[0] - mote::kUpdaterRam];
alignas(uint32_t) uint8_t sector[kPage];
Status loaded;
uint8_t running, target;
uint32_t delta_identity, delta_size;
uint32_t last_sign;
bool open;

Status Open(void*, uint32_t identity, uint32_t size, uint32_t& offset) {
  if (loaded != Status::kDone) return loaded;
  if (IsInstalled(identity, size, metadata.slot(running))) return Status::kDone;
  delta_identity = identity;
  delta_size = size;
  target = mote::InactiveSlot(layout, metadata, running);
  mote::SessionConfig config{};
  config.layout = &layout;
  config.metadata = &metadata;
  config.running = running;
  config.target = target;
  config.buffer = sector;
  config.buffer_size = sizeof sector;
  config.memory = memory;
  config.memory_size = sizeof memory;
  config.sha256 = mote::BearsslSha256Functions(&sha256);
  config.checkpoints = &checkpoints;
  config.delta = identity;
  config.delta_size = size;
  const Status status = session.Begin(config);
  open = status == Status::kNeedInput;
  if (open) offset = session.offset();
  return status;
}

Status Write(void*, const uint8_t* data, uint32_t size) { return session.Write(data, size); }

Status Finish(void*) {
  Status status = session.Finish();
  if (status == Status::kDone) {
    WriteNote(delta_identity, delta_size, mote::GetNumber(session.digest()));
    status = mote::Activate(layout, metadata, target);
  }
  if (status == Status::kNeedInput) return status;
  open = false;
  Print("update: ");
  Print(mote::StatusName(status));
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
  link.Busy(session.produced(), session.new_size());
}

uint8_t UpdateStart() {
  layout = SlotLayout();
  checkpoints = CheckpointLayout();
  running = mote::SlotAtAddress(layout, AddressOf(fw_image_start));
  loaded = metadata.Load(layout);
  link.Init({{&Put, nullptr}, &Open, &Write, &Finish, &Restart, nullptr});
  return running;
}

bool UpdateInput(uint8_t byte) { return link.Put(byte); }

void UpdateConfirm() {
  if (loaded == Status::kDone) mote::Confirm(layout, metadata, running);
}

}  // namespace microbit
