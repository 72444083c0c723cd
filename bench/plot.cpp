// SPDX-License-Identifier: Apache-2.0
// Writes SVG by hand; plot.h is the manual.
#include "bench/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <vector>

namespace mote::bench {
namespace {

constexpr double kRowHeight = 24;
constexpr double kPlotWidth = 680;
constexpr double kRightMargin = 40;
constexpr double kCharacter = 7.2;  // width of one at 12 px, with room to spare
constexpr double kRadius = 4.5;
constexpr double kLegendColumn = 250;
constexpr int kLegendColumns = 3;
constexpr const char* kLeft = "\xE2\x86\x90";  // arrows, UTF-8
constexpr const char* kRight = "\xE2\x86\x92";

/// Colours that the colour-blind can tell apart (after Okabe and Ito), each on light and on dark
/// paper.
struct Colour {
  const char* light;
  const char* dark;
};
constexpr Colour kColours[] = {
    {"#0072b2", "#4aa8e0"}, {"#d55e00", "#ff8a3d"}, {"#009e73", "#35cfa2"}, {"#b8579a", "#e79bcb"},
    {"#b57f00", "#f0b63a"}, {"#3a93c9", "#8cd0f5"}, {"#7a5fd0", "#b3a1ff"}};
constexpr Colour kTheirs = {"#555555", "#c4c4c4"};

/// CSS for one theme. No custom properties: not every program that shows SVG knows them.
std::string Theme(const char* Colour::*shade, const char* rest) {
  std::string css = rest;
  for (size_t i = 0; i < std::size(kColours); ++i) {
    css += fmt::format(".c{0}{{fill:{1};stroke:{1}}}\n", i, kColours[i].*shade);
  }
  return css + fmt::format(".theirs{{fill:none;stroke:{}}}\n", kTheirs.*shade);
}

std::string Style() {
  return "<style>\n" +
         Theme(&Colour::light,
               ".paper{fill:#ffffff}.band{fill:#f4f4f4}.ink{fill:#1c1c1c}.soft{fill:#5a5a5a}\n"
               ".grid{stroke:#d8d8d8}.one{stroke:#5a5a5a}\n") +
         "@media(prefers-color-scheme:dark){\n" +
         Theme(&Colour::dark,
               ".paper{fill:#15181c}.band{fill:#1d2126}.ink{fill:#ececec}.soft{fill:#a8a8a8}\n"
               ".grid{stroke:#343a41}.one{stroke:#a8a8a8}\n") +
         "}\n.ours{stroke-width:1}.theirs{stroke-width:1.6}\n"
         "text{font-family:system-ui,-apple-system,\"Segoe UI\",\"DejaVu "
         "Sans\",sans-serif;font-size:12px}\n"
         ".title{font-size:15px;font-weight:600}.strong{font-weight:600}\n</style>\n";
}

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      escaped += c;
    }
  }
  return escaped;
}

/// One contender's look.
struct Series {
  size_t contender;
  size_t shape;
  std::string style;  ///< CSS classes
};

std::string Marker(const Series& series, double x, double y, const std::string& title) {
  const double r = kRadius;
  std::string shape;
  switch (series.shape % 6) {
    case 0:
      shape = fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}")", x, y, r);
      break;
    case 1:
      shape = fmt::format(R"(<path d="M{:.1f},{:.1f}h{}v{}h-{}z")", x - r + 0.5, y - r + 0.5,
                          2 * r - 1, 2 * r - 1, 2 * r - 1);
      break;
    case 2:
      shape = fmt::format(R"(<path d="M{:.1f},{:.1f}l{},{}h-{}z")", x, y - r, r, 1.9 * r, 2 * r);
      break;
    case 3:
      shape = fmt::format(R"(<path d="M{:.1f},{:.1f}l{},{}l-{},{}l-{},-{}z")", x, y - r - 0.5,
                          r + 0.5, r + 0.5, r + 0.5, r + 0.5, r + 0.5, r + 0.5);
      break;
    case 4:
      shape = fmt::format(R"(<path d="M{:.1f},{:.1f}l{},-{}h-{}z")", x, y + r, r, 1.9 * r, 2 * r);
      break;
    default:
      shape = fmt::format(R"(<path d="M{:.1f},{:.1f}h{}v{}h-{}z")", x - 1.4 * r, y - 0.5 * r,
                          2.8 * r, r, 2.8 * r);
      break;
  }
  return fmt::format("{} class=\"{}\"><title>{}</title>{}\n", shape, series.style, Escape(title),
                     series.shape % 6 == 0 ? "</circle>" : "</path>");
}

