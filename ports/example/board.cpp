// SPDX-License-Identifier: Apache-2.0
#include "ports/example/board.h"

#include <stddef.h>

#include "crypto/sha256_bearssl.h"

// All that mote asks of a C library, and what these drivers use of it.
extern "C" void* memcpy(void* to, const void* from, size_t size);
extern "C" void* memset(void* to, int value, size_t size);
extern "C" int memcmp(const void* a, const void* b, size_t size);

namespace example {
namespace {

using mote::Status;

/// A part as it comes from a customer: not erased, full of something.
uint8_t cells[kFlashSize];

uint8_t protected_slot = mote::kNoSlot;

/// Reading is the one thing that happens all the time: the old image while the delta is applied,
/// the new one where the delta repeats it, both when they are hashed. Here the flash is in the
/// processor's address space. On an SPI part, this is one read command.
Status Read(void*, uint32_t offset, uint8_t* to, uint32_t size) {
  if (offset > kFlashSize || size > kFlashSize - offset) return Status::kReadError;
  memcpy(to, cells + offset, size);
  return Status::kDone;
}

/// mote stays inside the slots and the metadata. This is for the day on which something else does
/// not: the bootloader and the image that runs are nobody's to change.
bool MayChange(uint32_t offset, uint32_t size) {
  if (offset < kSlotA || offset > kFlashSize || size > kFlashSize - offset) return false;
  if (protected_slot == mote::kNoSlot) return true;
  const mote::Slot& own = kLayout.slots[protected_slot].slot;
  return offset >= own.offset + own.size || offset + size <= own.offset;
}

/// A driver here
///  - waits until the part is ready, and returns only then: what was erased can be programmed next;
///  - looks at the part's error flags, and returns kFlashError, not kDone, when one is set;
///  - feeds the watchdog, if a unit takes long;
///  - leaves the neighbours alone: no "erase ahead", no larger block because it is quicker.
Status Erase(void*, uint32_t offset) {
  if (offset % kEraseUnit != 0 || !MayChange(offset, kEraseUnit)) return Status::kFlashError;
  memset(cells + offset, kErasedValue, kEraseUnit);
  return Status::kDone;
}

/// `offset` and `size` are whole program units; the last one of an image was filled up with the
/// erased value. A piece may be larger than a page of the part: an SPI part takes 256 bytes at
/// once, and wraps around at the end of its page, so its driver cuts here.
///
/// Nothing may be kept back for later: when this returns kDone, the bytes are in the flash, in
/// this order. What happens after a power cut depends on it. Reading back what was written is
/// cheap, and finds cells that are worn out.
Status Program(void*, uint32_t offset, const uint8_t* data, uint32_t size) {
  if (offset % kProgramUnit != 0 || size % kProgramUnit != 0 || !MayChange(offset, size)) {
    return Status::kFlashError;
  }
  for (uint32_t i = 0; i < size; ++i) {
    // Flash only clears bits. On a part where it sets them, kErasedValue is 0 and this is an OR.
    cells[offset + i] = static_cast<uint8_t>(cells[offset + i] & data[i]);
  }
  return memcmp(cells + offset, data, size) == 0 ? Status::kDone : Status::kFlashError;
}

br_sha256_context sha256;

const uint8_t* arriving;
uint32_t arriving_size;

}  // namespace

// No context: there is one flash. With two parts (slot A inside, slot B on SPI), there are two of
// these, and each slot says which it is on.
const mote::Flash kFlash{&Read, &Erase, &Program, nullptr, kEraseUnit, kProgramUnit, kErasedValue};

const mote::Layout kLayout = {
    {{{&kFlash, kSlotA, kSlotSize}, kFlashAddress + kSlotA, /*bootable=*/true, /*factory=*/false},
     {{&kFlash, kSlotB, kSlotSize}, kFlashAddress + kSlotB, true, false}},
    /*count=*/2,
    /*default_slot=*/0,  // where the factory puts the first image
    /*trial_boots=*/3,   // starts in which a new image has to confirm itself
    mote::Install::kNone,
    /*primary=*/0,
    /*staging=*/0,
    {&kFlash, kMetadata, kEraseUnit, kMetadataPages}};
static_assert(kEraseUnit >= mote::MetadataPageSize(2, kProgramUnit), "a page holds no record");

void Protect(uint8_t index) { protected_slot = index; }

// BearSSL's. A chip with a hash unit has three functions of its own here.
mote::Sha256Functions Sha256() { return mote::BearsslSha256Functions(&sha256); }

uint32_t Receive(uint8_t* to, uint32_t size) {
  constexpr uint32_t kPacket = 61;  // the line's, of no meaning to mote
  if (size > kPacket) size = kPacket;
  if (size > arriving_size) size = arriving_size;
  if (size == 0) return 0;
  memcpy(to, arriving, size);
  arriving += size;
  arriving_size -= size;
  return size;
}

namespace simulation {

uint8_t* Flash() { return cells; }

void Send(const uint8_t* delta, uint32_t size) {
  arriving = delta;
  arriving_size = size;
}

}  // namespace simulation

}  // namespace example
