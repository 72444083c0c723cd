// SPDX-License-Identifier: Apache-2.0
// What tools/badinput attacks: a simulated device with an A/B layout and trust, its bootloader and
// its agent, and a writer of offers that may say anything.
#pragma once

#include <stdint.h>

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "agent/agent.h"
#include "agent/boot.h"
#include "diff/sha256.h"
#include "release/encrypt.h"
#include "release/keys.h"
#include "release/manifest_writer.h"
#include "tools/simulated_flash.h"

namespace mote::tools {

using Bytes = std::vector<uint8_t>;

using Nonce = std::array<uint8_t, kNonceSize>;
/// What such a device draws for its token number `request` in power cycle `cycle`, both from 1 on.
Nonce NonceOf(uint32_t cycle, uint32_t request = 1);

/// What the factory and the product decide.
struct BadinputSetup {
  PublicKey root{};
  uint32_t application = 7, hardware = 3;
  std::array<uint8_t, kDeviceIdSize> id{};
  DeviceKeys* keys = nullptr;  ///< null: it decrypts nothing
  uint32_t memory = 0;         ///< bytes for the codec
  uint32_t piece_bits = 6;
  SignatureVerifier verifier{};
  bool requires_encryption = false;
  bool accepts_vendor_only = false;
};

/// What images are linked for in slot 0 and slot 1.
constexpr uint32_t kBadinputAddress[2] = {0x08000, 0x48000};
constexpr uint32_t kBadinputSlotSize = 0x8000;

/// One device, powered, with a flash of its own.
class BadinputDevice {
 public:
  /// A fresh one without images.
  explicit BadinputDevice(const BadinputSetup& setup);
  /// The power comes back to what `flash` holds, for the `cycle`th time.
  BadinputDevice(const BadinputSetup& setup, const SimulatedFlash& flash, uint32_t cycle);
  BadinputDevice(const BadinputDevice&) = delete;

  /// As the factory: the first image with its release (header, vendor part, signature) in slot 0.
  void Provision(std::span<const uint8_t> image, std::span<const uint8_t> release);

  /// The bootloader. Starts no firmware.
  Status Boot(BootChoice& choice);
  /// The firmware in `slot` begins to run, says that it works, and asks for an offer, or does not.
  Status Run(uint8_t slot, bool asks = true);
  /// A new token.
  Status Request() { return agent_.Request(token_); }
  const uint8_t* token() const { return token_; }

  /// Begin and Write, in pieces; no Finish.
  Status SendOnly(std::span<const uint8_t> offer, size_t piece);
  /// With Finish.
  Status Send(std::span<const uint8_t> offer, size_t piece);
  /// Whether Finish ever said that an image was taken.
  bool took() const { return took_; }

  SimulatedFlash& flash() { return simulated_; }
  Metadata& metadata() { return metadata_; }
  const Layout& layout() const { return layout_; }
  /// Erases of the sectors of a slot, ever.
  uint32_t Erases(uint8_t slot) const;
  /// Nothing but this slot, metadata and checkpoints may be changed from now on.
  void AllowOnly(uint8_t slot);

 private:
  void Connect();

  const BadinputSetup& setup_;
  SimulatedFlash simulated_;
  Flash flash_;
  Trust trust_;
  Layout layout_;
  CheckpointArea area_;
  PayloadCipher cipher_{};
  Sha256 sha_, delta_sha_;
  Bytes buffer_, piece_;
  std::vector<uint64_t> memory_;
  Metadata metadata_;
  Agent agent_;
  uint32_t cycle_, requests_ = 0;
  bool took_ = false;
  uint8_t token_[kTokenSize] = {};
};

/// Everything that an offer says, and who signs it, right or wrong.
struct OfferPlan {
  ReleaseFields release;
  Bytes image;
  const PrivateKey* vendor = nullptr;
  const PrivateKey* server = nullptr;  ///< null: a vendor-only manifest
  Bytes statements;
  std::array<uint8_t, kDeviceIdSize> device{};
  Nonce nonce{};
  uint32_t base_version = 0;
  Sha256::Digest base{};
  Bytes delta;
  uint32_t decoder_ram = 0;
  std::optional<PayloadRecipient> recipient;
  uint8_t piece_bits = 6;
  std::optional<std::array<uint8_t, kDeviceIdSize>> encrypted_for;  ///< another id than `device`
  /// Change a part before it is signed.
  std::function<void(Bytes&)> edit_vendor, edit_server;
  std::optional<Bytes> payload;  ///< instead of the delta's
};

Bytes WriteOffer(const OfferPlan& plan);

}  // namespace mote::tools
