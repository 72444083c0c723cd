// SPDX-License-Identifier: Apache-2.0
// bsdiff40 files against programs nobody here wrote: Debian's bspatch applies ours, we apply those
// of Debian's bsdiff. And files that lie.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "diff/bsdiff40.h"
#include "diff/library_codecs.h"
#include "tests/support/images.h"
#include "tests/support/patcher_rig.h"

namespace mote::testing {
namespace {

// A directory of its own, and Debian's programs in it.
class Workshop {
 public:
  Workshop() {
    std::string pattern = ::testing::TempDir() + "/bsdiff40_test.XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~Workshop() { std::filesystem::remove_all(directory_); }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  Bytes Run(const std::string& program, const Bytes& first, const Bytes& second) const {
    // bsdiff OLD NEW PATCH, bspatch OLD NEW PATCH: what it makes is the third or the second.
    const bool apply = program == "bspatch";
    std::filesystem::remove(Path("made"));
    WriteFile(Path("first"), first);
    WriteFile(Path("second"), second);
    const std::string files = apply ? "first made second" : "first second made";
    const int result =
        system(("cd '" + directory_.string() + "' && " + program + " " + files).c_str());
    EXPECT_EQ(result, 0) << program << " failed, or is not installed (tools/setup)";
    return result == 0 ? ReadFile(Path("made")) : Bytes();
  }

