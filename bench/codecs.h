// SPDX-License-Identifier: Apache-2.0
// The configurations of mote that are measured, each in a process of its own: mote-bench runs
// itself again.
#pragma once

#include <filesystem>
#include <vector>

#include "bench/tools.h"

namespace mote::bench {

/// The first argument by which mote-bench knows that it is such a process.
constexpr const char* kChildArgument = "--child";

/// One contender for each row of the table in codecs.cpp. `self`: the path of this program.
std::vector<Contender> OurCodecs(const std::filesystem::path& self);

/// What such a process does:
///
///     mote-bench --child diff NAME OLD NEW DELTA      writes DELTA
///     mote-bench --child patch NAME OLD DELTA NEW     writes NEW, prints {"seconds": S,
///     "decoder_ram": BYTES or null}
///
/// S is the shortest of several runs of the decoder in memory, without reading and writing files.
/// Returns the exit code: 0, or the number of the Status that failed, with a message on standard
/// error.
int RunChild(const std::vector<std::string>& arguments);

}  // namespace mote::bench
