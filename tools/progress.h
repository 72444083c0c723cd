// SPDX-License-Identifier: Apache-2.0
// A progress bar for people: on standard error, only where that is a terminal, and only for work
// longer than a second.
#pragma once

#include <chrono>
#include <string>

namespace mote::tools {

class Progress {
 public:
  /// `label` is what the bar says is going on, such as "comparing". Starts the clock; draws nothing
  /// yet.
  explicit Progress(std::string label);
  /// Takes the bar off the screen.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Draws the bar at `share`, 0 to 1, if it is time to: calling it often is cheap.
  void Update(double share);

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point next_draw_;
};

}  // namespace mote::tools
