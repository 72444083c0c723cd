// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pairs.h"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "tests/support/images.h"

namespace mote::testing {

std::filesystem::path PairsFolder() { return MOTE_PAIRS; }

std::vector<std::string> PairNames() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(PairsFolder(), error)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

FirmwarePair ReadPair(const std::string& name) {
  const std::filesystem::path folder = PairsFolder() / name;
  return {ReadFile(folder / "old.bin"), ReadFile(folder / "new.bin")};
}

std::string TestName(std::string name) {
  std::ranges::replace_if(
      name, [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

}  // namespace mote::testing
