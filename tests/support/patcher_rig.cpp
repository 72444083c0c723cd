// SPDX-License-Identifier: Apache-2.0
#include "tests/support/patcher_rig.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mote::testing {

void PatcherRig::Start() {
  buffer_.assign(buffer_size, 0xA5);
  buffer_.shrink_to_fit();
  memory_.assign(memory_size, 0xA5);
  memory_.shrink_to_fit();
  flushed_.clear();
  reads_ = flushes_ = read_backs_ = read_end_ = 0;
  final_status_.reset();
  patcher_.emplace();
  patcher_->Init({{&Read, this, static_cast<uint32_t>(old_image_.size())},
                  {buffer_.data(), buffer_size, &Flush, &ReadBack, this, capacity},
                  memory_.data(),
                  memory_size});
}

Status PatcherRig::WritePiece(std::span<const uint8_t> piece) {
  const Bytes copy(piece.begin(), piece.end());  // a byte too far is a byte outside the heap block
  const uint32_t reads = reads_;
  const uint32_t flushes = flushes_;
  const uint32_t read_backs = read_backs_;
  const Status status = patcher_->Write(copy.data(), static_cast<uint32_t>(copy.size()));
  if (final_status_) {
    EXPECT_EQ(status, *final_status_) << "the last status is not kept";
    EXPECT_EQ(reads_, reads) << "reads after the end";
    EXPECT_EQ(flushes_, flushes) << "flushes after the end";
    EXPECT_EQ(read_backs_, read_backs) << "reads back after the end";
  } else if (status != Status::kNeedInput) {
    final_status_ = status;
  }
  EXPECT_LE(flushed_.size(), patcher_->produced());
  EXPECT_LE(patcher_->produced(), patcher_->new_size());
  return status;
}

Status PatcherRig::Write(std::span<const uint8_t> delta, uint32_t chunk) {
  WritePiece({});
  while (!delta.empty()) {
    const auto piece = delta.first(std::min<size_t>(chunk, delta.size()));
    WritePiece(piece);
    delta = delta.subspan(piece.size());
  }
  return Finish();
}

Status PatcherRig::Write(std::span<const uint8_t> delta, Random& random) {
  WritePiece({});
  while (!delta.empty()) {
    const auto piece = delta.first(random.UpTo(static_cast<uint32_t>(delta.size())));
    WritePiece(piece);
    delta = delta.subspan(piece.size());
  }
  return Finish();
}

Status PatcherRig::Finish() {
  const Status status = patcher_->Finish();
  if (final_status_) {
    EXPECT_EQ(status, *final_status_) << "Finish says something else than Write";
  }
  EXPECT_EQ(patcher_->Finish(), status) << "Finish changes its mind";
  return status;
}

Outcome PatcherRig::Run(std::span<const uint8_t> delta, uint32_t chunk) {
  Start();
  const Status status = Write(delta, chunk);
  return {status, flushed_};
}

Status PatcherRig::Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  PatcherRig& self = *static_cast<PatcherRig*>(context);
  const uint32_t number = self.reads_++;
  const size_t extent = self.old_image_.size();
  EXPECT_GE(size, 1u);
  EXPECT_TRUE(offset <= extent && size <= extent - offset) << "read of " << size << " at " << offset;
  const auto is_in = [&](const Bytes& room) {
    return to >= room.data() && to + size <= room.data() + room.size();
  };
  // Into the codec's memory, for codec model; single bytes go where they please.
  EXPECT_TRUE(size == 1 || is_in(self.buffer_) || is_in(self.memory_));
  if (offset > extent || size > extent - offset) return Status::kReadError;
  if (self.on_read) {
    if (const Status status = self.on_read(number); status != Status::kDone) return status;
  }
  std::copy_n(self.old_image_.begin() + offset, size, to);
  self.read_end_ = std::max(self.read_end_, offset + size);
  return Status::kDone;
}

Status PatcherRig::Flush(void* context, uint8_t* data, uint32_t size) {
  PatcherRig& self = *static_cast<PatcherRig*>(context);
  const uint32_t number = self.flushes_++;
  EXPECT_EQ(data, self.buffer_.data());
  EXPECT_GE(size, 1u);
  EXPECT_LE(self.flushed_.size() + size, self.patcher_->new_size());
  if (self.flushed_.size() + size < self.patcher_->new_size()) {
    EXPECT_EQ(size, self.buffer_size) << "only the last piece may be short";
  }
  EXPECT_LE(self.flushed_.size() + size, self.capacity);
  if (self.on_flush) {
    if (const Status status = self.on_flush(number); status != Status::kDone) return status;
  }
  self.flushed_.insert(self.flushed_.end(), data, data + size);
  return Status::kDone;
}

Status PatcherRig::ReadBack(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
  PatcherRig& self = *static_cast<PatcherRig*>(context);
  const uint32_t number = self.read_backs_++;
  const size_t extent = self.flushed_.size();
  EXPECT_GE(size, 1u);
  EXPECT_TRUE(offset <= extent && size <= extent - offset) << "read of " << size << " at " << offset << " of new";
  if (offset > extent || size > extent - offset) return Status::kReadError;
  if (self.on_read_back) {
    if (const Status status = self.on_read_back(number); status != Status::kDone) return status;
  }
  std::copy_n(self.flushed_.begin() + offset, size, to);
  return Status::kDone;
}

std::string Compare(std::span<const uint8_t> actual, std::span<const uint8_t> expected) {
  const auto at = static_cast<size_t>(std::ranges::mismatch(actual, expected).in1 - actual.begin());
  if (at == actual.size() && at == expected.size()) return "";
  return "the images (" + std::to_string(actual.size()) + " and " + std::to_string(expected.size()) +
         " bytes) differ from byte " + std::to_string(at) + " on";
}

}  // namespace mote::testing
