// SPDX-License-Identifier: Apache-2.0
// Output that appears whole or not at all: a temporary file in the same directory, fsync, rename.
#pragma once

#include <stdint.h>

#include <span>
#include <string>
#include <string_view>

namespace mote::tools {

/// Who may read a file that is made.
enum class Access {
  kUsual,    ///< as the umask says, or as the file that is replaced
  kPrivate,  ///< its owner only, from the start: mode 0600
};

/// Where the result of a command goes. It is created before the long work, so that a path that
/// cannot be written is found out early, and committed after it; what stood at the path before is
/// untouched until then, and for good where the command fails. At most one may exist at a time: the
/// signal handler knows one temporary file.
class OutputFile {
 public:
  /// Creates the temporary file. "-" is standard output, which, like a device or a pipe at `path`,
  /// is written directly by Commit. A symbolic link is followed. Throws Error(kFileError) where
  /// `path` is a directory or cannot be written.
  explicit OutputFile(std::string path, Access access = Access::kUsual);
  /// Removes the temporary file unless it was committed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Writes `data`, brings it to the disk and puts it in place, with the permissions of the file it
  /// replaces (unless kPrivate). Call it once. Throws Error(kFileError); then nothing was replaced.
  void Commit(std::span<const uint8_t> data);

 private:
  void RemoveTemporary();

  std::string name_;       // as the user wrote it, for messages
  std::string path_;       // links resolved
  std::string temporary_;  // empty: written directly
  int descriptor_ = -1;
};

/// From here on SIGINT, SIGTERM and SIGHUP remove the temporary file and end the process with 128 +
/// the signal's number (130 for Ctrl-C). Signals that the caller ignores (nohup) stay ignored.
void CleanUpOnSignals();

/// Writes all of `text` to standard output or standard error. Throws Error(kFileError) where that
/// fails, such as on a full disk.
void WriteText(int descriptor, std::string_view text);

/// Whether both paths lead to the same existing file. "-" is no file.
bool IsSameFile(const std::string& a, const std::string& b);

}  // namespace mote::tools
