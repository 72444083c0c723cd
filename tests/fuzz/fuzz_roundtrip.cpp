// SPDX-License-Identifier: Apache-2.0
// Any two images, any setting and any alignment: what the encoder writes, the device's decoder
// rebuilds.
//
// Input: codec and profile, architecture, pieces, flags; the setting, if one is given; sizes; old;
// an edit script that makes new.
#include <gtest/gtest.h>

#include <algorithm>

#include "diff/apply.h"
#include "diff/diff.h"
#include "diff/model.h"
#include "tests/fuzz/input.h"
#include "tests/support/images.h"
#include "tests/support/model_deltas.h"
#include "tests/support/patcher_rig.h"

namespace mote::testing {
namespace {

constexpr uint32_t kMaxOld = 2048, kMaxNew = 4096;
constexpr uint32_t kBuffers[] = {1, 3, 64, 4096};
constexpr uint32_t kPieces[] = {1, 2, 3, 7, 64, 4096};
// Flags.
constexpr unsigned kGivenSetting = 1, kRam = 2, kOtherAddresses = 4, kRelativeWords = 8,
                   kWildCopies = 16, kCodecMask = 96, kFindArchitecture = 128;

// An alignment of the caller's choosing may copy anything from anywhere.
std::vector<Copy> TakeCopies(Input& input, uint32_t old_size, uint32_t new_size) {
  std::vector<Copy> copies;
  uint32_t at = 0;
  for (unsigned count = input.Byte() % 16; count != 0; --count) {
    Copy copy;
    copy.new_position = at + input.Byte();
    copy.old_position = input.Number16() % (old_size + 1);
    copy.length = 1 + input.Number16() % 512;
    if (copy.new_position >= new_size || copy.old_position >= old_size) continue;
    copy.length =
        std::min({copy.length, new_size - copy.new_position, old_size - copy.old_position});
    at = copy.new_position + copy.length;
    copies.push_back(copy);
  }
  return copies;
}

ModelSetting TakeSetting(Input& input, ArchitectureId architecture, unsigned flags) {
  ModelSetting setting;
  setting.architecture = architecture;
  setting.relative_words = (flags & kRelativeWords) != 0;
  if (flags & kRam) {
    setting.ram_start = input.Number32();
    setting.ram_size = input.Number32();
  }
  setting.segments.resize(1 + input.Byte() % kMaxSegments);
  for (Segment& segment : setting.segments) {
    segment.old_address = segment.new_address = input.Number32();
    if (flags & kOtherAddresses) segment.new_address = input.Number32();
  }
  return setting;
}

// Segments start where both images are; their order is free.
void PlaceSegments(Input& input, uint32_t old_size, uint32_t new_size, ModelSetting& setting) {
  for (size_t i = 1; i < setting.segments.size(); ++i) {
    setting.segments[i].old_offset = input.Number16() % (old_size + 1);
    setting.segments[i].new_offset = input.Number16() % (new_size + 1);
  }
}

// What moves in a program: bytes go, come, and go elsewhere; words grow by a constant.
Bytes TakeEdited(Input& input, Bytes image) {
  while (!input.empty() && image.size() < kMaxNew) {
    const unsigned choice = input.Byte();
    const auto at = static_cast<ptrdiff_t>(input.Number16() % (image.size() + 1));
    const auto left = static_cast<ptrdiff_t>(image.size()) - at;
    const ptrdiff_t length = std::min<ptrdiff_t>(input.Byte(), left);
    switch (choice % 6) {
      case 0: {
        const Bytes bytes = input.Take(static_cast<size_t>(choice / 6));
        image.insert(image.begin() + at, bytes.begin(), bytes.end());
        break;
      }
      case 1:
        image.erase(image.begin() + at, image.begin() + at + length);
        break;
      case 2:
        std::rotate(image.begin() + at, image.begin() + at + length, image.end());
        break;
      case 3: {
        const Bytes again(image.begin() + at, image.begin() + at + length);
        image.insert(image.end(), again.begin(), again.end());
        break;
      }
      case 4: {
        const uint8_t constant = input.Byte();
        const ptrdiff_t step = ptrdiff_t{1} << choice / 6 % 6;
        for (ptrdiff_t i = at; i < at + length; i += step)
          image[static_cast<size_t>(i)] =
              static_cast<uint8_t>(image[static_cast<size_t>(i)] + constant);
        break;
      }
      default:
        if (left != 0) image[static_cast<size_t>(at)] = input.Byte();
    }
  }
  if (image.size() > kMaxNew) image.resize(kMaxNew);
  return image;
}

void ExpectRebuilt(const Bytes& old_image, const Bytes& new_image, const Bytes& delta,
                   uint32_t buffer, uint32_t pieces) {
  PatcherRig rig(old_image);
  rig.buffer_size = buffer;
  rig.memory_size = CodecMemory(ReadHeader(delta));
  rig.capacity = static_cast<uint32_t>(new_image.size());
  const Outcome outcome = rig.Run(delta, pieces);
  EXPECT_STREQ(StatusName(outcome.status), "done");
  EXPECT_EQ(Compare(outcome.image, new_image), "");
}

void Run(Input input) {
  const unsigned profile = input.Byte() % kModelProfiles;
  const auto architecture = static_cast<ArchitectureId>(input.Byte() % kArchitectureCount);
  const unsigned how = input.Byte();
  const uint32_t buffer = kBuffers[how % std::size(kBuffers)];
  const uint32_t pieces = kPieces[how / 4 % std::size(kPieces)];
  const unsigned flags = input.Byte();
  ModelSetting setting;
  if (flags & kGivenSetting) setting = TakeSetting(input, architecture, flags);
  const Bytes old_image = input.Take(input.Number16() % (kMaxOld + 1));
  const auto old_size = static_cast<uint32_t>(old_image.size());
  if (flags & kGivenSetting) {
    // What follows is needed before new is there; it is cut to its size.
    std::vector<Copy> copies;
    Input choices = input;
    if (flags & kWildCopies) copies = TakeCopies(input, old_size, kMaxNew);
    PlaceSegments(input, old_size, kMaxNew, setting);
    const Bytes new_image = TakeEdited(input, old_image);
    const auto new_size = static_cast<uint32_t>(new_image.size());
    for (Segment& segment : setting.segments)
      segment.new_offset = std::min(segment.new_offset, new_size);
    if (flags & kWildCopies) {
      copies = TakeCopies(choices, old_size, new_size);
    } else if (const uint32_t both = std::min(old_size, new_size); both != 0) {
      copies = {{0, 0, both}};
    }
    const Bytes delta = EncodedDelta(old_image, new_image, copies, setting, profile);
    ExpectRebuilt(old_image, new_image, delta, buffer, pieces);
    EXPECT_EQ(MaskAddresses(old_image, setting, true).size(), old_size);
    EXPECT_EQ(MaskAddresses(new_image, setting, false).size(), new_size);
    const ModelSetting read =
        ReadModelSetting(std::span(delta).subspan(ReadHeader(delta).header_size));
    EXPECT_EQ(read.architecture, setting.architecture);
    EXPECT_EQ(read.segments.size(), setting.segments.size());
    EXPECT_EQ(read.new_check, ReferenceCheck(new_image));
    return;
  }
  const Bytes new_image = TakeEdited(input, old_image);
  DiffOptions options;
  options.effort = 1;
  switch ((flags & kCodecMask) / 32) {
    case 0:
      options.codec = Codec::kRaw;
      break;
    case 1:
      options.codec = Codec::kLzss;
      options.window_bits = 8 + profile;
      break;
    default:
      options.ram = kModelRam[profile];
      // Finding it out tries all there are.
      if (!(flags & kFindArchitecture)) options.architecture = architecture;
  }
  ExpectRebuilt(old_image, new_image, Diff(old_image, new_image, options), buffer, pieces);
}

}  // namespace
}  // namespace mote::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mote::testing::Run({data, size});
  mote::testing::StopAtFailure();
  return 0;
}
