// SPDX-License-Identifier: Apache-2.0
// FORMAT.md, rule by rule: bytes written by hand, and what the document says about them, against
// the device's decoder, the host's reader and the reference decoder.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "diff/apply.h"
#include "diff/diff.h"
#include "diff/library_codecs.h"
#include "tests/support/images.h"
#include "tests/support/patcher_rig.h"
#include "tests/support/reference.h"

namespace mote::testing {
namespace {

const Bytes kOld = FromText("hello world");
const Bytes kNew = FromText("hello, world");
const Bytes kWorked = Hex("D1 00 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D");

// The same answer from all three.
void ExpectEverywhere(const Bytes& old_image, const Bytes& delta, Status status,
                      const Bytes& image) {
  const Outcome device = PatcherRig(old_image).Run(delta, 1);
  EXPECT_EQ(device.status, status) << "device: " << StatusName(device.status);
  const Outcome reference = ReferenceDevice{.old_image = old_image}.Apply(delta);
  EXPECT_EQ(reference.status, status) << "reference: " << StatusName(reference.status);
  if (status == Status::kDone) {
    EXPECT_EQ(device.image, image);
    EXPECT_EQ(reference.image, image);
    EXPECT_EQ(Apply(old_image, delta), image);
    return;
  }
  try {
    Apply(old_image, delta);
    ADD_FAILURE() << "the host made an image";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), status) << "host: " << error.what();
  }
}

// --- Section 6: the worked example, and section 2: known answers.

TEST(Format, WorkedExampleIsDecoded) { ExpectEverywhere(kOld, kWorked, Status::kDone, kNew); }

TEST(Format, WorkedExampleIsWhatTheEncoderWrites) {
  DiffOptions options;
  options.codec = Codec::kRaw;
  EXPECT_EQ(Diff(kOld, kNew, options), kWorked);
}

TEST(Format, ChecksOfTheDraft) {
  EXPECT_EQ(ReferenceCheck({}), 0x811C9DC5u);
  EXPECT_EQ(ReferenceCheck(FromText("a")), 0xE40C292Cu);
  EXPECT_EQ(ReferenceCheck(FromText("foobar")), 0xBF9CF968u);
}

TEST(Format, NoImagesAtAll) {
  // No bytes to no bytes: only the checks.
  ExpectEverywhere({}, Hex("D1 00 00 00 C5 9D 1C 81 C5 9D 1C 81"), Status::kDone, {});
}

// --- Sections 2 to 5: one line a rule. All start from "hello world"; OLD stands for its size and
// check.

