// SPDX-License-Identifier: Apache-2.0
#include "stream/updater.h"

namespace mote {

Status Updater::Init(const UpdaterConfig& config) {
#if MOTE_WITH_MODEL
  constexpr auto kReadNew = &ReadNew;
#else
  constexpr auto kReadNew = nullptr;
#endif
  old_slot_ = config.old_slot;
  new_slot_ = config.new_slot;
  hash_ = config.hash;
  position_ = erased_ = config.new_slot.offset;
  patcher_.Init({{&ReadOld, this, config.old_slot.size},
                 {config.buffer, config.buffer_size, &WriteNew, kReadNew, this, config.new_slot.size},
                 config.memory,
                 config.memory_size});
  const uint32_t unit_mask = config.new_slot.flash->program_unit - 1;
  if ((config.new_slot.flash->program_unit & unit_mask) != 0 || config.buffer_size == 0 ||
      ((config.buffer_size | config.new_slot.offset) & unit_mask) != 0) {
    return Status::kBadArgument;
  }
  return Status::kNeedInput;
}

Status Updater::ReadOld(void* self, uint32_t offset, uint8_t* to, uint32_t size) {
  const Slot& slot = static_cast<Updater*>(self)->old_slot_;
  return slot.flash->read(slot.flash->context, slot.offset + offset, to, size);
}

#if MOTE_WITH_MODEL
Status Updater::ReadNew(void* self, uint32_t offset, uint8_t* to, uint32_t size) {
  const Slot& slot = static_cast<Updater*>(self)->new_slot_;
  return slot.flash->read(slot.flash->context, slot.offset + offset, to, size);
}
#endif

Status Updater::WriteNew(void* context, uint8_t* data, uint32_t size) {
  Updater& self = *static_cast<Updater*>(context);
  if (self.hash_.update) self.hash_.update(self.hash_.context, data, size);
  const Flash& flash = *self.new_slot_.flash;
  // The last piece may end inside a program unit: the buffer, a whole number of units, has room for the rest.
  while ((size & (flash.program_unit - 1)) != 0) data[size++] = flash.erased_value;
  const uint32_t at = self.position_;
  self.position_ += size;
  while (self.erased_ < self.position_) {
    if (Status status = flash.erase(flash.context, self.erased_); status != Status::kDone) {
      return status;
    }
    self.erased_ += flash.erase_unit;
  }
  return flash.program(flash.context, at, data, size);
}

}  // namespace mote
