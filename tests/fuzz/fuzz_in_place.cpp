// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file for an update in place, on devices of many shapes. However it goes:
//
//  - before the image area is touched, the bootloader knows that all of the delta can be carried
//    out there, and gives the image that it asks for: nothing is read that was erased or
//    overwritten, and nothing else is written than what the reference decoder makes of it
//    (AreaWatch sees to both);
//  - there is always an image to start: the old one, whole, or one with the check that the delta
//    asks for; with trust, one that the vendor signed;
//  - nothing outside the area, staging, journal and metadata is touched.
//
// Input: flags, shape, images, when the power goes, and size of pieces, a byte each; then the file
// or, with kForged, the size of new, two bytes, the decisions of the delta, a bit each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "agent/boot.h"
#include "agent/session.h"
#include "diff/apply.h"
#include "patch/bytes.h"
#include "patch/check.h"
#include "release/digests.h"
#include "tests/agent/trust_rig.h"
#include "tests/fuzz/in_place_device.h"
#include "tests/fuzz/input.h"
#include "tests/support/model_deltas.h"
#include "tools/powercut_area.h"

namespace mote::testing {
namespace {

constexpr uint32_t kApplication = 7, kHardware = 9, kAddress = 0x1000;
constexpr uint32_t kStaging = 2048;  // bytes
// New on trial, old again, and what follows.
constexpr int kLastStart = 4, kMaxStarts = 12;

// Signatures are a byte, so that a fuzzer is not stopped by them.
bool Verify(void*, const PublicKey&, const uint8_t*, const uint8_t* signature) {
  return signature[0] == 'S';
}

// What becomes of a base.
struct Target {
  bool may_begin = false;
  Status status = Status::kCorrupt;
  uint32_t old_size = 0, new_size = 0;
  Bytes image;
};

// Makes the header right for what is behind it, if there is one.
void FixCheck(Bytes& file) {
  InPlaceHeader header;
  if (file.size() < kInPlaceHeaderSize || ReadInPlaceHeader(file.data(), header) != Status::kDone) {
    return;
  }
  const size_t end = std::min<size_t>(file.size(), header.Size());
  const uint32_t check = UpdateCheck(header.start, file.data() + kInPlaceHeaderSize,
                                     static_cast<uint32_t>(end - kInPlaceHeaderSize));
  StoreLittle(file.data() + 7, 4, check);
}

Bytes ForgedDelta(const Bytes& old_image, Input& input) {
  const uint32_t new_size = input.Number16() % (InPlaceShape::kLargest + 200);
  Bytes delta = ModelHeader(old_image, new_size, 2);
  Append(delta, ForgeFromBits(old_image, new_size, 2, input.Rest()));
  return delta;
}

class FuzzDevice {
 public:
  explicit FuzzDevice(Input& input)
      : flags_(input.Byte()),
        shape_(input.Byte()),
        number_(input.Byte()),
        cut_(input.Byte()),
        pieces_(1 + input.Byte() % 100),
        old_(InPlaceImage(number_)),
        new_(InPlaceImage(number_ + 1)),
        staging_at_(shape_.sector + shape_.area() + shape_.sector),
        journal_at_(staging_at_ + kStaging + shape_.sector),
        journal_size_(flags_ & kScarce && cut_ % 2 ? shape_.RoundUp(700) : shape_.journal()),
        metadata_at_(journal_at_ + journal_size_ * shape_.journals + shape_.sector),
        simulated_({.size = metadata_at_ + 2 * kMetadataPage + shape_.sector,
                    .erase_unit = shape_.sector,
                    .program_unit = shape_.program_unit,
                    .erased_value = shape_.erased_value},
                   3),
        inner_(simulated_.flash()),
        flash_(inner_),
        watch_(simulated_, shape_.sector, shape_.area()),
        journal_{&flash_, journal_at_, journal_size_, shape_.journals},
        trust_{{SignatureAlgorithm::kEd25519, {}}, kApplication, kHardware, {&Verify, nullptr, 6}},
        layout_{} {
    flash_.context = this;
    flash_.read = &Read;
    flash_.erase = &Erase;
    flash_.program = &Program;
    layout_.slots[0] = {{&flash_, shape_.sector, shape_.area()}, kAddress, true, false};
    layout_.slots[1] = {{&flash_, staging_at_, kStaging}, kAnyAddress, false, false};
    layout_.count = 2;
    layout_.trial_boots = 1;
    layout_.install = Install::kInPlace;
    layout_.staging = 1;
    layout_.metadata = {&flash_, metadata_at_, kMetadataPage, 2};
    layout_.journal = &journal_;
    if (flags_ & kTrusted) layout_.trust = &trust_;
    buffer_.resize(shape_.sector);
    memory_size_ = flags_ & kScarce && cut_ % 2 == 0 ? 900 : sizeof memory_;
    simulated_.Load(shape_.sector, old_);
    file_ = flags_ & kForged ? WriteInPlaceFile(ForgedDelta(old_, input), {}) : input.Rest();
    if (flags_ & kFixed) FixCheck(file_);
    FindTargets();
  }

