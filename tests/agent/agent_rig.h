// SPDX-License-Identifier: Apache-2.0
// A small device for tests of agent/: a flash of sectors of 256 bytes with two slots (and a third,
// the factory's) and metadata, and images in them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/boot.h"
#include "agent/layout.h"
#include "agent/metadata.h"
#include "diff/sha256.h"
#include "release/digests.h"
#include "tests/support/images.h"
#include "tools/simulated_flash.h"

namespace mote::testing {

struct AgentRig {
  static constexpr uint32_t kSector = 256;
  static constexpr uint32_t kSlotSize = 8 * kSector;

  // Slot 0 at sector 0 (9 sectors), 1 at 10, factory at 20, metadata at 30.
  explicit AgentRig(Install install = Install::kNone, uint8_t slots = 2, uint8_t pages = 2)
      : simulated({.size = 40 * kSector, .erase_unit = kSector, .program_unit = 4}, 9),
        flash(simulated.flash()),
        layout{{{{&flash, 0, kSlotSize + kSector}, 0x1000, true, false},
                {{&flash, 10 * kSector, kSlotSize}, 0x2000, install == Install::kNone, false},
                {{&flash, 20 * kSector, kSlotSize}, 0x3000, true, true}},
               slots,
               0,
               3,
               install,
               0,
               1,
               {&flash, 30 * kSector, kSector, pages}},
        sha256(HostSha256(sha)) {
    sha256.save = nullptr;  // a library that cannot be asked: what was hashed is hashed once more
    sha256.restore = nullptr;
  }
  AgentRig(const AgentRig&) = delete;

  // Puts an image of `size` bytes of `seed` into a slot, and says so in `metadata`, in RAM.
  Bytes Put(uint8_t slot, SlotState state, uint32_t update, uint8_t boots_left = 0,
            uint32_t size = 700) {
    Random random(slot + 50u);
    const Bytes image = RandomBytes(random, size);
    simulated.Load(layout.slots[slot].slot.offset, image);
    SlotRecord& record = metadata.slot(slot);
    record.state = state;
    record.boots_left = boots_left;
    record.has_digest = true;
    record.size = size;
    record.update = update;
    std::ranges::copy(Sha256::Of(image), record.digest);
    return image;
  }
  void Damage(uint8_t slot) {
    const uint32_t at = layout.slots[slot].slot.offset + 333;
    const uint8_t other = simulated.content()[at] ^ 0x10;
    simulated.Load(at, {&other, 1});
  }
  Status Boot(BootChoice& choice) {
    return Bootloader({layout, metadata, sha256, buffer, sizeof buffer}).Boot(choice);
  }

  SimulatedFlash simulated;
  Flash flash;
  Layout layout;
  Sha256 sha;
  Sha256Functions sha256;
  Metadata metadata;
  uint8_t buffer[64];
};

// A flash that programs one bit wrong, so many times, and does not notice: where the bytes of
// [from, to) are. Takes the rig's place in its layout.
class LyingFlash {
 public:
  LyingFlash(AgentRig& rig, uint32_t from, uint32_t to, int lies)
      : inner_(rig.flash), flash_(rig.flash), from_(from), to_(to), lies_(lies) {
    flash_.context = this;
    flash_.read = [](void* self, uint32_t offset, uint8_t* bytes, uint32_t size) {
      const Flash& inner = static_cast<LyingFlash*>(self)->inner_;
      return inner.read(inner.context, offset, bytes, size);
    };
    flash_.erase = [](void* self, uint32_t offset) {
      const Flash& inner = static_cast<LyingFlash*>(self)->inner_;
      return inner.erase(inner.context, offset);
    };
    flash_.program = [](void* self, uint32_t offset, const uint8_t* data, uint32_t size) {
      LyingFlash& lying = *static_cast<LyingFlash*>(self);
      Bytes bytes(data, data + size);
      if (offset >= lying.from_ && offset < lying.to_ && lying.lies_ > 0) {
        --lying.lies_;
        bytes[size / 2] ^= 0x20;
      }
      return lying.inner_.program(lying.inner_.context, offset, bytes.data(), size);
    };
    for (SlotInfo& slot : rig.layout.slots) slot.slot.flash = &flash_;
    rig.layout.metadata.flash = &flash_;
  }
  LyingFlash(const LyingFlash&) = delete;

 private:
  const Flash inner_;
  Flash flash_;
  uint32_t from_, to_;
  int lies_;
};

}  // namespace mote::testing
