// SPDX-License-Identifier: Apache-2.0
// Image readers against GNU binutils (assembler, linkers, objcopy), published vectors, and files
// that lie.
#include "tools/image.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include "diff/error.h"

namespace mote {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kMiB = 1 << 20;

// Segments as text, so that a failure shows them.
std::string Text(const std::vector<ImageSegment>& segments) {
  std::ostringstream text;
  text << std::hex;
  for (const ImageSegment& segment : segments) {
    text << "[0x" << segment.address << " at 0x" << segment.offset << ": 0x" << segment.size << "]";
  }
  return text.str();
}

testing::AssertionResult Contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << part << "' is not in '" << text << "'";
}

testing::AssertionResult StartsWith(const std::string& text, const std::string& part) {
  if (text.starts_with(part)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << part << "' is not at the start of '" << text << "'";
}

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Image ParseText(std::string_view text, std::optional<ImageFormat> forced = {},
                const ImageOptions& options = {}) {
  return ParseImage(AsBytes(text), "fw", forced, options);
}

// The message of the Error(kBadImage) that parsing throws; empty, and a failure, where it throws
// none.
std::string Refusal(std::span<const uint8_t> file, std::optional<ImageFormat> forced = {},
                    const ImageOptions& options = {}) {
  try {
    const Image image = ParseImage(file, "fw", forced, options);
    ADD_FAILURE() << "read as " << ImageFormatName(image.format) << ", " << image.bytes.size()
                  << " bytes";
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::kBadImage);
    EXPECT_TRUE(StartsWith(error.what(), "fw: "));
    return error.what();
  }
}

std::string Refusal(std::string_view text, const ImageOptions& options = {}) {
  return Refusal(AsBytes(text), ImageFormat::kIntelHex, options);
}

