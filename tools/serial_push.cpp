// SPDX-License-Identifier: Apache-2.0
#include "tools/serial_push.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "diff/error.h"
#include "ports/transport/frame.h"
#include "ports/transport/messages.h"

namespace mote::tools {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kMaxData = 1024;  // whatever the device says
constexpr uint32_t kMaxRestarts = 100;

/// What arrives: states in frames, and lines of text between them.
class Receiver {
 public:
  explicit Receiver(const std::function<void(std::string_view)>& console) : console_(console) {
    reader_.Init(buffer_, sizeof buffer_);
  }

  /// Takes a byte; returns whether a state is complete.
  bool Put(uint8_t byte) {
    switch (reader_.Put(byte)) {
      case FrameReader::Event::kText:
        PutText(static_cast<char>(byte));
        return false;
      case FrameReader::Event::kFrame:
        return reader_.size() == kStateSize &&
               reader_.body()[0] == static_cast<uint8_t>(Message::kState);
      default:
        return false;
    }
  }

  uint8_t number() const { return reader_.body()[1]; }
  LinkState state() const { return GetState(reader_.body()); }

 private:
  void PutText(char c) {
    if (c != '\n' && line_.size() < 1000) {
      if (c != '\r') line_ += c;
      return;
    }
    if (console_) console_(line_);
    line_.clear();
  }

  const std::function<void(std::string_view)>& console_;
  FrameReader reader_;
  uint8_t buffer_[kStateSize + kFrameCrcSize];
  std::string line_;
};

class Pusher {
 public:
  Pusher(SerialChannel& channel, std::span<const uint8_t> delta, const PushOptions& options)
      : channel_(channel), delta_(delta), options_(options), receiver_(options_.console) {
    identity_ = ~UpdateCrc32(kCrc32Start, delta.data(), static_cast<uint32_t>(delta.size()));
  }

  PushResult Run() {
    LinkState state = Open();
    result_.started_at = state.offset;
    result_.installed_before = state.status == Status::kDone && result_.new_size == 0;
    uint32_t restarts = 0;
    while (state.status == Status::kNeedInput) {
      if (state.offset >= delta_.size()) {
        throw Error(Status::kNeedInput, "the delta ends too early: get it again");
      }
      state = Data(state);
      const bool opened = (state.flags & LinkState::kOpened) != 0;
      if (opened && state.identity != identity_) {
        throw Error(Status::kFileError, "the device was given another update meanwhile");
      }
      if (opened) continue;
      // It was started again, and may know where it was.
      if (++restarts > kMaxRestarts) {
        throw Error(Status::kFileError, "the device starts again and again");
      }
      ++result_.resumed;
      state = Open();
    }
    if (state.status != Status::kDone) {
      throw Error(state.status, fmt::format("the device refuses the update at byte {}: {}",
                                            state.offset, Explain(state.status)));
    }
    if (!result_.installed_before) Restart();
    return result_;
  }

 private:
  static std::string_view Explain(Status status) {
    switch (status) {
      case Status::kCorrupt:
        return "the delta is damaged: get it again";
      case Status::kWrongBase:
        return "it runs another image than the delta was made from";
      case Status::kDoesNotFit:
        return "its slot or its RAM is too small: make the delta with --ram";
      case Status::kUnsupported:
        return "it does not know this transport, format or codec";
      case Status::kFlashError:
      case Status::kReadError:
        return "its flash does not work";
      default:
        return StatusName(status);
    }
  }

  LinkState Open() {
    uint8_t body[kOpenSize] = {static_cast<uint8_t>(Message::kOpen), 0, kTransportVersion};
    PutNumber(body + 3, identity_);
    PutNumber(body + 7, static_cast<uint32_t>(delta_.size()));
    const LinkState state = Request(body);
    if ((state.flags & LinkState::kOpened) == 0 || state.identity != identity_) {
      throw Error(Status::kFileError, "the device answers, but not to what it was asked");
    }
    if (state.offset > delta_.size()) {
      throw Error(Status::kFileError, "the device wants bytes that the delta does not have");
    }
    return state;
  }

