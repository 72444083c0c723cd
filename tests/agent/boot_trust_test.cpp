// SPDX-License-Identifier: Apache-2.0
// The bootloader in a layout with trust: each check of CheckRelease with everything else right, for
// images on trial, confirmed, staged and the factory's; and when the security counter grows.
#include <functional>
#include <string>
#include <vector>

#include "tests/agent/trust_rig.h"

namespace mote::testing {
namespace {

constexpr uint32_t kCounter = TrustRig::kOldCounter;

struct Claim {
  const char* what;
  Status status;
  std::function<void(TrustRig&, VendorFields&)> change;        // before it is signed
  std::function<void(TrustRig&, Bytes& release)> damage = {};  // behind that
  std::function<void(TrustRig&, SlotRecord&)> record = {};
};

std::vector<Claim> Claims() {
  using R = TrustRig&;
  using V = VendorFields&;
  const auto same = [](R, V) {};
  return {
      {"by another key", Status::kBadSignature, same,
       [](R r, Bytes& release) {
         const Bytes part(release.begin(), release.end() - 64);
         std::ranges::copy(r.server->Sign(Tagged("mote-v1", {part})), release.end() - 64);
       }},
      {"for another purpose", Status::kBadSignature, same,
       [](R r, Bytes& release) {
         const Bytes part(release.begin(), release.end() - 64);
         std::ranges::copy(r.vendor->Sign(Tagged("mote-k1", {part})), release.end() - 64);
       }},
      {"of another algorithm than the root", Status::kBadSignature,
       [](R r, V v) { v.algorithm = NumberOf(OtherType(r.vendor->type())); }},
      {"of an algorithm that there is not", Status::kBadSignature, [](R, V) {},
       [](R, Bytes& release) { release[0] = 7; }},
      {"application", Status::kWrongDevice, [](R, V v) { v.application ^= 1; }},
      {"hardware", Status::kWrongDevice, [](R, V v) { v.hardware ^= 0x80000000; }},
      {"address", Status::kDoesNotFit, [](R, V v) { v.address ^= 0x3000; }},
      {"address in the factory's slot", Status::kDoesNotFit, [](R, V v) { v.address = 0x3000; }},
      {"counter", Status::kDowngrade, [](R, V v) { v.counter = kCounter - 1; }},
      {"no counter", Status::kDowngrade, [](R, V v) { v.counter = 0; }},
      {"size", Status::kBadSignature, [](R, V v) { --v.size; }},
      {"digest", Status::kBadSignature, [](R, V v) { v.digest[31] ^= 1; }},
      {"no release",
       Status::kBadSignature,
       same,
       {},
       [](R, SlotRecord& record) { record.has_release = false; }},
      {"no digest",
       Status::kBadSignature,
       same,
       {},
       [](R, SlotRecord& record) { record.has_digest = false; }},
      {"record's size",
       Status::kBadSignature,
       same,
       {},
       [](R, SlotRecord& record) { ++record.size; }},
      {"record's digest",
       Status::kBadSignature,
       same,
       {},
       [](R, SlotRecord& record) { record.digest[0] ^= 1; }},
  };
}

// A release of `image` in a slot's record, by the claim.
void PutClaim(TrustRig& rig, const Claim& claim, uint8_t slot, const Bytes& image, SlotState state,
              uint32_t update, uint32_t address) {
  VendorFields fields = rig.Release(image, TrustRig::kNewVersion, kCounter, address);
  claim.change(rig, fields);
  Bytes release = TrustRig::Signed(fields, *rig.vendor);
  if (claim.damage) claim.damage(rig, release);
  TrustRig::Put(rig, slot, image, state, update, release);
  if (claim.record) claim.record(rig, rig.metadata.slot(slot));
}
const Claim kRight = {"right", Status::kDone, [](TrustRig&, VendorFields&) {}};

void ForbidSlots(TrustRig& rig) {
  rig.simulated.Forbid(0, TrustRig::kMetadata * TrustRig::kSector, SimulatedFlash::kChange);
}

class BootTrust : public ::testing::TestWithParam<KeyType> {};
INSTANTIATE_TEST_SUITE_P(All, BootTrust, ::testing::Values(KeyType::kEd25519, KeyType::kP256),
                         [](const auto& parameter) { return KeyTypeName(parameter.param); });

TEST_P(BootTrust, ARightTrialIsStarted) {
  TrustRig rig({.keys = GetParam()});
  PutClaim(rig, kRight, 1, rig.new_image, SlotState::kOnTrial, 2, 0x2000);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  ForbidSlots(rig);
  const BootChoice choice = rig.Restart();
  EXPECT_EQ(choice.slot, 1);
  EXPECT_TRUE(choice.on_trial);
  EXPECT_EQ(choice.refused, Status::kDone);
}

TEST_P(BootTrust, ATrialIsBadForGood) {
  for (const Claim& claim : Claims()) {
    SCOPED_TRACE(claim.what);
    TrustRig rig({.keys = GetParam()});
    PutClaim(rig, claim, 1, rig.new_image, SlotState::kOnTrial, 2, 0x2000);
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    ForbidSlots(rig);
    BootChoice choice = rig.Restart();
    EXPECT_EQ(choice.slot, 0);
    EXPECT_STREQ(StatusName(choice.refused), StatusName(claim.status));
    EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kBad);
    choice = rig.Restart();
    EXPECT_EQ(choice.slot, 0);
    EXPECT_EQ(choice.refused, Status::kDone) << "it has no claim any more";
    rig.simulated.AllowAll();
    rig.ExpectUpdatable();
  }
}

TEST_P(BootTrust, AConfirmedOneIsPassedOver) {
  for (const Claim& claim : Claims()) {
    SCOPED_TRACE(claim.what);
    TrustRig rig({.keys = GetParam()});
    PutClaim(rig, claim, 1, rig.new_image, SlotState::kConfirmed, 2, 0x2000);
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    const uint64_t before = rig.changes();
    for (int i = 0; i < 2; ++i) {
      const BootChoice choice = rig.Restart();
      EXPECT_EQ(choice.slot, 0);
      EXPECT_STREQ(StatusName(choice.refused), StatusName(claim.status));
    }
    EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kConfirmed);
    EXPECT_EQ(rig.changes(), before);
  }
}

