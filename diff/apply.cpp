// SPDX-License-Identifier: Apache-2.0
#include "diff/apply.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "diff/commands.h"
#include "diff/library_codecs.h"
#include "lzss/decoder.h"
#include "patch/patcher.h"

namespace mote {
namespace {

// What the rebuilt image is collected in; one sector of a typical part.
constexpr uint32_t kBufferSize = 4096;

// No encoder writes longer commands: a difference of one byte takes at most five for the copy before it, one for itself, one byte.
uint64_t CommandLimit(const DeltaHeader& header) { return 8ull * header.new_size + 64; }

// Reads header fields; each failure says how far the delta went.
class HeaderReader {
 public:
  explicit HeaderReader(std::span<const uint8_t> delta) : delta_(delta) {}
  uint8_t Byte() {
    if (at_ >= delta_.size()) {
      throw Error(Status::kNeedInput, "the delta ends inside its header, after " + std::to_string(at_) +
                                          " bytes: it was cut short");
    }
    return delta_[at_++];
  }
  uint32_t Varint() {
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint8_t byte = Byte();
      if (shift == 28 && byte > 0x0F) throw Error(Status::kCorrupt, "a size in the header exceeds 32 bits");
      value |= static_cast<uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  }
  uint32_t at() const { return at_; }