  LinkState Data(const LinkState& before) {
    const uint32_t room = std::clamp<uint32_t>(before.max_data, 1, kMaxData);
    const uint32_t size = std::min(room, static_cast<uint32_t>(delta_.size()) - before.offset);
    std::vector<uint8_t> body(kDataHeader + size);
    body[0] = static_cast<uint8_t>(Message::kData);
    PutNumber(body.data() + kMessageHeader, before.offset);
    std::copy_n(delta_.begin() + before.offset, size, body.begin() + kDataHeader);
    return Request(body);
  }

  void Restart() {
    uint8_t body[kMessageHeader] = {static_cast<uint8_t>(Message::kRestart), 0};
    try {
      Request(body);
    } catch (const Error&) {
      // The image is whole and the device has said so. It starts it now, or when it is reset next.
    }
  }

  /// Sends a request, again and again, until the device has answered it.
  LinkState Request(std::span<uint8_t> body) {
    body[1] = ++number_;
    std::vector<uint8_t> frame;
    WriteFrame(
        {[](void* to, uint8_t byte) { static_cast<std::vector<uint8_t>*>(to)->push_back(byte); },
         &frame},
        body.data(), static_cast<uint32_t>(body.size()));
    auto last_sign = channel_.Now();
    for (;; ++result_.repeated) {
      channel_.Write(frame);
      result_.bytes_sent += frame.size();
      auto until = channel_.Now() + options_.repeat;
      while (channel_.Now() < until) {
        const std::optional<LinkState> state = Receive(until);
        if (!state) continue;
        last_sign = channel_.Now();
        if ((state->flags & LinkState::kBusy) == 0) {
          ++result_.requests;
          return *state;
        }
        until = last_sign + options_.repeat;
      }
      if (channel_.Now() - last_sign >= options_.give_up) {
        throw Error(
            Status::kFileError,
            fmt::format(
                "no answer from the device for {} s",
                std::chrono::duration_cast<std::chrono::seconds>(options_.give_up).count()));
      }
    }
  }

  /// A state that answers the current request, if one has arrived.
  std::optional<LinkState> Receive(SerialChannel::Clock::time_point until) {
    while (next_ == end_) {
      const auto left = std::chrono::ceil<milliseconds>(until - channel_.Now());
      if (left.count() <= 0) return {};
      next_ = 0;
      end_ = channel_.Read(input_, left);
      if (end_ == 0) return {};
    }
    while (next_ != end_) {
      if (!receiver_.Put(input_[next_++]) || receiver_.number() != number_) continue;
      const LinkState state = receiver_.state();
      if (state.total != 0) result_.new_size = state.total;
      ShowProgress(state);
      return state;
    }
    return {};
  }

  void ShowProgress(const LinkState& state) const {
    if (!options_.progress || delta_.empty()) return;
    const double sent = static_cast<double>(state.offset) / static_cast<double>(delta_.size());
    const double written =
        state.total == 0 ? 0
                         : static_cast<double>(state.written) / static_cast<double>(state.total);
    if (state.status == Status::kDone) return options_.progress(1);
    options_.progress(std::min(sent, std::max(sent / 2, written)));
  }

  SerialChannel& channel_;
  std::span<const uint8_t> delta_;
  const PushOptions& options_;
  uint32_t identity_;
  PushResult result_{};
  Receiver receiver_;
  uint8_t number_ = 0;
  uint8_t input_[512];
  size_t next_ = 0, end_ = 0;
};

}  // namespace

PushResult Push(SerialChannel& channel, std::span<const uint8_t> delta,
                const PushOptions& options) {
  if (delta.empty()) throw Error(Status::kNeedInput, "the delta is empty");
  return Pusher(channel, delta, options).Run();
}

void ShowConsole(SerialChannel& channel, milliseconds time,
                 const std::function<void(std::string_view)>& console) {
  Receiver receiver(console);
  uint8_t input[512];
  const auto until = channel.Now() + time;
  while (channel.Now() < until) {
    const auto left = std::chrono::ceil<milliseconds>(until - channel.Now());
    const size_t size = channel.Read(input, left);
    for (size_t i = 0; i < size; ++i) receiver.Put(input[i]);
  }
}

}  // namespace mote::tools
