// SPDX-License-Identifier: Apache-2.0
// Offers: which release, which payload, and that what comes out is what the device can take.
#include "release/offer.h"

#include "agent/layout.h"
#include "diff/apply.h"
#include "diff/model.h"
#include "patch/model.h"
#include "release/verify.h"
#include "stream/updater.h"
#include "tests/release/support.h"
#include "tests/support/pairs.h"

namespace mote::testing {
namespace {

constexpr uint32_t kOldVersion = 0x02030000, kNewVersion = 0x02040000;

// A vendor, a server, a store with two releases of a pair of real images, and a device's token.
struct Shop {
  explicit Shop(KeyType type = KeyType::kP256)
      : server(KeyOf(type)), vendor(KeyOf(type, 1)), pair(ReadPair("logger-cm4-addfn")) {
    fields.application = 1;
    fields.hardware = 7;
    fields.link_address = 0x08008000;
    fields.server_key = VerifyingKey(server);
    Add(kOldVersion, pair.old_image);
    Add(kNewVersion, pair.new_image);
    token = {};
    for (uint8_t i = 0; i < 8; ++i) token.device[i] = i, token.nonce[i] = 100 + i;
    token.application = 1;
    token.hardware = 7;
    token.version = kOldVersion;
    std::copy_n(Sha256::Of(pair.old_image).begin(), sizeof token.base, token.base);
    token.decoder_ram = 4096;
    token.link_address = 0x08008000;
    token.capacity = 65536;
    token.codecs = 7;
    token.architectures = 3;
    token.signatures = 6;
    token.encryptions = 15;
    token.piece_bits = 10;
  }

  void Add(uint32_t version, std::span<const uint8_t> image) {
    fields.version = version;
    releases.push_back(MakeRelease(fields, image, vendor));
  }
  OfferRequest Request() const {
    OfferRequest request;
    request.token = token;
    request.releases = releases;
    request.statements = statements;
    request.server = &server;
    request.recipient = recipient;
    return request;
  }
  Offer Make(bool with_base = true) const {
    const OfferRequest request = Request();
    return MakeOffer(
        request, ChooseRelease(request), pair.new_image,
        with_base ? std::span<const uint8_t>(pair.old_image) : std::span<const uint8_t>());
  }
  Status ChooseStatus() const {
    return StatusOf([&] { ChooseRelease(Request()); });
  }
  uint32_t ChosenVersion() const { return ChooseRelease(Request()).target->vendor().version; }

