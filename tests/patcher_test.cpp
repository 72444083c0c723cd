// SPDX-License-Identifier: Apache-2.0
// The patcher against deltas written byte by byte after FORMAT.md.
#include "patch/patcher.h"

#include <gtest/gtest.h>

#include "patch/check.h"
#include "patch/format.h"
#include "tests/support/images.h"
#include "tests/support/patcher_rig.h"

namespace mote::testing {
namespace {

constexpr uint32_t kChunks[] = {1, 2, 3, 5, 7, 64, 0xFFFFFFFF};

void AppendCheck(Bytes& to, std::span<const uint8_t> image) {
  const uint32_t check = ReferenceCheck(image);
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<uint8_t>(check >> shift));
}

Bytes Concatenate(std::initializer_list<Bytes> parts) {
  Bytes whole;
  for (const Bytes& part : parts) whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

// "hello world" to something else: a header whose sizes are given in hexadecimal, commands, and the new image's check.
struct Written {
  Bytes old_image = FromText("hello world");
  std::string start = "D1 00 0B";
  std::string new_size = "02";  // 12 bytes
  std::string commands;
  Bytes new_image = FromText("hello, world");

  Bytes Delta() const {
    Bytes delta = Hex(start + new_size);
    AppendCheck(delta, old_image);
    const Bytes body = Hex(commands);
    delta.insert(delta.end(), body.begin(), body.end());
    AppendCheck(delta, new_image);
    return delta;
  }
};

// What the commands of a delta from "hello world" come to.
Status RunCommands(const std::string& new_size, const std::string& commands, const std::string& new_image) {
  const Written written{.new_size = new_size, .commands = commands, .new_image = FromText(new_image)};
  const Bytes delta = written.Delta();
  const Outcome expected = ReferenceDevice{written.old_image}.Apply(delta);
  for (uint32_t buffer_size : {1u, 2u, 3u, 5u, 11u, 64u}) {
    for (uint32_t chunk : kChunks) {
      PatcherRig rig(written.old_image);
      rig.buffer_size = buffer_size;
      const Outcome outcome = rig.Run(delta, chunk);
      EXPECT_EQ(outcome.status, expected.status) << "chunk " << chunk << ", buffer " << buffer_size;
      if (outcome.status == Status::kDone) {
        EXPECT_EQ(outcome.image, written.new_image) << "chunk " << chunk << ", buffer " << buffer_size;
      }
    }
  }
  return expected.status;
}

TEST(Check, PublishedVectors) {
  // draft-eastlake-fnv, section 5; the empty string's is the offset basis.
  const std::pair<const char*, uint32_t> vectors[] = {{"", 0x811C9DC5}, {"a", 0xE40C292C}, {"foobar", 0xBF9CF968}};
  for (const auto& [text, check] : vectors) {
    const Bytes bytes = FromText(text);
    EXPECT_EQ(UpdateCheck(kCheckStart, bytes.data(), static_cast<uint32_t>(bytes.size())), check) << text;
    EXPECT_EQ(ReferenceCheck(bytes), check) << text;
  }
  const Bytes bytes = FromText("foobar");
  EXPECT_EQ(UpdateCheck(UpdateCheck(kCheckStart, bytes.data(), 2), bytes.data() + 2, 4), 0xBF9CF968);
}

TEST(Patcher, WorkedBytesOfTheFormat) {
  const Bytes delta = Hex("D1 00 0B 02 A73F8BD5 05 03 2C 00 06 1DA40E4D");
  EXPECT_EQ(delta, (Written{.commands = "05 03 2C 00 06"}.Delta()));
  for (uint32_t buffer_size = 1; buffer_size <= 16; ++buffer_size) {
    for (uint32_t chunk : kChunks) {
      PatcherRig rig(FromText("hello world"));
      rig.buffer_size = buffer_size;
      rig.capacity = 12;
      EXPECT_EQ(rig.Run(delta, chunk), (Outcome{Status::kDone, FromText("hello, world")}));
      EXPECT_EQ(rig.flushes(), (12 + buffer_size - 1) / buffer_size);
    }
  }
}

TEST(Patcher, EveryPrefixNeedsInput) {
  const Bytes delta = Written{.commands = "05 03 2C 00 06"}.Delta();
  for (size_t size = 0; size < delta.size(); ++size) {
    PatcherRig rig(FromText("hello world"));
    EXPECT_EQ(rig.Run(std::span(delta).first(size)).status, Status::kNeedInput) << size;
  }
}

TEST(Patcher, BytesBehindTheEndAreIgnored) {
  for (const char* tail : {"00", "FF", "00000000000000000000", "D1000B02"}) {
    const Bytes delta = Concatenate({Written{.commands = "05 03 2C 00 06"}.Delta(), Hex(tail)});
    for (uint32_t chunk : kChunks) {
      PatcherRig rig(FromText("hello world"));
      EXPECT_EQ(rig.Run(delta, chunk), (Outcome{Status::kDone, FromText("hello, world")}));
    }
  }
}

TEST(Patcher, SizesAreReported) {
  const Bytes delta = Written{.commands = "05 03 2C 00 06"}.Delta();
  PatcherRig rig(FromText("hello world"));
  rig.Start();
  const uint32_t produced[] = {0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 6, 6, 12, 12, 12, 12, 12};
  for (size_t i = 0; i < delta.size(); ++i) {
    EXPECT_EQ(rig.patcher().new_size(), i < 4 ? 0u : 12u) << i;
    rig.Write(std::span(delta).subspan(i, 1));
    EXPECT_EQ(rig.patcher().produced(), produced[i]) << i;
  }
}

TEST(Patcher, CanBeStartedAgain) {
  const Bytes delta = Written{.commands = "05 03 2C 00 06"}.Delta();
  PatcherRig rig(FromText("hello world"));
  EXPECT_EQ(rig.Run(Hex("00")).status, Status::kCorrupt);
  EXPECT_EQ(rig.Run(std::span(delta).first(13)).status, Status::kNeedInput);
  EXPECT_EQ(rig.Run(delta).status, Status::kDone);
  EXPECT_EQ(rig.Run(delta).status, Status::kDone);
}

TEST(PatcherHeader, FirstByte) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    PatcherRig rig(FromText("hello world"));
    Bytes delta = Written{.commands = "05 03 2C 00 06"}.Delta();
    delta[0] = static_cast<uint8_t>(byte);
    const Status expected = byte == 0xD1        ? Status::kDone
                            : byte >> 4 == 0xD ? Status::kUnsupported
                                               : Status::kCorrupt;
    EXPECT_EQ(rig.Run(delta, 1).status, expected) << byte;
    if (expected != Status::kDone) {
      EXPECT_EQ(rig.reads() + rig.flushes(), 0u);
    }
  }
}

