// SPDX-License-Identifier: Apache-2.0
// The sizes as a picture.
#pragma once

#include <string>

#include "bench/measure.h"

namespace mote::bench {

/// An SVG of the sizes relative to the baseline (without one: to the new image), a row for each
/// pair, a marker for each contender that makes deltas, on a logarithmic axis; the geometric means
/// are in the last row. It follows the reader's light or dark theme.
std::string Plot(const Results& results);

}  // namespace mote::bench
