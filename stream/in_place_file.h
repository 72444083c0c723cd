// SPDX-License-Identifier: Apache-2.0
// The file that an update in place arrives as: a header, the delta from old to new, perhaps that from new to old, which takes the
// update back. FORMAT.md 12.
#pragma once

#include <stdint.h>

#include "patch/status.h"

namespace mote {

/// First byte: 0xE in the high half, the version in the low half.
constexpr uint8_t kInPlaceMagicAndVersion = 0xE1;
constexpr uint32_t kInPlaceHeaderSize = 11;

struct InPlaceHeader {
  uint32_t forward_size;  ///< bytes of the delta from old to new, behind the header
  uint32_t inverse_size;  ///< bytes of that from new to old, behind it; 0: there is none
  uint32_t check;         ///< UpdateCheck(start, all that is behind the header), if the file is whole
  uint32_t start;         ///< the check of the header itself
  uint32_t Size() const { return kInPlaceHeaderSize + forward_size + inverse_size; }
};

/// `bytes`: kInPlaceHeaderSize of them. kDone; kCorrupt: this is no such file; kUnsupported: of another version.
Status ReadInPlaceHeader(const uint8_t* bytes, InPlaceHeader& header);

}  // namespace mote
