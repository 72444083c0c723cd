// SPDX-License-Identifier: Apache-2.0
#include "bench/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace mote::bench {

std::string AsText(const Table& table) {
  std::vector<size_t> width(table.header.size());
  const auto widen = [&](const Row& row) {
    for (size_t i = 0; i < row.size() && row.size() > 1; ++i) {
      width[i] = std::max(width[i], row[i].size());
    }
  };
  widen(table.header);
  for (const Row& row : table.rows) widen(row);
  std::string text;
  const auto write = [&](const Row& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const bool left = i == 0 || (table.last_left && i + 1 == row.size());
      line +=
          left ? fmt::format("{:<{}}", row[i], width[i]) : fmt::format("{:>{}}", row[i], width[i]);
      line += "  ";
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  write(table.header);
  size_t total = 0;
  for (const size_t w : width) total += w + 2;
  text += std::string(total - 2, '-') + "\n";
  for (const Row& row : table.rows) write(row);
  return text;
}

std::string AsMarkdown(const Table& table) {
  std::string text = "|";
  for (const std::string& cell : table.header) text += " " + cell + " |";
  text += "\n|";
  for (size_t i = 0; i < table.header.size(); ++i) {
    text += i == 0 || (table.last_left && i + 1 == table.header.size()) ? "---|" : "---:|";
  }
  for (const Row& row : table.rows) {
    text += "\n|";
    for (size_t i = 0; i < table.header.size(); ++i) {
      const std::string& cell = i < row.size() ? row[i] : "";
      text += row.size() == 1 && i == 0 ? " **" + cell + "** |" : " " + cell + " |";
    }
  }
  return text + "\n";
}

std::string Thousands(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string Ratio(double value) {
  return value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.3f}", value);
}

}  // namespace mote::bench