TEST_P(BootTrust, EveryByteOfARelease) {
  TrustRig rig({.keys = GetParam()});
  const Bytes release = TrustRig::Signed(
      rig.Release(rig.new_image, TrustRig::kNewVersion, kCounter, 0x2000), *rig.vendor);
  for (size_t at = 0; at < release.size(); ++at) {
    SCOPED_TRACE(at);
    Bytes changed = release;
    changed[at] ^= static_cast<uint8_t>(1 << at % 8);
    TrustRig::Put(rig, 1, rig.new_image, SlotState::kConfirmed, 2, changed);
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    BootChoice choice{};
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(choice.slot, 0);
    Status expected = Status::kBadSignature;
    if (at >= 4 && at < 12) expected = Status::kWrongDevice;
    if (at >= 24 && at < 28) expected = Status::kDoesNotFit;
    if (at == 16) expected = Status::kDowngrade;  // 3 becomes 2
    EXPECT_STREQ(StatusName(choice.refused), StatusName(expected));
  }
  // What stands behind it in the record does not matter.
  TrustRig::Put(rig, 1, rig.new_image, SlotState::kConfirmed, 2, release);
  if (release.size() < kMaxVendorSigned) rig.metadata.slot(1).release[release.size()] = 1;
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  EXPECT_EQ(rig.Restart().slot, 1);
}

TEST_P(BootTrust, ImageBytes) {
  for (const SlotState state : {SlotState::kConfirmed, SlotState::kOnTrial}) {
    for (const uint32_t at : {0u, 255u, 256u, 1700u, 1732u}) {
      SCOPED_TRACE(at);
      TrustRig rig({.keys = GetParam()});
      PutClaim(rig, kRight, 1, rig.new_image, state, 2, 0x2000);
      ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
      const uint8_t other = rig.new_image[at] ^ 4;
      rig.simulated.Load(TrustRig::kSlot1 * TrustRig::kSector + at, {&other, 1});
      ForbidSlots(rig);
      const BootChoice choice = rig.Restart();
      EXPECT_EQ(choice.slot, 0);
      EXPECT_EQ(choice.refused, Status::kCorrupt);
    }
  }
}

TEST_P(BootTrust, ABadReleaseIsNotInstalled) {
  for (const Install install : {Install::kSwap, Install::kOverwrite}) {
    for (const Claim& claim : Claims()) {
      SCOPED_TRACE(std::string(InstallName(install)) + ", " + claim.what);
      TrustRig rig({.install = install, .keys = GetParam()});
      PutClaim(rig, claim, 1, rig.new_image, SlotState::kVerified, 2, 0x1000);
      rig.metadata.install = install == Install::kSwap ? InstallState::kSwapRequested
                                                       : InstallState::kOverwriteRequested;
      ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
      ForbidSlots(rig);
      const BootChoice choice = rig.Restart();
      EXPECT_EQ(choice.slot, 0);
      EXPECT_STREQ(StatusName(choice.refused), StatusName(claim.status));
      EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kBad);
      EXPECT_EQ(rig.metadata.install, InstallState::kNone);
      EXPECT_EQ(rig.metadata.trust.security_counter, kCounter);
      rig.simulated.AllowAll();
      rig.ExpectUpdatable();
    }
  }
}

