// SPDX-License-Identifier: Apache-2.0
// The C header's functions: an Updater in the caller's words, and adapters between the two kinds of
// flash.
#include "stream/mote.h"

#include <stddef.h>

#include "patch/config.h"
#include "patch/status.h"
#include "stream/updater.h"

namespace mote {
namespace {

static_assert(static_cast<int>(Status::kDone) == MOTE_DONE);
static_assert(static_cast<int>(Status::kNeedInput) == MOTE_NEED_INPUT);
static_assert(static_cast<int>(Status::kBadArgument) == MOTE_BAD_ARGUMENT);
static_assert(static_cast<int>(Status::kCorrupt) == MOTE_CORRUPT);
static_assert(static_cast<int>(Status::kWrongBase) == MOTE_WRONG_BASE);
static_assert(static_cast<int>(Status::kDoesNotFit) == MOTE_DOES_NOT_FIT);
static_assert(static_cast<int>(Status::kUnsupported) == MOTE_UNSUPPORTED);
static_assert(static_cast<int>(Status::kFlashError) == MOTE_FLASH_ERROR);
static_assert(static_cast<int>(Status::kReadError) == MOTE_READ_ERROR);
static_assert(static_cast<int>(Status::kFileError) == MOTE_FILE_ERROR);
static_assert(static_cast<int>(Status::kBadImage) == MOTE_BAD_IMAGE);
static_assert(static_cast<int>(Status::kBadSignature) == MOTE_BAD_SIGNATURE);
static_assert(static_cast<int>(Status::kWrongDevice) == MOTE_WRONG_DEVICE);
static_assert(static_cast<int>(Status::kStale) == MOTE_STALE);
static_assert(static_cast<int>(Status::kDowngrade) == MOTE_DOWNGRADE);

// What stands in a mote_updater. The flashes differ from the caller's in the type that their
// callbacks return.
struct State {
  // Placement, without <new>.
  static void* operator new(size_t, void* at) noexcept { return at; }

  Updater updater;
  Flash old_flash;  // its `read` is null before a successful init
  Flash new_flash;

  bool started() const { return old_flash.read != nullptr; }
};

static_assert(sizeof(State) <= sizeof(mote_updater), "MOTE_UPDATER_WORDS is too small");
static_assert(alignof(State) <= alignof(mote_updater), "words are not aligned enough");
static_assert(sizeof(void*) != 4 || !MOTE_WITH_LZSS || !MOTE_WITH_MODEL || sizeof(mote_updater) - sizeof(State) < 16,
              "MOTE_UPDATER_WORDS is too large");

// std::launder without <new>.
State& StateOf(mote_updater* updater) {
  return *__builtin_launder(static_cast<State*>(static_cast<void*>(updater->words)));
}
const State& StateOf(const mote_updater* updater) {
  return *__builtin_launder(static_cast<const State*>(static_cast<const void*>(updater->words)));
}

mote_status ToC(Status status) { return static_cast<mote_status>(status); }
Status FromC(mote_status status) { return static_cast<Status>(status); }

Status Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  const mote_flash& flash = *static_cast<const mote_flash*>(context);
  return FromC(flash.read(flash.context, offset, to, size));
}

Status Erase(void* context, uint32_t offset) {
  const mote_flash& flash = *static_cast<const mote_flash*>(context);
  return FromC(flash.erase(flash.context, offset));
}

Status Program(void* context, uint32_t offset, const uint8_t* data, uint32_t size) {
  const mote_flash& flash = *static_cast<const mote_flash*>(context);
  return FromC(flash.program(flash.context, offset, data, size));
}

Flash Adapt(const mote_flash& flash) {
  return {&Read,
          &Erase,
          &Program,
          const_cast<mote_flash*>(&flash),
          flash.erase_unit,
          flash.program_unit,
          flash.erased_value};
}

bool IsComplete(const mote_updater_config& config) {
  const mote_flash* old_flash = config.old_slot.flash;
  const mote_flash* new_flash = config.new_slot.flash;
  return old_flash && new_flash && old_flash->read &&
         (new_flash->read || !MOTE_WITH_MODEL) && new_flash->erase && new_flash->program &&
         config.buffer && (config.memory || config.memory_size == 0) &&
         (reinterpret_cast<uintptr_t>(config.memory) & 3) == 0;
}

// An erase unit is never 0, and ends where a program unit does.
bool IsUnitSane(const mote_flash& flash) {
  return flash.erase_unit != 0 && (flash.erase_unit & (flash.program_unit - 1)) == 0;
}

}  // namespace
}  // namespace mote

mote_status mote_updater_init(mote_updater* updater, const mote_updater_config* config) {
  mote::State& state = *new (updater->words) mote::State;
  state.old_flash.read = nullptr;
  if (!mote::IsComplete(*config) || !mote::IsUnitSane(*config->new_slot.flash)) {
    return MOTE_BAD_ARGUMENT;
  }
  state.old_flash = mote::Adapt(*config->old_slot.flash);
  state.new_flash = mote::Adapt(*config->new_slot.flash);
  const mote::Status status =
      state.updater.Init({{&state.old_flash, config->old_slot.offset, config->old_slot.size},
                          {&state.new_flash, config->new_slot.offset, config->new_slot.size},
                          config->buffer,
                          config->buffer_size,
                          config->memory,
                          config->memory_size,
                          {config->hash.update, config->hash.context}});
  if (status != mote::Status::kNeedInput) state.old_flash.read = nullptr;
  return mote::ToC(status);
}

mote_status mote_updater_write(mote_updater* updater, const uint8_t* data, uint32_t size) {
  mote::State& state = mote::StateOf(updater);
  return state.started() ? mote::ToC(state.updater.Write(data, size)) : MOTE_BAD_ARGUMENT;
}

mote_status mote_updater_finish(mote_updater* updater) {
  mote::State& state = mote::StateOf(updater);
  return state.started() ? mote::ToC(state.updater.Finish()) : MOTE_BAD_ARGUMENT;
}

uint32_t mote_updater_new_size(const mote_updater* updater) {
  const mote::State& state = mote::StateOf(updater);
  return state.started() ? state.updater.patcher().new_size() : 0;
}

uint32_t mote_updater_produced(const mote_updater* updater) {
  const mote::State& state = mote::StateOf(updater);
  return state.started() ? state.updater.patcher().produced() : 0;
}

const char* mote_status_name(mote_status status) {
  // The enumeration has 8 bits on some targets and 32 on others.
  const unsigned number = static_cast<unsigned>(status);
  return mote::StatusName(number <= MOTE_DOWNGRADE ? mote::FromC(status)
                                                   : static_cast<mote::Status>(0xFF));
}