struct Case {
  const char* name;
  const char* delta;
  Status status;
  const char* image = "";
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class FormatRule : public ::testing::TestWithParam<Case> {};

constexpr Case kCases[] = {
    // Numbers.
    {"long_forms_are_allowed",
     "D1 00 8B 80 80 80 00 82 00 A7 3F 8B D5 85 00 83 80 00 2C 80 00 86 00 1D A4 0E 4D",
     Status::kDone, "hello, world"},
    {"fifth_byte_too_large", "D1 00 8B 80 80 80 10", Status::kCorrupt},
    {"sixth_byte", "D1 00 8B 80 80 80 80 00", Status::kCorrupt},
    {"command_of_32_bits", "D1 00 0B 02 A7 3F 8B D5 FF FF FF FF 0F", Status::kCorrupt},
    {"command_above_32_bits", "D1 00 0B 02 A7 3F 8B D5 80 80 80 80 10", Status::kCorrupt},
    // Header.
    {"other_magic", "C1 00 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D", Status::kCorrupt},
    {"version_0", "D0 00 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D", Status::kUnsupported},
    {"version_2", "D2 00 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D", Status::kUnsupported},
    {"raw_with_a_parameter", "D1 10 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D",
     Status::kUnsupported},
    {"lzss_with_a_reserved_parameter", "D1 81 0B 02 A7 3F 8B D5 00", Status::kUnsupported},
    {"unknown_codec", "D1 0F 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D", Status::kUnsupported},
    {"old_of_2_GiB", "D1 00 80 80 80 80 08 00 A7 3F 8B D5", Status::kCorrupt},
    {"new_of_2_GiB", "D1 00 0B EA FF FF FF 0F A7 3F 8B D5", Status::kCorrupt},
    {"new_below_nothing", "D1 00 0B 17 A7 3F 8B D5", Status::kCorrupt},  // 11 - 12
    {"other_old_check", "D1 00 0B 02 A8 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D", Status::kWrongBase},
    {"old_longer_than_the_base", "D1 00 0C 00 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D",
     Status::kWrongBase},
    // Commands.
    {"copy_beyond_new", "D1 00 0B 13 A7 3F 8B D5 02", Status::kCorrupt},  // new has 1 byte
    {"copy_beyond_old", "D1 00 0B 08 A7 3F 8B D5 0C", Status::kCorrupt},  // new has 15
    {"insertion_beyond_new", "D1 00 0B 13 A7 3F 8B D5 00 05", Status::kCorrupt},
    {"difference_beyond_new", "D1 00 0B 13 A7 3F 8B D5 00 04", Status::kCorrupt},
    {"difference_beyond_old", "D1 00 0B 08 A7 3F 8B D5 0A 04", Status::kCorrupt},
    {"cursor_before_old", "D1 00 0B 02 A7 3F 8B D5 00 03 2C 01", Status::kCorrupt},
    {"cursor_behind_old", "D1 00 0B 02 A7 3F 8B D5 00 03 2C 18", Status::kCorrupt},
    {"cursor_far_behind_old", "D1 00 0B 02 A7 3F 8B D5 00 03 2C FE FF FF FF 0F", Status::kCorrupt},
    {"cursor_far_before_old", "D1 00 0B 02 A7 3F 8B D5 00 03 2C FF FF FF FF 0F", Status::kCorrupt},
    {"cursor_at_the_end_of_old_may_stand",
     "D1 00 0B 02 A7 3F 8B D5 05 03 2C 0C 00 01 0B 06 1D A4 0E 4D", Status::kDone, "hello, world"},
    {"empty_commands_are_allowed",
     "D1 00 0B 02 A7 3F 8B D5 02 00 03 00 00 01 00 00 03 2C 00 06 1D A4 0E 4D", Status::kDone,
     "hello, world"},
    {"other_new_check", "D1 00 0B 02 A7 3F 8B D5 05 03 2C 00 06 1E A4 0E 4D", Status::kCorrupt},
    {"padding_is_ignored", "D1 00 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D FF FF FF 00",
     Status::kDone, "hello, world"},
    {"cut_before_the_last_byte", "D1 00 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E",
     Status::kNeedInput},
    {"nothing", "", Status::kNeedInput},
};

INSTANTIATE_TEST_SUITE_P(Format, FormatRule, ::testing::ValuesIn(kCases),
                         [](const auto& c) { return std::string(c.param.name); });

TEST_P(FormatRule, HoldsEverywhere) {
  ExpectEverywhere(kOld, Hex(GetParam().delta), GetParam().status, FromText(GetParam().image));
}

// Header (of an old image and a size of new) + commands + the check of `image`.
Bytes Delta(const char* header, const char* commands, const Bytes& image) {
  Bytes delta = Hex(header);
  for (const uint8_t byte : Hex(commands)) delta.push_back(byte);
  const uint32_t check = ReferenceCheck(image);
  for (int shift = 0; shift < 32; shift += 8) delta.push_back(static_cast<uint8_t>(check >> shift));
  return delta;
}

TEST(Format, DifferencesAreAddedModulo256AndTheCursorMovesOn) {
  // "Hello worm?": 'H' is 'h' + E0, then two bytes differ at the end, where new is complete: no
  // copy follows.
  const Bytes image = FromText("Hello wormE");
  ExpectEverywhere(kOld, Delta("D1 00 0B 00 A7 3F 8B D5", "00 02 E0 08 04 01 E1", image),
                   Status::kDone, image);
}

TEST(Format, InsertionThatCompletesNewHasNoSeek) {
  const Bytes image = FromText("hello worldly");
  ExpectEverywhere(kOld, Delta("D1 00 0B 04 A7 3F 8B D5", "0B 05 6C 79", image), Status::kDone,
                   image);
}

TEST(Format, SeeksGoBackAndOldIsUsedAgain) {
  // "world hello": insert nothing and jump to 6, copy 5, insert a blank and jump back by 11,
  // copy 5.
  const Bytes image = FromText("world hello");
  ExpectEverywhere(kOld, Delta("D1 00 0B 00 A7 3F 8B D5", "00 01 0C 05 03 20 15 05", image),
                   Status::kDone, image);
}

TEST(Format, OnlyTheStartOfALongerBaseCounts) {
  // Made from "hello", applied to "hello world".
  const Bytes image = FromText("hell");
  const uint32_t check = ReferenceCheck(FromText("hello"));
  Bytes delta = Delta("D1 00 05 01 00 00 00 00", "04", image);
  for (int i = 0; i < 4; ++i)
    delta[4 + static_cast<size_t>(i)] = static_cast<uint8_t>(check >> 8 * i);
  ExpectEverywhere(kOld, delta, Status::kDone, image);
  ExpectEverywhere(FromText("help!"), delta, Status::kWrongBase, {});
  // Nothing behind "hello" may be copied: it is not part of the base.
  delta[3] = 0x02;
  delta[8] = 0x06;
  ExpectEverywhere(kOld, delta, Status::kCorrupt, {});
}

// --- Section 4.1, bit by bit. "1" and eight bits are a literal.

Bytes Bits(const std::string& text) {
  Bytes bytes;
  size_t n = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    if (n % 8 == 0) bytes.push_back(0);
    if (c == '1') bytes.back() = static_cast<uint8_t>(bytes.back() | 0x80 >> n % 8);
    ++n;
  }
  return bytes;
}

