// SPDX-License-Identifier: Apache-2.0
// Any bytes as an offer, a release, a token, an approval: the readers take exactly what FORMAT.md
// 8, 9 and 11 say, by a second reader that is written from there, and look at no byte behind the
// end (each is handed memory of its own size, for the sanitizer to watch).
//
// Input: the file.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "release/approval.h"
#include "release/manifest_reader.h"
#include "release/manifest_writer.h"
#include "tests/fuzz/input.h"

namespace mote::testing {
namespace {

// Bytes in memory that ends where they do.
class Exactly {
 public:
  explicit Exactly(std::span<const uint8_t> bytes)
      : bytes_(new uint8_t[bytes.size()]), size_(bytes.size()) {
    std::ranges::copy(bytes, bytes_.get());
  }
  const uint8_t* data() const { return bytes_.get(); }
  std::span<const uint8_t> span() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_;
};

int KeySize(uint8_t algorithm) { return algorithm == 1 ? 64 : algorithm == 2 ? 32 : -1; }

struct Sizes {
  std::vector<size_t> statements;
  size_t vendor = 0, server = 0, payload = 0;
  bool operator==(const Sizes&) const = default;
};

// FORMAT.md 8 and 9 once more; nothing where it is not such a file.
std::optional<Sizes> ReferenceSizes(std::span<const uint8_t> file) {
  Sizes sizes;
  size_t at = 0;
  const auto left = [&] { return file.size() - at; };
  // Bytes of a part that starts with two algorithms, at `start`; 0: cannot be.
  const auto part = [&](size_t start, size_t fixed) -> size_t {
    const uint8_t* a = &file[start];
    if (KeySize(a[0]) < 0 || (a[1] != 0 && KeySize(a[1]) < 0) || a[2] != 0 || a[3] != 0) return 0;
    return fixed + static_cast<size_t>(a[1] == 0 ? 0 : KeySize(a[1]));
  };
  while (left() >= 4 && file[at] == 'm' && file[at + 1] == 't' && file[at + 2] == 'K' &&
         file[at + 3] == 1) {
    if (left() < 16) return {};
    const size_t size = part(at + 12, 16);
    if (size == 0 || left() < size + 64) return {};
    sizes.statements.push_back(size + 64);
    at += size + 64;
  }
  if (left() == 0 && !sizes.statements.empty()) return sizes;
  if (left() < 4 + 64 || file[at] != 'm' || file[at + 1] != 't' || file[at + 2] != 'M' ||
      (file[at + 3] & 0x7F) != 1) {
    return {};
  }
  const bool has_server = file[at + 3] >= 0x80;
  at += 4;
  sizes.vendor = part(at, 64);
  if (sizes.vendor == 0 || left() < sizes.vendor + 64) return {};
  at += sizes.vendor + 64;
  if (has_server) {
    if (left() < 68) return {};
    const uint8_t encryption = file[at + 33], bits = file[at + 34];
    const size_t parameters[] = {0, 16, 32, 64};
    if (encryption > 3 || file[at + 35] != 0) return {};
    if (encryption == 0 ? bits != 0 : bits < 5 || bits > 16) return {};
    sizes.server = 68 + parameters[encryption];
    if (left() < sizes.server + 64) return {};
    at += sizes.server + 64;
  }
  sizes.payload = left();
  return sizes;
}

void RunOffer(const Exactly& file) {
  const std::optional<Sizes> expected = ReferenceSizes(file.span());
  std::optional<Sizes> found;
  try {
    const OfferView view = ReadOffer(file.span());
    found.emplace();
    for (const auto& statement : view.statements) {
      found->statements.push_back(statement.size());
      const Exactly part(statement.subspan(4));
      const Statement parsed = ParseStatement(part.data());
      EXPECT_EQ(statement.size(), 4 + StatementSize(part.data()) + 64);
      EXPECT_EQ(static_cast<uint8_t>(parsed.algorithm), statement[12]);
    }
    found->vendor = view.vendor_part.size();
    found->server = view.server_part.size();
    found->payload = view.payload.size();
    if (!view.vendor_part.empty()) {
      const Exactly part(view.vendor_part);
      const VendorPart vendor = ParseVendorPart(part.data());
      EXPECT_EQ(vendor.size, VendorField(part.data(), kVendorImageSize));
      EXPECT_EQ(view.vendor_signature.size(), kSignatureSize);
      EXPECT_EQ(view.vendor_part.size(),
                kVendorFixedSize + PublicKeySize(vendor.server_key.algorithm));
    }
    if (view.has_server_part()) {
      const Exactly part(view.server_part);
      const ServerPart server = ParseServerPart(part.data());
      EXPECT_TRUE(std::ranges::equal(WriteServerPart(server), view.server_part));
      EXPECT_GE(PayloadSize(server), server.delta_size);
    }
    // A release is what has nothing but a vendor part.
    bool is_release = true;
    try {
      const Release release(std::vector<uint8_t>(file.span().begin(), file.span().end()));
      EXPECT_EQ(release.bytes().size(), 4 + view.vendor_part.size() + 64);
    } catch (const Error&) {
      is_release = false;
    }
    EXPECT_EQ(is_release, found->vendor != 0 && found->server == 0 && found->payload == 0 &&
                              found->statements.empty());
  } catch (const Error& error) {
    EXPECT_TRUE(error.status() == Status::kUnsupported || error.status() == Status::kCorrupt);
    EXPECT_STRNE(error.what(), "");
  }
  EXPECT_TRUE(found == expected) << found.has_value() << " and " << expected.has_value();
}

void Run(std::span<const uint8_t> input) {
  const Exactly file(input);
  RunOffer(file);
  TrustFileOf(file.span());
  if (input.size() >= kTokenSize) {
    const Exactly bytes(input.first(kTokenSize));
    Token token;
    if (ReadToken(bytes.data(), token) == Status::kDone) {
      uint8_t written[kTokenSize];
      WriteToken(token, written);
      EXPECT_TRUE(std::ranges::equal(written, bytes.span()));
    } else {
      EXPECT_TRUE(bytes.data()[0] != 'm' || bytes.data()[1] != 't' || bytes.data()[2] != 'T' ||
                  bytes.data()[3] != 1 || bytes.data()[63] > 1);
    }
  }
  try {
    const Approval approval = ReadApproval(file.span());
    EXPECT_EQ(approval.vendor_part.size(), VendorPartSize(approval.vendor_part.data()));
    EXPECT_EQ(input.size(), 8 + PublicKeySize(approval.approver.algorithm) +
                                approval.vendor_part.size() + kSignatureSize);
  } catch (const Error& error) {
    EXPECT_STRNE(error.what(), "");
  }
}

}  // namespace
}  // namespace mote::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mote::testing::Run({data, size});
  mote::testing::StopAtFailure();
  return 0;
}
