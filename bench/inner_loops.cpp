// SPDX-License-Identifier: Apache-2.0
// mote-inner-loops: Google Benchmark over the loops in which mote spends its time. The images are
// made here, the same ones on every machine, so that figures of two builds can be compared.
#include <benchmark/benchmark.h>
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include "diff/apply.h"
#include "diff/diff.h"
#include "diff/suffix_array.h"
#include "lzss/decoder.h"
#include "lzss/encoder.h"
#include "patch/check.h"
#include "patch/patcher.h"

namespace mote {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint32_t kImageSize = 256 << 10;
constexpr uint32_t kBlePacket = 244;

void AppendWord(Bytes& to, uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<uint8_t>(word >> shift));
}

/// Something like firmware: functions of half-words from a small, skewed vocabulary, with calls to
/// one another that are relative to their place, and literals that point into the image. Function
/// number `inserted` is 46 bytes longer, so that in two images that differ in it everything behind
/// moves and calls across it change.
Bytes MakeImage(uint32_t size, size_t inserted) {
  std::mt19937 random(1);  // defined by the standard to the bit, unlike its distributions
  std::vector<uint16_t> vocabulary(600);
  for (uint16_t& word : vocabulary) word = static_cast<uint16_t>(random());
  const uint32_t count = size / 128;
  std::vector<uint32_t> start(count + 1, 0);
  for (uint32_t i = 0; i < count; ++i) start[i + 1] = start[i] + 124 + (i == inserted ? 46 : 0);

  Bytes image;
  image.reserve(start[count]);
  for (uint32_t i = 0; i < count; ++i) {
    while (image.size() < start[i] + 96) {
      const uint32_t roll = random();
      const uint16_t word = vocabulary[(roll % 600) * ((roll >> 16) % 600) / 600];
      image.push_back(static_cast<uint8_t>(word));
      image.push_back(static_cast<uint8_t>(word >> 8));
    }
    for (int call = 0; call < 5; ++call) {
      AppendWord(image, 0xF8000000 | ((start[random() % count] - start[i]) >> 1 & 0x07FF07FF));
    }
    for (int literal = 0; literal < 2; ++literal)
      AppendWord(image, 0x08000000 + start[random() % count]);
    while (image.size() < start[i + 1]) image.push_back(static_cast<uint8_t>(7 * image.size()));
  }
  return image;
}

const Bytes& OldImage() {
  static const Bytes image = MakeImage(kImageSize, SIZE_MAX);
  return image;
}

const Bytes& NewImage() {
  static const Bytes image = MakeImage(kImageSize, 500);
  return image;
}

Bytes MakeDelta(Codec codec, unsigned window_bits) {
  DiffOptions options;
  options.codec = codec;
  options.window_bits = window_bits;
  return Diff(OldImage(), NewImage(), options);
}

/// What the LZSS codec packs in earnest: the commands of a delta.
const Bytes& Commands() {
  static const Bytes commands = [] {
    const Bytes delta = MakeDelta(Codec::kRaw, 0);
    return UnpackCommands(delta, ReadHeader(delta));
  }();
  return commands;
}

void CountBytes(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

void BuildSuffixArray(benchmark::State& state) {
  const Bytes text = MakeImage(static_cast<uint32_t>(state.range(0)), SIZE_MAX);
  for (auto _ : state) {
    const SuffixArray index(text);
    benchmark::DoNotOptimize(&index);
  }
  CountBytes(state, text.size());
}
BENCHMARK(BuildSuffixArray)
    ->RangeMultiplier(4)
    ->Range(64 << 10, 4 << 20)
    ->Unit(benchmark::kMillisecond);

/// One search at every 61st byte of new; time for one search.
void LongestMatch(benchmark::State& state) {
  const SuffixArray index(OldImage());
  const std::span<const uint8_t> pattern(NewImage());
  size_t position = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        index.Longest(pattern.subspan(position), static_cast<uint32_t>(position)));
    position = (position + 61) % pattern.size();
  }
}
BENCHMARK(LongestMatch);