std::string Literals(const Bytes& bytes) {
  std::string bits;
  for (const uint8_t byte : bytes) {
    bits += '1';
    for (int i = 7; i >= 0; --i) bits += byte >> i & 1 ? '1' : '0';
  }
  return bits;
}

// A delta from nothing to `image`, whose commands are `bits` for codec lzss with the smallest
// window.
void ExpectLzss(const std::string& bits, const Bytes& image, Status status = Status::kDone) {
  Bytes delta = Hex("D1 01 00");
  delta.push_back(static_cast<uint8_t>(2 * image.size()));
  for (const uint8_t byte : Hex("C5 9D 1C 81")) delta.push_back(byte);
  for (const uint8_t byte : Bits(bits)) delta.push_back(byte);
  ExpectEverywhere({}, delta, status, image);
}

// The commands that insert all of `image`, without its bytes: copy 0, insertion.
Bytes InsertAll(const Bytes& image) { return {0x00, static_cast<uint8_t>(2 * image.size() + 1)}; }

Bytes CheckOf(const Bytes& image) {
  const uint32_t check = ReferenceCheck(image);
  return {static_cast<uint8_t>(check), static_cast<uint8_t>(check >> 8),
          static_cast<uint8_t>(check >> 16), static_cast<uint8_t>(check >> 24)};
}

TEST(FormatLzss, Literals) {
  const Bytes image = FromText("ab");
  ExpectLzss(Literals(InsertAll(image)) + Literals(image) + Literals(CheckOf(image)), image);
}

TEST(FormatLzss, FirstRepeatIsAtOffset1) {
  // "01": the last offset, which starts as 1; length 4 is the number 3, "00100".
  const Bytes image = FromText("aaaaa");
  ExpectLzss(Literals(InsertAll(image)) + Literals({'a'}) + "01 00100" + Literals(CheckOf(image)),
             image);
}

