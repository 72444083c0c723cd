// SPDX-License-Identifier: Apache-2.0
#include "diff/apply.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "diff/commands.h"
#include "diff/unpacker.h"
#include "lzss/decoder.h"
#include "patch/patcher.h"

namespace mote {
namespace {

// What the rebuilt image is collected in; one sector of a typical part.
constexpr uint32_t kBufferSize = 4096;
constexpr size_t kPiece = 1 << 14;

// Reads header fields; each failure says how far the delta went.
class HeaderReader {
 public:
  explicit HeaderReader(std::span<const uint8_t> delta) : delta_(delta) {}
  uint8_t Byte() {
    if (at_ >= delta_.size()) {
      throw Error(Status::kNeedInput, "the delta was cut short: it ends inside its header, after " +
                                          std::to_string(at_) + " bytes; get it again");
    }
    return delta_[at_++];
  }
  uint32_t Varint() {
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint8_t byte = Byte();
      if (shift == 28 && byte > 0x0F) {
        throw Error(Status::kCorrupt,
                    "the delta is damaged: a size in its header exceeds 32 bits (offset " +
                        std::to_string(at_ - 1) + "); get it again");
      }
      value |= static_cast<uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  }
  uint32_t at() const { return at_; }

 private:
  std::span<const uint8_t> delta_;
  uint32_t at_ = 0;
};

// Hands on no more commands than FORMAT.md 4 allows: a difference of one byte takes at most five
// for the copy before it, one for itself and one byte, so that no encoder writes more. What a
// device decodes is bounded by its input.
class BoundedUnpacker : public Unpacker {
 public:
  BoundedUnpacker(std::unique_ptr<Unpacker> inner, uint64_t limit)
      : inner_(std::move(inner)), left_(limit) {}
  size_t Read(std::span<uint8_t> to) override {
    const size_t size =
        inner_->Read(to.first(static_cast<size_t>(std::min<uint64_t>(to.size(), left_ + 1))));
    if (size > left_) {
      throw Error(Status::kCorrupt,
                  "the delta unpacks to more than its image can need: it is damaged or forged; get "
                  "it again");
    }
    left_ -= size;
    return size;
  }

