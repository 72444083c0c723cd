// SPDX-License-Identifier: Apache-2.0
// PROGRAM PATCHER_FOLDER ROUNDTRIP_FOLDER: writes inputs for the two fuzzers to start from: small
// programs for every instruction set, and their deltas.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "diff/apply.h"
#include "diff/diff.h"
#include "tests/support/images.h"
#include "tests/support/programs.h"

namespace mote::testing {
namespace {

void Append16(Bytes& to, size_t value) {
  to.push_back(static_cast<uint8_t>(value));
  to.push_back(static_cast<uint8_t>(value >> 8));
}

void Append(Bytes& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// As fuzz_patcher.cpp reads it. `codec`: its place in the list there.
Bytes PatcherInput(uint8_t codec, uint8_t flags, const Bytes& old_image, const Bytes& new_image,
                   const Bytes& delta) {
  Bytes input{codec, 4, 3, flags};
  Append16(input, old_image.size());
  Append16(input, new_image.size());
  Append(input, old_image);
  Append(input, std::span(delta).subspan(ReadHeader(delta).header_size));
  return input;
}

// As fuzz_roundtrip.cpp reads it.
Bytes RoundtripInput(uint8_t profile, const Program& program, uint8_t flags) {
  Bytes input{profile, static_cast<uint8_t>(program.setting.architecture), 9, flags};
  if (flags & 1) {
    const Segment& segment = program.setting.segments[0];
    const uint32_t numbers[] = {program.setting.ram_start, program.setting.ram_size};
    for (const uint32_t number : numbers) {
      Append16(input, number & 0xFFFF);
      Append16(input, number >> 16);
    }
    input.push_back(0);
    for (const uint32_t number : {segment.old_address, segment.new_address}) {
      Append16(input, number & 0xFFFF);
      Append16(input, number >> 16);
    }
  }
  Append16(input, program.old_image.size());
  Append(input, program.old_image);
  const uint8_t edits[] = {24, 100, 0, 0, 1, 2,  3, 4,  4, 0,  1, 60, 7,
                           1,  50,  0, 9, 3, 20, 0, 80, 2, 60, 0, 90};
  Append(input, edits);
  return input;
}

void Write(const std::filesystem::path& patcher, const std::filesystem::path& roundtrip) {
  for (unsigned id = 0; id < kArchitectureCount; ++id) {
    Random random(id);
    const Program program = MakeProgram(random, {.architecture = static_cast<ArchitectureId>(id),
                                                 .functions = 6,
                                                 .function_size = 60,
                                                 .new_base = 0x08000000 + id % 2 * 0x20000,
                                                 .edits = 2,
                                                 .retargeted = 8});
    for (uint8_t profile = 0; profile < kModelProfiles; ++profile) {
      DiffOptions options;
      options.ram = kModelRam[profile];
      options.architecture = static_cast<ArchitectureId>(id);
      options.old_runs = {{0, 0x08000000}};
      options.new_runs = {{0, program.setting.segments[0].new_address}};
      const std::string name = "seed-" + std::to_string(id) + "-" + std::to_string(profile);
      WriteFile(patcher / name, PatcherInput(profile, static_cast<uint8_t>(id), program.old_image,
                                             program.new_image,
                                             Diff(program.old_image, program.new_image, options)));
      WriteFile(roundtrip / name,
                RoundtripInput(profile, program, static_cast<uint8_t>(1 | 2 | 4 | (id % 2 * 8))));
    }
    // Forged: a setting with this architecture and old's address, then decisions at random.
    Bytes forged{static_cast<uint8_t>(id % 3), 4, 3, 16};
    Append16(forged, program.old_image.size());
    Append16(forged, 1000);
    Append(forged, program.old_image);
    // Bits in the order of the setting, the lowest of each byte first.
    std::vector<bool> bits;
    const auto put = [&](uint32_t value, unsigned count) {
      while (count-- != 0) bits.push_back((value >> count & 1) != 0);
    };
    put(id, 4);
    put(0, 5);
    put(27, 5), put(0, 5);  // 0x08000000 is 1 << 27
    put(0, 32);
    for (int n = 0; n < 800; ++n) bits.push_back(random.Below(2) != 0);
    bits.resize(bits.size() / 8 * 8);
    for (size_t n = 0; n < bits.size(); n += 8) {
      uint8_t byte = 0;
      for (size_t k = 0; k < 8; ++k) byte = static_cast<uint8_t>(byte | bits[n + k] << k);
      forged.push_back(byte);
    }
    WriteFile(patcher / ("seed-" + std::to_string(id) + "-forged"), forged);
    for (const uint8_t codec : {3, 4}) {
      DiffOptions options;
      options.codec = codec == 3 ? Codec::kRaw : Codec::kLzss;
      options.window_bits = codec == 3 ? 0 : 8;
      WriteFile(patcher / ("seed-" + std::to_string(id) + "-" + CodecName(options.codec)),
                PatcherInput(codec, 4, program.old_image, program.new_image,
                             Diff(program.old_image, program.new_image, options)));
    }
    for (const uint8_t flags : {0, 32, 64, 96}) {
      WriteFile(roundtrip / ("seed-" + std::to_string(id) + "-diff-" + std::to_string(flags)),
                RoundtripInput(0, program, flags));
    }
  }
}

}  // namespace
}  // namespace mote::testing

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    mote::testing::Write(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
