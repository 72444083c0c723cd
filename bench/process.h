// SPDX-License-Identifier: Apache-2.0
// Running a program and measuring its time and its peak memory.
#pragma once

#include <stdint.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mote::bench {

struct Command {
  std::vector<std::string>
      arguments;  ///< the first is the program: a path, or a name to be looked up in PATH
  std::filesystem::path output;  ///< where its standard output goes; empty: nowhere
};

/// What became of a program.
struct Outcome {
  bool succeeded = false;    ///< it ended with exit code 0
  std::string error;         ///< if not: what happened, with the last lines of its standard error
  double wall_seconds = 0;   ///< from fork to exit
  double cpu_seconds = 0;    ///< user and system together, all threads
  uint64_t peak_memory = 0;  ///< largest resident set, bytes
};

/// Runs `command` to its end. `scratch` is an existing directory for its standard error. May be
/// called from several threads.
///
/// Peak memory is what wait4 reports (ru_maxrss). Linux counts from the fork on, thus what this
/// process itself held by then is the least that can be measured: this process must stay small, and
/// does its work in children. MemoryFloor says how small.
Outcome Run(const Command& command, const std::filesystem::path& scratch);

/// The peak memory of a program that does nothing, as Run measures it; figures near it mean "no
/// more than this". Bytes.
uint64_t MemoryFloor(const std::filesystem::path& scratch);

/// Where `name` is in PATH; nothing if it is not installed.
std::optional<std::string> FindProgram(const std::string& name);

/// A directory under the system's place for temporary files, removed with all it holds at the end
/// of its life.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace mote::bench
