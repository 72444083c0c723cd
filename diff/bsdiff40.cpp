// SPDX-License-Identifier: Apache-2.0
#include "diff/bsdiff40.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "diff/align.h"
#include "diff/library_codecs.h"
#include "diff/unpacker.h"

namespace mote {
namespace {

constexpr char kMagic[] = "BSDIFF40";
constexpr size_t kHeaderSize = 32;
constexpr size_t kTripleSize = 24;

// Eight bytes, low ones first, the sign in the top bit.
void AppendNumber(std::vector<uint8_t>& to, int64_t value) {
  uint64_t bits = static_cast<uint64_t>(value < 0 ? -value : value) | (value < 0 ? 1ull << 63 : 0);
  for (int i = 0; i < 8; ++i, bits >>= 8) to.push_back(static_cast<uint8_t>(bits));
}

int64_t ReadNumber(const uint8_t* from) {
  uint64_t bits = 0;
  for (int i = 7; i >= 0; --i) bits = bits << 8 | from[i];
  const int64_t magnitude = static_cast<int64_t>(bits & ~(1ull << 63));
  return bits >> 63 ? -magnitude : magnitude;
}

[[noreturn]] void ThrowCorrupt(const std::string& what) {
  throw Error(Status::kCorrupt, "the bsdiff40 delta is damaged: " + what + "; get it again");
}

struct Parts {
  std::span<const uint8_t> control, difference, extra;  // packed
  uint64_t new_size;
};

Parts Split(std::span<const uint8_t> delta) {
  if (!IsBsdiff40(delta))
    throw Error(Status::kCorrupt, "this is not a bsdiff40 delta: its magic is missing at offset 0");
  if (delta.size() < kHeaderSize)
    throw Error(Status::kNeedInput, "the bsdiff40 delta is shorter than its header: get it again");
  const int64_t control = ReadNumber(&delta[8]);
  const int64_t difference = ReadNumber(&delta[16]);
  const int64_t new_size = ReadNumber(&delta[24]);
  const auto room = static_cast<int64_t>(delta.size() - kHeaderSize);
  if (control < 0 || difference < 0 || new_size < 0) ThrowCorrupt("a negative size in its header");
  if (new_size > kMaxImageSize)
    throw Error(Status::kUnsupported, "the new image is above 2 GiB - 1");
  if (control > room || difference > room - control) {
    throw Error(
        Status::kNeedInput,
        "the bsdiff40 delta was cut short: its header promises more than there is; get it again");
  }
  const auto body = delta.subspan(kHeaderSize);
  const auto c = static_cast<size_t>(control);
  const auto d = static_cast<size_t>(difference);
  return {body.subspan(0, c), body.subspan(c, d), body.subspan(c + d),
          static_cast<uint64_t>(new_size)};
}

struct Triple {
  uint32_t add, insert;  // bytes
  int64_t seek;
};

// The control stream. A forged one may be endless: each triple is checked before the next one is
// unpacked.
class Control {
 public:
  explicit Control(const Parts& parts)
      : stream_(MakeUnpacker(Codec::kBz2, parts.control)),
        left_(static_cast<int64_t>(parts.new_size)) {}

  bool Complete() const { return left_ == 0; }
  Unpacker& stream() { return *stream_; }
  uint64_t triples() const { return triples_; }

  Triple Next() {
    uint8_t bytes[kTripleSize];
    if (stream_->Read(bytes) != sizeof bytes)
      ThrowCorrupt("its control stream ends before the image does");
    const int64_t add = ReadNumber(&bytes[0]);
    const int64_t insert = ReadNumber(&bytes[8]);
    const int64_t seek = ReadNumber(&bytes[16]);
    if (add < 0 || insert < 0 || add > left_ || insert > left_ - add)
      ThrowCorrupt("a length leaves the image");
    if (seek < -kFar || seek > kFar) ThrowCorrupt("a seek leaves the image");
    left_ -= add + insert;
    idle_ = add + insert == 0 ? idle_ + 1 : 0;
    if (idle_ > kMaxIdle) ThrowCorrupt("its commands make nothing");
    ++triples_;
    return {static_cast<uint32_t>(add), static_cast<uint32_t>(insert), seek};
  }

 private:
  static constexpr int64_t kFar = kMaxImageSize;
  static constexpr unsigned kMaxIdle = 16;  // an encoder may start with one

