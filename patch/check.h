// SPDX-License-Identifier: Apache-2.0
// The short check of an image in a delta: FNV-1a, 32 bits. It tells a wrong base and a damaged delta for a quarter of
// the code and a fifth of the instructions of a CRC-32 with a small table; who forged a delta is for the manifest's SHA-256
// to say. Source: Fowler, Noll, Vo, Eastlake, "The FNV Non-Cryptographic Hash Algorithm", IETF draft-eastlake-fnv.
#pragma once

#include <stdint.h>

namespace mote {

constexpr uint32_t kCheckStart = 0x811C9DC5;
constexpr uint32_t kCheckPrime = 0x01000193;

/// Goes on with `check` over `size` bytes. Start with kCheckStart.
inline uint32_t UpdateCheck(uint32_t check, const uint8_t* data, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) check = (check ^ data[i]) * kCheckPrime;
  return check;
}

}  // namespace mote
