// SPDX-License-Identifier: Apache-2.0
// What an update server does: chooses the release for the device that sent a token, makes the
// smallest payload that this device can take, and signs the offer. Takes structures, not files.
//
//   mote::OfferRequest request;
//   request.token = token;              // ReadToken, or for a broadcast made up
//   request.releases = releases;        // all that there are
//   const mote::Choice choice = mote::ChooseRelease(request);
//   request.base = ...; request.target = ...;   // images by their digests
//   const mote::Offer offer = mote::MakeOffer(request, choice);
#pragma once

#include <stdint.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/manifest.h"
#include "diff/diff.h"
#include "release/encrypt.h"
#include "release/keys.h"
#include "release/manifest_reader.h"

namespace mote {

/// Everything that is pointed to outlives the calls.
struct OfferRequest {
  Token token;
  std::span<const Release> releases;
  /// Whole statements, in order; they go in front of the manifest.
  std::span<const std::vector<uint8_t>> statements;
  /// Null: a broadcast. The offer has a vendor-only manifest and the delta in the clear, and no
  /// token binds it; device, nonce, signatures and encryptions of the token mean nothing then.
  const PrivateKey* server = nullptr;
  /// Empty: the payload is not encrypted.
  std::optional<PayloadRecipient> recipient;
  /// 1 to 9, as DiffOptions.
  unsigned effort = kDefaultEffort;
  /// As DiffOptions.
  std::function<void(double)> progress;
};

/// Which of the releases, and why not the others.
struct Choice {
  const Release* target = nullptr;
  /// The release of what the device runs, for its link address; null where it is not there.
  const Release* base = nullptr;
};

/// The newest release for this device. Throws Error where there is none, with a status and message
/// of what is wrong with the one that came nearest:
///  - kDowngrade: no release at all; none that is above the device's version and not below its
///    security counter;
///  - kWrongDevice: none for its application and hardware;
///  - kUnsupported: signatures that it does not verify;
///  - kBadSignature: the vendor names another server's key, or none, or one that the statements
///    revoke;
///  - kDoesNotFit: linked for another address, or larger than its slot.
Choice ChooseRelease(const OfferRequest& request);

struct Offer {
  std::vector<uint8_t> bytes;  ///< statements, manifest, payload
  uint32_t statements_size = 0, manifest_size = 0, payload_size = 0;
  uint32_t delta_size = 0;  ///< the payload before encryption
  bool full = false;        ///< made from nothing: it needs no base
  DeltaHeader header;       ///< the delta's
  uint32_t decoder_ram = 0;
  Encryption encryption = Encryption::kNone;
};

/// Makes the offer of choice.target. `image` is its image; `base` what the device runs, empty where
/// it is not there: the offer is a full image then. A full image is also taken where it is smaller.
/// Throws Error: kDoesNotFit (no codec that the device has fits its RAM), kUnsupported (the device
/// has no codec or encryption that fits; it wants encryption and there is no recipient), kCorrupt
/// (the recipient's key), kBadArgument (`image` is not the target's, `base` not the token's, the
/// statements are not in order).
Offer MakeOffer(const OfferRequest& request, const Choice& choice, std::span<const uint8_t> image,
                std::span<const uint8_t> base);

/// Whether an image with this digest is what the token says that runs.
bool IsTokenBase(const Token& token, std::span<const uint8_t> digest);

}  // namespace mote
