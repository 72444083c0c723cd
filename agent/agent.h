// SPDX-License-Identifier: Apache-2.0
// The update agent: from the token that asks for an offer to an image that the next start takes,
// with everything checked that FORMAT.md, 8 to 11, asks for. In the running firmware:
//
//   static mote::Metadata metadata;
//   static mote::Agent agent;
//   status = metadata.Load(layout);                  // a layout with trust
//   status = agent.Init(config);
//   ... once everything works: mote::Confirm(layout, metadata, running) ...
//
//   uint8_t token[mote::kTokenSize];
//   status = agent.Request(token);                   // send it to the server
//   ... an offer arrives, pushed or pulled, in pieces of any size, again and again if need be ...
//   status = agent.Begin();
//   while (status == mote::Status::kNeedInput && bytes at `offset` of the offer arrive) {
//     status = agent.Write(offset, data, size);      // what comes before wanted() is skipped
//   }
//   if (status == mote::Status::kNeedInput) status = agent.Finish();
//   if (status == mote::Status::kDone) Restart();    // the bootloader checks once more
//
// The states are those of UpKit (Langiu et al., ICDCS 2019):
//
//   waiting -> start -> receive manifest -> verify manifest -> receive payload -> verify image
//      ^                                                                             |
//      +---- cleaning <---- an error, in any of them                          ready to reboot
//
// Nothing is erased and no slot's record is changed before the whole manifest was accepted and the
// delta's own header was checked; the running image is never touched. An error is final for this
// offer: Begin takes the next one.
//
// After a power cut: a new token, a new offer of the same delta; wanted() then jumps ahead to where
// the last checkpoint is, or sectors that are complete are kept (agent/session.h).
//
// RAM: sizeof(Agent), about 900 bytes with checkpoints, the caller's, with the buffers and contexts
// in the configuration. It may not be moved after Init. Not thread-safe. Stack: that of Session,
// and while signatures are verified that of the verifier. Needs MOTE_WITH_TRUST=1.
#pragma once

#include <stdint.h>

#include "agent/decryptor.h"
#include "agent/layout.h"
#include "agent/manifest.h"
#include "agent/metadata.h"
#include "agent/payload_key.h"
#include "agent/session.h"
#include "agent/sha256.h"

namespace mote {

#if MOTE_WITH_TRUST

enum class AgentState : uint8_t {
  kWaiting,
  kStart,  ///< a token was sent
  kReceiveManifest,
  kVerifyManifest,  ///< within Write only: a signature is verified
  kReceivePayload,
  kVerifyImage,  ///< within Finish only
  kReadyToReboot,
  kCleaning,  ///< the offer was refused; Begin or Request go on
};

struct AgentConfig {
  const Layout* layout;  ///< with trust
  Metadata* metadata;    ///< loaded
  uint8_t running;       ///< the slot of the firmware that runs; its record has a release
  uint8_t device[kDeviceIdSize];
  uint8_t* buffer;  ///< as SessionConfig::buffer
  uint32_t buffer_size;
  uint8_t* memory;  ///< as SessionConfig::memory
  uint32_t memory_size;
  Sha256Functions sha256;        ///< of images and manifests
  Sha256Functions delta_sha256;  ///< of deltas, at the same time; another context
  /// Fills `to` with `size` random bytes that nobody can foresee; false: it cannot.
  bool (*random)(void* context, uint8_t* to, uint32_t size);
  void* random_context;
  /// For encrypted payloads (MOTE_WITH_ENCRYPTION); null: none are taken.
  const PayloadCipher* cipher = nullptr;
  uint8_t* piece = nullptr;  ///< for one piece and its tag
  uint32_t piece_size = 0;   ///< bytes; a power of two and kPieceTagSize are best
  bool requires_encryption = false;
  /// Vendor-only manifests are accepted: for devices that cannot be asked (broadcast, a file).
  /// Given up: whoever has a release can send it to any device of that hardware at any time, as
  /// long as it is newer; and base, RAM and delta are only checked by what the delta says of
  /// itself, not signed.
  bool accepts_vendor_only = false;
#if MOTE_WITH_CHECKPOINT
  const CheckpointArea* checkpoints = nullptr;  ///< as SessionConfig::checkpoints
#endif
};

class Agent {
 public:
  /// Waiting. kDone, or kBadArgument, the port's fault: a null pointer, a layout without trust, a
  /// running slot without a release.
  Status Init(const AgentConfig& config);