  void Run() {
    Provision();
    if (flags_ & kCut) {
      const SimulatedFlash::Cut cuts[] = {SimulatedFlash::Cut::kBefore, SimulatedFlash::Cut::kTorn,
                                          SimulatedFlash::Cut::kAfter};
      simulated_.CutPowerAfter(cut_, cuts[pieces_ % 3]);
    }
    if (flags_ & kBySession) {
      Receive();
    } else {
      Put();
    }
    for (int i = 0; i < kMaxStarts && started_ < kLastStart && !Failed(); ++i) {
      Start();
    }
    EXPECT_TRUE(started_ == kLastStart || Failed()) << "it never came to an end";
  }

 private:
  static constexpr uint32_t kMetadataPage = 2048;

  static bool Failed() { return ::testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed(); }

  // ---- The flash.

  static Status Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
    auto& self = *static_cast<FuzzDevice*>(context);
    const Status status = self.inner_.read(self.inner_.context, offset, to, size);
    if (status == Status::kDone && self.watch_.Contains(offset)) self.watch_.Read(offset, size);
    return status;
  }
  static Status Erase(void* context, uint32_t offset) {
    auto& self = *static_cast<FuzzDevice*>(context);
    const bool watched = self.watch_.Contains(offset) && self.simulated_.powered();
    if (watched && (self.watch_.IsFirstStep(offset) || !self.watch_.running())) self.Begin();
    const Status status = self.inner_.erase(self.inner_.context, offset);
    if (watched && self.IsBegun(status)) self.watch_.Erased(offset);
    return status;
  }
  static Status Program(void* context, uint32_t offset, const uint8_t* data, uint32_t size) {
    auto& self = *static_cast<FuzzDevice*>(context);
    const bool watched = self.watch_.Contains(offset) && self.simulated_.powered();
    const Status status = self.inner_.program(self.inner_.context, offset, data, size);
    if (watched && self.IsBegun(status)) {
      self.watch_.Programmed(offset, {data, size}, status == Status::kDone);
    }
    return status;
  }
  // REQUIRES: there was power before.
  bool IsBegun(Status status) const {
    return status == Status::kDone || (!simulated_.powered() && pieces_ % 3 != 0);
  }

  // The first erase of the area. What it is for is in the metadata.
  void Begin() {
    Layout layout = layout_;
    layout.metadata.flash = &inner_;
    Metadata metadata;
    ASSERT_EQ(metadata.Load(layout), Status::kDone);
    const bool undo = metadata.install == InstallState::kUndoRunning;
    EXPECT_TRUE(undo || metadata.install == InstallState::kInPlaceRunning);
    target_ = undo ? &back_ : &forth_;
    EXPECT_TRUE(target_->may_begin) << "begun with a delta that cannot be decoded";
    const Bytes& base = undo ? forth_.image : old_;
    EXPECT_TRUE(std::ranges::equal(Content(base.size()), base)) << "begun with another image";
    base_ = AsBytes(Content(target_->old_size));
    watch_.Begin(base_, target_->image);
  }

  // What the bootloader, or the firmware, may not touch.
  void Restrict(bool boots) {
    simulated_.AllowAll();
    const uint32_t area_end = shape_.sector + shape_.area();
    for (const uint32_t gap : {0u, area_end, staging_at_ + kStaging, metadata_at_ - shape_.sector,
                               metadata_at_ + 2 * kMetadataPage}) {
      simulated_.Forbid(gap, shape_.sector, SimulatedFlash::kAll);
    }
    if (boots) {
      simulated_.Forbid(staging_at_, kStaging, SimulatedFlash::kChange);
    } else {
      simulated_.Forbid(shape_.sector, shape_.area(), SimulatedFlash::kChange);
      simulated_.Forbid(journal_at_, journal_size_ * shape_.journals, SimulatedFlash::kChange);
    }
  }

