// SPDX-License-Identifier: Apache-2.0
#include "diff/bsdiff40.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "diff/align.h"
#include "diff/library_codecs.h"

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
  throw Error(Status::kCorrupt, "the bsdiff40 delta is damaged: " + what);
}

struct Parts {
  std::span<const uint8_t> control, difference, extra;  // packed
  uint64_t new_size;
};

Parts Split(std::span<const uint8_t> delta) {
  if (!IsBsdiff40(delta)) throw Error(Status::kCorrupt, "this is not a bsdiff40 delta");
  if (delta.size() < kHeaderSize) throw Error(Status::kNeedInput, "the bsdiff40 delta is shorter than its header");
  const int64_t control = ReadNumber(&delta[8]);
  const int64_t difference = ReadNumber(&delta[16]);
  const int64_t new_size = ReadNumber(&delta[24]);
  const auto room = static_cast<int64_t>(delta.size() - kHeaderSize);
  if (control < 0 || difference < 0 || new_size < 0) ThrowCorrupt("a negative size in its header");
  if (new_size > kMaxImageSize) throw Error(Status::kUnsupported, "the new image is above 2 GiB - 1");
  if (control > room || difference > room - control) {
    throw Error(Status::kNeedInput, "the bsdiff40 delta was cut short: its header promises more than there is");
  }
  const auto body = delta.subspan(kHeaderSize);
  const auto c = static_cast<size_t>(control);
  const auto d = static_cast<size_t>(difference);
  return {body.subspan(0, c), body.subspan(c, d), body.subspan(c + d), static_cast<uint64_t>(new_size)};
}

std::vector<uint8_t> UnpackControl(const Parts& parts) {
  // Each triple but a few makes at least one byte of new.
  std::vector<uint8_t> control =
      UnpackWithLibrary(Codec::kBz2, parts.control, kTripleSize * (2 * parts.new_size + 2));
  if (control.size() % kTripleSize != 0) ThrowCorrupt("its control stream ends inside a triple");
  return control;
}

}  // namespace

bool IsBsdiff40(std::span<const uint8_t> delta) {
  return delta.size() >= 8 && std::memcmp(delta.data(), kMagic, 8) == 0;
}

std::vector<uint8_t> WriteBsdiff40(std::span<const uint8_t> old_image, std::span<const uint8_t> new_image,
                                   const std::function<void(double)>& progress) {
  if (std::max(old_image.size(), new_image.size()) > kMaxImageSize) {
    throw Error(Status::kUnsupported, "images above 2 GiB - 1 are not supported: split them");
  }
  std::vector<Copy> copies = Align(SuffixArray(old_image), old_image, new_image, AlignCosts{}, progress);
  // A triple copies first: what stands before the first copy needs an empty one.
  if (!new_image.empty() && (copies.empty() || copies[0].new_position != 0 || copies[0].old_position != 0)) {
    copies.insert(copies.begin(), Copy{0, 0, 0});
  }
  std::vector<uint8_t> control, difference, extra;
  for (size_t i = 0; i < copies.size(); ++i) {
    const Copy& copy = copies[i];
    const bool last = i + 1 == copies.size();
    const uint32_t copy_end = copy.new_position + copy.length;
    const uint32_t next = last ? static_cast<uint32_t>(new_image.size()) : copies[i + 1].new_position;
    const int64_t old_end = int64_t{copy.old_position} + copy.length;
    AppendNumber(control, copy.length);
    AppendNumber(control, next - copy_end);
    AppendNumber(control, last ? 0 : copies[i + 1].old_position - old_end);
    for (uint32_t j = 0; j < copy.length; ++j) {
      difference.push_back(static_cast<uint8_t>(new_image[copy.new_position + j] - old_image[copy.old_position + j]));
    }
    extra.insert(extra.end(), new_image.begin() + copy_end, new_image.begin() + next);
  }
  const std::vector<uint8_t> packed[] = {PackWithLibrary(Codec::kBz2, control), PackWithLibrary(Codec::kBz2, difference),
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
  return {parts.control.size(), parts.difference.size(), parts.extra.size(), parts.new_size,
          UnpackControl(parts).size() / kTripleSize};
}

std::vector<uint8_t> ApplyBsdiff40(std::span<const uint8_t> old_image, std::span<const uint8_t> delta) {
  const Parts parts = Split(delta);
  const std::vector<uint8_t> control = UnpackControl(parts);
  const std::vector<uint8_t> difference = UnpackWithLibrary(Codec::kBz2, parts.difference, parts.new_size);
  const std::vector<uint8_t> extra = UnpackWithLibrary(Codec::kBz2, parts.extra, parts.new_size);
  std::vector<uint8_t> image;
  size_t difference_at = 0;
  size_t extra_at = 0;
  int64_t old_at = 0;
  for (size_t at = 0; image.size() < parts.new_size; at += kTripleSize) {
    if (at == control.size()) ThrowCorrupt("its control stream ends before the image does");
    const int64_t add = ReadNumber(&control[at]);
    const int64_t insert = ReadNumber(&control[at + 8]);
    const int64_t seek = ReadNumber(&control[at + 16]);
    const auto room = static_cast<int64_t>(parts.new_size - image.size());
    if (add < 0 || insert < 0 || add > room || insert > room - add) ThrowCorrupt("a length leaves the image");
    if (add > static_cast<int64_t>(difference.size() - difference_at) ||
        insert > static_cast<int64_t>(extra.size() - extra_at)) {
      ThrowCorrupt("a stream is shorter than its commands say");
    }
    for (int64_t i = 0; i < add; ++i, ++old_at) {
      // As bspatch does: what lies outside old counts as zero.
      const bool inside = old_at >= 0 && old_at < static_cast<int64_t>(old_image.size());
      image.push_back(static_cast<uint8_t>(difference[difference_at++] + (inside ? old_image[static_cast<size_t>(old_at)] : 0)));
    }
    image.insert(image.end(), extra.begin() + static_cast<int64_t>(extra_at),
                 extra.begin() + static_cast<int64_t>(extra_at) + insert);
    extra_at += static_cast<size_t>(insert);
    constexpr int64_t kFar = int64_t{1} << 40;
    if (seek < -kFar || seek > kFar || old_at < -kFar || old_at > kFar) ThrowCorrupt("a seek leaves the image");
    old_at += seek;
  }
  return image;
}

}  // namespace mote
