// SPDX-License-Identifier: Apache-2.0
#include "agent/metadata.h"

#include "patch/bytes.h"
#include "patch/check.h"

namespace mote {
namespace {

// METADATA.md 2
constexpr uint8_t kMagic[4] = {'m', 't', 'M', 'D'};
constexpr uint8_t kVersion = 1;
constexpr uint32_t kHeaderSize = 24;
constexpr uint32_t kSlotSize = 44;
constexpr uint32_t kCheckSize = 4;
constexpr uint32_t kMarkSize = 8;
constexpr uint32_t kSeal = 0;  // marks
constexpr uint32_t kSecondSeal = 1;
constexpr uint32_t kFirstStep = 2;
constexpr uint32_t kMaxRecord = kHeaderSize + kMaxSlots * kSlotSize + kCheckSize;
constexpr uint8_t kHasDigest = 1;
constexpr int kReadAttempts = 3;

static_assert(MetadataPageSize(kMaxSlots, 1) == kMaxRecord + 2 * kMarkSize,
              "layout.h says otherwise");

constexpr uint32_t RecordSize(uint8_t slots) {
  return kHeaderSize + slots * kSlotSize + kCheckSize;
}

void FillMark(uint8_t* mark, uint32_t sequence, uint32_t number) {
  uint8_t seed[4];
  StoreLittle(seed, 4, sequence);
  StoreLittle(mark, 4, number);
  StoreLittle(mark + 4, 4, UpdateCheck(UpdateCheck(kCheckStart, seed, 4), mark, 4));
}

bool IsEqual(const uint8_t* a, const uint8_t* b, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// Sequence numbers may wrap around.
bool IsNewer(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) > 0; }

void Clear(SlotRecord& slot) {
  slot.state = SlotState::kEmpty;
  slot.boots_left = 0;
  slot.has_digest = false;
  slot.size = slot.update = 0;
  for (uint8_t& byte : slot.digest) byte = 0;
}

}  // namespace

uint32_t Metadata::Start(uint8_t page) const {
  const MetadataArea& area = layout_->metadata;
  uint32_t start = area.offset;
  for (; page != 0; --page) start += area.page_size;
  return start;
}

uint32_t Metadata::MarkOffset(uint8_t page, uint32_t mark) const {
  const uint32_t unit = flash().program_unit;
  const uint32_t record = (RecordSize(layout_->count) + unit - 1) & ~(unit - 1);
  return Start(page) + record + mark * (unit < kMarkSize ? kMarkSize : unit);
}

uint32_t Metadata::marks_per_page() const {
  const uint32_t unit = flash().program_unit;
  const uint32_t used = MarkOffset(0, kFirstStep) - Start(0);
  return (layout_->metadata.page_size - used) / (unit < kMarkSize ? kMarkSize : unit);
}

Status Metadata::Read(uint32_t offset, uint8_t* to, uint32_t size) const {
  Status status = Status::kReadError;
  for (int i = 0; i < kReadAttempts && status != Status::kDone; ++i) {
    status = flash().read(flash().context, offset, to, size);
  }
  return status;
}

// Whether `a` counts and not `b`: sealed before not sealed before nothing; among equals, the newer
// one.
bool Metadata::Counts(const Page& a, const Page& b) {
  const bool sealed = a.rank >= Rank::kSealed;
  if (sealed != (b.rank >= Rank::kSealed)) return sealed;
  if (!sealed && a.rank != b.rank) return a.rank > b.rank;
  return IsNewer(a.sequence, b.sequence);
}

// Whether `b` would be missed less than `a`: what is certain is kept until there is something newer
// that is.
bool Metadata::IsSafer(const Page& a, const Page& b) {
  if (a.rank != b.rank) return a.rank > b.rank;
  return IsNewer(a.sequence, b.sequence);
}

bool Metadata::certain() const {
  const Page& counts = pages_[current_];
  for (uint8_t i = 0; i < layout_->metadata.pages; ++i) {
    // Its seal may read as whole at another start.
    if (i != current_ && pages_[i].rank != Rank::kNothing &&
        IsNewer(pages_[i].sequence, counts.sequence)) {
      return false;
    }
  }
  return empty_ || counts.rank == Rank::kCertain;
}

// What a page holds; kUnsupported if that is whole and of another version.
Status Metadata::Examine(uint8_t page, Page& result) const {
  result = {0, Rank::kNothing};
  const uint32_t start = Start(page);
  uint8_t bytes[32];
  if (Read(start, bytes, 12) != Status::kDone || !IsEqual(bytes, kMagic, 4)) return Status::kDone;
  const uint8_t version = bytes[4];
  const uint8_t count = bytes[5];
  const uint32_t size = LoadLittle(bytes + 6, 2);
  const uint32_t sequence = LoadLittle(bytes + 8, 4);
  if (size < 12 + kCheckSize || size > layout_->metadata.page_size) return Status::kDone;
  uint32_t check = kCheckStart;
  for (uint32_t at = 0; at < size - kCheckSize;) {
    uint32_t part = size - kCheckSize - at;
    if (part > sizeof bytes) part = sizeof bytes;
    if (Read(start + at, bytes, part) != Status::kDone) return Status::kDone;
    check = UpdateCheck(check, bytes, part);
    at += part;
  }
  if (Read(start + size - kCheckSize, bytes, 4) != Status::kDone || LoadLittle(bytes, 4) != check) {
    return Status::kDone;
  }
  if (version != kVersion) return Status::kUnsupported;
  if (count != layout_->count) return Status::kBadArgument;
  if (size != RecordSize(count)) return Status::kUnsupported;
  result = {sequence, Rank::kRecord};
  if (HasMark(page, sequence, kSeal)) {
    result.rank = HasMark(page, sequence, kSecondSeal) ? Rank::kCertain : Rank::kSealed;
  }
  return Status::kDone;
}

// REQUIRES: Examine found a record in it.
Status Metadata::Parse(uint8_t page) {
  uint8_t bytes[kSlotSize];
  uint32_t at = Start(page);
  if (Status status = Read(at, bytes, kHeaderSize); status != Status::kDone) return status;
  if (bytes[12] > static_cast<uint8_t>(InstallState::kSwapRunning) ||
      LoadLittle(bytes + 13, 3) != 0) {
    return Status::kUnsupported;
  }
  install = static_cast<InstallState>(bytes[12]);
  if (install != InstallState::kNone && layout_->install == Install::kNone) {
    return Status::kBadArgument;
  }
  install_units = LoadLittle(bytes + 16, 4);
  progress = LoadLittle(bytes + 20, 4);
  at += kHeaderSize;
  for (uint8_t i = 0; i < layout_->count; ++i, at += kSlotSize) {
    if (Status status = Read(at, bytes, kSlotSize); status != Status::kDone) return status;
    if (bytes[0] > static_cast<uint8_t>(SlotState::kBad) || (bytes[2] & ~kHasDigest) != 0 ||
        bytes[3] != 0) {
      return Status::kUnsupported;
    }
    SlotRecord& slot = slots_[i];
    slot.state = static_cast<SlotState>(bytes[0]);
    slot.boots_left = bytes[1];
    slot.has_digest = bytes[2] != 0;
    slot.size = LoadLittle(bytes + 4, 4);
    slot.update = LoadLittle(bytes + 8, 4);
    for (uint32_t j = 0; j < kDigestSize; ++j) slot.digest[j] = bytes[12 + j];
  }
  return Status::kDone;
}

void Metadata::Reset() {
  install = InstallState::kNone;
  install_units = progress = 0;
  for (uint8_t i = 0; i < kMaxSlots; ++i) {
    Clear(slots_[i]);
    if (i < layout_->count && (layout_->slots[i].factory || i == layout_->default_slot)) {
      slots_[i].state = SlotState::kConfirmed;
    }
  }
}

Status Metadata::Load(const Layout& layout) {
  layout_ = &layout;
  settled_ = false;
  empty_ = true;
  marks_ = 0;
  current_ = 0;
  if (Status status = CheckLayout(layout); status != Status::kDone) return status;
  for (uint8_t i = 0; i < layout.metadata.pages; ++i) {
    if (Status status = Examine(i, pages_[i]); status != Status::kDone) return status;
  }
  while (true) {
    for (uint8_t i = 0; i < layout.metadata.pages; ++i) {
      if (Counts(pages_[i], pages_[current_])) current_ = i;
    }
    Reset();
    if (pages_[current_].rank == Rank::kNothing) return Status::kDone;
    const Status status = Parse(current_);
    if (status == Status::kDone) break;
    if (status != Status::kReadError) return status;
    pages_[current_] = {0, Rank::kNothing};  // it could be read a moment ago
  }
  empty_ = false;
  const uint32_t capacity = marks_per_page();
  while (marks_ < capacity && HasMark(current_, pages_[current_].sequence, kFirstStep + marks_)) {
    ++marks_;
  }
  progress += marks_;
  return Status::kDone;
}

bool Metadata::HasMark(uint8_t page, uint32_t sequence, uint32_t mark) const {
  uint8_t there[kMarkSize];
  uint8_t expected[kMarkSize];
  FillMark(expected, sequence, mark);
  return Read(MarkOffset(page, mark), there, kMarkSize) == Status::kDone &&
         IsEqual(there, expected, kMarkSize);
}

Status Metadata::WriteMark(uint8_t page, uint32_t sequence, uint32_t mark) {
  const uint32_t unit = flash().program_unit;
  uint8_t bytes[kMaxMetadataUnit];
  FillMark(bytes, sequence, mark);
  uint32_t size = kMarkSize;
  while (size < unit) bytes[size++] = flash().erased_value;
  const Status status = flash().program(flash().context, MarkOffset(page, mark), bytes, size);
  if (status != Status::kDone) return status;
  return HasMark(page, sequence, mark) ? Status::kDone : Status::kFlashError;
}

// METADATA.md 3: erase, record, seals. Keeps pages_ up to date: where only the second seal fails,
// the record counts, which the next start writes once more.
Status Metadata::WritePage(uint8_t page, uint32_t sequence) {
  uint8_t bytes[kMaxRecord + kMaxMetadataUnit];
  for (uint32_t i = 0; i < 4; ++i) bytes[i] = kMagic[i];
  bytes[4] = kVersion;
  bytes[5] = layout_->count;
  uint32_t size = RecordSize(layout_->count);
  StoreLittle(bytes + 6, 2, size);
  StoreLittle(bytes + 8, 4, sequence);
  StoreLittle(bytes + 12, 4, static_cast<uint8_t>(install));
  StoreLittle(bytes + 16, 4, install_units);
  StoreLittle(bytes + 20, 4, progress);
  uint8_t* at = bytes + kHeaderSize;
  for (uint8_t i = 0; i < layout_->count; ++i, at += kSlotSize) {
    const SlotRecord& slot = slots_[i];
    at[0] = static_cast<uint8_t>(slot.state);
    at[1] = slot.boots_left;
    at[2] = slot.has_digest ? kHasDigest : 0;
    at[3] = 0;
    StoreLittle(at + 4, 4, slot.size);
    StoreLittle(at + 8, 4, slot.update);
    for (uint32_t j = 0; j < kDigestSize; ++j) at[12 + j] = slot.digest[j];
  }
  StoreLittle(at, 4, UpdateCheck(kCheckStart, bytes, size - kCheckSize));
  while ((size & (flash().program_unit - 1)) != 0) bytes[size++] = flash().erased_value;

  const uint32_t start = Start(page);
  pages_[page] = {0, Rank::kNothing};
  for (uint32_t done = 0; done < layout_->metadata.page_size; done += flash().erase_unit) {
    const Status status = flash().erase(flash().context, start + done);
    if (status != Status::kDone) return status;
  }
  if (Status status = flash().program(flash().context, start, bytes, size);
      status != Status::kDone) {
    return status;
  }
  Page written;
  if (Examine(page, written) != Status::kDone || written.rank != Rank::kRecord ||
      written.sequence != sequence) {
    return Status::kFlashError;
  }
  if (Status status = WriteMark(page, sequence, kSeal); status != Status::kDone) return status;
  pages_[page] = {sequence, Rank::kSealed};
  if (Status status = WriteMark(page, sequence, kSecondSeal); status != Status::kDone) {
    return status;
  }
  pages_[page].rank = Rank::kCertain;
  return Status::kDone;
}

// The page that would be missed least; kNoSlot when only the current one is left.
uint8_t Metadata::WorstPage(unsigned tried) const {
  uint8_t worst = kNoSlot;
  for (uint8_t i = 0; i < layout_->metadata.pages; ++i) {
    if ((i == current_ && !empty_) || (tried >> i & 1) != 0) continue;
    if (worst == kNoSlot || IsSafer(pages_[worst], pages_[i])) worst = i;
  }
  return worst;
}

Status Metadata::Commit() {
  uint32_t sequence = pages_[current_].sequence;
  for (uint8_t i = 0; i < layout_->metadata.pages; ++i) {
    if (pages_[i].rank != Rank::kNothing && IsNewer(pages_[i].sequence, sequence)) {
      sequence = pages_[i].sequence;
    }
  }
  // A page that wore out is passed over while there is another; then all get a second chance.
  Status status = Status::kFlashError;
  uint8_t written = kNoSlot;
  for (int attempt = 0; attempt < 2 && written == kNoSlot; ++attempt) {
    unsigned tried = 0;
    for (uint8_t page; (page = WorstPage(tried)) != kNoSlot; tried |= 1u << page) {
      status = WritePage(page, ++sequence);
      if (pages_[page].rank >= Rank::kSealed) written = page;
      if (status == Status::kDone) break;
    }
  }
  if (written != kNoSlot) {
    current_ = written;
    marks_ = 0;
    empty_ = false;
    settled_ = true;
    return Status::kDone;
  }
  Load(*layout_);
  return status;
}

Status Metadata::Advance() {
  ++progress;
  if (settled_ && marks_ < marks_per_page() &&
      WriteMark(current_, pages_[current_].sequence, kFirstStep + marks_) == Status::kDone) {
    ++marks_;
    return Status::kDone;
  }
  return Commit();
}

Status Confirm(const Layout& layout, Metadata& metadata, uint8_t running) {
  if (running >= layout.count) return Status::kBadArgument;
  SlotRecord& slot = metadata.slot(running);
  if (slot.state == SlotState::kConfirmed) return Status::kDone;
  if (slot.state != SlotState::kOnTrial) return Status::kBadArgument;
  slot.state = SlotState::kConfirmed;
  slot.boots_left = 0;
  return metadata.Commit();
}

Status Activate(const Layout& layout, Metadata& metadata, uint8_t index) {
  if (index >= layout.count) return Status::kBadArgument;
  SlotRecord& slot = metadata.slot(index);
  if (metadata.install != InstallState::kNone) {
    return index == layout.staging ? Status::kDone : Status::kBadArgument;
  }
  if (slot.state != SlotState::kVerified) return Status::kBadArgument;
  switch (layout.install) {
    case Install::kNone:
      slot.state = SlotState::kOnTrial;
      slot.boots_left = layout.trial_boots;
      break;
    case Install::kOverwrite:
      metadata.install = InstallState::kOverwriteRequested;
      break;
    case Install::kSwap:
      metadata.install = InstallState::kSwapRequested;
      break;
  }
  return metadata.Commit();
}

}  // namespace mote
