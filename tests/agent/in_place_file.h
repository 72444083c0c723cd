// SPDX-License-Identifier: Apache-2.0
// Files for updates in place, put together by hand from FORMAT.md 12, without diff/in_place.h.
#pragma once

#include "diff/diff.h"
#include "tests/support/images.h"

namespace mote::testing {

inline uint32_t InPlaceCheck(std::span<const uint8_t> file) {
  uint32_t check = 0x811C9DC5;
  for (size_t i = 0; i < file.size(); ++i) {
    if (i < 7 || i >= 11) check = (check ^ file[i]) * 0x01000193;
  }
  return check;
}
inline void FixInPlaceCheck(Bytes& file) {
  const uint32_t check = InPlaceCheck(file);
  for (unsigned i = 0; i < 4; ++i) file[7 + i] = static_cast<uint8_t>(check >> 8 * i);
}
inline Bytes InPlaceFileOf(const Bytes& forward, const Bytes& inverse = {}) {
  Bytes file = {0xE1};
  for (const size_t size : {forward.size(), inverse.size()}) {
    for (unsigned i = 0; i < 3; ++i) file.push_back(static_cast<uint8_t>(size >> 8 * i));
  }
  file.resize(11);
  file.insert(file.end(), forward.begin(), forward.end());
  file.insert(file.end(), inverse.begin(), inverse.end());
  FixInPlaceCheck(file);
  return file;
}
// `limit`: how far back a copy of old may be from, in bytes; `window`, of new.
inline Bytes InPlaceDeltaOf(const Bytes& from, const Bytes& to, int64_t limit,
                            uint32_t window = 64) {
  DiffOptions diff;
  diff.codec = Codec::kModel;
  diff.ram = kModelRam[1];
  diff.effort = 1;
  diff.lowest_diagonal = -limit;
  diff.match_window = window;
  return Diff(from, to, diff);
}

}  // namespace mote::testing
