// SPDX-License-Identifier: Apache-2.0
#include "release/approval.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "release/digests.h"

namespace mote {
namespace {

constexpr uint8_t kTag[8] = {'m', 'o', 't', 'e', '-', 'a', '1', 0};
constexpr size_t kFixed = kTrustHeaderSize + 4;

[[noreturn]] void Cut() {
  throw Error(Status::kCorrupt, "the approval is too short or too long: get it again");
}

// The first field in which two vendor parts differ; "" where they are equal.
std::string Difference(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  const VendorPart left = ParseVendorPart(a.data());
  const VendorPart right = ParseVendorPart(b.data());
  if (left.size != right.size || !std::equal(left.digest, left.digest + kDigestSize, right.digest))
    return "image";
  if (left.application != right.application) return "application";
  if (left.hardware != right.hardware) return "hardware";
  if (left.version != right.version) return "version";
  if (left.security_counter != right.security_counter) return "security counter";
  if (left.link_address != right.link_address) return "link address";
  if (left.algorithm != right.algorithm) return "type of the vendor's key";
  if (left.server_epoch != right.server_epoch) return "server epoch";
  return std::ranges::equal(a, b) ? "" : "server key";
}

}  // namespace

Sha256::Digest ApprovalDigest(std::span<const uint8_t> vendor_part) {
  Sha256 sha256;
  sha256.Update(kTag);
  sha256.Update(VendorDigestOf(vendor_part));
  return sha256.Finish();
}

std::vector<uint8_t> WriteApproval(std::span<const uint8_t> vendor_part,
                                   const PrivateKey& approver) {
  const PublicKey key = approver.public_key().ForSignatures();
  const Signature signature = approver.Sign(ApprovalDigest(vendor_part));
  std::vector<uint8_t> file(std::begin(kApprovalHeader), std::end(kApprovalHeader));
  file.reserve(kFixed + kMaxPublicKeySize + vendor_part.size() + kSignatureSize);
  file.push_back(static_cast<uint8_t>(key.algorithm));
  file.resize(kFixed);
  file.insert(file.end(), key.bytes, key.bytes + PublicKeySize(key.algorithm));
  file.insert(file.end(), vendor_part.begin(), vendor_part.end());
  file.insert(file.end(), signature.begin(), signature.end());
  return file;
}

Approval ReadApproval(std::span<const uint8_t> file) {
  if (file.size() < kTrustHeaderSize ||
      !std::equal(std::begin(kApprovalHeader), std::end(kApprovalHeader), file.begin())) {
    throw Error(Status::kUnsupported,
                "not an approval, or of a version that this mote does not know");
  }
  if (file.size() < kFixed) Cut();
  Approval approval{};
  approval.approver.algorithm = static_cast<SignatureAlgorithm>(file[kTrustHeaderSize]);
  const size_t key_size = PublicKeySize(approval.approver.algorithm);
  if (key_size == 0 || (file[5] | file[6] | file[7]) != 0) {
    throw Error(Status::kUnsupported, "an approval by a key of a type that mote does not know");
  }
  if (file.size() < kFixed + key_size + kVendorFixedSize) Cut();
  std::copy_n(&file[kFixed], key_size, approval.approver.bytes);
  const auto rest = file.subspan(kFixed + key_size);
  const uint32_t part_size = VendorPartSize(rest.data());
  if (part_size == 0) {
    throw Error(
        Status::kUnsupported,
        "an approval of a vendor part that this mote does not know: it is damaged, or needs "
        "a newer mote");
  }
  if (rest.size() != part_size + kSignatureSize) Cut();
  approval.vendor_part.assign(rest.begin(), rest.begin() + part_size);
  std::copy_n(&rest[part_size], kSignatureSize, approval.signature.begin());
  return approval;
}

void CheckPolicy(const ApprovalPolicy& policy) {
  if (policy.threshold == 0 || policy.threshold > policy.approvers.size()) {
    throw Error(Status::kBadArgument, "k must be 1 to the number of approvers, " +
                                          std::to_string(policy.approvers.size()) + ", and is " +
                                          std::to_string(policy.threshold));
  }
  for (size_t i = 0; i < policy.approvers.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (SameKey(policy.approvers[i], policy.approvers[j])) {
        throw Error(Status::kBadArgument, "approvers " + std::to_string(j + 1) + " and " +
                                              std::to_string(i + 1) +
                                              " have the same key: name each once");
      }
    }
  }
}

size_t CheckApproval(const ApprovalPolicy& policy, std::span<const uint8_t> vendor_part,
                     const Approval& approval) {
  const auto found = std::ranges::find_if(policy.approvers, [&](const PublicKey& approver) {
    return SameKey(approver, approval.approver);
  });
  if (found == policy.approvers.end()) {
    throw Error(Status::kBadSignature, "by someone whom the policy does not name");
  }
  if (!VerifySignature(approval.approver, ApprovalDigest(approval.vendor_part),
                       approval.signature)) {
    throw Error(Status::kBadSignature, "its signature does not hold: it is damaged or forged");
  }
  const std::string difference = Difference(approval.vendor_part, vendor_part);
  if (!difference.empty()) {
    throw Error(Status::kBadSignature, "approves something else: another " + difference);
  }
  return static_cast<size_t>(found - policy.approvers.begin());
}

size_t CheckApprovals(const ApprovalPolicy& policy, std::span<const uint8_t> vendor_part,
                      std::span<const Approval> approvals) {
  CheckPolicy(policy);
  std::set<size_t> approved;
  for (const Approval& approval : approvals) {
    approved.insert(CheckApproval(policy, vendor_part, approval));
  }
  if (approved.size() < policy.threshold) {
    throw Error(Status::kBadSignature,
                std::to_string(approved.size()) + " of the " + std::to_string(policy.threshold) +
                    " approvals that the policy asks for: get more (mote approve)");
  }
  return approved.size();
}

}  // namespace mote