TEST(PatcherHeader, Codec) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    PatcherRig rig(FromText("hello world"));
    Bytes delta = Written{}.Delta();
    delta[1] = static_cast<uint8_t>(byte);
    delta.resize(8);  // the header alone
    // Codec model reads zeros behind the header: a number without an end.
    const bool model = byte % 16 == 2 && byte / 16 <= 2;
    const bool known = byte == 0 || (byte % 16 == 1 && byte / 16 <= 7) || model;
    const Status status = model ? Status::kCorrupt : known ? Status::kNeedInput : Status::kUnsupported;
    EXPECT_EQ(rig.Run(delta, 1).status, status) << byte;
    EXPECT_EQ(rig.flushes(), 0u);
    if (!known) {
      EXPECT_EQ(rig.reads(), 0u) << byte;
    }
  }
}

TEST(PatcherHeader, WindowMustFit) {
  for (unsigned bits = 8; bits <= 15; ++bits) {
    Bytes delta = Written{}.Delta();
    delta[1] = static_cast<uint8_t>(1 | (bits - 8) << 4);
    delta.resize(8);
    for (uint32_t size : {0u, 1u, (1u << bits) - 1, 1u << bits, (1u << bits) + 1, 1u << 16}) {
      PatcherRig rig(FromText("hello world"));
      rig.memory_size = size;
      const bool fits = size >= 1u << bits;
      EXPECT_EQ(rig.Run(delta).status, fits ? Status::kNeedInput : Status::kDoesNotFit) << bits << " " << size;
      if (!fits) {
        EXPECT_EQ(rig.reads() + rig.flushes(), 0u);
      }
    }
  }
}