  /// Draws a new nonce and writes a token, kTokenSize bytes: only an answer to it is accepted from
  /// here on. What was begun is abandoned; what is ready to reboot is not. kDone, or kReadError:
  /// the random source failed.
  Status Request(uint8_t* token);

  /// An offer is to come, from its first byte. What was begun is abandoned. kNeedInput, or as
  /// Session::Begin: kBadArgument where the running image is on trial, or an installation or the
  /// restart into another image is to come.
  Status Begin();

  /// Takes `size` bytes that are at `offset` of the offer; what was taken already is skipped.
  /// Returns kNeedInput; kBadArgument, the caller's fault: no Begin, or bytes before `offset` are
  /// missing, which may still come; or, final for this offer:
  ///  - the statuses of FORMAT.md, 8, each with the first byte that gives it away, and before
  ///    anything is erased;
  ///  - as Session::Write; kCorrupt also for a piece that does not decrypt, and more bytes than
  ///    announced.
  Status Write(uint32_t offset, const uint8_t* data, uint32_t size);

  /// The next byte of the offer that is wanted. It may jump ahead when the manifest is complete.
  uint32_t wanted() const { return wanted_; }

  /// The offer has ended. kDone: the new image was verified and is chosen for the next start.
  /// kNeedInput: bytes are missing, from wanted() on. Else as Session::Finish and Activate.
  Status Finish();

  AgentState state() const { return state_; }
  /// The update's session. Meaningless before kReceivePayload.
  const Session& session() const { return session_; }
  uint8_t target() const { return target_; }

 private:
  enum class Part : uint8_t { kHeader, kStatement, kKnownStatement, kVendor, kServer };

  Status Fail(Status status);
  Status PutManifest(uint8_t byte);
  Status PutHeader();
  // `part`: what there is of it, `size` bytes; `field`: the number in its last four.
  Status PutStatement(const uint8_t* part, uint32_t size, uint32_t field);
  Status PutVendor(const uint8_t* part, uint32_t size, uint32_t field);
  Status PutServer(const uint8_t* part, uint32_t size, uint32_t field);
  Status TakeStatement(const uint8_t* statement);
  Status StartPayload(const uint8_t* server_part);
  Status WritePayload(const uint8_t* data, uint32_t size);
  void NextPart(Part part) {
    part_ = part;
    start_ = filled_;
  }
  Status StartDecryptor(const uint8_t* server_part, uint32_t position);
  bool Has(uint8_t algorithm) const;
  bool Takes(uint8_t encryption) const;
  bool Verify(uint8_t algorithm, const PublicKey& key, const uint8_t* digest,
              const uint8_t* signature);
  void Forget();

  const Trust& trust() const { return *config_.layout->trust; }
  const SlotRecord& running() const { return config_.metadata->slot(config_.running); }

  // The small ones first: Cortex-M0 reaches only the first bytes of an object with one instruction.
  AgentState state_ = AgentState::kWaiting;
  Status status_ = Status::kBadArgument;
  Part part_;
  bool has_server_part_;
  bool has_nonce_ = false;
  [[maybe_unused]] bool encrypted_;
  uint8_t target_;
  uint16_t filled_;  // of the manifest's buffer
  uint16_t start_;   // of the part that is read, in it
  uint32_t wanted_;
  uint32_t left_;  // bytes of the payload; where it is not announced, as many as there can be
  AgentConfig config_;
  uint8_t nonce_[kNonceSize];
  uint8_t vendor_digest_[kDigestSize];
#if MOTE_WITH_ENCRYPTION
  Decryptor decryptor_;
#endif
  Session session_;
  uint8_t manifest_[kMaxManifestSize];
};

#endif

}  // namespace mote