 private:
  std::string Path(const std::string& name) const { return directory_ / name; }
  std::filesystem::path directory_;
};

struct Images {
  Bytes old_image, new_image;
};

std::vector<Images> GeneratedPairs(int count) {
  std::vector<Images> pairs;
  for (int i = 0; i < count; ++i) {
    Random random(static_cast<uint64_t>(i));
    const uint32_t size = 1 + random.Below(i % 10 == 0 ? 60'000 : 8'000);
    const Bytes old_image = i % 5 == 0 ? RandomBytes(random, size) : CodeLikeBytes(random, size);
    Bytes new_image = Edited(random, old_image, 1 + static_cast<int>(random.Below(8)), 60'000);
    if (new_image.empty()) new_image.push_back(0);  // Debian's bsdiff reads no empty file
    pairs.push_back({old_image, new_image});
  }
  return pairs;
}

TEST(Bsdiff40, BspatchAppliesOurs) {
  const Workshop workshop;
  std::vector<Images> pairs = GeneratedPairs(200 / kSlowdown);
  const Bytes image = pairs[0].old_image;
  Random random(99);
  pairs.push_back({image, image});
  pairs.push_back({{}, image});
  pairs.push_back({image, {}});
  pairs.push_back({{}, {}});
  pairs.push_back({image, RandomBytes(random, 3'000)});
  for (size_t i = 0; i < pairs.size(); ++i) {
    SCOPED_TRACE(::testing::Message() << "pair " << i);
    const auto& [old_image, new_image] = pairs[i];
    const Bytes delta = WriteBsdiff40(old_image, new_image, {});
    ASSERT_TRUE(IsBsdiff40(delta));
    ASSERT_EQ(Compare(workshop.Run("bspatch", old_image, delta), new_image), "");
    ASSERT_EQ(Compare(ApplyBsdiff40(old_image, delta), new_image), "");
    ASSERT_EQ(ReadBsdiff40Info(delta).new_size, new_image.size());
  }
}

TEST(Bsdiff40, WeApplyBsdiffs) {
  const Workshop workshop;
  const std::vector<Images> pairs = GeneratedPairs(200 / kSlowdown);
  for (size_t i = 0; i < pairs.size(); ++i) {
    SCOPED_TRACE(::testing::Message() << "pair " << i);
    const auto& [old_image, new_image] = pairs[i];
    const Bytes delta = workshop.Run("bsdiff", old_image, new_image);
    ASSERT_EQ(Compare(ApplyBsdiff40(old_image, delta), new_image), "");
    const Bsdiff40Info info = ReadBsdiff40Info(delta);
    ASSERT_EQ(info.new_size, new_image.size());
    ASSERT_EQ(32 + info.control_size + info.difference_size + info.extra_size, delta.size());
  }
}

// --- Files that lie.

struct Triple {
  int64_t add, insert, seek;
};

void AppendNumber(Bytes& to, int64_t value) {
  const bool negative = value < 0;
  uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  for (int i = 0; i < 8; ++i, magnitude >>= 8) {
    to.push_back(static_cast<uint8_t>((magnitude & (i == 7 ? 0x7F : 0xFF)) |
                                      (i == 7 && negative ? 0x80 : 0)));
  }
}

Bytes File(const std::vector<Triple>& triples, const Bytes& difference, const Bytes& extra,
           int64_t new_size) {
  Bytes control;
  for (const Triple& triple : triples) {
    AppendNumber(control, triple.add);
    AppendNumber(control, triple.insert);
    AppendNumber(control, triple.seek);
  }
  const Bytes streams[] = {PackWithLibrary(Codec::kBz2, control),
                           PackWithLibrary(Codec::kBz2, difference),
                           PackWithLibrary(Codec::kBz2, extra)};
  Bytes file = FromText("BSDIFF40");
  AppendNumber(file, static_cast<int64_t>(streams[0].size()));
  AppendNumber(file, static_cast<int64_t>(streams[1].size()));
  AppendNumber(file, new_size);
  for (const Bytes& stream : streams) file.insert(file.end(), stream.begin(), stream.end());
  return file;
}

std::string Apply(const Bytes& old_image, const Bytes& file) {
  try {
    const Bytes image = ApplyBsdiff40(old_image, file);
    return std::string(image.begin(), image.end());
  } catch (const Error& error) {
    return std::string("refused: ") + StatusName(error.status());
  }
}

std::string Info(const Bytes& file) {
  try {
    return std::to_string(ReadBsdiff40Info(file).copies) + " copies";
  } catch (const Error& error) {
    return std::string("refused: ") + StatusName(error.status());
  }
}

const Bytes kOld = FromText("hello world");
constexpr const char* kCorrupt = "refused: corrupt";
constexpr const char* kCut = "refused: need_input";

TEST(Bsdiff40Hostile, TheHandmadeFileIsGood) {
  const Bytes file = File({{5, 1, 0}, {6, 0, 0}}, Bytes(11), FromText(","), 12);
  EXPECT_EQ(Apply(kOld, file), "hello, world");
  EXPECT_EQ(Info(file), "2 copies");
  EXPECT_EQ(Workshop().Run("bspatch", kOld, file), FromText("hello, world"));
}

TEST(Bsdiff40Hostile, Lengths) {
  constexpr int64_t kLargest = INT64_MAX;
  const Bytes zeros(12);
  const Bytes comma = FromText(",");
  EXPECT_EQ(Apply(kOld, File({{-5, 1, 0}}, zeros, comma, 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{5, -1, 0}}, zeros, comma, 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{13, 0, 0}}, zeros, comma, 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{5, 8, 0}}, zeros, Bytes(9), 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{kLargest, 0, 0}}, zeros, comma, 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{5, kLargest, 0}}, zeros, comma, 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{-kLargest, -kLargest, 0}}, zeros, comma, 12)), kCorrupt);
}

TEST(Bsdiff40Hostile, Seeks) {
  constexpr int64_t kLargest = INT64_MAX;
  // What lies outside the old image counts as zeros, as bspatch has it.
  EXPECT_EQ(Apply(kOld, File({{5, 0, -7}, {3, 0, 0}}, Bytes(8), {}, 8)),
            std::string("hello\0\0h", 8));
  EXPECT_EQ(Apply(kOld, File({{5, 0, 5}, {3, 0, 0}}, Bytes(8), {}, 8)),
            std::string("hellod\0\0", 8));
  for (const int64_t seek : {kLargest, -kLargest, int64_t{1} << 62}) {
    EXPECT_EQ(Apply(kOld, File({{5, 0, seek}, {3, 0, seek}, {3, 0, 0}}, Bytes(11), {}, 11)),
              kCorrupt)
        << seek;
  }
}

