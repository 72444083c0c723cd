// SPDX-License-Identifier: Apache-2.0
// The firmware pairs that the benchmark runs over: DIR/NAME/{old.bin,new.bin,meta.json}.
#pragma once

#include <stdint.h>

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "diff/error.h"

namespace mote::bench {

struct Pair {
  std::string name;          ///< the directory's
  std::string architecture;  ///< "arch" of meta.json; "unknown" without it
  std::filesystem::path old_path;
  std::filesystem::path new_path;
  uint64_t old_size;  ///< bytes
  uint64_t new_size;  ///< bytes
};

/// All pairs in `directory`, by name. meta.json may be missing; where it gives sizes, they must be
/// those of the files. Directories without old.bin and new.bin are passed over. Throws
/// Error(kFileError) where a file cannot be read, Error(kBadImage) where meta.json is malformed or
/// contradicts the files.
std::vector<Pair> ReadCorpus(const std::filesystem::path& directory);

/// "arm-thumb" of "arm-thumb (SAM3X Cortex-M3)": what pairs are grouped by.
std::string Family(const Pair& pair);

/// Throw Error(kFileError).
std::vector<uint8_t> ReadFile(const std::filesystem::path& path);
void WriteFile(const std::filesystem::path& path, std::span<const uint8_t> data);
void WriteFile(const std::filesystem::path& path, const std::string& text);

/// An empty string where the two files hold the same bytes, otherwise what the difference is. Reads
/// them in small pieces: this process must stay small (process.h says why).
std::string Difference(const std::filesystem::path& expected, const std::filesystem::path& actual);

}  // namespace mote::bench
