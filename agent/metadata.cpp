// SPDX-License-Identifier: Apache-2.0
#include "agent/metadata.h"

#include "agent/trust.h"
#include "patch/bytes.h"
#include "patch/check.h"
#include "stream/flash_pipe.h"

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
constexpr uint32_t kTrustSize = 144;
constexpr uint8_t kHasTrust = 1;   // flags of the record
constexpr uint8_t kHasDigest = 1;  // flags of a slot
constexpr uint8_t kHasRelease = 2;
constexpr int kReadAttempts = 3;

static_assert(MetadataPageSize(kMaxSlots, 1) ==
                  kHeaderSize + kMaxSlots * kSlotSize + kCheckSize + 2 * kMarkSize,
              "layout.h says otherwise");
static_assert(MetadataPageSize(kMaxSlots, 1, true) ==
                  kHeaderSize + kTrustSize + kMaxSlots * (kSlotSize + kMaxVendorSigned) +
                      kCheckSize + 2 * kMarkSize,
              "layout.h says otherwise");
static_assert(kMaxMetadataUnit <= kMaxPipeUnit, "a record is written through a FlashPipe");

void FillMark(uint8_t* mark, uint32_t sequence, uint32_t number) {
  uint8_t seed[4];
  StoreLittle(seed, 4, sequence);
  StoreLittle(mark, 4, number);
  StoreLittle(mark + 4, 4, UpdateCheck(UpdateCheck(kCheckStart, seed, 4), mark, 4));
}

// Sequence numbers may wrap around.
bool IsNewer(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) > 0; }

}  // namespace

uint32_t Metadata::Start(uint8_t page) const {
  const MetadataArea& area = layout_->metadata;
  uint32_t start = area.offset;
  for (; page != 0; --page) start += area.page_size;
  return start;
}

uint32_t Metadata::MarkOffset(uint8_t page, uint32_t mark) const {
  const uint32_t unit = flash().program_unit;
  const uint32_t record = (RecordSize() + unit - 1) & ~(unit - 1);
  return Start(page) + record + mark * (unit < kMarkSize ? kMarkSize : unit);
}

uint32_t Metadata::marks_per_page() const {
  const uint32_t end = Start(0) + layout_->metadata.page_size;
  uint32_t marks = 0;
  while (MarkOffset(0, kFirstStep + marks + 1) <= end) ++marks;
  return marks;
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
  FlashPipe pipe(flash(), Start(page), Start(page) + layout_->metadata.page_size);
  uint8_t bytes[12];
  FlashPipe::Read(&pipe, bytes, sizeof bytes);
  if (!IsEqual(bytes, kMagic, 4)) return Status::kDone;
  const uint8_t version = bytes[4];
  const uint8_t count = bytes[5];
  const uint32_t size = LoadLittle(bytes + 6, 2);
  const uint32_t sequence = LoadLittle(bytes + 8, 4);
  if (size < 12 + kCheckSize) return Status::kDone;
  for (uint32_t at = 12; at < size - kCheckSize && !pipe.failed(); ++at) {
    FlashPipe::Read(&pipe, bytes, 1);
  }
  const uint32_t check = pipe.check();
  FlashPipe::Read(&pipe, bytes, kCheckSize);
  if (pipe.failed() || LoadLittle(bytes, 4) != check) return Status::kDone;
  if (version != kVersion) return Status::kUnsupported;
  if (count != layout_->count) return Status::kBadArgument;
  if (size != RecordSize()) return Status::kUnsupported;
  result = {sequence, Rank::kRecord};
  if (HasMark(page, sequence, kSeal)) {
    result.rank = HasMark(page, sequence, kSecondSeal) ? Rank::kCertain : Rank::kSealed;
  }
  return Status::kDone;
}

uint32_t Metadata::RecordSize() const {
  const bool has_trust = layout_->trust != nullptr;
  return kHeaderSize + (has_trust ? kTrustSize : 0) + kCheckSize +
         layout_->count * (kSlotSize + (has_trust ? kMaxVendorSigned : 0));
}

