// SPDX-License-Identifier: Apache-2.0
#include "tools/powercut_life.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/session.h"
#include "agent/trust.h"
#include "diff/apply.h"
#include "diff/diff.h"
#include "diff/in_place.h"
#include "patch/bytes.h"
#include "patch/check.h"
#include "patch/model.h"
#include "release/digests.h"
#include "release/manifest_writer.h"
#include "stream/updater.h"
#include "tools/powercut_area.h"

namespace mote::tools {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kGarbageSeed = 5;
constexpr uint32_t kCodecMemory = 32768;  // bytes, for any codec
constexpr uint8_t kTrialBoots = 3;
constexpr uint32_t kLongestOutage = 61;  // operations
constexpr int kMaxStarts = 80;           // in which a life must come to its end
constexpr int kStartsWithFault =
    12;  // after which a device with a permanent fault has shown what it does

uint64_t Mix(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

// Words of a small vocabulary, so that there is something to pack.
Bytes FirstImage(uint32_t size) {
  uint64_t state = 17;
  Bytes image(size);
  for (size_t i = 0; i < image.size(); ++i) {
    const uint64_t word = Mix(state);
    image[i] = static_cast<uint8_t>(i % 4 == 3 ? word % 7 : word >> 20);
  }
  return image;
}

// The next version: some bytes inserted, at a third or at the start, some changed all over, and of
// that size.
Bytes NextImage(const Bytes& image, uint32_t size, uint64_t seed, uint32_t at_start = 0) {
  Bytes next = image;
  Bytes inserted(at_start == 0 ? 37 : at_start);
  for (uint8_t& byte : inserted) byte = static_cast<uint8_t>(Mix(seed));
  const size_t at = at_start == 0 ? next.size() / 3 : 0;
  next.insert(next.begin() + static_cast<ptrdiff_t>(at), inserted.begin(), inserted.end());
  while (next.size() < size) next.push_back(static_cast<uint8_t>(Mix(seed)));
  next.resize(size);
  for (size_t i = 5; i < next.size(); i += 97 + Mix(seed) % 64) ++next[i];
  return next;
}

uint32_t RoundUp(uint32_t size, uint32_t unit) { return (size + unit - 1) / unit * unit; }

// ---- For scenarios with trust.

constexpr uint32_t kApplication = 1, kHardware = 2;
constexpr std::array<uint8_t, kDeviceIdSize> kDeviceId = {'p', 'o', 'w', 'e', 'r', 'c', 'u', 't'};
constexpr uint8_t kPieceBits = kMinPieceBits;  // there are few bytes
constexpr uint32_t kPiece = (1u << kPieceBits) + kPieceTagSize;
constexpr uint32_t kMarks = 16;  // that a page has room for at least

// A key that is the same in every run: signatures stand in the flash, where what torn operations
// leave depends on them.
PrivateKey KeyOf(uint8_t number) {
  // PKCS#8 of an Ed25519 key (RFC 8410), up to its 32 bytes.
  Bytes der = {0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
               0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
  for (uint8_t i = 0; i < 32; ++i) der.push_back(static_cast<uint8_t>(number * 32 + i));
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string pem = "-----BEGIN PRIVATE KEY-----\n";
  for (size_t i = 0; i + 3 <= der.size(); i += 3) {  // 48 bytes: without padding
    const unsigned bits = der[i] << 16u | der[i + 1] << 8u | der[i + 2];
    for (const unsigned shift : {18u, 12u, 6u, 0u}) pem += kDigits[bits >> shift & 63];
  }
  return PrivateKey::FromPem(pem + "\n-----END PRIVATE KEY-----\n", {});
}

void Append(Bytes& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

// What is where, with a sector that is nobody's before, between and behind all of it: slot 0, slot
// 1 in sectors of its own, metadata, checkpoints, journal, the factory's slot. Primary has one more
// unit, for the swap; in place, as many as the scenario says.
SimulatedFlash::Geometry PowercutDevice::Place(const PowercutScenario& scenario,
                                               const PowercutGeometry& geometry, Layout& layout,
                                               CheckpointArea& area, JournalArea& journal) {
  const uint32_t sector = geometry.sector;
  const uint32_t second = geometry.second_sector == 0 ? sector : geometry.second_sector;
  const uint32_t unit = std::max(sector, second);
  const uint32_t image = RoundUp(geometry.image_sectors * sector, unit);
  const bool is_static = scenario.install != Install::kNone;
  const bool in_place = scenario.install == Install::kInPlace;
  const bool factory = scenario.has_factory_slot;

  uint32_t at = sector;
  const Slot first = {nullptr, at,
                      in_place ? (geometry.image_sectors + scenario.spare) * sector : image + unit};
  at = RoundUp(at + first.size + sector, unit);
  const uint32_t seconds_start = at;
  // These images do not pack well.
  const uint32_t file = RoundUp(image / 4 * (scenario.is_reversible ? 10 : 5) + 512, unit);
  const Slot staging = {nullptr, at + second, in_place ? file : image};
  const uint32_t seconds_size = RoundUp(second + staging.size + second, unit);
  at += seconds_size + sector;
  const uint32_t unit_of_marks = std::max(geometry.program_unit, 8u);
  const uint32_t page = scenario.has_trust
                            ? std::max(geometry.metadata_page,
                                       RoundUp(MetadataPageSize(2, geometry.program_unit, true) +
                                                   kMarks * unit_of_marks,
                                               sector))
                            : geometry.metadata_page;
  const MetadataArea metadata = {nullptr, at, page, geometry.metadata_pages};
  at += metadata.page_size * metadata.pages + sector;
  if (const uint32_t interval = scenario.checkpoint_interval; interval != 0) {
    const uint32_t memory = (scenario.codec == Codec::kModel ? kModelRam[0] : 256) +
                            (scenario.has_trust ? 100 : 0);  // the delta's hash
    area = {
        nullptr, at,
        RoundUp(CheckpointSize(memory, geometry.buffer, interval, geometry.program_unit), sector),
        interval};
    at += 2 * area.size + sector;
  }
  if (in_place) {
    journal = {nullptr, at, RoundUp(JournalRecordSize(scenario.ram), sector), scenario.journals};
    at += journal.size * journal.count + sector;
  }
  const Slot third = {nullptr, at, image};
  if (factory) at += image + sector;

  layout = {{{first, 0x8000, true, false},
             {staging, 0x9000, !is_static, false},
             {third, kAnyAddress, true, true}},
            static_cast<uint8_t>(factory ? 3 : 2),
            static_cast<uint8_t>(factory && !is_static ? 2 : 0),
            kTrialBoots,
            scenario.install,
            0,
            1,
            metadata};

  SimulatedFlash::Geometry part{.size = RoundUp(at, unit),
                                .erase_unit = std::min(sector, second),
                                .program_unit = geometry.program_unit,
                                .erased_value = geometry.erased_value};
  if (second > sector) {
    part.larger = {{seconds_start, seconds_size, second}};
  } else if (second < sector) {
    part.larger = {
        {0, seconds_start, sector},
        {seconds_start + seconds_size, part.size - seconds_start - seconds_size, sector}};
  }
  return part;
}

PowercutDevice::PowercutDevice(const PowercutScenario& scenario, const PowercutGeometry& geometry)
    : scenario_(scenario),
      geometry_(geometry),
      fresh_(Place(scenario, geometry, layout_, area_, journal_), kGarbageSeed) {
  const bool is_static = scenario.install != Install::kNone;
  const MetadataArea& area = layout_.metadata;
  uint32_t free = 0;
  for (const auto& [start, size] :
       {std::pair{layout_.slots[0].slot.offset, layout_.slots[0].slot.size},
        std::pair{layout_.slots[1].slot.offset, layout_.slots[1].slot.size},
        std::pair{area.offset, area.page_size * area.pages},
        std::pair{area_.offset, 2 * area_.size},
        std::pair{journal_.offset, journal_.size * journal_.count}}) {
    if (size == 0) continue;
    gaps_.emplace_back(free, start);
    free = start + size;
  }
  gaps_.emplace_back(free, fresh_.geometry().size);

  MakeImages();
  MakeDeltas();
  if (is_static || !scenario.has_factory_slot)
    fresh_.Load(layout_.slots[0].slot.offset, images_[0]);
  if (scenario.has_factory_slot) fresh_.Load(layout_.slots[2].slot.offset, images_[0]);
  if (scenario.has_trust) {
    keys_ = {KeyOf(1), KeyOf(2), KeyOf(3), PrivateKey::Generate(KeyType::kX25519)};
    SignReleases();
    Provision();
  }
}

// Sizes that end within, at and just behind a program unit; the last sector is not full, but for
// those that grow or shrink: they end where a sector does, or just behind.
void PowercutDevice::MakeImages() {
  using Change = PowercutScenario::Change;
  const uint32_t sector = geometry_.sector;
  const uint32_t first_size = geometry_.image_sectors * sector;
  const uint32_t most = first_size - sector / 3;
  const Change change = scenario_.change;
  const uint32_t small = first_size / 2 / sector * sector + 1;
  images_.push_back(FirstImage(change == Change::kGrows     ? small
                               : change == Change::kShrinks ? first_size
                                                            : most - sector / 2));
  for (int i = 0; i < scenario_.updates; ++i) {
    uint32_t size = i % 2 == 0 ? most - 3 : most - sector / 4 - 1;
    if (change == Change::kGrows) size = first_size;
    if (change == Change::kShrinks) size = small;
    images_.push_back(NextImage(images_.back(), size, static_cast<uint64_t>(i) + 100,
                                change == Change::kInserts ? sector + sector / 2 : 0));
  }
  for (const Bytes& image : images_) digests_.push_back(Sha256::Of(image));
}

void PowercutDevice::MakeDeltas() {
  DiffOptions options;
  options.codec = in_place() ? Codec::kModel : scenario_.codec;
  options.window_bits = options.codec == Codec::kLzss ? 8 : 0;
  options.effort = 1;
  if (in_place()) options.ram = scenario_.ram + kInPlaceMoreRam;
  const InPlaceGeometry geometry = {.erase_unit = geometry_.sector,
                                    .program_unit = geometry_.program_unit,
                                    .area = layout_.slots[0].slot.size,
                                    .buffer = boot_buffer()};
  const auto make = [&](const Bytes& from, const Bytes& to) {
    return in_place() ? MakeInPlaceUpdate(from, to, geometry, options, scenario_.is_reversible).file
                      : Diff(from, to, options);
  };
  for (size_t i = 0; i + 1 < images_.size(); ++i) {
    deltas_.push_back(make(scenario_.is_full ? Bytes() : images_[i], images_[i + 1]));
    if (in_place()) sent_digests_.push_back(Sha256::Of(deltas_.back()));
  }
  if (scenario_.first_is_another) {
    Bytes other = images_[1];
    for (size_t i = other.size() * 2 / 5; i < other.size(); ++i) ++other[i];
    other_delta_ = make(images_[0], other);
  }
}

// Version i goes to slot i modulo 2, or is installed. After the first one, the new root signs.
void PowercutDevice::SignReleases() {
  for (size_t i = 0; i < images_.size(); ++i) {
    const uint8_t slot = layout_.install == Install::kNone ? i % 2 : 0;
    const auto version = static_cast<uint32_t>(i);
    const PublicKey server = keys_->server.public_key().ForSignatures();
    const Bytes part = WriteVendorPart({kApplication, kHardware, version + 1, version,
                                        layout_.slots[slot].link_address, server, 0},
                                       SignatureAlgorithm::kEd25519, images_[i]);
    const bool by_new_root = scenario_.replaces_root && i != 0;
    releases_.push_back(WriteRelease(part, by_new_root ? keys_->new_root : keys_->root));
  }
  if (scenario_.replaces_root) {
    statement_ = WriteStatement(keys_->root, 1, 0, keys_->new_root.public_key().ForSignatures());
  }
}

// As the factory: a record in each page.
void PowercutDevice::Provision() {
  const Flash flash = fresh_.FlashAt(layout_.metadata.offset);
  const Flash second = fresh_.FlashAt(layout_.slots[1].slot.offset);
  Layout layout = layout_;
  for (SlotInfo& slot : layout.slots) slot.slot.flash = &flash;
  if (second.erase_unit != flash.erase_unit) layout.slots[1].slot.flash = &second;
  layout.metadata.flash = &flash;
  const Trust trust = {keys_->root.public_key().ForSignatures(), kApplication, kHardware,
                       HostSignatureVerifier()};
  layout.trust = &trust;
  Metadata metadata;
  metadata.Load(layout);
  ProvisionRecord(metadata.slot(0), releases_[0]);
  for (uint8_t i = 0; i < layout.metadata.pages; ++i) metadata.Commit();
}

std::array<uint8_t, kNonceSize> PowercutDevice::NonceOf(uint32_t start) {
  uint64_t state = start;
  const uint64_t random = Mix(state);
  std::array<uint8_t, kNonceSize> nonce;
  StoreLittle(nonce.data(), 4, static_cast<uint32_t>(random));
  StoreLittle(nonce.data() + 4, 4, static_cast<uint32_t>(random >> 32));
  return nonce;
}

const PowercutDevice::Offer& PowercutDevice::OfferFor(size_t from, uint32_t start) const {
  const auto [found, is_new] = offers_.try_emplace({from, start});
  Offer& offer = found->second;
  if (!is_new) return offer;
  const Bytes& delta = deltas_[from];
  EncryptedPayload payload{Encryption::kNone, {}, delta};
  if (scenario_.is_encrypted) {
    payload = EncryptPayload(delta, kDeviceId, keys_->device.public_key(), kPieceBits);
  }
  const auto nonce = NonceOf(start);
  const Sha256::Digest digest = Sha256::Of(delta);
  ServerPart part{};
  part.device = kDeviceId.data();
  part.nonce = nonce.data();
  part.base_version = static_cast<uint32_t>(from) + 1;
  part.base_prefix = digests_[from].data();
  part.delta_size = static_cast<uint32_t>(delta.size());
  const auto first_delta = std::span(delta).subspan(in_place() ? kInPlaceHeaderSize : 0);
  part.decoder_ram = *DecoderRam(ReadHeader(first_delta));
  part.codec = first_delta[1];
  part.encryption = payload.encryption;
  part.piece_bits = scenario_.is_encrypted ? kPieceBits : uint8_t{0};
  part.delta_digest = digest.data();
  part.parameter = payload.parameter.data();
  offer.bytes = statement_;
  Append(offer.bytes,
         WriteManifest(releases_[from + 1], digests_[from], WriteServerPart(part), keys_->server));
  offer.manifest_size = offer.bytes.size();
  Append(offer.bytes, payload.bytes);
  return offer;
}

// As the host's, but each signature only once: lives start with the same ones again and again.
bool PowercutDevice::Verify(void* context, const PublicKey& key, const uint8_t* digest,
                            const uint8_t* signature) {
  const auto& device = *static_cast<const PowercutDevice*>(context);
  SignedBy all{static_cast<uint8_t>(key.algorithm)};
  auto at = std::ranges::copy(key.bytes, all.begin() + 1).out;
  at = std::copy_n(digest, kDigestSize, at);
  std::copy_n(signature, kSignatureSize, at);
  const auto [found, is_new] = device.verified_.try_emplace(all);
  if (is_new) {
    const SignatureVerifier verifier = HostSignatureVerifier();
    found->second = verifier.verify(verifier.context, key, digest, signature);
  }
  return found->second;
}

class Life {
 public:
  Life(const PowercutDevice& device, uint64_t seed, std::span<const PowercutEvent> events,
       bool sabotaged)
      : device_(device),
        sabotaged_(sabotaged),
        events_(events),
        simulated_(device.fresh_),
        inner_(simulated_.flash()),
        flash_(inner_),
        second_(inner_),
        layout_(device.layout_),
        area_(device.area_),
        journal_(device.journal_),
        watch_(simulated_, layout_.slots[0].slot.offset, layout_.slots[0].slot.size),
        buffer_(device.geometry_.buffer),
        memory_(kCodecMemory / 8) {
    simulated_.Reseed(seed);
    flash_.context = this;
    flash_.read = &Read;
    flash_.erase = &Erase;
    flash_.program = &Program;
    flash_.erase_unit = simulated_.EraseUnitAt(layout_.metadata.offset);
    second_ = flash_;
    second_.erase_unit = simulated_.EraseUnitAt(layout_.slots[1].slot.offset);
    for (SlotInfo& slot : layout_.slots) slot.slot.flash = &flash_;
    if (second_.erase_unit != flash_.erase_unit) layout_.slots[1].slot.flash = &second_;
    layout_.metadata.flash = &flash_;
    area_.flash = &flash_;
    journal_.flash = &flash_;
    if (in_place()) layout_.journal = &journal_;
    if (device.scenario_.has_trust) {
      trust_ = {device.keys_->root.public_key().ForSignatures(),
                kApplication,
                kHardware,
                {&PowercutDevice::Verify, const_cast<PowercutDevice*>(&device),
                 HostSignatureVerifier().algorithms}};
      layout_.trust = &trust_;
      device_keys_.x25519 = device.keys_->device;
      cipher_ = device_keys_.cipher();
    }
  }
  Life(const Life&) = delete;

  PowercutResult Run() {
    int starts = 0;
    int last = kMaxStarts;
    while (result_.failure.empty() && !over_) {
      if (has_permanent_fault_) last = std::min(last, starts_at_fault_ + kStartsWithFault);
      if (starts_ = starts++; starts > last) {
        if (!has_permanent_fault_) Fail("the update does not come to its end");
        break;
      }
      PowerUp();
      Start();
      CheckSurroundings();
    }
    if (result_.failure.empty() && over_) CheckEnd();
    result_.changes = changes_;
    result_.reads = reads_;
    return std::move(result_);
  }

 private:
  // ---- The flash, with what happens to it.

  static Status Read(void* context, uint32_t offset, uint8_t* to, uint32_t size) {
    Life& life = *static_cast<Life*>(context);
    if (life.simulated_.powered()) {
      ++life.reads_;
      if (life.IsOut()) return Status::kReadError;
      if (life.IsDue(life.reads_ - life.reads_before_, PowercutEvent::kReadError)) {
        life.EventHappened();
        return Status::kReadError;
      }
      if (life.IsDue(life.reads_ - life.reads_before_, PowercutEvent::kUnreadable)) {
        life.BreakSector(offset, SimulatedFlash::kRead, Status::kReadError);
      }
    }
    const Status status = life.inner_.read(life.inner_.context, offset, to, size);
    if (status == Status::kDone && life.Watches(offset)) life.watch_.Read(offset, size);
    return status;
  }

  static Status Erase(void* context, uint32_t offset) {
    Life& life = *static_cast<Life*>(context);
    if (!life.BeforeChange(offset)) return Status::kFlashError;
    const bool begins =
        life.simulated_.powered() && life.Watches(offset) && life.IsFirstStep(offset);
    if (begins) life.BeginInPlace();
    const Status status = life.inner_.erase(life.inner_.context, offset);
    if (life.Watches(offset) && life.IsBegun(status)) life.watch_.Erased(offset);
    life.AfterChange();
    return status;
  }

  static Status Program(void* context, uint32_t offset, const uint8_t* data, uint32_t size) {
    Life& life = *static_cast<Life*>(context);
    if (!life.BeforeChange(offset)) return Status::kFlashError;
    const Status status = life.inner_.program(life.inner_.context, offset, data, size);
    if (life.Watches(offset) && life.IsBegun(status)) {
      life.watch_.Programmed(offset, {data, size}, status == Status::kDone);
    }
    life.AfterChange();
    return status;
  }

  bool BeforeChange(uint32_t offset) {
    if (!simulated_.powered()) return true;  // fails by itself
    ++changes_;
    if (IsOut()) return false;
    const uint64_t since = changes_ - changes_before_;
    if (IsDue(since, PowercutEvent::kOutage)) {
      outage_ = 1 + static_cast<uint32_t>(changes_) % kLongestOutage;
      EventHappened();
      return false;
    }
    if (IsDue(since, PowercutEvent::kError)) {
      EventHappened();
      return false;
    }
    if (IsDue(since, PowercutEvent::kWornOut)) {
      BreakSector(offset, SimulatedFlash::kChange, Status::kFlashError);
    }
    if (IsCutDue(since)) simulated_.CutPowerAfter(0, CutOf(events_.front().kind));
    return true;
  }

  void AfterChange() {
    if (!simulated_.powered() && !counted_cut_) {
      counted_cut_ = true;
      EventHappened();
    }
  }

  bool in_place() const { return device_.in_place(); }
  // Where the page is lost that says that an update is over, its last steps are done again.
  bool Watches(uint32_t offset) const {
    return in_place() && watch_.Contains(offset) && !(is_read_fault_ && !fault_in_slot_);
  }
  // Whether a change has touched the flash; one that failed has where the power went meanwhile.
  // REQUIRES: AfterChange was not called for it yet.
  bool IsBegun(Status status) const {
    return status == Status::kDone || (!simulated_.powered() && !counted_cut_ &&
                                       events_.front().kind != PowercutEvent::kBefore);
  }
  // A full image is not preceded by a move.
  bool IsFirstStep(uint32_t offset) const {
    return device_.scenario_.is_full ? !watch_.running() : watch_.IsFirstStep(offset);
  }
  // What the bootloader does when it erases the last sector of the area.
  void BeginInPlace() {
    const int from = VersionIn(0);
    if (from < 0) return Fail("an image is moved that is not whole");
    const int to = announced_ > from ? from + 1 : from - 1;
    if (to < 0) return Fail("an update begins that nobody activated");
    watch_.Begin(device_.scenario_.is_full ? Bytes() : device_.images_[static_cast<size_t>(from)],
                 device_.images_[static_cast<size_t>(to)]);
    becomes_ = to;
  }

  bool IsOut() { return outage_ != 0 && outage_-- != 0; }

  bool IsDue(uint64_t since, PowercutEvent::Kind kind) const {
    return !events_.empty() && events_.front().kind == kind && since == events_.front().after + 1;
  }
  bool IsCutDue(uint64_t since) const {
    return !events_.empty() && events_.front().is_cut() && since == events_.front().after + 1;
  }

  void EventHappened() {
    has_error_ |= !events_.front().is_cut();
    has_read_differently_ |= events_.front().kind == PowercutEvent::kUnstable ||
                             events_.front().kind == PowercutEvent::kNoisy;
    events_ = events_.subspan(1);
    changes_before_ = changes_;
    reads_before_ = reads_;
    ++result_.events;
  }

  void BreakSector(uint32_t offset, unsigned operations, Status status) {
    const uint32_t sector = simulated_.EraseUnitAt(offset);
    simulated_.Break(offset / sector * sector, sector, operations, status);
    EventHappened();
    has_permanent_fault_ = true;
    starts_at_fault_ = starts_;
    const MetadataArea& area = layout_.metadata;
    fault_in_slot_ = offset < area.offset || offset - area.offset >= area.page_size * area.pages;
    is_read_fault_ = operations == SimulatedFlash::kRead;
  }

  static SimulatedFlash::Cut CutOf(PowercutEvent::Kind kind) {
    switch (kind) {
      case PowercutEvent::kBefore:
        return SimulatedFlash::Cut::kBefore;
      case PowercutEvent::kUnstable:
        return SimulatedFlash::Cut::kUnstable;
      case PowercutEvent::kNoisy:
        return SimulatedFlash::Cut::kNoisy;
      case PowercutEvent::kAfter:
        return SimulatedFlash::Cut::kAfter;
      default:
        return SimulatedFlash::Cut::kTorn;
    }
  }

  void PowerUp() {
    simulated_.PowerUp();
    watch_.PowerUp();
    counted_cut_ = false;
    has_error_ = false;
    outage_ = 0;
  }

  // Nothing but these slots and the metadata may be changed, and what the bootloader or the
  // firmware has for itself; in place, not even be read.
  void Allow(std::initializer_list<uint8_t> slots, bool boots) {
    simulated_.AllowAll();
    if (in_place()) {
      for (const auto& [from, to] : device_.gaps_) {
        simulated_.Forbid(from, to - from, SimulatedFlash::kRead);
      }
    }
    uint32_t from = 0;
    const auto forbid_until = [&](const Slot& allowed) {
      simulated_.Forbid(from, allowed.offset - from, SimulatedFlash::kChange);
      from = allowed.offset + allowed.size;
    };
    for (uint8_t slot : slots) forbid_until(layout_.slots[slot].slot);
    const MetadataArea& area = layout_.metadata;
    forbid_until({&flash_, area.offset, area.page_size * area.pages});
    if (area_.size != 0) forbid_until({&flash_, area_.offset, 2 * area_.size});
    if (journal_.size != 0 && boots) {
      forbid_until({&flash_, journal_.offset, journal_.size * journal_.count});
    }
    simulated_.Forbid(from, simulated_.geometry().size - from, SimulatedFlash::kChange);
  }

  void AllowForBoot() {
    if (in_place()) {
      Allow({0}, true);
    } else if (layout_.install != Install::kNone) {
      Allow({0, 1}, true);
    } else {
      Allow({}, true);
    }
  }

  // ---- One start.

  void Start() {
    const bool is_static = layout_.install != Install::kNone;
    AllowForBoot();
    Metadata metadata;
    BootChoice choice{};
    if (activated_ != 0) ++starts_since_activation_;
    Bootloader bootloader(BootMeans(metadata));
    const Status status = bootloader.Boot(choice);
    if (!watch_.failure().empty()) return Fail(watch_.failure());
    if (!simulated_.powered()) return;
    if (status != Status::kDone) {
      // A fault that lasts may leave a device without an image: where there is only one slot to
      // start from; where what cannot be read is the only image; where the page is lost that an
      // installation needs. With a factory slot there is always something to start.
      const bool excused = !device_.scenario_.has_factory_slot &&
                           (has_error_ || (fault_in_slot_ && is_static) || LostPageOfTwo() ||
                            (fault_in_slot_ && is_read_fault_ && status == Status::kReadError));
      if (!excused) Fail(fmt::format("the bootloader says {}", StatusName(status)));
      return;
    }
    if (sabotaged_) choice.slot ^= 1;
    const int version = VersionIn(choice.slot);
    if (version < 0) return Fail(fmt::format("slot {} is started and holds no image", choice.slot));
    // The factory's image for want of another: only while the flash fails.
    if (choice.last_resort && layout_.default_slot != choice.slot) {
      if (!has_error_ && !has_permanent_fault_) Fail("the factory's image is started");
      return;
    }
    CheckVersion(version);
    if (watch_.running() && version != becomes_) {
      Fail(fmt::format("version {} is started while it is updated in place", version));
    }
    watch_.End();
    if (!result_.failure.empty()) return;
    if (outage_ != 0) return;  // and is started once more when the flash works
    // The firmware looks for itself, as it does on a device.
    Metadata own;
    if (Status loaded = own.Load(layout_); loaded != Status::kDone) {
      return FirmwareError("Load", loaded);
    }
    // Without a way back there is no trial.
    if (in_place() && !choice.on_trial) confirming_ = std::max(confirming_, version);
    if (layout_.trust) CheckTrust(own, choice.slot, version);
    if (!result_.failure.empty()) return;
    RunFirmware(own, choice, version);
  }

  void CheckVersion(int version) {
    if (version < floor_ && !(fault_in_slot_ && is_read_fault_)) {
      return Fail(
          fmt::format("version {} is started after version {} confirmed itself", version, floor_));
    }
    if (version > announced_) {
      return Fail(fmt::format("version {} is started, which nobody activated", version));
    }
    if (activated_ > version && activated_ > floor_ && starts_since_activation_ <= kTrialBoots &&
        !has_permanent_fault_ && !ever_failed()) {
      return Fail(fmt::format("version {} is started at start {} after version {} was activated",
                              version, starts_since_activation_, activated_));
    }
  }

  // The steps of an installation cannot be written down when one of two metadata pages is lost; and
  // when it is the newer one that cannot be read, the other may say that there is one to finish.
  bool LostPageOfTwo() const { return HasFaultInTwoPages() && layout_.install != Install::kNone; }
  bool HasFaultInTwoPages() const {
    return has_permanent_fault_ && !fault_in_slot_ && layout_.metadata.pages == 2;
  }

  bool ever_failed() {
    ever_failed_ |= has_error_;
    return ever_failed_;
  }

  void RunFirmware(Metadata& metadata, const BootChoice& choice, int version) {
    const uint8_t running = choice.slot;
    if (version != ran_) sending_ = 0;  // what was sent was installed, or taken back
    ran_ = version;
    const uint8_t target = InactiveSlot(layout_, metadata, running);
    Allow({target}, false);
    const int last = device_.scenario_.updates;
    const bool is_broken = version == last && device_.scenario_.last_is_broken;
    if (metadata.slot(running).state == SlotState::kOnTrial && !is_broken) {
      confirming_ = std::max(confirming_, version);
      const Status status = Confirm(layout_, metadata, running);
      if (!simulated_.powered()) return;
      if (status != Status::kDone) return FirmwareError("Confirm", status);
      floor_ = version;
    }
    if (version == last) {
      over_ = !is_broken;
      return;
    }
    if (device_.scenario_.last_is_broken && version == last - 1 && activated_ == last &&
        starts_since_activation_ > kTrialBoots) {
      over_ = true;  // it came back
      floor_ = version;
      return;
    }
    Update(metadata, running, target, version);
  }

  void Update(Metadata& metadata, uint8_t running, uint8_t target, int version) {
    const int next = version + 1;
    const size_t at = static_cast<size_t>(version);
    const Bytes& image = in_place() ? device_.deltas_[at] : device_.images_[at + 1];
    const Sha256::Digest& digest =
        in_place() ? device_.sent_digests_[at] : device_.digests_[at + 1];
    const SlotRecord& record = metadata.slot(target);
    const bool is_there =
        record.state == SlotState::kVerified && std::ranges::equal(record.digest, digest);
    if (layout_.trust && !is_there) {
      if (!TakeOffer(metadata, running, version)) return;
    } else if (!is_there) {
      const bool abandons = device_.scenario_.abandons_first && !abandoned_;
      const bool other = abandons && device_.scenario_.first_is_another;
      const Bytes& delta = other ? device_.other_delta_ : device_.deltas_[at];
      Session session;
      Status status = session.Begin({&layout_, &metadata, running, target, buffer_.data(),
                                     static_cast<uint32_t>(buffer_.size()),
                                     reinterpret_cast<uint8_t*>(memory_.data()),
                                     static_cast<uint32_t>(memory_.size() * 8), Functions(),
                                     device_.scenario_.knows_digest ? digest.data() : nullptr,
                                     kAnyAddress, area_.size != 0 ? &area_ : nullptr,
                                     Identity(delta), static_cast<uint32_t>(delta.size())});
      if (!simulated_.powered()) return;
      size_t sent = session.offset();
      if (status == Status::kNeedInput) CheckResumed(session, Identity(delta));
      const size_t limit = abandons ? delta.size() * 2 / 3 : delta.size();
      while (status == Status::kNeedInput && sent < limit && simulated_.powered()) {
        const size_t size = std::min<size_t>(kPowercutPiece, limit - sent);
        status = session.Write(delta.data() + sent, static_cast<uint32_t>(size));
        sent += size;
        if (area_.size != 0) CountCheckpoints(session, sent, delta.size());
      }
      const bool complete = status == Status::kNeedInput && sent == delta.size();
      if (complete) status = session.Finish();
      if (!simulated_.powered()) return;
      result_.sectors_kept += session.sectors_kept();
      if (abandons && status == Status::kNeedInput) {
        abandoned_ = true;
        return;
      }
      if (status == Status::kCorrupt && device_.scenario_.first_is_another && !refused_) {
        refused_ = true;  // sectors of the other image were kept too long; the next session knows
        return;
      }
      if (status != Status::kDone) return FirmwareError("the session", status);
    }
    const std::span<const uint8_t> there =
        simulated_.Content(layout_.slots[target].slot.offset, static_cast<uint32_t>(image.size()));
    if (!std::ranges::equal(there, image)) return Fail("a slot is verified and not what was sent");
    announced_ = std::max(announced_, next);
    sending_ = 0;                      // there is no checkpoint of it any more
    if (!layout_.trust || is_there) {  // the agent has done it
      const Status status = Activate(layout_, metadata, target);
      if (!simulated_.powered()) return;
      if (status != Status::kDone) return FirmwareError("Activate", status);
    }
    activated_ = next;
    ++activations_;
    starts_since_activation_ = 0;
  }

  // ---- With trust.

  // A token, an offer, and an agent that takes it. Whether the new image is chosen for the next
  // start.
  bool TakeOffer(Metadata& metadata, uint8_t running, int version) {
    const size_t from = static_cast<size_t>(version);
    const Bytes& delta = device_.deltas_[from];
    Agent agent;
    AgentConfig config{};
    config.layout = &layout_;
    config.metadata = &metadata;
    config.running = running;
    std::ranges::copy(kDeviceId, config.device);
    config.buffer = buffer_.data();
    config.buffer_size = static_cast<uint32_t>(buffer_.size());
    config.memory = reinterpret_cast<uint8_t*>(memory_.data());
    config.memory_size = static_cast<uint32_t>(memory_.size() * 8);
    config.sha256 = Functions();
    config.delta_sha256 = Functions();
    config.delta_sha256.context = &delta_sha256_;
    config.random = &Random;
    config.random_context = this;
    config.cipher = &cipher_;
    config.piece = piece_.data();
    config.piece_size = static_cast<uint32_t>(piece_.size());
    config.requires_encryption = device_.scenario_.is_encrypted;
    config.checkpoints = area_.size != 0 ? &area_ : nullptr;
    if (Status status = agent.Init(config); status != Status::kDone) {
      FirmwareError("Agent::Init", status);
      return false;
    }
    CheckStale(agent, metadata, version);
    uint8_t token[kTokenSize];
    if (agent.Request(token) != Status::kDone) Fail("there is no token");
    CheckStale(agent, metadata, version);
    if (!result_.failure.empty()) return false;

    const auto start = static_cast<uint32_t>(starts_);
    const PowercutDevice::Offer& offer = device_.OfferFor(from, start);
    last_offer_ = &offer;
    last_offered_ = version;
    const auto all = static_cast<uint32_t>(offer.bytes.size());
    const auto manifest = static_cast<uint32_t>(offer.manifest_size);
    const bool abandons = device_.scenario_.abandons_first && !abandoned_;
    const uint32_t limit = abandons ? manifest + (all - manifest) * 2 / 3 : all;
    Status status = agent.Begin();
    // Up to the manifest's end first: there it turns out where the payload goes on.
    Send(agent, offer.bytes, manifest, status, [](uint32_t) {});
    if (status == Status::kNeedInput && simulated_.powered()) {
      statement_seen_ = std::max(statement_seen_, metadata.trust.statement);
      CheckResumed(agent.session(), Identity(delta));
      Send(agent, offer.bytes, limit, status, [&](uint32_t at) {
        uint32_t sent = at - manifest;
        if (device_.scenario_.is_encrypted) sent = sent / kPiece << kPieceBits;
        if (at == all) sent = static_cast<uint32_t>(delta.size());
        if (area_.size != 0) CountCheckpoints(agent.session(), sent, delta.size());
      });
    }
    if (status == Status::kNeedInput && limit == all && simulated_.powered()) {
      announced_ = std::max(announced_, version + 1);  // Finish activates
      status = agent.Finish();
    }
    if (!simulated_.powered()) return false;
    if (agent.state() == AgentState::kReceivePayload ||
        agent.state() == AgentState::kReadyToReboot) {
      result_.sectors_kept += agent.session().sectors_kept();
    }
    if (abandons && status == Status::kNeedInput) {
      abandoned_ = true;
      return false;
    }
    if (status != Status::kDone) FirmwareError("the agent", status);
    return status == Status::kDone;
  }

  template <typename Sent>
  void Send(Agent& agent, const Bytes& offer, uint32_t limit, Status& status, const Sent& sent) {
    while (status == Status::kNeedInput && agent.wanted() < limit && simulated_.powered()) {
      const uint32_t at = agent.wanted();
      const uint32_t size = std::min(kPowercutPiece, limit - at);
      status = agent.Write(at, &offer[at], size);
      sent(at + size);
    }
  }

  // The nonce does not outlive a start: an offer for the last one's token is refused, and nothing
  // is changed for it.
  void CheckStale(Agent& agent, const Metadata& metadata, int version) {
    if (!last_offer_ || metadata.trust.statement < (device_.statement_.empty() ? 0u : 1u)) return;
    const uint64_t changes = changes_;
    Status status = agent.Begin();
    Send(agent, last_offer_->bytes, static_cast<uint32_t>(last_offer_->manifest_size), status,
         [](uint32_t) {});
    if (status == Status::kNeedInput || (last_offered_ == version && status != Status::kStale)) {
      Fail(fmt::format("an offer for a token of another start: {}", StatusName(status)));
    }
    if (changes_ != changes) Fail("an offer that was refused has changed the flash");
  }

  static bool Random(void* context, uint8_t* to, uint32_t size) {
    const auto nonce =
        PowercutDevice::NonceOf(static_cast<uint32_t>(static_cast<Life*>(context)->starts_));
    std::copy_n(nonce.begin(), size, to);
    return true;
  }

  // An image was started: with the vendor's word for it, and with nothing forgotten that was
  // learned, nor learned too early.
  void CheckTrust(const Metadata& metadata, uint8_t slot, int version) {
    const Bytes& release = device_.releases_[static_cast<size_t>(version)];
    const auto signed_part = std::span(release).subspan(kTrustHeaderSize);
    const SlotRecord& record = metadata.slot(slot);
    // A page that cannot be read from now on, or just now, takes what it says with it.
    if (is_read_fault_ && !fault_in_slot_) return;
    if (!record.has_release ||
        !std::equal(signed_part.begin(), signed_part.end(), std::begin(record.release))) {
      return Fail(fmt::format("version {} is started without its release", version));
    }
    Sha256Functions sha256 = Functions();
    if (Status status = CheckRelease(layout_, metadata, slot, sha256); status != Status::kDone) {
      return Fail(fmt::format("version {} is started with a release that is not valid: {}", version,
                              StatusName(status)));
    }
    const TrustRecord& trust = metadata.trust;
    if (trust.security_counter < counter_seen_ ||
        trust.security_counter < static_cast<uint32_t>(floor_)) {
      return Fail(fmt::format("the security counter is {}, and was {}", trust.security_counter,
                              std::max(counter_seen_, static_cast<uint32_t>(floor_))));
    }
    if (trust.security_counter > static_cast<uint32_t>(confirming_)) {
      return Fail(fmt::format("the security counter is {}, before version {} confirmed itself",
                              trust.security_counter, trust.security_counter));
    }
    counter_seen_ = trust.security_counter;
    if (trust.statement < statement_seen_) return Fail("a statement was forgotten");
    statement_seen_ = trust.statement;
    const bool is_replaced = trust.root.algorithm != SignatureAlgorithm::kNone;
    if (is_replaced != (device_.scenario_.replaces_root && trust.statement != 0)) {
      Fail("the root key was replaced in part");
    }
  }

  // ---- Checkpoints.

  static uint32_t Identity(const Bytes& delta) {
    return UpdateCheck(kCheckStart, delta.data(), static_cast<uint32_t>(delta.size()));
  }

  // A session has begun: not before the last checkpoint that an earlier one is known to have
  // written.
  void CheckResumed(const Session& session, uint32_t delta) {
    if (delta != sending_) sent_ = known_checkpoint_ = 0;
    sending_ = delta;
    const uint32_t offset = session.offset();
    if (offset != 0) ++result_.resumed;
    if (sent_ > offset) result_.resent = std::max(result_.resent, sent_ - offset);
    if (offset < known_checkpoint_ && !has_read_differently_ && !ever_failed() &&
        !has_permanent_fault_) {
      Fail(fmt::format("a session goes on at byte {}, with a checkpoint at {}", offset,
                       known_checkpoint_));
    }
    known_checkpoint_ = offset;
    counted_ = 0;
  }

  void CountCheckpoints(const Session& session, size_t sent, size_t size) {
    sent_ = static_cast<uint32_t>(sent);
    const Checkpoints& checkpoints = session.checkpoints();
    const uint32_t before = known_checkpoint_;
    known_checkpoint_ = std::max(before, checkpoints.offset());
    result_.checkpoints += checkpoints.written() - counted_;
    counted_ = checkpoints.written();
    const uint32_t end = sent == size ? sent_ : known_checkpoint_;
    result_.interval =
        std::max({result_.interval, known_checkpoint_ - before, end - known_checkpoint_});
  }

  void FirmwareError(const char* who, Status status) {
    if (has_error_ || has_permanent_fault_) {
      if (status == Status::kFlashError || status == Status::kReadError) return;
      // The newest page became unreadable after the bootloader read it: the one before it counts,
      // which knows of an installation that is over, or of sectors that were given up.
      if ((status == Status::kBadArgument || status == Status::kCorrupt) && is_read_fault_ &&
          !fault_in_slot_ && starts_at_fault_ == starts_) {
        return;
      }
      Fail(fmt::format("{} says {} for a fault of the flash", who, StatusName(status)));
      return;
    }
    Fail(fmt::format("{} says {}", who, StatusName(status)));
  }

  // ---- What must hold.

  void Fail(std::string what) {
    if (result_.failure.empty()) result_.failure = std::move(what);
  }

  // The version whose image stands at the start of the slot, or -1.
  int VersionIn(uint8_t slot) const {
    for (int i = static_cast<int>(device_.images_.size()) - 1; i >= 0; --i) {
      const Bytes& image = device_.images_[static_cast<size_t>(i)];
      const auto there =
          simulated_.Content(layout_.slots[slot].slot.offset, static_cast<uint32_t>(image.size()));
      if (std::ranges::equal(there, image)) return i;
    }
    return -1;
  }

  void CheckSurroundings() {
    if (simulated_.violation_count() != 0) {
      std::string violations = simulated_.DescribeViolations();
      Fail(violations.substr(0, violations.find('\n')));
    }
    for (const auto& [from, to] : device_.gaps_) {
      if (!std::ranges::equal(simulated_.Content(from, to - from),
                              device_.fresh_.Content(from, to - from))) {
        Fail(fmt::format("what is between {} and {} was changed", from, to));
      }
    }
  }

  // A device that has come to the end of its scenario starts its last image for good.
  void CheckEnd() {
    const int expected = device_.scenario_.updates - (device_.scenario_.last_is_broken ? 1 : 0);
    for (int i = 0; i < 4; ++i) {
      events_ = {};
      PowerUp();
      AllowForBoot();
      Metadata metadata;
      BootChoice choice{};
      Bootloader bootloader(BootMeans(metadata));
      const Status status = bootloader.Boot(choice);
      if (LostPageOfTwo() && (status != Status::kDone || choice.last_resort)) return;
      if (status != Status::kDone) return Fail(fmt::format("at the end: {}", StatusName(status)));
      // The one record that knew the newest is lost.
      if (HasFaultInTwoPages() && is_read_fault_ && VersionIn(choice.slot) >= 0) return;
      const bool factory = choice.last_resort && choice.slot != layout_.default_slot;
      if (VersionIn(choice.slot) != expected || choice.on_trial || factory) {
        return Fail(fmt::format("at the end version {} is started, not {}", VersionIn(choice.slot),
                                expected));
      }
    }
    CheckWear();
  }

  // Each interruption of a session costs the sectors since the last mark, and no more.
  void CheckWear() {
    const PowercutScenario& scenario = device_.scenario_;
    if (scenario.install != Install::kNone || scenario.updates != 1 || scenario.last_is_broken ||
        scenario.first_is_another || scenario.has_factory_slot || activations_ > 1 ||
        ever_failed_ || has_permanent_fault_) {
      return;
    }
    Metadata metadata;
    metadata.Load(layout_);
    const Slot& slot = layout_.slots[1].slot;
    const uint32_t sector = slot.flash->erase_unit;
    const uint32_t smallest = simulated_.geometry().erase_unit;
    const uint32_t marks = metadata.marks_per_page();
    const uint32_t sectors = slot.size / sector;
    const uint32_t replayed = marks == 0 ? sectors : (sectors + marks - 1) / marks;
    // With checkpoints every sector has a mark.
    const uint32_t interval = area_.size != 0 && !has_read_differently_ ? 0 : replayed;
    const uint32_t interruptions = result_.events + (abandoned_ ? 1 : 0);
    const auto first = simulated_.erases().begin() + slot.offset / smallest;
    uint32_t erases = 0;
    std::for_each(first, first + slot.size / smallest, [&](uint32_t n) { erases += n; });
    const auto needed = RoundUp(static_cast<uint32_t>(device_.images_[1].size()), sector) / sector;
    result_.rewritten = erases - std::min(erases, needed);
    if (area_.size != 0) {
      const auto checkpoints = simulated_.erases().begin() + area_.offset / smallest;
      std::for_each(checkpoints, checkpoints + 2 * area_.size / smallest,
                    [&](uint32_t n) { result_.checkpoint_erases += n; });
    }
    if (erases > needed + interruptions * (interval + 1)) {
      Fail(fmt::format("{} sectors were erased for {} and {} interruptions", erases, needed,
                       interruptions));
    }
    if (abandoned_ && events_.empty() && result_.events == 0 && interval == 1 && needed > 1 &&
        result_.sectors_kept == 0) {
      Fail("the session that resumed kept no sector");
    }
  }

  BootConfig BootMeans(Metadata& metadata) {
    return {layout_,
            metadata,
            Functions(),
            buffer_.data(),
            device_.boot_buffer(),
            reinterpret_cast<uint8_t*>(memory_.data()),
            static_cast<uint32_t>(memory_.size() * 8)};
  }

  // Some of the libraries there are cannot be asked for their state: they hash once more.
  Sha256Functions Functions() {
    Sha256Functions functions = HostSha256(sha256_);
    if (!device_.scenario_.knows_digest) functions.save = nullptr, functions.restore = nullptr;
    return functions;
  }

  const PowercutDevice& device_;
  const bool sabotaged_;
  std::span<const PowercutEvent> events_;  // to come
  SimulatedFlash simulated_;
  Flash inner_;
  Flash flash_, second_;
  Layout layout_;
  CheckpointArea area_;
  JournalArea journal_;
  AreaWatch watch_;
  int becomes_ = 0;  // the version that an update in place is to
  Bytes buffer_;
  std::vector<uint64_t> memory_;
  Sha256 sha256_, delta_sha256_;
  Trust trust_{};
  DeviceKeys device_keys_;
  PayloadCipher cipher_{};
  std::array<uint8_t, kPiece> piece_;
  PowercutResult result_;

  uint64_t changes_ = 0, changes_before_ = 0;
  uint64_t reads_ = 0, reads_before_ = 0;
  uint32_t outage_ = 0;  // operations that are to fail
  bool counted_cut_ = false;
  bool has_error_ = false;  // a fault that passed, since the last start
  bool ever_failed_ = false;
  bool has_permanent_fault_ = false;
  bool fault_in_slot_ = false, is_read_fault_ = false;  // the permanent one
  int starts_ = 0, starts_at_fault_ = 0;

  bool has_read_differently_ = false;  // what a cut left
  uint32_t sending_ = 0;               // the delta
  uint32_t sent_ = 0, known_checkpoint_ = 0, counted_ = 0;
  int ran_ = 0;  // the version that ran last
  bool over_ = false;
  bool abandoned_ = false, refused_ = false;
  int floor_ = 0;      // the version that confirmed itself last
  int announced_ = 0;  // the last that Activate was called for
  int activated_ = 0;  // the last that Activate said kDone for; 0: none
  int starts_since_activation_ = 0;
  int activations_ = 0;
  const PowercutDevice::Offer* last_offer_ = nullptr;  // of an earlier start
  int last_offered_ = 0;                               // the version that ran then
  int confirming_ = 0;                                 // the last that began to confirm itself
  uint32_t counter_seen_ = 0, statement_seen_ = 0;     // at an earlier start
};

PowercutResult PowercutDevice::Live(uint64_t seed, std::span<const PowercutEvent> events,
                                    bool sabotaged) const {
  return Life(*this, seed, events, sabotaged).Run();
}

}  // namespace mote::tools
