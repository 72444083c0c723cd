// SPDX-License-Identifier: Apache-2.0
#include "agent/decryptor.h"

namespace mote {

void Decryptor::Init(const PayloadCipher& cipher, const uint8_t* key, uint8_t piece_bits,
                     uint32_t size, uint32_t position, uint8_t* buffer) {
  cipher_ = &cipher;
  buffer_ = buffer;
  size_ = size;
  piece_ = position >> piece_bits;
  filled_ = 0;
  skip_ = position & ((1u << piece_bits) - 1);
  bits_ = piece_bits;
  for (uint32_t i = 0; i < kContentKeySize; ++i) key_[i] = key[i];
}

// Of the current one; 0 behind the last.
uint32_t Decryptor::PieceSize() const {
  const uint32_t left = size_ - (piece_ << bits_);
  return left < 1u << bits_ ? left : 1u << bits_;
}

uint32_t Decryptor::Take(const uint8_t* data, uint32_t size) {
  const uint32_t room = PieceSize() + kPieceTagSize - filled_;
  if (size > room) size = room;
  for (uint32_t i = 0; i < size; ++i) buffer_[filled_ + i] = data[i];
  filled_ += size;
  return size;
}

Status Decryptor::Open(const uint8_t*& data, uint32_t& size) {
  const uint32_t piece = PieceSize();
  const bool last = size_ - (piece_ << bits_) == piece;
  uint8_t nonce[kPieceNonceSize];
  MakePieceNonce(piece_, last, nonce);
  if (!cipher_->open(cipher_->context, key_, nonce, buffer_, piece, buffer_ + piece)) {
    return Status::kCorrupt;
  }
  data = buffer_ + skip_;
  size = piece - skip_;
  skip_ = filled_ = 0;
  ++piece_;
  return Status::kDone;
}

void Decryptor::Wipe() {
  for (volatile uint8_t& byte : key_) byte = 0;
}

}  // namespace mote
