// SPDX-License-Identifier: Apache-2.0
#include "patch/unit.h"
#include "patch/config.h"

#if MOTE_WITH_MODEL

namespace mote {

uint32_t TargetOf(const UnitRow& row, uint32_t w, uint32_t address) {
  uint32_t offset = 0;
  for (const BitField& field : row.fields) {
    offset |= (w >> field.from & ((1u << field.width) - 1)) << field.to;
  }
  const uint32_t sign = row.sign;
  if ((offset & sign) == 0) offset ^= row.inverted_if_positive;
  return CountFrom(row, address) + (offset ^ sign) - sign;
}

uint32_t WithTarget(const UnitRow& row, uint32_t w, uint32_t address, uint32_t target) {
  uint32_t offset = target - CountFrom(row, address);
  if ((offset & row.sign) == 0) offset ^= row.inverted_if_positive;
  for (const BitField& field : row.fields) {
    const uint32_t mask = (1u << field.width) - 1;
    w = (w & ~(mask << field.from)) | (offset >> field.to & mask) << field.from;
  }
  return w;
}

}  // namespace mote

#endif  // MOTE_WITH_MODEL