TEST(PatcherHeader, RawNeedsNoMemory) {
  PatcherRig rig(FromText("hello world"));
  rig.memory_size = 0;
  EXPECT_EQ(rig.Run(Written{.commands = "05 03 2C 00 06"}.Delta()).status, Status::kDone);
}

TEST(PatcherHeader, SlotMustFit) {
  for (uint32_t capacity : {0u, 1u, 11u, 12u, 13u}) {
    PatcherRig rig(FromText("hello world"));
    rig.capacity = capacity;
    EXPECT_EQ(rig.Run(Written{.commands = "05 03 2C 00 06"}.Delta()).status,
              capacity < 12 ? Status::kDoesNotFit : Status::kDone);
    if (capacity < 12) {
      EXPECT_EQ(rig.reads() + rig.flushes(), 0u);
    }
  }
}

// old size, new size less old size, what comes of it on a device with room for images of any size
TEST(PatcherHeader, Sizes) {
  const struct {
    const char* sizes;
    Status status;
    uint32_t new_size;
  } cases[] = {
      {"FFFFFFFF07 00", Status::kWrongBase, 0x7FFFFFFF},          // the largest
      {"8080808008 00", Status::kCorrupt, 0x80000000},            // one more
      {"FFFFFFFF0F 00", Status::kCorrupt, 0xFFFFFFFF},            //
      {"FFFFFFFF0F FFFFFFFF0F", Status::kCorrupt, 0x7FFFFFFF},    // new is right, old is too large
      {"FFFFFFFF07 FDFFFFFF0F", Status::kWrongBase, 0},           // 2^31 - 1 less
      {"FFFFFFFF07 FFFFFFFF0F", Status::kCorrupt, 0xFFFFFFFF},    // 2^31 less
      {"0B 15", Status::kNeedInput, 0},                           // 11 less
      {"0B 17", Status::kCorrupt, 0xFFFFFFFF},                    // 12 less
      {"0B E8FFFFFF0F", Status::kNeedInput, 0x7FFFFFFF},          // the largest from 11
      {"0B EAFFFFFF0F", Status::kCorrupt, 0x80000000},            // one more
      {"8B00 02", Status::kNeedInput, 12},                        // longer than needed
      {"8B80808000 8280808000", Status::kNeedInput, 12},          // as long as can be
      {"0A 02", Status::kWrongBase, 11},                          // another old size
      {"0C 02", Status::kWrongBase, 13},                          // more than there is
  };
  for (const auto& test : cases) {
    Bytes delta = Hex(std::string("D1 00") + test.sizes);
    AppendCheck(delta, FromText("hello world"));
    for (uint32_t chunk : kChunks) {
      PatcherRig rig(FromText("hello world"));
      EXPECT_EQ(rig.Run(delta, chunk).status, test.status) << test.sizes;
      EXPECT_EQ(rig.patcher().new_size(), test.new_size) << test.sizes;
      EXPECT_EQ(rig.flushes(), 0u);
    }
  }
}

TEST(PatcherHeader, VarintOverflow) {
  for (unsigned fifth = 0; fifth < 256; ++fifth) {
    Bytes old_size = Hex("D1 00 8B 80 80 80");
    old_size.push_back(static_cast<uint8_t>(fifth));
    Bytes new_size = Hex("D1 00 0B 82 80 80 80");
    new_size.push_back(static_cast<uint8_t>(fifth));
    for (const Bytes& start : {old_size, new_size}) {
      PatcherRig rig(FromText("hello world"));
      EXPECT_EQ(rig.Run(start, 1).status, fifth > 0x0F ? Status::kCorrupt : Status::kNeedInput) << fifth;
    }
  }
}

