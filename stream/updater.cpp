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

#if MOTE_WITH_CHECKPOINT
template <typename Take>
Status Updater::ReadFlushed(Take take) {
  const Flash& flash = *new_slot_.flash;
  uint8_t bytes[64];
  for (uint32_t at = new_slot_.offset; at != position_;) {
    const uint32_t left = position_ - at;
    const uint32_t size = left < sizeof bytes ? left : uint32_t{sizeof bytes};
    if (Status status = flash.read(flash.context, at, bytes, size); status != Status::kDone) return status;
    take(bytes, size);
    at += size;
  }
  return Status::kDone;
}

void Updater::Transfer(StateStream& stream) {
  patcher_.Transfer(stream);
  if (!stream.restoring() || !stream.good()) return;
  position_ = new_slot_.offset + patcher_.produced() - patcher_.filled();
  while (erased_ < position_) erased_ += new_slot_.flash->erase_unit;
  uint32_t check = kCheckStart;
  stream.Require(position_ == erased_ && ReadFlushed([&](const uint8_t* bytes, uint32_t size) {
                                           check = UpdateCheck(check, bytes, size);
                                         }) == Status::kDone);
  stream.Require(check == patcher_.check());
}

Status Updater::HashFlushed() {
  return ReadFlushed([this](const uint8_t* bytes, uint32_t size) {
    if (hash_.update) hash_.update(hash_.context, bytes, size);
  });
}
#endif

}  // namespace mote