TEST_P(BootTrust, ABadReleaseIsNotRestored) {
  // Primary holds nothing that may be started, staging the image of before.
  for (const Claim& claim : Claims()) {
    SCOPED_TRACE(claim.what);
    TrustRig rig({.install = Install::kSwap, .keys = GetParam()});
    PutClaim(rig, claim, 1, rig.new_image, SlotState::kConfirmed, 2, 0x1000);
    rig.metadata.slot(0).state = SlotState::kBad;
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    ForbidSlots(rig);
    BootChoice choice{};
    EXPECT_EQ(rig.Boot(choice), Status::kCorrupt);
    rig.simulated.AllowAll();
    PutClaim(rig, kRight, 1, rig.new_image, SlotState::kConfirmed, 2, 0x1000);
    rig.metadata.slot(0).state = SlotState::kBad;
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    EXPECT_EQ(rig.Restart().slot, 0);
    EXPECT_EQ(Compare(rig.Image(0, rig.new_image.size()), rig.new_image), "");
  }
}

TEST_P(BootTrust, TheFactorysSlotIsCheckedToo) {
  for (const Claim& claim : Claims()) {
    if (std::string(claim.what) == "address in the factory's slot") continue;  // right, here
    SCOPED_TRACE(claim.what);
    TrustRig rig({.keys = GetParam(), .factory = true});
    rig.metadata.slot(0).state = SlotState::kEmpty;
    PutClaim(rig, claim, 2, rig.old_image, SlotState::kConfirmed, 0, 0x3000);
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    ForbidSlots(rig);
    BootChoice choice{};
    EXPECT_EQ(rig.Boot(choice), Status::kCorrupt);
    PutClaim(rig, kRight, 2, rig.old_image, SlotState::kConfirmed, 0, 0x3000);
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    ASSERT_EQ(rig.Boot(choice), Status::kDone);
    EXPECT_EQ(choice.slot, 2);
    EXPECT_TRUE(choice.last_resort);
  }
}

TEST(BootTrustRecord, WithoutARecordNothingIsStarted) {
  for (const bool factory : {false, true}) {
    TrustRig rig({.factory = factory});
    rig.simulated.Blank(TrustRig::kMetadata * TrustRig::kSector, 8 * TrustRig::kSector);
    ForbidSlots(rig);
    BootChoice choice{};
    EXPECT_EQ(rig.Boot(choice), Status::kCorrupt);
    // And no agent begins on it.
    ASSERT_EQ(rig.metadata.Load(rig.layout), Status::kDone);
    EXPECT_EQ(rig.agent->Init(rig.Config()), Status::kBadArgument);
  }
}

// ---- The security counter.

OfferFields WithCounter(TrustRig& rig, uint32_t counter) {
  rig.Request();
  OfferFields fields = rig.Offer();
  fields.vendor.counter = counter;
  return fields;
}

TEST(BootTrustCounter, GrowsWhenATrialConfirmsItself) {
  for (const Install install : {Install::kNone, Install::kSwap}) {
    SCOPED_TRACE(InstallName(install));
    TrustRig rig({.install = install});
    ASSERT_EQ(rig.Deliver(WithCounter(rig, kCounter + 4).Make()), Status::kDone);
    EXPECT_EQ(rig.metadata.trust.security_counter, kCounter);
    ASSERT_TRUE(rig.Restart().on_trial);
    EXPECT_EQ(rig.metadata.trust.security_counter, kCounter) << "on trial";
    ASSERT_EQ(Confirm(rig.layout, rig.metadata, rig.running), Status::kDone);
    ASSERT_EQ(rig.PowerUp(), Status::kDone);
    EXPECT_EQ(rig.metadata.trust.security_counter, kCounter + 4);
    // The old image never runs again, not even where there is no other.
    const uint32_t at = rig.layout.slots[rig.running].slot.offset;
    const uint8_t other = rig.new_image[0] ^ 1;
    rig.simulated.Load(at, {&other, 1});
    BootChoice choice{};
    EXPECT_EQ(rig.Boot(choice), Status::kCorrupt);
  }
}

TEST(BootTrustCounter, DoesNotGrowWhenATrialFails) {
  for (const Install install : {Install::kNone, Install::kSwap}) {
    SCOPED_TRACE(InstallName(install));
    TrustRig rig({.install = install});
    ASSERT_EQ(rig.Deliver(WithCounter(rig, kCounter + 4).Make()), Status::kDone);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(rig.Restart().on_trial);
    const BootChoice choice = rig.Restart();
    EXPECT_EQ(choice.slot, 0);
    EXPECT_FALSE(choice.on_trial);
    EXPECT_EQ(choice.refused, Status::kCorrupt) << "its starts are used up";
    EXPECT_EQ(rig.metadata.trust.security_counter, kCounter);
    rig.ExpectUpdatable();
  }
}