TEST(PatcherHeader, WrongBase) {
  const Bytes delta = Written{.commands = "05 03 2C 00 06"}.Delta();
  for (size_t at = 0; at < 11; ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes other = FromText("hello world");
      other[at] ^= static_cast<uint8_t>(1u << bit);
      PatcherRig rig(other);
      rig.buffer_size = 4;
      EXPECT_EQ(rig.Run(delta).status, Status::kWrongBase);
      EXPECT_EQ(rig.flushes(), 0u);
    }
  }
  for (size_t byte = 4; byte < 8; ++byte) {
    Bytes forged = delta;
    forged[byte] ^= 0x10;
    PatcherRig rig(FromText("hello world"));
    EXPECT_EQ(rig.Run(forged).status, Status::kWrongBase);
  }
}

TEST(PatcherHeader, OnlyTheImageIsReadOfALongerBase) {
  PatcherRig rig(FromText("hello world, and a trailer"));
  EXPECT_EQ(rig.Run(Written{.commands = "05 03 2C 00 06"}.Delta()).status, Status::kDone);
  EXPECT_EQ(rig.read_end(), 11u);
}

TEST(PatcherHeader, OrderOfRefusals) {
  // Everything is wrong at once; each repair uncovers the next.
  Bytes delta = Hex("D1 82 0B 02 00000000");
  const auto run = [&](uint32_t capacity, uint32_t window) {
    PatcherRig rig(FromText("another one"));
    rig.capacity = capacity;
    rig.memory_size = window;
    return rig.Run(delta).status;
  };
  EXPECT_EQ(run(11, 255), Status::kUnsupported);
  delta[1] = 0x01;
  EXPECT_EQ(run(11, 255), Status::kDoesNotFit);
  EXPECT_EQ(run(12, 255), Status::kDoesNotFit);
  EXPECT_EQ(run(12, 256), Status::kWrongBase);
}

TEST(PatcherCommands, EmptyImages) {
  const Bytes none;
  const Bytes something = FromText("abc");
  {
    Bytes delta = Hex("D1 00 00 00");
    AppendCheck(delta, none);
    AppendCheck(delta, none);
    PatcherRig rig(none);
    rig.capacity = 0;
    EXPECT_EQ(rig.Run(delta, 1), (Outcome{Status::kDone, {}}));
    EXPECT_EQ(rig.reads() + rig.flushes(), 0u);
    delta.back() ^= 1;
    EXPECT_EQ(rig.Run(delta).status, Status::kCorrupt);
  }
  {
    Bytes delta = Hex("D1 00 00 06");
    AppendCheck(delta, none);
    for (uint8_t byte : Hex("00 07 616263")) delta.push_back(byte);
    AppendCheck(delta, something);
    PatcherRig rig(none);
    EXPECT_EQ(rig.Run(delta, 1), (Outcome{Status::kDone, something}));
    EXPECT_EQ(rig.reads(), 0u);
  }
  {
    Bytes delta = Hex("D1 00 03 05");
    AppendCheck(delta, something);
    AppendCheck(delta, none);
    PatcherRig rig(something);
    EXPECT_EQ(rig.Run(delta, 1), (Outcome{Status::kDone, {}}));
    EXPECT_EQ(rig.flushes(), 0u);
  }
}

TEST(PatcherCommands, Differences) {
  EXPECT_EQ(RunCommands("00", "00 16 E0000000000000000000FF", "Hello worlc"), Status::kDone);  // all of it
  EXPECT_EQ(RunCommands("00", "00 02 E0 0A", "Hello world"), Status::kDone);
  EXPECT_EQ(RunCommands("00", "0A 02 FD", "hello worla"), Status::kDone);  // the last byte
  EXPECT_EQ(RunCommands("00", "00 02 E0 00 02 FC 09", "Hallo world"), Status::kDone);
}

