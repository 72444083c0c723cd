// SPDX-License-Identifier: Apache-2.0
// Any bytes as a delta, behind a header that holds: the patcher ends in a status, keeps to its
// contract (PatcherRig and RunDevice watch that), says the same however the delta arrives, and what
// the reference decoder says. The host's readers get the same delta.
//
// Input: codec, buffer, pieces and flags, a byte each; sizes of old and of new, two bytes each;
// old; the delta behind its header or, with kForged and codec model, the decisions that it codes, a
// bit each: with those, a fuzzer sees what it changes.
#include <gtest/gtest.h>

#include "diff/apply.h"
#include "diff/model.h"
#include "tests/fuzz/input.h"
#include "tests/support/device.h"
#include "tests/support/images.h"
#include "tests/support/model_deltas.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/reference.h"

namespace mote::testing {
namespace {

constexpr uint8_t kCodecs[] = {0x02, 0x12, 0x22, 0x00, 0x01, 0x11, 0x21, 0x31,
                               0x41, 0x51, 0x61, 0x71, 0x02, 0x12, 0x22, 0x32};
constexpr uint32_t kBuffers[] = {1, 2, 3, 16, 64, 100, 256, 4096};
constexpr uint32_t kPieces[] = {1, 2, 3, 5, 7, 64, 97, 4096};
constexpr uint32_t kMaxOld = 2048, kMaxNew = 8192;
// Flags.
constexpr unsigned kTrailer = 1, kTight = 2, kWholeDevice = 4, kFinishEarly = 8, kForged = 16;

// What the host's readers say is an image, or an error with a status.
template <typename Work>
Status StatusOf(Work work) {
  try {
    work();
    return Status::kDone;
  } catch (const Error& error) {
    EXPECT_STRNE(error.what(), "");
    return error.status();
  }
}

void Run(Input input) {
  const uint8_t codec = kCodecs[input.Byte() % std::size(kCodecs)];
  const uint32_t buffer = kBuffers[input.Byte() % std::size(kBuffers)];
  const uint32_t pieces = kPieces[input.Byte() % std::size(kPieces)];
  const unsigned flags = input.Byte();
  const uint32_t old_size = input.Number16() % (kMaxOld + 1);
  const uint32_t new_size = input.Number16() % (kMaxNew + 1);
  const Bytes old_image = input.Take(old_size);
  const bool model = (codec & 0x0F) == static_cast<uint8_t>(Codec::kModel);
  Bytes body = input.Rest();
  if (model && (flags & kForged) && codec >> 4 < kModelProfiles)
    body = ForgeFromBits(old_image, new_size, codec >> 4, body);
  Bytes delta = HeaderOf(old_image, new_size, codec);
  const size_t header_size = delta.size();
  delta.insert(delta.end(), body.begin(), body.end());
  Bytes base = old_image;
  if (flags & kTrailer) base.insert(base.end(), 50, 0xEE);

  uint32_t memory = 1 << 15;
  const Status header = StatusOf([&] { memory = CodecMemory(ReadHeader(delta)); });

  PatcherRig rig(base);
  rig.buffer_size = buffer;
  rig.memory_size = memory;
  if (flags & kTight) rig.capacity = new_size;
  const Outcome at_once = rig.Run(delta);
  EXPECT_LE(rig.read_end(), old_image.size()) << "it read behind the old image";
  EXPECT_TRUE(at_once.status == header || header == Status::kDone);
  EXPECT_EQ(rig.Run(delta, pieces), at_once) << "pieces make a difference";
  if (at_once.status == Status::kDone) {
    EXPECT_EQ(at_once.image.size(), new_size);
  }
  if (flags & kFinishEarly) {
    // Whatever it says then, it keeps to it, if it is not that more is needed.
    rig.Start();
    const std::span<const uint8_t> all(delta);
    const size_t first = header_size + body.size() / 2;
    rig.Write(all.first(first), pieces);
    rig.Write(all.subspan(first), pieces);
  }
  const Outcome reference = ReferenceDevice{.old_image = base}.Apply(delta);
  EXPECT_STREQ(StatusName(at_once.status), StatusName(reference.status));
  if (reference.status == Status::kDone) {
    EXPECT_EQ(Compare(at_once.image, reference.image), "");
  }
  Bytes image;
  EXPECT_EQ(StatusOf([&] { image = Apply(base, delta); }), at_once.status);
  if (at_once.status == Status::kDone) {
    EXPECT_EQ(image, at_once.image);
  }
  if (header == Status::kDone) {
    if (model) {
      const Status setting = StatusOf([&] { ReadModelSetting(body); });
      EXPECT_TRUE(setting == Status::kDone || setting == at_once.status)
          << StatusName(setting) << " and " << StatusName(at_once.status);
    } else {
      StatusOf([&] { ReadStatistics(delta); });
    }
  }
  if (flags & kWholeDevice) {
    const DeviceShape shape{.sector = 64, .program_unit = 1, .buffer = buffer};
    const DeviceOutcome device =
        RunDevice(shape, old_image, new_size, memory, delta, Pieces(pieces));
    EXPECT_TRUE(device.status == at_once.status);
  }
}

}  // namespace
}  // namespace mote::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mote::testing::Run({data, size});
  mote::testing::StopAtFailure();
  return 0;
}