TEST(FormatLzss, MatchSetsTheLastOffset) {
  // Window 2^8: offsets have order 3. Offset 3 is the number 2, "1 010"; length 3 the number 1,
  // "010". Then 2 more at the same offset, the number 1.
  const Bytes image = FromText("abcabcab");
  ExpectLzss(Literals(InsertAll(image)) + Literals(FromText("abc")) + "00 1010 010" + "01 010" +
                 Literals(CheckOf(image)),
             image);
}

TEST(FormatLzss, LongerPrefixes) {
  // Order 3: two zeros, a one and five bits: 2^5 + x - 8. x = 0 is the number 24, offset 25. Length
  // 9 is the number 7, "0001000".
  Bytes image;
  for (int i = 0; i < 25; ++i) image.push_back(static_cast<uint8_t>('A' + i));
  const Bytes first = image;
  for (int i = 0; i < 9; ++i) image.push_back(first[static_cast<size_t>(i)]);
  ExpectLzss(Literals(InsertAll(image)) + Literals(first) + "00 001 00000 0001000" +
                 Literals(CheckOf(image)),
             image);
}

TEST(FormatLzss, WindowStartsAsZeros) {
  // Offset 8 (number 7: "1 111"), length 2 (number 0: "1"), where only three bytes have been made.
  const Bytes image = {'x', 0, 0};
  ExpectLzss(Literals(InsertAll(image)) + Literals({'x'}) + "00 1111 1" + Literals(CheckOf(image)),
             image);
}

TEST(FormatLzss, OffsetsAreTakenModuloTheWindow) {
  // Offset 257 in a window of 256 is offset 1: the number 256 = 2^8 + x - 8 is x = 8: five zeros, a
  // one, "00001000".
  const Bytes image = FromText("aaa");
  ExpectLzss(Literals(InsertAll(image)) + Literals({'a'}) + "00 000001 00001000 1" +
                 Literals(CheckOf(image)),
             image);
}

TEST(FormatLzss, SixteenZerosAreCorrupt) {
  const std::string start = Literals(InsertAll(FromText("aa"))) + Literals({'a'});
  const std::string too_long =
      std::string(16, '0') + "1";  // the filling of the last byte is no prefix
  ExpectLzss(start + "00" + too_long, FromText("aa"), Status::kCorrupt);
  ExpectLzss(start + "01" + too_long, FromText("aa"), Status::kCorrupt);
  ExpectLzss(start + "01" + std::string(15, '0') + "1", FromText("aa"), Status::kNeedInput);
}

// --- Section 4: what a library's stream may unpack to.

TEST(Format, CommandsOfHostCodecsAreBounded) {
  // One byte of new: 8 + 64 bytes. Empty commands, an insertion whose copy is written long, the
  // check.
  const Bytes image = {'x'};
  const auto delta = [&](Codec codec, const char* copy) {
    Bytes commands(64, 0x00);
    for (const uint8_t byte : Hex(copy)) commands.push_back(byte);
    for (const uint8_t byte : {0x03, 0x78}) commands.push_back(static_cast<uint8_t>(byte));
    for (const uint8_t byte : CheckOf(image)) commands.push_back(byte);
    Bytes bytes = Hex("D1 00 00 02 C5 9D 1C 81");
    bytes[1] = static_cast<uint8_t>(codec);
    for (const uint8_t byte : PackWithLibrary(codec, commands)) bytes.push_back(byte);
    return bytes;
  };
  for (const Codec codec : {Codec::kBz2, Codec::kZstd, Codec::kLz4}) {
    SCOPED_TRACE(CodecName(codec));
    EXPECT_EQ(Apply({}, delta(codec, "80 00")), image);
    EXPECT_EQ(ReadStatistics(delta(codec, "80 00")).command_bytes, 72u);
    EXPECT_THROW(Apply({}, delta(codec, "80 80 00")), Error);
    EXPECT_THROW(ReadStatistics(delta(codec, "80 80 00")), Error);
  }
}

}  // namespace
}  // namespace mote::testing