  std::span<const uint8_t> Content(size_t size) const {
    return simulated_.Content(shape_.sector, static_cast<uint32_t>(size));
  }

  // ---- What the file says.

  Target TargetOf(const Bytes& base, std::span<const uint8_t> delta) const {
    Target target;
    const Outcome outcome =
        ReferenceDevice{.old_image = base, .capacity = shape_.area() - shape_.sector}.Apply(delta);
    target.status = outcome.status;
    target.image = outcome.image;
    try {
      const DeltaHeader header = ReadHeader(delta);
      target.old_size = header.old_size;
      target.new_size = header.new_size;
      target.may_begin = header.new_size != 0 && outcome.status == Status::kDone;
    } catch (const Error&) {
    }
    return target;
  }
  void FindTargets() {
    InPlaceHeader header;
    if (file_.size() < kInPlaceHeaderSize ||
        ReadInPlaceHeader(file_.data(), header) != Status::kDone || header.Size() > file_.size()) {
      return;
    }
    const auto deltas = std::span(file_).subspan(kInPlaceHeaderSize);
    const Bytes area = AsBytes(Content(shape_.area()));
    forth_ = TargetOf(area, deltas.first(header.forward_size));
    if (!forth_.may_begin) return;
    Bytes after = area;  // as far as it matters
    std::ranges::copy(forth_.image, after.begin());
    after.resize(forth_.image.size());
    back_ = TargetOf(after, deltas.subspan(header.forward_size, header.inverse_size));
  }

  // ---- The device.

  Bytes Release(const Bytes& image, uint32_t version) const {
    const VendorFields fields{static_cast<uint8_t>(SignatureAlgorithm::kEd25519),
                              0,
                              {0, 0},
                              kApplication,
                              kHardware,
                              version,
                              version,
                              static_cast<uint32_t>(image.size()),
                              kAddress,
                              0,
                              Sha256::Of(image),
                              {}};
    Bytes release = fields.Part();
    release.push_back('S');
    release.resize(release.size() + kSignatureSize - 1);
    return release;
  }

  void Provision() {
    Metadata metadata;
    ASSERT_EQ(metadata.Load(layout_), Status::kDone);
    SlotRecord& record = metadata.slot(0);
    record.state = SlotState::kConfirmed;
    if (!(flags_ & kUnknown) || (flags_ & kTrusted)) {
      record.has_digest = true;
      record.size = static_cast<uint32_t>(old_.size());
      record.update = 1;
      std::ranges::copy(Sha256::Of(old_), record.digest);
    }
    if (flags_ & kTrusted) {
      record.has_release = true;
      std::ranges::copy(Release(old_, 1), record.release);
    }
    ASSERT_EQ(metadata.Commit(), Status::kDone);
  }

  // The file is in staging, as if a session had taken it.
  void Put() {
    const auto size = static_cast<uint32_t>(std::min<size_t>(file_.size(), kStaging));
    simulated_.Load(staging_at_, std::span(file_).first(size));
    Metadata metadata;
    if (metadata.Load(layout_) != Status::kDone) return;
    SlotRecord& record = metadata.slot(1);
    record.state = SlotState::kVerified;
    record.has_digest = true;
    record.size = size;
    record.update = 2;
    std::ranges::copy(Sha256::Of(std::span(file_).first(size)), record.digest);
    if (flags_ & kTrusted) {
      record.has_release = true;
      std::ranges::copy(Release(new_, 2), record.release);
    }
    metadata.install = InstallState::kInPlaceRequested;
    metadata.Commit();
  }

