// SPDX-License-Identifier: Apache-2.0
#include "stream/in_place_file.h"

#include "patch/bytes.h"
#include "patch/check.h"

namespace mote {

Status ReadInPlaceHeader(const uint8_t* bytes, InPlaceHeader& header) {
  if (bytes[0] != kInPlaceMagicAndVersion) {
    return (bytes[0] ^ kInPlaceMagicAndVersion) >> 4 ? Status::kCorrupt : Status::kUnsupported;
  }
  header.forward_size = LoadLittle(bytes + 1, 3);
  header.inverse_size = LoadLittle(bytes + 4, 3);
  header.check = LoadLittle(bytes + 7, 4);
  header.start = UpdateCheck(kCheckStart, bytes, 7);
  return Status::kDone;
}

}  // namespace mote
