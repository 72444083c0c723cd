// SPDX-License-Identifier: Apache-2.0
// A line to a device: a serial port, or a socket that stands for one (an emulator's, a terminal
// server's).
#pragma once

#include <stdint.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>

namespace mote::tools {

class SerialChannel {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~SerialChannel() = default;

  /// Sends all of `data`, or loses some of it: the line promises nothing.
  virtual void Write(std::span<const uint8_t> data) = 0;
  /// Waits until something has arrived, at most `timeout`; returns the number of bytes, 0 if there
  /// were none.
  virtual size_t Read(std::span<uint8_t> to, std::chrono::milliseconds timeout) = 0;
  virtual Clock::time_point Now() const { return Clock::now(); }
};

/// Opens `port`: the path of a serial port or of a Unix socket, or HOST:PORT for TCP. `baud` is for
/// serial ports. A line that breaks is opened again, for as long as somebody reads: a device that
/// loses power comes back. Throws Error: kFileError when it cannot be opened now, kBadArgument for
/// a speed that the system does not know.
std::unique_ptr<SerialChannel> OpenSerialChannel(const std::string& port, unsigned baud);

}  // namespace mote::tools
