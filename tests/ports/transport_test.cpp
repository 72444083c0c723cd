// SPDX-License-Identifier: Apache-2.0
// The serial transport: the device's end, as it is compiled for the device, against the host's,
// over lines that lose, repeat, corrupt and reorder bytes, and devices that lose power. Time is
// simulated; a failure names the seed of its line.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "diff/error.h"
#include "ports/transport/device_link.h"
#include "ports/transport/frame.h"
#include "ports/transport/messages.h"
#include "tools/serial_push.h"

namespace mote::tools {
namespace {

using Bytes = std::vector<uint8_t>;
using std::chrono::milliseconds;

Bytes Random(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

void Append(void* to, uint8_t byte) { static_cast<Bytes*>(to)->push_back(byte); }

Bytes Framed(const Bytes& body) {
  Bytes frame;
  WriteFrame({&Append, &frame}, body.data(), static_cast<uint32_t>(body.size()));
  return frame;
}

uint32_t Crc(const Bytes& data) {
  return static_cast<uint32_t>(crc32(0, data.data(), static_cast<uInt>(data.size())));
}

// ---- Frames

TEST(Frame, CrcIsThatOfZlib) {
  for (const unsigned size : {1u, 2u, 5u, 100u, 1000u}) {
    const Bytes data = Random(size, size);
    EXPECT_EQ(~UpdateCrc32(kCrc32Start, data.data(), size), Crc(data));
  }
}

// Worked bytes of ports/TRANSPORT.md.
TEST(Frame, RestartRequestIsThatOfTheDocument) {
  EXPECT_EQ(Framed({0x03, 0x07}), (Bytes{0x02, 0x10, 0x43, 0x07, 0x9F, 0xD4, 0x90, 0xF4, 0x03}));
}

TEST(Frame, AnyBytesArriveBetweenText) {
  Bytes body(256);
  for (unsigned i = 0; i < 256; ++i) body[i] = static_cast<uint8_t>(i);
  const Bytes frame = Framed(body);
  for (const uint8_t special : {0x0A, 0x0D, 0x11, 0x13}) {
    EXPECT_EQ(std::count(frame.begin(), frame.end(), special), 0) << +special;
  }
  EXPECT_EQ(std::count(frame.begin(), frame.end(), kFrameStart), 1);
  EXPECT_EQ(std::count(frame.begin(), frame.end(), kFrameEnd), 1);

  Bytes buffer(256 + kFrameCrcSize);
  FrameReader reader;
  reader.Init(buffer.data(), static_cast<uint32_t>(buffer.size()));
  std::string text;
  unsigned frames = 0;
  Bytes line = {'a', 'b'};
  for (int i = 0; i < 2; ++i) {
    line.insert(line.end(), frame.begin(), frame.end());
    line.push_back('c');
  }
  for (const uint8_t byte : line) {
    const FrameReader::Event event = reader.Put(byte);
    if (event == FrameReader::Event::kText) text += static_cast<char>(byte);
    if (event != FrameReader::Event::kFrame) continue;
    ++frames;
    EXPECT_EQ(Bytes(reader.body(), reader.body() + reader.size()), body);
  }
  EXPECT_EQ(frames, 2u);
  EXPECT_EQ(text, "abcc");
}

TEST(Frame, EveryDamagedByteIsFound) {
  const Bytes frame = Framed(Random(40, 1));
  for (size_t at = 0; at < frame.size(); ++at) {
    for (unsigned change = 1; change < 256; ++change) {
      Bytes damaged = frame;
      damaged[at] = static_cast<uint8_t>(damaged[at] ^ change);
      Bytes buffer(100);
      FrameReader reader;
      reader.Init(buffer.data(), 100);
      for (const uint8_t byte : damaged) {
        ASSERT_NE(reader.Put(byte), FrameReader::Event::kFrame) << at << " ^ " << change;
      }
    }
  }
}

TEST(Frame, TooLongIsDroppedAndNothingIsOverrun) {
  const Bytes frame = Framed(Bytes(1000, 'x')), fits = Framed(Bytes(28, 'y'));
  Bytes buffer(33, 0xEE);
  FrameReader reader;
  reader.Init(buffer.data(), 32);
  for (const uint8_t byte : frame) EXPECT_NE(reader.Put(byte), FrameReader::Event::kFrame);
  unsigned frames = 0;
  for (const uint8_t byte : fits) frames += reader.Put(byte) == FrameReader::Event::kFrame;
  EXPECT_EQ(frames, 1u);
  EXPECT_EQ(buffer.back(), 0xEE);
}

// ---- A device

/// Takes a delta as an update would: checks that every byte comes once and in order.
class Device {
 public:
  /// `offers`: it has tokens, and says itself which byte it wants.
  explicit Device(Bytes delta, bool offers = false) : delta_(std::move(delta)), offers_(offers) {
    PowerOn();
  }

  /// What is in RAM is lost. `keeps`: but not what was received.
  void PowerOn() {
    out_.clear();
    Reset();
  }
  void Reset() {
    if (!keeps_) received_.clear();
    DeviceLinkConfig config{{&Append, &out_}, &Open, &Write, &Finish, &Restart, this};
    if (offers_) {
      config.token = &Token;
      config.wanted = &Wanted;
    }
    link_.Init(config);
  }

  void Put(uint8_t byte) {
    if (!link_.Put(byte)) console_ += static_cast<char>(byte);
  }

  Bytes delta_;
  bool offers_;
  Bytes out_;
  Bytes received_;
  Bytes image_;  // what was there when the update was finished
  std::string console_;
  bool keeps_ = false;
  bool installed_ = false;
  bool says_busy_ = false;
  bool says_silent_ = false;
  /// When the first so many bytes are there, those up to `kept_` are, too: from an earlier offer.
  size_t manifest_ = 0, kept_ = 0;
  Bytes token_;  // the last one
  Status token_status_ = Status::kDone;
  unsigned opened_ = 0, finished_ = 0, restarted_ = 0, tokens_ = 0;
  Status write_status_ = Status::kNeedInput, finish_status_ = Status::kDone;

 private:
  static Status Open(void* context, uint32_t identity, uint32_t size, uint32_t& offset) {
    Device& self = *static_cast<Device*>(context);
    ++self.opened_;
    EXPECT_EQ(offset, 0u);
    if (identity != Crc(self.delta_) || size != self.delta_.size()) return Status::kCorrupt;
    if (self.installed_) return Status::kDone;
    if (!self.keeps_) self.received_.clear();
    offset = static_cast<uint32_t>(self.received_.size());
    return Status::kNeedInput;
  }
  static Status Write(void* context, const uint8_t* data, uint32_t size) {
    Device& self = *static_cast<Device*>(context);
    EXPECT_GE(size, 1u);
    if (self.says_silent_) self.link_.Silent();
    self.received_.insert(self.received_.end(), data, data + size);
    if (self.received_.size() >= self.manifest_ && self.received_.size() < self.kept_) {
      self.received_.assign(self.delta_.begin(),
                            self.delta_.begin() + static_cast<ptrdiff_t>(self.kept_));
    }
    if (self.says_busy_) self.link_.Busy(static_cast<uint32_t>(self.received_.size()), 12345);
    return self.write_status_;
  }
  static Status Finish(void* context) {
    Device& self = *static_cast<Device*>(context);
    ++self.finished_;
    self.image_ = self.received_;
    return self.finish_status_;
  }
  static uint32_t Wanted(void* context) {
    return static_cast<uint32_t>(static_cast<Device*>(context)->received_.size());
  }
  static Status Token(void* context, uint8_t* token) {
    Device& self = *static_cast<Device*>(context);
    self.token_ = Random(kLinkTokenSize, ++self.tokens_);
    std::copy(self.token_.begin(), self.token_.end(), token);
    return self.token_status_;
  }
  static void Restart(void* context) {
    Device& self = *static_cast<Device*>(context);
    ++self.restarted_;
    self.installed_ = true;
    self.Reset();
  }

  DeviceLink link_;
};

struct Faults {
  double lose = 0, repeat = 0, corrupt = 0, swap = 0;  // of a byte, each way
  double vanish = 0;                                   // of what is written at once, all of it
  double power_cut = 0;                                // before a byte arrives at the device
};

/// A line to the device whose faults come from a seed. An answer takes a millisecond; time passes
/// only while nothing arrives.
class Line : public SerialChannel {
 public:
  Line(Device& device, const Faults& faults, unsigned seed)
      : device_(device), faults_(faults), random_(seed) {}

  void Write(std::span<const uint8_t> data) override {
    written_ += data.size();
    for (const uint8_t byte : Spoil(Bytes(data.begin(), data.end()))) {
      if (Chance(faults_.power_cut)) {
        device_.PowerOn();
        ++power_cuts_;
      }
      device_.Put(byte);
      if (device_.says_silent_ && !device_.out_.empty()) Hold();
      arriving_.insert(arriving_.end(), device_.out_.begin(), device_.out_.end());
      device_.out_.clear();
    }
    Bytes spoilt = Spoil(Bytes(arriving_.begin(), arriving_.end()));
    arriving_.assign(spoilt.begin(), spoilt.end());
  }

  size_t Read(std::span<uint8_t> to, milliseconds timeout) override {
    if (arriving_.empty() && !late_.empty() && due_ <= now_ + timeout) {
      now_ = std::max(now_, due_);
      arriving_.swap(late_);
    }
    if (arriving_.empty()) {
      now_ += timeout;
      return 0;
    }
    now_ += milliseconds(1);
    const size_t size = std::min({to.size(), arriving_.size(), size_t{1} + random_() % 40});
    std::copy_n(arriving_.begin(), size, to.begin());
    arriving_.erase(arriving_.begin(), arriving_.begin() + static_cast<ptrdiff_t>(size));
    return size;
  }

  Clock::time_point Now() const override { return now_; }

  size_t written_ = 0;
  unsigned power_cuts_ = 0;

 private:
  /// What the device says behind its first frame comes seconds later.
  void Hold() {
    const auto first = std::find(device_.out_.begin(), device_.out_.end(), kFrameEnd);
    if (first == device_.out_.end()) return;
    late_.insert(late_.end(), first + 1, device_.out_.end());
    device_.out_.erase(first + 1, device_.out_.end());
    due_ = now_ + milliseconds(11000);
  }

  bool Chance(double share) { return share > 0 && std::bernoulli_distribution(share)(random_); }

  Bytes Spoil(const Bytes& data) {
    Bytes spoilt;
    if (Chance(faults_.vanish)) return spoilt;
    for (uint8_t byte : data) {
      if (Chance(faults_.lose)) continue;
      if (Chance(faults_.corrupt)) byte = static_cast<uint8_t>(byte ^ 1u << random_() % 8);
      spoilt.push_back(byte);
      if (Chance(faults_.repeat)) spoilt.push_back(byte);
    }
    for (size_t i = 1; i < spoilt.size(); ++i) {
      if (Chance(faults_.swap)) std::swap(spoilt[i - 1], spoilt[i]);
    }
    return spoilt;
  }

  Device& device_;
  Faults faults_;
  std::mt19937 random_;
  std::deque<uint8_t> arriving_, late_;
  Clock::time_point due_{};
  Clock::time_point now_{};
};

PushOptions Patient() {
  PushOptions options;
  options.give_up = std::chrono::seconds(600);
  return options;
}

Status StatusOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_FALSE(std::string(error.what()).empty());
    return error.status();
  }
  return Status::kDone;
}

TEST(Push, PerfectLineTakesOneRequestForEachPiece) {
  for (const unsigned size : {1u, 127u, 128u, 129u, 1000u}) {
    Device device(Random(size, size));
    Line line(device, {}, 0);
    const PushResult result = Push(line, device.delta_, {});
    EXPECT_EQ(device.image_, device.delta_);
    EXPECT_EQ(device.finished_, 1u);
    EXPECT_EQ(device.restarted_, 1u);
    EXPECT_EQ(result.repeated, 0u);
    EXPECT_EQ(result.started_at, 0u);
    EXPECT_EQ(result.requests, 2 + (size + kMaxLinkData - 1) / kMaxLinkData);
    EXPECT_EQ(result.bytes_sent, line.written_);
  }
}

struct Case {
  const char* name;
  Faults faults;
};

void PrintTo(const Case& test, std::ostream* to) { *to << test.name; }

class BadLines : public ::testing::TestWithParam<Case> {};

TEST_P(BadLines, DeliverEveryByteOnceAndInOrder) {
  unsigned repeated = 0, power_cuts = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const size_t size = 1 + seed * 13;
    Device device(Random(size, seed), seed % 5 < 2);
    device.keeps_ = seed % 2 != 0;
    if (seed % 5 == 1) {
      device.manifest_ = size / 4;
      device.kept_ = size / 2;
    }
    device.says_busy_ = seed % 3 == 0;
    Line line(device, GetParam().faults, seed);
    const PushResult result = Push(line, device.delta_, Patient());
    EXPECT_TRUE(device.image_ == device.delta_);
    if (line.power_cuts_ == 0) {
      EXPECT_EQ(device.finished_, 1u);
    }
    repeated += result.repeated;
    power_cuts += line.power_cuts_;
  }
  EXPECT_GT(repeated, 0u) << "the line had no faults";
  EXPECT_EQ(power_cuts > 0, GetParam().faults.power_cut > 0);
}

