// SPDX-License-Identifier: Apache-2.0
// PROGRAM FOLDER: gives each file in FOLDER to the fuzzer that this is linked with, so that what
// was once found stays found without a fuzzer. Whatever goes wrong ends the process with a signal.
#include <exception>
#include <filesystem>
#include <iostream>

#include "tests/fuzz/input.h"
#include "tests/support/images.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::cout << entry.path().filename().string() << std::endl;  // before, in case it is the last
    const mote::testing::Bytes bytes = mote::testing::ReadFile(entry.path());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    ++count;
  }
  std::cout << count << " inputs\n";
  return count != 0 ? 0 : 1;
}
