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

// Not inlined: there are many of these, and they are rare.
[[gnu::noinline]] void Put(uint8_t* to, uint32_t number) { StoreLittle(to, 4, number); }
[[gnu::noinline]] uint32_t Get(const uint8_t* from) { return LoadLittle(from, 4); }

#if MOTE_WITH_ENCRYPTION
// The largest pieces that a buffer takes, as a power of two; 0: none.
uint8_t PieceBits(uint32_t buffer_size) {
  uint8_t bits = 0;
  for (uint8_t i = kMinPieceBits; i <= kMaxPieceBits; ++i) {
    if ((1u << i) + kPieceTagSize <= buffer_size) bits = i;
  }
  return bits;
}
#endif

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
  Forget();
  status_ = Status::kBadArgument;
  has_nonce_ = false;
  if (!config_.random(config_.random_context, nonce_, kNonceSize)) return Status::kReadError;
  const Layout& layout = *config_.layout;
  const uint8_t target = InactiveSlot(layout, *config_.metadata, config_.running);
  for (uint32_t i = 0; i < kTokenSize; ++i) token[i] = 0;
  CopyBytes(token, kTokenHeader, kTrustHeaderSize);
  CopyBytes(token + kTokenDevice, config_.device, kDeviceIdSize);
  CopyBytes(token + kTokenNonce, nonce_, kNonceSize);
  Put(token + kTokenApplication, trust().application);
  Put(token + kTokenHardware, trust().hardware);
  CopyBytes(token + kTokenVersion, running().release + kVendorVersion, 4);
  Put(token + kTokenCounter, config_.metadata->trust.security_counter);
  CopyBytes(token + kTokenBase, running().digest, kTokenBaseSize);
  Put(token + kTokenRam, kUpdaterRam + config_.memory_size);
  if (target != kNoSlot) {
    Put(token + kTokenLinkAddress, LinkAddressFor(layout, target));
    Put(token + kTokenCapacity, ImageCapacity(layout, target));
  }
  Put(token + kTokenCodecs, kCodecs | static_cast<uint32_t>(kArchitectures) << 16);
  token[kTokenSignatures] = trust().verifier.algorithms;
  token[kTokenEncryptions] = config_.requires_encryption ? 0 : 1;
#if MOTE_WITH_ENCRYPTION
  if (config_.cipher) {
    token[kTokenPieceBits] = PieceBits(config_.piece_size);
    if (token[kTokenPieceBits] != 0) token[kTokenEncryptions] |= config_.cipher->encryptions;
  }
#endif
  token[kTokenFlags] = MOTE_SMALL_MODEL ? kTokenSmallModel : 0;
  has_nonce_ = true;
  if (state_ != AgentState::kReadyToReboot) state_ = AgentState::kStart;
  return Status::kDone;
}

Status Agent::Begin() {
  const Layout& layout = *config_.layout;
  status_ = Status::kBadArgument;
  // What Session would refuse behind the manifest is refused before it.
  const uint8_t target = InactiveSlot(layout, *config_.metadata, config_.running);
  if (target == kNoSlot || running().state == SlotState::kOnTrial ||
      config_.metadata->install != InstallState::kNone || state_ == AgentState::kReadyToReboot) {
    return status_;
  }
  Forget();
  target_ = target;
  state_ = AgentState::kReceiveManifest;
  wanted_ = 0;
  filled_ = 0;
  NextPart(Part::kHeader);
  return status_ = Status::kNeedInput;
}

// What is secret.
void Agent::Forget() {
#if MOTE_WITH_ENCRYPTION
  decryptor_.Wipe();
#endif
}

Status Agent::Fail(Status status) {
  state_ = AgentState::kCleaning;
  Forget();
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
  const uint8_t* const part = manifest_ + start_;
  const uint32_t size = filled_ - start_;
  const uint32_t field = size >= 4 ? Get(part + size - 4) : 0;  // that ends here
  switch (part_) {
    case Part::kHeader:
      return PutHeader();
#if MOTE_WITH_STATEMENTS
    case Part::kStatement:
    case Part::kKnownStatement:
      return PutStatement(part, size, field);
#endif
    case Part::kVendor:
      return PutVendor(part, size, field);
    default:
      return PutServer(part, size, field);
  }
}

Status Agent::PutHeader() {
  const uint8_t byte = manifest_[filled_ - 1];
  const bool is_statement = MOTE_WITH_STATEMENTS && manifest_[2] == kStatementHeader[2];
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
  if (!has_server_part_ && (!config_.accepts_vendor_only || config_.requires_encryption)) {
    return Status::kUnsupported;
  }
  NextPart(Part::kVendor);
  return Status::kNeedInput;
}

#if MOTE_WITH_STATEMENTS

