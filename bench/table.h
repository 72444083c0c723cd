// SPDX-License-Identifier: Apache-2.0
// Tables for a terminal and as Markdown, and how figures are written in them.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

namespace mote::bench {

using Row = std::vector<std::string>;

/// Cells with a heading. The first column is to the left and the others to the right. A row of one
/// cell is a heading of its own.
struct Table {
  Row header;
  std::vector<Row> rows;
  bool last_left = false;  ///< the last column is prose
};

std::string AsText(const Table& table);
std::string AsMarkdown(const Table& table);

/// "12,345".
std::string Thousands(uint64_t value);
/// Three digits after the point, one from 10 on.
std::string Ratio(double value);

}  // namespace mote::bench
