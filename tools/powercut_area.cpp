// SPDX-License-Identifier: Apache-2.0
#include "tools/powercut_area.h"

#include <algorithm>

#include <fmt/format.h>

namespace mote::tools {

void AreaWatch::Begin(std::span<const uint8_t> from, std::span<const uint8_t> to) {
  running_ = true;
  rebuilding_ = wrote_ = false;
  known_ = 0;
  new_ = to;
  const auto old_size = static_cast<uint32_t>(from.size());
  distance_ = size_ - (old_size + sector() - 1) / sector() * sector();
  const auto content = flash_.Content(offset_, size_);
  home_.assign(content.begin(), content.end());
  tags_.assign(size_, kOld);
}

void AreaWatch::PowerUp() {
  wrote_ = false;
  known_ = 0;
}

void AreaWatch::Erased(uint32_t offset) {
  if (!running_) return Fail("erased, and no update began", offset);
  const uint32_t at = offset - offset_;
  if (at < distance_) rebuilding_ = true;
  std::fill_n(tags_.begin() + at, sector(), kGone);
}

void AreaWatch::Programmed(uint32_t offset, std::span<const uint8_t> data, bool complete) {
  const uint32_t at = offset - offset_;
  if (!running_) return Fail("programmed, and no update began", offset);
  bool is_old = !rebuilding_, is_new = rebuilding_;
  for (uint32_t i = 0; i < data.size(); ++i) {
    is_old &= at >= distance_ && data[i] == home_[at + i - distance_];
    is_new &= data[i] == NewAt(at + i);
  }
  if (!is_old && !is_new) return Fail("programmed with bytes that are wrong there", offset);
  const Tag tag = !complete ? kGone : is_new ? kNew : kOld;
  std::fill_n(tags_.begin() + at, data.size(), tag);
  if (is_new) {
    wrote_ = true;
    known_ = std::max(known_, at + static_cast<uint32_t>(data.size()));
  }
}

// New is read below what is known of it: written since the power came back, or read from the start
// on before that, as a decoder does that goes on. What is above is old.
void AreaWatch::Read(uint32_t offset, uint32_t size) {
  if (!running_) return;
  const uint32_t from = offset - offset_;
  const uint32_t to = from + size;
  if (to > size_) return Fail("read beyond the area's end", offset);
  if (!rebuilding_) {
    if (!All(from, to, kOld)) Fail("read, and erased", offset);
    return;
  }
  if (!wrote_ && from == known_ && All(from, to, kNew)) known_ = to;
  if (to <= known_) {
    if (!All(from, to, kNew)) Fail("read of new, and not written", offset);
  } else if (from < known_ || !All(from, to, kOld)) {
    Fail("read of old, and overwritten", offset);
  } else if (from < distance_) {
    Fail("read where old was before it was moved", offset);
  }
}

bool AreaWatch::All(uint32_t from, uint32_t to, unsigned tags) const {
  return std::all_of(tags_.begin() + from, tags_.begin() + to,
                     [&](uint8_t tag) { return tag == tags; });
}

uint8_t AreaWatch::NewAt(uint32_t at) const {
  return at < new_.size() ? new_[at] : flash_.geometry().erased_value;
}

void AreaWatch::Fail(const char* what, uint32_t offset) {
  if (failure_.empty()) {
    failure_ = fmt::format("byte {} of the image area: {}", offset - offset_, what);
  }
}

}  // namespace mote::tools
