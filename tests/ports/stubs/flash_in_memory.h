// SPDX-License-Identifier: Apache-2.0
// The flash under the stand-in functions of both frameworks: two partitions in memory, which refuse
// what NOR flash cannot do. It is not tools/simulated_flash.h because mote is compiled here as the
// framework would, with other settings than the host's library.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace mote::testing {

using Bytes = std::vector<uint8_t>;

inline Bytes ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct PartitionInMemory {
  /// Sizes in bytes: of the partition, of its erase unit, of its program unit.
  PartitionInMemory(size_t size, size_t erased_at_once, size_t programmed_at_once)
      : content(size, 0xA5), erase_unit(erased_at_once), program_unit(programmed_at_once) {}

  /// These return 0, or -1 where the part would do something else than was meant. The operation
  /// that makes `until_failure` 0 fails, too.
  int Read(size_t offset, void* to, size_t size) {
    if (!Fits(offset, size) || Fails()) return -1;
    std::copy_n(content.data() + offset, size, static_cast<uint8_t*>(to));
    return 0;
  }
  int Erase(size_t offset, size_t size) {
    if (!Fits(offset, size) || offset % erase_unit != 0 || size % erase_unit != 0 || Fails()) {
      return -1;
    }
    std::fill_n(content.begin() + static_cast<ptrdiff_t>(offset), size, uint8_t{0xFF});
    ++changes;
    return 0;
  }
  int Write(size_t offset, const void* data, size_t size) {
    if (!Fits(offset, size) || offset % program_unit != 0 || size % program_unit != 0 || Fails()) {
      return -1;
    }
    const auto at = content.begin() + static_cast<ptrdiff_t>(offset);
    const auto end = at + static_cast<ptrdiff_t>(size);
    if (std::any_of(at, end, [](uint8_t byte) { return byte != 0xFF; })) return -1;
    std::copy_n(static_cast<const uint8_t*>(data), size, at);
    ++changes;
    return 0;
  }

  bool Starts(const Bytes& image) const {
    return std::equal(image.begin(), image.end(), content.begin());
  }
  void Load(const Bytes& image) { std::copy(image.begin(), image.end(), content.begin()); }

  Bytes content;
  size_t erase_unit, program_unit;
  unsigned changes = 0;
  unsigned until_failure = 0;  // 0: never

 private:
  bool Fits(size_t offset, size_t size) const {
    return size != 0 && offset <= content.size() && size <= content.size() - offset;
  }
  bool Fails() { return until_failure != 0 && --until_failure == 0; }
};

}  // namespace mote::testing
