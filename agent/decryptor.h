// SPDX-License-Identifier: Apache-2.0
// The first stage of an encrypted update: pieces of a payload in, the delta's bytes out, none of
// which was not authenticated (FORMAT.md, 10).
#pragma once

#include <stdint.h>

#include "agent/payload_key.h"
#include "patch/status.h"

namespace mote {

class Decryptor {
 public:
  /// `size`: bytes of the delta; `position`: where it goes on in it. `buffer`: (1 << piece_bits) +
  /// kPieceTagSize bytes. What is pointed to must outlive the payload. `key` is copied.
  void Init(const PayloadCipher& cipher, const uint8_t* key, uint8_t piece_bits, uint32_t size,
            uint32_t position, uint8_t* buffer);

  /// Where in the payload Write goes on after Init: where a piece begins.
  uint32_t start() const { return piece_ * ((1u << bits_) + kPieceTagSize); }

  /// Takes bytes of the payload, up to the end of the piece at most. Returns how many.
  uint32_t Take(const uint8_t* data, uint32_t size);
  /// Whether the piece is complete: then Open comes before the next Take.
  bool full() const { return filled_ == PieceSize() + kPieceTagSize; }
  /// Decrypts the piece. kDone, with `data` and `size` the new bytes of the delta, in the buffer
  /// until the next Take; or kCorrupt: its tag does not hold.
  Status Open(const uint8_t*& data, uint32_t& size);

  /// The key is forgotten.
  void Wipe();

  /// Bytes of the payload of a delta of `size` >= 1 bytes; less than `size` if they leave 32 bits.
  static uint32_t PayloadSize(uint32_t size, uint8_t piece_bits) {
    return size + (((size - 1) >> piece_bits) + 1) * kPieceTagSize;
  }

 private:
  uint32_t PieceSize() const;

  const PayloadCipher* cipher_;
  uint8_t* buffer_;
  uint32_t size_;    // of the delta
  uint32_t piece_;   // its number
  uint32_t filled_;  // of the buffer
  uint32_t skip_;    // bytes of the piece that are known already
  uint8_t bits_;
  uint8_t key_[kContentKeySize];
};

}  // namespace mote
