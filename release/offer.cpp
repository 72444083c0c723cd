// SPDX-License-Identifier: Apache-2.0
#include "release/offer.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "agent/layout.h"
#include "diff/apply.h"
#include "diff/detect.h"
#include "diff/model.h"
#include "diff/sha256.h"
#include "patch/model.h"
#include "release/digests.h"
#include "release/manifest_writer.h"
#include "stream/updater.h"

namespace mote {
namespace {

// The quick ones first: what they make tells what is not worth trying.
constexpr Codec kDeviceCodecs[] = {Codec::kLzss, Codec::kRaw, Codec::kModel};
// No image is known that codec model packs this many times better than lzss does.
constexpr size_t kModelOverLzss = 4;

bool HasBit(uint32_t set, unsigned bit) { return (set >> bit & 1) != 0; }

template <typename Enum>
bool Has(uint32_t set, Enum value) {
  return HasBit(set, static_cast<unsigned>(value));
}

// How near a release comes to what the device can take: the last thing that is wrong with it, in
// the order in which they are looked at.
enum class Fit : uint8_t {
  kWrongDevice,
  kNotNewer,
  kCounter,
  kSignatures,
  kNoServer,
  kOtherServer,
  kRevoked,
  kAddress,
  kTooLarge,
  kFits,
};

Fit FitOf(const VendorPart& vendor, const OfferRequest& request, uint32_t server_epoch) {
  const Token& token = request.token;
  if (vendor.application != token.application || vendor.hardware != token.hardware) {
    return Fit::kWrongDevice;
  }
  if (vendor.version <= token.version) return Fit::kNotNewer;
  if (vendor.security_counter < token.security_counter) return Fit::kCounter;
  if (request.server) {
    if (!Has(token.signatures, vendor.algorithm)) return Fit::kSignatures;
    if (vendor.server_key.algorithm == SignatureAlgorithm::kNone) return Fit::kNoServer;
    if (!Has(token.signatures, vendor.server_key.algorithm)) return Fit::kSignatures;
    if (!SameKey(vendor.server_key, request.server->public_key().ForSignatures())) {
      return Fit::kOtherServer;
    }
  }
  // A device refuses a revoked key of a release that no server offers, too.
  if (vendor.server_epoch < server_epoch) return Fit::kRevoked;
  if (token.link_address != kAnyAddress && vendor.link_address != kAnyAddress &&
      vendor.link_address != token.link_address) {
    return Fit::kAddress;
  }
  return vendor.size > token.capacity ? Fit::kTooLarge : Fit::kFits;
}

[[noreturn]] void ThrowNothing(Fit nearest, const VendorPart* vendor, const Token& token) {
  const auto number = [](uint32_t value) { return std::to_string(value); };
  const std::string device =
      "application " + number(token.application) + ", hardware " + number(token.hardware);
  if (!vendor) throw Error(Status::kDowngrade, "there is no release: nothing is newer");
  const std::string it = "version " + VersionText(vendor->version);
  switch (nearest) {
    case Fit::kWrongDevice:
      throw Error(Status::kWrongDevice, "there is no release for " + device);
    case Fit::kNotNewer:
      throw Error(Status::kDowngrade,
                  "nothing is newer than version " + VersionText(token.version) +
                      ", which the device runs; the newest for " + device + " is " + it);
    case Fit::kCounter:
      throw Error(Status::kDowngrade,
                  it + " has security counter " + number(vendor->security_counter) +
                      ", the device takes none below " + number(token.security_counter));
    case Fit::kSignatures:
      throw Error(Status::kUnsupported,
                  it + " has signatures that the device cannot verify: sign it with a key of "
                       "another type");
    case Fit::kNoServer:
      throw Error(Status::kBadSignature,
                  it + " names no server that may offer it: sign it with --server-key, or offer it "
                       "with --broadcast");
    case Fit::kOtherServer:
      throw Error(Status::kBadSignature,
                  it + " names another server's key: give that key, or sign it with this one's "
                       "public key as --server-key");
    case Fit::kRevoked:
      throw Error(Status::kBadSignature,
                  it + " names a server key of epoch " + number(vendor->server_epoch) +
                      ", which the statements revoke: sign it with a new one");
    case Fit::kAddress:
      throw Error(Status::kDoesNotFit,
                  it + " is linked for another address than that of the slot to be written");
    default:
      throw Error(Status::kDoesNotFit, it + " has " + number(vendor->size) +
                                           " bytes, the slot to be written has room for " +
                                           number(token.capacity));
  }
}

// Where an image is loaded, as far as the vendor says it.
std::vector<LoadRun> LoadRuns(std::span<const uint8_t> image, const Release* release) {
  // Such an image tells where its parts are loaded.
  if (EspressifRuns(image).size() > 1) return {};
  if (!release || release->vendor().link_address == kAnyAddress) return {};
  return {{0, release->vendor().link_address}};
}

// A delta and whether it is made from nothing.
struct Candidate {
  std::vector<uint8_t> delta;
  bool full = false;
};

class PayloadMaker {
 public:
  PayloadMaker(const OfferRequest& request, const Choice& choice, std::span<const uint8_t> image,
               std::span<const uint8_t> base)
      : request_(request), choice_(choice), image_(image), base_(base) {}

