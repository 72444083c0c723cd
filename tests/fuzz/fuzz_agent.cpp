// SPDX-License-Identifier: Apache-2.0
// Anything that a sender, a user and the power can do to a device with trust. Signatures are a few
// bytes that the verifier looks for, so that a fuzzer gets behind them. However it goes:
//
//  - the image that runs is never changed, and nothing outside the slots, the metadata and the
//    checkpoints is;
//  - what is ready to reboot is an image whose digest is in a release with the vendor's signature,
//    for this device, newer than what runs, and not below the security counter;
//  - the bootloader always has an image to start, and it is one of the vendor's.
//
// Input: the device's shape; then operations, a byte each and what they take.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <tuple>

#include "tests/agent/trust_rig.h"
#include "tests/fuzz/input.h"

namespace mote::testing {
namespace {

constexpr uint32_t kSector = 128;
constexpr uint32_t kSlots[] = {0, 6, 11};  // sectors; one is free behind each
constexpr uint32_t kSizes[] = {5, 4, 4};
constexpr uint32_t kMetadata = 16, kCheckpoints = 33, kEnd = 50;
constexpr uint32_t kApplication = 7, kHardware = 9;
constexpr uint8_t kOperations = 14;
constexpr int kMaxOperations = 60;

// Shape.
constexpr unsigned kHasCheckpoints = 4, kHasCipher = 8, kVendorOnly = 16, kHasFactory = 32,
                   kRequiresEncryption = 64;
// Of an offer.
constexpr unsigned kFull = 1, kNoServer = 2, kEncryption = 12, kEpoch = 16, kRoot = 32, kLzss = 64;

// "By" a key: its first byte and its algorithm.
Bytes SignatureBy(const PublicKey& key) {
  Bytes signature(kSignatureSize);
  signature[0] = 'S';
  signature[1] = key.bytes[0];
  signature[2] = static_cast<uint8_t>(key.algorithm);
  return signature;
}
bool Verify(void*, const PublicKey& key, const uint8_t*, const uint8_t* signature) {
  return PublicKeySize(key.algorithm) != 0 && signature[0] == 'S' && signature[1] == key.bytes[0] &&
         signature[2] == static_cast<uint8_t>(key.algorithm);
}
PublicKey KeyNamed(uint8_t name) {
  PublicKey key{name % 2 ? SignatureAlgorithm::kP256 : SignatureAlgorithm::kEd25519, {}};
  for (uint32_t i = 0; i < PublicKeySize(key.algorithm); ++i) key.bytes[i] = name;
  return key;
}
bool Derive(void*, Encryption, const uint8_t* parameter, const uint8_t*, uint8_t* key) {
  std::fill_n(key, kContentKeySize, uint8_t{1});
  return parameter[0] != 0;
}
// Nothing is encrypted; a tag starts with the number of its piece and whether it is the last.
bool Open(void*, const uint8_t*, const uint8_t* nonce, uint8_t*, uint32_t, const uint8_t* tag) {
  return tag[0] == nonce[0] && tag[4] == nonce[4] && tag[5] == 'T';
}

const Bytes& ImageNumber(unsigned number) {
  static const std::vector<Bytes> images = [] {
    Random random(1);
    std::vector<Bytes> made{CodeLikeBytes(random, 400)};
    for (size_t i = 1; i < 4; ++i) {
      made.push_back(Edited(random, made[i - 1], 2, 480));
      made.back()[3] = static_cast<uint8_t>(i);
    }
    return made;
  }();
  return images[number % images.size()];
}
// From one image to another: few, and the same ones again and again.
const Bytes& DeltaOf(const Bytes& from, unsigned to, bool lzss) {
  static std::map<std::tuple<Sha256::Digest, unsigned, bool>, Bytes> deltas;
  const auto key = std::tuple(Sha256::Of(from), to % 4, lzss);
  const auto found = deltas.find(key);
  if (found != deltas.end()) return found->second;
  DiffOptions options;
  options.codec = lzss ? Codec::kLzss : Codec::kRaw;
  options.window_bits = lzss ? 8 : 0;
  return deltas.emplace(key, Diff(from, ImageNumber(to), options)).first->second;
}

class FuzzDevice {
 public:
  explicit FuzzDevice(unsigned shape)
      : shape_(shape),
        simulated_({.size = kEnd * kSector, .erase_unit = kSector, .program_unit = 4}, 3),
        flash_(simulated_.flash()),
        trust_{KeyNamed('R'), kApplication, kHardware, {&Verify, nullptr, 6}},
        layout_{},
        area_{&flash_, kCheckpoints * kSector, 8 * kSector, 1},
        cipher_{&Derive, &Open, nullptr, 0x0E} {
    const Install installs[] = {Install::kNone, Install::kSwap, Install::kOverwrite,
                                Install::kNone};
    layout_.install = installs[shape & 3];
    for (uint8_t i = 0; i < 3; ++i) {
      layout_.slots[i] = {{&flash_, kSlots[i] * kSector, kSizes[i] * kSector},
                          0x1000u * (i + 1),
                          i != 1 || layout_.install == Install::kNone,
                          i == 2};
    }
    layout_.count = shape & kHasFactory ? 3 : 2;
    layout_.trial_boots = 2;
    layout_.primary = 0;
    layout_.staging = 1;
    layout_.metadata = {&flash_, kMetadata * kSector, 8 * kSector, 2};
    layout_.trust = &trust_;
    Provision();
    Restart();
  }

