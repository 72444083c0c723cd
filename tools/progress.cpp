// SPDX-License-Identifier: Apache-2.0
// The progress bar: "comparing [#########...........]  45 %  3 s".
#include "tools/progress.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace mote::tools {
namespace {

constexpr auto kQuietTime = std::chrono::seconds(1);
constexpr auto kDrawInterval = std::chrono::milliseconds(100);
constexpr int kBarWidth = 40;
constexpr std::string_view kClearLine = "\r\x1B[K";

// A bar that cannot be drawn is not worth an error.
void Draw(std::string_view text) {
  fwrite(text.data(), 1, text.size(), stderr);
  fflush(stderr);
}

}  // namespace

Progress::Progress(std::string label)
    : label_(std::move(label)),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      next_draw_(start_ + kQuietTime) {}

Progress::~Progress() {
  if (drawn_) Draw(kClearLine);
}

void Progress::Update(double share) {
  if (!terminal_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kDrawInterval;
  drawn_ = true;
  share = std::clamp(share, 0.0, 1.0);
  const int full = static_cast<int>(share * kBarWidth);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - start_).count();
  Draw(fmt::format("{}{} [{:#<{}}{:.<{}}] {:3} %  {} s", kClearLine, label_, "", full, "",
                   kBarWidth - full, static_cast<int>(share * 100), seconds));
}

}  // namespace mote::tools