  // Once more after a power cut, and where the file is no longer than what was sent, from its
  // start.
  void Receive() {
    const Bytes release = Release(new_, 2);
    const Sha256::Digest digest = Sha256::Of(file_);
    for (int i = 0; i < 2; ++i) {
      PowerUp();
      Restrict(false);
      Metadata metadata;
      if (metadata.Load(layout_) != Status::kDone) continue;
      if (metadata.install != InstallState::kNone) return;  // it was activated
      Session session;
      SessionConfig config{};
      config.layout = &layout_;
      config.metadata = &metadata;
      config.target = 1;
      config.buffer = buffer_.data();
      config.buffer_size = static_cast<uint32_t>(buffer_.size());
      config.memory = memory_;
      config.memory_size = memory_size_;
      config.sha256 = HostSha256(sha_);
      if (flags_ & kTrusted) {
        config.release = release.data();
        config.delta_digest = digest.data();
        config.delta_sha256 = &config.sha256;
      } else if (pieces_ % 2) {
        config.digest = digest.data();
      }
      Status status = session.Begin(config);
      EXPECT_TRUE(status == Status::kNeedInput || !simulated_.powered()) << StatusName(status);
      const auto size = static_cast<uint32_t>(file_.size());
      for (uint32_t at = session.offset(); at < size && status == Status::kNeedInput;) {
        const uint32_t piece = std::min<uint32_t>(pieces_, size - at);
        // Memory that ends where the bytes do, for the sanitizer.
        const Bytes exact(file_.begin() + at, file_.begin() + at + piece);
        status = session.Write(exact.data(), piece);
        at += piece;
      }
      if (status == Status::kNeedInput) status = session.Finish();
      if (!simulated_.powered()) continue;
      if (status != Status::kDone) return;
      EXPECT_TRUE(forth_.image.size() == forth_.new_size && forth_.new_size != 0)
          << "a session took what cannot be decoded";
      EXPECT_TRUE(std::ranges::equal(simulated_.Content(staging_at_, session.new_size()),
                                     std::span(file_).first(session.new_size())));
      if (Activate(layout_, metadata, 1) == Status::kDone) return;
    }
  }

  void PowerUp() {
    if (!simulated_.powered()) simulated_.PowerUp();
    watch_.PowerUp();
    memset(memory_, 0xA5, sizeof memory_);
  }

  void Start() {
    PowerUp();
    Restrict(true);
    Metadata metadata;
    BootChoice choice{kNoSlot, 0, false, false, Status::kDone};
    const Status status = Bootloader({layout_, metadata, HostSha256(sha_), buffer_.data(),
                                      static_cast<uint32_t>(buffer_.size()), memory_, memory_size_})
                              .Boot(choice);
    EXPECT_EQ(simulated_.violation_count(), 0u) << simulated_.DescribeViolations();
    EXPECT_EQ(watch_.failure(), "");
    if (!simulated_.powered()) return;
    ASSERT_STREQ(StatusName(status), "done") << "there is nothing to start";
    ASSERT_EQ(choice.slot, 0);
    ++started_;
    CheckStarted();
    watch_.End();
    if (choice.on_trial && (flags_ & kConfirms)) {
      EXPECT_EQ(metadata.Load(layout_), Status::kDone);
      const Status confirmed = Confirm(layout_, metadata, 0);
      EXPECT_TRUE(confirmed == Status::kDone || !simulated_.powered());
    }
  }

  void CheckStarted() {
    const bool is_old = std::ranges::equal(Content(old_.size()), old_);
    const bool is_new =
        forth_.may_begin && std::ranges::equal(Content(forth_.image.size()), forth_.image);
    const bool is_back =
        back_.may_begin && std::ranges::equal(Content(back_.image.size()), back_.image);
    EXPECT_TRUE(is_old || is_new || is_back) << "what is started is no image";
    if (watch_.running()) {
      EXPECT_TRUE(std::ranges::equal(Content(target_->image.size()), target_->image));
    }
    if (flags_ & kTrusted) {
      EXPECT_TRUE(is_old || std::ranges::equal(Content(new_.size()), new_)) << "it is not signed";
    }
  }

  const unsigned flags_;
  const InPlaceShape shape_;
  const unsigned number_, cut_, pieces_;
  const Bytes &old_, &new_;
  const uint32_t staging_at_, journal_at_, journal_size_, metadata_at_;
  SimulatedFlash simulated_;
  Flash inner_, flash_;
  tools::AreaWatch watch_;
  JournalArea journal_;
  Trust trust_;
  Layout layout_;
  Sha256 sha_;
  Bytes file_, base_, buffer_;
  Target forth_, back_;
  const Target* target_ = nullptr;  // of what was begun last
  int started_ = 0;
  uint32_t memory_size_ = 0;
  alignas(8) uint8_t memory_[8192];
};

}  // namespace
}  // namespace mote::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mote::testing::Input input(data, size);
  mote::testing::FuzzDevice device(input);
  device.Run();
  mote::testing::StopAtFailure();
  return 0;
}
