// SPDX-License-Identifier: Apache-2.0
// Hands a simulated device bad input of every kind that we could think of, most of them correctly
// signed or nearly so, and looks whether any is accepted. tools/badinput runs it.
//
// Accepted is what gets a "done" from Agent::Finish, changes what the device trusts, changes
// anything but the target slot, metadata and checkpoints, or leaves a device whose bootloader does
// not start the image that ran, as it was.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "agent/manifest.h"
#include "diff/apply.h"
#include "diff/diff.h"
#include "patch/bytes.h"
#include "release/manifest_reader.h"
#include "stream/updater.h"
#include "tools/badinput_device.h"

namespace mote::tools {
namespace {

constexpr uint32_t kBaseVersion = 0x01020000, kVersion = 0x01020001, kNextVersion = 0x01030000;
constexpr uint32_t kCounter = 5;
constexpr uint32_t kServerEpoch = 2;

struct Options {
  std::string pairs = MOTE_PAIRS;
  std::string pair = "logger-cm4-addfn";
  bool quick = false;
  bool json = false;
  bool sabotage = false;
};

uint64_t Mix(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

Bytes ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + name);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Bytes Join(std::initializer_list<std::span<const uint8_t>> parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::span<const uint8_t> First(std::span<const uint8_t> bytes, size_t size) {
  return bytes.first(std::min(size, bytes.size()));
}

bool AcceptEverything(void*, const PublicKey&, const uint8_t*, const uint8_t*) { return true; }

// A device at rest, and what must not change.
struct Snapshot {
  const BadinputSetup* setup;
  SimulatedFlash flash;
  uint32_t cycle;  // the one that comes
  uint8_t running;
  const Bytes* image;  // that runs
};

// Keys, images, a device that runs the first one, and a good offer for it.
class Fixture {
 public:
  Fixture(std::string fixture_name, KeyType type, std::optional<KeyType> encryption,
          const Options& options)
      : name(std::move(fixture_name)),
        vendor(PrivateKey::Generate(type)),
        server(PrivateKey::Generate(type)),
        other_vendor(PrivateKey::Generate(type)),
        other_server(PrivateKey::Generate(type)),
        new_root(PrivateKey::Generate(type)),
        device_key(PrivateKey::Generate(encryption.value_or(KeyType::kX25519))),
        other_device_key(PrivateKey::Generate(encryption.value_or(KeyType::kX25519))),
        is_encrypted(encryption.has_value()) {
    v1 = ReadFile(options.pairs + "/" + options.pair + "/old.bin");
    v2 = ReadFile(options.pairs + "/" + options.pair + "/new.bin");
    v3 = v2;
    for (size_t i = 100; i < v3.size(); i += 2500) v3[i] ^= 0x44;
    delta = Make(v1, v2, Codec::kLzss, 8);
    delta3 = Make(v1, v3, Codec::kLzss, 8);
    raw_delta = Make(v1, v2, Codec::kRaw, 0);
    wide_delta = Make(v1, v2, Codec::kLzss, 12);
    if (encryption == KeyType::kX25519) keys.x25519 = device_key;
    if (encryption == KeyType::kP256) keys.p256 = device_key;
    setup.root = Public(vendor);
    setup.id = {'d', 'e', 'v', 'i', 'c', 'e', '-', '1'};
    setup.keys = is_encrypted ? &keys : nullptr;
    setup.memory = *DecoderRam(ReadHeader(delta)) - kUpdaterRam;
    setup.verifier = HostSignatureVerifier();
    if (options.sabotage) setup.verifier.verify = &AcceptEverything;

    plan.release = Release(kVersion, kBadinputAddress[1]);
    plan.image = v2;
    plan.vendor = &vendor;
    plan.server = &server;
    plan.device = setup.id;
    plan.nonce = NonceOf(2);
    plan.base_version = kBaseVersion;
    plan.base = Sha256::Of(v1);
    plan.delta = delta;
    plan.decoder_ram = *DecoderRam(ReadHeader(delta));
    if (is_encrypted) plan.recipient = device_key.public_key();
    offer = WriteOffer(plan);
    view = ReadOffer(offer);

    BadinputDevice device(setup);
    const ReleaseFields first = Release(kBaseVersion, kBadinputAddress[0]);
    first_release = WriteRelease(WriteVendorPart(first, Public(vendor).algorithm, v1), vendor);
    device.Provision(v1, first_release);
    fresh = std::make_unique<Snapshot>(Snapshot{&setup, device.flash(), 2, 0, &v1});
  }
  Fixture(const Fixture&) = delete;

  static Bytes Make(const Bytes& from, const Bytes& to, Codec codec, unsigned window) {
    DiffOptions options;
    options.codec = codec;
    options.window_bits = window;
    options.effort = 1;
    return Diff(from, to, options);
  }
  static PublicKey Public(const PrivateKey& key) { return key.public_key().ForSignatures(); }

  ReleaseFields Release(uint32_t version, uint32_t address) const {
    return {setup.application, setup.hardware, version,     kCounter,
            address,           Public(server), kServerEpoch};
  }
  size_t manifest_size() const { return offer.size() - view.payload.size(); }

  // The same device after it was sent `offers` (complete ones, or statements), restarted after
  // each.
  Snapshot After(const Snapshot& from, const Bytes& sent, bool installs = false) const {
    BadinputDevice device(*from.setup, from.flash, from.cycle);
    device.Run(from.running);
    if (device.Send(sent, SIZE_MAX) != Status::kDone) {
      return {from.setup, device.flash(), from.cycle + 1, from.running, from.image};
    }
    if (!installs) return {from.setup, device.flash(), from.cycle + 1, from.running, from.image};
    BootChoice choice{};
    device.Boot(choice);
    BadinputDevice next(*from.setup, device.flash(), from.cycle + 1);
    next.Run(choice.slot);
    return {from.setup, next.flash(), from.cycle + 2, choice.slot, &v2};
  }

  const std::string name;
  const PrivateKey vendor, server, other_vendor, other_server, new_root, device_key,
      other_device_key;
  const bool is_encrypted;
  DeviceKeys keys;
  BadinputSetup setup;
  Bytes v1, v2, v3, delta, delta3, raw_delta, wide_delta, first_release;
  OfferPlan plan;
  Bytes offer;
  OfferView view;
  std::unique_ptr<Snapshot> fresh;
};

class Suite {
 public:
  explicit Suite(const Options& options) : options_(options) {}

  void RunAll();
  int Report() const;

 private:
  using Attack = std::function<void(BadinputDevice&)>;
  struct Row {
    std::string name;
    bool early_only;  // a device must refuse it before it erases anything
    uint64_t tried = 0, early = 0, later = 0, accepted = 0, seen = 0;
  };

  // ---- The machinery.

  void Kind(std::string name, bool early_only = true) {
    rows_.push_back({std::move(name), early_only});
  }
  // A quick run takes some of each kind.
  bool Take() {
    const uint64_t number = rows_.back().seen++;
    return !options_.quick || number < 24 || number % 23 == 0;
  }
  size_t Piece() const {
    static constexpr size_t kPieces[] = {SIZE_MAX, 64, 7, 333, 1};
    return kPieces[rows_.back().tried % std::size(kPieces)];
  }

  enum class Trust { kStays, kMayChange };

  void Try(const std::string& what, const Snapshot& from, const Attack& attack,
           Trust trust = Trust::kStays, bool asks = true) {
    BadinputDevice device(*from.setup, from.flash, from.cycle);
    if (Status status = device.Run(from.running, asks); status != Status::kDone) {
      throw std::runtime_error(std::string("the device does not run: ") + StatusName(status));
    }
    const TrustRecord before = device.metadata().trust;
    const uint8_t target = from.running ^ 1;
    const uint32_t erases = device.Erases(target);
    device.AllowOnly(target);
    attack(device);
    std::string wrong;
    if (device.took()) wrong = "Finish says done";
    if (device.flash().violation_count() != 0) wrong = device.flash().DescribeViolations();
    Metadata after;
    if (after.Load(device.layout()) != Status::kDone) wrong = "the metadata is lost";
    if (trust == Trust::kStays && !Same(before, after.trust)) wrong = "another key is trusted";
    const bool early = device.Erases(target) == erases;
    Judge(what, from, device, wrong, early);
  }

  // The device that was attacked is started once more.
  void Judge(const std::string& what, const Snapshot& from, BadinputDevice& device,
             std::string wrong, bool early) {
    Row& row = rows_.back();
    BootChoice choice{};
    device.flash().AllowAll();
    const Status status = device.Boot(choice);
    const Slot& slot = device.layout().slots[from.running].slot;
    if (status != Status::kDone) {
      wrong = fmt::format("the bootloader says {}", StatusName(status));
    } else if (choice.slot != from.running || choice.on_trial) {
      wrong = "another image is started";
    } else if (!std::ranges::equal(
                   device.flash().Content(slot.offset, static_cast<uint32_t>(from.image->size())),
                   *from.image)) {
      wrong = "the running image was changed";
    }
    ++row.tried;
    if (!wrong.empty()) {
      if (++row.accepted <= 3) fmt::print(stderr, "ACCEPTED {}: {}: {}\n", row.name, what, wrong);
    } else {
      ++(early ? row.early : row.later);
      if (!early && row.early_only && ++late_ <= 10) {
        fmt::print(stderr, "TOO LATE {}: {}\n", row.name, what);
      }
    }
  }

  void TryOffer(const std::string& what, const Snapshot& from, const Bytes& offer,
                Trust trust = Trust::kStays) {
    const size_t piece = Piece();
    Try(
        what, from, [&](BadinputDevice& device) { device.Send(offer, piece); }, trust);
  }
  void TryPlan(const std::string& what, const Snapshot& from, const OfferPlan& plan,
               Trust trust = Trust::kStays) {
    if (Take()) TryOffer(what, from, WriteOffer(plan), trust);
  }
  // Interrupted by a restart.
  void TryTwice(const std::string& what, const Snapshot& from, std::span<const uint8_t> first,
                const Bytes& second, bool asks) {
    BadinputDevice device(*from.setup, from.flash, from.cycle);
    device.Run(from.running);
    device.SendOnly(first, SIZE_MAX);
    const Snapshot restarted{from.setup, device.flash(), from.cycle + 1, from.running, from.image};
    const size_t piece = Piece();
    Try(
        what, restarted, [&](BadinputDevice& next) { next.Send(second, piece); }, Trust::kStays,
        asks);
  }

  // What is good must be taken: else nothing here means anything.
  void Control(const std::string& what, const Snapshot& from, const Bytes& offer) {
    BadinputDevice device(*from.setup, from.flash, from.cycle);
    device.Run(from.running);
    device.AllowOnly(from.running ^ 1);
    const Status status = device.Send(offer, 50);
    BootChoice choice{};
    device.flash().AllowAll();
    const Status booted = device.Boot(choice);
    ++controls_;
    if (status != Status::kDone || booted != Status::kDone || choice.slot == from.running ||
        device.flash().violation_count() != 0) {
      ++failed_controls_;
      fmt::print(stderr, "REFUSED although it is good: {}: {}\n", what, StatusName(status));
    }
  }

  static bool Same(const PublicKey& a, const PublicKey& b) {
    return a.algorithm == b.algorithm && std::ranges::equal(a.bytes, b.bytes);
  }
  static bool Same(const TrustRecord& a, const TrustRecord& b) {
    return a.security_counter == b.security_counter && a.server_epoch == b.server_epoch &&
           a.statement == b.statement && Same(a.root, b.root) &&
           Same(a.previous_root, b.previous_root);
  }

  // A bad offer must not spoil the next one: that for a new token, at once and after a restart.
  void Recovers(const Fixture& f, const std::string& what, const Bytes& bad) {
    const Snapshot& from = *f.fresh;
    OfferPlan plan = f.plan;
    for (const bool restarts : {false, true}) {
      BadinputDevice device(*from.setup, from.flash, from.cycle);
      device.Run(from.running);
      device.Send(bad, 100);
      if (restarts) {
        plan.nonce = NonceOf(from.cycle + 1);
        const Snapshot next{from.setup, device.flash(), from.cycle + 1, from.running, from.image};
        Control(fmt::format("{}, after {} and a restart", f.name, what), next, WriteOffer(plan));
        continue;
      }
      plan.nonce = NonceOf(from.cycle, 2);
      device.Request();
      ++controls_;
      if (const Status status = device.Send(WriteOffer(plan), 100); status != Status::kDone) {
        ++failed_controls_;
        fmt::print(stderr, "REFUSED although it is good: {}, after {}: {}\n", f.name, what,
                   StatusName(status));
      }
    }
  }

  // ---- The kinds.

  void Flips(const char* name, std::span<const uint8_t> OfferView::*part, bool early_only,
             bool encrypted_only, bool plain_only);
  void Damaged();
  void Halves();
  void Replayed();
  void ForOthers();
  void Signers();
  void Limits();
  void Policies();
  void Pieces();
  void Lies();
  void Statements();
  void RandomBytes();
  void Installed();

  const Options& options_;
  std::vector<std::unique_ptr<Fixture>> fixtures_;
  std::vector<Row> rows_;
  uint64_t controls_ = 0, failed_controls_ = 0, late_ = 0;
  uint64_t random_ = 4711;
};

void Suite::RunAll() {
  fixtures_.push_back(
      std::make_unique<Fixture>("Ed25519", KeyType::kEd25519, std::nullopt, options_));
  fixtures_.push_back(
      std::make_unique<Fixture>("Ed25519, X25519", KeyType::kEd25519, KeyType::kX25519, options_));
  fixtures_.push_back(
      std::make_unique<Fixture>("P-256, P-256", KeyType::kP256, KeyType::kP256, options_));
  for (const auto& f : fixtures_) Control(f->name, *f->fresh, f->offer);

  Kind("header: each bit changed");
  for (const auto& f : fixtures_) {
    for (size_t i = 0; i < kTrustHeaderSize * 8; ++i) {
      if (!Take()) continue;
      Bytes bad = f->offer;
      bad[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
      TryOffer(fmt::format("{}, bit {}", f->name, i), *f->fresh, bad);
    }
  }
  Flips("vendor part: each bit changed", &OfferView::vendor_part, true, false, false);
  Flips("vendor signature: each bit changed", &OfferView::vendor_signature, true, false, false);
  Flips("server part: each bit changed", &OfferView::server_part, true, false, false);
  Flips("server signature: each bit changed", &OfferView::server_signature, true, false, false);
  Flips("payload: each bit changed", &OfferView::payload, false, false, true);
  Flips("encrypted payload: each bit changed", &OfferView::payload, false, true, false);
  Damaged();
  Halves();
  Replayed();
  ForOthers();
  Signers();
  Limits();
  Policies();
  Pieces();
  Lies();
  Statements();
  RandomBytes();
  Installed();
}

void Suite::Flips(const char* name, std::span<const uint8_t> OfferView::*part, bool early_only,
                  bool encrypted_only, bool plain_only) {
  Kind(name, early_only);
  for (const auto& f : fixtures_) {
    if ((encrypted_only && !f->is_encrypted) || (plain_only && f->is_encrypted)) continue;
    // How the key was agreed on does not matter for the pieces.
    if (encrypted_only && f->keys.p256) continue;
    const std::span<const uint8_t> bytes = f->view.*part;
    const size_t start = static_cast<size_t>(bytes.data() - f->offer.data());
    for (size_t i = 0; i < bytes.size() * 8; ++i) {
      if (!Take()) continue;
      Bytes bad = f->offer;
      bad[start + i / 8] ^= static_cast<uint8_t>(1 << i % 8);
      TryOffer(fmt::format("{}, bit {}", f->name, i), *f->fresh, bad);
    }
  }
}

// Bytes that were changed, lost or added on the way.
void Suite::Damaged() {
  const auto each = [&](const char* name, auto&& damage) {
    Kind(name, false);
    for (const auto& f : fixtures_) {
      for (size_t i = 0; i < f->offer.size(); ++i) {
        if (!Take()) continue;
        Bytes bad = f->offer;
        damage(bad, i);
        if (bad == f->offer) continue;
        TryOffer(fmt::format("{}, byte {}", f->name, i), *f->fresh, bad);
      }
    }
  };
  each("cut off at each length", [](Bytes& bad, size_t i) { bad.resize(i); });
  each("a byte left out at each place",
       [](Bytes& bad, size_t i) { bad.erase(bad.begin() + static_cast<ptrdiff_t>(i)); });
  each("a byte inserted at each place", [&](Bytes& bad, size_t i) {
    bad.insert(bad.begin() + static_cast<ptrdiff_t>(i), static_cast<uint8_t>(Mix(random_)));
  });
  each("a byte twice at each place",
       [](Bytes& bad, size_t i) { bad.insert(bad.begin() + static_cast<ptrdiff_t>(i), bad[i]); });
  each("two neighbours swapped at each place", [](Bytes& bad, size_t i) {
    if (i + 1 < bad.size()) std::swap(bad[i], bad[i + 1]);
  });

  Kind("bytes behind the end", false);
  for (const auto& f : fixtures_) {
    for (size_t more = 1; more <= 300; ++more) {
      if (!Take()) continue;
      Bytes bad = f->offer;
      for (size_t i = 0; i < more; ++i) {
        bad.push_back(more % 3 == 0 ? 0 : static_cast<uint8_t>(Mix(random_)));
      }
      TryOffer(fmt::format("{}, {} bytes", f->name, more), *f->fresh, bad);
    }
    TryOffer(f->name + ", twice", *f->fresh, Join({f->offer, f->offer}));
    TryOffer(f->name + ", payload twice", *f->fresh, Join({f->offer, f->view.payload}));
  }

  for (const auto& f : fixtures_) {
    const size_t step = f->offer.size() / (options_.quick ? 6 : 60);
    for (size_t i = 0; i < f->offer.size(); i += step) {
      Bytes bad = f->offer;
      bad[i] ^= 0x20;
      Recovers(*f, fmt::format("a change of byte {}", i), bad);
      bad.resize(i);
      Recovers(*f, fmt::format("the first {} bytes", i), bad);
    }
  }

  Kind("two bytes changed, at random", false);
  for (int i = 0; i < 6000; ++i) {
    const Fixture& f = *fixtures_[Mix(random_) % fixtures_.size()];
    Bytes bad = f.offer;
    for (int n = 0; n < 2; ++n) {
      bad[Mix(random_) % bad.size()] ^= static_cast<uint8_t>(1 + Mix(random_) % 255);
    }
    if (bad == f.offer || !Take()) continue;
    TryOffer(fmt::format("{}, number {}", f.name, i), *f.fresh, bad);
  }

  Kind("stretches left out, doubled, swapped, at random", false);
  for (int i = 0; i < 6000; ++i) {
    const Fixture& f = *fixtures_[Mix(random_) % fixtures_.size()];
    Bytes bad = f.offer;
    const size_t from = Mix(random_) % bad.size();
    const size_t size = 1 + Mix(random_) % std::min<size_t>(bad.size() - from, 200);
    const auto at = bad.begin() + static_cast<ptrdiff_t>(from);
    const Bytes stretch(at, at + static_cast<ptrdiff_t>(size));
    const size_t kind = Mix(random_) % 3;
    if (kind == 0) bad.erase(at, at + static_cast<ptrdiff_t>(size));
    if (kind == 1) bad.insert(at, stretch.begin(), stretch.end());
    if (kind == 2) {
      bad.erase(at, at + static_cast<ptrdiff_t>(size));
      const size_t to = Mix(random_) % (bad.size() + 1);
      bad.insert(bad.begin() + static_cast<ptrdiff_t>(to), stretch.begin(), stretch.end());
    }
    if (bad == f.offer || !Take()) continue;
    TryOffer(fmt::format("{}, number {}", f.name, i), *f.fresh, bad);
  }
}

// Halves of offers that are all right for themselves, put together.
void Suite::Halves() {
  Kind("halves of different good offers", false);
  for (const auto& f : fixtures_) {
    std::vector<Bytes> offers = {f->offer};
    OfferPlan plan = f->plan;
    plan.delta = f->raw_delta;
    plan.decoder_ram = *DecoderRam(ReadHeader(plan.delta));
    offers.push_back(WriteOffer(plan));  // another delta of the same image
    plan = f->plan;
    plan.image = f->v3;
    plan.release.version = kNextVersion;
    plan.delta = f->delta3;
    offers.push_back(WriteOffer(plan));  // another image
    plan = f->plan;
    plan.server = &f->other_server;
    plan.release.server_key = Fixture::Public(f->other_server);
    offers.push_back(WriteOffer(plan));     // another server that the vendor trusts
    offers.push_back(WriteOffer(f->plan));  // once more, with another ephemeral key
    for (const Bytes& offer : offers) Control(f->name + ", another good offer", *f->fresh, offer);
    plan = f->plan;
    plan.device[0] ^= 1;
    offers.push_back(WriteOffer(plan));  // to another device
    plan = f->plan;
    plan.nonce = NonceOf(9);
    offers.push_back(WriteOffer(plan));  // to another token
    plan = f->plan;
    plan.recipient =
        f->is_encrypted ? std::optional<PayloadRecipient>() : f->other_device_key.public_key();
    offers.push_back(WriteOffer(plan));  // encrypted or not
    // To a device that takes both, what is not encrypted is good.
    const auto is_good = [&](size_t i) {
      return i < offers.size() - 3 || (i == offers.size() - 1 && f->is_encrypted);
    };
    for (size_t v = 0; v < offers.size(); ++v) {
      for (size_t s = 0; s < offers.size(); ++s) {
        for (size_t p = 0; p < offers.size(); ++p) {
          const OfferView vendor = ReadOffer(offers[v]), server = ReadOffer(offers[s]),
                          payload = ReadOffer(offers[p]);
          // The same parts in another offer, signed once more.
          if (is_good(s) && std::ranges::equal(vendor.vendor_part, server.vendor_part) &&
              std::ranges::equal(server.payload, payload.payload)) {
            continue;
          }
          const Bytes bad = Join({First(vendor.manifest, kTrustHeaderSize), vendor.vendor_part,
                                  vendor.vendor_signature, server.server_part,
                                  server.server_signature, payload.payload});
          if (Take()) TryOffer(fmt::format("{}, {} {} {}", f->name, v, s, p), *f->fresh, bad);
        }
      }
    }
  }
}

void Suite::Replayed() {
  Kind("replayed in the same power cycle", false);
  for (const auto& f : fixtures_) {
    for (size_t size = f->manifest_size(); size <= f->offer.size(); ++size) {
      if (!Take()) continue;
      const size_t piece = Piece();
      Try(fmt::format("{}, after {} bytes", f->name, size), *f->fresh, [&](BadinputDevice& device) {
        device.SendOnly(First(f->offer, size), SIZE_MAX);
        device.Send(f->offer, piece);
      });
    }
    for (const size_t size : {size_t{0}, size_t{10}, f->manifest_size(), f->offer.size()}) {
      Try(fmt::format("{}, for the token before, after {} bytes", f->name, size), *f->fresh,
          [&](BadinputDevice& device) {
            device.SendOnly(First(f->offer, size), SIZE_MAX);
            device.Request();
            device.Send(f->offer, SIZE_MAX);
          });
    }
  }
  Kind("replayed after a restart");
  for (const auto& f : fixtures_) {
    for (size_t size = 0; size <= f->offer.size(); ++size) {
      if (!Take()) continue;
      TryTwice(fmt::format("{}, after {} bytes", f->name, size), *f->fresh, First(f->offer, size),
               f->offer, size % 2 == 0);
    }
  }
  Kind("replayed after it was installed");
  for (const auto& f : fixtures_) {
    const Snapshot installed = f->After(*f->fresh, f->offer, true);
    OfferPlan plan = f->plan;
    plan.nonce = NonceOf(installed.cycle);
    TryOffer(f->name, installed, f->offer);
    TryOffer(f->name + ", by a server that plays along", installed, WriteOffer(plan));
    plan.base_version = kVersion;
    plan.base = Sha256::Of(f->v2);
    plan.delta = Fixture::Make(f->v2, f->v2, Codec::kLzss, 8);
    for (const uint32_t address : {kBadinputAddress[0], kBadinputAddress[1], kAnyAddress}) {
      plan.release.link_address = address;
      TryOffer(f->name + ", with a new delta", installed, WriteOffer(plan));
    }
    plan.release = f->Release(kBaseVersion, kBadinputAddress[0]);
    plan.image = f->v1;
    plan.delta = Fixture::Make(f->v2, f->v1, Codec::kLzss, 8);
    TryOffer(f->name + ", the image before", installed, WriteOffer(plan));
    plan.release.version = kNextVersion;
    Control(f->name + ", the update after it", installed, WriteOffer(plan));
  }
}

void Suite::ForOthers() {
  const auto each_bit = [&](const char* name, unsigned bits, auto&& change) {
    Kind(name);
    for (const auto& f : fixtures_) {
      for (unsigned i = 0; i < bits; ++i) {
        OfferPlan plan = f->plan;
        change(plan, i);
        TryPlan(fmt::format("{}, bit {}", f->name, i), *f->fresh, plan);
      }
    }
  };
  each_bit("for another device", 64, [](OfferPlan& plan, unsigned i) {
    plan.device[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
  });
  each_bit("for another application", 32,
           [](OfferPlan& plan, unsigned i) { plan.release.application ^= 1u << i; });
  each_bit("for other hardware", 32,
           [](OfferPlan& plan, unsigned i) { plan.release.hardware ^= 1u << i; });
  each_bit("for another token", 64, [](OfferPlan& plan, unsigned i) {
    plan.nonce[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
  });
  each_bit("linked for another address", 34, [](OfferPlan& plan, unsigned i) {
    plan.release.link_address = i < 32    ? kBadinputAddress[1] ^ 1u << i
                                : i == 32 ? kBadinputAddress[0]
                                          : kAnyAddress - 1;
  });
  each_bit("of another base, by version", 32,
           [](OfferPlan& plan, unsigned i) { plan.base_version ^= 1u << i; });
  each_bit("of another base, by digest", 257, [](OfferPlan& plan, unsigned i) {
    if (i == 256) {
      plan.base = {};
    } else {
      plan.base[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
    }
  });
  Kind("an older version, or the same");
  for (const auto& f : fixtures_) {
    for (uint32_t i = 0; i < 100; ++i) {
      OfferPlan plan = f->plan;
      const uint32_t version =
          i < 50 ? kBaseVersion - i : static_cast<uint32_t>(Mix(random_) % kBaseVersion);
      plan.edit_vendor = [&](Bytes& part) {
        StoreLittle(&part[kVendorVersion], 4, i == 99 ? 0 : version);
      };
      TryPlan(fmt::format("{}, {:08x}", f->name, version), *f->fresh, plan);
    }
  }
  Kind("a lower security counter");
  for (const auto& f : fixtures_) {
    for (uint32_t i = 0; i < kCounter; ++i) {
      OfferPlan plan = f->plan;
      plan.release.security_counter = i;
      TryPlan(fmt::format("{}, {}", f->name, i), *f->fresh, plan);
    }
  }
}

void Suite::Signers() {
  Kind("signed by others");
  for (const auto& f : fixtures_) {
    const PrivateKey* const keys[] = {&f->vendor, &f->server, &f->other_vendor, &f->other_server,
                                      &f->new_root};
    for (size_t v = 0; v < std::size(keys); ++v) {
      for (size_t s = 0; s < std::size(keys); ++s) {
        if (v == 0 && s == 1) continue;  // that is right
        OfferPlan plan = f->plan;
        plan.vendor = keys[v];
        plan.server = keys[s];
        TryPlan(fmt::format("{}, {} and {}", f->name, v, s), *f->fresh, plan);
        if (v == 0) continue;
        plan.release.server_key = Fixture::Public(*keys[s]);
        TryPlan(fmt::format("{}, {} names {}", f->name, v, s), *f->fresh, plan);
      }
    }
    // No signature, and those of something else.
    const OfferView& view = f->view;
    const Bytes zeros(kSignatureSize, 0), ones(kSignatureSize, 0xFF);
    const std::span<const uint8_t> all[] = {view.vendor_signature, view.server_signature, zeros,
                                            ones};
    for (size_t v = 0; v < std::size(all); ++v) {
      for (size_t s = 0; s < std::size(all); ++s) {
        if ((v == 0 && s == 1) || !Take()) continue;
        const Bytes bad = Join({First(view.manifest, kTrustHeaderSize), view.vendor_part, all[v],
                                view.server_part, all[s], view.payload});
        TryOffer(fmt::format("{}, signatures {} {}", f->name, v, s), *f->fresh, bad);
      }
    }
  }
  Kind("signed by a revoked server key");
  for (const auto& f : fixtures_) {
    const Bytes revokes = WriteStatement(f->vendor, 1, kServerEpoch + 3, {});
    const Snapshot revoked = f->After(*f->fresh, revokes);
    for (uint32_t epoch = 0; epoch <= kServerEpoch + 3; ++epoch) {
      OfferPlan plan = f->plan;
      plan.release.server_epoch = epoch;
      plan.nonce = NonceOf(revoked.cycle);
      if (epoch == kServerEpoch + 3) {
        Control(f->name + ", of the new epoch", revoked, WriteOffer(plan));
        continue;
      }
      TryPlan(fmt::format("{}, epoch {}", f->name, epoch), revoked, plan);
      plan.nonce = NonceOf(f->fresh->cycle);
      plan.statements = revokes;
      TryPlan(fmt::format("{}, epoch {}, revoked a moment before", f->name, epoch), *f->fresh, plan,
              Trust::kMayChange);
    }
  }
  Kind("signed by the old root after a replacement");
  for (const auto& f : fixtures_) {
    const Bytes replaces = WriteStatement(f->vendor, 1, 0, Fixture::Public(f->new_root));
    const Snapshot replaced = f->After(*f->fresh, replaces);
    OfferPlan plan = f->plan;
    plan.nonce = NonceOf(replaced.cycle);
    TryPlan(f->name, replaced, plan);
    plan.statements = replaces;
    TryPlan(f->name + ", the statement replayed", replaced, plan);
    plan.vendor = &f->new_root;
    Control(f->name + ", signed by the new root", replaced, WriteOffer(plan));
    plan.vendor = &f->vendor;
    plan.nonce = NonceOf(f->fresh->cycle);
    TryPlan(f->name + ", replaced a moment before", *f->fresh, plan, Trust::kMayChange);
    plan.statements.clear();
    plan.vendor = &f->new_root;
    TryPlan(f->name + ", the new root before its time", *f->fresh, plan);
  }
}

void Suite::Limits() {
  const auto vendor_edit = [&](const std::string& what, const Fixture& f, auto&& edit) {
    OfferPlan plan = f.plan;
    plan.edit_vendor = edit;
    TryPlan(f.name + what, *f.fresh, plan);
  };
  const auto server_edit = [&](const std::string& what, const Fixture& f, auto&& edit) {
    OfferPlan plan = f.plan;
    plan.edit_server = edit;
    TryPlan(f.name + what, *f.fresh, plan);
  };
  Kind("an image of no bytes, or too large");
  for (const auto& f : fixtures_) {
    for (unsigned i = 0; i < 32; ++i) {
      const uint32_t size = i == 0 ? 0 : i < 17 ? kBadinputSlotSize + i : 1u << i;
      if (size != 0 && size <= kBadinputSlotSize) continue;
      vendor_edit(fmt::format(", {} bytes", size), *f,
                  [&](Bytes& part) { StoreLittle(&part[kVendorImageSize], 4, size); });
    }
  }
  Kind("more RAM than there is");
  for (const auto& f : fixtures_) {
    const uint32_t most = kUpdaterRam + f->setup.memory;
    for (unsigned i = 0; i < 32; ++i) {
      const uint32_t ram = i < 16 ? most + 1 + i : 1u << i;
      server_edit(fmt::format(", {} bytes", ram), *f,
                  [&](Bytes& part) { StoreLittle(&part[28], 4, ram); });
    }
    OfferPlan plan = f->plan;
    plan.delta = f->wide_delta;
    plan.decoder_ram = *DecoderRam(ReadHeader(plan.delta));
    TryPlan(f->name + ", a larger window", *f->fresh, plan);
  }
  Kind("unknown algorithms and flags");
  for (const auto& f : fixtures_) {
    const uint8_t own = static_cast<uint8_t>(Fixture::Public(f->vendor).algorithm);
    for (unsigned i = 0; i < 256; ++i) {
      const auto value = static_cast<uint8_t>(i);
      if (value != own) {
        vendor_edit(fmt::format(", vendor's algorithm {}", i), *f,
                    [&](Bytes& part) { part[0] = value; });
        vendor_edit(fmt::format(", server's algorithm {}", i), *f, [&](Bytes& part) {
          part[1] = value;
          const auto size = PublicKeySize(static_cast<SignatureAlgorithm>(value));
          if (value < 3) part.resize(kVendorFixedSize + size);
        });
      }
      if (value != 0) {
        vendor_edit(fmt::format(", third byte {}", i), *f, [&](Bytes& part) { part[2] = value; });
        vendor_edit(fmt::format(", fourth byte {}", i), *f, [&](Bytes& part) { part[3] = value; });
        server_edit(fmt::format(", last flag {}", i), *f, [&](Bytes& part) { part[35] = value; });
      }
    }
  }
  Kind("unknown codec");
  for (const auto& f : fixtures_) {
    for (unsigned i = 0; i < 256; ++i) {
      const unsigned codec = i & 15;
      if (codec == static_cast<unsigned>(Codec::kRaw) ||
          codec == static_cast<unsigned>(Codec::kLzss) ||
          codec == static_cast<unsigned>(Codec::kModel)) {
        continue;
      }
      server_edit(fmt::format(", {}", i), *f,
                  [&](Bytes& part) { part[32] = static_cast<uint8_t>(i); });
    }
  }
  Kind("unknown encryption, or other pieces");
  for (const auto& f : fixtures_) {
    for (unsigned i = 0; i < 256; ++i) {
      if (i != f->view.server_part[33]) {
        server_edit(fmt::format(", {}", i), *f, [&](Bytes& part) {
          part[33] = static_cast<uint8_t>(i);
          part[34] = i == 0 ? 0 : 6;
          if (i < 4) {
            part.resize(kServerFixedSize + EncryptionParameterSize(static_cast<Encryption>(i)));
          }
        });
      }
      if (i != f->view.server_part[34]) {
        server_edit(fmt::format(", pieces of 2^{}", i), *f,
                    [&](Bytes& part) { part[34] = static_cast<uint8_t>(i); });
      }
    }
  }
  Kind("a delta below two bytes");
  for (const auto& f : fixtures_) {
    for (uint32_t size = 0; size < 2; ++size) {
      OfferPlan plan = f->plan;
      plan.edit_server = [&](Bytes& part) { StoreLittle(&part[24], 4, size); };
      plan.payload = Bytes(f->view.payload.begin(), f->view.payload.begin() + size);
      TryPlan(fmt::format("{}, {}", f->name, size), *f->fresh, plan);
    }
  }
}

void Suite::Policies() {
  Kind("vendor-only, to a device that wants a server's word");
  for (const auto& f : fixtures_) {
    OfferPlan plan = f->plan;
    plan.server = nullptr;
    plan.recipient.reset();
    TryPlan(f->name, *f->fresh, plan);
    plan.release.server_key.reset();
    TryPlan(f->name + ", without a server's key", *f->fresh, plan);
    BadinputSetup lenient = f->setup;
    lenient.accepts_vendor_only = true;
    const Snapshot other{&lenient, f->fresh->flash, f->fresh->cycle, 0, &f->v1};
    Control(f->name + ", to a device that does not", other, WriteOffer(plan));
    // Such a device must still insist on everything else.
    plan.vendor = &f->other_vendor;
    TryPlan(f->name + ", another vendor, to a device that does not", other, plan);
    plan.vendor = &f->vendor;
    plan.release.version = kBaseVersion;
    TryPlan(f->name + ", not newer, to a device that does not", other, plan);
  }
  Kind("not encrypted, to a device that insists");
  for (const auto& f : fixtures_) {
    BadinputSetup strict = f->setup;
    strict.requires_encryption = true;
    const Snapshot other{&strict, f->fresh->flash, f->fresh->cycle, 0, &f->v1};
    OfferPlan plan = f->plan;
    plan.recipient.reset();
    TryPlan(f->name, other, plan);
    if (f->is_encrypted) {
      Control(f->name + ", encrypted", other, f->offer);
      Control(f->name + ", to one that does not", *f->fresh, WriteOffer(plan));
    }
    plan.server = nullptr;
    TryPlan(f->name + ", vendor-only", other, plan);
  }
  Kind("encrypted for another key, device, or for one that has none", false);
  for (const auto& f : fixtures_) {
    OfferPlan plan = f->plan;
    plan.recipient = f->other_device_key.public_key();
    TryPlan(f->name + ", key", *f->fresh, plan);
    plan.recipient = SharedKey{};
    TryPlan(f->name + ", shared key", *f->fresh, plan);
    if (!f->is_encrypted) continue;
    for (unsigned i = 0; i < 64; ++i) {
      plan = f->plan;
      plan.encrypted_for = plan.device;
      (*plan.encrypted_for)[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
      TryPlan(fmt::format("{}, device, bit {}", f->name, i), *f->fresh, plan);
    }
    BadinputSetup keyless = f->setup;
    keyless.keys = nullptr;
    const Snapshot other{&keyless, f->fresh->flash, f->fresh->cycle, 0, &f->v1};
    TryPlan(f->name + ", to one without a key", other, f->plan);
    for (const uint8_t value : {0x00, 0x01, 0xFF}) {  // no point of the curve, or of small order
      plan = f->plan;
      plan.edit_server = [&](Bytes& part) {
        std::fill(part.begin() + kServerFixedSize, part.end(), 0);
        part[kServerFixedSize] = value;
      };
      TryPlan(fmt::format("{}, ephemeral key {}", f->name, value), *f->fresh, plan);
    }
  }
}

void Suite::Pieces() {
  Kind("pieces swapped, left out, doubled, of another payload", false);
  for (const auto& f : fixtures_) {
    if (!f->is_encrypted) continue;
    const Bytes again = WriteOffer(f->plan);
    OfferPlan third = f->plan;
    third.delta = f->delta3;
    third.image = f->v3;
    const Bytes another = WriteOffer(third);
    const auto pieces_of = [&](const Bytes& offer) {
      std::vector<Bytes> pieces;
      std::span<const uint8_t> left = ReadOffer(offer).payload;
      while (!left.empty()) {
        const auto piece = First(left, (1u << f->plan.piece_bits) + kPieceTagSize);
        pieces.emplace_back(piece.begin(), piece.end());
        left = left.subspan(piece.size());
      }
      return pieces;
    };
    const std::vector<Bytes> own = pieces_of(f->offer);
    const auto attempt = [&](const std::string& what, const std::vector<Bytes>& pieces) {
      Bytes bad(f->offer.begin(), f->offer.begin() + static_cast<ptrdiff_t>(f->manifest_size()));
      for (const Bytes& piece : pieces) bad.insert(bad.end(), piece.begin(), piece.end());
      if (bad != f->offer && Take()) TryOffer(f->name + what, *f->fresh, bad);
    };
    for (size_t i = 0; i < own.size(); ++i) {
      for (size_t j = i + 1; j < own.size(); ++j) {
        std::vector<Bytes> pieces = own;
        std::swap(pieces[i], pieces[j]);
        attempt(fmt::format(", {} and {} swapped", i, j), pieces);
      }
      for (size_t j = 0; j < own.size(); ++j) {
        std::vector<Bytes> pieces = own;
        pieces[i] = own[j];
        attempt(fmt::format(", {} for {}", j, i), pieces);
      }
      std::vector<Bytes> pieces = own;
      pieces.erase(pieces.begin() + static_cast<ptrdiff_t>(i));
      attempt(fmt::format(", without {}", i), pieces);
      pieces = own;
      pieces.insert(pieces.begin() + static_cast<ptrdiff_t>(i), own[i]);
      attempt(fmt::format(", {} twice", i), pieces);
      for (const Bytes* offer : {&again, &another}) {
        const std::vector<Bytes> foreign = pieces_of(*offer);
        for (size_t j = 0; j < foreign.size(); ++j) {
          pieces = own;
          pieces[i] = foreign[j];
          attempt(fmt::format(", {} of another for {}", j, i), pieces);
        }
      }
    }
    // The payload ends between two pieces, and the server says so.
    for (size_t i = 1; i < own.size(); ++i) {
      OfferPlan plan = f->plan;
      const auto size = static_cast<uint32_t>(i << plan.piece_bits);
      const Sha256::Digest digest = Sha256::Of({f->delta.data(), size});
      const std::span<const uint8_t> parameter = f->view.server_part.subspan(kServerFixedSize);
      plan.edit_server = [&](Bytes& part) {
        StoreLittle(&part[24], 4, size);
        std::ranges::copy(digest, part.begin() + 36);
        std::ranges::copy(parameter, part.begin() + kServerFixedSize);
      };
      plan.payload = Bytes();
      for (size_t j = 0; j < i; ++j) {
        plan.payload->insert(plan.payload->end(), own[j].begin(), own[j].end());
      }
      TryPlan(fmt::format("{}, the first {}", f->name, i), *f->fresh, plan);
    }
  }
}

// Signed by the right keys, and not true.
void Suite::Lies() {
  const auto each = [&](const char* name, bool early_only, unsigned count, auto&& lie) {
    Kind(name, early_only);
    for (const auto& f : fixtures_) {
      for (unsigned i = 0; i < count; ++i) {
        OfferPlan plan = f->plan;
        if (lie(*f, plan, i)) TryPlan(fmt::format("{}, {}", f->name, i), *f->fresh, plan);
      }
    }
  };
  each("signed, with another delta digest", false, 256,
       [](const Fixture&, OfferPlan& plan, unsigned i) {
         plan.edit_server = [i](Bytes& part) {
           part[36 + i / 8] ^= static_cast<uint8_t>(1 << i % 8);
         };
         return true;
       });
  each("signed, with another delta size", false, 80,
       [](const Fixture& f, OfferPlan& plan, unsigned i) {
         const auto right = static_cast<uint32_t>(f.delta.size());
         const uint32_t size = i < 30 ? right + 1 + i : i < 60 ? right + 29 - i : 1u << (i - 55);
         if (size == right || size < 2) return false;
         plan.edit_server = [size](Bytes& part) { StoreLittle(&part[24], 4, size); };
         // The payload is as long as announced.
         if (i % 2 == 0 && size < right + 100) {
           plan.payload = Bytes(f.view.payload.begin(), f.view.payload.end());
           plan.payload->resize(plan.payload->size() + size - right);
         }
         return true;
       });
  // Bytes behind the end of its commands would be right (FORMAT.md, 1).
  each("signed, a delta that was cut off", false, 80,
       [](const Fixture& f, OfferPlan& plan, unsigned i) {
         plan.delta.resize(2 + (f.delta.size() - 2) * i / 80);
         return true;
       });
  each("signed, with another image digest", false, 256,
       [](const Fixture&, OfferPlan& plan, unsigned i) {
         plan.edit_vendor = [i](Bytes& part) {
           part[kVendorDigest + i / 8] ^= static_cast<uint8_t>(1 << i % 8);
         };
         return true;
       });
  each("signed, with another image size", true, 80,
       [](const Fixture& f, OfferPlan& plan, unsigned i) {
         const auto right = static_cast<uint32_t>(f.v2.size());
         const uint32_t size = i < 32   ? right + 1 + i
                               : i < 64 ? right - 1 - (i - 32)
                                        : 1u << (i - 64);
         plan.edit_vendor = [size](Bytes& part) { StoreLittle(&part[kVendorImageSize], 4, size); };
         return true;
       });
  each("signed, with less RAM than the delta takes and there is", true, 32,
       [](const Fixture& f, OfferPlan& plan, unsigned i) {
         plan.delta = f.wide_delta;
         plan.decoder_ram = i * (kUpdaterRam + f.setup.memory) / 31;
         return true;
       });
  each("signed, with another image's delta", false, 4,
       [](const Fixture& f, OfferPlan& plan, unsigned i) {
         if (i % 2 == 0) plan.delta = f.delta3;
         if (i % 2 == 1) plan.image = f.v3;
         if (i / 2 == 1) plan.release.version = kNextVersion;
         return true;
       });
}

void Suite::Statements() {
  Kind("statements: each bit changed");
  for (const auto& f : fixtures_) {
    const Bytes statement =
        WriteStatement(f->vendor, 1, kServerEpoch, Fixture::Public(f->new_root));
    OfferPlan plan = f->plan;
    plan.vendor = &f->new_root;
    plan.statements = statement;
    const Bytes good = WriteOffer(plan);
    Control(f->name + ", a statement", *f->fresh, good);
    for (size_t i = 0; i < statement.size() * 8; ++i) {
      if (!Take()) continue;
      Bytes bad = good;
      bad[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
      TryOffer(fmt::format("{}, bit {}", f->name, i), *f->fresh, bad);
    }
  }
  Kind("statements: forged");
  for (const auto& f : fixtures_) {
    const PrivateKey* const forgers[] = {&f->server, &f->other_vendor, &f->other_server,
                                         &f->new_root};
    for (size_t i = 0; i < std::size(forgers); ++i) {
      for (const uint32_t sequence : {1u, 2u, 0xFFFFFFFFu}) {
        for (const bool replaces : {false, true}) {
          OfferPlan plan = f->plan;
          plan.statements =
              WriteStatement(*forgers[i], sequence, kServerEpoch,
                             replaces ? std::optional(Fixture::Public(*forgers[i])) : std::nullopt);
          if (replaces) plan.vendor = forgers[i];
          TryPlan(fmt::format("{}, by {}, number {}", f->name, i, sequence), *f->fresh, plan);
        }
      }
    }
    // Cut off at each byte, and of other kinds.
    const Bytes right = WriteStatement(f->vendor, 1, kServerEpoch, Fixture::Public(f->new_root));
    for (size_t size = 0; size < right.size(); ++size) {
      OfferPlan plan = f->plan;
      plan.vendor = &f->new_root;
      plan.statements = Bytes(right.begin(), right.begin() + static_cast<ptrdiff_t>(size));
      TryPlan(fmt::format("{}, cut at {}", f->name, size), *f->fresh, plan);
    }
    if (Take())
      TryOffer(f->name + ", a release as one", *f->fresh, [&] {
        Bytes bad = f->offer;
        bad[2] = kStatementHeader[2];
        bad[3] = kStatementHeader[3];
        return bad;
      }());
  }
  Kind("statements: replayed, out of date, or by the old root");
  for (const auto& f : fixtures_) {
    const Bytes first = WriteStatement(f->vendor, 1, kServerEpoch, {});
    const Bytes second = WriteStatement(f->vendor, 2, kServerEpoch + 2, {});
    const Bytes replaces =
        WriteStatement(f->vendor, 3, kServerEpoch + 2, Fixture::Public(f->new_root));
    const Snapshot later = f->After(*f->fresh, Join({first, second, replaces}));
    OfferPlan plan = f->plan;
    plan.nonce = NonceOf(later.cycle);
    plan.release.server_epoch = kServerEpoch + 2;
    plan.vendor = &f->new_root;
    plan.statements = Join({first, second, replaces});
    Control(f->name + ", all that there are", later, WriteOffer(plan));
    // An old offer, whole, and with what it had then.
    plan.vendor = &f->vendor;
    for (const Bytes& statements : {Bytes(), first, second, replaces, Join({first, second}),
                                    Join({second, first}), Join({replaces, replaces})}) {
      for (uint32_t epoch = 0; epoch <= kServerEpoch + 2; ++epoch) {
        plan.statements = statements;
        plan.release.server_epoch = epoch;
        TryPlan(fmt::format("{}, epoch {}", f->name, epoch), later, plan);
      }
    }
    plan.vendor = &f->new_root;
    plan.release.server_epoch = kServerEpoch;
    plan.statements = first;
    TryPlan(f->name + ", a revoked server key", later, plan);
    // By a key that signed statements once, or lowering what must not go down.
    plan.release.server_epoch = kServerEpoch + 2;
    const PublicKey old = Fixture::Public(f->vendor), other = Fixture::Public(f->other_vendor);
    const std::pair<const char*, Bytes> bad[] = {
        {"by the old root", WriteStatement(f->vendor, 4, kServerEpoch + 2, {})},
        {"by the old root, back to it", WriteStatement(f->vendor, 4, kServerEpoch + 2, old)},
        {"a lower epoch", WriteStatement(f->new_root, 4, kServerEpoch + 1, {})},
        {"no epoch", WriteStatement(f->new_root, 4, 0, {})},
        {"a lower epoch and a new root", WriteStatement(f->new_root, 4, 0, other)},
        {"two replacements in a row", WriteStatement(f->new_root, 4, kServerEpoch + 2, other)},
        {"back to the old root", WriteStatement(f->new_root, 4, kServerEpoch + 2, old)}};
    for (const auto& [what, statement] : bad) {
      for (const PrivateKey* vendor : {&f->new_root, &f->vendor, &f->other_vendor}) {
        plan.statements = statement;
        plan.vendor = vendor;
        TryPlan(fmt::format("{}, {}", f->name, what), later, plan);
      }
    }
  }
}

void Suite::RandomBytes() {
  Kind("random bytes", false);
  const auto random = [&](size_t size) {
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(Mix(random_));
    return bytes;
  };
  for (int i = 0; i < 9000; ++i) {
    const Fixture& f = *fixtures_[static_cast<size_t>(i) % fixtures_.size()];
    if (!Take()) continue;
    // From nothing but random bytes to a random payload behind a good manifest.
    const OfferView& view = f.view;
    const size_t known[] = {0,
                            kTrustHeaderSize,
                            kTrustHeaderSize + view.vendor_part.size(),
                            f.manifest_size() - kSignatureSize - view.server_part.size(),
                            f.manifest_size() - kSignatureSize,
                            f.manifest_size(),
                            f.manifest_size() + 2 + Mix(random_) % (view.payload.size() - 2)};
    const size_t start = known[static_cast<size_t>(i) / 3 % std::size(known)];
    TryOffer(fmt::format("{}, number {}", f.name, i), *f.fresh,
             Join({First(f.offer, start), random(f.offer.size() - start)}));
  }
}

// What was installed is damaged before its first start, by whoever can write flash.
void Suite::Installed() {
  const auto start = [&](const Fixture& f, const std::string& what, auto&& damage) {
    const Snapshot& from = *f.fresh;
    BadinputDevice device(*from.setup, from.flash, from.cycle);
    device.Run(from.running);
    device.Send(f.offer, SIZE_MAX);
    damage(device);
    Judge(what, from, device, "", false);
  };
  Kind("installed image: a bit changed in each byte", false);
  {
    const Fixture& f = *fixtures_[0];
    BadinputDevice installed(f.setup, f.fresh->flash, f.fresh->cycle);
    installed.Run(0);
    installed.Send(f.offer, SIZE_MAX);
    const uint32_t at = installed.layout().slots[1].slot.offset;
    for (uint32_t i = 0; i < f.v2.size(); ++i) {
      if (!Take()) continue;
      BadinputDevice device(f.setup, installed.flash(), f.fresh->cycle);
      const uint8_t byte = device.flash().content()[at + i] ^ static_cast<uint8_t>(1 << i % 8);
      device.flash().Load(at + i, {&byte, 1});
      Judge(fmt::format("{}, byte {}", f.name, i), *f.fresh, device, "", false);
    }
  }
  Kind("installed release: each bit changed, with a right check", false);
  for (const auto& f : fixtures_) {
    const size_t used = f->view.vendor_part.size() + kSignatureSize;
    for (size_t i = 0; i < used * 8; ++i) {
      if (!Take()) continue;
      start(*f, fmt::format("{}, bit {}", f->name, i), [&](BadinputDevice& device) {
        device.metadata().slot(1).release[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
        device.metadata().Commit();
      });
    }
    for (size_t i = 0; i < kDigestSize * 8; ++i) {
      if (!Take()) continue;
      start(*f, fmt::format("{}, digest, bit {}", f->name, i), [&](BadinputDevice& device) {
        device.metadata().slot(1).digest[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
        device.metadata().Commit();
      });
    }
    for (unsigned i = 0; i < 32; ++i) {
      if (!Take()) continue;
      start(*f, fmt::format("{}, size, bit {}", f->name, i), [&](BadinputDevice& device) {
        device.metadata().slot(1).size ^= 1u << i;
        device.metadata().Commit();
      });
    }
    start(*f, f->name + ", no release", [&](BadinputDevice& device) {
      device.metadata().slot(1).has_release = false;
      device.metadata().Commit();
    });
    start(*f, f->name + ", the other slot's release", [&](BadinputDevice& device) {
      std::ranges::copy(device.metadata().slot(0).release, device.metadata().slot(1).release);
      device.metadata().Commit();
    });
    start(*f, f->name + ", the other slot's record", [&](BadinputDevice& device) {
      const SlotRecord mine = device.metadata().slot(1);
      device.metadata().slot(1) = device.metadata().slot(0);
      device.metadata().slot(1).update = mine.update;
      device.metadata().Commit();
    });
  }
  Kind("installed record: a bit changed in each byte in flash", false);
  for (const auto& f : fixtures_) {
    // The page that counts: that whose content differs from before Activate.
    BadinputDevice device(f->setup, f->fresh->flash, f->fresh->cycle);
    device.Run(0);
    device.Send(f->offer, SIZE_MAX);
    const MetadataArea& area = device.layout().metadata;
    uint32_t newest = area.offset, sequence = 0;
    for (uint32_t page = 0; page < area.pages; ++page) {
      const uint32_t at = area.offset + page * area.page_size;
      const auto header = device.flash().Content(at, 12);
      if (header[0] != 'm' || LoadLittle(&header[8], 4) < sequence) continue;
      newest = at;
      sequence = LoadLittle(&header[8], 4);
    }
    const uint32_t size = LoadLittle(&device.flash().content()[newest + 6], 2);
    for (uint32_t i = 0; i < size; ++i) {
      if (!Take()) continue;
      BadinputDevice damaged(f->setup, device.flash(), f->fresh->cycle);
      const uint8_t byte = device.flash().content()[newest + i] ^ static_cast<uint8_t>(1 << i % 8);
      damaged.flash().Load(newest + i, {&byte, 1});
      Judge(fmt::format("{}, byte {}", f->name, i), *f->fresh, damaged, "", false);
    }
  }
}

int Suite::Report() const {
  Row all{"", false};
  nlohmann::ordered_json kinds = nlohmann::ordered_json::array();
  for (const Row& row : rows_) {
    all.tried += row.tried;
    all.early += row.early;
    all.later += row.later;
    all.accepted += row.accepted;
    kinds.push_back({{"kind", row.name},
                     {"tried", row.tried},
                     {"refused_before_erase", row.early},
                     {"refused_later", row.later},
                     {"accepted", row.accepted}});
  }
  const bool good = all.accepted == 0 && all.tried != 0 && failed_controls_ == 0 && late_ == 0;
  if (options_.json) {
    const Fixture& f = *fixtures_[0];
    fmt::print("{}\n", nlohmann::ordered_json{{"pair", options_.pair},
                                              {"image_bytes", f.v2.size()},
                                              {"delta_bytes", f.delta.size()},
                                              {"kinds", kinds},
                                              {"good_offers", controls_},
                                              {"good_offers_refused", failed_controls_},
                                              {"refused_too_late", late_},
                                              {"tried", all.tried},
                                              {"accepted", all.accepted}}
                           .dump(2));
    return good ? 0 : 1;
  }
  constexpr const char* kLine = "{:<64} {:>7} {:>13} {:>9} {:>9}\n";
  fmt::print(kLine, "what", "tried", "before erase", "later", "accepted");
  for (const Row& row : rows_) {
    fmt::print(kLine, row.name, row.tried, row.early, row.later, row.accepted);
  }
  fmt::print(kLine, "all", all.tried, all.early, all.later, all.accepted);
  const Fixture& f = *fixtures_[0];
  fmt::print("images of {}: {} and {} bytes, a delta of {}\n", options_.pair, f.v1.size(),
             f.v2.size(), f.delta.size());
  fmt::print("{} good offers, {} of them refused; {} refused later than they must be\n", controls_,
             failed_controls_, late_);
  fmt::print("{} tried, {} accepted\n", all.tried, all.accepted);
  return good ? 0 : 1;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Hands a simulated device bad input and looks whether it accepts any.");
  app.add_flag("--quick", options.quick, "some of each kind, in seconds");
  app.add_flag("--json", options.json, "the table as JSON");
  app.add_option("--pairs", options.pairs, "the folder of the firmware pairs");
  app.add_option("--pair", options.pair, "the images, by their folder's name")
      ->capture_default_str();
  app.add_flag("--sabotage", options.sabotage,
               "a verifier that takes every signature: shows that what is accepted is found");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  Suite suite(options);
  suite.RunAll();
  return suite.Report();
}

}  // namespace
}  // namespace mote::tools

int main(int argc, char** argv) {
  try {
    return mote::tools::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "badinput: " << error.what() << '\n';
    return 1;
  }
}