  const PrivateKey& server;
  const PrivateKey& vendor;
  FirmwarePair pair;
  ReleaseFields fields;
  std::vector<Release> releases;
  std::vector<Bytes> statements;
  std::optional<PayloadRecipient> recipient;
  Token token;
};

// Checks all that a device checks, and returns the image that comes out.
Bytes Take(const Shop& shop, const Offer& offer, DeviceKeys* keys = nullptr) {
  const OfferView view = ReadOffer(offer.bytes);
  TrustedKeys trusted{VerifyingKey(shop.vendor)};
  for (const auto statement : view.statements) TakeStatement(trusted, statement);
  VerifyVendor(view, trusted);
  Bytes delta(view.payload.begin(), view.payload.end());
  Bytes base = shop.pair.old_image;
  if (view.has_server_part()) {
    VerifyServer(view, base);
    const ServerPart server = view.server();
    EXPECT_TRUE(std::equal(server.device, server.device + 8, shop.token.device));
    EXPECT_TRUE(std::equal(server.nonce, server.nonce + 8, shop.token.nonce));
    EXPECT_EQ(PayloadSize(server), view.payload.size());
    EXPECT_LE(server.decoder_ram, shop.token.decoder_ram);
    if (keys) delta = DecryptPayload(server, view.payload, *keys);
    VerifyDelta(server, delta);
    EXPECT_EQ(server.base_version, offer.full ? 0 : shop.token.version);
  }
  EXPECT_EQ(view.manifest.size(), offer.manifest_size);
  EXPECT_EQ(view.payload.size(), offer.payload_size);
  EXPECT_EQ(delta.size(), offer.delta_size);
  if (offer.full) base.clear();
  Bytes image = Apply(base, delta);
  VerifyImage(view.vendor(), image);
  return image;
}

TEST(Offer, ADeltaForTheBase) {
  for (const auto& [type, size] : {std::pair(KeyType::kP256, 328u), {KeyType::kEd25519, 296u}}) {
    const Shop shop(type);
    const Offer offer = shop.Make();
    EXPECT_EQ(offer.manifest_size, size);
    EXPECT_FALSE(offer.full);
    EXPECT_EQ(offer.header.codec, Codec::kModel);
    EXPECT_LT(offer.payload_size, 700u);
    EXPECT_EQ(Take(shop, offer), shop.pair.new_image);
  }
}

TEST(Offer, AFullImageWithoutTheBase) {
  const Shop shop;
  const Offer offer = shop.Make(false);
  EXPECT_TRUE(offer.full);
  EXPECT_LT(offer.payload_size, shop.pair.new_image.size());
  EXPECT_FALSE(NeedsBase(ReadOffer(offer.bytes).server()));
  EXPECT_EQ(Take(shop, offer), shop.pair.new_image);
}

TEST(Offer, AFullImageWhereItIsSmaller) {
  Shop shop;
  // Nothing of the new image is in the old one, and there is not much in it.
  const Bytes zeros(5000);
  shop.pair.old_image = SomeImage(2000, 1);
  std::copy_n(Sha256::Of(shop.pair.old_image).begin(), 8, shop.token.base);
  shop.pair.new_image = zeros;
  shop.Add(kNewVersion + 1, zeros);
  const Offer offer = shop.Make();
  EXPECT_TRUE(offer.full);
  EXPECT_EQ(Take(shop, offer), zeros);
}

TEST(Offer, OnlyWhatTheDecoderHas) {
  Shop shop;
  const uint32_t model = shop.Make().delta_size;
  shop.token.codecs = 1 << static_cast<int>(Codec::kLzss);
  Offer offer = shop.Make();
  EXPECT_EQ(offer.header.codec, Codec::kLzss);
  EXPECT_GT(offer.delta_size, model);
  EXPECT_EQ(Take(shop, offer), shop.pair.new_image);
  shop.token.decoder_ram = kUpdaterRam + 256;
  EXPECT_EQ(shop.Make().header.window_bits, 8u);
  shop.token.codecs = 1 << static_cast<int>(Codec::kRaw);
  shop.token.decoder_ram = kUpdaterRam;
  EXPECT_EQ(shop.Make().header.codec, Codec::kRaw);
  shop.token.decoder_ram = kUpdaterRam - 1;
  EXPECT_EQ(StatusOf([&] { shop.Make(); }), Status::kDoesNotFit);
  shop.token.decoder_ram = 0;
  EXPECT_EQ(StatusOf([&] { shop.Make(); }), Status::kDoesNotFit);
  shop.token.codecs = 1 << static_cast<int>(Codec::kZstd);
  shop.token.decoder_ram = 4096;
  EXPECT_EQ(StatusOf([&] { shop.Make(); }), Status::kUnsupported);
  shop.token.codecs = 4;
  shop.token.architectures = 0;
  EXPECT_EQ(StatusOf([&] { shop.Make(); }), Status::kUnsupported);
}

TEST(Offer, ProfilesAndInstructionSets) {
  Shop shop;
  shop.token.codecs = 1 << static_cast<int>(Codec::kModel);
  const uint32_t largest = shop.Make().delta_size;
  shop.token.decoder_ram = 2048;
  EXPECT_EQ(shop.Make().header.profile, 1u);
  shop.token.decoder_ram = 4096;
  shop.token.small_model = true;
  const Offer small = shop.Make();
  EXPECT_EQ(small.header.profile, 2u);
  EXPECT_EQ(small.decoder_ram, kModelRam[2]);
  shop.token.small_model = false;
  for (const ArchitectureId only : {ArchitectureId::kWords, ArchitectureId::kRiscv}) {
    shop.token.architectures = static_cast<uint16_t>(1 << static_cast<int>(only));
    const Offer offer = shop.Make();
    EXPECT_GT(offer.delta_size, largest);
    const std::span<const uint8_t> delta = ReadOffer(offer.bytes).payload;
    EXPECT_EQ(ReadModelSetting(delta.subspan(offer.header.header_size)).architecture, only);
  }
}

TEST(Offer, Encrypted) {
  Shop shop;
  DeviceKeys keys;
  keys.x25519 = KeyOf(KeyType::kX25519);
  keys.p256 = KeyOf(KeyType::kP256, 2);
  keys.shared.emplace().fill(7);
  const std::pair<PayloadRecipient, uint32_t> recipients[] = {{*keys.shared, 328 + 16},
                                                              {keys.x25519->public_key(), 328 + 32},
                                                              {keys.p256->public_key(), 328 + 64}};
  for (const auto& [recipient, size] : recipients) {
    shop.recipient = recipient;
    const Offer offer = shop.Make();
    EXPECT_EQ(offer.manifest_size, size);
    EXPECT_EQ(offer.payload_size, offer.delta_size + 16);
    EXPECT_EQ(Take(shop, offer, &keys), shop.pair.new_image);
  }
  shop.token.piece_bits = 5;
  EXPECT_EQ(Take(shop, shop.Make(), &keys), shop.pair.new_image);
  shop.token.piece_bits = 0;
  EXPECT_EQ(StatusOf([&] { shop.Make(); }), Status::kUnsupported);
  shop.token.piece_bits = 10;
  shop.token.encryptions = 1;
  EXPECT_EQ(StatusOf([&] { shop.Make(); }), Status::kUnsupported);
  shop.recipient.reset();
  shop.token.encryptions = 14;  // encrypted ones only
  EXPECT_EQ(StatusOf([&] { shop.Make(); }), Status::kUnsupported);
}

TEST(Offer, Broadcast) {
  const Shop shop;
  OfferRequest request = shop.Request();
  request.server = nullptr;
  const Offer offer =
      MakeOffer(request, ChooseRelease(request), shop.pair.new_image, shop.pair.old_image);
  EXPECT_EQ(offer.manifest_size, 196u);
  EXPECT_FALSE(ReadOffer(offer.bytes).has_server_part());
  EXPECT_EQ(Take(shop, offer), shop.pair.new_image);
}

TEST(Offer, StatementsGoInFront) {
  Shop shop;
  shop.statements = {WriteStatement(shop.vendor, 3, 0, {}), WriteStatement(shop.vendor, 5, 0, {})};
  const Offer offer = shop.Make();
  EXPECT_EQ(offer.statements_size, 160u);
  EXPECT_EQ(Take(shop, offer), shop.pair.new_image);
  std::swap(shop.statements[0], shop.statements[1]);
  EXPECT_EQ(StatusOf([&] { shop.Make(); }), Status::kBadArgument);
}

TEST(Offer, TheImagesMustBeTheRightOnes) {
  const Shop shop;
  const OfferRequest request = shop.Request();
  const Choice choice = ChooseRelease(request);
  EXPECT_EQ(StatusOf([&] { MakeOffer(request, choice, shop.pair.old_image, {}); }),
            Status::kBadArgument);
  EXPECT_EQ(StatusOf([&] { MakeOffer(request, choice, shop.pair.new_image, shop.pair.new_image); }),
            Status::kBadArgument);
}

TEST(Choice, TheNewestThatFits) {
  Shop shop;
  EXPECT_EQ(shop.ChosenVersion(), kNewVersion);
  const Bytes image = SomeImage(100, 1);
  shop.Add(kNewVersion + 5, image);
  shop.Add(kNewVersion + 3, image);
  EXPECT_EQ(shop.ChosenVersion(), kNewVersion + 5);
  shop.fields.link_address = 0x08038000;  // for the other slot
  shop.Add(kNewVersion + 7, image);
  EXPECT_EQ(shop.ChosenVersion(), kNewVersion + 5);
  shop.fields.link_address = kAnyAddress;
  shop.Add(kNewVersion + 8, image);
  EXPECT_EQ(shop.ChosenVersion(), kNewVersion + 8);
  shop.fields.application = 2;
  shop.Add(kNewVersion + 9, image);
  shop.fields.application = 1;
  shop.fields.hardware = 8;
  shop.Add(kNewVersion + 10, image);
  shop.fields.hardware = 7;
  shop.fields.server_key = VerifyingKey(KeyOf(KeyType::kP256, 2));
  shop.Add(kNewVersion + 11, image);
  shop.fields.server_key.reset();
  shop.Add(kNewVersion + 12, image);
  shop.fields.server_key = VerifyingKey(shop.server);
  shop.Add(kNewVersion + 13, SomeImage(65537, 1));
  EXPECT_EQ(shop.ChosenVersion(), kNewVersion + 8);
  shop.token.security_counter = 3;
  shop.fields.security_counter = 3;
  shop.Add(kNewVersion + 1, image);
  EXPECT_EQ(shop.ChosenVersion(), kNewVersion + 1);
  const Choice choice = ChooseRelease(shop.Request());
  ASSERT_NE(choice.base, nullptr);
  EXPECT_EQ(choice.base->vendor().version, kOldVersion);
}

TEST(Choice, WhatIsWrongWithTheNearest) {
  const Shop good;
  const auto with = [&](auto change) {
    Shop shop;
    change(shop);
    return shop.ChooseStatus();
  };
  EXPECT_EQ(with([](Shop&) {}), Status::kDone);
  EXPECT_EQ(with([](Shop& s) { s.releases.clear(); }), Status::kDowngrade);
  EXPECT_EQ(with([](Shop& s) { s.token.version = kNewVersion; }), Status::kDowngrade);
  EXPECT_EQ(with([](Shop& s) { s.token.security_counter = 1; }), Status::kDowngrade);
  EXPECT_EQ(with([](Shop& s) { s.token.application = 5; }), Status::kWrongDevice);
  EXPECT_EQ(with([](Shop& s) { s.token.hardware = 5; }), Status::kWrongDevice);
  EXPECT_EQ(with([](Shop& s) { s.token.signatures = 4; }), Status::kUnsupported);
  EXPECT_EQ(with([](Shop& s) { s.token.link_address = 0x08038000; }), Status::kDoesNotFit);
  EXPECT_EQ(with([](Shop& s) { s.token.capacity = 25819; }), Status::kDoesNotFit);
  EXPECT_EQ(with([](Shop& s) { s.token.capacity = 25820; }), Status::kDone);
  EXPECT_EQ(with([](Shop& s) { s.statements = {WriteStatement(s.vendor, 1, 1, {})}; }),
            Status::kBadSignature);
  OfferRequest request = good.Request();
  request.server = &KeyOf(KeyType::kP256, 2);
  EXPECT_EQ(StatusOf([&] { ChooseRelease(request); }), Status::kBadSignature);
}

}  // namespace
}  // namespace mote::testing
