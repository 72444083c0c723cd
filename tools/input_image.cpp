// SPDX-License-Identifier: Apache-2.0
#include "tools/input_image.h"

#include <utility>

#include "tools/image.h"

namespace mote::tools {
namespace {

constexpr ImageFormat kFormats[] = {ImageFormat::kRaw, ImageFormat::kIntelHex, ImageFormat::kElf,
                                    ImageFormat::kUf2};

// Nothing for "auto".
std::optional<ImageFormat> FormatByName(const std::string& name) {
  for (const ImageFormat format : kFormats) {
    if (name == ImageFormatName(format)) return format;
  }
  return {};
}

}  // namespace

InputImage ReadImage(const std::string& name, const InputOptions& options) {
  const std::vector<uint8_t> file = ReadFile(name);
  Image image = ParseImage(file, InputName(name), FormatByName(options.format));
  return {std::move(image.bytes), ImageFormatName(image.format),
          options.base ? std::optional<uint64_t>(*options.base) : image.base};
}

std::vector<uint8_t> ReadBytes(const std::string& name) { return ReadFile(name); }

std::string InputName(const std::string& name) { return name == "-" ? "standard input" : name; }

}  // namespace mote::tools
