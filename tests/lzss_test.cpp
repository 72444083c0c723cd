// SPDX-License-Identifier: Apache-2.0
// LZSS: the decoder against bit streams put together by hand and against the reference decoder, and the encoder against both.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "lzss/decoder.h"
#include "lzss/encoder.h"
#include "tests/support/images.h"
#include "tests/support/patcher_rig.h"

namespace mote::testing {
namespace {

// Writes what FORMAT.md 4.1 says, bit by bit.
class BitStream {
 public:
  explicit BitStream(unsigned window_bits) : order_(window_bits - 5) {}

  BitStream& Bits(const std::string& bits) {
    for (char c : bits) {
      if (c == ' ') continue;
      if (count_++ % 8 == 0) bytes_.push_back(0);
      if (c == '1') bytes_.back() |= static_cast<uint8_t>(0x80 >> (count_ - 1) % 8);
    }
    return *this;
  }
  BitStream& Literal(uint8_t byte) { return Bits("1").Bits(Binary(byte, 8)); }
  BitStream& Text(const std::string& text) {
    for (char c : text) Literal(static_cast<uint8_t>(c));
    return *this;
  }
  BitStream& Match(uint32_t offset, uint32_t length) {
    return Bits("00").Bits(ExpGolomb(offset - 1, order_)).Bits(ExpGolomb(length - 2, 0));
  }
  BitStream& Repeat(uint32_t length) { return Bits("01").Bits(ExpGolomb(length - 1, 0)); }
  const Bytes& bytes() const { return bytes_; }

  static std::string Binary(uint64_t value, unsigned width) {
    std::string bits;
    while (width-- != 0) bits += value >> width & 1 ? '1' : '0';
    return bits;
  }
  static std::string ExpGolomb(uint64_t value, unsigned order) {
    unsigned z = 0;
    while (value >= (uint64_t{2} << (z + order)) - (uint64_t{1} << order)) ++z;
    const uint64_t x = value - ((uint64_t{1} << (z + order)) - (uint64_t{1} << order));
    return std::string(z, '0') + "1" + Binary(x, z + order);
  }