  void Run(Input& input) {
    for (int i = 0; i < kMaxOperations && !input.empty(); ++i) {
      Operate(input);
      Check();
      if (::testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed()) return;
    }
    Restart();
  }

 private:
  void Provision() {
    EXPECT_EQ(metadata_.Load(layout_), Status::kDone);
    for (uint8_t i = 0; i < layout_.count; i = static_cast<uint8_t>(i + 2)) {
      const Bytes& image = ImageNumber(0);
      simulated_.Load(kSlots[i] * kSector, image);
      SlotRecord& record = metadata_.slot(i);
      record.state = SlotState::kConfirmed;
      record.has_digest = record.has_release = true;
      record.size = static_cast<uint32_t>(image.size());
      record.update = i == 0;
      std::ranges::copy(Sha256::Of(image), record.digest);
      Bytes release = Vendor(0, 1, 1, 0x1000u * (i + 1)).Part();
      Append(release, SignatureBy(trust_.root));
      std::ranges::copy(release, record.release);
    }
    metadata_.trust.security_counter = 1;
    EXPECT_EQ(metadata_.Commit(), Status::kDone);
  }
  static VendorFields Vendor(unsigned image, uint32_t version, uint32_t counter, uint32_t address) {
    const Bytes& bytes = ImageNumber(image);
    const PublicKey server = KeyNamed('V');
    return {static_cast<uint8_t>(SignatureAlgorithm::kEd25519),
            static_cast<uint8_t>(server.algorithm),
            {0, 0},
            kApplication,
            kHardware,
            version,
            counter,
            static_cast<uint32_t>(bytes.size()),
            address,
            0,
            Sha256::Of(bytes),
            {server.bytes, server.bytes + PublicKeySize(server.algorithm)}};
  }
  PublicKey Root() const {
    const PublicKey& replaced = metadata_.trust.root;
    return replaced.algorithm == SignatureAlgorithm::kNone ? trust_.root : replaced;
  }

  // ---- Operations.