 private:
  std::span<const uint8_t> delta_;
  uint32_t at_ = 0;
};

Status CollectByte(void* context, uint8_t byte) {
  auto& commands = *static_cast<std::pair<std::vector<uint8_t>, uint64_t>*>(context);
  if (commands.first.size() == commands.second) return Status::kCorrupt;
  commands.first.push_back(byte);
  return Status::kNeedInput;
}

std::vector<uint8_t> UnpackLzss(std::span<const uint8_t> packed, const DeltaHeader& header) {
  std::vector<uint8_t> window(size_t{1} << header.window_bits);
  std::pair<std::vector<uint8_t>, uint64_t> commands{{}, CommandLimit(header)};
  lzss::Decoder decoder;
  decoder.Init(header.window_bits, window.data(), {&CollectByte, &commands});
  if (const Status status = decoder.Write(packed.data(), static_cast<uint32_t>(packed.size()));
      status != Status::kNeedInput) {
    throw Error(status, "the LZSS stream is damaged");
  }
  return std::move(commands.first);
}

struct Target {
  std::span<const uint8_t> old_image;
  std::vector<uint8_t> new_image;
};

Status ReadOld(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  std::memcpy(to, static_cast<Target*>(context)->old_image.data() + offset, size);
  return Status::kDone;
}

Status AppendNew(void* context, uint8_t* data, uint32_t size) {
  auto& image = static_cast<Target*>(context)->new_image;
  image.insert(image.end(), data, data + size);
  return Status::kDone;
}

std::string Explain(Status status, uint32_t taken) {
  const std::string at = " (at byte " + std::to_string(taken) + " of the delta)";
  switch (status) {
    case Status::kNeedInput:
      return "the delta was cut short: it ends before the image is complete" + at + "; get it again";
    case Status::kWrongBase:
      return "the old image is not the one that the delta was made from: check its version, or make a new delta";
    case Status::kCorrupt:
      return "the delta is damaged" + at + ": get it again";
    case Status::kUnsupported:
      return "the delta needs a newer version of mote";
    default:
      return std::string("the patcher stopped with ") + StatusName(status) + at;
  }
}

}  // namespace

DeltaHeader ReadHeader(std::span<const uint8_t> delta) {
  HeaderReader reader(delta);
  DeltaHeader header{};
  const uint8_t magic = reader.Byte();
  if ((magic & 0xF0) != (kMagicAndVersion & 0xF0)) throw Error(Status::kCorrupt, "this is not a mote delta");
  header.version = magic & 0x0F;
  if (magic != kMagicAndVersion) {
    throw Error(Status::kUnsupported, "the delta has format version " + std::to_string(header.version) +
                                          ", this build reads " + std::to_string(kMagicAndVersion & 0x0F));
  }
  const uint8_t codec = reader.Byte();
  header.codec = static_cast<Codec>(codec & 0x0F);
  const unsigned parameter = codec >> 4;
  switch (header.codec) {
    case Codec::kLzss:
      header.window_bits = lzss::kMinWindowBits + parameter;
      if (header.window_bits > lzss::kMaxWindowBits) {
        throw Error(Status::kUnsupported, "the header sets a reserved bit of the LZSS parameter");
      }
      break;
    case Codec::kRaw:
    case Codec::kBz2:
    case Codec::kZstd:
    case Codec::kLz4:
      if (parameter != 0) throw Error(Status::kUnsupported, "the header sets reserved bits of the codec's parameter");
      break;
    default:
      throw Error(Status::kUnsupported, "the delta's codec " + std::to_string(codec & 0x0F) + " is unknown to this build");
  }
  header.old_size = reader.Varint();
  const uint32_t difference = reader.Varint();
  header.new_size = header.old_size + ((difference >> 1) ^ (0u - (difference & 1)));
  if ((header.old_size | header.new_size) > kMaxImageSize) {
    throw Error(Status::kCorrupt, "the header states an image above 2 GiB");
  }
  for (int shift = 0; shift < 32; shift += 8) header.old_check |= static_cast<uint32_t>(reader.Byte()) << shift;
  header.header_size = reader.at();
  return header;
}

std::vector<uint8_t> UnpackCommands(std::span<const uint8_t> delta, const DeltaHeader& header) {
  const std::span<const uint8_t> packed = delta.subspan(header.header_size);
  if (header.codec == Codec::kRaw) return {packed.begin(), packed.end()};
  if (header.codec == Codec::kLzss) return UnpackLzss(packed, header);
  return UnpackWithLibrary(header.codec, packed, CommandLimit(header));
}

DeltaStatistics ReadStatistics(std::span<const uint8_t> delta) {
  const DeltaHeader header = ReadHeader(delta);
  return CountCommands(UnpackCommands(delta, header), header);
}

std::vector<uint8_t> Apply(std::span<const uint8_t> old_image, std::span<const uint8_t> delta) {
  const DeltaHeader header = ReadHeader(delta);
  std::vector<uint8_t> unpacked;
  if (header.codec != Codec::kRaw && header.codec != Codec::kLzss) {
    // The device knows no library codec: it gets the same delta, unpacked.
    unpacked.assign(delta.begin(), delta.begin() + header.header_size);
    unpacked[1] = static_cast<uint8_t>(Codec::kRaw);
    const std::vector<uint8_t> commands = UnpackCommands(delta, header);
    unpacked.insert(unpacked.end(), commands.begin(), commands.end());
    delta = unpacked;
  }
  Target target{old_image, {}};
  std::array<uint8_t, kBufferSize> buffer;
  std::vector<uint8_t> window(header.codec == Codec::kLzss ? size_t{1} << header.window_bits : 0);
  Patcher patcher;
  patcher.Init({{&ReadOld, &target, static_cast<uint32_t>(std::min<size_t>(old_image.size(), kMaxImageSize))},
                {buffer.data(), kBufferSize, &AppendNew, &target, kMaxImageSize},
                window.data(),
                static_cast<uint32_t>(window.size())});
  Status status = Status::kNeedInput;
  uint32_t taken = 0;
  while (taken < delta.size() && status == Status::kNeedInput) {
    const uint32_t size = static_cast<uint32_t>(std::min<size_t>(64, delta.size() - taken));
    status = patcher.Write(delta.data() + taken, size);
    taken += size;
  }
  if (status != Status::kDone) throw Error(status, Explain(status, taken));
  return std::move(target.new_image);
}

}  // namespace mote