 private:
  unsigned order_;
  Bytes bytes_;
  size_t count_ = 0;
};

// Unpacks until the stream ends (kNeedInput), is corrupt, or `limit` bytes are out (kDone).
Outcome Unpack(std::span<const uint8_t> packed, unsigned window_bits, size_t limit = SIZE_MAX) {
  Bytes window(size_t{1} << window_bits, 0xEE);
  lzss::Decoder decoder;
  decoder.Init(window_bits, window.data());
  Outcome outcome{Status::kNeedInput, {}};
  for (const uint8_t byte : packed) {
    decoder.Feed(byte);
    int32_t unpacked;
    while ((unpacked = decoder.Next()) >= 0) {
      EXPECT_LE(unpacked, 255);
      outcome.image.push_back(static_cast<uint8_t>(unpacked));
      if (outcome.image.size() == limit) return {Status::kDone, outcome.image};
    }
    if (unpacked != lzss::kHungry) {
      EXPECT_EQ(unpacked, lzss::kDamaged);
      return {Status::kCorrupt, outcome.image};
    }
  }
  return outcome;
}

// Unpacks up to `limit` bytes, and expects the reference decoder's result.
Outcome UnpackAll(std::span<const uint8_t> packed, unsigned window_bits, size_t limit) {
  const Outcome expected = ReferenceUnpack(packed, window_bits, limit);
  const Outcome outcome = Unpack(packed, window_bits, limit);
  EXPECT_EQ(outcome.status, expected.status) << "window bits " << window_bits;
  EXPECT_EQ(Compare(outcome.image, expected.image), "") << "window bits " << window_bits;
  return expected;
}

class LzssWindow : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(All, LzssWindow, ::testing::Range(8u, 16u), ::testing::PrintToStringParamName());

TEST(LzssDecoder, KnownBytes) {
  // "abcabcabX": three literals, offset 3 (order 3: 1 010), length 5 (value 3: 00 1 00), a literal.
  const Bytes packed = BitStream(8).Bits("1 01100001  1 01100010  1 01100011  0 0 1 010 00100  1 01011000").bytes();
  EXPECT_EQ(packed, Hex("B0 D8 AC 65 12 B0"));
  EXPECT_EQ(packed, BitStream(8).Text("abc").Match(3, 5).Literal('X').bytes());
  EXPECT_EQ(Unpack(packed, 8), (Outcome{Status::kNeedInput, FromText("abcabcabX")}));
}

TEST(LzssDecoder, NumbersAreExpGolomb) {
  EXPECT_EQ(BitStream::ExpGolomb(0, 0), "1");
  EXPECT_EQ(BitStream::ExpGolomb(1, 0), "010");
  EXPECT_EQ(BitStream::ExpGolomb(2, 0), "011");
  EXPECT_EQ(BitStream::ExpGolomb(3, 0), "00100");
  EXPECT_EQ(BitStream::ExpGolomb(7, 3), "1111");
  EXPECT_EQ(BitStream::ExpGolomb(8, 3), "010000");
}

TEST(LzssDecoder, LastOffsetStartsAsOneAndLasts) {
  const Bytes packed = BitStream(9).Literal('a').Repeat(3).Text("bc").Match(3, 2).Repeat(1).Literal('!').Repeat(2).bytes();
  EXPECT_EQ(Unpack(packed, 9).image, FromText("aaaabcabc!bc"));
}

TEST(LzssDecoder, WindowStartsAsZeros) {
  const Bytes packed = BitStream(10).Literal('a').Match(1024, 3).Match(700, 2).Literal('b').bytes();
  const Bytes expected = {'a', 0, 0, 0, 0, 0, 'b'};
  EXPECT_EQ(Unpack(packed, 10).image, expected);
}

TEST(LzssDecoder, AByteIsHandedOnWithItsLastBit) {
  const Bytes packed = BitStream(8).Text("abcdefgh").bytes();  // 9 bits each
  for (size_t size = 0; size <= packed.size(); ++size) {
    EXPECT_EQ(Unpack(std::span(packed).first(size), 8).image.size(), 8 * size / 9);
  }
}

TEST(LzssDecoder, IsHungryUntilItIsFed) {
  Bytes window(256);
  lzss::Decoder decoder;
  decoder.Init(8, window.data());
  EXPECT_EQ(decoder.Next(), lzss::kHungry);
  EXPECT_EQ(decoder.Next(), lzss::kHungry);
  const Bytes packed = BitStream(8).Text("a").bytes();
  for (const uint8_t byte : packed) {
    EXPECT_EQ(decoder.Next(), lzss::kHungry);
    decoder.Feed(byte);
  }
  EXPECT_EQ(decoder.Next(), 'a');
  EXPECT_EQ(decoder.Next(), lzss::kHungry);
}

TEST(LzssDecoder, CanBeMovedWithItsWindow) {
  const Bytes packed = BitStream(8).Text("abc").Match(3, 9).Match(2, 4).bytes();
  Bytes window(256);
  lzss::Decoder decoder;
  decoder.Init(8, window.data());
  Bytes unpacked;
  for (const uint8_t byte : packed) {
    decoder.Feed(byte);
    for (int32_t next; (next = decoder.Next()) >= 0;) {
      unpacked.push_back(static_cast<uint8_t>(next));
      lzss::Decoder moved = decoder;
      std::fill_n(reinterpret_cast<uint8_t*>(&decoder), sizeof decoder, uint8_t{0xEE});
      decoder = moved;
    }
  }
  EXPECT_EQ(unpacked, FromText("abcabcabcabcbcbc"));
}

TEST_P(LzssWindow, OffsetsAndLengthsOfAllSizes) {
  const unsigned bits = GetParam();
  Random random(bits);
  const Bytes start = RandomBytes(random, (size_t{1} << bits) + 100);
  std::vector<uint32_t> offsets = {1, 2, 3};
  for (unsigned power = 2; power <= bits; ++power) {
    for (int d : {-1, 0, 1}) {
      const uint32_t offset = (1u << power) + static_cast<uint32_t>(d);
      if (offset <= 1u << bits) offsets.push_back(offset);
    }
  }
  BitStream stream(bits);
  for (uint8_t byte : start) stream.Literal(byte);
  Bytes expected = start;
  const auto extend = [&](uint32_t offset, uint32_t length) {
    for (; length != 0; --length) expected.push_back(expected[expected.size() - offset]);
  };
  uint32_t length = 2;
  for (uint32_t offset : offsets) {
    stream.Match(offset, length);
    extend(offset, length);
    stream.Repeat(length - 1);
    extend(offset, length - 1);
    length = length * 3 / 2 + 1;
    if (length > 5000) length = 2;
  }
  EXPECT_EQ(Compare(UnpackAll(stream.bytes(), bits, expected.size()).image, expected), "");
}

TEST_P(LzssWindow, LongestMatch) {
  const unsigned bits = GetParam();
  // fifteen zeros, a one, fifteen ones: 2^16 - 2, and 2 more for a match
  const Bytes packed = BitStream(bits).Literal('x').Bits("00 1").Bits(std::string(bits - 5, '0'))
                           .Bits(std::string(15, '0') + "1" + std::string(15, '1')).Literal('y').bytes();
  const Bytes unpacked = Unpack(packed, bits).image;
  ASSERT_EQ(unpacked.size(), 1u + 65536 + 1);
  EXPECT_EQ(unpacked[65536], 'x');
  EXPECT_EQ(unpacked[65537], 'y');
}

TEST_P(LzssWindow, PrefixOverflowIsCorrupt) {
  const unsigned bits = GetParam();
  const std::string fifteen(15, '0');
  for (const std::string& start : {std::string("00"), std::string("01"), std::string("001").append(bits - 5, '0')}) {
    const Bytes allowed = BitStream(bits).Literal('a').Bits(start + fifteen + "1 1111111").bytes();
    EXPECT_EQ(Unpack(allowed, bits), (Outcome{Status::kNeedInput, FromText("a")}));
    const Bytes corrupt = BitStream(bits).Literal('a').Bits(start + fifteen + "0 1111111111111111").bytes();
    EXPECT_EQ(Unpack(corrupt, bits), (Outcome{Status::kCorrupt, FromText("a")}));
  }
}

TEST_P(LzssWindow, ForgedOffsetsStayInsideTheWindow) {
  const unsigned bits = GetParam();
  Random random(100 + bits);
  for (int i = 0; i < 200 / kSlowdown; ++i) {
    BitStream stream(bits);
    for (int n = 0; n < 50; ++n) {
      const uint32_t kind = random.Below(4);
      if (kind == 0) stream.Literal(static_cast<uint8_t>(random.Next()));
      if (kind == 1) stream.Repeat(1 + random.UpTo(3000));
      if (kind >= 2) stream.Match(1 + random.UpTo((1u << (15 + bits - 5)) - 1), 2 + random.UpTo(100));
    }
    UnpackAll(stream.bytes(), bits, 100000);
  }
}

TEST_P(LzssWindow, GarbageGivesTheReferencesResult) {
  const unsigned bits = GetParam();
  Random random(200 + bits);
  for (int i = 0; i < 1000 / kSlowdown; ++i) {
    UnpackAll(RandomBytes(random, random.Below(300)), bits, 20000);
  }
}

void ExpectRoundTrip(const Bytes& data, unsigned bits) {
  const Bytes packed = lzss::Encode(data, bits);
  if (data.empty()) {
    EXPECT_TRUE(packed.empty());
    return;
  }
  EXPECT_EQ(Compare(UnpackAll(packed, bits, data.size()).image, data), "");
  // Nothing is left over: without its last byte the stream is not complete.
  EXPECT_EQ(Unpack(std::span(packed).first(packed.size() - 1), bits, data.size()).status, Status::kNeedInput);
  EXPECT_LE(packed.size(), (data.size() * 9 + 7) / 8) << "larger than literals alone";
}

TEST_P(LzssWindow, RoundTripOfSmallInputs) {
  const unsigned bits = GetParam();
  ExpectRoundTrip({}, bits);
  for (unsigned byte = 0; byte < 256; ++byte) ExpectRoundTrip({static_cast<uint8_t>(byte)}, bits);
  for (size_t size : {2, 3, 4, 5, 100, 1023, 1024, 1025, 32767, 32768, 32769, 70000}) {
    ExpectRoundTrip(Bytes(size, 0), bits);
  }
  // Every string of up to 9 letters out of two.
  for (size_t size = 1; size <= 9; ++size) {
    for (unsigned pattern = 0; pattern < 1u << size; ++pattern) {
      Bytes text;
      for (size_t i = 0; i < size; ++i) text.push_back(pattern >> i & 1 ? 'b' : 'a');
      ExpectRoundTrip(text, bits);
    }
  }
}

TEST_P(LzssWindow, RoundTripOfGeneratedInputs) {
  const unsigned bits = GetParam();
  Random random(300 + bits);
  for (int i = 0; i < 60 / kSlowdown; ++i) {
    const uint32_t size = random.UpTo(40000);
    Bytes data = i % 3 == 0 ? RandomBytes(random, size) : CodeLikeBytes(random, size);
    if (i % 2) data = Edited(random, std::move(data), 5, 60000);
    ExpectRoundTrip(data, bits);
  }
}

TEST_P(LzssWindow, MatchesReachTheWholeWindowAndNoFurther) {
  const unsigned bits = GetParam();
  Random random(400 + bits);
  const Bytes word = RandomBytes(random, 40);
  for (int d : {-1, 0, 1}) {
    Bytes data = word;
    const Bytes between = RandomBytes(random, (size_t{1} << bits) - word.size() + static_cast<size_t>(d));
    data.insert(data.end(), between.begin(), between.end());
    const size_t without = lzss::Encode(data, bits).size();
    data.insert(data.end(), word.begin(), word.end());
    ExpectRoundTrip(data, bits);
    const size_t cost = lzss::Encode(data, bits).size() - without;
    if (d <= 0) {
      EXPECT_LE(cost, 8u) << "a match in the window was not taken";
    } else {
      EXPECT_GE(cost, 30u) << "more than the window was used";
    }
  }
}

TEST(LzssEncoder, IsDeterministic) {
  Random random(5);
  const Bytes data = CodeLikeBytes(random, 20000);
  EXPECT_EQ(lzss::Encode(data, 12), lzss::Encode(data, 12));
}

}  // namespace
}  // namespace mote::testing
