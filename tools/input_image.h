// SPDX-License-Identifier: Apache-2.0
// The inputs of the command: images in any format, and deltas.
#pragma once

#include <stdint.h>

#include <optional>
#include <string>
#include <vector>

namespace mote::tools {

/// How input images are to be read.
struct InputOptions {
  std::string format = "auto";   ///< or a name that ImageFormatName gives
  std::optional<uint32_t> base;  ///< overrides what the file says
};

/// An input image as it stands in flash.
struct InputImage {
  std::vector<uint8_t> bytes;
  std::string format;            ///< "raw", "hex", "elf" or "uf2"
  std::optional<uint64_t> base;  ///< load address, where the file or InputOptions tells it
};

/// Reads an image; "-" is standard input. Throws Error: kFileError, and kBadImage for a malformed
/// file.
InputImage ReadImage(const std::string& name, const InputOptions& options);

/// The whole file as it is; "-" is standard input. Throws Error(kFileError).
std::vector<uint8_t> ReadBytes(const std::string& name);

/// What a message calls the input `name`: "standard input" for "-".
std::string InputName(const std::string& name);

}  // namespace mote::tools
