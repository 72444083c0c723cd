// SPDX-License-Identifier: Apache-2.0
#include "tools/serial_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "diff/error.h"

namespace mote::tools {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kReopenPause{100};

class File {
 public:
  File() = default;
  explicit File(int number) : number_(number) {}
  File(File&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~File() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

[[noreturn]] void Fail(const std::string& what) { throw Error(Status::kFileError, what); }

std::string Reason() { return strerror(errno); }

std::optional<speed_t> SpeedOf(unsigned baud) {
  constexpr std::pair<unsigned, speed_t> kSpeeds[] = {
      {1200, B1200},     {2400, B2400},     {4800, B4800},     {9600, B9600},
      {19200, B19200},   {38400, B38400},   {57600, B57600},   {115200, B115200},
      {230400, B230400}, {460800, B460800}, {921600, B921600}, {1000000, B1000000}};
  for (const auto& [rate, speed] : kSpeeds) {
    if (rate == baud) return speed;
  }
  return {};
}

File OpenTerminal(const std::string& path, unsigned baud) {
  File file(open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) Fail("cannot be opened (" + Reason() + "): check its name and permissions");
  termios setting;
  if (tcgetattr(file.number(), &setting) != 0) {
    Fail("is neither a serial port nor a socket");
  }
  cfmakeraw(&setting);
  setting.c_cflag |= CLOCAL | CREAD;
  setting.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | CSTOPB);
  setting.c_iflag &= ~static_cast<tcflag_t>(IXOFF);
  setting.c_cc[VMIN] = 0;
  setting.c_cc[VTIME] = 0;
  const speed_t speed = *SpeedOf(baud);
  if (cfsetspeed(&setting, speed) != 0 || tcsetattr(file.number(), TCSANOW, &setting) != 0) {
    Fail(fmt::format("cannot be set to {} baud: {}", baud, Reason()));
  }
  return file;
}

File OpenUnixSocket(const std::string& path) {
  // The address of a socket has 107 bytes for its path. Through its directory, any path will do.
  const size_t name = path.rfind('/') + 1;  // 0 where there is none
  const std::string folder = name == 0 ? "." : path.substr(0, name);
  const File directory(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string through =
      fmt::format("/proc/self/fd/{}/{}", directory.number(), path.substr(name));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& used = path.size() < sizeof address.sun_path ? path : through;
  if (used.size() >= sizeof address.sun_path) Fail("the name of a socket may not be that long");
  std::copy(used.begin(), used.end(), address.sun_path);
  File file(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!file.is_open() ||
      connect(file.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Fail("cannot be connected to (" + Reason() + "): is somebody listening?");
  }
  return file;
}

File OpenTcp(const std::string& host, const std::string& service) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (const int error = getaddrinfo(host.c_str(), service.c_str(), &hints, &found); error != 0) {
    Fail(std::string("cannot find the host: ") + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, &freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    File file(socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (file.is_open() && connect(file.number(), at->ai_addr, at->ai_addrlen) == 0) return file;
  }
  Fail("cannot be connected to (" + Reason() + "): is somebody listening?");
}

File OpenPort(const std::string& port, unsigned baud) {
  struct stat status;
  if (stat(port.c_str(), &status) == 0) {
    return S_ISSOCK(status.st_mode) ? OpenUnixSocket(port) : OpenTerminal(port, baud);
  }
  const int stat_error = errno;
  const size_t colon = port.rfind(':');
  if (colon != std::string::npos && colon != 0 && port.find('/') == std::string::npos) {
    return OpenTcp(port.substr(0, colon), port.substr(colon + 1));
  }
  errno = stat_error;
  Fail("cannot be opened (" + Reason() + "): check its name and permissions");
}

class PosixChannel : public SerialChannel {
 public:
  PosixChannel(std::string port, unsigned baud)
      : port_(std::move(port)), baud_(baud), file_(OpenPort(port_, baud_)) {}

  void Write(std::span<const uint8_t> data) override {
    while (!data.empty() && Reopen()) {
      const ssize_t written = IsSocket()
                                  ? send(file_.number(), data.data(), data.size(), MSG_NOSIGNAL)
                                  : write(file_.number(), data.data(), data.size());
      if (written > 0) {
        data = data.subspan(static_cast<size_t>(written));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        pollfd wait{file_.number(), POLLOUT, 0};
        if (poll(&wait, 1, 1000) <= 0) return;  // a line that takes nothing
      } else if (errno != EINTR) {
        file_ = File();
      }
    }
  }

  size_t Read(std::span<uint8_t> to, milliseconds timeout) override {
    if (!Reopen()) {
      std::this_thread::sleep_for(std::min(timeout, kReopenPause));
      return 0;
    }
    pollfd wait{file_.number(), POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(timeout.count())) <= 0) return 0;
    const ssize_t size = read(file_.number(), to.data(), to.size());
    if (size > 0) return static_cast<size_t>(size);
    if (size == 0 || (errno != EAGAIN && errno != EINTR)) file_ = File();
    return 0;
  }

 private:
  /// Whether the line is open, now or again.
  bool Reopen() {
    if (file_.is_open()) return true;
    if (Clock::now() < next_open_) return false;
    next_open_ = Clock::now() + kReopenPause;
    try {
      file_ = OpenPort(port_, baud_);
    } catch (const Error&) {  // not yet
    }
    return file_.is_open();
  }

  bool IsSocket() const {
    struct stat status;
    return fstat(file_.number(), &status) == 0 && S_ISSOCK(status.st_mode);
  }

  std::string port_;
  unsigned baud_;
  File file_;
  Clock::time_point next_open_{};
};

}  // namespace

std::unique_ptr<SerialChannel> OpenSerialChannel(const std::string& port, unsigned baud) {
  if (!SpeedOf(baud))
    throw Error(Status::kBadArgument,
                fmt::format("{} baud is no speed of a serial port: try 115200", baud));
  return std::make_unique<PosixChannel>(port, baud);
}

}  // namespace mote::tools
