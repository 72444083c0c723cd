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
using Bytes = std::vector<uint8_t>;

constexpr uint32_t kMaxData = 1024;  // whatever the device says
constexpr uint32_t kMaxRestarts = 100;

/// What arrives: answers in frames, and lines of text between them.
class Receiver {
 public:
  explicit Receiver(const std::function<void(std::string_view)>& console) : console_(console) {
    reader_.Init(buffer_, sizeof buffer_);
  }

  /// Takes a byte; returns whether an answer is complete.
  bool Put(uint8_t byte) {
    switch (reader_.Put(byte)) {
      case FrameReader::Event::kText:
        PutText(static_cast<char>(byte));
        return false;
      case FrameReader::Event::kFrame:
        return Is(Message::kState) ? reader_.size() == kStateSize
                                   : Is(Message::kTokenIs) && reader_.size() >= kTokenMessageHeader;
      default:
        return false;
    }
  }

  bool Is(Message message) const { return reader_.body()[0] == static_cast<uint8_t>(message); }
  uint8_t number() const { return reader_.body()[1]; }
  Status token_status() const { return static_cast<Status>(reader_.body()[kMessageHeader]); }
  /// Empty where there is none.
  std::span<const uint8_t> token() const {
    return {reader_.body() + kTokenMessageHeader, reader_.body() + reader_.size()};
  }
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
  uint8_t buffer_[kTokenMessageHeader + kLinkTokenSize + kFrameCrcSize];
  std::string line_;
};

Bytes Framed(std::span<const uint8_t> body) {
  Bytes frame;
  WriteFrame({[](void* to, uint8_t byte) { static_cast<Bytes*>(to)->push_back(byte); }, &frame},
             body.data(), static_cast<uint32_t>(body.size()));
  return frame;
}

[[noreturn]] void ThrowSilent(const PushOptions& options, const char* why) {
  throw Error(
      Status::kFileError,
      fmt::format("no answer from the device for {} s{}",
                  std::chrono::duration_cast<std::chrono::seconds>(options.give_up).count(), why));
}

/// Answers, as they arrive on a line.
class Answers {
 public:
  Answers(SerialChannel& channel, const PushOptions& options)
      : channel_(channel), receiver_(options.console) {}

  /// The next one, in receiver(), until the next call; false: none came until then.
  bool Next(SerialChannel::Clock::time_point until) {
    while (true) {
      while (next_ != end_) {
        if (receiver_.Put(input_[next_++])) return true;
      }
      const auto left = std::chrono::ceil<milliseconds>(until - channel_.Now());
      if (left.count() <= 0) return false;
      next_ = 0;
      end_ = channel_.Read(input_, left);
      if (end_ == 0) return false;
    }
  }
  const Receiver& receiver() const { return receiver_; }

 private:
  SerialChannel& channel_;
  Receiver receiver_;
  uint8_t input_[512];
  size_t next_ = 0, end_ = 0;
};

class Pusher {
 public:
  Pusher(SerialChannel& channel, std::span<const uint8_t> delta, const PushOptions& options)
      : channel_(channel), delta_(delta), options_(options), answers_(channel, options_) {
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
      case Status::kBadSignature:
        return "the vendor's or the server's signature does not hold";
      case Status::kWrongDevice:
        return "it is for another device, application or hardware";
      case Status::kStale:
        return "it answers another token than the device's latest: mote token, then mote offer";
      case Status::kDowngrade:
        return "it is not newer than what runs, or below the security counter";
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
    Bytes body(kDataHeader + size);
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
    const Bytes frame = Framed(body);
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
        if ((state->flags & LinkState::kSilent) != 0) last_sign += options_.silence;
        until = std::max(last_sign, channel_.Now() + options_.repeat);
      }
      if (channel_.Now() - last_sign >= options_.give_up) {
        ThrowSilent(options_, "");
      }
    }
  }

  /// A state that answers the current request, if one has arrived.
  std::optional<LinkState> Receive(SerialChannel::Clock::time_point until) {
    while (answers_.Next(until)) {
      const Receiver& receiver = answers_.receiver();
      if (!receiver.Is(Message::kState) || receiver.number() != number_) continue;
      const LinkState state = receiver.state();
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
  Answers answers_;
  uint8_t number_ = 0;
};

}  // namespace

PushResult Push(SerialChannel& channel, std::span<const uint8_t> delta,
                const PushOptions& options) {
  if (delta.empty()) throw Error(Status::kNeedInput, "the delta is empty");
  return Pusher(channel, delta, options).Run();
}

std::vector<uint8_t> AskToken(SerialChannel& channel, const PushOptions& options) {
  Answers answers(channel, options);
  const auto give_up = channel.Now() + options.give_up;
  // Each request makes a new token, and the one before worthless. So repetitions have numbers of
  // their own, and only the answer to the last one counts.
  for (uint8_t number = 1; channel.Now() < give_up; ++number) {
    channel.Write(Framed(Bytes{static_cast<uint8_t>(Message::kToken), number}));
    const auto until = channel.Now() + options.repeat;
    while (answers.Next(until)) {
      const Receiver& receiver = answers.receiver();
      if (!receiver.Is(Message::kTokenIs) || receiver.number() != number) continue;
      if (receiver.token_status() != Status::kDone) {
        throw Error(receiver.token_status(), fmt::format("the device has no token: {}",
                                                         StatusName(receiver.token_status())));
      }
      if (receiver.token().size() == kLinkTokenSize)
        return {receiver.token().begin(), receiver.token().end()};
    }
  }
  ThrowSilent(options, ": is it there, and does it take signed offers?");
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