INSTANTIATE_TEST_SUITE_P(
    Push, BadLines,
    ::testing::Values(Case{"Lost", {.lose = 0.004}}, Case{"Repeated", {.repeat = 0.004}},
                      Case{"Corrupted", {.corrupt = 0.004}}, Case{"Reordered", {.swap = 0.004}},
                      Case{"Vanished", {.vanish = 0.3}}, Case{"PowerCuts", {.power_cut = 0.0005}},
                      Case{"Everything",
                           {.lose = 0.001,
                            .repeat = 0.001,
                            .corrupt = 0.001,
                            .swap = 0.001,
                            .vanish = 0.05,
                            .power_cut = 0.0002}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Push, GoesOnWhereAnEarlierOneStopped) {
  Device device(Random(1000, 5));
  device.keeps_ = true;
  device.received_.assign(device.delta_.begin(), device.delta_.begin() + 700);
  Line line(device, {}, 0);
  const PushResult result = Push(line, device.delta_, {});
  EXPECT_EQ(result.started_at, 700u);
  EXPECT_EQ(device.image_, device.delta_);
  EXPECT_LT(line.written_, 500u);
}

TEST(Push, OfferGoesOnInItsPayload) {
  for (const size_t kept : {328, 329, 400, 999, 1000}) {
    SCOPED_TRACE(kept);
    Device device(Random(1000, 15), true);
    device.manifest_ = 328;
    device.kept_ = kept;
    Line line(device, {}, 0);
    const PushResult result = Push(line, device.delta_, {});
    EXPECT_EQ(device.image_, device.delta_);
    EXPECT_EQ(device.finished_, 1u);
    EXPECT_EQ(result.started_at, 0u);
    // Open, the manifest, the rest, restart.
    EXPECT_EQ(result.requests,
              2 + 3 + (1000 - std::max<size_t>(kept, 384) + kMaxLinkData - 1) / kMaxLinkData);
  }
}

TEST(Push, WaitsWhileTheDeviceIsSilent) {
  Device device(Random(300, 16), true);
  device.says_silent_ = true;
  Line line(device, {}, 0);
  EXPECT_EQ(Push(line, device.delta_, {}).repeated, 0u);
  EXPECT_EQ(device.image_, device.delta_);
}

TEST(Token, Arrives) {
  Device device(Random(10, 17), true);
  Line line(device, {}, 0);
  const Bytes first = AskToken(line, {});
  EXPECT_EQ(first, device.token_);
  EXPECT_EQ(AskToken(line, {}), device.token_);
  EXPECT_NE(first, device.token_);
  EXPECT_EQ(device.tokens_, 2u);
}

// Every token that the device makes ends the one before: the host has to have the last one.
TEST(Token, IsTheLastOneOnBadLines) {
  unsigned tokens = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Device device(Random(10, 18), true);
    Line line(device, {.lose = 0.004, .repeat = 0.002, .corrupt = 0.002, .vanish = 0.3}, seed);
    EXPECT_EQ(AskToken(line, Patient()), device.token_);
    tokens += device.tokens_;
  }
  EXPECT_GT(tokens, 220u) << "the line had no faults";
}

TEST(Token, EndsTheUpdateThatIsOpen) {
  Device device(Random(300, 19), true);
  device.finish_status_ = Status::kNeedInput;
  Line line(device, {}, 0);
  EXPECT_EQ(StatusOf([&] { Push(line, device.delta_, {}); }), Status::kNeedInput);
  AskToken(line, {});
  device.finish_status_ = Status::kDone;
  Push(line, device.delta_, {});
  EXPECT_EQ(device.opened_, 2u);
}

TEST(Token, ThereIsNone) {
  Device device(Random(10, 20), true);
  device.token_status_ = Status::kReadError;
  Line line(device, {}, 0);
  EXPECT_EQ(StatusOf([&] { AskToken(line, {}); }), Status::kReadError);
  Device without(Random(10, 20));
  Line silent(without, {}, 0);
  EXPECT_EQ(StatusOf([&] { AskToken(silent, {}); }), Status::kFileError);
}

TEST(Push, FindsTheUpdateInstalledAndLeavesTheDeviceAlone) {
  Device device(Random(100, 6));
  device.installed_ = true;
  Line line(device, {}, 0);
  EXPECT_TRUE(Push(line, device.delta_, {}).installed_before);
  EXPECT_EQ(device.finished_, 0u);
  EXPECT_EQ(device.restarted_, 0u);
}

TEST(Push, StatusOfTheDeviceArrives) {
  for (const Status status :
       {Status::kCorrupt, Status::kWrongBase, Status::kDoesNotFit, Status::kUnsupported,
        Status::kFlashError, Status::kReadError, Status::kBadSignature, Status::kWrongDevice,
        Status::kStale, Status::kDowngrade}) {
    Device device(Random(300, 7));
    device.write_status_ = status;
    Line line(device, {}, 0);
    EXPECT_EQ(StatusOf([&] { Push(line, device.delta_, {}); }), status);
    EXPECT_EQ(device.received_.size(), kMaxLinkData);  // nothing was sent after it
    EXPECT_EQ(device.restarted_, 0u);
    device.write_status_ = Status::kNeedInput;  // another try
    EXPECT_EQ(StatusOf([&] { Push(line, device.delta_, {}); }), Status::kDone);
  }
}

TEST(Push, DeltaThatIsCutShort) {
  Device device(Random(300, 8));
  device.finish_status_ = Status::kNeedInput;
  Line line(device, {}, 0);
  EXPECT_EQ(StatusOf([&] { Push(line, device.delta_, {}); }), Status::kNeedInput);
  EXPECT_EQ(StatusOf([&] { Push(line, {}, {}); }), Status::kNeedInput);
}

TEST(Push, GivesUpOnASilentLine) {
  Device device(Random(300, 9));
  Line line(device, {.vanish = 1}, 0);
  PushOptions options;
  options.give_up = std::chrono::seconds(3);
  const auto start = line.Now();
  EXPECT_EQ(StatusOf([&] { Push(line, device.delta_, options); }), Status::kFileError);
  EXPECT_GE(line.Now() - start, options.give_up);
  EXPECT_LE(line.Now() - start, options.give_up + options.repeat);
}

TEST(Push, TextOfTheDeviceIsNotLost) {
  Device device(Random(10, 10));
  const std::string text = "hello\r\nworld\n";
  device.out_.assign(text.begin(), text.end());
  Line line(device, {}, 0);
  std::string lines;
  PushOptions options;
  options.console = [&lines](std::string_view one) { lines += std::string(one) + ";"; };
  double last = 0;
  options.progress = [&last](double share) {
    EXPECT_GE(share, last);
    EXPECT_LE(share, 1);
    last = share;
  };
  Push(line, device.delta_, options);
  EXPECT_EQ(lines, "hello;world;");
  EXPECT_EQ(last, 1);
}

// ---- Real lines

/// A device behind a file descriptor, until it is closed.
class DeviceThread {
 public:
  DeviceThread(Device& device, std::function<int()> accept)
      : thread_([this, &device, accept = std::move(accept)] { Run(device, accept); }) {}
  ~DeviceThread() {
    stop_ = true;
    thread_.join();
  }

 private:
  void Run(Device& device, const std::function<int()>& accept) {
    int file = -1;
    while (!stop_) {
      if (file < 0) file = accept();
      pollfd wait{file, POLLIN, 0};
      if (file < 0 || poll(&wait, 1, 10) <= 0) continue;
      uint8_t input[64];
      const ssize_t size = read(file, input, sizeof input);
      if (size <= 0) {
        if (wait.revents & POLLHUP) usleep(1000);
        continue;
      }
      for (ssize_t i = 0; i < size; ++i) device.Put(input[i]);
      for (const uint8_t byte : device.out_) {
        if (write(file, &byte, 1) != 1) break;
      }
      device.out_.clear();
    }
    if (file >= 0) close(file);
  }

  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

void PushThrough(const std::string& port, const std::function<int()>& accept) {
  Device device(Random(5000, 13));
  PushResult result;
  {
    DeviceThread thread(device, accept);
    const auto channel = OpenSerialChannel(port, 115200);
    result = Push(*channel, device.delta_, {});
  }
  EXPECT_EQ(device.image_, device.delta_);
  EXPECT_EQ(device.restarted_, 1u);
}

TEST(Channel, SerialPort) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  ASSERT_TRUE(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
  const std::string name = ptsname(terminal);
  PushThrough(name, [terminal] { return terminal; });
}

/// Binds and listens without blocking; returns the listener.
template <typename Address>
int Listen(Address& address, int family) {
  const int listener = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return listener;
}

// The second path is longer than the address of a socket.
TEST(Channel, UnixSocket) {
  for (const size_t length : {1, 150}) {
    const std::string folder =
        ::testing::TempDir() + fmt::format("mote-{}-{}", getpid(), std::string(length, 'x'));
    ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
    const int directory = open(folder.c_str(), O_PATH);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}/serial", directory);
    std::copy(path.begin(), path.end(), address.sun_path);
    const int listener = Listen(address, AF_UNIX);
    PushThrough(folder + "/serial", [listener] { return accept(listener, nullptr, nullptr); });
    close(listener);
    close(directory);
    unlink((folder + "/serial").c_str());
    rmdir(folder.c_str());
  }
}

TEST(Channel, Tcp) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int listener = Listen(address, AF_INET);
  PushThrough(fmt::format("127.0.0.1:{}", ntohs(address.sin_port)),
              [listener] { return accept(listener, nullptr, nullptr); });
  close(listener);
}

