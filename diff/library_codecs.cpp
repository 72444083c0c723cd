// SPDX-License-Identifier: Apache-2.0
#include "diff/library_codecs.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "diff/error.h"
#include "diff/unpacker.h"
#include "lzss/decoder.h"

namespace mote {
namespace {

constexpr int kBz2BlockSize = 9;
constexpr int kZstdLevel = 19;
[[noreturn]] void ThrowDamaged(const char* library, const std::string& detail) {
  throw Error(Status::kCorrupt,
              std::string(library) + " finds the delta damaged (" + detail + "): get it again");
}
[[noreturn]] void ThrowShort(const char* library) {
  throw Error(Status::kNeedInput, std::string("the delta was cut short: its ") + library +
                                      " stream has no end; get it again");
}
void RequirePacked(bool ok, const char* library) {
  if (!ok) throw std::runtime_error(std::string(library) + " could not compress");
}

std::vector<uint8_t> PackBz2(std::span<const uint8_t> bytes) {
  // libbz2's manual: at most 1 % and 600 bytes larger.
  unsigned size = static_cast<unsigned>(bytes.size() + bytes.size() / 100 + 601);
  std::vector<uint8_t> packed(size);
  char nothing = 0;  // the library refuses a null source, also of no bytes
  char* source =
      bytes.empty() ? &nothing : reinterpret_cast<char*>(const_cast<uint8_t*>(bytes.data()));
  const int result =
      BZ2_bzBuffToBuffCompress(reinterpret_cast<char*>(packed.data()), &size, source,
                               static_cast<unsigned>(bytes.size()), kBz2BlockSize, 0, 0);
  RequirePacked(result == BZ_OK, "libbz2");
  packed.resize(size);
  return packed;
}

class Bz2Unpacker : public Unpacker {
 public:
  explicit Bz2Unpacker(std::span<const uint8_t> packed) {
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
    stream_.next_in = reinterpret_cast<char*>(const_cast<uint8_t*>(packed.data()));
    stream_.avail_in = static_cast<unsigned>(packed.size());
  }
  ~Bz2Unpacker() override { BZ2_bzDecompressEnd(&stream_); }
  Bz2Unpacker(const Bz2Unpacker&) = delete;
  Bz2Unpacker& operator=(const Bz2Unpacker&) = delete;

  size_t Read(std::span<uint8_t> to) override {
    stream_.next_out = reinterpret_cast<char*>(to.data());
    stream_.avail_out = static_cast<unsigned>(to.size());
    while (stream_.avail_out != 0 && !ended_) {
      const int result = BZ2_bzDecompress(&stream_);
      if (result != BZ_OK && result != BZ_STREAM_END)
        ThrowDamaged("libbz2", "error " + std::to_string(result));
      ended_ = result == BZ_STREAM_END;
      if (!ended_ && stream_.avail_in == 0 && stream_.avail_out != 0) ThrowShort("bzip2");
    }
    return to.size() - stream_.avail_out;
  }

 private:
  bz_stream stream_{};
  bool ended_ = false;
};

std::vector<uint8_t> PackZstd(std::span<const uint8_t> bytes) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                   &ZSTD_freeCCtx);
  // The header has the sizes and the checks: the frame need not.
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  std::vector<uint8_t> packed(ZSTD_compressBound(bytes.size()));
  const size_t size =
      ZSTD_compress2(context.get(), packed.data(), packed.size(), bytes.data(), bytes.size());
  RequirePacked(!ZSTD_isError(size), "libzstd");
  packed.resize(size);
  return packed;
}

class ZstdUnpacker : public Unpacker {
 public:
  explicit ZstdUnpacker(std::span<const uint8_t> packed) : in_{packed.data(), packed.size(), 0} {
    if (context_ == nullptr) throw std::bad_alloc();
  }

  size_t Read(std::span<uint8_t> to) override {
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    while (out.pos != out.size && !ended_) {
      const size_t result = ZSTD_decompressStream(context_.get(), &out, &in_);
      if (ZSTD_isError(result)) ThrowDamaged("libzstd", ZSTD_getErrorName(result));
      ended_ = result == 0;
      if (!ended_ && in_.pos == in_.size && out.pos != out.size) ThrowShort("zstd");
    }
    return out.pos;
  }

 private:
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_{ZSTD_createDCtx(), &ZSTD_freeDCtx};
  ZSTD_inBuffer in_;
  bool ended_ = false;
};

