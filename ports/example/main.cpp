// SPDX-License-Identifier: Apache-2.0
// The life of the example board on a PC: programmed in the factory, updated, restarted.
//
//   port_example OLD DELTA NEW    OLD: linked for slot A, NEW: for slot B
//
// 0 if slot B runs and holds NEW, else 1 and a word on why.
#include <stdio.h>
#include <string.h>

#include "ports/example/board.h"
#include "ports/example/update.h"

namespace {

using mote::Status;

struct File {
  uint8_t bytes[example::kSlotSize];
  uint32_t size;
};
File old_image, delta, new_image;

bool Load(const char* name, File& file) {
  FILE* const stream = fopen(name, "rb");
  if (stream == nullptr) return false;
  const size_t size = fread(file.bytes, 1, sizeof file.bytes, stream);
  const bool whole = ferror(stream) == 0 && fgetc(stream) == EOF;
  fclose(stream);
  file.size = static_cast<uint32_t>(size);
  return whole;
}

int Fail(const char* what, Status status) {
  printf("%s: %s\n", what, mote::StatusName(status));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: port_example OLD DELTA NEW\n");
    return 2;
  }
  if (!Load(argv[1], old_image) || !Load(argv[2], delta) || !Load(argv[3], new_image)) {
    printf("a file cannot be read, or is larger than a slot\n");
    return 1;
  }

  // The factory: OLD in slot A, and whatever was there everywhere else. No metadata is needed.
  uint8_t* const flash = example::simulation::Flash();
  memset(flash, 0xA5, example::kFlashSize);
  memcpy(flash + example::kSlotA, old_image.bytes, old_image.size);

  mote::BootChoice choice;
  Status status = example::ChooseImage(choice);
  if (status != Status::kDone) return Fail("the first start", status);
  if (choice.slot != 0) return Fail("the first start takes the wrong slot", status);
  printf("slot A is started\n");

  // The manifest's digest.
  uint8_t digest[mote::kDigestSize];
  const mote::Sha256Functions sha256 = example::Sha256();
  sha256.start(sha256.context);
  sha256.update(sha256.context, new_image.bytes, new_image.size);
  sha256.finish(sha256.context, digest);

  example::simulation::Send(delta.bytes, delta.size);
  status = example::TakeUpdate(example::kFlashAddress + example::kSlotA, digest);
  if (status != Status::kDone) return Fail("the update", status);
  printf("updated: %u bytes from a delta of %u\n", new_image.size, delta.size);

  // The restart.
  example::Protect(mote::kNoSlot);
  status = example::ChooseImage(choice);
  if (status != Status::kDone) return Fail("the second start", status);
  if (choice.slot != 1 || !choice.on_trial || choice.size != new_image.size ||
      memcmp(flash + example::kSlotB, new_image.bytes, new_image.size) != 0) {
    return Fail("the second start takes the wrong image", status);
  }
  printf("slot B is started, on trial\n");
  status = example::ConfirmImage(example::kFlashAddress + example::kSlotB);
  if (status != Status::kDone) return Fail("confirming", status);

  status = example::ChooseImage(choice);
  if (status != Status::kDone) return Fail("the third start", status);
  if (choice.slot != 1 || choice.on_trial) return Fail("slot B is not confirmed", status);
  printf("slot B is confirmed\n");
  return memcmp(flash + example::kSlotA, old_image.bytes, old_image.size) == 0
             ? 0
             : Fail("slot A was changed", status);
}
