// SPDX-License-Identifier: Apache-2.0
// Which update made the image that runs, in a page of flash of its own: a host that asks again,
// after the device has restarted, hears that it is done.
#pragma once

#include <stdint.h>

#include "agent/metadata.h"
#include "ports/microbit/board/flash.h"
#include "ports/microbit/board/layout.h"
#include "ports/transport/messages.h"

namespace microbit {

/// It counts when the image is the one that it was written for. Losing it costs a host that answer,
/// nothing else; and nothing else is decided by it.
struct Note {
  uint32_t identity;  // of the delta or offer
  uint32_t size;      // of the delta or offer
  uint32_t image;     // the new one's digest, its first four bytes; in place, SlotRecord::update
  uint32_t check;     // the three above, as a sum
};
constexpr uint32_t kNoteSalt = 0x4E6F7465;

inline uint32_t CheckOf(const Note& note) {
  return note.identity + note.size + note.image + kNoteSalt;
}

inline bool IsInstalled(uint32_t identity, uint32_t size, uint32_t image) {
  Note note;
  kFlash.read(nullptr, AddressOf(layout_note), reinterpret_cast<uint8_t*>(&note), sizeof note);
  return note.check == CheckOf(note) && note.identity == identity && note.size == size &&
         note.image == image;
}

inline bool IsInstalled(uint32_t identity, uint32_t size, const mote::SlotRecord& slot) {
  return slot.has_digest && IsInstalled(identity, size, mote::GetNumber(slot.digest));
}

inline void WriteNote(uint32_t identity, uint32_t size, uint32_t image) {
  Note note{identity, size, image, 0};
  note.check = CheckOf(note);
  const uint32_t at = AddressOf(layout_note);
  if (kFlash.erase(nullptr, at) != mote::Status::kDone) return;
  kFlash.program(nullptr, at, reinterpret_cast<const uint8_t*>(&note), sizeof note);
}

}  // namespace microbit