Bytes RandomBytes(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

// A directory of its own, and binutils in it.
class Workshop {
 public:
  Workshop() {
    std::string pattern = testing::TempDir() + "/image_test.XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~Workshop() { std::filesystem::remove_all(directory_); }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  std::string Path(const std::string& name) const { return directory_ / name; }
  Bytes Read(const std::string& name) const { return ReadFile(Path(name)); }
  void Write(const std::string& name, std::span<const uint8_t> bytes) const {
    std::ofstream file(Path(name), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    ASSERT_TRUE(file.flush());
  }
  bool Run(const std::string& command) const {
    return system(("cd '" + directory_.string() + "' && " + command).c_str()) == 0;
  }
  bool Has(const std::string& program) const {
    return Run("command -v " + program + " > /dev/null");
  }

 private:
  std::filesystem::path directory_;
};

#define REQUIRE_PROGRAM(workshop, program) \
  ASSERT_TRUE((workshop).Has(program)) << (program) << " is not installed (tools/setup)"

// --- Raw, and which format a file has

TEST(Raw, IsTakenAsItIs) {
  const Bytes bytes = RandomBytes(1000, 1);
  const Image image = ParseImage(bytes, "fw");
  EXPECT_EQ(image.format, ImageFormat::kRaw);
  EXPECT_EQ(image.bytes, bytes);
  EXPECT_FALSE(image.base);
  EXPECT_EQ(Text(image.segments), Text({{0, 0, 1000}}));
}

TEST(Raw, MayBeEmpty) {
  const Image image = ParseImage({}, "fw");
  EXPECT_EQ(image.format, ImageFormat::kRaw);
  EXPECT_TRUE(image.bytes.empty());
  EXPECT_TRUE(image.segments.empty());
}

TEST(Raw, LargerThanAllowed) {
  const size_t size = kMaxImageSize + 1;
  void* const memory =
      mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  EXPECT_TRUE(Contains(Refusal({static_cast<const uint8_t*>(memory), size}, ImageFormat::kRaw),
                       "larger than 2 GiB"));
  munmap(memory, size);
}

TEST(Detection, OnlyWhatIsSureIsNotRaw) {
  for (const std::string_view text :
       {"", ":", ":0", "::", ": 00000001FF", ":00000001FE", ":00000001FFFF", ":0000000",
        ":zz000001FF", "x\n:00000001FF", "\x7f",
        "\x7f"
        "EL",
        "\x7f"
        "ELf",
        "UF2\n", "UF2\nabcd"}) {
    const Image image = ParseText(text);
    EXPECT_EQ(image.format, ImageFormat::kRaw) << text;
    EXPECT_EQ(image.bytes, Bytes(AsBytes(text).begin(), AsBytes(text).end())) << text;
  }
}

TEST(Detection, ForcedFormatWins) {
  const std::string_view hex = ":0100000041BE\n:00000001FF\n";
  EXPECT_EQ(ParseText(hex).format, ImageFormat::kIntelHex);
  EXPECT_EQ(ParseText(hex, ImageFormat::kRaw).format, ImageFormat::kRaw);
  EXPECT_EQ(ParseText(hex, ImageFormat::kRaw).bytes.size(), hex.size());
  EXPECT_TRUE(Contains(Refusal(AsBytes(hex), ImageFormat::kElf), "offset 0x0: does not start as"));
  EXPECT_TRUE(
      Contains(Refusal(AsBytes(hex), ImageFormat::kUf2), "block at offset 0x0: the last block"));
  EXPECT_TRUE(Contains(Refusal(AsBytes("text"), ImageFormat::kIntelHex),
                       "line 1: does not start with ':'"));
  EXPECT_TRUE(Contains(Refusal({}, ImageFormat::kIntelHex), "end record"));
  EXPECT_TRUE(Contains(Refusal({}, ImageFormat::kElf), "does not start as"));
  EXPECT_TRUE(Contains(Refusal({}, ImageFormat::kUf2), "nothing to load"));
}

TEST(Detection, FormatsHaveNames) {
  EXPECT_STREQ(ImageFormatName(ImageFormat::kRaw), "raw");
  EXPECT_STREQ(ImageFormatName(ImageFormat::kIntelHex), "hex");
  EXPECT_STREQ(ImageFormatName(ImageFormat::kElf), "elf");
  EXPECT_STREQ(ImageFormatName(ImageFormat::kUf2), "uf2");
}

// --- Intel HEX

// The example of the Wikipedia article "Intel HEX", and what the article says it holds.
constexpr std::string_view kPublished =
    ":10010000214601360121470136007EFE09D2190140\n"
    ":100110002146017E17C20001FF5F16002148011928\n"
    ":10012000194E79234623965778239EDA3F01B2CAA7\n"
    ":100130003F0156702B5E712B722B732146013421C7\n"
    ":00000001FF\n";

std::string Record(uint8_t type, uint16_t address, const Bytes& data) {
  Bytes bytes = {static_cast<uint8_t>(data.size()), static_cast<uint8_t>(address >> 8),
                 static_cast<uint8_t>(address), type};
  bytes.insert(bytes.end(), data.begin(), data.end());
  unsigned sum = 0;
  for (const uint8_t byte : bytes) sum += byte;
  bytes.push_back(static_cast<uint8_t>(-sum));
  std::string text = ":";
  char digits[3];
  for (const uint8_t byte : bytes) {
    snprintf(digits, sizeof digits, "%02X", byte);
    text += digits;
  }
  return text + "\n";
}

std::string LinearBase(uint16_t upper) {
  return Record(4, 0, {static_cast<uint8_t>(upper >> 8), static_cast<uint8_t>(upper)});
}

const std::string kEnd = ":00000001FF\n";

TEST(IntelHex, PublishedExample) {
  const Image image = ParseText(kPublished);
  EXPECT_EQ(image.format, ImageFormat::kIntelHex);
  EXPECT_EQ(image.base, 0x100u);
  EXPECT_EQ(Text(image.segments), Text({{0x100, 0, 64}}));
  ASSERT_EQ(image.bytes.size(), 64u);
  EXPECT_EQ(Bytes(image.bytes.begin(), image.bytes.begin() + 16),
            (Bytes{0x21, 0x46, 0x01, 0x36, 0x01, 0x21, 0x47, 0x01, 0x36, 0x00, 0x7E, 0xFE, 0x09,
                   0xD2, 0x19, 0x01}));
  EXPECT_EQ(image.bytes.back(), 0x21);
}

// Records as published for the types 02 to 05: 02 at 0x1200 means 0x12000, 04 at 0x0800 means
// 0x08000000.
TEST(IntelHex, PublishedRecordTypes) {
  const std::string data = ":0100000041BE\n";
  EXPECT_EQ(ParseText(":020000021200EA\n:0400000300003800C1\n" + data + kEnd).base, 0x12000u);
  EXPECT_EQ(ParseText(":020000040800F2\n:04000005000000CD2A\n" + data + kEnd).base, 0x08000000u);
}

TEST(IntelHex, AgreesWithObjcopy) {
  const Workshop workshop;
  REQUIRE_PROGRAM(workshop, "objcopy");
  const Bytes bytes = RandomBytes(200'001, 2);  // several 64 KiB banks
  workshop.Write("fw.bin", bytes);
  // Types 00 and 02 up to 1 MiB, 04 above, and the last bytes of the address space.
  for (const uint64_t base :
       {0x0ull, 0x12340ull, 0x08000000ull, 0x0800FFF1ull, 0x100000000ull - 200'001}) {
    SCOPED_TRACE(base);
    ASSERT_TRUE(workshop.Run("objcopy -I binary -O ihex --change-addresses " +
                             std::to_string(base) + " fw.bin fw.hex"));
    const Bytes hex = workshop.Read("fw.hex");
    const Image image = ParseImage(hex, "fw.hex");
    EXPECT_EQ(image.format, ImageFormat::kIntelHex);
    EXPECT_EQ(image.base, base);
    EXPECT_TRUE(image.bytes == bytes);
    EXPECT_EQ(Text(image.segments), Text({{base, 0, bytes.size()}}));
  }
}

TEST(IntelHex, PublishedExampleAgreesWithObjcopy) {
  const Workshop workshop;
  REQUIRE_PROGRAM(workshop, "objcopy");
  workshop.Write("fw.hex", AsBytes(kPublished));
  ASSERT_TRUE(workshop.Run("objcopy -I ihex -O binary fw.hex fw.bin"));
  EXPECT_EQ(ParseText(kPublished).bytes, workshop.Read("fw.bin"));
}

TEST(IntelHex, LineEndsBlanksAndCase) {
  const Bytes expected = {0xAB, 0xCD};
  for (const std::string_view text :
       {":02000000ABCD86\n:00000001FF\n", ":02000000ABCD86\r\n:00000001FF\r\n",
        ":02000000abcd86\n:00000001ff", "\r\n \n\t:02000000ABcd86 \t\n\n\n:00000001FF\r\n\r\n  "}) {
    const Image image = ParseText(text);
    EXPECT_EQ(image.format, ImageFormat::kIntelHex) << text;
    EXPECT_EQ(image.bytes, expected) << text;
  }
}

TEST(IntelHex, AnyOrderAndGapsFilled) {
  const std::string text = LinearBase(1) + Record(0, 8, {4, 5}) + LinearBase(0) +
                           Record(0, 0xFFFE, {1, 2}) + LinearBase(1) + Record(0, 0, {3}) +
                           Record(0, 4, {}) + kEnd;
  Image image = ParseText(text);
  EXPECT_EQ(image.base, 0xFFFEu);
  EXPECT_EQ(image.bytes, (Bytes{1, 2, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 4, 5}));
  EXPECT_EQ(Text(image.segments), Text({{0xFFFE, 0, 3}, {0x10008, 10, 2}}));
  image = ParseText(text, {}, {.max_gap = 7, .fill = 0xA5});
  EXPECT_EQ(image.bytes, (Bytes{1, 2, 3, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 4, 5}));
  EXPECT_TRUE(
      Contains(Refusal(text, {.max_gap = 6}), "line 2: address 0x10008 is 0x7 bytes after"));
}

// With linear addresses a record runs on past 64 KiB; tools differ on what one does in a segment.
TEST(IntelHex, RecordAcross64KiB) {
  EXPECT_EQ(ParseText(LinearBase(3) + Record(0, 0xFFFF, {1, 2}) + kEnd).bytes, (Bytes{1, 2}));
  EXPECT_TRUE(Contains(Refusal(Record(2, 0, {0x30, 0}) + Record(0, 0xFFFF, {1, 2}) + kEnd),
                       "fw: line 2: runs past the end of its 64 KiB segment"));
  EXPECT_EQ(ParseText(Record(2, 0, {0x30, 0}) + Record(0, 0xFFFE, {1, 2}) + kEnd).base, 0x3FFFEu);
}

TEST(IntelHex, DefaultGapIsOneMiB) {
  const std::string first = Record(0, 0, {1});
  const Image image = ParseText(first + LinearBase(0x10) + Record(0, 1, {2}) + kEnd);
  EXPECT_EQ(image.bytes.size(), kMiB + 2);
  const std::string message = Refusal(first + LinearBase(0x10) + Record(0, 2, {2}) + kEnd);
  EXPECT_TRUE(Contains(message, "line 3: address 0x100002 is 0x100001 bytes after"));
}

TEST(IntelHex, AdviceOnDistantDataWorks) {
  const Workshop workshop;
  REQUIRE_PROGRAM(workshop, "objcopy");
  workshop.Write("fw.hex", AsBytes(LinearBase(0x0800) + Record(0, 0, {1, 2, 3}) +
                                   LinearBase(0x1FFF) + Record(0, 0x7800, {0xAA}) + kEnd));
  EXPECT_TRUE(Contains(Refusal(workshop.Read("fw.hex")),
                       "`objcopy -I ihex -O ihex --remove-section=.sec2`"));
  ASSERT_TRUE(workshop.Run("objcopy -I ihex -O ihex --remove-section=.sec2 fw.hex slot.hex"));
  const Image image = ParseImage(workshop.Read("slot.hex"), "slot.hex");
  EXPECT_EQ(image.bytes, (Bytes{1, 2, 3}));
  EXPECT_EQ(image.base, 0x08000000u);
}

TEST(IntelHex, Malformed) {
  const std::string good = ":02000000ABCD86\n";
  const struct {
    std::string text;
    std::string message;
  } cases[] = {
      {good + ":02000200ABCD85\n" + kEnd,
       "line 2: checksum is 85, should be 84: the file is damaged"},
      {good + "\n\n02000200ABCD84\n" + kEnd, "line 4: does not start with ':'"},
      {good + ":02000200ABCG84\n" + kEnd,
       "line 2: character 13 (code 0x47) is no hexadecimal digit"},
      {good + ":02000200AB CD84\n" + kEnd, "line 2: character 12 (code 0x20)"},
      {good + std::string(":0200\0", 6) + kEnd, "character 6 (code 0x00)"},
      {good + ":02000200ABCD8\n" + kEnd, "line 2: a record cannot have 13 digits"},
      {good + ":00000001\n", "line 2: a record cannot have 8 digits"},
      {good + ":\n" + kEnd, "line 2: a record cannot have 0 digits"},
      {good + ":FF" + std::string(2 * 260, '0') + "\n" + kEnd,
       "line 2: a record cannot have 522 digits"},
      {good + ":03000200ABCD83\n" + kEnd, "line 2: holds 2 bytes of data and says 3"},
      {good + ":01000200ABCD85\n" + kEnd, "line 2: holds 2 bytes of data and says 1"},
      {good + Record(6, 0, {}) + kEnd, "line 2: record type 06 is unknown"},
      {good + Record(0x0A, 0, {0, 0, 0, 0}) + kEnd, "line 2: record type 0A is unknown"},
      {good + Record(1, 0, {1}), "line 2: a record of type 01 has 0 bytes of data, not 1"},
      {good + Record(2, 0, {1}) + kEnd, "line 2: a record of type 02 has 2 bytes of data, not 1"},
      {good + Record(3, 0, {1, 2, 3}) + kEnd,
       "line 2: a record of type 03 has 4 bytes of data, not 3"},
      {good + Record(4, 0, {}) + kEnd, "line 2: a record of type 04 has 2 bytes of data, not 0"},
      {good + Record(5, 0, {1, 2, 3, 4, 5}) + kEnd,
       "line 2: a record of type 05 has 4 bytes of data"},
      {good, "line 1: the end record (type 01) is missing after it"},
      {good + good, "line 2: the end record (type 01) is missing after it"},
      {good + kEnd + good, "line 3: follows the end record"},
      {good + kEnd + kEnd, "line 3: follows the end record"},
      {kEnd, "whole file: holds nothing to load"},
      {Record(0, 5, {}) + kEnd, "whole file: holds nothing to load"},
      {good + good + kEnd, "line 2: loads 0x0 again, after line 1"},
      {good + Record(0, 1, {7}) + kEnd, "line 2: loads 0x1 again, after line 1"},
      {Record(0, 4, {7, 7}) + Record(0, 0, Bytes(20)) + kEnd,
       "line 1: loads 0x4 again, after line 2"},
      {LinearBase(0xFFFF) + Record(0, 0xFFFF, {1, 2}) + kEnd,
       "line 2: 2 bytes at 0xffffffff pass the last address, 0xffffffff"},
  };
  for (const auto& [text, message] : cases) EXPECT_TRUE(Contains(Refusal(text), message)) << text;
}

TEST(IntelHex, CapsTheImageBeforeAllocating) {
  const ImageOptions any_gap = {.max_gap = UINT64_MAX};
  EXPECT_TRUE(Contains(
      Refusal(Record(0, 0, {1}) + LinearBase(0x7FFF) + Record(0, 0xFFFF, {2}) + kEnd, any_gap),
      "line 3: from 0x0 to 0x7fffffff the image is larger than 2 GiB - 1 bytes"));
  EXPECT_TRUE(Contains(
      Refusal(Record(0, 0, {1}) + LinearBase(0xFFFF) + Record(0, 0xFFFF, {2}) + kEnd, any_gap),
      "line 3: from 0x0 to 0xffffffff"));
  // Many gaps, each allowed.
  std::string text;
  for (unsigned i = 0; i <= 0x8000; i += 0x10)
    text += LinearBase(static_cast<uint16_t>(i)) + Record(0, 0, {1});
  EXPECT_TRUE(Contains(Refusal(text + kEnd), "larger than 2 GiB - 1 bytes"));
}

// --- ELF

struct Toolchain {
  const char* name;
  const char* prefix;     // of the programs
  const char* assembler;  // options
  const char* linker;     // options
  unsigned char elf_class;
  unsigned char byte_order;
};

void PrintTo(const Toolchain& toolchain, std::ostream* out) { *out << toolchain.name; }

constexpr Toolchain kToolchains[] = {
    {"arm", "arm-none-eabi-", "", "", ELFCLASS32, ELFDATA2LSB},
    {"arm_big_endian", "arm-none-eabi-", "-EB", "-EB", ELFCLASS32, ELFDATA2MSB},
    {"riscv32", "riscv64-unknown-elf-", "-march=rv32i -mabi=ilp32", "-m elf32lriscv", ELFCLASS32,
     ELFDATA2LSB},
    {"riscv64", "riscv64-unknown-elf-", "-march=rv64i -mabi=lp64", "-m elf64lriscv", ELFCLASS64,
     ELFDATA2LSB},
    {"riscv64_big_endian", "riscv64-unknown-elf-", "-march=rv64i -mabi=lp64 -mbig-endian",
     "-m elf64briscv", ELFCLASS64, ELFDATA2MSB},
    {"xtensa", "xtensa-lx106-elf-", "", "", ELFCLASS32, ELFDATA2LSB},
};

// Firmware behind a boot loader, at an address where linkers put the ELF headers into the first
// segment; initialised data in RAM, loaded from flash; memory that is not loaded at all; a gap.
constexpr std::string_view kAssembly = R"(
  .section .text,"ax"
  .incbin "text.bin"
  .section .rodata,"a"
  .balign 64
  .incbin "rodata.bin"
  .section .data,"aw"
  .incbin "data.bin"
  .section .tail,"a"
  .incbin "tail.bin"
  .section .bss,"aw",%nobits
  .space 4096
  .section .notes
  .ascii "not loaded"
)";
constexpr std::string_view kScript = R"(
  MEMORY {
    FLASH (rx) : ORIGIN = 0x08004000, LENGTH = 1M
    RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 64K
  }
  SECTIONS {
    .text : { *(.text) } > FLASH
    .rodata : { *(.rodata) } > FLASH
    .data : { *(.data) } > RAM AT > FLASH
    .bss (NOLOAD) : { *(.bss) } > RAM
    .tail 0x08008000 : { *(.tail) } > FLASH
  }
)";

class Elf : public testing::TestWithParam<Toolchain> {
 protected:
  // What makes `output` of kAssembly and `script`. False where it does not work.
  bool Link(std::string_view script, const std::string& options, const std::string& output) {
    workshop_.Write("text.bin", RandomBytes(5001, 3));
    workshop_.Write("rodata.bin", RandomBytes(999, 4));
    workshop_.Write("data.bin", RandomBytes(333, 5));
    workshop_.Write("tail.bin", RandomBytes(17, 6));
    workshop_.Write("fw.s", AsBytes(kAssembly));
    workshop_.Write("fw.ld", AsBytes(script));
    const Toolchain& t = GetParam();
    return workshop_.Run(Program("as ") + t.assembler + " fw.s -o fw.o") &&
           workshop_.Run(Program("ld ") + t.linker + " " + options + " -e 0 -T fw.ld fw.o -o " +
                         output + " 2> ld.log || ! cat ld.log");
  }
  std::string Program(const std::string& name) const { return GetParam().prefix + name; }
  Bytes Objcopy(const std::string& options, const std::string& input) {
    EXPECT_TRUE(workshop_.Run(Program("objcopy ") + options + " " + input + " objcopy.out"));
    return workshop_.Read("objcopy.out");
  }

  Workshop workshop_;
};

INSTANTIATE_TEST_SUITE_P(Image, Elf, testing::ValuesIn(kToolchains),
                         [](const auto& parameter) { return parameter.param.name; });

TEST_P(Elf, AgreesWithObjcopy) {
  REQUIRE_PROGRAM(workshop_, Program("ld"));
  // Usual pages, small ones, and no pages: different amounts of ELF headers in the first segment.
  for (const std::string options : {"", "-z max-page-size=0x1000", "-n"}) {
    SCOPED_TRACE(options);
    ASSERT_TRUE(Link(kScript, options, "fw.elf"));
    const Bytes elf = workshop_.Read("fw.elf");
    ASSERT_EQ(elf[EI_CLASS], GetParam().elf_class);
    ASSERT_EQ(elf[EI_DATA], GetParam().byte_order);
    // objcopy fills with zeros.
    const Image image = ParseImage(elf, "fw.elf", {}, {.fill = 0});
    EXPECT_EQ(image.format, ImageFormat::kElf);
    EXPECT_EQ(image.base, 0x08004000u);
    EXPECT_TRUE(image.bytes == Objcopy("-O binary", "fw.elf"));
    // The same program, as HEX.
    const Image hex = ParseImage(Objcopy("-O ihex", "fw.elf"), "fw.hex", {}, {.fill = 0});
    EXPECT_EQ(hex.format, ImageFormat::kIntelHex);
    EXPECT_EQ(hex.base, image.base);
    EXPECT_TRUE(hex.bytes == image.bytes);

    ASSERT_EQ(image.segments.size(), 2u);
    EXPECT_EQ(Text({image.segments.back()}), Text({{0x08008000, 0x4000, 17}}));
    const Image erased = ParseImage(elf, "fw.elf");
    EXPECT_EQ(erased.bytes[0x3FFF], 0xFF);
    EXPECT_EQ(image.bytes[0x3FFF], 0x00);
  }
}

// Otherwise the test above would not show that ELF headers are left out.
TEST_P(Elf, LinkerPutsHeadersIntoTheFirstSegment) {
  REQUIRE_PROGRAM(workshop_, Program("ld"));
  ASSERT_TRUE(Link(kScript, "-z max-page-size=0x10000", "fw.elf"));
  ASSERT_TRUE(workshop_.Run(Program("readelf") + " -lW fw.elf | grep -Eq 'LOAD +0x000000 '"));
  EXPECT_EQ(ParseImage(workshop_.Read("fw.elf"), "fw.elf").base, 0x08004000u);
}

TEST_P(Elf, StrippedOfSymbolsIsTheSame) {
  REQUIRE_PROGRAM(workshop_, Program("ld"));
  ASSERT_TRUE(Link(kScript, "", "fw.elf"));
  EXPECT_TRUE(ParseImage(Objcopy("--strip-all", "fw.elf"), "fw").bytes ==
              ParseImage(workshop_.Read("fw.elf"), "fw").bytes);
}

TEST_P(Elf, ObjectFileIsRefused) {
  REQUIRE_PROGRAM(workshop_, Program("ld"));
  ASSERT_TRUE(Link(kScript, "", "fw.elf"));
  EXPECT_TRUE(
      Contains(Refusal(workshop_.Read("fw.o")), "is an object file, without addresses: link it"));
}

TEST_P(Elf, AdviceOnDistantSegmentWorks) {
  REQUIRE_PROGRAM(workshop_, Program("ld"));
  std::string script(kScript);
  script.replace(script.find(".tail 0x08008000"), 16, ".tail 0x1FFF7800");
  script.replace(script.rfind("> FLASH"), 7, "");
  ASSERT_TRUE(Link(script, "", "fw.elf"));
  const std::string message = Refusal(workshop_.Read("fw.elf"));
  EXPECT_TRUE(Contains(message, "address 0x1fff7800 is "));
  EXPECT_TRUE(Contains(message, "`objcopy --remove-section=NAME`"));
  const Bytes slot = Objcopy("--remove-section=.tail", "fw.elf");
  const Image image = ParseImage(slot, "slot.elf", {}, {.fill = 0});
  workshop_.Write("slot.elf", slot);
  EXPECT_TRUE(image.bytes == Objcopy("-O binary", "slot.elf"));
  EXPECT_EQ(image.base, 0x08004000u);
}

TEST_P(Elf, TruncatedIsRefused) {
  REQUIRE_PROGRAM(workshop_, Program("ld"));
  ASSERT_TRUE(Link(kScript, "-n", "fw.elf"));
  const Bytes elf = workshop_.Read("fw.elf");
  for (size_t size = 4; size < elf.size(); size = size < 1000 ? size + 1 : size + 61) {
    EXPECT_NE(Refusal(std::span(elf).first(size)), "") << size;
  }
  EXPECT_NE(Refusal(std::span(elf).first(elf.size() - 1)), "");
}

// The C library's structures, filled in by hand, on a little-endian host: one segment, no sections.
template <typename Header, typename ProgramHeader>
struct HandmadeElf {
  Header header = {};
  ProgramHeader segment[2] = {};
  uint8_t data[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  HandmadeElf() {
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = sizeof header.e_entry == 8 ? ELFCLASS64 : ELFCLASS32;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_phoff = offsetof(HandmadeElf, segment);
    header.e_phentsize = sizeof segment[0];
    header.e_phnum = 2;
    for (size_t i = 0; i < 2; ++i) {
      segment[i].p_type = PT_LOAD;
      segment[i].p_offset = offsetof(HandmadeElf, data) + 8 * i;
      segment[i].p_vaddr = 0x20000000 + 0x100 * i;
      segment[i].p_paddr = 0x1000 + 16 * i;
      segment[i].p_filesz = 8;
      segment[i].p_memsz = 8;
    }
  }
  std::span<const uint8_t> Bytes() const {
    return {reinterpret_cast<const uint8_t*>(this), sizeof *this};
  }
};
using Elf32 = HandmadeElf<Elf32_Ehdr, Elf32_Phdr>;
using Elf64 = HandmadeElf<Elf64_Ehdr, Elf64_Phdr>;

template <typename T>
class HandmadeElfTest : public testing::Test {};
using ElfClasses = testing::Types<Elf32, Elf64>;
TYPED_TEST_SUITE(HandmadeElfTest, ElfClasses);

TYPED_TEST(HandmadeElfTest, WithoutSectionsSegmentsCountWhole) {
  TypeParam elf;
  const Image image = ParseImage(elf.Bytes(), "fw");
  EXPECT_EQ(image.format, ImageFormat::kElf);
  EXPECT_EQ(image.bytes, (Bytes{0,    1,    2,    3,    4, 5, 6,  7,  0xFF, 0xFF, 0xFF, 0xFF,
                                0xFF, 0xFF, 0xFF, 0xFF, 8, 9, 10, 11, 12,   13,   14,   15}));
  EXPECT_EQ(Text(image.segments), Text({{0x1000, 0, 8}, {0x1010, 16, 8}}));
}

TYPED_TEST(HandmadeElfTest, OrderOfHeadersDoesNotMatterAndTouchingSegmentsAreOne) {
  TypeParam elf;
  elf.segment[1].p_paddr = 0xFF8;
  const Image image = ParseImage(elf.Bytes(), "fw");
  EXPECT_EQ(image.bytes, (Bytes{8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(Text(image.segments), Text({{0xFF8, 0, 16}}));
}

TYPED_TEST(HandmadeElfTest, OnlyLoadedContentCounts) {
  for (const bool by_type : {true, false}) {
    TypeParam elf;
    if (by_type) {
      elf.segment[1].p_type = PT_NOTE;
    } else {
      elf.segment[1].p_filesz = 0;
    }
    elf.segment[1].p_offset = 0xFFFFFFFF;  // must not matter
    EXPECT_EQ(ParseImage(elf.Bytes(), "fw").bytes, (Bytes{0, 1, 2, 3, 4, 5, 6, 7}));
  }
}

TYPED_TEST(HandmadeElfTest, WithoutPhysicalAddressesTheVirtualOnesCount) {
  TypeParam elf;
  elf.segment[0].p_paddr = 0;
  EXPECT_EQ(ParseImage(elf.Bytes(), "fw").base, 0u);
  elf.segment[1].p_paddr = 0;
  EXPECT_EQ(ParseImage(elf.Bytes(), "fw").base, 0x20000000u);
  elf.segment[1].p_type = PT_NOTE;
  EXPECT_EQ(ParseImage(elf.Bytes(), "fw").base, 0u);
}

TYPED_TEST(HandmadeElfTest, Malformed) {
  using Change = std::function<void(TypeParam&)>;
  const uint64_t largest = sizeof(TypeParam{}.header.e_entry) == 8 ? UINT64_MAX : UINT32_MAX;
  const struct {
    Change change;
    std::string message;
  } cases[] = {
      {[](auto& e) { e.header.e_ident[EI_CLASS] = 3; }, "offset 0x4: class 3"},
      {[](auto& e) { e.header.e_ident[EI_DATA] = 0; }, "offset 0x5: byte order 0"},
      {[](auto& e) { e.header.e_ident[EI_VERSION] = 2; }, "offset 0x6: ELF version 2"},
      {[](auto& e) { e.header.e_phnum = 0; }, "has no program headers"},
      {[](auto& e) { e.header.e_phnum = 0, e.header.e_type = ET_REL; }, "is an object file"},
      {[](auto& e) { e.header.e_phnum = 9; }, "the table of program headers"},
      {[](auto& e) { e.header.e_phnum = PN_XNUM; }, "more program headers than any firmware"},
      {[](auto& e) { e.header.e_phentsize = 8; }, "program headers of 8 bytes, should be"},
      {[](auto& e) { e.header.e_phoff = sizeof e; }, "the table of program headers"},
      {[=](auto& e) { e.header.e_phoff = largest; }, "ends outside the file"},
      {[](auto& e) { e.header.e_shoff = 1; }, "section table of no or too many sections"},
      {[](auto& e) { e.header.e_shoff = 1, e.header.e_shnum = 1; },
       "section headers of 0 bytes, should be"},
      {[](auto& e) {
         e.header.e_shoff = sizeof e, e.header.e_shnum = 1;
         e.header.e_shentsize =
             sizeof e.header.e_entry == 8 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
       },
       "the table of section headers"},
      {[](auto& e) { e.segment[0].p_memsz = 7; }, "larger in the file than in memory"},
      {[](auto& e) { e.segment[1].p_offset += 1; }, "the segment (0x8 bytes at offset"},
      {[=](auto& e) { e.segment[1].p_offset = static_cast<uint32_t>(largest); },
       "ends outside the file"},
      {[=](auto& e) { e.segment[1].p_offset = largest - 3; }, "ends outside the file"},
      {[=](auto& e) { e.segment[0].p_filesz = e.segment[0].p_memsz = largest; },
       "ends outside the file"},
      {[=](auto& e) { e.segment[1].p_paddr = largest - 6; }, "pass the last address"},
      {[=](auto& e) { e.segment[1].p_paddr = largest - 7; },
       "only gaps of up to 0x100000 are filled"},
      {[](auto& e) { e.segment[1].p_paddr = 0x1007; },
       "loads 0x1007 again, after segment of the program"},
      {[](auto& e) { e.segment[1].p_paddr = 0x1000; }, "loads 0x1000 again"},
      {[](auto& e) { e.segment[0].p_type = e.segment[1].p_type = PT_NOTE; },
       "holds nothing to load"},
      {[](auto& e) { e.segment[0].p_filesz = e.segment[1].p_filesz = 0; }, "holds nothing to load"},
  };
  for (const auto& [change, message] : cases) {
    TypeParam elf;
    change(elf);
    EXPECT_TRUE(Contains(Refusal(elf.Bytes()), message));
  }
  const TypeParam elf;
  EXPECT_TRUE(Contains(Refusal(elf.Bytes().first(20)), "the header"));
  EXPECT_TRUE(Contains(Refusal(elf.Bytes().first(4)), "offset 0x4: class 0"));
}

TYPED_TEST(HandmadeElfTest, CapsTheImageBeforeAllocating) {
  TypeParam elf;
  elf.segment[1].p_paddr = 0x1000 + kMaxImageSize - 7;
  EXPECT_TRUE(
      Contains(Refusal(elf.Bytes(), {}, {.max_gap = UINT64_MAX}), "larger than 2 GiB - 1 bytes"));
}

TEST(HandmadeElf64, LastAddresses) {
  Elf64 elf;
  elf.segment[0].p_paddr = UINT64_MAX - 15;
  elf.segment[1].p_paddr = UINT64_MAX - 7;
  const Image image = ParseImage(elf.Bytes(), "fw");
  EXPECT_EQ(image.base, UINT64_MAX - 15);
  EXPECT_EQ(image.bytes.size(), 16u);
  elf.segment[0].p_paddr = 0;
  EXPECT_TRUE(
      Contains(Refusal(elf.Bytes(), {}, {.max_gap = UINT64_MAX}), "larger than 2 GiB - 1 bytes"));
}

// A section that starts inside its segment moves the load address, which must not wrap.
struct ElfWithSection {
  Elf64 elf;
  Elf64_Shdr section = {};

  ElfWithSection() {
    elf.header.e_phnum = 1;
    elf.segment[0].p_filesz = elf.segment[0].p_memsz = 16;
    elf.header.e_shoff = offsetof(ElfWithSection, section);
    elf.header.e_shentsize = sizeof section;
    elf.header.e_shnum = 1;
    section.sh_type = SHT_PROGBITS;
    section.sh_flags = SHF_ALLOC;
    section.sh_offset = elf.segment[0].p_offset + 4;
    section.sh_size = 3;
  }
  std::span<const uint8_t> Bytes() const {
    return {reinterpret_cast<const uint8_t*>(this), sizeof *this};
  }
};

TEST(ElfSections, TrimTheirSegment) {
  ElfWithSection file;
  Image image = ParseImage(file.Bytes(), "fw");
  EXPECT_EQ(image.bytes, (Bytes{4, 5, 6}));
  EXPECT_EQ(image.base, 0x1004u);
  file.section.sh_size = 16;  // past the segment, inside the file
  image = ParseImage(file.Bytes(), "fw");
  EXPECT_EQ(image.bytes, (Bytes{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
}

TEST(ElfSections, ThatAreNotLoadedDoNotCount) {
  for (const auto& change : std::initializer_list<std::function<void(Elf64_Shdr&)>>{
           [](Elf64_Shdr& s) { s.sh_flags = SHF_WRITE; },
           [](Elf64_Shdr& s) { s.sh_type = SHT_NOBITS; }, [](Elf64_Shdr& s) { s.sh_size = 0; }}) {
    ElfWithSection file;
    change(file.section);
    EXPECT_TRUE(Contains(Refusal(file.Bytes()), "holds nothing to load"));
  }
}

TEST(ElfSections, Malformed) {
  ElfWithSection file;
  file.section.sh_size = UINT64_MAX;
  EXPECT_TRUE(Contains(Refusal(file.Bytes()), "the section (0xffffffffffffffff bytes at"));
  file.section.sh_size = 1;
  file.section.sh_offset = UINT64_MAX;
  EXPECT_TRUE(Contains(Refusal(file.Bytes()), "ends outside the file"));
  file = ElfWithSection();
  file.elf.segment[0].p_paddr = UINT64_MAX - 3;
  EXPECT_TRUE(Contains(Refusal(file.Bytes()), "passes the last address"));
}

// --- UF2

// The structure of the specification.
struct Uf2Block {
  uint32_t magic_start0 = 0x0A324655;
  uint32_t magic_start1 = 0x9E5D5157;
  uint32_t flags = 0;
  uint32_t address = 0;
  uint32_t payload_size = 256;
  uint32_t number = 0;
  uint32_t count = 1;
  uint32_t family = 0;
  uint8_t data[476] = {};
  uint32_t magic_end = 0x0AB16F30;
};
static_assert(sizeof(Uf2Block) == 512);

// `count` blocks with 256 bytes each from 0x10000000 on, filled with their number + 1, of family
// 0xE48BFF56 (RP2040).
std::vector<Uf2Block> MakeUf2(size_t count) {
  std::vector<Uf2Block> blocks(count);
  for (size_t i = 0; i < count; ++i) {
    blocks[i].flags = 0x2000;
    blocks[i].address = static_cast<uint32_t>(0x10000000 + 256 * i);
    blocks[i].number = static_cast<uint32_t>(i);
    blocks[i].count = static_cast<uint32_t>(count);
    blocks[i].family = 0xE48BFF56;
    memset(blocks[i].data, static_cast<int>(i + 1), 256);
  }
  return blocks;
}

std::span<const uint8_t> AsBytes(const std::vector<Uf2Block>& blocks) {
  return {reinterpret_cast<const uint8_t*>(blocks.data()), blocks.size() * sizeof(Uf2Block)};
}

Bytes Filled(std::initializer_list<std::pair<size_t, uint8_t>> runs) {
  Bytes bytes;
  for (const auto& [size, value] : runs) bytes.insert(bytes.end(), size, value);
  return bytes;
}

TEST(Uf2, BlocksInOrder) {
  const Image image = ParseImage(AsBytes(MakeUf2(3)), "fw");
  EXPECT_EQ(image.format, ImageFormat::kUf2);
  EXPECT_EQ(image.base, 0x10000000u);
  EXPECT_EQ(image.family, 0xE48BFF56u);
  EXPECT_EQ(image.bytes, Filled({{256, 1}, {256, 2}, {256, 3}}));
  EXPECT_EQ(Text(image.segments), Text({{0x10000000, 0, 768}}));
}

// A block written byte by byte as the specification's table has it.
TEST(Uf2, BytesOfTheSpecification) {
  Bytes file = {'U',  'F',  '2', '\n', 0x57, 0x51, 0x5D, 0x9E, 0,  0x20, 0,  0,
                0x00, 0x20, 0,   0,    4,    0,    0,    0,    0,  0,    0,  0,
                1,    0,    0,   0,    0xEF, 0xBE, 0xAD, 0xDE, 11, 22,   33, 44};
  file.resize(508, 0xFF);
  file.insert(file.end(), {0x30, 0x6F, 0xB1, 0x0A});
  const Image image = ParseImage(file, "fw");
  EXPECT_EQ(image.bytes, (Bytes{11, 22, 33, 44}));
  EXPECT_EQ(image.base, 0x2000u);
  EXPECT_EQ(image.family, 0xDEADBEEFu);
}

TEST(Uf2, AnyOrderSizesAndGaps) {
  std::vector<Uf2Block> blocks = MakeUf2(4);
  blocks[1].payload_size = 476;
  memset(blocks[1].data, 7, 476);
  blocks[2].payload_size = 0;
  blocks[2].address = 0xFFFFFFFF;  // must not matter
  blocks[3].address = 0x10000400;
  blocks[3].payload_size = 4;
  std::swap(blocks[0], blocks[3]);
  const Image image = ParseImage(AsBytes(blocks), "fw");
  EXPECT_EQ(image.bytes, Filled({{256, 1}, {476, 7}, {1024 - 732, 0xFF}, {4, 4}}));
  EXPECT_EQ(Text(image.segments), Text({{0x10000000, 0, 732}, {0x10000400, 1024, 4}}));
}

TEST(Uf2, NotMainFlashIsPassedOver) {
  std::vector<Uf2Block> blocks = MakeUf2(3);
  blocks[1].flags = 0x0001;
  blocks[1].address = 0x90000000;
  Image image = ParseImage(AsBytes(blocks), "fw");
  EXPECT_EQ(image.bytes, Filled({{256, 1}, {256, 0xFF}, {256, 3}}));
  EXPECT_EQ(image.family, 0xE48BFF56u);
  // It counts as a block of the file, though.
  blocks.erase(blocks.begin() + 1);
  EXPECT_TRUE(Contains(Refusal(AsBytes(blocks)), "says that the file has 3 blocks, it has 2"));
}

TEST(Uf2, FamilyOnlyWhereGiven) {
  std::vector<Uf2Block> blocks = MakeUf2(2);
  blocks[0].flags = blocks[1].flags = 0;  // the field is the file size then
  EXPECT_FALSE(ParseImage(AsBytes(blocks), "fw").family);
}

// The block that picotool puts in front, as its gen_abs_block() makes it.
TEST(Uf2, ErratumBlockIsPassedOver) {
  std::vector<Uf2Block> blocks = MakeUf2(2);
  Uf2Block erratum;
  erratum.flags = 0xA000;
  erratum.address = 0x10FFFF00;
  erratum.count = 2;
  erratum.family = 0xE48BFF57;
  memset(erratum.data, 0xEF, 256);
  const uint8_t ignore_block[] = {0x04, 0xE3, 0x57, 0x99};
  memcpy(erratum.data + 256, ignore_block, sizeof ignore_block);
  blocks.insert(blocks.begin(), erratum);
  const Image image = ParseImage(AsBytes(blocks), "fw");
  EXPECT_EQ(image.bytes, Filled({{256, 1}, {256, 2}}));
  EXPECT_EQ(image.family, 0xE48BFF56u);
  blocks[0].data[256] = 0;  // another tag: a block as any other
  EXPECT_NE(Refusal(AsBytes(blocks)), "");
}

TEST(Uf2, Malformed) {
  using Blocks = std::vector<Uf2Block>;
  const struct {
    std::function<void(Blocks&)> change;
    std::string message;
  } cases[] = {
      {[](Blocks& b) { b[1].magic_start0 ^= 1; },
       "block at offset 0x200: a UF2 block starts and ends with"},
      {[](Blocks& b) { b[1].magic_start1 ^= 1; },
       "block at offset 0x200: a UF2 block starts and ends with"},
      {[](Blocks& b) { b[0].magic_end ^= 1; },
       "block at offset 0x0: a UF2 block starts and ends with"},
      {[](Blocks& b) { b[2].payload_size = 477; }, "block at offset 0x400: payload of 477 bytes"},
      {[](Blocks& b) { b[2].payload_size = 0xFFFFFFFF; }, "payload of 4294967295 bytes"},
      {[](Blocks& b) { b[0].flags |= 0x1000; }, "block at offset 0x0: holds files"},
      {[](Blocks& b) { b[1].family ^= 1; },
       "is for family 0xe48bff57, earlier blocks are for family 0xe48bff56"},
      {[](Blocks& b) { b[1].flags = 0; },
       "is for no family, earlier blocks are for family 0xe48bff56"},
      {[](Blocks& b) { b.pop_back(); }, "says that the file has 3 blocks, it has 2"},
      {[](Blocks& b) { b[0].count = 0; }, "says that the file has 0 blocks"},
      {[](Blocks& b) { b[0].count = 0xFFFFFFFF; }, "says that the file has 4294967295 blocks"},
      {[](Blocks& b) { b[1].count = 2; }, "block at offset 0x200: is number 1 of 2"},
      {[](Blocks& b) { b[1].number = 3; }, "block at offset 0x200: is number 3 of 3"},
      {[](Blocks& b) { b[1].number = 0xFFFFFFFF; }, "is number 4294967295 of 3"},
      {[](Blocks& b) { b[2].number = 0; }, "block at offset 0x400: number 0 comes twice"},
      {[](Blocks& b) { b.push_back(b[0]); }, "block at offset 0x600: number 0 comes twice"},
      {[](Blocks& b) { b[1].address = 0x100000FF; },
       "block at offset 0x200: loads 0x100000ff again"},
      {[](Blocks& b) { b[2].address = 0x10000000; },
       "block at offset 0x400: loads 0x10000000 again"},
      {[](Blocks& b) { b[2].address = 0xFFFFFF01; }, "pass the last address"},
      {[](Blocks& b) { b[2].address = 0xFFFFFF00; },
       "block at offset 0x400: address 0xffffff00 is"},
      {[](Blocks& b) {
         for (Uf2Block& block : b) block.flags |= 1;
       },
       "holds nothing to load"},
      {[](Blocks& b) {
         for (Uf2Block& block : b) block.payload_size = 0;
       },
       "holds nothing to load"},
  };
  for (const auto& [change, message] : cases) {
    Blocks blocks = MakeUf2(3);
    change(blocks);
    EXPECT_TRUE(Contains(Refusal(AsBytes(blocks), ImageFormat::kUf2), message));
  }
  // More blocks in the file than there are with numbers: one is missing.
  Blocks blocks = MakeUf2(3);
  blocks[2].family = 0xE48BFF57;
  blocks[2].flags = 0xA000;
  const uint8_t ignore_block[] = {0x04, 0xE3, 0x57, 0x99};
  memcpy(blocks[2].data + 256, ignore_block, sizeof ignore_block);
  EXPECT_TRUE(Contains(Refusal(AsBytes(blocks)),
                       "block at offset 0x600: the file ends here with 2 of 3 blocks"));
}

TEST(Uf2, TruncatedIsRefused) {
  const std::vector<Uf2Block> blocks = MakeUf2(2);
  for (size_t size = 8; size < 1024; ++size)
    EXPECT_NE(Refusal(AsBytes(blocks).first(size)), "") << size;
}

TEST(Uf2, CapsTheImageBeforeAllocating) {
  std::vector<Uf2Block> blocks = MakeUf2(2);
  blocks[0].address = 0;
  blocks[1].address = 0x7FFFFF00;
  EXPECT_TRUE(Contains(Refusal(AsBytes(blocks), {}, {.max_gap = UINT64_MAX}),
                       "larger than 2 GiB - 1 bytes"));
}

// --- Damage

void CheckConsistent(const Image& image) {
  uint64_t end = 0;
  for (const ImageSegment& segment : image.segments) {
    ASSERT_GT(segment.size, 0u);
    ASSERT_GE(segment.offset, end);
    ASSERT_LE(segment.size, image.bytes.size() - segment.offset);
    ASSERT_EQ(segment.address, image.base.value_or(0) + segment.offset);
    end = segment.offset + segment.size;
  }
  ASSERT_EQ(end, image.bytes.size());
}

// Calls `check` with what every value of every byte, and every shorter length, makes of `file`: an
// image, or nothing where it was refused. Few files with one wrong byte reach more than this.
void ForAllDamage(const Bytes& file, std::optional<ImageFormat> forced,
                  const std::function<void(const Image&, std::span<const uint8_t>)>& check) {
  size_t refused = 0;
  const auto parse = [&](std::span<const uint8_t> damaged) {
    try {
      const Image image = ParseImage(damaged, "fw", forced);
      CheckConsistent(image);
      check(image, damaged);
    } catch (const Error& error) {
      ASSERT_EQ(error.status(), Status::kBadImage);
      ++refused;
    }
  };
  Bytes damaged = file;
  for (size_t i = 0; i < file.size(); ++i) {
    for (unsigned change = 1; change < 256; ++change) {
      damaged[i] = static_cast<uint8_t>(file[i] ^ change);
      parse(damaged);
      if (testing::Test::HasFatalFailure()) return;
    }
    damaged[i] = file[i];
  }
  for (size_t size = 0; size < file.size(); ++size) {
    parse(Bytes(file.begin(), file.begin() + static_cast<ptrdiff_t>(size)));  // its end is guarded
  }
  EXPECT_GT(refused, file.size());
}

// Checksums and lengths find every single wrong character.
TEST(Damage, IntelHex) {
  const std::string text = LinearBase(0x0800) + Record(0, 0, {1, 2, 3, 4}) + Record(0, 6, {0xAB}) +
                           Record(5, 0, {8, 0, 0, 1}) + kEnd;
  const Bytes file(text.begin(), text.end());
  const Bytes intact = ParseText(text).bytes;
  ForAllDamage(file, ImageFormat::kIntelHex,
               [&](const Image& image, std::span<const uint8_t> damaged) {
                 ASSERT_EQ(image.bytes, intact) << std::string(damaged.begin(), damaged.end());
                 ASSERT_EQ(image.base, 0x08000000u);
               });
  // Damage to the first line may make the file a raw one.
  ForAllDamage(file, {}, [&](const Image& image, std::span<const uint8_t> damaged) {
    if (image.format == ImageFormat::kRaw) {
      ASSERT_EQ(image.bytes, Bytes(damaged.begin(), damaged.end()));
    } else {
      ASSERT_EQ(image.bytes, intact);
    }
  });
}

TEST(Damage, Elf) {
  for (const bool wide : {false, true}) {
    const Elf32 elf32;
    const Elf64 elf64;
    const std::span<const uint8_t> bytes = wide ? elf64.Bytes() : elf32.Bytes();
    ForAllDamage({bytes.begin(), bytes.end()}, {},
                 [&](const Image& image, std::span<const uint8_t>) {
                   ASSERT_LE(image.bytes.size(), kMiB + 32);
                 });
  }
}

TEST(Damage, ElfWithSections) {
  const ElfWithSection file;
  ForAllDamage({file.Bytes().begin(), file.Bytes().end()}, {},
               [](const Image& image, std::span<const uint8_t> damaged) {
                 ASSERT_LE(image.bytes.size(), damaged.size());
               });
}

TEST_P(Elf, Damage) {
  REQUIRE_PROGRAM(workshop_, Program("ld"));
  workshop_.Write(
      "tiny.s",
      AsBytes(".section .text,\"ax\"\n.byte 1,2,3,4\n.section .data,\"aw\"\n.byte 5,6,7\n"));
  workshop_.Write("tiny.ld",
                  AsBytes("SECTIONS { .text 0x1000 : { *(.text) } .data 0x8000 : AT(0x1010) "
                          "{ *(.data) } /DISCARD/ : { *(*) } }"));
  ASSERT_TRUE(workshop_.Run(Program("as ") + GetParam().assembler + " tiny.s -o tiny.o"));
  ASSERT_TRUE(workshop_.Run(Program("ld ") + GetParam().linker +
                            " -n -s -e 0 -T tiny.ld tiny.o -o tiny.elf"));
  const Bytes file = workshop_.Read("tiny.elf");
  ASSERT_LT(file.size(), 2000u);
  ASSERT_EQ(ParseImage(file, "fw", {}, {.fill = 0}).bytes, Objcopy("-O binary", "tiny.elf"));
  ForAllDamage(file, {}, [](const Image& image, std::span<const uint8_t> damaged) {
    ASSERT_LE(image.bytes.size(), kMiB + damaged.size());
  });
}

TEST(Damage, Uf2) {
  const std::vector<Uf2Block> blocks = MakeUf2(2);
  const std::span<const uint8_t> bytes = AsBytes(blocks);
  ForAllDamage({bytes.begin(), bytes.end()}, {}, [](const Image& image, std::span<const uint8_t>) {
    ASSERT_LE(image.bytes.size(), kMiB + 1024);
  });
}

// --- Files

std::string ReadRefusal(const std::string& path, uint64_t max_size = kMaxImageSize) {
  try {
    ReadFile(path, max_size);
    ADD_FAILURE() << path << " was read";
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::kFileError);
    return error.what();
  }
}

TEST(ReadFile, WholeFiles) {
  const Workshop workshop;
  for (const size_t size : {0, 1, 65535, 65536, 65537, 300'000}) {
    const Bytes bytes = RandomBytes(size, 7);
    workshop.Write("file", bytes);
    EXPECT_TRUE(ReadFile(workshop.Path("file")) == bytes) << size;
    EXPECT_TRUE(ReadFile(workshop.Path("file"), size) == bytes) << size;
  }
}

TEST(ReadFile, StandardInput) {
  const Workshop workshop;
  const Bytes bytes = RandomBytes(100'000, 8);
  workshop.Write("file", bytes);
  ASSERT_NE(freopen(workshop.Path("file").c_str(), "rb", stdin), nullptr);
  EXPECT_TRUE(ReadFile("-") == bytes);
  ASSERT_NE(freopen(workshop.Path("file").c_str(), "rb", stdin), nullptr);
  EXPECT_TRUE(StartsWith(ReadRefusal("-", 99'999), "standard input: is larger than 99999 bytes"));
}

TEST(ReadFile, Refusals) {
  const Workshop workshop;
  workshop.Write("file", Bytes(11));
  EXPECT_TRUE(StartsWith(ReadRefusal(workshop.Path("file"), 10),
                         workshop.Path("file") + ": is larger than 10"));
  EXPECT_TRUE(
      StartsWith(ReadRefusal(workshop.Path("none")),
                 workshop.Path("none") + ": cannot be read (No such file or directory): check"));
  EXPECT_TRUE(Contains(ReadRefusal(workshop.Path("")), "cannot be read (Is a directory)"));
  // Without a size that could be known before.
  EXPECT_TRUE(Contains(ReadRefusal("/dev/zero", 100'000), "is larger than 100000"));
}

TEST(ReadFile, LargerThanAnyImage) {
  const Workshop workshop;
  workshop.Write("file", Bytes(1));
  std::filesystem::resize_file(workshop.Path("file"), kMaxImageSize + 1);  // holds no blocks
  EXPECT_TRUE(Contains(ReadRefusal(workshop.Path("file")), "is larger than 2147483647 bytes"));
}

}  // namespace
}  // namespace mote
