// SPDX-License-Identifier: Apache-2.0
// Who takes part in the comparison: each contender is a command that writes a delta and one that
// applies it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/process.h"

namespace mote::bench {

/// The files of one measurement.
struct Files {
  std::filesystem::path old_image, new_image, delta, rebuilt;
};

struct Contender {
  std::string name;     ///< of its column; no spaces
  std::string about;    ///< one line for a person
  bool ours = false;    ///< one of mote's codecs
  bool delta = true;    ///< false: it packs the whole new image, a yardstick for deltas
  std::string version;  ///< of the installed program, as far as it says; empty for ours
  std::function<Command(const Files&)> diff;
  /// Writes files.rebuilt. If `ours`, it also prints what RunChild (codecs.h) says on its standard
  /// output.
  std::function<Command(const Files&)> patch;
};

/// Other people's programs. `missing` gets a line for each one that is not installed.
std::vector<Contender> OutsideTools(const std::filesystem::path& scratch,
                                    std::vector<std::string>& missing);

}  // namespace mote::bench
