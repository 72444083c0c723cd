// SPDX-License-Identifier: Apache-2.0
#include "release/verify.h"

#include <algorithm>
#include <string>

#include "diff/apply.h"
#include "diff/diff.h"
#include "release/digests.h"
#include "release/keys.h"

namespace mote {

bool TakeStatement(TrustedKeys& trusted, std::span<const uint8_t> bytes) {
  const Statement statement = ParseStatement(bytes.data() + kTrustHeaderSize);
  if (statement.sequence <= trusted.sequence) return false;
  if (statement.algorithm != trusted.root.algorithm ||
      !VerifySignature(trusted.root, StatementDigestOf(bytes), bytes.last(kSignatureSize))) {
    throw Error(Status::kBadSignature,
                "statement " + std::to_string(statement.sequence) +
                    " is not by the root key that it comes to: statements have to be there in "
                    "order, or it is forged");
  }
  if (statement.server_epoch < trusted.server_epoch) {
    throw Error(Status::kDowngrade,
                "statement " + std::to_string(statement.sequence) +
                    " lowers the server epoch from " + std::to_string(trusted.server_epoch) +
                    " to " + std::to_string(statement.server_epoch) + ": no device takes it");
  }
  trusted.sequence = statement.sequence;
  trusted.server_epoch = statement.server_epoch;
  if (statement.root.algorithm != SignatureAlgorithm::kNone) trusted.root = statement.root;
  return true;
}

void VerifyVendor(const OfferView& view, const TrustedKeys& trusted) {
  const VendorPart vendor = view.vendor();
  if (vendor.algorithm != trusted.root.algorithm ||
      !VerifySignature(trusted.root, VendorDigestOf(view.vendor_part), view.vendor_signature)) {
    throw Error(Status::kBadSignature,
                "the vendor's signature is not by this root key: another vendor's, or forged");
  }
  // Without an offer to one device, no server is asked for.
  if (view.has_server_part() && vendor.server_epoch < trusted.server_epoch) {
    throw Error(Status::kBadSignature,
                "the server's key is revoked: its epoch is " + std::to_string(vendor.server_epoch) +
                    ", a statement asks for " + std::to_string(trusted.server_epoch) +
                    ": sign the release again, with a new server key");
  }
}

bool NeedsBase(const ServerPart& server) { return server.base_version != 0; }

void VerifyServer(const OfferView& view, std::span<const uint8_t> base) {
  const VendorPart vendor = view.vendor();
  const ServerPart server = view.server();
  if (vendor.server_key.algorithm == SignatureAlgorithm::kNone) {
    throw Error(Status::kBadSignature, "the vendor names no server that may offer this image");
  }
  Sha256::Digest digest{};
  if (NeedsBase(server)) {
    digest = Sha256::Of(base);
    if (!std::equal(server.base_prefix, server.base_prefix + kBasePrefixSize, digest.begin())) {
      throw Error(Status::kWrongBase, "not the base image that the offer is for");
    }
  }
  if (!VerifySignature(vendor.server_key,
                       ServerDigestOf(view.vendor_part, digest, view.server_part),
                       view.server_signature)) {
    throw Error(Status::kBadSignature,
                "the server's signature does not hold: damaged, forged, or for another base image");
  }
}

void VerifyImage(const VendorPart& vendor, std::span<const uint8_t> image) {
  if (image.size() != vendor.size) {
    throw Error(Status::kCorrupt, "the image has " + std::to_string(image.size()) +
                                      " bytes, the vendor says " + std::to_string(vendor.size));
  }
  if (!std::ranges::equal(Sha256::Of(image), ImageDigest(vendor))) {
    throw Error(Status::kCorrupt, "the image has another SHA-256 than the vendor says");
  }
}

void VerifyDelta(const ServerPart& server, std::span<const uint8_t> delta) {
  if (delta.size() != server.delta_size) {
    throw Error(Status::kCorrupt, "the delta has " + std::to_string(delta.size()) +
                                      " bytes, the server says " +
                                      std::to_string(server.delta_size) + ": get it again");
  }
  if (!std::equal(server.delta_digest, server.delta_digest + kDigestSize,
                  Sha256::Of(delta).begin())) {
    throw Error(Status::kCorrupt,
                "the delta has another SHA-256 than the server says: get it again");
  }
  if (delta.size() < 2 || delta[1] != server.codec) {
    throw Error(Status::kCorrupt, "the delta has another codec than the server says");
  }
  const auto ram = DecoderRam(ReadHeader(delta));
  if (!ram || *ram > server.decoder_ram) {
    throw Error(Status::kCorrupt, "the delta needs more RAM than the server says");
  }
}

}  // namespace mote
