// SPDX-License-Identifier: Apache-2.0
// The two programs of the example board, as far as updates go: what its bootloader does, and what
// its application does. They are the same for every board that uses agent/.
#pragma once

#include <stdint.h>

#include "agent/boot.h"
#include "patch/status.h"

namespace example {

/// The bootloader at every start. kDone: jump to `choice`; anything else: there is nothing to
/// start, stay here and wait for a programmer, or reset and try again.
mote::Status ChooseImage(mote::BootChoice& choice);

/// The application, linked for `address`, when it has seen that it works: sensors answer, the
/// network is there. An image on trial that never says so is given up after kLayout.trial_boots
/// starts.
mote::Status ConfirmImage(uint32_t address);

/// The application: takes an update from Receive. `digest`: the SHA-256 that the new image must
/// have, kDigestSize bytes of a manifest whose signature was checked; mote checks no signatures.
/// kDone: it is chosen, on trial; restart. Anything else: nothing has changed for this image, and
/// the same update may be begun again. After a power cut: likewise, from the delta's first byte;
/// sectors that stand in flash already are neither erased nor programmed again.
mote::Status TakeUpdate(uint32_t address, const uint8_t* digest);

}  // namespace example
