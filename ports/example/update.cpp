// SPDX-License-Identifier: Apache-2.0
#include "ports/example/update.h"

#include "agent/session.h"
#include "ports/example/board.h"

namespace example {
namespace {

using mote::Status;

// All memory of an update. On a real board, bootloader and application are two programs, and each
// has what it uses; `metadata` and the sector buffer are in both.
mote::Metadata metadata;
mote::Session session;
/// One erase unit: fewer, longer programming operations, and sectors that an interrupted update
/// has written are recognised as a whole. Any multiple of the program unit will do.
alignas(uint32_t) uint8_t sector[kEraseUnit];
/// What the largest delta may ask for (`mote info` says what one does). Aligned to 4 bytes.
alignas(uint32_t) uint8_t memory[4096];

}  // namespace

Status ChooseImage(mote::BootChoice& choice) {
  mote::Bootloader bootloader({kLayout, metadata, Sha256(), sector, sizeof sector});
  return bootloader.Boot(choice);
}

Status ConfirmImage(uint32_t address) {
  const Status status = metadata.Load(kLayout);
  if (status != Status::kDone) return status;
  return mote::Confirm(kLayout, metadata, mote::SlotAtAddress(kLayout, address));
}

Status TakeUpdate(uint32_t address, const uint8_t* digest) {
  Status status = metadata.Load(kLayout);
  if (status != Status::kDone) return status;
  const uint8_t running = mote::SlotAtAddress(kLayout, address);
  const uint8_t target = mote::InactiveSlot(kLayout, metadata, running);
  Protect(running);

  mote::SessionConfig config{};
  config.layout = &kLayout;
  config.metadata = &metadata;
  config.running = running;
  config.target = target;
  config.buffer = sector;
  config.buffer_size = sizeof sector;
  config.memory = memory;
  config.memory_size = sizeof memory;
  config.sha256 = Sha256();
  config.digest = digest;
  status = session.Begin(config);

  uint8_t piece[64];
  while (status == Status::kNeedInput) {
    const uint32_t size = Receive(piece, sizeof piece);
    if (size == 0) break;
    status = session.Write(piece, size);
  }
  if (status == Status::kNeedInput) status = session.Finish();
  if (status != Status::kDone) return status;
  return mote::Activate(kLayout, metadata, target);
}

}  // namespace example