void EncodeLzss(benchmark::State& state) {
  const auto window_bits = static_cast<unsigned>(state.range(0));
  size_t packed = 0;
  for (auto _ : state) packed = lzss::Encode(Commands(), window_bits).size();
  CountBytes(state, Commands().size());
  state.counters["packed/raw"] =
      static_cast<double>(packed) / static_cast<double>(Commands().size());
}
BENCHMARK(EncodeLzss)->Arg(8)->Arg(10)->Arg(12)->Arg(15)->Unit(benchmark::kMillisecond);

void DecodeLzss(benchmark::State& state) {
  const auto window_bits = static_cast<unsigned>(state.range(0));
  const Bytes packed = lzss::Encode(Commands(), window_bits);
  Bytes window(size_t{1} << window_bits);
  for (auto _ : state) {
    size_t left = Commands().size();
    lzss::Decoder decoder;
    decoder.Init(window_bits, window.data());
    for (const uint8_t byte : packed) {
      decoder.Feed(byte);
      for (int32_t unpacked; left != 0 && (unpacked = decoder.Next()) >= 0; --left) {
        benchmark::DoNotOptimize(unpacked);
      }
    }
    if (left != 0) state.SkipWithError("the decoder did not come to the end");
  }
  CountBytes(state, Commands().size());
}
BENCHMARK(DecodeLzss)->Arg(8)->Arg(10)->Arg(15);

/// The patcher as a device runs it: pieces of a packet, a sector buffer of 4 KiB. Bytes are those
/// of new.
void RunPatcher(benchmark::State& state, Codec codec, unsigned window_bits) {
  const Bytes delta = MakeDelta(codec, window_bits);
  const auto piece = static_cast<uint32_t>(state.range(0));
  Bytes window(size_t{1} << window_bits), sector(4096);
  Bytes rebuilt;
  for (auto _ : state) {
    rebuilt.clear();
    const Base base{[](void* context, uint32_t offset, uint8_t* to, uint32_t size) {
                      memcpy(to, static_cast<const Bytes*>(context)->data() + offset, size);
                      return Status::kDone;
                    },
                    const_cast<Bytes*>(&OldImage()), static_cast<uint32_t>(OldImage().size())};
    const Output output{sector.data(),
                        static_cast<uint32_t>(sector.size()),
                        [](void* context, uint8_t* data, uint32_t size) {
                          Bytes& to = *static_cast<Bytes*>(context);
                          to.insert(to.end(), data, data + size);
                          return Status::kDone;
                        },
                        nullptr,
                        &rebuilt,
                        static_cast<uint32_t>(NewImage().size())};
    Patcher patcher;
    patcher.Init({base, output, window.data(), static_cast<uint32_t>(window.size())});
    Status status = Status::kNeedInput;
    for (size_t i = 0; i < delta.size() && status == Status::kNeedInput; i += piece) {
      const size_t size = std::min<size_t>(piece, delta.size() - i);
      status = patcher.Write(delta.data() + i, static_cast<uint32_t>(size));
    }
    status = patcher.Finish();
    if (status != Status::kDone) state.SkipWithError(StatusName(status));
  }
  if (rebuilt != NewImage()) state.SkipWithError("the rebuilt image is not new");
  CountBytes(state, NewImage().size());
  state.counters["delta"] = static_cast<double>(delta.size());
}

void PatchRaw(benchmark::State& state) { RunPatcher(state, Codec::kRaw, 0); }
BENCHMARK(PatchRaw)->Arg(1)->Arg(kBlePacket)->Arg(1 << 20)->Unit(benchmark::kMicrosecond);

void PatchLzss(benchmark::State& state) { RunPatcher(state, Codec::kLzss, 10); }
BENCHMARK(PatchLzss)->Arg(1)->Arg(kBlePacket)->Arg(1 << 20)->Unit(benchmark::kMicrosecond);

void Check(benchmark::State& state) {
  const Bytes& image = OldImage();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        UpdateCheck(kCheckStart, image.data(), static_cast<uint32_t>(image.size())));
  }
  CountBytes(state, image.size());
}
BENCHMARK(Check);

}  // namespace
}  // namespace mote

BENCHMARK_MAIN();
