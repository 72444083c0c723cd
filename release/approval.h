// SPDX-License-Identifier: Apache-2.0
// Approvals: k of n people agree to a release before the vendor's key signs it.
//
// The approvals stay with the vendor: no device sees them, and whoever holds the vendor's key can
// sign without any. They are for the machine that holds this key, to keep it from signing what one
// person alone wants; see release/README.md.
//
// An approval is a file:
//
//   4           6D 74 41 01 ("mtA", version 1)
//   1           algorithm of the approver's key: 1 or 2 (FORMAT.md, 8)
//   3           0
//   32 or 64    the approver's public key
//   64 to 128   the vendor part that it is for
//   64          signature by this key: of the digest of "mote-a1" 00 and the vendor's digest
#pragma once

#include <stdint.h>

#include <span>
#include <vector>

#include "agent/manifest.h"
#include "release/keys.h"

namespace mote {

constexpr uint8_t kApprovalHeader[kTrustHeaderSize] = {'m', 't', 'A', 1};

struct Approval {
  PublicKey approver;
  std::vector<uint8_t> vendor_part;
  Signature signature;
};

/// What an approver signs. REQUIRES: a whole vendor part.
Sha256::Digest ApprovalDigest(std::span<const uint8_t> vendor_part);

/// Writes the approval of a release that is going to have this vendor part. Throws
/// Error(kUnsupported) for an X25519 key. REQUIRES: a whole vendor part.
std::vector<uint8_t> WriteApproval(std::span<const uint8_t> vendor_part,
                                   const PrivateKey& approver);

/// Takes one apart; does not check its signature. Throws Error: kUnsupported (not an approval, of a
/// later version, unknown algorithms or flags), kCorrupt (too short or too long).
Approval ReadApproval(std::span<const uint8_t> file);

/// Who has to approve.
struct ApprovalPolicy {
  unsigned threshold = 0;            ///< 1 to the number of approvers
  std::vector<PublicKey> approvers;  ///< all different
};

/// Throws Error(kBadArgument) for a threshold of 0 or out of reach, and for a key that is there
/// twice.
void CheckPolicy(const ApprovalPolicy& policy);

/// Checks one approval. Throws Error(kBadSignature): for another vendor part, with a message that
/// names the first field that differs; by someone whom the policy does not name; a signature that
/// does not hold. Returns which of the approvers it is by.
size_t CheckApproval(const ApprovalPolicy& policy, std::span<const uint8_t> vendor_part,
                     const Approval& approval);

/// Throws Error(kBadSignature) as CheckApproval, and where fewer than the threshold of different
/// approvers approve: two approvals by one count once. Returns how many do.
size_t CheckApprovals(const ApprovalPolicy& policy, std::span<const uint8_t> vendor_part,
                      std::span<const Approval> approvals);

}  // namespace mote