TEST(PatcherCommands, Insertions) {
  EXPECT_EQ(RunCommands("00", "00 17 6162636465666768696A6B", "abcdefghijk"), Status::kDone);
  EXPECT_EQ(RunCommands("0C", "06 0D 627261766520 00 05", "hello brave world"), Status::kDone);
  // "world", seek back, "hello"
  EXPECT_EQ(RunCommands("00", "00 01 0C 05 03 20 15 05", "world hello"), Status::kDone);
  // The same bytes of old again and again
  EXPECT_EQ(RunCommands("08", "05 01 09 05 01 09 05", "hellohellohello"), Status::kDone);
}

TEST(PatcherCommands, ZeroSizesAreAllowed) {
  EXPECT_EQ(RunCommands("02", "00 00 00 01 00 05 00 00 03 2C 00 00 00 06", "hello, world"), Status::kDone);
  EXPECT_EQ(RunCommands("02", "8000 80808000 8580808000 83808080002C 808000 06", "hello, world"), Status::kDone);
}

TEST(PatcherCommands, CopyOutOfRange) {
  EXPECT_EQ(RunCommands("00", "0B", "hello world"), Status::kDone);
  EXPECT_EQ(RunCommands("01", "0B", "hello worl"), Status::kCorrupt);      // beyond new
  EXPECT_EQ(RunCommands("02", "0C", "hello world?"), Status::kCorrupt);    // beyond old
  EXPECT_EQ(RunCommands("02", "FFFFFFFF0F", "hello world?"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("02", "0B 00 01", "hello world?"), Status::kCorrupt);  // old is used up
}

TEST(PatcherCommands, DifferenceOutOfRange) {
  EXPECT_EQ(RunCommands("01", "00 16 00000000000000000000 00", "hello worl"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("02", "00 18 0000000000000000000000 00", "hello world?"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("02", "0B 02 00", "hello world?"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("02", "00 FEFFFFFF0F 00", "hello world?"), Status::kCorrupt);
}

TEST(PatcherCommands, InsertionOutOfRange) {
  EXPECT_EQ(RunCommands("00", "0B 03 20", "hello world"), Status::kCorrupt) << "the check follows the image";
  EXPECT_EQ(RunCommands("00", "0A 05 2020", "hello worl  "), Status::kCorrupt);
  EXPECT_EQ(RunCommands("00", "00 FFFFFFFF0F 20", "hello world"), Status::kCorrupt);
}

TEST(PatcherCommands, SeekOutOfRange) {
  EXPECT_EQ(RunCommands("00", "00 03 68 16 00 15 656C6C6F20776F726C64", "hello world"), Status::kDone);  // to the end
  EXPECT_EQ(RunCommands("00", "00 03 68 18", "hello world"), Status::kCorrupt);                        // beyond it
  // It counts at once: not only what is read there, and not what another seek makes of it.
  EXPECT_EQ(RunCommands("00", "00 03 68 18 0A", "hello world"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("00", "00 03 68 16 00 01 17 00 01 02 0A", "hhello worl"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("00", "00 03 68 18 00 01 17 0A", "hhello worl"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("00", "00 03 68 16 00 01 15 0A", "hhello worl"), Status::kDone);
  EXPECT_EQ(RunCommands("00", "00 03 68 01", "hello world"), Status::kCorrupt);                        // before the start
  EXPECT_EQ(RunCommands("00", "01 03 65 01 00 13 6C6C6F20776F726C64", "hello world"), Status::kDone);  // to the start
  EXPECT_EQ(RunCommands("00", "01 03 65 03", "hello world"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("00", "01 03 65 FFFFFFFF0F", "hello world"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("00", "01 03 65 FEFFFFFF0F", "hello world"), Status::kCorrupt);
}

TEST(PatcherCommands, VarintOverflow) {
  EXPECT_EQ(RunCommands("02", "80808080 10", "hello, world"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("02", "05 80808080 10", "hello, world"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("02", "05 03 2C 80808080 10", "hello, world"), Status::kCorrupt);
  EXPECT_EQ(RunCommands("02", "05 03 2C 80808080 80 00", "hello, world"), Status::kCorrupt);
}

TEST(PatcherCommands, CheckOfNew) {
  const Bytes delta = Written{.commands = "05 03 2C 00 06"}.Delta();
  for (size_t at = delta.size() - 4; at < delta.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes forged = delta;
      forged[at] ^= static_cast<uint8_t>(1u << bit);
      PatcherRig rig(FromText("hello world"));
      EXPECT_EQ(rig.Run(forged, 1).status, Status::kCorrupt);
    }
  }
  EXPECT_EQ(RunCommands("02", "05 03 2D 00 06", "hello, world"), Status::kCorrupt) << "another image";
}

TEST(PatcherCallbacks, ReadErrorsComeBackUnchanged) {
  const Bytes delta = Written{.commands = "05 03 2C 00 02 02 00 03"}.Delta();
  PatcherRig good(FromText("hello world"));
  good.buffer_size = 4;
  ASSERT_EQ(good.Run(delta).status, Status::kDone);
  for (const Status error : {Status::kReadError, Status::kFlashError, Status::kCorrupt}) {
    for (uint32_t failing = 0; failing < good.reads(); ++failing) {
      PatcherRig rig(FromText("hello world"));
      rig.buffer_size = 4;
      rig.on_read = [&](uint32_t number) { return number == failing ? error : Status::kDone; };
      EXPECT_EQ(rig.Run(delta, 3).status, error) << failing;
      EXPECT_EQ(rig.reads(), failing + 1);
    }
  }
}

TEST(PatcherCallbacks, FlushErrorsComeBackUnchanged) {
  const Bytes delta = Written{.commands = "05 03 2C 00 02 02 00 03"}.Delta();
  for (const Status error : {Status::kReadError, Status::kFlashError, Status::kBadArgument}) {
    for (uint32_t buffer_size : {1u, 4u, 5u, 12u, 100u}) {
      const uint32_t flushes = (12 + buffer_size - 1) / buffer_size;
      for (uint32_t failing = 0; failing < flushes; ++failing) {
        PatcherRig rig(FromText("hello world"));
        rig.buffer_size = buffer_size;
        rig.on_flush = [&](uint32_t number) { return number == failing ? error : Status::kDone; };
        EXPECT_EQ(rig.Run(delta, 3).status, error) << failing;
        EXPECT_EQ(rig.flushes(), failing + 1);
        EXPECT_EQ(rig.flushed().size(), failing * buffer_size);
      }
    }
  }
}

TEST(PatcherCallbacks, NothingIsFlushedBeforeTheHeaderWasChecked) {
  const Bytes delta = Written{.commands = "05 03 2C 00 06"}.Delta();
  PatcherRig rig(FromText("hello world"));
  rig.buffer_size = 1;
  rig.Start();
  for (size_t i = 0; i < 8; ++i) {
    rig.Write(std::span(delta).subspan(i, 1));
    EXPECT_EQ(rig.flushes(), 0u);
    if (i < 7) {
      EXPECT_EQ(rig.reads(), 0u);
    }
  }
  EXPECT_EQ(rig.read_end(), 11u) << "all of the base is checked first";
}

TEST(StatusNames, AreDistinctAndTotal) {
  std::vector<std::string> names;
  for (unsigned number = 0; number <= 14; ++number) names.push_back(StatusName(static_cast<Status>(number)));
  EXPECT_EQ(names, (std::vector<std::string>{"done", "need_input", "bad_argument", "corrupt", "wrong_base",
                                             "does_not_fit", "unsupported", "flash_error", "read_error",
                                             "file_error", "bad_image", "bad_signature", "wrong_device",
                                             "stale", "downgrade"}));
  for (unsigned number = 15; number < 256; ++number) {
    EXPECT_STREQ(StatusName(static_cast<Status>(number)), "unknown");
  }
}

}  // namespace
}  // namespace mote::testing