TEST(BootTrustCounter, GrowsAtTheEndOfAnOverwrite) {
  TrustRig rig({.install = Install::kOverwrite});
  ASSERT_EQ(rig.Deliver(WithCounter(rig, kCounter + 4).Make()), Status::kDone);
  EXPECT_EQ(rig.metadata.trust.security_counter, kCounter);
  EXPECT_FALSE(rig.Restart().on_trial);
  EXPECT_EQ(rig.metadata.trust.security_counter, kCounter + 4);
  Metadata loaded;
  ASSERT_EQ(loaded.Load(rig.layout), Status::kDone);
  EXPECT_EQ(loaded.trust.security_counter, kCounter + 4);
}

TEST(BootTrustCounter, NeverGoesDown) {
  // Raised above that of the release by an image that is gone.
  TrustRig rig;
  ASSERT_EQ(rig.Deliver(WithCounter(rig, kCounter + 4).Make()), Status::kDone);
  ASSERT_TRUE(rig.Restart().on_trial);
  rig.metadata.trust.security_counter = kCounter + 9;
  ASSERT_EQ(Confirm(rig.layout, rig.metadata, rig.running), Status::kDone);
  EXPECT_EQ(rig.metadata.trust.security_counter, kCounter + 9);
}

// ---- The root key before the present one.

class BootTrustRoots : public ::testing::Test {
 protected:
  // The root key is another one now; images are by the one before.
  static void Replace(TrustRig& rig, const PrivateKey& next) {
    rig.metadata.trust.previous_root = rig.trust.root;
    rig.metadata.trust.root = PublicOf(next);
  }
  const PrivateKey& next = TestKey(KeyType::kEd25519, 5);
};

TEST_F(BootTrustRoots, TheOneBeforeIsForConfirmedImages) {
  for (const bool confirmed : {false, true}) {
    TrustRig rig;
    Replace(rig, next);
    PutClaim(rig, kRight, 1, rig.new_image, confirmed ? SlotState::kConfirmed : SlotState::kOnTrial,
             2, 0x2000);
    ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
    ForbidSlots(rig);
    const BootChoice choice = rig.Restart();
    EXPECT_EQ(choice.slot, confirmed ? 1 : 0);
    EXPECT_EQ(choice.refused, confirmed ? Status::kDone : Status::kBadSignature);
    EXPECT_EQ(rig.metadata.slot(1).state, confirmed ? SlotState::kConfirmed : SlotState::kBad);
  }
}

TEST_F(BootTrustRoots, NotForStagedOnes) {
  for (const Install install : {Install::kSwap, Install::kOverwrite}) {
    TrustRig rig({.install = install});
    Replace(rig, next);
    PutClaim(rig, kRight, 1, rig.new_image, SlotState::kVerified, 2, 0x1000);
    ASSERT_EQ(Activate(rig.layout, rig.metadata, 1), Status::kDone);
    ForbidSlots(rig);
    const BootChoice choice = rig.Restart();
    EXPECT_EQ(choice.slot, 0);
    EXPECT_EQ(choice.refused, Status::kBadSignature);
    EXPECT_EQ(rig.metadata.slot(1).state, SlotState::kBad);
  }
}

TEST_F(BootTrustRoots, TheOneBeforeThatIsForNothing) {
  TrustRig rig;
  Replace(rig, next);
  rig.metadata.trust.previous_root = PublicOf(TestKey(KeyType::kEd25519, 6));
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  BootChoice choice{};
  EXPECT_EQ(rig.Boot(choice), Status::kCorrupt) << "the image is by the layout's root";
  // Nor is no key one that anything is signed by.
  rig.metadata.trust.previous_root = {};
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  EXPECT_EQ(rig.Boot(choice), Status::kCorrupt);
}

TEST_F(BootTrustRoots, AFailedSwapComesBackToAnImageByTheOneBefore) {
  TrustRig rig({.install = Install::kSwap});
  Replace(rig, next);
  ASSERT_EQ(rig.metadata.Commit(), Status::kDone);
  rig.vendor = &next;
  rig.Request();
  ASSERT_EQ(rig.Deliver(rig.Offer().Make()), Status::kDone);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(rig.Restart().on_trial);
  const BootChoice choice = rig.Restart();
  EXPECT_FALSE(choice.on_trial);
  EXPECT_EQ(Compare(rig.Image(0, rig.old_image.size()), rig.old_image), "");
}

}  // namespace
}  // namespace mote::testing
