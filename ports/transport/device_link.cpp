// SPDX-License-Identifier: Apache-2.0
#include "ports/transport/device_link.h"

namespace mote {

void DeviceLink::Init(const DeviceLinkConfig& config) {
  config_ = config;
  reader_.Init(buffer_, sizeof buffer_);
  state_ = {Status::kNeedInput, 0, kMaxLinkData, 0, 0, 0, 0};
  size_ = 0;
  damaged_ = 0;
  number_ = 0;
}

bool DeviceLink::Put(uint8_t byte) {
  switch (reader_.Put(byte)) {
    case FrameReader::Event::kText:
      return false;
    case FrameReader::Event::kDamaged:
      ++damaged_;
      break;
    case FrameReader::Event::kFrame:
      Handle(reader_.body(), reader_.size());
      break;
    case FrameReader::Event::kNothing:
      break;
  }
  return true;
}

void DeviceLink::Handle(const uint8_t* body, uint32_t size) {
  if (size < kMessageHeader) return;
  const auto message = static_cast<Message>(body[0]);
  number_ = body[1];
  bool restart = false;
  if (message == Message::kOpen && size == kOpenSize) {
    Open(body + kMessageHeader);
  } else if (message == Message::kData && size > kDataHeader) {
    Data(GetNumber(body + kMessageHeader), body + kDataHeader, size - kDataHeader);
  } else if (message == Message::kRestart && size == kMessageHeader) {
    restart = (state_.flags & LinkState::kOpened) != 0 && state_.status == Status::kDone;
#if MOTE_LINK_WITH_OFFERS
  } else if (message == Message::kToken && size == kMessageHeader && config_.token) {
    return Token();
#endif
  } else {
    return;  // of a later version: silence, and the host gives up
  }
  Answer(0);
  if (restart) config_.restart(config_.context);
}

void DeviceLink::Open(const uint8_t* body) {
  const uint32_t identity = GetNumber(body + 1), size = GetNumber(body + 5);
  const bool opened = (state_.flags & LinkState::kOpened) != 0;
  // Repeated, or the host was started again: go on. What failed may be tried anew.
  if (opened && identity == state_.identity && size == size_ &&
      (state_.status == Status::kNeedInput || state_.status == Status::kDone)) {
    return;
  }
  state_.flags = LinkState::kOpened;
  state_.identity = identity;
  state_.offset = state_.written = state_.total = 0;
  size_ = size;
  state_.status = Status::kUnsupported;
  if (body[0] != kTransportVersion) return;
  uint32_t offset = 0;
  state_.status = config_.open(config_.context, identity, size, offset);
  state_.offset = state_.status == Status::kDone ? size : offset;
  // Nothing is left to be sent: there will be no last byte.
  if (state_.status == Status::kNeedInput && offset != 0 && offset == size) {
    state_.status = config_.finish(config_.context);
  }
}

void DeviceLink::Data(uint32_t offset, const uint8_t* data, uint32_t size) {
  if ((state_.flags & LinkState::kOpened) == 0 || state_.status != Status::kNeedInput) return;
  // What is there already is skipped; what would leave a gap is not taken.
  if (offset > state_.offset) return;
  const uint32_t known = state_.offset - offset;
  if (known >= size || size - known > size_ - state_.offset) return;
  state_.status = config_.write(config_.context, data + known, size - known);
  state_.offset += size - known;
#if MOTE_LINK_WITH_OFFERS
  if (config_.wanted && state_.status == Status::kNeedInput) {
    state_.offset = config_.wanted(config_.context);
  }
#endif
  if (state_.status == Status::kNeedInput && state_.offset == size_) {
    state_.status = config_.finish(config_.context);
  }
}

#if MOTE_LINK_WITH_OFFERS
// What was open is not any more: a new token is for a new offer.
void DeviceLink::Token() {
  uint8_t body[kTokenMessageHeader + kLinkTokenSize] = {static_cast<uint8_t>(Message::kTokenIs),
                                                        number_};
  state_ = {Status::kNeedInput, 0, kMaxLinkData, 0, 0, 0, 0};
  const Status status = config_.token(config_.context, body + kTokenMessageHeader);
  body[kMessageHeader] = static_cast<uint8_t>(status);
  WriteFrame(config_.sink, body, status == Status::kDone ? sizeof body : kTokenMessageHeader);
}
#endif

void DeviceLink::Busy(uint32_t written, uint32_t total) {
  state_.written = written;
  state_.total = total;
  Answer(LinkState::kBusy);
}

void DeviceLink::Answer(uint8_t flags) {
  LinkState state = state_;
  state.flags |= flags;
  uint8_t body[kStateSize];
  PutState(state, number_, body);
  WriteFrame(config_.sink, body, sizeof body);
}

}  // namespace mote
