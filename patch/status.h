// SPDX-License-Identifier: Apache-2.0
// The closed set of results that every part of mote reports, on the device and on the host.
#pragma once

#include <stdint.h>

namespace mote {

/// What a call came to. The numbers are stable: they are the exit codes of the `mote` command and the values of
/// `mote_status` in mote.h. kFileError and kBadImage belong to the host; kBadSignature and what follows come from agent/ only.
enum class Status : uint8_t {
  /// The new image is complete and its check holds.
  kDone = 0,
  /// All bytes were taken and the image is not complete. From a `Finish` it means that the delta was cut short:
  /// the sender's or the transport's fault.
  kNeedInput = 1,
  /// The caller broke a documented precondition (geometry, buffer size, null pointer, wrong order of calls).
  kBadArgument = 2,
  /// The delta is damaged or forged: the sender's or the transport's fault. What was written is not an image.
  kCorrupt = 3,
  /// The device's image is not the one that the delta was made from. Nothing was erased.
  kWrongBase = 4,
  /// The slot, the codec's memory or the buffer is smaller than this delta needs. Nothing was erased.
  kDoesNotFit = 5,
  /// A format version, codec or parameter that this build does not know. Nothing was erased.
  kUnsupported = 6,
  /// Erasing or programming failed: the flash's fault.
  kFlashError = 7,
  /// Reading the base image failed: the flash's fault.
  kReadError = 8,
  /// Host only: a file cannot be read or written.
  kFileError = 9,
  /// Host only: an input image (HEX, ELF, UF2) is malformed.
  kBadImage = 10,
  /// A signature does not hold, or is by a key that the device does not trust (any more): forged, damaged, or signed with the wrong
  /// key. Nothing was erased.
  kBadSignature = 11,
  /// Meant for another device, application or hardware: the sender's fault. Nothing was erased.
  kWrongDevice = 12,
  /// An answer to another request than the latest one: a replay, or a sender that is too late. Nothing was erased.
  kStale = 13,
  /// Not newer than what runs, or below the device's security counter. Nothing was erased.
  kDowngrade = 14,
};

/// A short name for logs, such as "wrong_base". A static string; never null, also for values out of range.
const char* StatusName(Status status);

}  // namespace mote
