// SPDX-License-Identifier: Apache-2.0
// The host's end of an update over a serial line (ports/TRANSPORT.md): sends a delta or an offer,
// repeats what got lost, goes on where the device says; and asks for a token.
#pragma once

#include <stdint.h>

#include <chrono>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "tools/serial_channel.h"

namespace mote::tools {

struct PushOptions {
  /// A request that got no answer is repeated after so long.
  std::chrono::milliseconds repeat{500};
  /// And given up after so long without any sign of the device.
  std::chrono::milliseconds give_up{10000};
  /// So long the device may be silent when it has said so, because it verifies a signature: the
  /// times above begin behind that. A Cortex-M0 takes six seconds.
  std::chrono::milliseconds silence{12000};
  /// What the device prints, line by line, without the line's end. May be empty.
  std::function<void(std::string_view)> console;
  /// Share of the work done, 0 to 1. May be empty.
  std::function<void(double)> progress;
};

struct PushResult {
  uint32_t started_at;    ///< the first byte of the delta that the device wanted: more than 0, it
                          ///< went on with an update
  uint64_t bytes_sent;    ///< on the line, with frames and repetitions
  uint32_t requests;      ///< sent and answered
  uint32_t repeated;      ///< requests that were sent again
  uint32_t resumed;       ///< times that the device came back without the update in memory
  uint32_t new_size;      ///< of the new image, as the device says; 0 if it did not
  bool installed_before;  ///< the device had this update already
};

/// Sends the delta, or the offer, until the device says that the new image is whole, and tells it
/// to start that. Throws Error: the status that the device's updater ended with; kFileError when
/// the device does not answer.
PushResult Push(SerialChannel& channel, std::span<const uint8_t> delta, const PushOptions& options);

/// Asks the device for a new token, kLinkTokenSize bytes: what an offer has to answer. Earlier ones
/// are worthless from here on, and an update that was not finished is abandoned. Throws Error: why
/// the device has none; kFileError when it does not answer.
std::vector<uint8_t> AskToken(SerialChannel& channel, const PushOptions& options);

/// Hands what the device prints to `console`, for `time`.
void ShowConsole(SerialChannel& channel, std::chrono::milliseconds time,
                 const std::function<void(std::string_view)>& console);

}  // namespace mote::tools
