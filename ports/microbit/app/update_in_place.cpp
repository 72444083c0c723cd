// SPDX-License-Identifier: Apache-2.0
// Updates in a build for a single slot: the file of an update in place is received into staging,
// proved while it arrives, and installed by the bootloader after a restart. The interpreter is
// closed meanwhile: its arena is the decoder's memory.
#include "agent/metadata.h"
#include "agent/session.h"
#include "crypto/sha256_bearssl.h"
#include "patch/model.h"
#include "ports/microbit/app/app.h"
#include "ports/microbit/app/note.h"
#include "ports/microbit/app/update.h"
#include "ports/microbit/board/board.h"
#include "ports/microbit/board/flash.h"
#include "ports/microbit/board/layout.h"
#include "ports/transport/device_link.h"

extern "C" {
extern uint8_t fw_heap_start[], fw_heap_end[];
}

namespace microbit {
namespace {

using mote::Status;

constexpr uint32_t kSignInterval = 100;  // milliseconds, while the host waits
constexpr uint32_t kPatience = 10000;    // milliseconds without a byte: the host is gone

/// What an update needs, in place of the interpreter.
struct Work {
  mote::Session session;
  br_sha256_context sha256;
  alignas(uint32_t) uint8_t memory[mote::kModelRam[0] - mote::kUpdaterRam];
  alignas(uint32_t) uint8_t sector[kPage];
};

mote::Layout layout;
mote::Metadata metadata;
mote::DeviceLink link;
Work* work;  // null: the interpreter has the arena
Status loaded;
uint8_t running;
uint32_t file_identity, file_size;
uint32_t last_sign, last_byte;
bool open, requested;

/// The end of an update that was refused: says why. The interpreter is started again at once.
Status Refuse(Status status) {
  if (status == Status::kNeedInput) return status;
  open = false;
  last_byte = Milliseconds() - kPatience;
  Print("update: ");
  Print(mote::StatusName(status));
  Print("\n");
  return status;
}

void MakeRoom() {
  if (work != nullptr) return;
  ControllerStop();
  work = reinterpret_cast<Work*>(fw_heap_start);
}

Status Open(void*, uint32_t identity, uint32_t size, uint32_t&) {
  if (loaded != Status::kDone) return loaded;
  if (IsInstalled(identity, size, metadata.slot(running).update)) return Status::kDone;
  MakeRoom();
  file_identity = identity;
  file_size = size;
  mote::SessionConfig config{};
  config.layout = &layout;
  config.metadata = &metadata;
  config.running = running;
  config.target = layout.staging;
  config.buffer = work->sector;
  config.buffer_size = sizeof work->sector;
  config.memory = work->memory;
  config.memory_size = sizeof work->memory;
  config.sha256 = mote::BearsslSha256Functions(&work->sha256);
  const Status status = work->session.Begin(config);
  open = status == Status::kNeedInput;
  return Refuse(status);
}

Status Write(void*, const uint8_t* data, uint32_t size) {
  return Refuse(work->session.Write(data, size));
}

Status Finish(void*) {
  Status status = work->session.Finish();
  if (status == Status::kDone) {
    WriteNote(file_identity, file_size, metadata.slot(layout.staging).update);
    status = mote::Activate(layout, metadata, layout.staging);
  }
  if (status != Status::kDone) return Refuse(status);
  open = false;
  requested = true;
  Print("update: the file is whole and can be carried out\n");
  return status;
}

void Restart(void*) { Reset(); }

void Put(void*, uint8_t byte) { PutByte(byte); }

void StartLink() { link.Init({{&Put, nullptr}, &Open, &Write, &Finish, &Restart, nullptr}); }

}  // namespace

void FlashUsed() {
  if (!open || Milliseconds() - last_sign < kSignInterval) return;
  last_sign = Milliseconds();
  link.Busy(work->session.produced(), work->session.new_size());
}

uint8_t UpdateStart() {
  layout = SlotLayout();
  running = mote::SlotAtAddress(layout, AddressOf(fw_image_start));
  loaded = metadata.Load(layout);
  StartLink();
  return running;
}

bool UpdateInput(uint8_t byte) {
  last_byte = Milliseconds();
  return link.Put(byte);
}

bool UpdateBusy() {
  if (work == nullptr || Milliseconds() - last_byte < kPatience) return work != nullptr;
  if (requested) Reset();
  StartLink();  // as after a restart
  open = false;
  work = nullptr;
  ControllerStart('A');
  return false;
}

void UpdateConfirm() {
  if (loaded == Status::kDone) mote::Confirm(layout, metadata, running);
}

}  // namespace microbit