  void Operate(Input& input) {
    switch (input.Byte() % kOperations) {
      case 0:
        uint8_t token[kTokenSize];
        EXPECT_EQ(agent_->Request(token), Status::kDone);
        return;
      case 1:
        agent_->Begin();
        return;
      case 2: {  // any bytes
        const Bytes bytes = input.Take(input.Byte());
        Write(agent_->wanted(), bytes);
        return;
      }
      case 3: {  // again, or too early
        const uint32_t at = agent_->wanted() + 4 - input.Byte() % 64;
        const Bytes bytes = input.Take(input.Byte() % 80);
        Write(at, bytes);
        return;
      }
      case 4:
        agent_->Finish();
        return;
      case 5:
        Restart();
        return;
      case 6:
        Confirm(layout_, metadata_, running_);
        return;
      case 7: {  // the power goes during one of the next operations
        const SimulatedFlash::Cut cuts[] = {
            SimulatedFlash::Cut::kBefore, SimulatedFlash::Cut::kTorn, SimulatedFlash::Cut::kAfter};
        const uint32_t skip = input.Byte() % 128;
        simulated_.CutPowerAfter(skip, cuts[skip % 3]);
        return;
      }
      case 8:
        Compose(input);
        return;
      case 9: {  // some of the offer
        const uint32_t at =
            std::min<uint32_t>(agent_->wanted(), static_cast<uint32_t>(offer_.size()));
        const size_t size = std::min<size_t>(input.Number16() % 1024, offer_.size() - at);
        Write(at, std::span(offer_).subspan(at, size));
        return;
      }
      case 10:  // the usual way
        uint8_t asked[kTokenSize];
        agent_->Request(asked);
        Compose(input);
        if (agent_->Begin() == Status::kNeedInput) {
          Write(0, offer_);
          agent_->Finish();
        }
        return;
      case 11:
        if (!offer_.empty()) offer_[input.Number16() % offer_.size()] ^= input.Byte();
        return;
      case 12:
        simulated_.FailAfter(input.Byte() % 64, SimulatedFlash::kChange, Status::kFlashError);
        return;
      default:
        simulated_.FailAfter(input.Byte() % 64, SimulatedFlash::kRead, Status::kReadError);
        return;
    }
  }

  void Write(uint32_t at, std::span<const uint8_t> bytes) {
    const Exact exact(bytes);
    const Status status = agent_->Write(at, exact.bytes.get(), static_cast<uint32_t>(bytes.size()));
    EXPECT_TRUE(status != Status::kDone || agent_->state() == AgentState::kReadyToReboot);
  }
  // Memory that ends where the bytes do, for the sanitizer.
  struct Exact {
    explicit Exact(std::span<const uint8_t> from) : bytes(new uint8_t[from.size()]) {
      std::ranges::copy(from, bytes.get());
    }
    std::unique_ptr<uint8_t[]> bytes;
  };

  // An offer that is right but for a few bytes of the input's choosing.
  void Compose(Input& input) {
    const unsigned choice = input.Byte(), flags = input.Byte();
    const SlotRecord& record = metadata_.slot(running_);
    const Bytes base = Content(running_, record.size);
    const uint8_t target = layout_.install != Install::kNone ? 0 : 1 - running_ % 2;
    OfferFields fields{};
    fields.header = {'m', 't', 'M', static_cast<uint8_t>(flags & kNoServer ? 1 : 0x81)};
    PublicKey root = Root();
    if (flags & (kEpoch | kRoot)) {
      const uint32_t sequence = metadata_.trust.statement + 1;
      Bytes part;
      Append32(part, sequence);
      Append32(part, metadata_.trust.server_epoch + (flags & kEpoch ? 1 : 0));
      part.push_back(static_cast<uint8_t>(root.algorithm));
      PublicKey next{};
      if (flags & kRoot) next = KeyNamed(input.Byte());
      part.push_back(static_cast<uint8_t>(next.algorithm));
      part.resize(12);
      Append(part, {next.bytes, PublicKeySize(next.algorithm)});
      fields.statements = {'m', 't', 'K', 1};
      Append(fields.statements, part);
      Append(fields.statements, SignatureBy(root));
      if (flags & kRoot) root = next;
    }
    fields.vendor = Vendor(choice, VendorField(record.release, kVendorVersion) + 1 + (choice >> 6),
                           metadata_.trust.security_counter + (choice >> 4 & 1),
                           layout_.slots[target].link_address);
    fields.vendor.algorithm = static_cast<uint8_t>(root.algorithm);
    fields.vendor.epoch = metadata_.trust.server_epoch + 1;
    const Bytes& delta = DeltaOf(flags & kFull ? Bytes{} : base, choice, (flags & kLzss) != 0);
    ServerFields& server = fields.server;
    TrustRig::SetDelta(fields, delta);
    std::copy_n(device_, 8, server.device.begin());
    std::fill_n(server.nonce.begin(), 8, nonce_);
    if (!(flags & kFull)) {
      server.base_version = VendorField(record.release, kVendorVersion);
      std::copy_n(record.digest, 4, server.base_prefix.begin());
    }
    if (flags & kEncryption) {
      const size_t parameters[] = {0, 16, 32, 64};
      server.encryption = static_cast<uint8_t>((flags & kEncryption) >> 2);
      server.piece_bits = static_cast<uint8_t>(5 + (choice >> 2 & 3));
      server.parameter.assign(parameters[server.encryption], 1);
      Bytes payload;
      const size_t piece = size_t{1} << server.piece_bits;
      for (size_t at = 0; at < delta.size(); at += piece) {
        const size_t size = std::min(piece, delta.size() - at);
        Append(payload, std::span(delta).subspan(at, size));
        Bytes tag(16);
        tag[0] = static_cast<uint8_t>(at / piece);
        tag[4] = at + size == delta.size();
        tag[5] = 'T';
        Append(payload, tag);
      }
      fields.payload = payload;
    }
    Bytes vendor = fields.vendor.Part(), part = server.Part();
    for (unsigned edits = input.Byte() % 4; edits != 0; --edits) {
      Bytes& edited = input.Byte() % 2 ? part : vendor;
      const size_t at = input.Byte() % edited.size();
      edited[at] = static_cast<uint8_t>(edited[at] ^ input.Byte());
    }
    offer_ = fields.statements;
    Append(offer_, fields.header);
    Append(offer_, vendor);
    Append(offer_, SignatureBy(root));
    if (!(flags & kNoServer)) {
      Append(offer_, part);
      PublicKey key{static_cast<SignatureAlgorithm>(vendor[1]), {}};
      key.bytes[0] = vendor.size() > 64 ? vendor[64] : 0;
      Append(offer_, SignatureBy(key));
    }
    Append(offer_, fields.payload);
  }

