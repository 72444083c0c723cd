// SPDX-License-Identifier: Apache-2.0
// diff_program CODEC|bsdiff40 OLD NEW DELTA: the host's engine and nothing else, for builds that
// are to be compared.
#include <exception>
#include <iostream>
#include <string>

#include "diff/bsdiff40.h"
#include "diff/diff.h"
#include "tests/support/images.h"

int main(int argc, char** argv) {
  using mote::testing::ReadFile;
  using mote::testing::WriteFile;
  if (argc != 5) return 2;
  try {
    const std::string codec = argv[1];
    const mote::testing::Bytes old_image = ReadFile(argv[2]);
    const mote::testing::Bytes new_image = ReadFile(argv[3]);
    if (codec == "bsdiff40") {
      WriteFile(argv[4], mote::WriteBsdiff40(old_image, new_image, {}));
    } else {
      mote::DiffOptions options;
      options.codec = mote::CodecByName(codec).value();
      WriteFile(argv[4], mote::Diff(old_image, new_image, options));
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