// One that was taken already is only skipped.
Status Agent::PutStatement(const uint8_t* statement, uint32_t size, uint32_t field) {
  if (size == 4 && field <= config_.metadata->trust.statement) {
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

Status Agent::TakeStatement(const uint8_t* statement) {
  Metadata& metadata = *config_.metadata;
  const PublicKey root = RootKey(*config_.layout, metadata);
  uint8_t digest[kDigestSize];
  StatementDigest(config_.sha256, statement, digest);
  if (!Verify(statement[kStatementAlgorithm], root, digest, statement + StatementSize(statement))) {
    return Status::kBadSignature;
  }
  const uint32_t epoch = Get(statement + kStatementEpoch);
  if (epoch < metadata.trust.server_epoch) return Status::kDowngrade;
  const uint8_t algorithm = statement[kStatementRootAlgorithm];
  if (algorithm != 0) {
    // What runs must stay startable: FORMAT.md, 9.
    if (!IsSigned(*config_.layout, config_.sha256, root, running().release, digest)) {
      return Status::kDowngrade;
    }
    if (!Has(algorithm)) return Status::kUnsupported;
    metadata.trust.previous_root = root;
    metadata.trust.root =
        ReadKey(static_cast<SignatureAlgorithm>(algorithm), statement + kStatementRoot);
  }
  metadata.trust.server_epoch = epoch;
  metadata.trust.statement = Get(statement + kStatementSequence);
  return metadata.Commit();
}

#endif  // MOTE_WITH_STATEMENTS

Status Agent::PutVendor(const uint8_t* part, uint32_t size, uint32_t field) {
  const Layout& layout = *config_.layout;
  const TrustRecord& known = config_.metadata->trust;
  switch (size) {
    case 1:
      if (!Has(part[0])) return Status::kUnsupported;
      if (part[0] != static_cast<uint8_t>(RootKey(layout, *config_.metadata).algorithm)) {
        return Status::kBadSignature;
      }
      break;
    case 2:
      if (part[1] == 0) {
        if (has_server_part_) return Status::kBadSignature;
      } else if (has_server_part_ ? !Has(part[1])
                                  : PublicKeySize(static_cast<SignatureAlgorithm>(part[1])) == 0) {
        return Status::kUnsupported;
      }
      break;
    case 3:
    case 4:
      if (part[size - 1] != 0) return Status::kUnsupported;
      break;
    case 8:
      if (field != trust().application) return Status::kWrongDevice;
      break;
    case 12:
      if (field != trust().hardware) return Status::kWrongDevice;
      break;
    case 16:
      if (field <= Get(running().release + kVendorVersion)) return Status::kDowngrade;
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
  if (!Verify(part[0], RootKey(layout, *config_.metadata), vendor_digest_,
              part + VendorPartSize(part))) {
    return Status::kBadSignature;
  }
  if (!has_server_part_) return StartPayload(nullptr);
  NextPart(Part::kServer);
  return Status::kNeedInput;
}

Status Agent::PutServer(const uint8_t* part, uint32_t size, uint32_t field) {
  switch (size) {
    case 8:
      if (!IsEqual(part, config_.device, kDeviceIdSize)) return Status::kWrongDevice;
      break;
    case 16:
      if (!has_nonce_ || !IsEqual(part + kServerNonce, nonce_, kNonceSize)) return Status::kStale;
      break;
    case 20:
      if (field != 0 && field != Get(running().release + kVendorVersion)) return Status::kWrongBase;
      break;
    case 24: {
      const bool has_base = Get(part + kServerBaseVersion) != 0;
      if (field != (has_base ? Get(running().digest) : 0)) return Status::kWrongBase;
      break;
    }
    case 28:
      if (field < kMinDelta) return Status::kCorrupt;
      break;
    case 32:
      if (field > kUpdaterRam + config_.memory_size) return Status::kDoesNotFit;
      break;
    case 33:
      if ((kCodecs >> (part[kServerCodec] & 15) & 1) == 0) return Status::kUnsupported;
      break;
    case 34:
      if (!Takes(part[kServerEncryption])) return Status::kUnsupported;
      break;
    case 35:
      if (part[kServerEncryption] == 0) {
        if (part[kServerPieceBits] != 0) return Status::kUnsupported;
        break;
      }
#if MOTE_WITH_ENCRYPTION
      if (part[kServerPieceBits] < kMinPieceBits || part[kServerPieceBits] > kMaxPieceBits) {
        return Status::kUnsupported;
      }
      if (part[kServerPieceBits] > PieceBits(config_.piece_size)) return Status::kDoesNotFit;
#endif
      break;
    case 36:
      if (part[kServerReserved] != 0) return Status::kUnsupported;
      break;
    default:
      break;
  }
  if (size < kServerFixedSize || size < ServerPartSize(part) + kSignatureSize) {
    return Status::kNeedInput;
  }
  uint8_t digest[kDigestSize] = {};  // of the base, then of all
  if (Get(part + kServerBaseVersion) != 0) {
    CopyBytes(digest, running().digest, kDigestSize);
  }
  ServerDigest(config_.sha256, vendor_digest_, digest, part, digest);
  const uint8_t* const vendor = manifest_ + kTrustHeaderSize;
  const PublicKey key = ReadKey(static_cast<SignatureAlgorithm>(vendor[1]), vendor + kVendorKey);
  if (!Verify(vendor[1], key, digest, part + ServerPartSize(part))) return Status::kBadSignature;
  return StartPayload(part);
}

bool Agent::Takes(uint8_t encryption) const {
  if (encryption == 0) return !config_.requires_encryption;
#if MOTE_WITH_ENCRYPTION
  return config_.cipher && encryption < 8 && (config_.cipher->encryptions >> encryption & 1) != 0;
#else
  return false;
#endif
}

// Whether there is such an algorithm, here too.
bool Agent::Has(uint8_t algorithm) const {
  return PublicKeySize(static_cast<SignatureAlgorithm>(algorithm)) != 0 &&
         (trust().verifier.algorithms >> algorithm & 1) != 0;
}

bool Agent::Verify(uint8_t algorithm, const PublicKey& key, const uint8_t* digest,
                   const uint8_t* signature) {
  state_ = AgentState::kVerifyManifest;
  const SignatureVerifier& verifier = trust().verifier;
  const bool holds = algorithm == static_cast<uint8_t>(key.algorithm) &&
                     verifier.verify(verifier.context, key, digest, signature);
  state_ = AgentState::kReceiveManifest;
  return holds;
}

// ---- The payload.

Status Agent::StartPayload(const uint8_t* server) {
  has_nonce_ = false;
  const uint8_t* const vendor = manifest_ + kTrustHeaderSize;
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
  session.digest = vendor + kVendorDigest;
  session.release = vendor;
  left_ = 0xFFFFFFFF;
  if (server) {
    left_ = Get(server + kServerDeltaSize);
    session.delta_digest = server + kServerDeltaDigest;
    session.delta_sha256 = &config_.delta_sha256;
#if MOTE_WITH_CHECKPOINT
    session.checkpoints = config_.checkpoints;
    session.delta = Get(session.delta_digest);
    session.delta_size = left_;
#endif
  }
  if (Status status = session_.Begin(session); status != Status::kNeedInput) return status;
  uint32_t position = 0;
#if MOTE_WITH_CHECKPOINT
  position = session_.offset();
#endif
#if MOTE_WITH_ENCRYPTION
  encrypted_ = server && server[kServerEncryption] != 0;
  if (encrypted_) {
    if (Status status = StartDecryptor(server, position); status != Status::kDone) return status;
    position = decryptor_.start();
  }
#endif
  wanted_ += position;
  left_ -= position;
  state_ = AgentState::kReceivePayload;
  return Status::kNeedInput;
}

#if MOTE_WITH_ENCRYPTION
Status Agent::StartDecryptor(const uint8_t* server, uint32_t position) {
  uint8_t info[kKeyInfoSize];
  MakeKeyInfo(config_.device, server + kServerDeltaDigest, info);
  uint8_t key[kContentKeySize];
  const PayloadCipher& cipher = *config_.cipher;
  if (!cipher.derive(cipher.context, static_cast<Encryption>(server[kServerEncryption]),
                     server + kServerParameter, info, key)) {
    return Status::kCorrupt;
  }
  const uint8_t bits = server[kServerPieceBits];
  decryptor_.Init(cipher, key, bits, left_, position, config_.piece);
  for (volatile uint8_t& byte : key) byte = 0;
  const uint32_t size = Decryptor::PayloadSize(left_, bits);
  if (size < left_) return Status::kDoesNotFit;
  left_ = size;
  return Status::kDone;
}
#endif

Status Agent::WritePayload(const uint8_t* data, uint32_t size) {
  if (size > left_) return session_.Reject();
  left_ -= size;
#if MOTE_WITH_ENCRYPTION
  while (encrypted_ && size != 0) {
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
  if (encrypted_) return Status::kNeedInput;
#endif
  return session_.Write(data, size);
}

Status Agent::Finish() {
  if (status_ != Status::kNeedInput) return status_;
  if (state_ != AgentState::kReceivePayload || (has_server_part_ && left_ != 0)) return status_;
  state_ = AgentState::kVerifyImage;
  Status status = session_.Finish();
  if (status == Status::kNeedInput) {
    if (has_server_part_) return Fail(session_.Reject());  // there is no more
    state_ = AgentState::kReceivePayload;
    return status;
  }
  if (status == Status::kDone) status = Activate(*config_.layout, *config_.metadata, target_);
  if (status != Status::kDone) return Fail(status);
  Forget();
  state_ = AgentState::kReadyToReboot;
  return status_ = Status::kDone;
}

}  // namespace mote

#endif  // MOTE_WITH_TRUST
