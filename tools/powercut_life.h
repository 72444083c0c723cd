// SPDX-License-Identifier: Apache-2.0
// The life of a simulated device, from its old firmware to the end of a scenario, through power
// cuts and flash faults: bootloader and firmware in turn, as in agent/, and what must hold at every
// start.
#pragma once

#include <stdint.h>

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/layout.h"
#include "agent/manifest.h"
#include "diff/sha256.h"
#include "patch/format.h"
#include "patch/model.h"
#include "release/encrypt.h"
#include "release/keys.h"
#include "stream/checkpoint.h"
#include "stream/in_place.h"
#include "tools/simulated_flash.h"

namespace mote::tools {

/// A flash part. Sizes in bytes.
struct PowercutGeometry {
  const char* name;  ///< no '/' in it
  uint32_t sector;
  uint32_t program_unit;
  uint32_t buffer;  ///< the session's sector buffer and the bootloader's
  uint8_t erased_value;
  uint8_t metadata_pages;
  uint32_t metadata_page;      ///< a multiple of `sector`
  uint32_t image_sectors;      ///< that the largest image takes
  uint32_t second_sector = 0;  ///< of slot 1, where the sectors there have another size
};

/// What the firmware does. Each version updates itself to the next one, until the last.
struct PowercutScenario {
  const char* name;  ///< no '/' in it
  Install install = Install::kNone;
  /// Updates in a row.
  int updates = 1;
  /// The last version does not confirm itself: the one before must come back.
  bool last_is_broken = false;
  /// The first session is abandoned in the middle of the delta, and the device is restarted.
  bool abandons_first = false;
  /// ... and the delta of the first session was one for another image of the same size.
  bool first_is_another = false;
  /// Whether the session is given the digest that the image shall have.
  bool knows_digest = true;
  Codec codec = Codec::kLzss;
  /// Sectors from one checkpoint of the decoder to the next; 0: an interrupted session is resumed
  /// by replay.
  uint32_t checkpoint_interval = 0;
  /// There is a factory slot, with the first version. A/B: nothing else is there at first; static:
  /// primary holds it, too.
  bool has_factory_slot = false;
  /// The layout has trust: releases are signed (version i has security counter i), updates come as
  /// offers to a token of this start, and an agent takes them. Not with a factory slot.
  bool has_trust = false;
  /// ... and payloads are encrypted, with another ephemeral key for each offer.
  bool is_encrypted = false;
  /// ... and a statement replaces the vendor's root key, in front of the first update.
  bool replaces_root = false;
  // ---- In place.
  /// How the second version differs from the first: a little; or much, in size or by many bytes at
  /// its start.
  enum class Change : uint8_t { kEdits, kGrows, kShrinks, kInserts } change = Change::kEdits;
  /// The file has a delta that takes it back: there is a trial.
  bool is_reversible = false;
  /// The delta is from nothing: a full image, which needs no old one. Not reversible.
  bool is_full = false;
  /// Sectors of the area that no image takes, and areas of the journal.
  uint32_t spare = 2;
  uint8_t journals = 2;
  /// Of the model, bytes, as kModelRam: what a record of the journal takes.
  uint32_t ram = kModelRam[2];
};

/// Something that happens to the flash.
struct PowercutEvent {
  enum Kind : char {
    kBefore = 'b',      ///< the power is cut before the operation
    kTorn = 'm',        ///< ... in the middle
    kUnstable = 'u',    ///< ... in the middle, and what it leaves reads differently at each start
    kNoisy = 'n',       ///< ... in the middle, and what it leaves reads differently at each read
    kAfter = 'a',       ///< ... after it
    kError = 'e',       ///< it reports an error, once
    kWornOut = 'x',     ///< from now on erasing and programming its sector report an error
    kReadError = 'r',   ///< the read (not: change) of that number reports an error, once
    kOutage = 'o',      ///< from there on some operations report errors, reads too; then it works
    kUnreadable = 'z',  ///< from now on reading the sector of that read reports an error
  };
  /// Changes of the flash (reads for kReadError and kUnreadable) since the last event or the start
  /// that come before it.
  uint32_t after;
  Kind kind;