  void ForbidWhatNobodyHas() {
    for (const uint32_t end : {5u, 10u, 15u, 32u, 49u}) {
      simulated_.Forbid(end * kSector, kSector, SimulatedFlash::kAll);
    }
    simulated_.Forbid(kSlots[2] * kSector, kSizes[2] * kSector, SimulatedFlash::kChange);
    if (!(shape_ & kHasCheckpoints)) {
      simulated_.Forbid(kCheckpoints * kSector, 16 * kSector, SimulatedFlash::kAll);
    }
  }

  // A reset, then the bootloader as often as the flash makes it fail, then the image.
  void Restart() {
    simulated_.AllowAll();
    ForbidWhatNobodyHas();
    if (layout_.install == Install::kNone) {  // nothing is ever copied
      simulated_.Forbid(0, kMetadata * kSector, SimulatedFlash::kChange);
    }
    uint8_t buffer[64];
    BootChoice choice{kNoSlot, 0, false, false, Status::kDone};
    Status status = Status::kReadError;
    // One cut and one failure may be to come.
    for (int i = 0; i < 3 && status != Status::kDone; ++i) {
      if (!simulated_.powered()) simulated_.PowerUp();
      status = Bootloader({layout_, metadata_, HostSha256(sha_), buffer, sizeof buffer})
                   .Boot(choice);
    }
    ASSERT_STREQ(StatusName(status), "done") << "there is nothing to start";
    running_ = choice.slot;
    simulated_.PowerUp();
    if (layout_.install == Install::kNone) {
      simulated_.AllowAll();
      ForbidWhatNobodyHas();
    }
    ASSERT_EQ(metadata_.Load(layout_), Status::kDone);
    ExpectVendors(running_, true);
    simulated_.Forbid(kSlots[running_] * kSector, kSizes[running_] * kSector,
                      SimulatedFlash::kChange);
    running_content_ = Content(running_, kSizes[running_] * kSector);

    memset(agent_memory_, 0xA5, sizeof agent_memory_);
    agent_ = new (agent_memory_) Agent;
    AgentConfig config{};
    config.layout = &layout_;
    config.metadata = &metadata_;
    config.running = running_;
    std::copy_n(device_, 8, config.device);
    config.buffer = sector_;
    config.buffer_size = sizeof sector_;
    config.memory = memory_;
    config.memory_size = sizeof memory_;
    config.sha256 = HostSha256(sha_);
    config.delta_sha256 = HostSha256(delta_sha_);
    config.random = [](void* self, uint8_t* to, uint32_t size) {
      std::fill_n(to, size, ++static_cast<FuzzDevice*>(self)->nonce_);
      return true;
    };
    config.random_context = this;
    if (shape_ & kHasCipher) {
      config.cipher = &cipher_;
      config.piece = piece_;
      config.piece_size = sizeof piece_;
      config.requires_encryption = (shape_ & kRequiresEncryption) != 0;
    }
    config.accepts_vendor_only = (shape_ & kVendorOnly) != 0;
    if (shape_ & kHasCheckpoints) config.checkpoints = &area_;
    ASSERT_EQ(agent_->Init(config), Status::kDone);
  }

