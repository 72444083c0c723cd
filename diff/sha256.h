// SPDX-License-Identifier: Apache-2.0
// SHA-256 on the host, libsodium's, in pieces of any size and behind the device's Hash.
//
//   mote::Sha256 sha256;
//   updater_config.hash = sha256.hash();
//   ...
//   const mote::Sha256::Digest digest = sha256.Finish();
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <span>

#include "stream/hash.h"

namespace mote {

class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  Sha256();
  void Update(std::span<const uint8_t> data);
  /// The digest of all bytes so far; Update may go on afterwards.
  Digest Finish() const;
  /// Feeds this object, which must outlive the returned hash and not be moved.
  Hash hash();
  /// What checkpoints keep of this object, which must outlive what is returned and not be moved.
  HashState hash_state();

  static Digest Of(std::span<const uint8_t> data);

 private:
  alignas(8) std::array<uint8_t, 104> state_;  // the library's, so that users of this header need not have it
};

}  // namespace mote
