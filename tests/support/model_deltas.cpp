// SPDX-License-Identifier: Apache-2.0
#include "tests/support/model_deltas.h"

#include "diff/commands.h"
#include "patch/format.h"

namespace mote::testing {
namespace {

// Where in the decisions the setting's last field starts (FORMAT.md 6.3). They must hold a whole
// setting.
size_t PlaceOfNewCheck(const std::vector<bool>& decisions) {
  size_t at = 0;
  const auto even = [&](unsigned bits) {
    uint32_t value = 0;
    for (; bits != 0; --bits, ++at) value = value * 2 + (at < decisions.size() && decisions[at]);
    return value;
  };
  const auto skip_number = [&] {
    even(5);
    at += even(5);
  };
  even(5);
  const bool has_ram = even(1) != 0;
  const bool other_addresses = even(1) != 0;
  const uint32_t segments = even(2) + 1;
  if (has_ram) skip_number(), skip_number();
  for (uint32_t i = 0; i < segments; ++i) {
    if (i != 0) skip_number(), skip_number();
    skip_number();
    if (other_addresses) skip_number();
  }
  return at;
}

}  // namespace

Bytes HeaderOf(std::span<const uint8_t> old_image, uint32_t new_size, uint8_t codec) {
  Bytes header{kMagicAndVersion, codec};
  const auto old_size = static_cast<uint32_t>(old_image.size());
  AppendVarint(header, old_size);
  AppendVarint(header, Zigzag(static_cast<int32_t>(new_size) - static_cast<int32_t>(old_size)));
  const uint32_t check = ReferenceCheck(old_image);
  for (int shift = 0; shift < 32; shift += 8)
    header.push_back(static_cast<uint8_t>(check >> shift));
  return header;
}

Bytes ModelHeader(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile) {
  return HeaderOf(old_image, new_size, static_cast<uint8_t>(0x02 | profile << 4));
}

Bytes EncodedDelta(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                   const std::vector<Copy>& copies, const ModelSetting& setting, unsigned profile) {
  Bytes delta = ModelHeader(old_image, static_cast<uint32_t>(new_image.size()), profile);
  const ModelDelta coded = EncodeModel(old_image, new_image, copies, setting, profile);
  delta.insert(delta.end(), coded.bytes.begin(), coded.bytes.end());
  return delta;
}

Forgery ForgeWithCheck(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
                       const Decide& decide) {
  std::vector<bool> decisions;
  Forgery first = ForgeModel(old_image, new_size, profile, [&](uint32_t chance) {
    decisions.push_back(decide(chance));
    return decisions.back();
  });
  const size_t place = PlaceOfNewCheck(decisions);
  if (place + 32 > decisions.size()) return first;
  const uint32_t check = ReferenceCheck(first.outcome.image);
  for (size_t i = 0; i < 32; ++i) decisions[place + i] = (check >> (31 - i) & 1) != 0;
  size_t at = 0;
  return ForgeModel(old_image, new_size, profile, [&](uint32_t) { return decisions[at++]; });
}

Bytes ForgeFromBits(std::span<const uint8_t> old_image, uint32_t new_size, unsigned profile,
                    std::span<const uint8_t> bits) {
  size_t at = 0;
  const auto decide = [&](uint32_t chance) {
    if (at / 8 >= bits.size()) return chance > 2048;
    const bool bit = (bits[at / 8] >> at % 8 & 1) != 0;
    ++at;
    return bit;
  };
  return ForgeWithCheck(old_image, new_size, profile, decide).coded;
}

}  // namespace mote::testing
