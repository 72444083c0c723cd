// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include "agent/trust.h"
#include "patch/architecture.h"
#include "patch/bytes.h"
#include "patch/format.h"

#if MOTE_WITH_TRUST

namespace mote {
namespace {

constexpr uint32_t kMinDelta = 2;  // bytes: what the manifest says of the second one must be there

constexpr uint16_t Bit(Codec codec) { return static_cast<uint16_t>(1u << static_cast<int>(codec)); }
constexpr uint16_t Bit(ArchitectureId id) {
  return static_cast<uint16_t>(1u << static_cast<int>(id));
}

constexpr uint16_t kCodecs = (MOTE_WITH_RAW || MOTE_WITH_LZSS ? Bit(Codec::kRaw) : 0) |
                             (MOTE_WITH_LZSS ? Bit(Codec::kLzss) : 0) |
                             (MOTE_WITH_MODEL ? Bit(Codec::kModel) : 0);
constexpr uint16_t kBigEndian = (MOTE_WITH_XTENSA ? Bit(ArchitectureId::kXtensaBig) : 0) |
                                (MOTE_WITH_MIPS ? Bit(ArchitectureId::kMipsBig) : 0) |
                                Bit(ArchitectureId::kWordsBig);
constexpr uint16_t kArchitectures =
    Bit(ArchitectureId::kWords) | (MOTE_WITH_THUMB ? Bit(ArchitectureId::kThumb) : 0) |
    (MOTE_WITH_XTENSA ? Bit(ArchitectureId::kXtensa) : 0) |
    (MOTE_WITH_RISCV ? Bit(ArchitectureId::kRiscv) : 0) |
    (MOTE_WITH_AARCH64 ? Bit(ArchitectureId::kAarch64) : 0) |
    (MOTE_WITH_TC32 ? Bit(ArchitectureId::kTc32) : 0) |
    (MOTE_WITH_8051 ? Bit(ArchitectureId::k8051) : 0) |
    (MOTE_WITH_MIPS ? Bit(ArchitectureId::kMips) : 0) | (MOTE_WITH_BIG_ENDIAN ? kBigEndian : 0);

bool IsEqual(const uint8_t* a, const uint8_t* b, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// The largest pieces that a buffer takes, as a power of two; 0: none.
uint8_t PieceBits(uint32_t buffer_size) {
  uint8_t bits = 0;
  for (uint8_t i = kMinPieceBits; i <= kMaxPieceBits; ++i) {
    if ((1u << i) + kPieceTagSize <= buffer_size) bits = i;
  }
  return bits;
}

}  // namespace

Status Agent::Init(const AgentConfig& config) {
  state_ = AgentState::kWaiting;
  has_nonce_ = false;
  status_ = Status::kBadArgument;
  if (!config.layout || !config.layout->trust || !config.metadata || !config.buffer ||
      !config.random || config.running >= config.layout->count ||
      (config.cipher && !config.piece)) {
    return status_;
  }
  const SlotRecord& running = config.metadata->slot(config.running);
  if (!running.has_release || !running.has_digest || VendorPartSize(running.release) == 0) {
    return status_;
  }
  config_ = config;
  return Status::kDone;
}

Status Agent::Request(uint8_t* token) {
  status_ = Status::kBadArgument;
  has_nonce_ = false;
  if (!config_.random(config_.random_context, nonce_, kNonceSize)) return Status::kReadError;
  const Layout& layout = *config_.layout;
  const uint8_t target = InactiveSlot(layout, *config_.metadata, config_.running);
  Token fields{};
  for (uint32_t i = 0; i < kDeviceIdSize; ++i) fields.device[i] = config_.device[i];
  for (uint32_t i = 0; i < kNonceSize; ++i) fields.nonce[i] = nonce_[i];
  fields.application = trust().application;
  fields.hardware = trust().hardware;
  fields.version = VendorField(running().release, kVendorVersion);
  fields.security_counter = config_.metadata->trust.security_counter;
  for (uint32_t i = 0; i < sizeof fields.base; ++i) fields.base[i] = running().digest[i];
  fields.decoder_ram = kUpdaterRam + config_.memory_size;
  if (target != kNoSlot) {
    fields.link_address = LinkAddressFor(layout, target);
    fields.capacity = ImageCapacity(layout, target);
  }
  fields.codecs = kCodecs;
  fields.architectures = kArchitectures;
  fields.signatures = trust().verifier.algorithms;
  fields.encryptions = config_.requires_encryption ? 0 : 1;
  if (config_.cipher) {
    fields.piece_bits = PieceBits(config_.piece_size);
    if (fields.piece_bits != 0) fields.encryptions |= config_.cipher->encryptions;
  }
  fields.small_model = MOTE_SMALL_MODEL != 0;
  WriteToken(fields, token);
  has_nonce_ = true;
  state_ = AgentState::kStart;
  return Status::kDone;
}

Status Agent::Begin() {
  const Layout& layout = *config_.layout;
  status_ = Status::kBadArgument;
  // What Session would refuse behind the manifest is refused before it.
  target_ = InactiveSlot(layout, *config_.metadata, config_.running);
  if (target_ == kNoSlot || running().state == SlotState::kOnTrial ||
      config_.metadata->install != InstallState::kNone || state_ == AgentState::kReadyToReboot) {
    return status_;
  }
  state_ = AgentState::kReceiveManifest;
  wanted_ = 0;
  filled_ = 0;
  NextPart(Part::kHeader);
  return status_ = Status::kNeedInput;
}

Status Agent::Fail(Status status) {
  state_ = AgentState::kCleaning;
  decryptor_.Wipe();
  return status_ = status;
}

Status Agent::Write(uint32_t offset, const uint8_t* data, uint32_t size) {
  if (status_ != Status::kNeedInput) return status_;
  if (offset > wanted_) return Status::kBadArgument;
  while (size != 0) {
    uint32_t part = 1;
    Status status = Status::kNeedInput;
    if (offset < wanted_) {
      part = wanted_ - offset < size ? wanted_ - offset : size;
    } else if (state_ == AgentState::kReceiveManifest) {
      ++wanted_;
      status = PutManifest(*data);
    } else {
      part = size;
      wanted_ += part;
      status = WritePayload(data, part);
    }
    if (status != Status::kNeedInput) return Fail(status);
    offset += part;
    data += part;
    size -= part;
  }
  return Status::kNeedInput;
}

// ---- The manifest, byte by byte: each is looked at as soon as it says something.

Status Agent::PutManifest(uint8_t byte) {
  manifest_[filled_++] = byte;
  switch (part_) {
    case Part::kHeader:
      return PutHeader();
    case Part::kStatement:
    case Part::kKnownStatement:
      return PutStatement();
    case Part::kVendor:
      return PutVendor();
    default:
      return PutServer();
  }
}

Status Agent::PutHeader() {
  const uint8_t byte = manifest_[filled_ - 1];
  const bool is_statement = manifest_[2] == kStatementHeader[2];
  switch (filled_) {
    case 1:
    case 2:
      return byte == kManifestHeader[filled_ - 1] ? Status::kNeedInput : Status::kUnsupported;
    case 3:
      return byte == kManifestHeader[2] || is_statement ? Status::kNeedInput : Status::kUnsupported;
    default:
      break;
  }
  if (is_statement) {
    if (byte != kStatementHeader[3]) return Status::kUnsupported;
    NextPart(Part::kStatement);
    return Status::kNeedInput;
  }
  has_server_part_ = (byte & kHasServerPart) != 0;
  if ((byte & ~kHasServerPart) != kManifestHeader[3]) return Status::kUnsupported;
  if (!has_server_part_ && !config_.accepts_vendor_only) return Status::kUnsupported;
  NextPart(Part::kVendor);
  return Status::kNeedInput;
}

// One that was taken already is only skipped.
Status Agent::PutStatement() {
  const uint8_t* const statement = manifest_ + start_;
  const uint32_t size = filled_ - start_;
  if (size == 4 && LoadLittle(statement, 4) <= config_.metadata->trust.statement) {
    part_ = Part::kKnownStatement;
  }
  if (size < kStatementFixedSize) return Status::kNeedInput;
  const uint32_t whole = StatementSize(statement);
  if (whole == 0) return Status::kUnsupported;
  if (size < whole + kSignatureSize) return Status::kNeedInput;
  if (part_ == Part::kStatement) {
    if (Status status = TakeStatement(statement); status != Status::kDone) return status;
  }
  filled_ = 0;
  NextPart(Part::kHeader);
  return Status::kNeedInput;
}

Status Agent::TakeStatement(const uint8_t* bytes) {
  Metadata& metadata = *config_.metadata;
  const Statement statement = ParseStatement(bytes);
  const PublicKey root = RootKey(*config_.layout, metadata);
  uint8_t digest[kDigestSize];
  StatementDigest(config_.sha256, bytes, digest);
  if (statement.algorithm != root.algorithm ||
      !Verify(root, digest, bytes + StatementSize(bytes))) {
    return Status::kBadSignature;
  }
  if (statement.server_epoch < metadata.trust.server_epoch) return Status::kDowngrade;
  if (statement.root.algorithm != SignatureAlgorithm::kNone) {
    // What runs must stay startable: FORMAT.md, 9.
    if (!IsSigned(*config_.layout, config_.sha256, root, running().release, digest)) {
      return Status::kDowngrade;
    }
    if ((trust().verifier.algorithms >> static_cast<int>(statement.root.algorithm) & 1) == 0) {
      return Status::kUnsupported;
    }
    metadata.trust.previous_root = root;
    metadata.trust.root = statement.root;
  }
  metadata.trust.server_epoch = statement.server_epoch;
  metadata.trust.statement = statement.sequence;
  return metadata.Commit();
}

Status Agent::PutVendor() {
  const Layout& layout = *config_.layout;
  const TrustRecord& known = config_.metadata->trust;
  const uint8_t* const part = manifest_ + start_;
  const uint32_t size = filled_ - start_;
  const uint32_t field = size >= 4 ? LoadLittle(part + size - 4, 4) : 0;  // that ends here
  const uint8_t algorithms = trust().verifier.algorithms;
  switch (size) {
    case 4:
      if (VendorPartSize(part) == 0 || (algorithms >> part[0] & 1) == 0 ||
          (has_server_part_ && part[1] != 0 && (algorithms >> part[1] & 1) == 0)) {
        return Status::kUnsupported;
      }
      if ((has_server_part_ && part[1] == 0) || static_cast<SignatureAlgorithm>(part[0]) !=
                                                    RootKey(layout, *config_.metadata).algorithm) {
        return Status::kBadSignature;
      }
      break;
    case 8:
      if (field != trust().application) return Status::kWrongDevice;
      break;
    case 12:
      if (field != trust().hardware) return Status::kWrongDevice;
      break;
    case 16:
      if (field <= VendorField(running().release, kVendorVersion)) return Status::kDowngrade;
      break;
    case 20:
      if (field < known.security_counter) return Status::kDowngrade;
      break;
    case 24:
      if (field == 0) return Status::kCorrupt;
      if (field > ImageCapacity(layout, target_)) return Status::kDoesNotFit;
      break;
    case 28:
      if (!IsLinkedFor(layout, target_, field)) return Status::kDoesNotFit;
      break;
    case 32:
      if (has_server_part_ && field < known.server_epoch) return Status::kBadSignature;
      break;
    default:
      break;
  }
  if (size < 4 || size < VendorPartSize(part) + kSignatureSize) return Status::kNeedInput;
  VendorDigest(config_.sha256, part, vendor_digest_);
  if (!Verify(RootKey(layout, *config_.metadata), vendor_digest_, part + VendorPartSize(part))) {
    return Status::kBadSignature;
  }
  if (!has_server_part_) return StartPayload(nullptr);
  NextPart(Part::kServer);
  return Status::kNeedInput;
}

Status Agent::PutServer() {
  const uint8_t* const part = manifest_ + start_;
  const uint32_t size = filled_ - start_;
  const uint32_t field = size >= 4 ? LoadLittle(part + size - 4, 4) : 0;
  switch (size) {
    case 8:
      if (!IsEqual(part, config_.device, kDeviceIdSize)) return Status::kWrongDevice;
      break;
    case 16:
      if (!has_nonce_ || !IsEqual(part + 8, nonce_, kNonceSize)) return Status::kStale;
      break;
    case 20:
      if (field != 0 && field != VendorField(running().release, kVendorVersion))
        return Status::kWrongBase;
      break;
    case 24: {
      const bool has_base = LoadLittle(part + 16, 4) != 0;
      if (field != (has_base ? LoadLittle(running().digest, 4) : 0)) return Status::kWrongBase;
      break;
    }
    case 28:
      if (field < kMinDelta) return Status::kCorrupt;
      break;
    case 32:
      if (field > kUpdaterRam + config_.memory_size) return Status::kDoesNotFit;
      break;
    case 33:
      if ((kCodecs >> (part[32] & 15) & 1) == 0) return Status::kUnsupported;
      break;
    case 34:
      if (part[33] == 0 ? config_.requires_encryption
                        : !config_.cipher || part[33] > 7 ||
                              (config_.cipher->encryptions >> part[33] & 1) == 0) {
        return Status::kUnsupported;
      }
      break;
    case 36:
      if (ServerPartSize(part) == 0) return Status::kUnsupported;
      if (part[33] != 0 && part[34] > PieceBits(config_.piece_size)) return Status::kDoesNotFit;
      break;
    default:
      break;
  }
  if (size < kServerFixedSize || size < ServerPartSize(part) + kSignatureSize) {
    return Status::kNeedInput;
  }
  uint8_t digest[kDigestSize] = {};  // of the base, then of all
  if (LoadLittle(part + 16, 4) != 0) {
    for (uint32_t i = 0; i < kDigestSize; ++i) digest[i] = running().digest[i];
  }
  ServerDigest(config_.sha256, vendor_digest_, digest, part, digest);
  const PublicKey key = ParseVendorPart(manifest_ + kTrustHeaderSize).server_key;
  if (!Verify(key, digest, part + ServerPartSize(part))) return Status::kBadSignature;
  return StartPayload(part);
}

bool Agent::Verify(const PublicKey& key, const uint8_t* digest, const uint8_t* signature) {
  state_ = AgentState::kVerifyManifest;
  const SignatureVerifier& verifier = trust().verifier;
  const bool holds = verifier.verify(verifier.context, key, digest, signature);
  state_ = AgentState::kReceiveManifest;
  return holds;
}

// ---- The payload.

Status Agent::StartPayload(const uint8_t* server_part) {
  has_nonce_ = false;
  const uint8_t* const vendor_part = manifest_ + kTrustHeaderSize;
  SessionConfig session{};
  session.layout = config_.layout;
  session.metadata = config_.metadata;
  session.running = config_.running;
  session.target = target_;
  session.buffer = config_.buffer;
  session.buffer_size = config_.buffer_size;
  session.memory = config_.memory;
  session.memory_size = config_.memory_size;
  session.sha256 = config_.sha256;
  session.digest = vendor_part + kVendorDigest;
  session.link_address = VendorField(vendor_part, kVendorLinkAddress);
  session.release = vendor_part;
  encrypted_ = false;
  left_ = UINT64_MAX;
  if (!server_part) {
    if (Status status = session_.Begin(session); status != Status::kNeedInput) return status;
    state_ = AgentState::kReceivePayload;
    return Status::kNeedInput;
  }
  const ServerPart server = ParseServerPart(server_part);
  session.delta_digest = server.delta_digest;
  session.delta_sha256 = &config_.delta_sha256;
  uint32_t position = 0;
#if MOTE_WITH_CHECKPOINT
  session.checkpoints = config_.checkpoints;
  session.delta = LoadLittle(server.delta_digest, 4);
  session.delta_size = server.delta_size;
#endif
  if (Status status = session_.Begin(session); status != Status::kNeedInput) return status;
#if MOTE_WITH_CHECKPOINT
  position = session_.offset();
#endif
  left_ = server.delta_size;
  if (server.encryption != Encryption::kNone) {
    uint8_t info[kKeyInfoSize] = {'m', 'o', 't', 'e', '-', 'e', '1', 0};
    for (uint32_t i = 0; i < kDeviceIdSize; ++i) info[8 + i] = config_.device[i];
    for (uint32_t i = 0; i < kDigestSize; ++i) info[8 + kDeviceIdSize + i] = server.delta_digest[i];
    uint8_t key[kContentKeySize];
    const PayloadCipher& cipher = *config_.cipher;
    if (!cipher.derive(cipher.context, server.encryption, server.parameter, info, key)) {
      return Status::kCorrupt;
    }
    decryptor_.Init(cipher, key, server.piece_bits, server.delta_size, position, config_.piece);
    for (volatile uint8_t& byte : key) byte = 0;
    encrypted_ = true;
    left_ = Decryptor::PayloadSize(server.delta_size, server.piece_bits);
    position = decryptor_.start();
  }
  wanted_ += position;
  left_ -= position;
  state_ = AgentState::kReceivePayload;
  return Status::kNeedInput;
}

Status Agent::WritePayload(const uint8_t* data, uint32_t size) {
  if (size > left_) return Status::kCorrupt;
  left_ -= size;
  if (!encrypted_) return session_.Write(data, size);
  while (size != 0) {
    const uint32_t taken = decryptor_.Take(data, size);
    data += taken;
    size -= taken;
    if (!decryptor_.full()) continue;
    const uint8_t* delta;
    uint32_t delta_size;
    Status status = decryptor_.Open(delta, delta_size);
    if (status == Status::kDone) status = session_.Write(delta, delta_size);
    if (status != Status::kNeedInput) return status;
  }
  return Status::kNeedInput;
}

Status Agent::Finish() {
  if (status_ != Status::kNeedInput) return status_;
  if (state_ != AgentState::kReceivePayload || (has_server_part_ && left_ != 0)) return status_;
  state_ = AgentState::kVerifyImage;
  Status status = session_.Finish();
  if (status == Status::kNeedInput) {
    if (has_server_part_) return Fail(Status::kCorrupt);  // there is no more
    state_ = AgentState::kReceivePayload;
    return status;
  }
  if (status == Status::kDone) status = Activate(*config_.layout, *config_.metadata, target_);
  if (status != Status::kDone) return Fail(status);
  decryptor_.Wipe();
  state_ = AgentState::kReadyToReboot;
  return status_ = Status::kDone;
}

}  // namespace mote

#endif  // MOTE_WITH_TRUST
