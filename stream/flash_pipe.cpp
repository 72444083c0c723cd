// SPDX-License-Identifier: Apache-2.0
#include "stream/flash_pipe.h"

namespace mote {
namespace {

constexpr int kReadAttempts = 3;

}  // namespace

FlashPipe::FlashPipe(const Flash& flash, uint32_t at, uint32_t end) : flash_(flash), at_(at), end_(end) {}

void FlashPipe::Flush() {
  while ((used_ & (flash_.program_unit - 1)) != 0) buffer_[used_++] = flash_.erased_value;
  if (used_ == 0) return;
  if (used_ > end_ - at_ || flash_.program(flash_.context, at_, buffer_, used_) != Status::kDone) failed_ = true;
  at_ += used_;
  used_ = 0;
}

void FlashPipe::Write(const uint8_t* bytes, uint32_t size) {
  check_ = UpdateCheck(check_, bytes, size);
  for (; size != 0 && !failed_; --size) {
    buffer_[used_++] = *bytes++;
    if (used_ == sizeof buffer_) Flush();
  }
}

// Zeros once it failed.
void FlashPipe::Read(uint8_t* bytes, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) {
    if (left_ == 0 && !failed_) {
      left_ = end_ - at_ < sizeof buffer_ ? end_ - at_ : uint32_t{sizeof buffer_};
      used_ = 0;
      failed_ = true;
      for (int attempt = 0; attempt < kReadAttempts && failed_ && left_ != 0; ++attempt) {
        failed_ = flash_.read(flash_.context, at_, buffer_, left_) != Status::kDone;
      }
      at_ += left_;
    }
    bytes[i] = 0;
    if (failed_) continue;
    bytes[i] = buffer_[used_++];
    --left_;
  }
  check_ = UpdateCheck(check_, bytes, size);
}

}  // namespace mote