std::string Text(double x, double y, const char* anchor, const std::string& style,
                 const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n",
                     x, y, anchor, style, Escape(text));
}

/// A row of the picture: its label, and a value for each contender.
struct PlotRow {
  std::string label;
  bool strong;
  std::vector<std::optional<double>> values;
};

std::vector<PlotRow> Rows(const Results& results, const std::vector<Series>& series) {
  std::vector<PlotRow> rows;
  for (size_t i = 0; i < results.pairs.size(); ++i) {
    PlotRow row{.label = results.pairs[i].name, .strong = false, .values = {}};
    for (const Series& s : series) {
      std::optional<double> value = results.Relative(i, s.contender);
      const Measurement& m = results.measurements[i][s.contender];
      if (!results.Baseline() && m.verified() && results.pairs[i].new_size > 0) {
        value = static_cast<double>(m.size) / static_cast<double>(results.pairs[i].new_size);
      }
      if (value && *value <= 0) value.reset();
      row.values.push_back(value);
    }
    rows.push_back(std::move(row));
  }
  std::ranges::stable_sort(rows, {}, [](const PlotRow& row) { return row.label; });
  PlotRow means{.label = "geometric mean", .strong = true, .values = {}};
  for (size_t s = 0; s < series.size(); ++s) {
    std::vector<double> values;
    for (const PlotRow& row : rows) {
      if (row.values[s]) values.push_back(*row.values[s]);
    }
    const Mean mean = GeometricMean(values);
    means.values.push_back(mean.count ? std::optional(mean.value) : std::nullopt);
  }
  rows.push_back(std::move(means));
  return rows;
}

/// The axis: from and to, so that all but a few far outliers are inside, and 1 is.
struct Range {
  double low = 0.5, high = 2;
};

Range FindRange(const std::vector<PlotRow>& rows) {
  std::vector<double> values;
  for (const PlotRow& row : rows) {
    for (const std::optional<double>& value : row.values) {
      if (value) values.push_back(*value);
    }
  }
  if (values.empty()) return {};
  std::ranges::sort(values);
  const size_t few = values.size() / 50;
  Range range{.low = std::min(0.8, values[few] * 0.93),
              .high = std::max(1.25, values[values.size() - 1 - few] * 1.07)};
  return range;
}

}  // namespace