  bool is_cut() const {
    return kind == kBefore || kind == kTorn || kind == kUnstable || kind == kNoisy ||
           kind == kAfter;
  }
};

struct PowercutResult {
  std::string failure;   ///< what did not hold; empty: everything did
  uint64_t changes = 0;  ///< erases and programs
  uint64_t reads = 0;
  uint32_t events = 0;        ///< that happened
  uint32_t sectors_kept = 0;  ///< by sessions that resumed
  /// With checkpoints, bytes of the delta: the most from one checkpoint to the next, and the most
  /// that were sent again after an interruption. Sessions that began at a checkpoint, and sectors
  /// of the target that were erased more often than the image has sectors.
  uint32_t interval = 0, resent = 0, resumed = 0, rewritten = 0;
  uint32_t checkpoints = 0, checkpoint_erases = 0;
};

/// Bytes of a delta that a session is handed at a time.
constexpr uint32_t kPowercutPiece = 61;

/// A device fresh from the factory, with its images and deltas. Every life starts from it.
class PowercutDevice {
 public:
  PowercutDevice(const PowercutScenario& scenario, const PowercutGeometry& geometry);

  /// `seed` decides what torn operations leave. Const, and the same for the same arguments.
  /// `sabotaged`: starts the slot that the bootloader did not choose, which must be noticed.
  PowercutResult Live(uint64_t seed, std::span<const PowercutEvent> events,
                      bool sabotaged = false) const;

  const PowercutScenario& scenario() const { return scenario_; }
  const PowercutGeometry& geometry() const { return geometry_; }

 private:
  friend class Life;

  static SimulatedFlash::Geometry Place(const PowercutScenario& scenario,
                                        const PowercutGeometry& geometry, Layout& layout,
                                        CheckpointArea& area, JournalArea& journal);
  void MakeImages();
  void MakeDeltas();
  // Of the bootloader; in place, parts of a sector.
  uint32_t boot_buffer() const {
    const uint32_t sector = geometry_.sector;
    return in_place() && sector % geometry_.buffer != 0 ? sector : geometry_.buffer;
  }
  bool in_place() const { return scenario_.install == Install::kInPlace; }

  // ---- With trust.

  struct Keys {
    PrivateKey root, new_root, server, device;
  };
  // What travels to the device that runs version `from`, in its start `start`.
  struct Offer {
    std::vector<uint8_t> bytes;
    size_t manifest_size;  // with the statements
  };
  // Key, digest, signature.
  using SignedBy = std::array<uint8_t, 1 + kMaxPublicKeySize + kDigestSize + kSignatureSize>;
  static std::array<uint8_t, kNonceSize> NonceOf(uint32_t start);
  static bool Verify(void* cache, const PublicKey& key, const uint8_t* digest,
                     const uint8_t* signature);
  void SignReleases();
  void Provision();
  const Offer& OfferFor(size_t from, uint32_t start) const;

  const PowercutScenario& scenario_;
  const PowercutGeometry& geometry_;
  std::vector<std::vector<uint8_t>> images_;  // by version
  std::vector<Sha256::Digest> digests_;       // of these
  std::vector<std::vector<uint8_t>> deltas_;  // from version i to i + 1; in place, files of them
  std::vector<Sha256::Digest> sent_digests_;  // in place: of these
  std::vector<uint8_t> other_delta_;
  Layout layout_{};        // without flash
  CheckpointArea area_{};  // without flash; of no bytes: there is none
  JournalArea journal_{};  // likewise
  SimulatedFlash fresh_;
  std::vector<std::pair<uint32_t, uint32_t>> gaps_;  // from, to: what must never change
  std::optional<Keys> keys_;
  std::vector<std::vector<uint8_t>> releases_;  // of the images
  std::vector<uint8_t> statement_;
  // Lives ask for the same things again and again.
  mutable std::map<std::pair<size_t, uint32_t>, Offer> offers_;
  mutable std::map<SignedBy, bool> verified_;
};

}  // namespace mote::tools