TEST(Channel, WhatCannotBeOpened) {
  const auto status = [](const std::string& port, unsigned baud) {
    return StatusOf([&] { OpenSerialChannel(port, baud); });
  };
  EXPECT_EQ(status("/nowhere/at/all", 115200), Status::kFileError);
  EXPECT_EQ(status("/dev/null", 115200), Status::kFileError);
  EXPECT_EQ(status("127.0.0.1:1", 115200), Status::kFileError);
  EXPECT_EQ(status("127.0.0.1:nothing", 115200), Status::kFileError);
  EXPECT_EQ(status("/dev/null", 12345), Status::kBadArgument);
}

// ---- The device against a host that does what it likes

TEST(DeviceLink, HostileFramesDoNoHarm) {
  std::mt19937 random(11);
  for (unsigned round = 0; round < 2000; ++round) {
    Device device(Random(200, round));
    Bytes open(kOpenSize);
    open[0] = static_cast<uint8_t>(Message::kOpen);
    open[2] = kTransportVersion;
    PutNumber(open.data() + 3, Crc(device.delta_));
    PutNumber(open.data() + 7, 200);
    if (round % 2 == 0) {
      for (const uint8_t byte : Framed(open)) device.Put(byte);
    }
    for (unsigned i = 0; i < 20; ++i) {
      Bytes body = Random(1 + random() % 40, random());
      constexpr uint8_t kKinds[] = {1, 2, 2, 2, 3, 0x81, 0};
      body[0] = kKinds[random() % 7];
      if (body[0] == 2 && body.size() > kDataHeader) {
        const uint32_t offset = random() % 4 != 0 ? random() % 220 : random();
        PutNumber(body.data() + 2, offset);
        for (size_t at = kDataHeader; at < body.size(); ++at) {
          const size_t place = size_t{offset} + at - kDataHeader;
          if (place < 200) body[at] = device.delta_[place];
        }
      }
      for (const uint8_t byte : Framed(body)) device.Put(byte);
    }
    ASSERT_LE(device.received_.size(), 200u);
    ASSERT_TRUE(
        std::equal(device.received_.begin(), device.received_.end(), device.delta_.begin()));
    ASSERT_TRUE(device.restarted_ == 0 || device.finished_ > 0);
  }
}

// A device that kept all of the delta, but was cut before it could finish.
TEST(DeviceLink, NothingLeftToBeSent) {
  Device device(Random(50, 3));
  device.keeps_ = true;
  device.received_ = device.delta_;
  Bytes open(kOpenSize);
  open[0] = static_cast<uint8_t>(Message::kOpen);
  open[2] = kTransportVersion;
  PutNumber(open.data() + 3, Crc(device.delta_));
  PutNumber(open.data() + 7, 50);
  for (const uint8_t byte : Framed(open)) device.Put(byte);
  EXPECT_EQ(device.finished_, 1u);
  EXPECT_EQ(device.image_, device.delta_);
}

TEST(DeviceLink, ConsoleGetsWhatIsNoFrame) {
  Device device(Random(10, 12));
  const std::string typed = "print(1)\n";
  for (const char c : typed) device.Put(static_cast<uint8_t>(c));
  for (const uint8_t byte : Framed({0x03, 0x01})) device.Put(byte);
  for (const char c : typed) device.Put(static_cast<uint8_t>(c));
  EXPECT_EQ(device.console_, typed + typed);
  EXPECT_EQ(device.restarted_, 0u);  // nothing was opened
}

}  // namespace
}  // namespace mote::tools
