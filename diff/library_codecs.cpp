// SPDX-License-Identifier: Apache-2.0
#include "diff/library_codecs.h"

#include <bzlib.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <zstd.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>

namespace mote {
namespace {

constexpr int kBz2BlockSize = 9;
constexpr int kZstdLevel = 19;
constexpr size_t kPiece = 1 << 16;

// What is unpacked so far, never more than it may be.
class BoundedOutput {
 public:
  explicit BoundedOutput(uint64_t limit) : limit_(limit) {}
  void Append(const uint8_t* data, size_t size) {
    if (size > limit_ - bytes_.size()) {
      throw Error(Status::kCorrupt, "the delta unpacks to more than its image can need: it is damaged or forged");
    }
    bytes_.insert(bytes_.end(), data, data + size);
  }
  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  uint64_t limit_;
  std::vector<uint8_t> bytes_;
};

[[noreturn]] void ThrowDamaged(const char* library, const std::string& detail) {
  throw Error(Status::kCorrupt, std::string(library) + " finds the delta damaged: " + detail);
}
[[noreturn]] void ThrowShort(const char* library) {
  throw Error(Status::kNeedInput, std::string("the delta was cut short: its ") + library + " stream has no end");
}
void RequirePacked(bool ok, const char* library) {
  if (!ok) throw std::runtime_error(std::string(library) + " could not compress");
}

std::vector<uint8_t> PackBz2(std::span<const uint8_t> bytes) {
  // libbz2's manual: at most 1 % and 600 bytes larger.
  unsigned size = static_cast<unsigned>(bytes.size() + bytes.size() / 100 + 601);
  std::vector<uint8_t> packed(size);
  char nothing = 0;  // the library refuses a null source, also of no bytes
  char* source = bytes.empty() ? &nothing : reinterpret_cast<char*>(const_cast<uint8_t*>(bytes.data()));
  const int result = BZ2_bzBuffToBuffCompress(
      reinterpret_cast<char*>(packed.data()), &size, source, static_cast<unsigned>(bytes.size()), kBz2BlockSize, 0, 0);
  RequirePacked(result == BZ_OK, "libbz2");
  packed.resize(size);
  return packed;
}

std::vector<uint8_t> UnpackBz2(std::span<const uint8_t> packed, uint64_t limit) {
  bz_stream stream{};
  if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) throw std::bad_alloc();
  const std::unique_ptr<bz_stream, int (*)(bz_stream*)> guard(&stream, &BZ2_bzDecompressEnd);
  BoundedOutput output(limit);
  std::array<uint8_t, kPiece> piece;
  stream.next_in = reinterpret_cast<char*>(const_cast<uint8_t*>(packed.data()));
  stream.avail_in = static_cast<unsigned>(packed.size());
  for (;;) {
    stream.next_out = reinterpret_cast<char*>(piece.data());
    stream.avail_out = piece.size();
    const int result = BZ2_bzDecompress(&stream);
    if (result != BZ_OK && result != BZ_STREAM_END) ThrowDamaged("libbz2", "error " + std::to_string(result));
    output.Append(piece.data(), piece.size() - stream.avail_out);
    if (result == BZ_STREAM_END) return output.Take();
    if (stream.avail_in == 0 && stream.avail_out != 0) ThrowShort("bzip2");
  }
}

std::vector<uint8_t> PackZstd(std::span<const uint8_t> bytes) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  // The header has the sizes and the checks: the frame need not.
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  std::vector<uint8_t> packed(ZSTD_compressBound(bytes.size()));
  const size_t size = ZSTD_compress2(context.get(), packed.data(), packed.size(), bytes.data(), bytes.size());
  RequirePacked(!ZSTD_isError(size), "libzstd");
  packed.resize(size);
  return packed;
}

std::vector<uint8_t> UnpackZstd(std::span<const uint8_t> packed, uint64_t limit) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  BoundedOutput output(limit);
  std::array<uint8_t, kPiece> piece;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    const size_t result = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(result)) ThrowDamaged("libzstd", ZSTD_getErrorName(result));
    output.Append(piece.data(), out.pos);
    if (result == 0) return output.Take();
    if (in.pos == in.size && out.pos < out.size) ThrowShort("zstd");
  }
}

std::vector<uint8_t> PackLz4(std::span<const uint8_t> bytes) {
  LZ4F_preferences_t preferences{};
  preferences.compressionLevel = LZ4HC_CLEVEL_MAX;
  preferences.frameInfo.blockMode = LZ4F_blockLinked;
  std::vector<uint8_t> packed(LZ4F_compressFrameBound(bytes.size(), &preferences));
  const size_t size = LZ4F_compressFrame(packed.data(), packed.size(), bytes.data(), bytes.size(), &preferences);
  RequirePacked(!LZ4F_isError(size), "liblz4");
  packed.resize(size);
  return packed;
}

std::vector<uint8_t> UnpackLz4(std::span<const uint8_t> packed, uint64_t limit) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION))) throw std::bad_alloc();
  const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context(raw, &LZ4F_freeDecompressionContext);
  BoundedOutput output(limit);
  std::array<uint8_t, kPiece> piece;
  size_t at = 0;
  for (;;) {
    size_t out_size = piece.size();
    size_t in_size = packed.size() - at;
    const size_t result =
        LZ4F_decompress(context.get(), piece.data(), &out_size, packed.data() + at, &in_size, nullptr);
    if (LZ4F_isError(result)) ThrowDamaged("liblz4", LZ4F_getErrorName(result));
    at += in_size;
    output.Append(piece.data(), out_size);
    if (result == 0) return output.Take();
    if (in_size == 0 && out_size == 0) ThrowShort("lz4");
  }
}

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

std::vector<uint8_t> UnpackWithLibrary(Codec codec, std::span<const uint8_t> packed, uint64_t limit) {
  switch (codec) {
    case Codec::kBz2:
      return UnpackBz2(packed, limit);
    case Codec::kZstd:
      return UnpackZstd(packed, limit);
    case Codec::kLz4:
      return UnpackLz4(packed, limit);
    default:
      throw Error(Status::kBadArgument, "not a library codec");
  }
}

}  // namespace mote