std::vector<uint8_t> PackLz4(std::span<const uint8_t> bytes) {
  LZ4F_preferences_t preferences{};
  preferences.compressionLevel = LZ4HC_CLEVEL_MAX;
  preferences.frameInfo.blockMode = LZ4F_blockLinked;
  std::vector<uint8_t> packed(LZ4F_compressFrameBound(bytes.size(), &preferences));
  const size_t size =
      LZ4F_compressFrame(packed.data(), packed.size(), bytes.data(), bytes.size(), &preferences);
  RequirePacked(!LZ4F_isError(size), "liblz4");
  packed.resize(size);
  return packed;
}

class Lz4Unpacker : public Unpacker {
 public:
  explicit Lz4Unpacker(std::span<const uint8_t> packed) : rest_(packed) {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)))
      throw std::bad_alloc();
  }
  ~Lz4Unpacker() override { LZ4F_freeDecompressionContext(context_); }
  Lz4Unpacker(const Lz4Unpacker&) = delete;
  Lz4Unpacker& operator=(const Lz4Unpacker&) = delete;

  size_t Read(std::span<uint8_t> to) override {
    size_t made = 0;
    while (made != to.size() && !ended_) {
      size_t out_size = to.size() - made;
      size_t in_size = rest_.size();
      const size_t result =
          LZ4F_decompress(context_, to.data() + made, &out_size, rest_.data(), &in_size, nullptr);
      if (LZ4F_isError(result)) ThrowDamaged("liblz4", LZ4F_getErrorName(result));
      rest_ = rest_.subspan(in_size);
      made += out_size;
      ended_ = result == 0;
      if (!ended_ && in_size == 0 && out_size == 0) ThrowShort("lz4");
    }
    return made;
  }

 private:
  LZ4F_dctx* context_ = nullptr;
  std::span<const uint8_t> rest_;
  bool ended_ = false;
};

class RawUnpacker : public Unpacker {
 public:
  explicit RawUnpacker(std::span<const uint8_t> bytes) : rest_(bytes) {}

  size_t Read(std::span<uint8_t> to) override {
    const size_t size = std::min(to.size(), rest_.size());
    std::copy_n(rest_.begin(), size, to.begin());
    rest_ = rest_.subspan(size);
    return size;
  }

 private:
  std::span<const uint8_t> rest_;
};

class LzssUnpacker : public Unpacker {
 public:
  LzssUnpacker(unsigned window_bits, std::span<const uint8_t> packed)
      : packed_(packed), window_(size_t{1} << window_bits) {
    decoder_.Init(window_bits, window_.data());
  }

  size_t Read(std::span<uint8_t> to) override {
    size_t made = 0;
    while (made != to.size()) {
      const int32_t byte = damaged_ ? lzss::kDamaged : decoder_.Next();
      if (byte >= 0) {
        to[made++] = static_cast<uint8_t>(byte);
      } else if (byte != lzss::kHungry) {
        // Padding may look like this: what stands before it counts.
        damaged_ = true;
        if (made != 0) break;
        ThrowDamaged("the LZSS decoder",
                     "offset " + std::to_string(at_ - 1) + " behind the header");
      } else if (at_ == packed_.size()) {
        break;
      } else {
        decoder_.Feed(packed_[at_++]);
      }
    }
    return made;
  }

 private:
  std::span<const uint8_t> packed_;
  size_t at_ = 0;
  std::vector<uint8_t> window_;
  lzss::Decoder decoder_;
  bool damaged_ = false;
};

}  // namespace

std::vector<uint8_t> PackWithLibrary(Codec codec, std::span<const uint8_t> bytes) {
  switch (codec) {
    case Codec::kBz2:
      return PackBz2(bytes);
    case Codec::kZstd:
      return PackZstd(bytes);
    case Codec::kLz4:
      return PackLz4(bytes);
    default:
      throw Error(Status::kBadArgument, "not a library codec");
  }
}

std::unique_ptr<Unpacker> MakeUnpacker(Codec codec, std::span<const uint8_t> packed) {
  switch (codec) {
    case Codec::kRaw:
      return std::make_unique<RawUnpacker>(packed);
    case Codec::kBz2:
      return std::make_unique<Bz2Unpacker>(packed);
    case Codec::kZstd:
      return std::make_unique<ZstdUnpacker>(packed);
    case Codec::kLz4:
      return std::make_unique<Lz4Unpacker>(packed);
    default:
      throw Error(Status::kBadArgument, "this codec has another unpacker");
  }
}

std::unique_ptr<Unpacker> MakeLzssUnpacker(unsigned window_bits, std::span<const uint8_t> packed) {
  return std::make_unique<LzssUnpacker>(window_bits, packed);
}

}  // namespace mote
