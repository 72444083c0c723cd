// SPDX-License-Identifier: Apache-2.0
// What the two ends of an update say to each other, inside frames. ports/TRANSPORT.md specifies it;
// the names here are its names.
#pragma once

#include <stdint.h>

#include "patch/status.h"

namespace mote {

constexpr uint8_t kTransportVersion = 1;

/// The first byte of a body; the second is the request's number, which an answer repeats.
enum class Message : uint8_t {
  kOpen = 0x01,     ///< host: version, identity (4), size (4)
  kData = 0x02,     ///< host: offset (4), bytes
  kRestart = 0x03,  ///< host: nothing more
  kToken = 0x04,    ///< host: nothing more
  kState = 0x81,    ///< device: State
  kTokenIs = 0x82,  ///< device: status (1), and where that is kDone, a token
};

constexpr uint32_t kMessageHeader = 2;
constexpr uint32_t kOpenSize = kMessageHeader + 9;
constexpr uint32_t kDataHeader = kMessageHeader + 4;
constexpr uint32_t kStateSize = kMessageHeader + 20;
/// Bytes of the token that a device asks for an offer with (agent/manifest.h): here they are only
/// carried.
constexpr uint32_t kLinkTokenSize = 64;
constexpr uint32_t kTokenMessageHeader = kMessageHeader + 1;

/// The device's answer to everything.
struct LinkState {
  static constexpr uint8_t kOpened =
      1;  ///< flag: there is an update, and `identity`, `offset` are its
  static constexpr uint8_t kBusy = 2;  ///< flag: the request is being worked on; the answer follows
  static constexpr uint8_t kSilent =
      4;  ///< flag, with kBusy: there will be no sign for some seconds

  Status status;  ///< of the update: kNeedInput, kDone, or why it failed
  uint8_t flags;
  uint16_t max_data;  ///< bytes that one kData may carry
  uint32_t identity;  ///< CRC-32 of the whole delta or offer
  uint32_t offset;    ///< of the delta or offer: the next byte wanted
  uint32_t written;   ///< bytes of the new image that stand in flash
  uint32_t total;     ///< bytes of the new image; 0: not known yet
};

inline void PutNumber(uint8_t* to, uint32_t number) {
  for (unsigned i = 0; i < 4; ++i) to[i] = static_cast<uint8_t>(number >> 8 * i);
}

inline uint32_t GetNumber(const uint8_t* from) {
  uint32_t number = 0;
  for (unsigned i = 0; i < 4; ++i) number |= static_cast<uint32_t>(from[i]) << 8 * i;
  return number;
}

inline void PutState(const LinkState& state, uint8_t number, uint8_t to[kStateSize]) {
  to[0] = static_cast<uint8_t>(Message::kState);
  to[1] = number;
  to[2] = static_cast<uint8_t>(state.status);
  to[3] = state.flags;
  to[4] = static_cast<uint8_t>(state.max_data);
  to[5] = static_cast<uint8_t>(state.max_data >> 8);
  PutNumber(to + 6, state.identity);
  PutNumber(to + 10, state.offset);
  PutNumber(to + 14, state.written);
  PutNumber(to + 18, state.total);
}

inline LinkState GetState(const uint8_t from[kStateSize]) {
  LinkState state;
  state.status = static_cast<Status>(from[2]);
  state.flags = from[3];
  state.max_data = static_cast<uint16_t>(from[4] | from[5] << 8);
  state.identity = GetNumber(from + 6);
  state.offset = GetNumber(from + 10);
  state.written = GetNumber(from + 14);
  state.total = GetNumber(from + 18);
  return state;
}

}  // namespace mote
