// SPDX-License-Identifier: Apache-2.0
// PROGRAM FOLDER: writes inputs for the fuzzers to start from into its folders patcher, roundtrip,
// agent, manifest and in_place: small programs for every instruction set, and their deltas; updates
// of a device with trust; manifests, statements, tokens and approvals; files for updates in place.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "diff/apply.h"
#include "diff/diff.h"
#include "release/approval.h"
#include "tests/agent/trust_rig.h"
#include "tests/fuzz/in_place_device.h"
#include "tests/support/images.h"
#include "tests/support/programs.h"

namespace mote::testing {
namespace {

void Append16(Bytes& to, size_t value) {
  to.push_back(static_cast<uint8_t>(value));
  to.push_back(static_cast<uint8_t>(value >> 8));
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

// As fuzz_agent.cpp reads it: for each shape, updates of all kinds, with cuts and restarts.
void WriteAgent(const std::filesystem::path& folder) {
  // Operations there.
  constexpr uint8_t kRequest = 0, kBegin = 1, kFinish = 4, kRestart = 5, kConfirm = 6, kCut = 7,
                    kCompose = 8, kSome = 9, kUsual = 10, kFail = 12;
  for (uint8_t shape = 0; shape < 128; ++shape) {
    const auto flags = static_cast<uint8_t>(shape & 64 ? 8 : shape & 16 ? 2 : shape & 8 ? 4 : 0);
    const Bytes lives[] = {
        // Three updates, one after the other; the last one full, the second with statements.
        {kUsual, 1, flags, 0, kRestart, kConfirm, kUsual, 2, static_cast<uint8_t>(flags | 16 | 32),
         'N', 0, kRestart, kConfirm, kUsual, 3, static_cast<uint8_t>(flags | 1 | 64), 0, kRestart},
        // A trial that does not confirm itself.
        {kUsual, 0x11, flags, 0, kRestart, kRestart, kRestart, kRestart, kUsual, 2, flags, 0,
         kRestart, kConfirm},
        // In parts, with restarts and a power cut.
        {kRequest,
         kCompose,
         3,
         static_cast<uint8_t>(flags | 1),
         0,
         kBegin,
         kSome,
         0,
         2,
         kSome,
         150,
         0,
         kRestart,
         kRequest,
         kCompose,
         3,
         static_cast<uint8_t>(flags | 1),
         0,
         kBegin,
         kSome,
         0,
         3,
         kFinish,
         kRestart},
        {kCut, 20, kUsual, 3, static_cast<uint8_t>(flags | 1), 0, kRestart, kUsual, 3,
         static_cast<uint8_t>(flags | 1), 0, kCut, 10, kRestart, kFail, 3, kRestart, kConfirm},
        // Something is not as it should be.
        {kUsual, 1, flags, 2, 1, 33, 4, 0, 5, 1, kUsual, 1, flags, 1, 1, 12, 8, kRestart}};
    for (size_t i = 0; i < std::size(lives); ++i) {
      Bytes input{shape};
      Append(input, lives[i]);
      WriteFile(folder / ("seed-" + std::to_string(shape) + "-" + std::to_string(i)), input);
    }
  }
}

void WriteManifests(const std::filesystem::path& folder) {
  const Bytes signature(64, 0x5A);
  for (uint8_t vendor = 1; vendor <= 2; ++vendor) {
    for (uint8_t server = 0; server <= 2; ++server) {
      const size_t key = server == 1 ? 64 : server == 2 ? 32 : 0;
      VendorFields fields{vendor, server, {0, 0}, 1, 2, 3, 4, 500, 6, 7, {}, Bytes(key, 9)};
      const Bytes part = fields.Part();
      Bytes release{'m', 't', 'M', 1};
      Append(release, part);
      Append(release, signature);
      const std::string name =
          "seed-" + std::to_string(vendor) + "-" + std::to_string(server) + "-";
      WriteFile(folder / (name + "release"), release);
      Bytes approval{'m', 't', 'A', 1, vendor, 0, 0, 0};
      approval.resize(8 + (vendor == 1 ? 64 : 32), 7);
      Append(approval, part);
      Append(approval, signature);
      WriteFile(folder / (name + "approval"), approval);
      Bytes statement{'m', 't', 'K', 1, 1, 0, 0, 0, 2, 0, 0, 0, vendor, server, 0, 0};
      statement.resize(16 + key, 8);
      Append(statement, signature);
      for (uint8_t encryption = 0; encryption <= 3; ++encryption) {
        const size_t parameters[] = {0, 16, 32, 64};
        ServerFields offer{};
        offer.delta_size = 40;
        offer.codec = 1;
        offer.encryption = encryption;
        offer.piece_bits = encryption == 0 ? 0 : 8;
        offer.parameter.assign(parameters[encryption], 3);
        Bytes bytes = statement;
        if (encryption % 2) Append(bytes, statement);
        Append(bytes, release);
        bytes[bytes.size() - release.size() + 3] = 0x81;
        Append(bytes, offer.Part());
        Append(bytes, signature);
        Append(bytes, Bytes(40, 1));
        WriteFile(folder / (name + std::to_string(encryption)), bytes);
      }
      WriteFile(folder / (name + "statement"), statement);
    }
  }
  Bytes token(64, 1);
  std::ranges::copy(Bytes{'m', 't', 'T', 1}, token.begin());
  WriteFile(folder / "seed-token", token);
}

// As fuzz_in_place.cpp reads it: whole updates, and forged ones.
void WriteInPlace(const std::filesystem::path& folder) {
  Random random(7);
  DiffOptions options;
  options.ram = kModelRam[2] + kInPlaceMoreRam;
  options.effort = 1;
  for (unsigned number = 0; number < kInPlaceImages; ++number) {
    for (uint8_t byte = 0; byte < 64; byte = static_cast<uint8_t>(byte + 5)) {
      const auto shape_byte = static_cast<uint8_t>(byte | (number % 2) << 6 | (number / 2) << 7);
      const InPlaceShape shape(shape_byte);
      const Bytes &from = InPlaceImage(number), &to = InPlaceImage(number + 1);
      const Bytes one_way = MakeInPlaceUpdate(from, to, shape.geometry(), options, false).file;
      const Bytes both_ways = MakeInPlaceUpdate(from, to, shape.geometry(), options, true).file;
      for (const unsigned flags :
           {kFixed, kBySession, kTrusted | kConfirms, kUnknown | kCut, kTrusted | kBySession | kCut,
            kFixed | kScarce}) {
        const auto cut = static_cast<uint8_t>(random.Below(256));
        const Bytes head{static_cast<uint8_t>(flags), shape_byte, static_cast<uint8_t>(number), cut,
                         static_cast<uint8_t>(flags * 7)};
        const std::string name = "seed-" + std::to_string(number) + "-" +
                                 std::to_string(shape_byte) + "-" + std::to_string(flags);
        Bytes input = head;
        Append(input, flags & kBySession ? one_way : both_ways);
        WriteFile(folder / name, input);
        // Setting: without addresses; then decisions at random.
        input = head;
        input[0] |= kForged;
        Append16(input, random.Below(1100));
        Append(input, Bytes(10 + byte, 0));
        for (int i = 0; i < 60; ++i) input.push_back(static_cast<uint8_t>(random.Next()));
        WriteFile(folder / (name + "-forged"), input);
      }
    }
  }
}

}  // namespace
}  // namespace mote::testing

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const std::filesystem::path folder = argv[1];
    mote::testing::Write(folder / "patcher", folder / "roundtrip");
    mote::testing::WriteAgent(folder / "agent");
    mote::testing::WriteManifests(folder / "manifest");
    mote::testing::WriteInPlace(folder / "in_place");
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