 private:
  std::unique_ptr<Unpacker> inner_;
  uint64_t left_;
};

std::unique_ptr<Unpacker> OpenCommands(std::span<const uint8_t> delta, const DeltaHeader& header) {
  const std::span<const uint8_t> packed = delta.subspan(header.header_size);
  if (header.codec == Codec::kRaw) return MakeUnpacker(Codec::kRaw, packed);
  if (header.codec == Codec::kLzss) return MakeLzssUnpacker(header.window_bits, packed);
  return std::make_unique<BoundedUnpacker>(MakeUnpacker(header.codec, packed),
                                           8ull * header.new_size + 64);
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

Status ReadNew(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  std::memcpy(to, static_cast<Target*>(context)->new_image.data() + offset, size);
  return Status::kDone;
}

// `at` says where.
std::string Explain(Status status, const std::string& at) {
  switch (status) {
    case Status::kNeedInput:
      return "the delta was cut short: it ends before the image is complete " + at +
             "; get it again";
    case Status::kWrongBase:
      return "this is not the image that the delta was made from: take that one, or make a new "
             "delta";
    case Status::kCorrupt:
      return "the delta is damaged " + at + ": get it again";
    case Status::kUnsupported:
      return "the delta needs a newer mote";
    default:
      return std::string("the patcher stopped with ") + StatusName(status) + " " + at;
  }
}

}  // namespace

DeltaHeader ReadHeader(std::span<const uint8_t> delta) {
  HeaderReader reader(delta);
  DeltaHeader header{};
  const uint8_t magic = reader.Byte();
  if ((magic & 0xF0) != (kMagicAndVersion & 0xF0)) {
    throw Error(
        Status::kCorrupt,
        "this is not a mote delta (offset 0): give a file that mote diff wrote, or get it again");
  }
  header.version = magic & 0x0F;
  if (magic != kMagicAndVersion) {
    throw Error(Status::kUnsupported,
                "the delta has format version " + std::to_string(header.version) +
                    " (offset 0), this build reads " + std::to_string(kMagicAndVersion & 0x0F) +
                    ": use a newer mote");
  }
  const uint8_t codec = reader.Byte();
  header.codec = static_cast<Codec>(codec & 0x0F);
  header.old_size = reader.Varint();
  const uint32_t difference = reader.Varint();
  header.new_size = header.old_size + ((difference >> 1) ^ (0u - (difference & 1)));
  for (int shift = 0; shift < 32; shift += 8)
    header.old_check |= static_cast<uint32_t>(reader.Byte()) << shift;
  header.header_size = reader.at();

  const unsigned parameter = codec >> 4;
  unsigned largest_parameter = 0;
  switch (header.codec) {
    case Codec::kLzss:
      header.window_bits = lzss::kMinWindowBits + parameter;
      largest_parameter = lzss::kMaxWindowBits - lzss::kMinWindowBits;
      break;
    case Codec::kModel:
      header.profile = parameter;
      largest_parameter = kModelProfiles - 1;
      break;
    case Codec::kRaw:
    case Codec::kBz2:
    case Codec::kZstd:
    case Codec::kLz4:
      break;
    default:
      throw Error(Status::kUnsupported,
                  "the delta's codec " + std::to_string(codec & 0x0F) +
                      " (offset 1) is unknown to this build: use a newer mote");
  }
  if (parameter > largest_parameter) {
    throw Error(Status::kUnsupported, "the codec's parameter " + std::to_string(parameter) +
                                          " (offset 1) is unknown to this build: use a newer mote");
  }
  if ((header.old_size | header.new_size) > kMaxImageSize) {
    throw Error(Status::kCorrupt,
                "the delta is damaged: its header states an image above 2 GiB - 1 bytes (offset "
                "2); get it again");
  }
  return header;
}

uint32_t CodecMemory(const DeltaHeader& header) {
  if (header.codec == Codec::kLzss) return 1u << header.window_bits;
  if (header.codec == Codec::kModel) return ModelMemory(header.profile);
  return 0;
}

std::vector<uint8_t> UnpackCommands(std::span<const uint8_t> delta, const DeltaHeader& header) {
  std::vector<uint8_t> commands(CountCommands(*OpenCommands(delta, header), header).command_bytes);
  OpenCommands(delta, header)->Read(commands);
  return commands;
}

DeltaStatistics ReadStatistics(std::span<const uint8_t> delta) {
  const DeltaHeader header = ReadHeader(delta);
  return CountCommands(*OpenCommands(delta, header), header);
}

std::vector<uint8_t> Apply(std::span<const uint8_t> old_image, std::span<const uint8_t> delta) {
  const DeltaHeader header = ReadHeader(delta);
  Target target{old_image, {}};
  std::array<uint8_t, kBufferSize> buffer;
  // In words: codec model wants its memory aligned.
  std::vector<uint64_t> memory((CodecMemory(header) + 7) / 8);
  Patcher patcher;
  patcher.Init({{&ReadOld, &target,
                 static_cast<uint32_t>(std::min<size_t>(old_image.size(), kMaxImageSize))},
                {buffer.data(), kBufferSize, &AppendNew, &ReadNew, &target, kMaxImageSize},
                reinterpret_cast<uint8_t*>(memory.data()),
                static_cast<uint32_t>(memory.size() * 8)});
  // Byte by byte, so that a message can name the offset.
  Status status = Status::kNeedInput;
  uint64_t taken = 0;
  const auto feed = [&](std::span<const uint8_t> bytes) {
    for (size_t i = 0; i < bytes.size() && status == Status::kNeedInput; ++i, ++taken)
      status = patcher.Write(&bytes[i], 1);
  };
  const auto finish = [&](const char* what) {
    // The culprit's offset; for a delta that ends too early, that of the first byte that is
    // missing.
    const uint64_t at = status == Status::kNeedInput ? taken : taken - 1;
    status = patcher.Finish();
    if (status != Status::kDone)
      throw Error(status, Explain(status, "(offset " + std::to_string(at) + what + ")"));
    return std::move(target.new_image);
  };
  if (header.codec == Codec::kRaw || header.codec == Codec::kLzss || header.codec == Codec::kModel) {
    feed(delta);
    return finish("");
  }
  // The device knows no library codec: it gets the same delta, unpacked.
  std::vector<uint8_t> raw_header(delta.begin(), delta.begin() + header.header_size);
  raw_header[1] = static_cast<uint8_t>(Codec::kRaw);
  feed(raw_header);
  taken = 0;
  const std::unique_ptr<Unpacker> commands = OpenCommands(delta, header);
  std::vector<uint8_t> piece(kPiece);
  for (bool more = true; more && status == Status::kNeedInput;) {
    const size_t size = commands->Read(piece);
    more = size == piece.size();
    feed(std::span(piece).first(size));
  }
  return finish(" of its unpacked commands");
}

}  // namespace mote
