// SPDX-License-Identifier: Apache-2.0
// Reading corpus directories, and files as a whole; corpus.h is the manual.
#include "bench/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace mote::bench {
namespace {

namespace fs = std::filesystem;

/// Fills in what meta.json says.
void ReadMeta(const fs::path& path, Pair& pair) {
  const std::vector<uint8_t> text = ReadFile(path);
  try {
    const nlohmann::json meta = nlohmann::json::parse(text);
    pair.architecture = meta.value("arch", pair.architecture);
    if (meta.value("old_size", pair.old_size) != pair.old_size ||
        meta.value("new_size", pair.new_size) != pair.new_size) {
      throw Error(
          Status::kBadImage,
          fmt::format("{} gives sizes that old.bin and new.bin beside it do not have: build "
                      "or fetch this pair again",
                      path.string()));
    }
  } catch (const nlohmann::json::exception& e) {
    throw Error(Status::kBadImage, fmt::format("{}: {}", path.string(), e.what()));
  }
}

}  // namespace

std::vector<Pair> ReadCorpus(const fs::path& directory) {
  std::vector<Pair> pairs;
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error) {
    throw Error(Status::kFileError,
                fmt::format("{}: {}: not a corpus directory", directory.string(), error.message()));
  }
  for (const fs::directory_entry& entry : entries) {
    Pair pair{.name = entry.path().filename().string(),
              .architecture = "unknown",
              .old_path = fs::absolute(entry.path() / "old.bin"),
              .new_path = fs::absolute(entry.path() / "new.bin"),
              .old_size = 0,
              .new_size = 0};
    if (!fs::is_regular_file(pair.old_path) || !fs::is_regular_file(pair.new_path)) continue;
    pair.old_size = fs::file_size(pair.old_path);
    pair.new_size = fs::file_size(pair.new_path);
    if (const fs::path meta = entry.path() / "meta.json"; fs::exists(meta)) ReadMeta(meta, pair);
    pairs.push_back(std::move(pair));
  }
  std::ranges::sort(pairs, {}, &Pair::name);
  return pairs;
}

std::string Family(const Pair& pair) {
  return pair.architecture.substr(0, pair.architecture.find(' '));
}

std::vector<uint8_t> ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> data{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw Error(Status::kFileError, fmt::format("cannot read {}", path.string()));
  return data;
}

void WriteFile(const fs::path& path, std::span<const uint8_t> data) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  file.close();
  if (!file) throw Error(Status::kFileError, fmt::format("cannot write {}", path.string()));
}

void WriteFile(const fs::path& path, const std::string& text) {
  WriteFile(path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

std::string Difference(const fs::path& expected, const fs::path& actual) {
  std::ifstream expected_file(expected, std::ios::binary);
  std::ifstream actual_file(actual, std::ios::binary);
  if (!expected_file) return fmt::format("cannot read {}", expected.string());
  if (!actual_file) return "no image was written";
  std::istreambuf_iterator<char> a(expected_file), b(actual_file);
  const std::istreambuf_iterator<char> end;
  for (uint64_t position = 0;; ++position, ++a, ++b) {
    if (a == end && b == end) return {};
    if (a == end) return fmt::format("the rebuilt image goes on after its {} bytes", position);
    if (b == end) return fmt::format("the rebuilt image ends after {} bytes", position);
    if (*a != *b) return fmt::format("the rebuilt image differs from new at byte {}", position);
  }
}

}  // namespace mote::bench