  Candidate Make() {
    const Token& token = request_.token;
    for (const Codec codec : kDeviceCodecs) {
      if (!Has(token.codecs, codec)) continue;
      // With 0, Diff would take it that there is no limit.
      if (token.decoder_ram == 0) continue;
      try {
        if (!base_.empty()) TryCodec(codec, false);
        TryCodec(codec, true);
      } catch (const Error& error) {
        if (error.status() != Status::kDoesNotFit) throw;
      }
    }
    if (!best_.delta.empty()) return std::move(best_);
    bool has_codec = false;
    for (const Codec codec : kDeviceCodecs) has_codec |= Has(token.codecs, codec);
    if (has_codec && (token.architectures != 0 || !Has(token.codecs, Codec::kModel))) {
      throw Error(Status::kDoesNotFit, "the device has " + std::to_string(token.decoder_ram) +
                                           " bytes of RAM for the decoder, and no codec of its "
                                           "takes so few");
    }
    throw Error(Status::kUnsupported, "the device has no codec that mote writes");
  }

 private:
  void TryCodec(Codec codec, bool full) {
    DiffOptions options;
    options.codec = codec;
    options.ram = request_.token.decoder_ram;
    options.effort = request_.effort;
    options.progress = request_.progress;
    if (codec != Codec::kModel) {
      Try(options, full);
    } else if (full) {
      TryFullModel(options);
    } else {
      TryModel(options);
    }
  }

  void LimitModel(DiffOptions& options) const {
    // With this much RAM the smallest profile is what fits.
    if (request_.token.small_model) {
      options.ram = std::min(options.ram, kModelRam[kModelProfiles - 1]);
    }
    options.new_runs = LoadRuns(image_, choice_.target);
  }

  void TryModel(DiffOptions options) {
    LimitModel(options);
    options.old_runs = LoadRuns(base_, choice_.base);
    const std::vector<ArchitectureId> has = Architectures();
    if (has.size() > 1) {
      // The best of all that there are, unless it is one that the device lacks.
      std::vector<uint8_t> delta = Diff(base_, image_, options);
      const uint32_t header = ReadHeader(delta).header_size;
      const ModelSetting setting = ReadModelSetting(std::span(delta).subspan(header));
      if (Has(request_.token.architectures, setting.architecture)) return Take(delta, false);
    }
    for (const ArchitectureId architecture : has) {
      options.architecture = architecture;
      Try(options, false);
    }
  }

  void TryFullModel(DiffOptions options) {
    if (!best_.delta.empty() && !best_.full) {
      DiffOptions quick;
      quick.codec = Codec::kLzss;
      if (best_.delta.size() < Diff({}, image_, quick).size() / kModelOverLzss) return;
    }
    LimitModel(options);
    // Where there is no old image no unit is predicted: they are all the same.
    const std::vector<ArchitectureId> has = Architectures();
    if (has.empty()) return;
    options.architecture = has.front();
    Try(options, true);
  }

  std::vector<ArchitectureId> Architectures() const {
    std::vector<ArchitectureId> has;
    for (unsigned i = 0; i < kArchitectureCount; ++i) {
      if (HasBit(request_.token.architectures, i)) has.push_back(static_cast<ArchitectureId>(i));
    }
    return has;
  }

  void Try(const DiffOptions& options, bool full) {
    Take(Diff(full ? std::span<const uint8_t>() : base_, image_, options), full);
  }

  // Of two of the same size the first one, which takes less RAM.
  void Take(std::vector<uint8_t> delta, bool full) {
    if (!best_.delta.empty() && best_.delta.size() <= delta.size()) return;
    best_ = {std::move(delta), full};
  }

