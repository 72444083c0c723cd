// SPDX-License-Identifier: Apache-2.0
// Output through a temporary file, on POSIX.
#include "tools/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "diff/error.h"

namespace mote::tools {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr int kExitOfSignal = 128;  // the shells' convention: 128 + the signal's number
constexpr int kMaxNameAttempts = 1000;
constexpr size_t kLargestWrite = 1 << 30;  // Linux writes at most 2 GiB at once

// What the signal handler removes. Written only while the signals are blocked.
char temporary_to_remove[PATH_MAX];

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int signal : kSignals) sigaddset(&blocked, signal);
    sigprocmask(SIG_BLOCK, &blocked, &before_);
  }
  ~SignalsBlocked() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

extern "C" void CleanUpAndExit(int signal) {
  if (temporary_to_remove[0] != '\0') unlink(temporary_to_remove);
  // A progress bar may stand on the line.
  if (isatty(STDERR_FILENO)) {
    [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, "\n", 1);
  }
  _exit(kExitOfSignal + signal);
}

[[noreturn]] void Fail(const std::string& name, std::string_view what, int error,
                       std::string_view advice) {
  throw Error(Status::kFileError,
              fmt::format("{}: {} ({}): {}", name, what, strerror(error), advice));
}

// 0, or errno.
int WriteAll(int descriptor, const void* data, size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size != 0) {
    const ssize_t written = write(descriptor, from, std::min(size, kLargestWrite));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    from += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

}  // namespace

OutputFile::OutputFile(std::string path, Access access) : name_(std::move(path)), path_(name_) {
  if (name_ == "-") {
    name_ = "standard output";
    descriptor_ = STDOUT_FILENO;
    return;
  }
  constexpr std::string_view kAdvice = "name a file in a directory that you may write to";
  if (name_.empty()) Fail("''", "cannot be written", ENOENT, kAdvice);
  struct stat status = {};
  const bool exists = stat(path_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) Fail(name_, "cannot be written", EISDIR, kAdvice);
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) Fail(name_, "cannot be written", errno, kAdvice);
    return;
  }
  if (exists && ::access(path_.c_str(), W_OK) != 0)
    Fail(name_, "cannot be written", errno, kAdvice);
  std::error_code error;
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(path_, error);
  if (error) Fail(name_, "cannot be written", error.value(), kAdvice);
  path_ = resolved.string();

  const bool keeps_mode = exists && access == Access::kUsual;
  const mode_t mode = access == Access::kPrivate ? 0600 : exists ? status.st_mode & 0777 : 0666;
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    temporary_ =
        (resolved.parent_path() / fmt::format(".mote-{}-{}.tmp", getpid(), attempt)).string();
    if (temporary_.size() >= sizeof temporary_to_remove) {
      Fail(name_, "cannot be written", ENAMETOOLONG, kAdvice);
    }
    const SignalsBlocked blocked;
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor_ >= 0) {
      memcpy(temporary_to_remove, temporary_.c_str(), temporary_.size() + 1);
    } else if (errno != EEXIST || attempt == kMaxNameAttempts) {
      Fail(name_, "cannot be written", errno, kAdvice);
    }
  }
  if (keeps_mode)
    fchmod(descriptor_, mode);  // the umask may have taken some; not worth failing for
}

OutputFile::~OutputFile() {
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
  RemoveTemporary();
}

void OutputFile::RemoveTemporary() {
  if (temporary_.empty()) return;
  const SignalsBlocked blocked;
  unlink(temporary_.c_str());
  temporary_to_remove[0] = '\0';
  temporary_.clear();
}

void OutputFile::Commit(std::span<const uint8_t> data) {
  constexpr std::string_view kAdvice = "make room on that disk, or write elsewhere";
  if (const int error = WriteAll(descriptor_, data.data(), data.size()); error != 0) {
    Fail(name_, "cannot be written", error, kAdvice);
  }
  if (temporary_.empty()) return;
  if (fsync(descriptor_) != 0) Fail(name_, "cannot be written", errno, kAdvice);
  {
    const SignalsBlocked blocked;
    if (rename(temporary_.c_str(), path_.c_str()) != 0) {
      Fail(name_, "cannot be put in place", errno, kAdvice);
    }
    temporary_to_remove[0] = '\0';
  }
  temporary_.clear();
  // The new name lasts through a power failure once the directory is on the disk. Some file systems
  // refuse this; the data are safe, and there is nothing that the user could do.
  const std::string directory = std::filesystem::path(path_).parent_path().string();
  if (const int handle = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); handle >= 0) {
    fsync(handle);
    close(handle);
  }
}

void CleanUpOnSignals() {
  for (const int signal : kSignals) {
    struct sigaction action = {};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = &CleanUpAndExit;
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
  }
}

void WriteText(int descriptor, std::string_view text) {
  if (const int error = WriteAll(descriptor, text.data(), text.size()); error != 0) {
    Fail(descriptor == STDOUT_FILENO ? "standard output" : "standard error", "cannot be written",
         error, "make room on that disk, or send the output elsewhere");
  }
}

bool IsSameFile(const std::string& a, const std::string& b) {
  struct stat first = {};
  struct stat second = {};
  if (a == "-" || b == "-" || stat(a.c_str(), &first) != 0 || stat(b.c_str(), &second) != 0) {
    return false;
  }
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace mote::tools
