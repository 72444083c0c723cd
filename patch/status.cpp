// SPDX-License-Identifier: Apache-2.0
#include "patch/status.h"

namespace mote {

const char* StatusName(Status status) {
  switch (status) {
    case Status::kDone:
      return "done";
    case Status::kNeedInput:
      return "need_input";
    case Status::kBadArgument:
      return "bad_argument";
    case Status::kCorrupt:
      return "corrupt";
    case Status::kWrongBase:
      return "wrong_base";
    case Status::kDoesNotFit:
      return "does_not_fit";
    case Status::kUnsupported:
      return "unsupported";
    case Status::kFlashError:
      return "flash_error";
    case Status::kReadError:
      return "read_error";
    case Status::kFileError:
      return "file_error";
    case Status::kBadImage:
      return "bad_image";
    case Status::kBadSignature:
      return "bad_signature";
    case Status::kWrongDevice:
      return "wrong_device";
    case Status::kStale:
      return "stale";
    case Status::kDowngrade:
      return "downgrade";
  }
  return "unknown";
}

}  // namespace mote
