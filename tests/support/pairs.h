// SPDX-License-Identifier: Apache-2.0
// The committed pairs of real firmware, corpus/pairs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/reference.h"

namespace mote::testing {

std::filesystem::path PairsFolder();

/// In order; none where the folder is missing.
std::vector<std::string> PairNames();

struct FirmwarePair {
  Bytes old_image, new_image;
};
FirmwarePair ReadPair(const std::string& name);

/// The name as part of a test's name, which takes letters, digits and '_' only.
std::string TestName(std::string name);

}  // namespace mote::testing