std::string Plot(const Results& results) {
  std::vector<Series> series;
  size_t ours = 0, theirs = 0;
  for (size_t c = 0; c < results.contenders.size(); ++c) {
    const Contender& contender = results.contenders[c];
    // Whole images are ten or a thousand times as large as deltas; the baseline is the line at 1.
    if (!contender.delta || results.Baseline() == c) continue;
    const size_t number = contender.ours ? ours++ : theirs++;
    series.push_back({.contender = c,
                      .shape = number,
                      .style = contender.ours
                                   ? fmt::format("ours c{}", number % std::size(kColours))
                                   : std::string("theirs")});
  }
  const std::vector<PlotRow> rows = Rows(results, series);
  const Range range = FindRange(rows);
  size_t longest = 0;
  for (const PlotRow& row : rows) longest = std::max(longest, row.label.size());

  const double left = 48 + kCharacter * static_cast<double>(longest);
  const size_t legend_rows = (series.size() + kLegendColumns - 1) / kLegendColumns;
  const double top = 84 + 20 * static_cast<double>(legend_rows);
  const double width =
      std::max(left + kPlotWidth + kRightMargin, 40 + kLegendColumns * kLegendColumn);
  const double bottom = top + kRowHeight * static_cast<double>(rows.size());
  const double height = bottom + 46;
  const auto x_of = [&](double value) {
    const double share = std::log(value / range.low) / std::log(range.high / range.low);
    return left + (width - kRightMargin - left) * std::clamp(share, 0.0, 1.0);
  };

  const std::optional<size_t> baseline = results.Baseline();
  const std::string unit = baseline ? results.contenders[*baseline].name : "the new image";
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\">\n<title>Delta sizes relative to {2}</title>\n",
      width, height, Escape(unit));
  svg += Style();
  svg += fmt::format("<rect class=\"paper\" width=\"{:.0f}\" height=\"{:.0f}\"/>\n", width, height);
  svg += Text(20, 28, "start", "ink title", "Delta sizes relative to " + unit);
  svg += Text(20, 48, "start", "soft",
              "Left is smaller. Filled: mote; outlined: other programs; dashed: " + unit +
                  ". An arrow: off the scale.");
  for (size_t s = 0; s < series.size(); ++s) {
    const double x = 26 + kLegendColumn * static_cast<double>(s % kLegendColumns);
    const double y = 72 + 20 * static_cast<double>(s / kLegendColumns);
    const std::optional<double>& mean = rows.back().values[s];
    const std::string& name = results.contenders[series[s].contender].name;
    svg += Marker(series[s], x, y, name);
    svg += Text(x + 12, y + 4, "start", "ink",
                mean ? fmt::format("{} (mean {:.3f})", name, *mean) : name);
  }

  for (size_t i = 0; i < rows.size(); i += 2) {
    svg +=
        fmt::format("<rect class=\"band\" x=\"8\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\"/>\n",
                    top + kRowHeight * static_cast<double>(i), width - 16, kRowHeight);
  }
  double last_label = -100;
  for (const double tick :
       {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,  0.3,  0.5,  0.7,   1.0,   1.5,
        2.0,   3.0,   5.0,   7.0,  10.,  20.,  50., 100., 200., 500., 1000., 2000., 5000.}) {
    if (tick < range.low || tick > range.high) continue;
    const double x = x_of(tick);
    svg += fmt::format("<path class=\"{}\" d=\"M{:.1f},{:.1f}V{:.1f}\"{}/>\n",
                       tick == 1 ? "one" : "grid", x, top - 4, bottom,
                       tick == 1 ? " stroke-dasharray=\"4 3\"" : "");
    if (x - last_label < 34 && tick != 1) continue;
    svg +=
        Text(x, bottom + 18, "middle", tick == 1 ? "ink strong" : "ink", fmt::format("{:g}", tick));
    last_label = x;
  }
  svg += Text((left + width - kRightMargin) / 2, bottom + 38, "middle", "soft",
              "size of the delta / " + unit + ", logarithmic");

  for (size_t i = 0; i < rows.size(); ++i) {
    const double y = top + kRowHeight * (static_cast<double>(i) + 0.5);
    svg += Text(left - 32, y + 4, "end", rows[i].strong ? "ink strong" : "ink", rows[i].label);
    for (size_t s = 0; s < series.size(); ++s) {
      const std::optional<double>& value = rows[i].values[s];
      if (!value) continue;
      // A little up or down, so that equal sizes do not hide each other.
      const double spread =
          series.size() > 1 ? static_cast<double>(s) / static_cast<double>(series.size() - 1) : 0.5;
      const double marker_y = y + (spread - 0.5) * (kRowHeight - 2 * kRadius - 3);
      const std::string title = fmt::format("{}: {} is {:.3f}", rows[i].label,
                                            results.contenders[series[s].contender].name, *value);
      svg += Marker(series[s], x_of(*value), marker_y, title);
      if (*value > range.high) svg += Text(x_of(*value) + 8, marker_y + 4, "start", "soft", kRight);
      if (*value < range.low) svg += Text(x_of(*value) - 8, marker_y + 4, "end", "soft", kLeft);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace mote::bench
