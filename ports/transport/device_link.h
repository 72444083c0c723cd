// SPDX-License-Identifier: Apache-2.0
// The device's end of an update over a serial line: takes the bytes that arrive, hands the delta,
// or the offer, on in order and once, and answers.
//
//   DeviceLink link;
//   link.Init({{&PutByte, nullptr}, &Open, &Write, &Finish, &Restart, nullptr});
//   while (true) {
//     const int byte = GetByte();
//     if (byte >= 0 && !link.Put(byte)) Console(byte);
//   }
//
// It needs no clock: the host repeats what is not answered. RAM: sizeof(DeviceLink). No heap, no
// statics; one thread. Device code: C++17, freestanding.
#pragma once

#include <stdint.h>

#include "patch/status.h"
#include "ports/transport/frame.h"
#include "ports/transport/messages.h"

/// Whether the device takes offers and has tokens. Without: 150 bytes less on a Cortex-M0. The same
/// for all sources.
#ifndef MOTE_LINK_WITH_OFFERS
#define MOTE_LINK_WITH_OFFERS 1
#endif

namespace mote {

/// Bytes of a delta or offer in one frame.
constexpr uint16_t kMaxLinkData = 128;

struct DeviceLinkConfig {
  ByteSink sink;
  /// The host has an update for us: a delta or an offer of `size` bytes, whose CRC-32 is
  /// `identity`. Starts it, or goes on with it where it was interrupted: `offset` is 0, and may be
  /// set to the first byte wanted (at most `size`). Returns kNeedInput; kDone if that very update
  /// is installed already; or an error.
  Status (*open)(void* context, uint32_t identity, uint32_t size, uint32_t& offset);
  /// The next bytes of the delta. Returns as Updater::Write. It may call DeviceLink::Busy.
  Status (*write)(void* context, const uint8_t* data, uint32_t size);
  /// The delta has ended. Returns as Updater::Finish.
  Status (*finish)(void* context);
  /// The host has seen that the update is done: start the new image. The answer is sent.
  void (*restart)(void* context);
  void* context;
#if MOTE_LINK_WITH_OFFERS
  /// Devices that take offers: writes a new token, kLinkTokenSize bytes, that the host takes to the
  /// update server. kDone, or why there is none. Null: the request is not answered, as by a device
  /// that does not know it.
  Status (*token)(void* context, uint8_t* token) = nullptr;
  /// Devices that take offers: the first byte wanted after `write`, which may lie beyond what was
  /// written, at most at `size`: behind the manifest, an interrupted update may go on in the middle
  /// of the payload. Null: what follows the last one.
  uint32_t (*wanted)(void* context) = nullptr;
#endif
};

class DeviceLink {
 public:
  void Init(const DeviceLinkConfig& config);

  /// Takes a byte that arrived. Returns false where it belongs to no frame: the console's.
  bool Put(uint8_t byte);

  /// From within `open`, `write` or `finish`, at least every few hundred milliseconds: tells the
  /// host that the device is at work, so that it does not repeat itself, and how far it is.
  void Busy(uint32_t written, uint32_t total);

#if MOTE_LINK_WITH_OFFERS
  /// From within `write`, before work of some seconds in which Busy cannot be called, such as
  /// verifying a signature: the host does not repeat itself meanwhile.
  void Silent() { Answer(LinkState::kBusy | LinkState::kSilent); }
#endif

  /// Frames that were dropped.
  uint32_t damaged() const { return damaged_; }

 private:
  void Handle(const uint8_t* body, uint32_t size);
  void Open(const uint8_t* body);
  void Data(uint32_t offset, const uint8_t* data, uint32_t size);
#if MOTE_LINK_WITH_OFFERS
  void Token();
#endif
  void Answer(uint8_t flags);

  DeviceLinkConfig config_;
  FrameReader reader_;
  LinkState state_;
  uint32_t size_;  // of the delta or offer
  uint32_t damaged_;
  uint8_t number_;  // of the request
  uint8_t buffer_[kDataHeader + kMaxLinkData + kFrameCrcSize];
};

}  // namespace mote
