// SPDX-License-Identifier: Apache-2.0
// Payload encryption, the sender's side (FORMAT.md, 10), and a device's side for hosts that
// simulate one.
#pragma once

#include <stdint.h>

#include <array>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "agent/manifest.h"
#include "agent/payload_key.h"
#include "release/keys.h"

namespace mote {

/// A key of 32 bytes that device and server have.
using SharedKey = std::array<uint8_t, 32>;
/// Whom a payload is encrypted for: a device's public key (X25519 or P-256), or a shared key.
using PayloadRecipient = std::variant<HostPublicKey, SharedKey>;

/// Throws Error(kUnsupported) for an Ed25519 key, which only verifies signatures.
Encryption EncryptionFor(const PayloadRecipient& recipient);

struct EncryptedPayload {
  Encryption encryption;
  std::vector<uint8_t> parameter;  ///< for the server part
  std::vector<uint8_t> bytes;      ///< pieces and tags
};

/// Encrypts a delta, with a salt or ephemeral key of its own each time. `device`: kDeviceIdSize
/// bytes. Throws Error: kUnsupported as EncryptionFor, kCorrupt (the recipient's key is no point of
/// the curve, or of small order), kBadArgument (piece bits out of range, an empty delta).
EncryptedPayload EncryptPayload(std::span<const uint8_t> delta, std::span<const uint8_t> device,
                                const PayloadRecipient& recipient, uint8_t piece_bits);

/// The keys of a simulated device, behind the device's function pointers. It must outlive what
/// cipher() returns, and not be moved.
struct DeviceKeys {
  std::optional<PrivateKey> x25519, p256;
  std::optional<SharedKey> shared;

  PayloadCipher cipher();
};

/// Decrypts a payload as a device does. Throws Error: kUnsupported (no such key), kCorrupt (a tag
/// that does not hold, another size or digest than announced).
std::vector<uint8_t> DecryptPayload(const ServerPart& server, std::span<const uint8_t> payload,
                                    DeviceKeys& keys);

}  // namespace mote
