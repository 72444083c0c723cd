// SPDX-License-Identifier: Apache-2.0
#include "diff/diff.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "diff/align.h"
#include "diff/apply.h"
#include "diff/commands.h"
#include "diff/library_codecs.h"
#include "lzss/encoder.h"
#include "patch/check.h"
#include "stream/updater.h"

namespace mote {
namespace {

struct CodecEntry {
  Codec codec;
  const char* name;
};
constexpr CodecEntry kCodecs[] = {{Codec::kModel, "model"},
                                  {Codec::kRaw, "raw"},
                                  {Codec::kLzss, "lzss"},
                                  {Codec::kBz2, "bz2"},
                                  {Codec::kZstd, "zstd"},
                                  {Codec::kLz4, "lz4"}};

// Command streams above this size are packed with the largest window that fits; below, each window
// is tried.
constexpr size_t kTryAllWindows = 1 << 20;
// The share of the time that alignment takes, for the progress report.
constexpr double kAlignShare = 0.7;

// What to do where `ram` is too small: names a codec that fits.
std::string Advice(uint32_t ram) {
  for (const auto& [codec, parameter] :
       {std::pair(Codec::kModel, kModelProfiles - 1), std::pair(Codec::kLzss, lzss::kMinWindowBits),
        std::pair(Codec::kRaw, 0u)}) {
    const uint32_t needed = *DecoderRam(codec, parameter);
    if (needed <= ram) {
      return std::string("take codec ") + CodecName(codec) + ", which needs " +
             (codec == Codec::kRaw ? "" : "at least ") + std::to_string(needed);
    }
  }
  return "no codec takes less than " + std::to_string(*DecoderRam(Codec::kRaw, 0));
}

std::vector<uint8_t> WriteHeader(std::span<const uint8_t> old_image,
                                 std::span<const uint8_t> new_image, uint8_t codec) {
  std::vector<uint8_t> header{kMagicAndVersion, codec};
  const auto old_size = static_cast<int32_t>(old_image.size());
  const auto new_size = static_cast<int32_t>(new_image.size());
  AppendVarint(header, static_cast<uint32_t>(old_size));
  AppendVarint(header, Zigzag(new_size - old_size));
  const uint32_t check =
      UpdateCheck(kCheckStart, old_image.data(), static_cast<uint32_t>(old_size));
  for (int shift = 0; shift < 32; shift += 8)
    header.push_back(static_cast<uint8_t>(check >> shift));
  return header;
}

struct Packed {
  uint8_t codec;  // as in the header, with its parameter
  std::vector<uint8_t> bytes;
};

Packed PackLzss(std::span<const uint8_t> commands, const DiffOptions& options,
                const std::function<void(double)>& report) {
  unsigned least = lzss::kMinWindowBits;
  unsigned most = lzss::kMaxWindowBits;
  if (options.window_bits != 0) {
    if (options.window_bits < least || options.window_bits > most) {
      throw Error(Status::kBadArgument, "the LZSS window must be 2^8 to 2^15 bytes");
    }
    least = most = options.window_bits;
  }
  while (options.ram != 0 && *DecoderRam(Codec::kLzss, most) > options.ram) {
    if (most == least) {
      throw Error(Status::kDoesNotFit,
                  "codec lzss with a window of 2^" + std::to_string(most) + " bytes needs " +
                      std::to_string(*DecoderRam(Codec::kLzss, most)) +
                      " bytes of RAM on the device, there are " + std::to_string(options.ram) +
                      ": " +
                      (options.ram >= *DecoderRam(Codec::kLzss, lzss::kMinWindowBits)
                           ? "take a smaller window"
                           : Advice(options.ram)));
    }
    --most;
  }
  if (commands.size() > kTryAllWindows) least = most;
  Packed best;
  for (unsigned bits = most; bits >= least; --bits) {
    report(kAlignShare + (1 - kAlignShare) * (most - bits) / (most - least + 1));
    std::vector<uint8_t> bytes = lzss::Encode(commands, bits);
    // Of two of the same size the one with the smaller window.
    if (bits == most || bytes.size() <= best.bytes.size()) {
      best = {static_cast<uint8_t>(static_cast<unsigned>(Codec::kLzss) |
                                   (bits - lzss::kMinWindowBits) << 4),
              std::move(bytes)};
    }
  }
  return best;
}

Packed Pack(std::vector<uint8_t> commands, const DiffOptions& options,
            const std::function<void(double)>& report) {
  switch (options.codec) {
    case Codec::kRaw:
      if (options.ram != 0 && *DecoderRam(Codec::kRaw, 0) > options.ram) {
        throw Error(Status::kDoesNotFit,
                    "codec raw needs " + std::to_string(*DecoderRam(Codec::kRaw, 0)) +
                        " bytes of RAM on the device, there are " + std::to_string(options.ram) +
                        ": " + Advice(options.ram));
      }
      return {static_cast<uint8_t>(Codec::kRaw), std::move(commands)};
    case Codec::kLzss:
      return PackLzss(commands, options, report);
    default:
      return {static_cast<uint8_t>(options.codec), PackWithLibrary(options.codec, commands)};
  }
}

Packed PackModel(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                 const DiffOptions& options) {
  unsigned profile = 0;
  while (options.ram != 0 && kModelRam[profile] > options.ram) {
    if (++profile == kModelProfiles) {
      throw Error(Status::kDoesNotFit,
                  "codec model needs at least " + std::to_string(kModelRam[profile - 1]) +
                      " bytes of RAM on the device, there are " + std::to_string(options.ram) +
                      ": " + Advice(options.ram));
    }
  }
  ModelResult result =
      FindModelDelta(old_image, new_image,
                     {profile, options.architecture, options.old_runs, options.new_runs,
                      options.effort, options.lowest_diagonal, options.match_window, options.progress});
  return {static_cast<uint8_t>(static_cast<unsigned>(Codec::kModel) | profile << 4),
          std::move(result.delta.bytes)};
}

}  // namespace

const char* CodecName(Codec codec) {
  for (const CodecEntry& entry : kCodecs) {
    if (entry.codec == codec) return entry.name;
  }
  return "unknown";
}

std::optional<Codec> CodecByName(std::string_view name) {
  for (const CodecEntry& entry : kCodecs) {
    if (name == entry.name) return entry.codec;
  }
  return {};
}

std::optional<uint32_t> DecoderRam(Codec codec, unsigned parameter) {
  switch (codec) {
    case Codec::kRaw:
      return kUpdaterRam;
    case Codec::kLzss:
      return kUpdaterRam + (1u << parameter);
    case Codec::kModel:
      return kModelRam[parameter];
    default:
      return {};
  }
}

std::optional<uint32_t> DecoderRam(const DeltaHeader& header) {
  return DecoderRam(header.codec, header.codec == Codec::kModel ? header.profile : header.window_bits);
}

std::vector<uint8_t> Diff(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                          const DiffOptions& options) {
  if (std::max(old_image.size(), new_image.size()) > kMaxImageSize) {
    throw Error(Status::kUnsupported, "images above 2 GiB - 1 are not supported: split them");
  }
  const auto report = [&](double done) {
    if (options.progress) options.progress(done);
  };
  Packed packed;
  if (options.codec == Codec::kModel) {
    packed = PackModel(old_image, new_image, options);
  } else {
    const std::vector<Copy> copies =
        Align(SuffixArray(old_image), old_image, new_image, AlignCosts{},
              [&](double done) { report(kAlignShare * done); }, options.lowest_diagonal);
    report(kAlignShare);
    packed = Pack(WriteCommands(old_image, new_image, copies), options, report);
  }
  std::vector<uint8_t> delta = WriteHeader(old_image, new_image, packed.codec);
  delta.insert(delta.end(), packed.bytes.begin(), packed.bytes.end());
  const std::vector<uint8_t> rebuilt = Apply(old_image, delta);
  if (!std::ranges::equal(rebuilt, new_image)) {
    throw std::logic_error(
        "the delta does not rebuild the new image: this is a defect of mote, please report it");
  }
  report(1);
  return delta;
}

}  // namespace mote