  // ---- What always holds.

  Bytes Content(uint8_t slot, uint32_t size) const {
    return AsBytes(simulated_.Content(kSlots[slot] * kSector, size));
  }

  // What is in a slot is what its record's release says, by a root key. `runs`: so is the record's
  // state, and the key before will do where it is confirmed.
  void ExpectVendors(uint8_t slot, bool runs) {
    const SlotRecord& record = metadata_.slot(slot);
    const uint8_t* const part = record.release;
    ASSERT_TRUE(record.has_release);
    const uint32_t size = VendorPartSize(part);
    ASSERT_NE(size, 0u);
    const Bytes signature(part + size, part + size + 3);
    const auto is_by = [&](const PublicKey& key) {
      const Bytes expected = SignatureBy(key);
      return std::equal(signature.begin(), signature.end(), expected.begin()) &&
             part[0] == static_cast<uint8_t>(key.algorithm);
    };
    const PublicKey& before = metadata_.trust.previous_root;
    EXPECT_TRUE(is_by(Root()) || (runs && record.state == SlotState::kConfirmed &&
                                  before.algorithm != SignatureAlgorithm::kNone && is_by(before)));
    EXPECT_EQ(VendorField(part, kVendorApplication), kApplication);
    EXPECT_EQ(VendorField(part, kVendorHardware), kHardware);
    EXPECT_GE(VendorField(part, kVendorCounter), metadata_.trust.security_counter);
    const uint32_t image_size = VendorField(part, kVendorImageSize);
    ASSERT_LE(image_size, kSizes[slot] * kSector);
    EXPECT_TRUE(std::ranges::equal(Sha256::Of(Content(slot, image_size)),
                                   std::span(part + kVendorDigest, kDigestSize)));
  }

  void Check() {
    EXPECT_EQ(simulated_.violation_count(), 0u) << simulated_.DescribeViolations();
    EXPECT_EQ(Content(running_, kSizes[running_] * kSector), running_content_);
    // Without power, what the metadata in RAM says means nothing.
    if (agent_->state() == AgentState::kReadyToReboot && simulated_.powered()) {
      ExpectVendors(agent_->target(), false);
      EXPECT_GT(VendorField(metadata_.slot(agent_->target()).release, kVendorVersion),
                VendorField(metadata_.slot(running_).release, kVendorVersion));
    }
  }

  const unsigned shape_;
  SimulatedFlash simulated_;
  Flash flash_;
  Trust trust_;
  Layout layout_;
  CheckpointArea area_;
  PayloadCipher cipher_;
  Metadata metadata_;
  Sha256 sha_, delta_sha_;
  uint8_t device_[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  uint8_t nonce_ = 0;
  uint8_t running_ = 0;
  Bytes running_content_, offer_;
  alignas(8) uint8_t memory_[256];
  uint8_t sector_[kSector];
  uint8_t piece_[(1 << 8) + 16];
  Agent* agent_ = nullptr;
  alignas(Agent) uint8_t agent_memory_[sizeof(Agent)];
};

}  // namespace
}  // namespace mote::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mote::testing::Input input(data, size);
  const unsigned shape = input.Byte();
  mote::testing::FuzzDevice device(shape);
  device.Run(input);
  mote::testing::StopAtFailure();
  return 0;
}
