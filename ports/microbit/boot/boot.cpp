// SPDX-License-Identifier: Apache-2.0
// The bootloader: lets agent/ choose a slot, says so on the serial line, and starts what is in it.
#include "agent/boot.h"

#include "crypto/sha256_bearssl.h"
#include "patch/model.h"
#include "ports/microbit/board/board.h"
#include "ports/microbit/board/flash.h"
#include "ports/microbit/board/layout.h"
#if MOTE_WITH_TRUST
#include "crypto/signature_bearssl.h"
#include "ports/microbit/board/trust.h"
#endif

namespace microbit {

void FlashUsed() {}

namespace {

mote::Metadata metadata;
br_sha256_context sha256;
#if MOTE_WITH_IN_PLACE
alignas(uint32_t) uint8_t buffer[kPage];
alignas(uint32_t) uint8_t memory[mote::kModelRam[0] - mote::kUpdaterRam];
#else
uint8_t buffer[256];
#endif

/// Hands over to the program whose vector table is at `address`.
[[noreturn]] void Start(uint32_t address) {
  const auto* const vectors = reinterpret_cast<const uint32_t*>(address);
  asm volatile(
      "msr msp, %0\n"
      "bx %1\n" ::"r"(vectors[0]),
      "r"(vectors[1]));
  __builtin_unreachable();
}

#if MOTE_WITH_IN_PLACE
/// Says what has to be done before a program can be started.
void Announce(const mote::Layout& layout) {
  if (mote::CheckLayout(layout) != mote::Status::kDone ||
      metadata.Load(layout) != mote::Status::kDone) {
    return;
  }
  const mote::InstallState state = metadata.install;
  if (state == mote::InstallState::kNone) return;
  const bool undo =
      state == mote::InstallState::kUndoRequested || state == mote::InstallState::kUndoRunning;
  Print(undo ? "bootloader: takes an update back" : "bootloader: installs an update");
  if (state == mote::InstallState::kInPlaceRunning || state == mote::InstallState::kUndoRunning) {
    Print(", steps done ");
    PrintNumber(metadata.progress);
  }
  Print("\n");
}
#endif

}  // namespace

extern "C" int main() {
  StartUart();
  mote::Layout layout = SlotLayout();
#if MOTE_WITH_TRUST
  const mote::Trust trust = BoardTrust(mote::BearsslP256Verifier());
  layout.trust = &trust;
#endif
#if MOTE_WITH_IN_PLACE
  Announce(layout);
#endif
  mote::BootConfig config{layout, metadata, mote::BearsslSha256Functions(&sha256), buffer,
                          sizeof buffer};
#if MOTE_WITH_IN_PLACE
  config.memory = memory;
  config.memory_size = sizeof memory;
#endif
  mote::Bootloader bootloader(config);
  mote::BootChoice choice{};
  const mote::Status status = bootloader.Boot(choice);
  if (choice.refused != mote::Status::kDone) {
    Print("bootloader: the newest image is refused, ");
    Print(mote::StatusName(choice.refused));
    Print("\n");
  }
  if (status == mote::Status::kDone) {
    Print("bootloader: slot ");
    Print(choice.slot == 0 ? "A" : "B");
    Print(choice.on_trial ? ", on trial\n" : "\n");
    Start(layout.slots[choice.slot].link_address);
  }
  // Nothing can be started. A probe can still write the flash; a device in the field would wait
  // here for a new image.
  Print("bootloader: no image, ");
  Print(mote::StatusName(status));
  Print("\n");
  while (true) {
  }
}

}  // namespace microbit
