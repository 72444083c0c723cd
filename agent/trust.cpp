// SPDX-License-Identifier: Apache-2.0
#include "agent/trust.h"

namespace mote {

#if MOTE_WITH_TRUST

const PublicKey& RootKey(const Layout& layout, const Metadata& metadata) {
  const PublicKey& replaced = metadata.trust.root;
  return replaced.algorithm == SignatureAlgorithm::kNone ? layout.trust->root : replaced;
}

bool IsSigned(const Layout& layout, const Sha256Functions& sha256, const PublicKey& key,
              const uint8_t* part, uint8_t* digest) {
  VendorDigest(sha256, part, digest);
  const SignatureVerifier& verifier = layout.trust->verifier;
  return static_cast<SignatureAlgorithm>(part[0]) == key.algorithm &&
         verifier.verify(verifier.context, key, digest, part + VendorPartSize(part));
}

uint32_t LinkAddressFor(const Layout& layout, uint8_t index) {
  const bool installed = layout.install != Install::kNone && index == layout.staging;
  return layout.slots[installed ? layout.primary : index].link_address;
}

bool IsLinkedFor(const Layout& layout, uint8_t index, uint32_t address) {
  const uint32_t place = LinkAddressFor(layout, index);
  return address == kAnyAddress || place == kAnyAddress || address == place;
}

Status CheckRelease(const Layout& layout, const Metadata& metadata, uint8_t index,
                    const Sha256Functions& sha256) {
  const SlotRecord& record = metadata.slot(index);
  const uint8_t* const part = record.release;
  if (!record.has_release || !record.has_digest || VendorPartSize(part) == 0) {
    return Status::kBadSignature;
  }
  // What is to be rebuilt in place is not there yet.
  const bool is_there = layout.install != Install::kInPlace || index != layout.staging;
  if (is_there && (VendorField(part, kVendorImageSize) != record.size ||
                   !IsEqual(part + kVendorDigest, record.digest, kDigestSize))) {
    return Status::kBadSignature;
  }
  if (VendorField(part, kVendorApplication) != layout.trust->application ||
      VendorField(part, kVendorHardware) != layout.trust->hardware) {
    return Status::kWrongDevice;
  }
  if (!IsLinkedFor(layout, index, VendorField(part, kVendorLinkAddress))) {
    return Status::kDoesNotFit;
  }
  if (VendorField(part, kVendorCounter) < metadata.trust.security_counter) {
    return Status::kDowngrade;
  }
  uint8_t digest[kDigestSize];
  if (IsSigned(layout, sha256, RootKey(layout, metadata), part, digest)) {
    return Status::kDone;
  }
  const PublicKey& previous = metadata.trust.previous_root;
  return record.state == SlotState::kConfirmed && previous.algorithm != SignatureAlgorithm::kNone &&
                 IsSigned(layout, sha256, previous, part, digest)
             ? Status::kDone
             : Status::kBadSignature;
}

#endif

void RaiseCounter([[maybe_unused]] const Layout& layout, [[maybe_unused]] Metadata& metadata,
                  [[maybe_unused]] uint8_t index) {
#if MOTE_WITH_TRUST
  if (!layout.trust || !metadata.slot(index).has_release) return;
  const uint32_t counter = VendorField(metadata.slot(index).release, kVendorCounter);
  if (metadata.trust.security_counter < counter) metadata.trust.security_counter = counter;
#endif
}

}  // namespace mote
