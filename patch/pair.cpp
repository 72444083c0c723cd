// SPDX-License-Identifier: Apache-2.0
#include "patch/pair.h"

#include "patch/bytes.h"
#include "patch/config.h"

#if MOTE_WITH_MODEL

namespace mote {
namespace {

// RISC-V opcodes, the low seven bits.
constexpr uint32_t kLoad = 0x03, kLoadFloat = 0x07, kImmediate = 0x13, kAuipc = 0x17, kStore = 0x23, kStoreFloat = 0x27,
                   kLui = 0x37, kBranch = 0x63, kJalr = 0x67;

uint32_t Opcode(uint32_t w) { return w & 0x7F; }
int Field5(uint32_t w, unsigned from) { return static_cast<int>(w >> from & 31); }
bool IsStore(uint32_t w) { return Opcode(w) == kStore || Opcode(w) == kStoreFloat; }
uint32_t Signed12(uint32_t value) { return (value ^ 0x800) - 0x800; }

// The lower 12 bits that go with `target`: AUIPC counts from its own address, LUI from 0.
uint32_t RiscvOffset(uint32_t w, uint32_t address, uint32_t target) {
  return Opcode(w) == kAuipc ? target - address : target;
}

// Whether a compressed instruction ends the search: it sets the register, or jumps.
bool CompressedEnds(uint32_t w, int r) {
  const uint32_t quadrant = w & 3, function = w >> 13;
  if (quadrant == 1 && function == 5) return true;  // C.J
  if (Field5(w, 7) != r) return false;
  return (quadrant == 1 && function <= 3) || (quadrant == 2 && (function == 0 || function == 2 || function == 4));
}

// log2 of the access size of an AArch64 load or store with an unsigned offset; it scales the offset.
unsigned AccessScale(uint32_t w) {
  const unsigned scale = w >> 30;
  return (w & 0x04800000) == 0x04800000 && scale == 0 ? 4 : scale;
}

constexpr uint32_t kAddMask = 0xFFC00000, kAdd = 0x91000000;      // ADD (immediate), 64 bits, no shift
constexpr uint32_t kAccessMask = 0x3B000000, kAccess = 0x39000000;  // load and store, unsigned offset
constexpr uint32_t kAdrpMask = 0x9F000000, kAdrp = 0x90000000;

}  // namespace

int UpperRegister(PairKind kind, uint32_t w) {
  if (MOTE_WITH_RISCV && kind == PairKind::kRiscv) {
    if (Opcode(w) != kAuipc && Opcode(w) != kLui) return -1;
    return Field5(w, 7) == 0 ? -1 : Field5(w, 7);
  }
  if (MOTE_WITH_AARCH64 && kind == PairKind::kAarch64) {
    return (w & kAdrpMask) == kAdrp ? Field5(w, 0) : -1;
  }
  return -1;
}

bool IsLower(PairKind kind, uint32_t w, int r, uint32_t& lower) {
  if (MOTE_WITH_RISCV && kind == PairKind::kRiscv) {
    if (Field5(w, 15) != r) return false;
    const uint32_t opcode = Opcode(w);
    if (opcode == kJalr || opcode == kLoad || opcode == kLoadFloat || (w & 0x707F) == kImmediate) {
      lower = Signed12(w >> 20);
      return true;
    }
    lower = Signed12(w >> 25 << 5 | (w >> 7 & 31));
    return IsStore(w);
  }
  if (MOTE_WITH_AARCH64 && kind == PairKind::kAarch64) {
    if (Field5(w, 5) != r) return false;
    lower = w >> 10 & 0xFFF;
    if ((w & kAddMask) == kAdd) return true;
    lower <<= AccessScale(w);
    // More than 12 bits would belong to another page.
    return (w & kAccessMask) == kAccess && lower <= 0xFFF;
  }
  return false;
}

bool FindLower(PairKind kind, const uint8_t* bytes, uint32_t available, int r, uint32_t& lower) {
  uint32_t at = 4;
  for (unsigned n = 0; n < kPairReach && at + 4 <= available; ++n) {
    const uint32_t w = LoadLittle(bytes + at, 4);
    if (MOTE_WITH_RISCV && kind == PairKind::kRiscv && (w & 3) != 3) {
      if (CompressedEnds(w & 0xFFFF, r)) return false;
      at += 2;
      continue;
    }
    if (IsLower(kind, w, r, lower)) return true;
    if (MOTE_WITH_RISCV && kind == PairKind::kRiscv && !IsStore(w) && Opcode(w) != kBranch && Field5(w, 7) == r) return false;
    if (MOTE_WITH_AARCH64 && kind == PairKind::kAarch64 && UpperRegister(kind, w) == r) return false;
    at += 4;
  }
  return false;
}

uint32_t PairTarget(PairKind kind, uint32_t w, uint32_t address, uint32_t lower) {
  if (MOTE_WITH_AARCH64 && kind == PairKind::kAarch64) {
    const uint32_t pages = (w >> 5 & 0x7FFFF) << 2 | (w >> 29 & 3);
    return (address & ~0xFFFu) + (pages << 12) + lower;
  }
  return (w & ~0xFFFu) + lower + (Opcode(w) == kAuipc ? address : 0);
}

uint32_t WithUpper(PairKind kind, uint32_t w, uint32_t address, uint32_t target) {
  if (MOTE_WITH_AARCH64 && kind == PairKind::kAarch64) {
    // Signed, as ADRP's 21 bits are.
    const uint32_t pages = static_cast<uint32_t>(static_cast<int32_t>((target & ~0xFFFu) - (address & ~0xFFFu)) >> 12);
    return (w & 0x9F00001F) | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5;
  }
  return (w & 0xFFF) | ((RiscvOffset(w, address, target) + 0x800) & ~0xFFFu);
}

uint32_t LowerOf(PairKind kind, uint32_t w, uint32_t address, uint32_t target) {
  if (MOTE_WITH_AARCH64 && kind == PairKind::kAarch64) return target & 0xFFF;
  return Signed12(RiscvOffset(w, address, target) & 0xFFF);
}

uint32_t WithLower(PairKind kind, uint32_t w, uint32_t lower) {
  if (MOTE_WITH_AARCH64 && kind == PairKind::kAarch64) {
    const unsigned scale = (w & kAddMask) == kAdd ? 0 : AccessScale(w);
    return (w & ~(0xFFFu << 10)) | (lower >> scale & 0xFFF) << 10;
  }
  if (IsStore(w)) return (w & 0x01FFF07F) | (lower >> 5 & 0x7F) << 25 | (lower & 31) << 7;
  return (w & 0xFFFFF) | lower << 20;
}

}  // namespace mote

#endif  // MOTE_WITH_MODEL