  std::unique_ptr<Unpacker> stream_;
  int64_t left_;  // of new
  uint64_t triples_ = 0;
  unsigned idle_ = 0;  // triples in a row that made nothing
};

// Appends `size` bytes of a stream.
void Append(std::vector<uint8_t>& to, Unpacker& stream, uint32_t size) {
  std::array<uint8_t, 4096> piece;
  while (size != 0) {
    const auto part = std::span(piece).first(std::min<size_t>(size, piece.size()));
    if (stream.Read(part) != part.size()) ThrowCorrupt("a stream is shorter than its commands say");
    to.insert(to.end(), part.begin(), part.end());
    size -= static_cast<uint32_t>(part.size());
  }
}

// At the end of a stream stand bzip2's checks: without a look at it, they would not have been made.
void RequireEnd(Unpacker& stream) {
  uint8_t byte;
  if (stream.Read({&byte, 1}) != 0) ThrowCorrupt("a stream is longer than its commands say");
}

}  // namespace

bool IsBsdiff40(std::span<const uint8_t> delta) {
  return delta.size() >= 8 && std::memcmp(delta.data(), kMagic, 8) == 0;
}

std::vector<uint8_t> WriteBsdiff40(std::span<const uint8_t> old_image,
                                   std::span<const uint8_t> new_image,
                                   const std::function<void(double)>& progress) {
  if (std::max(old_image.size(), new_image.size()) > kMaxImageSize) {
    throw Error(Status::kUnsupported, "images above 2 GiB - 1 are not supported: split them");
  }
  std::vector<Copy> copies =
      Align(SuffixArray(old_image), old_image, new_image, AlignCosts{}, progress);
  // A triple copies first: what stands before the first copy needs an empty one.
  if (!new_image.empty() &&
      (copies.empty() || copies[0].new_position != 0 || copies[0].old_position != 0)) {
    copies.insert(copies.begin(), Copy{0, 0, 0});
  }
  std::vector<uint8_t> control, difference, extra;
  for (size_t i = 0; i < copies.size(); ++i) {
    const Copy& copy = copies[i];
    const bool last = i + 1 == copies.size();
    const uint32_t copy_end = copy.new_position + copy.length;
    const uint32_t next =
        last ? static_cast<uint32_t>(new_image.size()) : copies[i + 1].new_position;
    const int64_t old_end = int64_t{copy.old_position} + copy.length;
    AppendNumber(control, copy.length);
    AppendNumber(control, next - copy_end);
    AppendNumber(control, last ? 0 : copies[i + 1].old_position - old_end);
    for (uint32_t j = 0; j < copy.length; ++j) {
      difference.push_back(static_cast<uint8_t>(new_image[copy.new_position + j] -
                                                old_image[copy.old_position + j]));
    }
    extra.insert(extra.end(), new_image.begin() + copy_end, new_image.begin() + next);
  }
  const std::vector<uint8_t> packed[] = {PackWithLibrary(Codec::kBz2, control),
                                         PackWithLibrary(Codec::kBz2, difference),
                                         PackWithLibrary(Codec::kBz2, extra)};
  std::vector<uint8_t> delta(kMagic, kMagic + 8);
  AppendNumber(delta, static_cast<int64_t>(packed[0].size()));
  AppendNumber(delta, static_cast<int64_t>(packed[1].size()));
  AppendNumber(delta, static_cast<int64_t>(new_image.size()));
  for (const auto& part : packed) delta.insert(delta.end(), part.begin(), part.end());
  return delta;
}

Bsdiff40Info ReadBsdiff40Info(std::span<const uint8_t> delta) {
  const Parts parts = Split(delta);
  Control control(parts);
  while (!control.Complete()) control.Next();
  RequireEnd(control.stream());
  return {parts.control.size(), parts.difference.size(), parts.extra.size(), parts.new_size,
          control.triples()};
}

std::vector<uint8_t> ApplyBsdiff40(std::span<const uint8_t> old_image,
                                   std::span<const uint8_t> delta) {
  const Parts parts = Split(delta);
  Control control(parts);
  const std::unique_ptr<Unpacker> difference = MakeUnpacker(Codec::kBz2, parts.difference);
  const std::unique_ptr<Unpacker> extra = MakeUnpacker(Codec::kBz2, parts.extra);
  std::vector<uint8_t> image;
  int64_t old_at = 0;
  while (!control.Complete()) {
    const Triple triple = control.Next();
    const size_t from = image.size();
    Append(image, *difference, triple.add);
    for (size_t at = from; at != image.size(); ++at, ++old_at) {
      // As bspatch does: what lies outside old counts as zero.
      const bool inside = old_at >= 0 && old_at < static_cast<int64_t>(old_image.size());
      if (inside)
        image[at] = static_cast<uint8_t>(image[at] + old_image[static_cast<size_t>(old_at)]);
    }
    Append(image, *extra, triple.insert);
    old_at += triple.seek;  // below 2^31 in each of below 17 x 2^31 triples: it does not overflow
  }
  for (Unpacker* stream : {&control.stream(), difference.get(), extra.get()}) RequireEnd(*stream);
  return image;
}

}  // namespace mote