TEST(Bsdiff40Hostile, StreamsThatEndEarly) {
  EXPECT_EQ(Apply(kOld, File({{5, 1, 0}}, Bytes(5), FromText(","), 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{5, 1, 0}, {6, 0, 0}}, Bytes(10), FromText(","), 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{5, 1, 0}, {6, 0, 0}}, Bytes(11), {}, 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({}, {}, {}, 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({}, {}, {}, 0)), "");
}

TEST(Bsdiff40Hostile, StreamsThatAreTooLong) {
  const std::vector<Triple> triples = {{5, 1, 0}, {6, 0, 0}};
  EXPECT_EQ(Apply(kOld, File(triples, Bytes(12), FromText(","), 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File(triples, Bytes(11), FromText(",,"), 12)), kCorrupt);
  EXPECT_EQ(Apply(kOld, File({{5, 1, 0}, {6, 0, 0}, {0, 0, 0}}, Bytes(11), FromText(","), 12)),
            kCorrupt);
}

TEST(Bsdiff40Hostile, Header) {
  const Bytes good = File({{5, 1, 0}, {6, 0, 0}}, Bytes(11), FromText(","), 12);
  const auto with = [&](size_t at, int64_t value) {
    Bytes number;
    AppendNumber(number, value);
    Bytes file = good;
    std::copy(number.begin(), number.end(), file.begin() + static_cast<ptrdiff_t>(at));
    return file;
  };
  for (const size_t at : {8u, 16u, 24u}) {
    EXPECT_EQ(Apply(kOld, with(at, -1)), kCorrupt) << at;
    EXPECT_EQ(Apply(kOld, with(at, -INT64_MAX)), kCorrupt) << at;
    EXPECT_EQ(Info(with(at, -1)), kCorrupt) << at;
  }
  for (const size_t at : {8u, 16u}) {
    EXPECT_EQ(Apply(kOld, with(at, 1'000'000)), kCut) << at;
    EXPECT_EQ(Apply(kOld, with(at, INT64_MAX)), kCut) << at;
  }
  EXPECT_EQ(Apply(kOld, with(24, int64_t{1} << 31)), "refused: unsupported");
  EXPECT_EQ(Apply(kOld, with(24, INT64_MAX)), "refused: unsupported");
  EXPECT_EQ(Apply(kOld, with(24, 0x7FFFFFFF)), kCorrupt);
  EXPECT_EQ(Info(with(24, INT64_MAX)), "refused: unsupported");
}

// Commands that make nothing, for ever: they end in an error, soon.
TEST(Bsdiff40Hostile, CommandsOfNothing) {
  const Bytes file = File(std::vector<Triple>(1'000'000, {0, 0, 0}), {}, {}, 0x7FFFFFFF);
  EXPECT_LT(file.size(), 2'000u);
  EXPECT_EQ(Apply(kOld, file), kCorrupt);
  EXPECT_EQ(Info(file), kCorrupt);
}

TEST(Bsdiff40Hostile, EveryFlippedBitAndEveryCut) {
  Random random(5);
  const Bytes old_image = CodeLikeBytes(random, 500);
  const Bytes new_image = Edited(random, old_image, 5, 800);
  const Bytes intact = WriteBsdiff40(old_image, new_image, {});
  const std::string expected(new_image.begin(), new_image.end());
  // No check guards the image, but each stream has bzip2's own.
  Bytes file = intact;
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    file[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const std::string got = Apply(old_image, file);
    ASSERT_TRUE(got == expected || got.starts_with("refused: ")) << "bit " << bit;
    file[bit / 8] = intact[bit / 8];
  }
  for (size_t size = 0; size < intact.size(); ++size) {
    const std::string got =
        Apply(old_image, Bytes(intact.begin(), intact.begin() + static_cast<ptrdiff_t>(size)));
    ASSERT_TRUE(got == kCut || got == kCorrupt)
        << "cut to " << size << " bytes: " << got.substr(0, 40);
  }
}

}  // namespace
}  // namespace mote::testing