  const OfferRequest& request_;
  const Choice& choice_;
  std::span<const uint8_t> image_, base_;
  Candidate best_;
};

Encryption CheckEncryption(const OfferRequest& request) {
  const Token& token = request.token;
  if (!request.recipient) {
    if (Has(token.encryptions, Encryption::kNone)) return Encryption::kNone;
    throw Error(Status::kUnsupported,
                "the device takes encrypted payloads only: give its key (--device-key or "
                "--shared-key)");
  }
  const Encryption encryption = EncryptionFor(*request.recipient);
  if (!Has(token.encryptions, encryption) || token.piece_bits < kMinPieceBits) {
    throw Error(Status::kUnsupported,
                "the device does not take payloads encrypted for a key of this type");
  }
  return encryption;
}

void Append(std::vector<uint8_t>& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

bool IsTokenBase(const Token& token, std::span<const uint8_t> digest) {
  const bool known = std::ranges::any_of(token.base, [](uint8_t byte) { return byte != 0; });
  return known && std::equal(std::begin(token.base), std::end(token.base), digest.begin());
}

Choice ChooseRelease(const OfferRequest& request) {
  uint32_t server_epoch = 0;
  for (const std::vector<uint8_t>& statement : request.statements) {
    server_epoch =
        std::max(server_epoch, ParseStatement(statement.data() + kTrustHeaderSize).server_epoch);
  }
  Choice choice;
  const Release* nearest = nullptr;
  Fit nearest_fit = Fit::kWrongDevice;
  for (const Release& release : request.releases) {
    const VendorPart vendor = release.vendor();
    if (!choice.base && IsTokenBase(request.token, ImageDigest(vendor))) choice.base = &release;
    const Fit fit = FitOf(vendor, request, server_epoch);
    // Of two of the same version the one that says where it runs; then the higher counter.
    const auto rank = [](const VendorPart& v) {
      return std::tuple(v.version, v.link_address != kAnyAddress, v.security_counter);
    };
    if (!nearest || fit > nearest_fit ||
        (fit == nearest_fit && rank(vendor) > rank(nearest->vendor()))) {
      nearest = &release;
      nearest_fit = fit;
    }
  }
  if (nearest_fit != Fit::kFits || !nearest) {
    if (!nearest) ThrowNothing(nearest_fit, nullptr, request.token);
    const VendorPart vendor = nearest->vendor();
    ThrowNothing(nearest_fit, &vendor, request.token);
  }
  choice.target = nearest;
  return choice;
}

Offer MakeOffer(const OfferRequest& request, const Choice& choice, std::span<const uint8_t> image,
                std::span<const uint8_t> base) {
  const Token& token = request.token;
  const VendorPart vendor = choice.target->vendor();
  if (!std::ranges::equal(Sha256::Of(image), ImageDigest(vendor))) {
    throw Error(Status::kBadArgument, "the image is not the one that the release is of");
  }
  Sha256::Digest base_digest{};
  if (!base.empty()) {
    base_digest = Sha256::Of(base);
    if (!IsTokenBase(token, base_digest)) {
      throw Error(Status::kBadArgument, "the base image is not the one that the device runs");
    }
  }
  Offer offer;
  if (request.server) offer.encryption = CheckEncryption(request);
  Candidate candidate = PayloadMaker(request, choice, image, base).Make();
  if (candidate.full) base_digest = {};
  offer.full = candidate.full;
  offer.header = ReadHeader(candidate.delta);
  offer.decoder_ram = *DecoderRam(offer.header);
  offer.delta_size = static_cast<uint32_t>(candidate.delta.size());

  uint32_t sequence = 0;
  for (const std::vector<uint8_t>& statement : request.statements) {
    // A device would pass over one that comes too late.
    const uint32_t next = ParseStatement(statement.data() + kTrustHeaderSize).sequence;
    if (next <= sequence) {
      throw Error(Status::kBadArgument, "statement " + std::to_string(next) + " comes after " +
                                            std::to_string(sequence) +
                                            ": give them in order, each once");
    }
    sequence = next;
    Append(offer.bytes, statement);
  }
  offer.statements_size = static_cast<uint32_t>(offer.bytes.size());
  if (!request.server) {
    Append(offer.bytes, choice.target->bytes());
    offer.manifest_size = static_cast<uint32_t>(choice.target->bytes().size());
    offer.payload_size = offer.delta_size;
    Append(offer.bytes, candidate.delta);
    return offer;
  }
  EncryptedPayload payload{Encryption::kNone, {}, {}};
  const uint8_t piece_bits = std::min(token.piece_bits, kMaxPieceBits);
  if (request.recipient) {
    payload = EncryptPayload(candidate.delta, token.device, *request.recipient, piece_bits);
  } else {
    payload.bytes = candidate.delta;
  }
  const Sha256::Digest delta_digest = Sha256::Of(candidate.delta);
  ServerPart part{};
  part.device = token.device;
  part.nonce = token.nonce;
  part.base_version = candidate.full ? 0 : token.version;
  part.base_prefix = base_digest.data();
  part.delta_size = offer.delta_size;
  part.decoder_ram = offer.decoder_ram;
  part.codec = candidate.delta[1];
  part.encryption = payload.encryption;
  part.piece_bits = request.recipient ? piece_bits : uint8_t{0};
  part.delta_digest = delta_digest.data();
  part.parameter = payload.parameter.data();
  const std::vector<uint8_t> manifest =
      WriteManifest(choice.target->bytes(), base_digest, WriteServerPart(part), *request.server);
  offer.manifest_size = static_cast<uint32_t>(manifest.size());
  offer.payload_size = static_cast<uint32_t>(payload.bytes.size());
  Append(offer.bytes, manifest);
  Append(offer.bytes, payload.bytes);
  return offer;
}

}  // namespace mote
