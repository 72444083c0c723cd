// SPDX-License-Identifier: Apache-2.0
// The room agent/: which image a device starts, and how an update gets from a delta to being
// started. Bootloader and firmware are both built from it. It uses stream/, patch/ and lzss/, and
// of the world only <stdint.h>: flash and SHA-256 are the port's callbacks.
//
// This file: where on a device's flash the images and the metadata are. A constant of the product,
// the same in the bootloader and in every firmware.
//
// Three layouts:
//
//   A/B      two bootable slots, each image linked for the slot it is in. An update goes into the
//            one that does not run, and is started there. Nothing is ever copied.
//
//     const mote::Layout layout = {
//         {{{&flash, 0x08000, 0x30000}, 0x08008000, /*bootable=*/true, /*factory=*/false},
//          {{&flash, 0x38000, 0x30000}, 0x08038000, true, false}},
//         /*count=*/2, /*default_slot=*/0, /*trial_boots=*/3, mote::Install::kNone,
//         /*primary=*/0, /*staging=*/0, {&flash, 0x68000, 0x1000, 3}};
//
//   static   one bootable slot (primary) and one where updates arrive (staging). The bootloader
//            swaps them, so that the old image can come back, or overwrites primary.
//
//   in place one bootable slot (primary), larger than the image by some spare sectors, and a small
//            one where the delta arrives (staging). The bootloader rebuilds the image over itself.
#pragma once

#include <stdint.h>

#include "agent/signature.h"
#include "patch/status.h"
#include "stream/flash.h"
#include "stream/in_place.h"

namespace mote {

constexpr uint8_t kMaxSlots = 4;
constexpr uint8_t kNoSlot = 0xFF;
constexpr uint8_t kMaxMetadataPages = 3;
/// Largest program unit, in bytes, of a flash that holds metadata.
constexpr uint32_t kMaxMetadataUnit = 32;
/// A link address that is not checked: position-independent code, or a slot that nothing runs in.
constexpr uint32_t kAnyAddress = 0xFFFFFFFF;

struct SlotInfo {
  Slot slot;
  /// Where an image must be linked to run in this slot; kAnyAddress: anywhere.
  uint32_t link_address;
  /// The bootloader may start an image here.
  bool bootable;
  /// Holds what the factory programmed: the last resort. No update ever changes it.
  bool factory;
};

/// How an image gets from the staging slot into the primary one.
enum class Install : uint8_t {
  kNone = 0,       ///< it does not: every image is started where it was written (A/B)
  kOverwrite = 1,  ///< copied; the old image is gone, there is no trial
  /// Exchanged, on trial. Primary's last sector is kept free for it: an image is at least one
  /// sector (the larger of the two flashes' erase units) smaller than primary.
  kSwap = 2,
  /// Rebuilt in primary from a file of deltas in staging (stream/in_place.h); on trial if the file
  /// has one that takes it back. Primary has one sector at least that no image uses, better more.
  /// Needs MOTE_WITH_IN_PLACE=1.
  kInPlace = 3,
};

/// Two or three pages that hold the records of METADATA.md in turn.
struct MetadataArea {
  const Flash* flash;
  uint32_t offset;     ///< bytes; where an erase unit starts
  uint32_t page_size;  ///< bytes; a multiple of the erase unit, at least MetadataPageSize()
  /// 2: any one power cut is survived, and any series of them that leaves bits that read the same
  /// every time. 3: any series that leaves bits that read differently from one read to the next.
  uint8_t pages;
};

/// Whose images this device starts. A constant of the product, like the layout.
struct Trust {
  PublicKey root;  ///< the vendor's; a statement may replace it (FORMAT.md, 9)
  uint32_t application, hardware;
  SignatureVerifier verifier;
};

/// The caller's, usually in read-only memory; so are the flashes. They outlive everything that is
/// handed a reference to it.
struct Layout {
  SlotInfo slots[kMaxSlots];
  uint8_t count;         ///< of slots, 1 to kMaxSlots
  uint8_t default_slot;  ///< bootable; started while there is no metadata
  uint8_t trial_boots;   ///< 1 to 255: starts in which a new image has to confirm itself
  Install install;
  uint8_t primary;  ///< unless kNone: bootable
  uint8_t staging;  ///< unless kNone: not bootable
  MetadataArea metadata;
  /// Null: images are not signed, the records have no room for signatures, and Agent cannot be
  /// used. Else the bootloader starts nothing that the vendor did not sign, and a device fresh from
  /// the factory needs a record that says so (`mote provision`). Needs MOTE_WITH_TRUST=1.
  const Trust* trust = nullptr;
  /// With kInPlace: where the state of the bootloader's decoder goes.
  const JournalArea* journal = nullptr;
  /// With kInPlace: bytes of the bootloader's buffer. What it could not see with that
  /// (InPlacePlan::window), a session refuses; 0: a session leaves that to the bootloader.
  uint32_t boot_buffer = 0;
};

/// Bytes that a metadata page takes at least, for `slots` slots and this program unit, in a layout
/// with or without trust. Each 8 bytes
/// (or program unit) more hold one more step of an installation or one more resume point before
/// another page is erased.
constexpr uint32_t MetadataPageSize(uint8_t slots, uint32_t program_unit, bool trust = false) {
  const uint32_t mark = program_unit < 8 ? 8 : program_unit;
  const uint32_t record = trust ? 28 + 144 + 236u * slots : 28 + 44u * slots;
  return ((record + program_unit - 1) & ~(program_unit - 1)) + 2 * mark;
}

/// kDone, or kBadArgument (the port's fault): an index or count out of range, a null flash or
/// callback, a slot or page that is not made of whole erase units or leaves 32 bits, things that
/// overlap, a program unit that is not a power of two or does not divide the erase unit, erase
/// units of primary and staging of which neither divides the other, a metadata page that is too
/// small; an installation in a build without it (MOTE_WITH_INSTALL=0, MOTE_WITH_IN_PLACE=0); a
/// journal that is missing or overlaps; trust without a verifier, or in a build without it.
Status CheckLayout(const Layout& layout);

/// The slot whose images are linked for `address`, or kNoSlot: how a running firmware finds out
/// where it is.
uint8_t SlotAtAddress(const Layout& layout, uint32_t address);

/// The largest image, in bytes, that an update for slot `target` may have: with kSwap and
/// kOverwrite, what both slots have room for; with kInPlace, all but one sector of primary.
/// REQUIRES: target < layout.count.
uint32_t ImageCapacity(const Layout& layout, uint8_t target);

/// Bytes that an installation copies in one step: the larger of the two erase units; with kInPlace,
/// primary's. REQUIRES: install is not kNone.
uint32_t InstallUnit(const Layout& layout);

}  // namespace mote
