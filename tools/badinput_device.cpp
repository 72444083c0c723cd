// SPDX-License-Identifier: Apache-2.0
#include "tools/badinput_device.h"

#include <algorithm>
#include <numeric>

#include "agent/trust.h"
#include "patch/bytes.h"
#include "release/digests.h"

namespace mote::tools {
namespace {

constexpr uint32_t kSector = 1024;
constexpr uint32_t kUnit = 8;
constexpr uint32_t kBuffer = kSector;
constexpr uint64_t kGarbageSeed = 11;
constexpr uint32_t kCheckpointInterval = 2;

// A sector that is nobody's before, between and behind what is in the layout.
constexpr uint32_t kSlot0 = kSector;
constexpr uint32_t kSlot1 = kSlot0 + kBadinputSlotSize + kSector;
constexpr uint32_t kMetadata = kSlot1 + kBadinputSlotSize + kSector;
constexpr uint32_t kMetadataPages = 3;
constexpr uint32_t kCheckpoints = kMetadata + kMetadataPages * kSector + kSector;
constexpr uint32_t kCheckpointArea = 8 * kSector;
constexpr uint32_t kFlashSize = kCheckpoints + 2 * kCheckpointArea + kSector;

void Append(Bytes& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

Nonce NonceOf(uint32_t cycle, uint32_t request) {
  uint8_t seed[8];
  StoreLittle(seed, 4, cycle);
  StoreLittle(seed + 4, 4, request);
  const Sha256::Digest digest = Sha256::Of(seed);
  Nonce nonce;
  std::copy_n(digest.begin(), kNonceSize, nonce.begin());
  return nonce;
}

BadinputDevice::BadinputDevice(const BadinputSetup& setup)
    : setup_(setup),
      simulated_({.size = kFlashSize, .erase_unit = kSector, .program_unit = kUnit}, kGarbageSeed),
      cycle_(0) {
  Connect();
}

BadinputDevice::BadinputDevice(const BadinputSetup& setup, const SimulatedFlash& flash,
                               uint32_t cycle)
    : setup_(setup), simulated_(flash), cycle_(cycle) {
  Connect();
}

void BadinputDevice::Connect() {
  flash_ = simulated_.flash();
  trust_ = {setup_.root, setup_.application, setup_.hardware, setup_.verifier};
  layout_ = {{{{&flash_, kSlot0, kBadinputSlotSize}, kBadinputAddress[0], true, false},
              {{&flash_, kSlot1, kBadinputSlotSize}, kBadinputAddress[1], true, false}},
             2,
             0,
             3,
             Install::kNone,
             0,
             0,
             {&flash_, kMetadata, kSector, kMetadataPages},
             &trust_};
  area_ = {&flash_, kCheckpoints, kCheckpointArea, kCheckpointInterval};
  buffer_.resize(kBuffer);
  piece_.resize((1u << setup_.piece_bits) + kPieceTagSize);
  memory_.resize((setup_.memory + 7) / 8);
  if (setup_.keys) cipher_ = setup_.keys->cipher();
}

void BadinputDevice::Provision(std::span<const uint8_t> image, std::span<const uint8_t> release) {
  simulated_.Load(kSlot0, image);
  simulated_.Blank(kMetadata, kMetadataPages * kSector);
  metadata_.Load(layout_);
  SlotRecord& record = metadata_.slot(0);
  ProvisionRecord(record, release);
  record.update = 1;
  RaiseCounter(layout_, metadata_, 0);
  metadata_.Commit();
}

Status BadinputDevice::Boot(BootChoice& choice) {
  Metadata metadata;
  return Bootloader({layout_, metadata, HostSha256(sha_), buffer_.data(),
                     static_cast<uint32_t>(buffer_.size())})
      .Boot(choice);
}

Status BadinputDevice::Run(uint8_t slot, bool asks) {
  if (Status status = metadata_.Load(layout_); status != Status::kDone) return status;
  if (metadata_.slot(slot).state == SlotState::kOnTrial) {
    if (Status status = Confirm(layout_, metadata_, slot); status != Status::kDone) return status;
  }
  AgentConfig config{};
  config.layout = &layout_;
  config.metadata = &metadata_;
  config.running = slot;
  std::ranges::copy(setup_.id, config.device);
  config.buffer = buffer_.data();
  config.buffer_size = static_cast<uint32_t>(buffer_.size());
  config.memory = reinterpret_cast<uint8_t*>(memory_.data());
  config.memory_size = setup_.memory;
  config.sha256 = HostSha256(sha_);
  config.delta_sha256 = HostSha256(delta_sha_);
  config.random = [](void* context, uint8_t* to, uint32_t size) {
    BadinputDevice& self = *static_cast<BadinputDevice*>(context);
    const Nonce nonce = NonceOf(self.cycle_, ++self.requests_);
    std::copy_n(nonce.begin(), size, to);
    return true;
  };
  config.random_context = this;
  config.cipher = setup_.keys ? &cipher_ : nullptr;
  config.piece = piece_.data();
  config.piece_size = static_cast<uint32_t>(piece_.size());
  config.requires_encryption = setup_.requires_encryption;
  config.accepts_vendor_only = setup_.accepts_vendor_only;
  config.checkpoints = &area_;
  if (Status status = agent_.Init(config); status != Status::kDone) return status;
  return asks ? Request() : Status::kDone;
}

Status BadinputDevice::SendOnly(std::span<const uint8_t> offer, size_t piece) {
  Status status = agent_.Begin();
  uint32_t at = 0;
  while (status == Status::kNeedInput && at < offer.size()) {
    // What a checkpoint makes superfluous is skipped, as a transport would.
    if (agent_.wanted() > at) at = agent_.wanted();
    if (at >= offer.size()) break;
    const size_t size = std::min(piece, offer.size() - at);
    status = agent_.Write(at, &offer[at], static_cast<uint32_t>(size));
    at += static_cast<uint32_t>(size);
  }
  return status;
}

Status BadinputDevice::Send(std::span<const uint8_t> offer, size_t piece) {
  SendOnly(offer, piece);
  // Whatever Write said: who does not listen must not get further.
  const Status status = agent_.Finish();
  if (status == Status::kDone) took_ = true;
  return status;
}

uint32_t BadinputDevice::Erases(uint8_t slot) const {
  const Slot& place = layout_.slots[slot].slot;
  const auto first = simulated_.erases().begin() + place.offset / kSector;
  return std::accumulate(first, first + place.size / kSector, 0u);
}

void BadinputDevice::AllowOnly(uint8_t slot) {
  simulated_.AllowAll();
  uint32_t from = 0;
  const auto forbid_until = [&](uint32_t start, uint32_t size) {
    simulated_.Forbid(from, start - from, SimulatedFlash::kChange);
    from = start + size;
  };
  forbid_until(layout_.slots[slot].slot.offset, kBadinputSlotSize);
  forbid_until(kMetadata, kMetadataPages * kSector);
  forbid_until(kCheckpoints, 2 * kCheckpointArea);
  forbid_until(kFlashSize, 0);
}

Bytes WriteOffer(const OfferPlan& plan) {
  Bytes offer;
  offer.reserve(plan.statements.size() + kMaxManifestSize + 2 * plan.delta.size());
  Append(offer, plan.statements);
  Append(offer, kManifestHeader);
  if (plan.server) offer.back() |= kHasServerPart;
  Bytes vendor = WriteVendorPart(plan.release, plan.vendor->public_key().ForSignatures().algorithm,
                                 plan.image);
  if (plan.edit_vendor) plan.edit_vendor(vendor);
  Append(offer, vendor);
  Append(offer, plan.vendor->Sign(VendorDigestOf(vendor)));
  EncryptedPayload payload{Encryption::kNone, {}, plan.delta};
  if (plan.recipient) {
    payload = EncryptPayload(plan.delta, plan.encrypted_for.value_or(plan.device), *plan.recipient,
                             plan.piece_bits);
  }
  if (plan.server) {
    const Sha256::Digest digest = Sha256::Of(plan.delta);
    ServerPart part{};
    part.device = plan.device.data();
    part.nonce = plan.nonce.data();
    part.base_version = plan.base_version;
    part.base_prefix = plan.base.data();
    part.delta_size = static_cast<uint32_t>(plan.delta.size());
    part.decoder_ram = plan.decoder_ram;
    part.codec = plan.delta.size() > 1 ? plan.delta[1] : uint8_t{0};
    part.encryption = payload.encryption;
    part.piece_bits = plan.recipient ? plan.piece_bits : uint8_t{0};
    part.delta_digest = digest.data();
    part.parameter = payload.parameter.data();
    Bytes server = WriteServerPart(part);
    if (plan.edit_server) plan.edit_server(server);
    Append(offer, server);
    Append(offer, plan.server->Sign(ServerDigestOf(vendor, plan.base, server)));
  }
  Append(offer, plan.payload ? *plan.payload : payload.bytes);
  return offer;
}

}  // namespace mote::tools
