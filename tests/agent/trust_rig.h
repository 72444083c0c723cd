// SPDX-License-Identifier: Apache-2.0
// A small device in a layout with trust, and its vendor and server: releases, statements and offers
// from fields, each of which a test can change before it is signed. Bytes and digests are made by
// hand from FORMAT.md 8 to 10, without release/, so that a mistake there does not hide one here.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/layout.h"
#include "agent/metadata.h"
#include "diff/diff.h"
#include "diff/sha256.h"
#include "release/encrypt.h"
#include "release/keys.h"
#include "tests/agent/agent_rig.h"
#include "tests/agent/in_place_file.h"
#include "tests/support/images.h"
#include "tests/support/patcher_rig.h"
#include "tools/simulated_flash.h"

namespace mote::testing {

/// Keys for all tests: made once, as they cost more than everything else.
inline const PrivateKey& TestKey(KeyType type, int number) {
  static std::map<std::pair<KeyType, int>, PrivateKey> keys;
  const auto found = keys.find({type, number});
  if (found != keys.end()) return found->second;
  return keys.emplace(std::pair(type, number), PrivateKey::Generate(type)).first->second;
}
inline PublicKey PublicOf(const PrivateKey& key) { return key.public_key().ForSignatures(); }
inline KeyType OtherType(KeyType type) {
  return type == KeyType::kP256 ? KeyType::kEd25519 : KeyType::kP256;
}
inline uint8_t NumberOf(KeyType type) { return type == KeyType::kP256 ? 1 : 2; }

inline void Append(Bytes& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}
inline void Append32(Bytes& to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to.push_back(static_cast<uint8_t>(value >> 8 * i));
}

/// SHA-256 of one of FORMAT.md's tags, its zero byte, and what follows.
inline Sha256::Digest Tagged(std::string_view tag, std::initializer_list<Bytes> parts) {
  Sha256 sha;
  sha.Update({reinterpret_cast<const uint8_t*>(tag.data()), tag.size()});
  constexpr uint8_t kZero[] = {0};
  sha.Update(kZero);
  for (const Bytes& part : parts) sha.Update(part);
  return sha.Finish();
}
inline Bytes AsBytes(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

struct VendorFields {
  uint8_t algorithm, server_algorithm;
  uint8_t flags[2] = {0, 0};
  uint32_t application, hardware, version, counter, size, address, epoch;
  Sha256::Digest digest;
  Bytes server_key;

  Bytes Part() const {
    Bytes part{algorithm, server_algorithm, flags[0], flags[1]};
    for (const uint32_t n : {application, hardware, version, counter, size, address, epoch}) {
      Append32(part, n);
    }
    Append(part, digest);
    Append(part, server_key);
    return part;
  }
};

struct ServerFields {
  std::array<uint8_t, 8> device, nonce;
  uint32_t base_version;
  std::array<uint8_t, 4> base_prefix;
  uint32_t delta_size, decoder_ram;
  uint8_t codec, encryption, piece_bits, flags;
  Sha256::Digest delta_digest;
  Bytes parameter;
  Sha256::Digest base_digest;  // signed, but does not travel

  Bytes Part() const {
    Bytes part = AsBytes(device);
    Append(part, nonce);
    Append32(part, base_version);
    Append(part, base_prefix);
    Append32(part, delta_size);
    Append32(part, decoder_ram);
    for (const uint8_t byte : {codec, encryption, piece_bits, flags}) part.push_back(byte);
    Append(part, delta_digest);
    Append(part, parameter);
    return part;
  }
};

/// An offer before it is signed.
struct OfferFields {
  Bytes statements;
  Bytes header = {'m', 't', 'M', 0x81};
  VendorFields vendor;
  ServerFields server;
  Bytes payload;
  const PrivateKey* vendor_signer;
  const PrivateKey* server_signer;
  // What is signed instead of the right digests.
  std::optional<Sha256::Digest> vendor_signed, server_signed;

  bool has_server_part() const { return (header[3] & 0x80) != 0; }
  uint32_t vendor_at() const { return static_cast<uint32_t>(statements.size()) + 4; }
  uint32_t server_at() const {
    return vendor_at() + static_cast<uint32_t>(vendor.Part().size()) + 64;
  }
  uint32_t payload_at() const {
    return has_server_part() ? server_at() + static_cast<uint32_t>(server.Part().size()) + 64
                             : server_at();
  }
  Sha256::Digest VendorDigest() const { return Tagged("mote-v1", {vendor.Part()}); }
  Sha256::Digest ServerDigest() const {
    return Tagged("mote-s1", {AsBytes(VendorDigest()), AsBytes(server.base_digest), server.Part()});
  }
  Bytes VendorSignature() const {
    return AsBytes(vendor_signer->Sign(vendor_signed.value_or(VendorDigest())));
  }
  Bytes ServerSignature() const {
    return AsBytes(server_signer->Sign(server_signed.value_or(ServerDigest())));
  }
  Bytes Manifest() const {
    Bytes bytes = header;
    Append(bytes, vendor.Part());
    Append(bytes, VendorSignature());
    if (has_server_part()) {
      Append(bytes, server.Part());
      Append(bytes, ServerSignature());
    }
    return bytes;
  }
  Bytes Make() const {
    Bytes bytes = statements;
    Append(bytes, Manifest());
    Append(bytes, payload);
    return bytes;
  }
};

/// FORMAT.md 9.
struct StatementFields {
  uint32_t sequence, epoch;
  const PrivateKey* signer;
  const PrivateKey* root = nullptr;       // the new one
  std::optional<uint8_t> algorithm = {};  // instead of the signer's
  uint8_t flags[2] = {0, 0};

  Bytes Make() const {
    Bytes part;
    Append32(part, sequence);
    Append32(part, epoch);
    part.push_back(algorithm.value_or(NumberOf(signer->type())));
    part.push_back(root ? NumberOf(root->type()) : 0);
    Append(part, flags);
    if (root) Append(part, root->public_key().bytes);
    Bytes bytes = {'m', 't', 'K', 1};
    Append(bytes, part);
    Append(bytes, signer->Sign(Tagged("mote-k1", {part})));
    return bytes;
  }
};

struct TrustOptions {
  Install install = Install::kNone;
  KeyType keys = KeyType::kEd25519;
  bool checkpoints = false;
  bool factory = false;
};

/// How an offer's bytes arrive.
enum class Arrival { kWhole, kBytes, kRandom, kOverlapping, kPulled };
constexpr Arrival kArrivals[] = {Arrival::kWhole, Arrival::kBytes, Arrival::kRandom,
                                 Arrival::kOverlapping, Arrival::kPulled};

struct TrustRig {
  static constexpr uint32_t kSector = 256;
  static constexpr uint32_t kApplication = 0x41505031, kHardware = 0x48573032;
  static constexpr uint32_t kOldVersion = 0x01020003, kNewVersion = 0x01020004;
  static constexpr uint32_t kAddress[] = {0x1000, 0x2000, 0x3000};
  static constexpr uint32_t kSlot1 = 10, kFactory = 20, kMetadata = 30, kCheckpoints = 42,
                            kEnd = 60;  // sectors
  static constexpr uint8_t kOldCounter = 3;
  static constexpr uint32_t kEpoch = 5;

  explicit TrustRig(const TrustOptions& rig_options = {})
      : options(rig_options),
        vendor(&TestKey(options.keys, 0)),
        server(&TestKey(options.keys, 1)),
        simulated({.size = kEnd * kSector, .erase_unit = kSector, .program_unit = 4}, 9),
        flash(simulated.flash()),
        trust{PublicOf(*vendor), kApplication, kHardware, HostSignatureVerifier()},
        layout{{{{&flash, 0, 9 * kSector}, kAddress[0], true, false},
                {{&flash, kSlot1 * kSector, 8 * kSector},
                 kAddress[1],
                 options.install == Install::kNone,
                 false},
                {{&flash, kFactory * kSector, 8 * kSector}, kAddress[2], true, true}},
               static_cast<uint8_t>(options.factory ? 3 : 2),
               0,
               3,
               options.install,
               0,
               1,
               {&flash, kMetadata * kSector, 4 * kSector, 2},
               &trust,
               &journal},
        checkpoint_area{&flash, kCheckpoints * kSector, 8 * kSector, 1},
        journal{&flash, kCheckpoints * kSector, 9 * kSector, 2},
        sector(kSector),
        memory(rig_options.install == Install::kInPlace ? 8192 : 256) {
    Random random(77);
    old_image = CodeLikeBytes(random, 1700);
    new_image = Edited(random, old_image, 6, 1700);
    // Not only what was there: so that a delta is some hundred bytes.
    for (size_t at = 50; at + 30 < new_image.size(); at += 200) {
      for (size_t i = 0; i < 30; ++i) new_image[at + i] = static_cast<uint8_t>(random.Next());
    }
    new_image.resize(1733, 7);
    delta = MakeDelta(old_image, new_image);
    for (uint8_t& byte : device) byte = static_cast<uint8_t>(random.Next());
    keys.shared.emplace();
    keys.shared->fill(0x5C);
    keys.x25519 = TestKey(KeyType::kX25519, 2);
    keys.p256 = TestKey(KeyType::kP256, 2);
    cipher = keys.cipher();
    piece.resize((1u << 9) + 16);
    Provision();
    PowerUp();
  }
  TrustRig(const TrustRig&) = delete;
  ~TrustRig() { EXPECT_EQ(simulated.violation_count(), 0u) << simulated.DescribeViolations(); }

  // In place: reversible, so that there is a trial. Two of the spare sectors are never counted on.
  Bytes MakeDelta(const Bytes& from, const Bytes& to) const {
    if (options.install == Install::kInPlace) {
      return InPlaceFileOf(InPlaceDeltaOf(from, to, 0), InPlaceDeltaOf(to, from, 0));
    }
    DiffOptions diff;
    diff.codec = Codec::kLzss;
    diff.window_bits = 8;
    return Diff(from, to, diff);
  }

  // ---- The factory.

  VendorFields Release(const Bytes& image, uint32_t version, uint32_t counter,
                       uint32_t address) const {
    return {NumberOf(vendor->type()),
            NumberOf(server->type()),
            {0, 0},
            kApplication,
            kHardware,
            version,
            counter,
            static_cast<uint32_t>(image.size()),
            address,
            kEpoch,
            Sha256::Of(image),
            server->public_key().bytes};
  }
  static Bytes Signed(const VendorFields& fields, const PrivateKey& key) {
    Bytes bytes = fields.Part();
    Append(bytes, key.Sign(Tagged("mote-v1", {bytes})));
    return bytes;
  }
  // Puts an image and its record into a slot; in RAM, as to the record.
  static void Put(TrustRig& rig, uint8_t slot, const Bytes& image, SlotState state, uint32_t update,
                  const Bytes& release) {
    rig.simulated.Load(rig.layout.slots[slot].slot.offset, image);
    SlotRecord& record = rig.metadata.slot(slot);
    record = {};
    record.state = state;
    record.boots_left = state == SlotState::kOnTrial ? 3 : 0;
    record.has_digest = true;
    record.size = static_cast<uint32_t>(image.size());
    record.update = update;
    std::ranges::copy(Sha256::Of(image), record.digest);
    record.has_release = !release.empty();
    std::ranges::copy(release, record.release);
  }
  void Provision() {
    ASSERT_EQ(metadata.Load(layout), Status::kDone);
    Put(*this, 0, old_image, SlotState::kConfirmed, 1,
        Signed(Release(old_image, kOldVersion, kOldCounter, kAddress[0]), *vendor));
    if (options.factory) {
      Put(*this, 2, old_image, SlotState::kConfirmed, 0,
          Signed(Release(old_image, kOldVersion, kOldCounter, kAddress[2]), *vendor));
    }
    metadata.trust.security_counter = kOldCounter;
    metadata.trust.server_epoch = kEpoch;
    ASSERT_EQ(metadata.Commit(), Status::kDone);
  }

  // ---- The device.

  AgentConfig Config() {
    AgentConfig config{};
    config.layout = &layout;
    config.metadata = &metadata;
    config.running = running;
    std::ranges::copy(device, config.device);
    config.buffer = sector.data();
    config.buffer_size = static_cast<uint32_t>(sector.size());
    config.memory = memory.data();
    config.memory_size = static_cast<uint32_t>(memory.size());
    config.sha256 = HostSha256(sha);
    config.delta_sha256 = HostSha256(delta_sha);
    config.random = [](void* self, uint8_t* to, uint32_t size) {
      TrustRig& rig = *static_cast<TrustRig*>(self);
      for (uint32_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(rig.nonces.Next());
      return rig.has_random;
    };
    config.random_context = this;
    if (has_cipher) {
      config.cipher = &cipher;
      config.piece = piece.data();
      config.piece_size = static_cast<uint32_t>(piece.size());
    }
    config.requires_encryption = requires_encryption;
    config.accepts_vendor_only = accepts_vendor_only;
    if (options.checkpoints) config.checkpoints = &checkpoint_area;
    return config;
  }
  // Memory that knows nothing. Returns Agent::Init's status.
  Status PowerUp() {
    simulated.PowerUp();
    // As after any reset of a real device: what the memory holds is anything.
    memset(agent_memory, 0xA5, sizeof agent_memory);
    std::ranges::fill(sector, uint8_t{0xA5});
    std::ranges::fill(memory, uint8_t{0xA5});
    agent = new (agent_memory) Agent;
    EXPECT_EQ(metadata.Load(layout), Status::kDone);
    return agent->Init(Config());
  }
  Status Boot(BootChoice& choice) {
    uint8_t buffer[64];
    return Bootloader({layout, metadata, HostSha256(sha), buffer, sizeof buffer, memory.data(),
                       static_cast<uint32_t>(memory.size())})
        .Boot(choice);
  }
  // A reset: the bootloader, then the image that it chose.
  BootChoice Restart() {
    simulated.PowerUp();
    BootChoice choice{kNoSlot, 0, false, false, Status::kDone};
    EXPECT_EQ(Boot(choice), Status::kDone);
    if (choice.slot < layout.count) running = choice.slot;
    EXPECT_EQ(PowerUp(), Status::kDone);
    return choice;
  }
  Bytes Image(uint8_t slot, size_t size) const {
    return AsBytes(simulated.Content(layout.slots[slot].slot.offset, static_cast<uint32_t>(size)));
  }
  uint64_t changes() const { return simulated.operations(SimulatedFlash::kChange); }

  // The token that the next offer answers.
  Token Request() {
    uint8_t bytes[kTokenSize];
    EXPECT_EQ(agent->Request(bytes), Status::kDone);
    EXPECT_EQ(ReadToken(bytes, token), Status::kDone);
    return token;
  }

  // ---- Vendor and server.

  // A right offer of `image` to this device, for the latest token.
  OfferFields Offer(const Bytes& image, uint32_t version) {
    const uint8_t target = options.install != Install::kNone || running == 1 ? 0 : 1;
    OfferFields fields{};
    fields.header = {'m', 't', 'M', 0x81};
    fields.vendor = Release(image, version, kOldCounter, kAddress[target]);
    fields.vendor_signer = vendor;
    fields.server_signer = server;
    const SlotRecord& record = metadata.slot(running);
    const Bytes base = Image(running, record.size);
    const Bytes made = MakeDelta(base, image);
    ServerFields& part = fields.server;
    part.device = device;
    std::ranges::copy(token.nonce, part.nonce.begin());
    part.base_digest = Sha256::Of(base);
    part.base_version = VendorField(record.release, kVendorVersion);
    std::copy_n(part.base_digest.begin(), 4, part.base_prefix.begin());
    part.decoder_ram = kUpdaterRam + static_cast<uint32_t>(memory.size());
    SetDelta(fields, made);
    return fields;
  }
  OfferFields Offer() { return Offer(new_image, kNewVersion); }
  static void SetDelta(OfferFields& fields, const Bytes& bytes) {
    fields.server.delta_size = static_cast<uint32_t>(bytes.size());
    fields.server.delta_digest = Sha256::Of(bytes);
    fields.server.codec = bytes.size() > 1 ? bytes[1] : 0;
    if (bytes.size() > 12 && bytes[0] == 0xE1) fields.server.codec = bytes[12];
    fields.payload = bytes;
  }
  // The image from nothing.
  void MakeFull(OfferFields& fields, const Bytes& image) const {
    fields.server.base_version = 0;
    fields.server.base_prefix = {};
    fields.server.base_digest = {};
    SetDelta(fields, options.install == Install::kInPlace
                         ? InPlaceFileOf(InPlaceDeltaOf({}, image, 0))
                         : MakeDelta({}, image));
  }
  void Encrypt(OfferFields& fields, Encryption encryption, uint8_t piece_bits) {
    const PayloadRecipient recipient =
        encryption == Encryption::kSharedKey ? PayloadRecipient(*keys.shared)
        : encryption == Encryption::kX25519  ? PayloadRecipient(keys.x25519->public_key())
                                             : PayloadRecipient(keys.p256->public_key());
    EncryptedPayload payload = EncryptPayload(fields.payload, device, recipient, piece_bits);
    fields.server.encryption = static_cast<uint8_t>(payload.encryption);
    fields.server.piece_bits = piece_bits;
    fields.server.parameter = payload.parameter;
    fields.payload = payload.bytes;
  }

  // ---- The way.

  // Begin and Write, until the end, an error, or `limit` bytes.
  Status Push(const Bytes& bytes, Arrival arrival = Arrival::kWhole, size_t limit = SIZE_MAX) {
    Status status = agent->Begin();
    const uint32_t end = static_cast<uint32_t>(std::min(limit, bytes.size()));
    Random random(5);
    for (uint32_t at = 0; at < end && status == Status::kNeedInput;) {
      uint32_t start = at, size = end - at;
      switch (arrival) {
        case Arrival::kWhole:
          break;
        case Arrival::kBytes:
          size = 1;
          break;
        case Arrival::kPulled:
        case Arrival::kRandom:
          size = std::min(size, 1 + random.Below(90));
          break;
        case Arrival::kOverlapping:
          start -= std::min(at, random.Below(70));
          size = std::min(end - start, 1 + random.Below(90));
          break;
      }
      status = agent->Write(start, bytes.data() + start, size);
      at = std::max(at, start + size);
      if (arrival == Arrival::kPulled && status == Status::kNeedInput) {
        EXPECT_GE(agent->wanted(), at);
        at = agent->wanted();
      }
      EXPECT_NE(status, Status::kDone) << "that is for Finish to say";
    }
    return status;
  }
  Status Deliver(const Bytes& bytes, Arrival arrival = Arrival::kWhole) {
    const Status status = Push(bytes, arrival);
    return status == Status::kNeedInput ? agent->Finish() : status;
  }

  // The update was accepted: the next start runs it.
  void ExpectRuns(const Bytes& image) {
    EXPECT_EQ(agent->state(), AgentState::kReadyToReboot);
    const BootChoice choice = Restart();
    const bool is_trial = options.install != Install::kOverwrite;
    // In place, it depends on whether there is a way back.
    if (options.install != Install::kInPlace) {
      EXPECT_EQ(choice.on_trial, is_trial);
    }
    EXPECT_EQ(choice.size, image.size());
    EXPECT_EQ(choice.refused, Status::kDone);
    EXPECT_EQ(Compare(Image(choice.slot, image.size()), image), "");
    EXPECT_EQ(Confirm(layout, metadata, running), Status::kDone);
  }
  // The old image runs, and a right offer works.
  void ExpectUpdatable() {
    EXPECT_EQ(Compare(Image(running, old_image.size()), old_image), "") << "the running image";
    Request();
    ASSERT_EQ(Deliver(Offer().Make()), Status::kDone);
    ExpectRuns(new_image);
  }
  // The byte at `at` gives it away, and none before; nothing is written; the next offer works.
  void ExpectRefused(const Bytes& bytes, uint32_t at, Status expected) {
    ASSERT_LT(at, bytes.size());
    const uint64_t before = changes();
    ASSERT_EQ(agent->Begin(), Status::kNeedInput);
    ASSERT_EQ(agent->Write(0, bytes.data(), at), Status::kNeedInput);
    EXPECT_EQ(agent->state(), AgentState::kReceiveManifest);
    EXPECT_STREQ(StatusName(agent->Write(at, bytes.data() + at, 1)), StatusName(expected));
    EXPECT_EQ(agent->state(), AgentState::kCleaning);
    EXPECT_EQ(agent->Write(at + 1, bytes.data(), 1), expected) << "an error is final";
    EXPECT_EQ(agent->Finish(), expected);
    // At once: the same.
    EXPECT_EQ(Deliver(bytes), expected);
    EXPECT_EQ(changes(), before);
    EXPECT_EQ(Compare(Image(running, old_image.size()), old_image), "");
  }

  TrustOptions options;
  const PrivateKey* vendor;
  const PrivateKey* server;
  SimulatedFlash simulated;
  Flash flash;
  Trust trust;
  Layout layout;
  CheckpointArea checkpoint_area;
  JournalArea journal;
  Bytes sector, memory, piece;
  Bytes old_image, new_image, delta;
  std::array<uint8_t, 8> device{};
  DeviceKeys keys;
  PayloadCipher cipher{};
  bool has_cipher = false, requires_encryption = false, accepts_vendor_only = false;
  bool has_random = true;
  Random nonces{3};
  Sha256 sha, delta_sha;
  Metadata metadata;
  uint8_t running = 0;
  Token token{};
  Agent* agent = nullptr;
  alignas(Agent) uint8_t agent_memory[sizeof(Agent)];
};

inline const char* InstallName(Install install) {
  return install == Install::kNone        ? "Ab"
         : install == Install::kSwap      ? "Swap"
         : install == Install::kOverwrite ? "Overwrite"
                                          : "InPlace";
}

}  // namespace mote::testing
