// SPDX-License-Identifier: Apache-2.0
#include "release/manifest_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "release/approval.h"

namespace mote {
namespace {

bool StartsWith(std::span<const uint8_t> file, std::span<const uint8_t> header) {
  return file.size() >= header.size() && std::equal(header.begin(), header.end(), file.begin());
}

// Whether it is `header` as far as the kind goes, in any version.
bool IsKind(std::span<const uint8_t> file, std::span<const uint8_t> header) {
  return StartsWith(file, header.first(kTrustHeaderSize - 1));
}

// Takes pieces off the front.
class Taker {
 public:
  explicit Taker(std::span<const uint8_t> bytes) : rest_(bytes) {}

  std::span<const uint8_t> Take(size_t size, const char* what) {
    Need(size, what);
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  // Looks without taking.
  const uint8_t* Need(size_t size, const char* what) {
    if (rest_.size() < size) {
      throw Error(Status::kCorrupt,
                  std::string("it ends in the middle of ") + what + ": get it again");
    }
    return rest_.data();
  }
  std::span<const uint8_t> rest() const { return rest_; }

 private:
  std::span<const uint8_t> rest_;
};

[[noreturn]] void Unknown(const char* what) {
  throw Error(Status::kUnsupported,
              std::string(what) +
                  " has algorithms or flags that this mote does not know: it is "
                  "damaged, or needs a newer mote");
}

std::span<const uint8_t> TakeStatement(Taker& taker) {
  const auto whole = taker.rest();
  taker.Take(kTrustHeaderSize, "a statement");
  const uint32_t size = StatementSize(taker.Need(kStatementFixedSize, "a statement"));
  if (size == 0) Unknown("a statement");
  taker.Take(size, "a statement");
  taker.Take(kSignatureSize, "a statement's signature");
  return whole.first(whole.size() - taker.rest().size());
}

void TakeManifest(Taker& taker, OfferView& view) {
  const auto whole = taker.rest();
  const bool has_server_part =
      (taker.Take(kTrustHeaderSize, "the manifest's header")[kTrustHeaderSize - 1] &
       kHasServerPart) != 0;
  const uint32_t vendor = VendorPartSize(taker.Need(kVendorFixedSize, "the vendor part"));
  if (vendor == 0) Unknown("the vendor part");
  view.vendor_part = taker.Take(vendor, "the vendor part");
  view.vendor_signature = taker.Take(kSignatureSize, "the vendor's signature");
  if (has_server_part) {
    const uint32_t server = ServerPartSize(taker.Need(kServerFixedSize, "the server part"));
    if (server == 0) Unknown("the server part");
    view.server_part = taker.Take(server, "the server part");
    view.server_signature = taker.Take(kSignatureSize, "the server's signature");
  }
  view.manifest = whole.first(whole.size() - taker.rest().size());
}

}  // namespace

std::optional<TrustFile> TrustFileOf(std::span<const uint8_t> file) {
  if (IsKind(file, kManifestHeader)) return TrustFile::kManifest;
  if (IsKind(file, kStatementHeader)) return TrustFile::kStatement;
  if (IsKind(file, kTokenHeader)) return TrustFile::kToken;
  if (IsKind(file, kApprovalHeader)) return TrustFile::kApproval;
  return {};
}

OfferView ReadOffer(std::span<const uint8_t> file) {
  Taker taker(file);
  OfferView view;
  while (StartsWith(taker.rest(), kStatementHeader)) {
    view.statements.push_back(TakeStatement(taker));
  }
  if (taker.rest().empty() && !view.statements.empty()) return view;
  const auto rest = taker.rest();
  if (!IsKind(rest, kManifestHeader) || rest.size() < kTrustHeaderSize ||
      (rest[kTrustHeaderSize - 1] & ~kHasServerPart) != kManifestHeader[kTrustHeaderSize - 1]) {
    if (IsKind(rest, kManifestHeader) || IsKind(rest, kStatementHeader)) {
      throw Error(Status::kUnsupported,
                  "of a version that this mote does not know: take a newer one");
    }
    if (!view.statements.empty()) {
      throw Error(Status::kCorrupt,
                  "what follows the statements is neither a statement nor a "
                  "manifest: get it again");
    }
    throw Error(Status::kUnsupported, "neither a release nor an offer nor a statement");
  }
  TakeManifest(taker, view);
  view.payload = taker.rest();
  return view;
}

uint64_t PayloadSize(const ServerPart& server) {
  if (server.encryption == Encryption::kNone) return server.delta_size;
  const uint64_t piece = uint64_t{1} << server.piece_bits;
  return server.delta_size + (server.delta_size + piece - 1) / piece * kPieceTagSize;
}

Release::Release(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {
  const OfferView view = ReadOffer(bytes_);
  if (view.manifest.size() != bytes_.size() || view.has_server_part()) {
    throw Error(Status::kUnsupported,
                "not a release: those are a vendor part and its signature, "
                "and nothing else");
  }
}

}  // namespace mote
