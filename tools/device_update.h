// SPDX-License-Identifier: Apache-2.0
// One update as a device does it, on a simulated flash with two slots: the old image in the first,
// the new one in the second.
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace mote::tools {

/// What the device has. All sizes in bytes.
struct Device {
  uint32_t sector =
      4096;  ///< what one erase clears, and the sector buffer; a multiple of program_unit
  uint32_t program_unit = 4;  ///< a power of two
  std::optional<uint32_t>
      slot;  ///< a multiple of sector; without it, as many sectors as the larger image takes
  std::optional<uint32_t>
      ram;  ///< for the decoder, without the sector buffer; without it, what the delta needs
};

struct DeviceUpdate {
  std::vector<uint8_t> new_image;
  uint32_t slot;         ///< size of each slot
  uint32_t decoder_ram;  ///< kUpdaterRam + the codec's memory
  uint64_t sectors_erased;
  uint64_t bytes_programmed;
};

/// Throws Error(kDoesNotFit) where the device has less RAM than `needed` bytes.
void RequireRam(const Device& device, uint32_t needed);

/// Whether a device can apply this delta at all: not if it is a bsdiff40 file or its codec is for
/// hosts. Throws Error as ReadHeader.
bool IsForDevices(std::span<const uint8_t> delta);

/// Feeds `delta`, byte by byte, to an Updater. `progress` gets the share done, 0 to 1. REQUIRES:
/// IsForDevices(delta). Throws Error: the Updater's status, with a message that says at which
/// offset of the delta and what to do; kDoesNotFit also where the device has less RAM or a smaller
/// slot than the delta or the old image needs.
DeviceUpdate UpdateDevice(const Device& device, std::span<const uint8_t> old_image,
                          std::span<const uint8_t> delta,
                          const std::function<void(double)>& progress);

}  // namespace mote::tools
