// SPDX-License-Identifier: Apache-2.0
// Whether the vendor says that an image may run here: what bootloader and agent check alike, for
// layouts with trust. Needs MOTE_WITH_TRUST=1.
#pragma once

#include "agent/layout.h"
#include "agent/manifest.h"
#include "agent/metadata.h"
#include "agent/sha256.h"
#include "patch/status.h"

namespace mote {

#if MOTE_WITH_TRUST

/// The vendor's root key: that of the last statement, else the layout's.
const PublicKey& RootKey(const Layout& layout, const Metadata& metadata);

/// Whether the vendor part at `part`, with its signature behind it, is signed by `key`. `digest`:
/// kDigestSize bytes, that of the part, as ServerDigest wants it. REQUIRES: VendorPartSize(part) is
/// not 0.
bool IsSigned(const Layout& layout, const Sha256Functions& sha256, const PublicKey& key,
              const uint8_t* part, uint8_t* digest);

/// Where an image that goes to slot `index` has to be linked: for staging, primary's address.
uint32_t LinkAddressFor(const Layout& layout, uint8_t index);

/// Whether an image that was linked for `address` can run when it goes to slot `index`.
bool IsLinkedFor(const Layout& layout, uint8_t index, uint32_t address);

/// Whether the release in slot `index`'s record lets the image that the record tells of run there.
/// kDone, or, the first that fits:
///  - kBadSignature: there is no release, it is not by the root key (that before it will do for a
///    confirmed image), or it is of another image than the record;
///  - kWrongDevice: another application or hardware;
///  - kDoesNotFit: linked for another slot;
///  - kDowngrade: its security counter is below the device's.
/// The image itself is not looked at: CheckDigest does that. REQUIRES: layout.trust, index <
/// layout.count.
Status CheckRelease(const Layout& layout, const Metadata& metadata, uint8_t index,
                    const Sha256Functions& sha256);

#endif

/// The device's security counter becomes that of the release in slot `index`, if it was lower.
/// Nothing without trust. The caller commits.
void RaiseCounter(const Layout& layout, Metadata& metadata, uint8_t index);

}  // namespace mote
