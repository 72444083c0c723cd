// SPDX-License-Identifier: Apache-2.0
// fork, exec and wait4; process.h is the manual.
#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "diff/error.h"

namespace mote::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kCouldNotStart = 127;

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// The end of what a program wrote to its standard error, on one line.
std::string LastWords(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  constexpr size_t kMost = 300;
  if (text.size() > kMost) text = "..." + text.substr(text.size() - kMost);
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

std::string Describe(int status, const fs::path& errors) {
  const std::string what = WIFSIGNALED(status) ? fmt::format("ended by signal {}", WTERMSIG(status))
                                               : fmt::format("exit code {}", WEXITSTATUS(status));
  const std::string words = LastWords(errors);
  return words.empty() ? what : what + ": " + words;
}

}  // namespace

Outcome Run(const Command& command, const fs::path& scratch) {
  Outcome outcome;
  // All memory is allocated before the fork: in the child of a process with threads only system
  // calls are safe.
  const std::optional<std::string> program = FindProgram(command.arguments.at(0));
  if (!program) {
    outcome.error = command.arguments[0] + " is not installed";
    return outcome;
  }
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const fs::path errors = scratch / "stderr";
  const char* const output = command.output.empty() ? "/dev/null" : command.output.c_str();

  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) {
    const int in = open("/dev/null", O_RDONLY);
    const int out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    const int err = open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (in >= 0 && out >= 0 && err >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
        dup2(err, 2) == 2) {
      execv(program->c_str(), arguments.data());
    }
    _exit(kCouldNotStart);
  }
  if (child < 0) {
    outcome.error = fmt::format("cannot start {}: {}", *program, strerror(errno));
    return outcome;
  }
  int status = 0;
  rusage usage{};
  while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  outcome.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  outcome.cpu_seconds = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  outcome.peak_memory = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  outcome.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!outcome.succeeded) outcome.error = Describe(status, errors);
  return outcome;
}

uint64_t MemoryFloor(const fs::path& scratch) {
  return Run({.arguments = {"true"}, .output = {}}, scratch).peak_memory;
}

std::optional<std::string> FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* const path = getenv("PATH");
  std::string rest = path ? path : "/usr/bin:/bin";
  while (true) {
    const size_t colon = rest.find(':');
    const std::string candidate = (fs::path(rest.substr(0, colon)) / name).string();
    if (access(candidate.c_str(), X_OK) == 0 && !fs::is_directory(candidate)) return candidate;
    if (colon == std::string::npos) return std::nullopt;
    rest.erase(0, colon + 1);
  }
}

ScratchDirectory::ScratchDirectory() {
  std::string name = (fs::temp_directory_path() / "mote-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw Error(Status::kFileError,
                fmt::format("cannot make a temporary directory {}: {}", name, strerror(errno)));
  }
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace mote::bench
