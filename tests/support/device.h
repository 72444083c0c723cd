// SPDX-License-Identifier: Apache-2.0
// A whole device for one update: the Updater on a simulated flash that fails the running test where
// it is mistreated.
#pragma once

#include <stdint.h>

#include <ostream>
#include <span>

#include "patch/status.h"
#include "tests/support/images.h"
#include "tests/support/reference.h"

namespace mote::testing {

/// What the device is. All sizes in bytes.
struct DeviceShape {
  uint32_t sector = 4096;  ///< of the flash: what one erase clears
  uint32_t program_unit = 4;
  uint32_t buffer = 4096;  ///< the sector buffer; need not be a sector
  uint8_t erased_value = 0xFF;
};

void PrintTo(const DeviceShape& shape, std::ostream* out);

/// How the delta arrives.
class Pieces {
 public:
  /// `size` bytes at a time.
  explicit Pieces(uint32_t size) : size_(size) {}
  /// Random sizes, 0 among them.
  explicit Pieces(Random& random) : random_(&random) {}
  size_t Next(size_t left) const;

 private:
  uint32_t size_ = 0;
  Random* random_ = nullptr;
};

struct DeviceOutcome {
  Status status;
  Bytes image;           ///< for kDone, the new image as it reads back from the flash
  uint64_t changes;      ///< erases and programs
  uint64_t bytes_taken;  ///< of the delta, until the last status was there
};

/// Runs one update. `slot` is the new slot's size, rounded up to sectors; the old slot holds the
/// old image and garbage behind it. Fails the running test where
///  - anything but the new slot is erased or programmed, or anything but the old slot is read (codec
///    model also reads the new one);
///  - a sector is erased twice, or a program unit is programmed twice or without having been
///  erased;
///  - the flash is changed although the status says that nothing was erased;
///  - a finished update erased more sectors than the image needs, or left anything but erased flash
///  behind the image;
///  - the hash saw other bytes than the image's.
DeviceOutcome RunDevice(const DeviceShape& shape, std::span<const uint8_t> old_image, uint32_t slot,
                        uint32_t memory_size, std::span<const uint8_t> delta, const Pieces& pieces);

}  // namespace mote::testing
