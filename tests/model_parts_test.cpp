// SPDX-License-Identifier: Apache-2.0
// The parts of codec model, each alone: instructions as assemblers write them, the range coder's
// two halves, the shift table against one that keeps a list. Known answers come from GNU as and
// llvm-mc, as objdump and llvm-mc print them, or from the architecture's manual.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "diff/range_encoder.h"
#include "patch/architecture.h"
#include "patch/bytes.h"
#include "patch/pair.h"
#include "patch/range_decoder.h"
#include "patch/shift_table.h"
#include "patch/unit.h"
#include "tests/support/images.h"
#include "tests/support/reference_model.h"

namespace mote::testing {
namespace {

// --- Instructions with an address.

struct Instruction {
  ArchitectureId architecture;
  uint32_t word;  // as the architecture reads it
  unsigned size;
  uint32_t address, target;
  const char* text;
};

void PrintTo(const Instruction& i, std::ostream* out) { *out << i.text; }

constexpr auto kThumbId = ArchitectureId::kThumb;
constexpr auto kXtensaId = ArchitectureId::kXtensa;
constexpr auto kRiscvId = ArchitectureId::kRiscv;
constexpr auto kAarch64Id = ArchitectureId::kAarch64;
constexpr auto kMipsId = ArchitectureId::kMips;
constexpr auto k8051Id = ArchitectureId::k8051;

constexpr Instruction kInstructions[] = {
    // arm-none-eabi-as, -mcpu=cortex-m4; arm-none-eabi-objdump prints halfwords, the first one is
    // the lower half here.
    {kThumbId, 0xF800F000, 4, 0x0, 0x4, "f000 f800 bl 4"},
    {kThumbId, 0xF802F000, 4, 0x4, 0xC, "f000 f802 bl c"},
    {kThumbId, 0xFFFEF7FF, 4, 0x8, 0x8, "f7ff fffe bl 8"},
    {kThumbId, 0xF800F001, 4, 0xC, 0x1010, "f001 f800 bl 1010"},
    {kThumbId, 0xF800F7FF, 4, 0x10, 0xFFFFF014, "f7ff f800 bl fffff014"},
    {kThumbId, 0xFA2BF123, 4, 0x14, 0x12346E, "f123 fa2b bl 12346e"},
    {kThumbId, 0xFDD5F6DC, 4, 0x18, 0xFFEDCBC6, "f6dc fdd5 bl ffedcbc6"},
    {kThumbId, 0xF800F400, 4, 0x28, 0xFFC0002C, "f400 f800 bl ffc0002c"},
    {kThumbId, 0xB800F000, 4, 0x38, 0x3C, "f000 b800 b.w 3c"},
    {kThumbId, 0xBFFEF7FF, 4, 0x40, 0x40, "f7ff bffe b.w 40"},
    {kThumbId, 0xBA2BF123, 4, 0x4C, 0x1234A6, "f123 ba2b b.w 1234a6"},
    {kThumbId, 0xFFFFF3FF, 4, 0x68, 0x40006A, "f3ff ffff bl 40006a"},
    {kThumbId, 0xBFFFF3FF, 4, 0x6C, 0x40006E, "f3ff bfff b.w 40006e"},
    {kThumbId, 0xB800F400, 4, 0x70, 0xFFC00074, "f400 b800 b.w ffc00074"},
    // xtensa-lx106-elf-as, -ld, -objdump.
    {kXtensaId, 0x000005, 3, 0x40210000, 0x40210004, "call0 40210004"},
    {kXtensaId, 0x7FFF85, 3, 0x40210003, 0x4028FFFC, "call0 4028fffc"},
    {kXtensaId, 0x8FFFC5, 3, 0x40210006, 0x401A0004, "call0 401a0004"},
    {kXtensaId, 0xFFEF45, 3, 0x40210009, 0x4020FF00, "call0 4020ff00"},
    {kXtensaId, 0x000006, 3, 0x4021000C, 0x40210010, "j 40210010"},
    {kXtensaId, 0x7BFB46, 3, 0x4021000F, 0x4022F000, "j 4022f000"},
    {kXtensaId, 0x83FE86, 3, 0x40210012, 0x401F1010, "j 401f1010"},
    {kXtensaId, 0xFFF921, 3, 0x40210018, 0x4020FFFC, "l32r a2, 4020fffc"},
    {kXtensaId, 0xFFF831, 3, 0x4021001B, 0x4020FFFC, "l32r a3, 4020fffc"},
    {kXtensaId, 0x0000F1, 3, 0x4021001E, 0x401D0020, "l32r a15, 401d0020"},
    {kXtensaId, 0xFFFD41, 3, 0x40210021, 0x40210018, "l32r a4, 40210018"},
    // riscv64-unknown-elf-as, -objdump.
    {kRiscvId, 0x0000006F, 4, 0x0, 0x0, "jal zero,0"},
    {kRiscvId, 0x002000EF, 4, 0x4, 0x6, "jal ra,6"},
    {kRiscvId, 0xFFFFF16F, 4, 0x8, 0x6, "jal sp,6"},
    {kRiscvId, 0x7FE001EF, 4, 0xC, 0x80A, "jal gp,80a"},
    {kRiscvId, 0x0010026F, 4, 0x10, 0x810, "jal tp,810"},
    {kRiscvId, 0x801FF2EF, 4, 0x14, 0xFFFFF814, "jal t0,fffff814"},
    {kRiscvId, 0x7FFFF36F, 4, 0x18, 0x100016, "jal t1,100016"},
    {kRiscvId, 0x800003EF, 4, 0x1C, 0xFFF0001C, "jal t2,fff0001c"},
    {kRiscvId, 0x3441246F, 4, 0x20, 0x12364, "jal s0,12364"},
    {kRiscvId, 0xCE1AB4EF, 4, 0x24, 0xFFFABD04, "jal s1,fffabd04"},
    // llvm-mc -triple=aarch64 -show-encoding; offsets count from the instruction (Arm ARM, C6.2).
    {kAarch64Id, 0x14000000, 4, 0x80000, 0x80000, "b #0"},
    {kAarch64Id, 0x14000001, 4, 0x80000, 0x80004, "b #4"},
    {kAarch64Id, 0x97FFFFFF, 4, 0x80000, 0x7FFFC, "bl #-4"},
    {kAarch64Id, 0x95FFFFFF, 4, 0x80000, 0x807FFFC, "bl #134217724"},
    {kAarch64Id, 0x16000000, 4, 0x80000, 0xF8080000, "b #-134217728"},
    {kAarch64Id, 0x9448D15A, 4, 0x80000, 0x12B4568, "bl #19088744"},
    // llvm-mc -triple=mipsel and -triple=mips, -mcpu=mips32; the upper four bits are those of the
    // delay slot (MIPS32, volume
    // II-A, J), which is in the same 256 MiB here.
    {kMipsId, 0x0C48D158, 4, 0x9FC00000, 0x91234560, "jal 19088736"},
    {kMipsId, 0x08000000, 4, 0x80001000, 0x80000000, "j 0"},
    {kMipsId, 0x0FFFFFFF, 4, 0x00400000, 0x0FFFFFFC, "jal 268435452"},
    {kMipsId, 0x0A000400, 4, 0xB0000000, 0xB8001000, "j 134221824"},
    {ArchitectureId::kMipsBig, 0x0C48D158, 4, 0x9FC00000, 0x91234560, "jal 19088736, big-endian"},
    // MCS 51 User's Manual, chapter 2: "LCALL SUBRTN" at 0123H with SUBRTN at 1234H, "LJMP JMPADR"
    // with JMPADR at 1234H:
    // 00010010 and 00000010, then the address, its upper byte first.
    {k8051Id, 0x121234, 3, 0x0123, 0x1234, "LCALL 1234H"},
    {k8051Id, 0x021234, 3, 0x0123, 0x1234, "LJMP 1234H"},
    {k8051Id, 0x12FFFF, 3, 0xFFFC, 0xFFFF, "LCALL FFFFH"},
};

const UnitRow* RowOf(ArchitectureId id, uint32_t word, unsigned size) {
  const Architecture& architecture = *FindArchitecture(id);
  for (unsigned i = 0; i < architecture.row_count; ++i) {
    const UnitRow& row = architecture.rows[i];
    if (row.size == size && (word & row.mask) == row.match) return &row;
  }
  return nullptr;
}

class KnownInstruction : public ::testing::TestWithParam<Instruction> {};

INSTANTIATE_TEST_SUITE_P(Model, KnownInstruction, ::testing::ValuesIn(kInstructions));

TEST_P(KnownInstruction, HasThisTargetAndIsWrittenForIt) {
  const Instruction& known = GetParam();
  const UnitRow* row = RowOf(known.architecture, known.word, known.size);
  ASSERT_NE(row, nullptr) << "it is not found";
  EXPECT_EQ(TargetOf(*row, known.word, known.address), known.target);
  EXPECT_EQ(WithTarget(*row, known.word, known.address, known.target), known.word);
  // From another target's bits.
  const uint32_t cleared = WithTarget(*row, known.word, known.address, known.target ^ 0x1540);
  EXPECT_NE(cleared, known.word);
  EXPECT_EQ(WithTarget(*row, cleared, known.address, known.target), known.word);
}

// Instructions that look alike and carry no address, or another kind of it.
TEST(KnownInstructions, OthersAreNotTaken) {
  // Cortex-M4: nop.w, mrs r0, msp, beq.w 8, blx (to Arm code), push {lr}; movs; dmb sy.
  for (const uint32_t word :
       {0x8000F3AFu, 0x8008F3EFu, 0x8002F000u, 0xE800F000u, 0x2000B500u, 0x8F5FF3BFu})
    EXPECT_EQ(RowOf(kThumbId, word, 4), nullptr) << std::hex << word;
  // Branches of more than 4 MiB, as objdump has them: bl 100001e, ff000024, 40002a, 800030,
  // ff800032, c00038; b.w 1000056, ff00005c, 400062, ff80006a.
  for (const uint32_t word : {0xD7FFF3FFu, 0xD000F400u, 0xF001F000u, 0xD800F000u, 0xDFFFF7FFu,
                              0xD000F000u, 0x97FFF3FFu, 0x9000F400u, 0xB001F000u, 0x9FFFF7FFu})
    EXPECT_EQ(RowOf(kThumbId, word, 4), nullptr) << std::hex << word;
  // RV32: jalr ra,0(ra); beq a0,a1,.+8; lui a0,1.
  for (const uint32_t word : {0x000080E7u, 0x00B50463u, 0x00001537u})
    EXPECT_EQ(RowOf(kRiscvId, word, 4), nullptr) << std::hex << word;
  // AArch64: ret; cbz x0,.+8; b.eq .+8.
  for (const uint32_t word : {0xD65F03C0u, 0xB4000040u, 0x54000040u})
    EXPECT_EQ(RowOf(kAarch64Id, word, 4), nullptr) << std::hex << word;
  // LX106: nop (0020f0), ret (000080), callx0 a0 (0000c0), beqz a2,. (ffc216: op0 6, but no J).
  for (const uint32_t word : {0x0020F0u, 0x000080u, 0x0000C0u, 0xFFC216u})
    EXPECT_EQ(RowOf(kXtensaId, word, 3), nullptr) << std::hex << word;
}

// Every row of every architecture, the ones no assembler here knows among them, against FORMAT.md's
// table in the second decoder.
TEST(Rows, AreThoseOfTheFormat) {
  Random random(1);
  for (unsigned id = 0; id < kArchitectureCount; ++id) {
    const Architecture& architecture = *FindArchitecture(static_cast<ArchitectureId>(id));
    ASSERT_EQ(architecture.row_count, ReferenceRows(id));
    for (unsigned i = 0; i < architecture.row_count; ++i) {
      const UnitRow& row = architecture.rows[i];
      for (int n = 0; n < 20'000 / kSlowdown; ++n) {
        const auto filler = static_cast<uint32_t>(random.Next());
        const auto address = static_cast<uint32_t>(random.Next());
        const uint32_t near =
            static_cast<uint32_t>(static_cast<int32_t>(random.Next()) >> random.Below(32));
        const uint32_t target = address + near;
        const Bytes bytes = ReferenceInstruction(id, i, filler, target, address);
        ASSERT_EQ(bytes.size(), row.size);
        uint32_t word = (filler & ~row.mask) | row.match;
        if (row.size < 4) word &= (1u << 8 * row.size) - 1;
        word = WithTarget(row, word, address, target);
        ASSERT_EQ(architecture.big_endian ? LoadBig(bytes.data(), row.size)
                                          : LoadLittle(bytes.data(), row.size),
                  word)
            << "architecture " << id << ", row " << i << ", from " << address << " to " << target;
        // What is in reach is reached; anything is written the same way again.
        ASSERT_EQ(WithTarget(row, word, address, TargetOf(row, word, address)), word);
      }
    }
  }
}

// --- Pairs.

struct KnownPair {
  PairKind kind;
  uint32_t address, upper, lower_word;
  int reg;
  uint32_t target;
  const char* text;
};

void PrintTo(const KnownPair& pair, std::ostream* out) { *out << pair.text; }

constexpr KnownPair kPairs[] = {
    // riscv64-unknown-elf-as, -ld; objdump prints the address that the two make.
    {PairKind::kRiscv, 0x42000000, 0x00001517, 0xFFC50513, 10, 0x42000FFC,
     "auipc a0,0x1; addi a0,a0,-4 # 42000ffc"},
    {PairKind::kRiscv, 0x42000008, 0x00001597, 0x7FC5A603, 11, 0x42001804,
     "auipc a1,0x1; lw a2,2044(a1) # 42001804"},
    {PairKind::kRiscv, 0x42000010, 0xFDFFF317, 0x7EC32423, 6, 0x3FFFF7F8,
     "auipc t1,0xfdfff; sw a2,2024(t1) # 3ffff7f8"},
    {PairKind::kRiscv, 0x42000018, 0xFFFFF097, 0xFE8080E7, 1, 0x41FFF000,
     "auipc ra,0xfffff; jalr ra,-24(ra) # 41fff000"},
    {PairKind::kRiscv, 0x42000020, 0x200014B7, 0x80048493, 9, 0x20000800,
     "lui s1,0x20001; addi s1,s1,-2048 # 20000800"},
    {PairKind::kRiscv, 0x42000028, 0x200007B7, 0x7EE78FA3, 15, 0x200007FF,
     "lui a5,0x20000; sb a4,2047(a5) # 200007ff"},
    {PairKind::kRiscv, 0x42000030, 0x000007B7, 0x8007A507, 15, 0xFFFFF800,
     "lui a5,0x0; flw fa0,-2048(a5) # fffff800"},
    {PairKind::kRiscv, 0x42000038, 0x3FC856B7, 0xFEA6AE27, 13, 0x3FC84FFC,
     "lui a3,0x3fc85; fsw fa0,-4(a3) # 3fc84ffc"},
    {PairKind::kRiscv, 0x42000040, 0x000016B7, 0xFFE6D683, 13, 0x00000FFE,
     "lui a3,0x1; lhu a3,-2(a3) # ffe"},
    // llvm-mc -triple=aarch64 -show-encoding: the page of the address, plus adrp's number, plus the
    // lower part's.
    {PairKind::kAarch64, 0x80004, 0xB0000000, 0x91048C00, 0, 0x81123,
     "adrp x0, #4096; add x0, x0, #291"},
    {PairKind::kAarch64, 0x80FFC, 0xF0FFFFF1, 0xF947FE30, 17, 0x7FFF8,
     "adrp x17, #-4096; ldr x16, [x17, #4088]"},
    {PairKind::kAarch64, 0x80000, 0xF03FFFE3, 0xB947FC64, 3, 0x8007F7FC,
     "adrp x3, #2147479552; ldr w4, [x3, #2044]"},
    {PairKind::kAarch64, 0x80000, 0x90C00003, 0x391FFC64, 3, 0x800807FF,
     "adrp x3, #-2147483648; strb w4, [x3, #2047]"},
    {PairKind::kAarch64, 0x80000, 0xB0091A3D, 0x795FFFA9, 29, 0x123C5FFE,
     "adrp x29, #305418240; ldrh w9, [x29, #4094]"},
    {PairKind::kAarch64, 0x80000, 0xB0091A3D, 0x3DC3FFA5, 29, 0x123C5FF0,
     "adrp x29, #305418240; ldr q5, [x29, #4080]"},
    {PairKind::kAarch64, 0x80000, 0xB0091A3D, 0x3D804BA5, 29, 0x123C5120,
     "adrp x29, #305418240; str q5, [x29, #288]"},
    {PairKind::kAarch64, 0x80000, 0xB0091A3D, 0xFD47FFA5, 29, 0x123C5FF8,
     "adrp x29, #305418240; ldr d5, [x29, #4088]"},
    {PairKind::kAarch64, 0x80000, 0xB0091A3D, 0xBD4013A5, 29, 0x123C5010,
     "adrp x29, #305418240; ldr s5, [x29, #16]"},
    {PairKind::kAarch64, 0x80000, 0xB0091A3D, 0xB98023A5, 29, 0x123C5020,
     "adrp x29, #305418240; ldrsw x5, [x29, #32]"},
};

class KnownPairs : public ::testing::TestWithParam<KnownPair> {};

INSTANTIATE_TEST_SUITE_P(Model, KnownPairs, ::testing::ValuesIn(kPairs));

TEST_P(KnownPairs, MakeThisAddressAndAreWrittenForIt) {
  const KnownPair& pair = GetParam();
  EXPECT_EQ(UpperRegister(pair.kind, pair.upper), pair.reg);
  uint32_t lower = 0;
  ASSERT_TRUE(IsLower(pair.kind, pair.lower_word, pair.reg, lower));
  EXPECT_EQ(PairTarget(pair.kind, pair.upper, pair.address, lower), pair.target);
  EXPECT_FALSE(IsLower(pair.kind, pair.lower_word, pair.reg == 31 ? 30 : pair.reg + 1, lower));
  // Found behind the upper part, also when something of no concern stands between, unless that sets
  // the register.
  uint8_t bytes[12];
  const uint32_t between = pair.kind == PairKind::kRiscv ? 0x00000013 : 0xD503201F;  // nop
  StoreLittle(bytes, 4, pair.upper);
  StoreLittle(bytes + 4, 4, pair.lower_word);
  uint32_t found = 0;
  EXPECT_TRUE(FindLower(pair.kind, bytes, 8, pair.reg, found));
  EXPECT_EQ(PairTarget(pair.kind, pair.upper, pair.address, found), pair.target);
  EXPECT_FALSE(FindLower(pair.kind, bytes, 7, pair.reg, found)) << "it reads behind the end";
  StoreLittle(bytes + 4, 4, between);
  StoreLittle(bytes + 8, 4, pair.lower_word);
  EXPECT_TRUE(FindLower(pair.kind, bytes, 12, pair.reg, found));
  StoreLittle(bytes + 4, 4, pair.upper);
  EXPECT_FALSE(FindLower(pair.kind, bytes, 12, pair.reg, found)) << "the register was set again";
  // Made from the pair for another address.
  const uint32_t elsewhere = pair.target ^ 0x00765430;
  const uint32_t other = WithUpper(pair.kind, pair.upper, pair.address, elsewhere);
  const uint32_t other_lower =
      WithLower(pair.kind, pair.lower_word, LowerOf(pair.kind, other, pair.address, elsewhere));
  EXPECT_NE(other, pair.upper);
  EXPECT_EQ(WithUpper(pair.kind, other, pair.address, pair.target), pair.upper);
  EXPECT_EQ(WithLower(pair.kind, other_lower, LowerOf(pair.kind, other, pair.address, pair.target)),
            pair.lower_word);
}

TEST(Pairs, OthersAreNone) {
  // RISC-V: auipc zero and lui zero are hints; addi is no upper part.
  for (const uint32_t word : {0x00001017u, 0x00001037u, 0xFFC50513u})
    EXPECT_EQ(UpperRegister(PairKind::kRiscv, word), -1);
  // AArch64: adr x0, #0; add x0, x0, #1.
  for (const uint32_t word : {0x10000000u, 0x91000400u})
    EXPECT_EQ(UpperRegister(PairKind::kAarch64, word), -1);
  uint32_t lower;
  // slti a0,a0,1; andi a0,a0,1; add x0, x0, #1, lsl #12; ldur x0, [x0, #1].
  for (const uint32_t word : {0x00152513u, 0x00157513u})
    EXPECT_FALSE(IsLower(PairKind::kRiscv, word, 10, lower));
  for (const uint32_t word : {0x91400400u, 0xF8401000u})
    EXPECT_FALSE(IsLower(PairKind::kAarch64, word, 0, lower));
  EXPECT_EQ(UpperRegister(PairKind::kNone, 0x00001517), -1);
  // ldrh w9, [x29, #8190] reaches beyond the page that adrp gives: its address cannot be told by 12
  // bits.
  EXPECT_FALSE(IsLower(PairKind::kAarch64, 0x797FFFA9, 29, lower));
}

TEST(Pairs, CompressedInstructionsAreWalkedOver) {
  // auipc a0,0x1; then, of two bytes, in turn: c.nop (0001), c.mv a1,a2 (85b2), c.li a0,0 (4501:
  // sets a0), c.j . (a001: jumps).
  struct {
    uint16_t between;
    bool found;
  } const cases[] = {{0x0001, true}, {0x85B2, true}, {0x4501, false}, {0xA001, false}};
  for (const auto& c : cases) {
    uint8_t bytes[10];
    StoreLittle(bytes, 4, 0x00001517);
    StoreLittle(bytes + 4, 2, c.between);
    StoreLittle(bytes + 6, 4, 0xFFC50513);
    uint32_t lower = 0;
    EXPECT_EQ(FindLower(PairKind::kRiscv, bytes, sizeof bytes, 10, lower), c.found)
        << std::hex << c.between;
  }
}

// --- The range coder.

struct Decision {
  unsigned chance;  // 0: an even bit
  bool bit;
};

// What the device's decoder makes of `packed`, which it gets as room is there, must be `decisions`.
void ExpectDecoded(const std::vector<Decision>& decisions, const Bytes& packed) {
  RangeDecoder decoder{};
  decoder.Init();
  size_t at = 0;
  const auto feed = [&] {
    while (at != packed.size() && !decoder.full()) decoder.Feed(packed[at++]);
  };
  feed();
  decoder.Start();
  for (size_t i = 0; i < decisions.size(); ++i) {
    feed();
    const auto [chance, bit] = decisions[i];
    if (chance == 0) {
      ASSERT_EQ(decoder.EvenBits(1), bit) << "bit " << i;
      continue;
    }
    Probability probability = static_cast<Probability>(chance << 4);
    ASSERT_EQ(decoder.Bit(probability, kFlagLimit), bit) << "bit " << i;
    // FORMAT.md 6.2, count 0: half of the way.
    const unsigned adapted = bit ? chance + ((4095 - chance) >> 1) : chance - (chance >> 1);
    ASSERT_EQ(probability, adapted << 4 | 1);
  }
}

Bytes Packed(const std::vector<Decision>& decisions) {
  RangeEncoder encoder;
  for (const auto [chance, bit] : decisions) {
    if (chance == 0) {
      encoder.EvenBit(bit);
    } else {
      encoder.Bit(chance, bit);
    }
  }
  return encoder.Finish();
}

TEST(RangeCoder, SaysWhatItWasTold) {
  Random random(2);
  for (int i = 0; i < 20'000 / kSlowdown; ++i) {
    SCOPED_TRACE(::testing::Message() << "case " << i);
    std::vector<Decision> decisions(random.UpTo(400));
    const uint32_t kind = random.Below(4);
    for (Decision& decision : decisions) {
      decision.chance = kind == 0 ? 0 : kind == 1 ? 1 + random.Below(4095) : random.Below(4096);
      if (kind == 3) decision.chance = random.Below(2) ? 1 : 4095;
      // Likely ones mostly, as in a real stream; sometimes against all odds.
      decision.bit =
          random.Below(8) == 0 ? random.Below(2) != 0 : random.Below(4096) < decision.chance;
    }
    const Bytes packed = Packed(decisions);
    ASSERT_NO_FATAL_FAILURE(ExpectDecoded(decisions, packed));
    if (!packed.empty()) {
      ASSERT_NE(packed.back(), 0) << "zeros at the end are left out";
    }
  }
}

TEST(RangeCoder, EvenBitsAreBits) {
  // 0x00011A0B and 0xABCD behind it: half of the range is 0x7FFFFFFF, so a few bits only are those
  // of the number itself.
  Random random(3);
  for (int i = 0; i < 2'000; ++i) {
    const auto value = static_cast<uint32_t>(random.Next());
    const unsigned bits = random.Below(33);
    const uint32_t kept = bits == 32 ? value : value & ((1u << bits) - 1);
    RangeEncoder encoder;
    for (unsigned n = bits; n-- != 0;) encoder.EvenBit(kept >> n & 1);
    const Bytes packed = encoder.Finish();
    EXPECT_LE(packed.size(), bits / 8 + 2);
    RangeDecoder decoder{};
    decoder.Init();
    for (const uint8_t byte : packed) decoder.Feed(byte);
    decoder.Start();
    ASSERT_EQ(decoder.EvenBits(bits), kept);
  }
}

// The number that is coded grows through a row of bytes of 0xFF that are not settled: a carry must
// run through all of them, or not.
TEST(RangeCoder, CarriesRunThroughLongRowsOfOnes) {
  // All bits at the upper end: the bytes become FF FF FF ...; then one bit that is sure to carry,
  // or surely not. An even 1 takes the upper half, a 0 under chance c everything above the bound.
  size_t long_rows = 0;
  for (const size_t length : {10u, 100u, 1'000u, 10'000u}) {
    for (unsigned tail = 0; tail < 256; ++tail) {
      std::vector<Decision> decisions(length, {0, true});
      for (unsigned n = 0; n < 8; ++n) decisions.push_back({n % 2 ? 0u : 1u, (tail >> n & 1) != 0});
      const Bytes packed = Packed(decisions);
      ASSERT_NO_FATAL_FAILURE(ExpectDecoded(decisions, packed));
      if (length >= 100 &&
          std::count(packed.begin(), packed.end(), 0xFF) > static_cast<ptrdiff_t>(length / 8 - 8))
        ++long_rows;
    }
  }
  EXPECT_GT(long_rows, 100u) << "the case was not met";
  // And rows of 7F FF FF ... that a carry turns to 80 00 00 ...: near the middle of the range, from
  // both sides.
  for (const size_t length : {50u, 5'000u}) {
    for (const bool side : {false, true}) {
      std::vector<Decision> decisions{{0, side}};
      for (size_t i = 0; i < length; ++i) decisions.push_back({0, !side});
      for (unsigned n = 0; n < 20; ++n) decisions.push_back({4095, n % 5 == 4});
      ASSERT_NO_FATAL_FAILURE(ExpectDecoded(decisions, Packed(decisions)));
    }
  }
}

TEST(RangeCoder, LikelyBitsAreNearlyFree) {
  // 10,000 bits of chance 4095/4096: 10,000 * log2(4096/4095) = 3.52 bits.
  EXPECT_LE(Packed(std::vector<Decision>(10'000, {4095, true})).size(), 2u);
  // 1,000 against all odds: 12 bits each.
  const size_t dear = Packed(std::vector<Decision>(1'000, {4095, false})).size();
  EXPECT_GE(dear, 1'490u);
  EXPECT_LE(dear, 1'510u);
}

TEST(RangeCoder, ZerosStandBehindTheEnd) {
  // Of an empty stream all even bits are 0, and everything is as likely as it can be: code 0 is
  // below each bound.
  RangeDecoder decoder{};
  decoder.Init();
  decoder.Start();
  EXPECT_EQ(decoder.EvenBits(32), 0u);
  Probability probability = 1 << 4;
  EXPECT_EQ(decoder.Bit(probability, kFlagLimit), 1u);
  EXPECT_TRUE(Packed({}).empty());
  EXPECT_TRUE(Packed(std::vector<Decision>(100, {0, false})).empty());
}

TEST(Probability, FollowsTheFormat) {
  // FORMAT.md 6.2: shifts 1, 2 2, 3 3 3 3, 4 x 8, 5; the count stops at the limit. A chance never
  // reaches 0.
  constexpr unsigned kShift[] = {1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5};
  for (unsigned chance = 1; chance < 4096; ++chance) {
    for (unsigned count = 0; count < 16; ++count) {
      for (const unsigned limit : {14u, 15u}) {
        const auto before = static_cast<Probability>(chance * 16 + count);
        const unsigned next = std::min(count + 1, std::max(limit, count));
        const unsigned up = chance + (4095 - chance) / (1u << kShift[count]);
        const unsigned down = chance - chance / (1u << kShift[count]);
        ASSERT_EQ(Adapted(before, 1, limit), up * 16 + next);
        ASSERT_EQ(Adapted(before, 0, limit), down * 16 + next);
        ASSERT_GE(down, 1u);
      }
    }
  }
}

// --- The shift table, against FORMAT.md 6.6 with a list.

class PlainTable {
 public:
  explicit PlainTable(size_t capacity) : capacity_(capacity) {}

  // The address and the shift of the answer.
  std::pair<uint32_t, uint32_t> Find(uint32_t target) {
    Entry* lower = nullptr;
    Entry* higher = nullptr;
    for (Entry& entry : entries_) {
      if (entry.address <= target) {
        if (lower == nullptr || entry.address > lower->address) lower = &entry;
      } else {
        if (higher == nullptr || entry.address < higher->address) higher = &entry;
      }
    }
    Entry* answer = lower;
    if (lower == nullptr ||
        (higher != nullptr && (target - lower->address) / 4 > higher->address - target)) {
      answer = higher;
    }
    answer->uses = std::min(answer->uses + 1, 3);
    return {answer->address, answer->shift};
  }

  void Learn(uint32_t address, uint32_t shift) {
    for (Entry& entry : entries_) {
      if (entry.address == address) {
        entry.shift = shift;
        return;
      }
    }
    if (entries_.size() == capacity_) entries_.remove(InTurn());
    entries_.push_back({address, shift, 0});
  }

 private:
  struct Entry {
    uint32_t address, shift;
    int uses;
    bool operator==(const Entry& other) const { return address == other.address; }
  };

  // The entry that has so many lower ones as the turn says.
  Entry& AtTurn() {
    for (Entry& entry : entries_) {
      const auto lower = std::ranges::count_if(
          entries_, [&](const Entry& other) { return other.address < entry.address; });
      if (lower == static_cast<ptrdiff_t>(turn_)) return entry;
    }
    ADD_FAILURE() << "no entry has " << turn_ << " lower ones";
    return entries_.front();
  }
  Entry InTurn() {
    for (;;) {
      Entry& entry = AtTurn();
      turn_ = (turn_ + 1) % capacity_;
      if (entry.uses == 0) return entry;
      entry.uses -= 1;
    }
  }

  std::list<Entry> entries_;  // in the order they came
  size_t capacity_;
  size_t turn_ = 0;
};

TEST(ShiftTable, IsThePlainOne) {
  Random random(4);
  for (const uint32_t capacity : {1u, 2u, 3u, 15u, 40u, 128u, 255u}) {
    for (int round = 0; round < 40 / (kSlowdown / 2 + 1); ++round) {
      SCOPED_TRACE(::testing::Message() << capacity << " entries, round " << round);
      // On the heap, and of exactly the size: sanitizers see a byte too far.
      std::vector<ShiftTable::Entry> memory(capacity, {0xAAAAAAAA, 0xAAAAAAAA, 0xAAAAAAAA});
      memory.shrink_to_fit();
      ShiftTable table{};
      table.Init(memory.data(), capacity);
      PlainTable plain(capacity);
      // From few addresses to all there are, the ends of the address space among them.
      const uint64_t spread = uint64_t{1} << (4 + random.Below(29));
      const auto address = [&]() -> uint32_t {
        const uint32_t a = random.Below(spread);
        return random.Below(20) == 0 ? 0u - random.Below(3) : a;
      };
      for (int i = 0; i < 2'000; ++i) {
        const uint32_t a = address();
        if (i == 0 || random.Below(3) == 0) {
          const auto shift = static_cast<uint32_t>(random.Next());
          table.Learn(a, shift);
          plain.Learn(a, shift);
          continue;
        }
        const ShiftTable::Entry& entry = table.Find(a);
        ASSERT_EQ(std::make_pair(entry.address, entry.shift), plain.Find(a))
            << "step " << i << ", address " << a;
      }
    }
  }
}

}  // namespace
}  // namespace mote::testing