// METADATA.md 2, without the check.
void Metadata::Transfer(StateStream& stream, uint32_t& sequence) {
  uint8_t header[8] = {};
  for (uint32_t i = 0; i < 4; ++i) header[i] = kMagic[i];
  header[4] = kVersion;
  header[5] = layout_->count;
  StoreLittle(header + 6, 2, RecordSize());
  stream.Bytes(header, sizeof header);  // Examine has looked at it
  stream.Number(sequence);
  stream.Number(install);
  stream.Require(install <=
                 (MOTE_WITH_IN_PLACE ? InstallState::kUndoRunning : InstallState::kSwapRunning));
  uint8_t flags = layout_->trust ? kHasTrust : 0;
  stream.Number(flags);
  stream.Require(flags == (layout_->trust ? kHasTrust : 0));
  uint16_t reserved = 0;
  stream.Number(reserved);
  stream.Number(install_units);
  stream.Number(progress);
#if MOTE_WITH_TRUST
  if (layout_->trust) {
    stream.Number(trust.security_counter);
    stream.Number(trust.server_epoch);
    stream.Number(trust.statement);
    stream.Number(trust.root.algorithm);
    stream.Number(trust.previous_root.algorithm);
    uint16_t more_reserved = 0;
    stream.Number(more_reserved);
    stream.Bytes(trust.root.bytes, sizeof trust.root.bytes);
    stream.Bytes(trust.previous_root.bytes, sizeof trust.previous_root.bytes);
    stream.Require(more_reserved == 0 && trust.root.algorithm <= SignatureAlgorithm::kEd25519 &&
                   trust.previous_root.algorithm <= SignatureAlgorithm::kEd25519);
  }
#endif
  for (uint8_t i = 0; i < layout_->count; ++i) TransferSlot(stream, slots_[i]);
  stream.Require(reserved == 0);
}

void Metadata::TransferSlot(StateStream& stream, SlotRecord& slot) {
  stream.Number(slot.state);
  stream.Number(slot.boots_left);
  uint8_t flags = slot.has_digest ? kHasDigest : 0;
#if MOTE_WITH_TRUST
  if (layout_->trust && slot.has_release) flags |= kHasRelease;
#endif
  stream.Number(flags);
  uint8_t reserved = 0;
  stream.Number(reserved);
  stream.Number(slot.size);
  stream.Number(slot.update);
  stream.Bytes(slot.digest, kDigestSize);
  uint8_t known = kHasDigest;
#if MOTE_WITH_TRUST
  if (layout_->trust) {
    known |= kHasRelease;
    slot.has_release = (flags & kHasRelease) != 0;
    stream.Bytes(slot.release, sizeof slot.release);
  }
#endif
  slot.has_digest = (flags & kHasDigest) != 0;
  stream.Require(slot.state <= SlotState::kBad && (flags & ~known) == 0 && reserved == 0);
}

// REQUIRES: Examine found a record in it. Bits that an interrupted operation left may read
// differently by now: kReadError.
Status Metadata::Parse(uint8_t page) {
  FlashPipe pipe(flash(), Start(page), Start(page) + layout_->metadata.page_size);
  StateStream stream(true, &FlashPipe::Read, &pipe);
  uint32_t sequence;
  Transfer(stream, sequence);
  const uint32_t check = pipe.check();
  uint8_t there[kCheckSize];
  FlashPipe::Read(&pipe, there, kCheckSize);
  if (pipe.failed() || LoadLittle(there, kCheckSize) != check) return Status::kReadError;
  if (!stream.good()) return Status::kUnsupported;
  const bool in_place = layout_->install == Install::kInPlace;
  return install != InstallState::kNone &&
                 (layout_->install == Install::kNone ||
                  (install >= InstallState::kInPlaceRequested) != in_place)
             ? Status::kBadArgument
             : Status::kDone;
}

void Metadata::Reset() {
  install = InstallState::kNone;
  install_units = progress = 0;
#if MOTE_WITH_TRUST
  trust = {};
#endif
  for (uint8_t i = 0; i < kMaxSlots; ++i) {
    slots_[i] = {};
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
  const uint32_t start = Start(page);
  pages_[page] = {0, Rank::kNothing};
  for (uint32_t done = 0; done < layout_->metadata.page_size; done += flash().erase_unit) {
    const Status status = flash().erase(flash().context, start + done);
    if (status != Status::kDone) return status;
  }
  FlashPipe pipe(flash(), start, start + layout_->metadata.page_size);
  StateStream stream(false, &FlashPipe::Write, &pipe);
  Transfer(stream, sequence);
  uint32_t check = pipe.check();
  stream.Number(check);
  pipe.Flush();
  if (pipe.failed()) return Status::kFlashError;
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
  RaiseCounter(layout, metadata, running);
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
    case Install::kInPlace:
      metadata.install = InstallState::kInPlaceRequested;
      break;
  }
  return metadata.Commit();
}

}  // namespace mote
