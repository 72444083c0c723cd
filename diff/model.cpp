// SPDX-License-Identifier: Apache-2.0
#include "diff/model.h"

#include <algorithm>
#include <string>

#include "diff/align.h"
#include "diff/error.h"
#include "diff/suffix_array.h"
#include "patch/range_decoder.h"

namespace mote {
namespace {

using Bytes = std::span<const uint8_t>;

struct ArchitectureEntry {
  ArchitectureId id;
  const char* name;
};
constexpr ArchitectureEntry kArchitectures[] = {
    {ArchitectureId::kThumb, "thumb"},       {ArchitectureId::kXtensa, "xtensa"},
    {ArchitectureId::kRiscv, "riscv"},       {ArchitectureId::kAarch64, "aarch64"},
    {ArchitectureId::kTc32, "tc32"},         {ArchitectureId::k8051, "8051"},
    {ArchitectureId::kMips, "mips"},         {ArchitectureId::kXtensaBig, "xtensa-be"},
    {ArchitectureId::kMipsBig, "mips-be"},   {ArchitectureId::kWords, "words"},
    {ArchitectureId::kWordsBig, "words-be"},
};

// What the aligner believes that the model's choices cost, best first for most pairs; in 1/16 bit.
constexpr AlignCosts kCosts[] = {
    {14 * 16, 8 * 16, 6 * 16, 96, 36 * 16, 16}, {18 * 16, 9 * 16, 8 * 16, 80, 44 * 16, 16},
    {14 * 16, 8 * 16, 6 * 16, 88, 30 * 16, 16}, {12 * 16, 7 * 16, 6 * 16, 92, 40 * 16, 16},
    {16 * 16, 9 * 16, 6 * 16, 88, 32 * 16, 16}, {24 * 16, 10 * 16, 8 * 16, 96, 40 * 16, 16},
    {10 * 16, 7 * 16, 4 * 16, 100, 28 * 16, 16}, {14 * 16, 8 * 16, 8 * 16, 72, 48 * 16, 16},
};
// How many of them each effort tries.
constexpr size_t kTries[] = {1, 1, 2, 2, 3, 4, 5, 6, 8};
// An address that no image points to, for images without pointers.
constexpr uint32_t kNowhere = 0x80000000;
// So many shared targets are no accident.
constexpr uint32_t kLeastShared = 16;
constexpr double kFirstShare = 0.1, kDetectShare = 0.3;

class Search {
 public:
  Search(Bytes old_image, Bytes new_image, const ModelOptions& options)
      : old_(old_image), new_(new_image), options_(options) {}

  ModelResult Run();

 private:
  void Report(double done) const {
    if (options_.progress) options_.progress(done);
  }
  struct Candidate {
    ArchitectureId id;
    bool likely;
  };
  std::vector<Candidate> Candidates() const;
  std::vector<Segment> Segments(const Architecture& architecture) const;
  void FindSetting();
  void TryRam(const std::vector<Copy>& copies);
  bool TryBases(const std::vector<Copy>& copies);
  bool Try(const ModelSetting& setting, const std::vector<Copy>& copies, size_t handicap = 0);

  Bytes old_, new_;
  const ModelOptions& options_;
  ModelResult best_;
  bool have_ = false;
};

// Keeps the smallest delta so far; a new one must be smaller by more than `handicap` bytes.
bool Search::Try(const ModelSetting& setting, const std::vector<Copy>& copies, size_t handicap) {
  ModelDelta delta = EncodeModel(old_, new_, copies, setting, options_.profile, options_.match_window);
  if (have_ && delta.bytes.size() + handicap >= best_.delta.bytes.size()) return false;
  best_ = {std::move(delta), setting};
  have_ = true;
  return true;
}

std::vector<Segment> Search::Segments(const Architecture& architecture) const {
  std::vector<LoadRun> old_runs = options_.old_runs, new_runs = options_.new_runs;
  // Of an image with one segment the header does not say where the rest goes.
  if (old_runs.empty() && new_runs.empty()) {
    old_runs = EspressifRuns(old_);
    new_runs = EspressifRuns(new_);
    if (old_runs.size() < 2 || old_runs.size() != new_runs.size()) {
      old_runs.clear();
      new_runs.clear();
    }
  }
  const auto found = [&](Bytes image, std::vector<LoadRun>& runs) {
    if (!runs.empty()) return true;
    const std::optional<uint32_t> base = FindBase(image, architecture);
    if (base) runs = {{0, *base}};
    return base.has_value();
  };
  const bool old_found = found(old_, old_runs), new_found = found(new_, new_runs);
  if (!old_found) old_runs = new_found ? new_runs : std::vector<LoadRun>{{0, kNowhere}};
  if (!new_found) new_runs = old_runs;
  if (old_runs.size() != new_runs.size()) {
    old_runs.resize(1);
    new_runs.resize(1);
  }
  std::vector<Segment> segments;
  for (size_t i = 0; i < old_runs.size(); ++i) {
    segments.push_back({old_runs[i].offset, old_runs[i].address, new_runs[i].offset, new_runs[i].address});
  }
  // A segment that does not start at a multiple of a word's size would hide its pointers.
  for (size_t i = 1; i < segments.size();) {
    const Segment& before = segments[i - 1];
    const Segment& here = segments[i];
    if (here.old_offset % 4 == 0 && here.old_offset > before.old_offset && here.new_offset >= before.new_offset) {
      ++i;
    } else {
      segments.erase(segments.begin() + static_cast<ptrdiff_t>(i));
    }
  }
  const size_t most = options_.profile >= 2 ? 1 : kMaxSegments;
  // The shortest ones join their predecessors.
  while (segments.size() > most) {
    size_t shortest = 1;
    uint32_t least = 0xFFFFFFFF;
    for (size_t i = 1; i < segments.size(); ++i) {
      const uint32_t end = i + 1 < segments.size() ? segments[i + 1].old_offset : static_cast<uint32_t>(old_.size());
      if (end - segments[i].old_offset < least) {
        least = end - segments[i].old_offset;
        shortest = i;
      }
    }
    segments.erase(segments.begin() + static_cast<ptrdiff_t>(shortest));
  }
  return segments;
}

// The architectures that the old image may be made for, likely ones first. Pointers alone come before all: any device has them.
std::vector<Search::Candidate> Search::Candidates() const {
  if (options_.architecture) return {{*options_.architecture, true}};
  std::vector<uint32_t> shared;
  for (const ArchitectureEntry& entry : kArchitectures) {
    shared.push_back(CountSharedTargets(old_, *FindArchitecture(entry.id)));
  }
  const uint32_t most = std::ranges::max(shared);
  std::vector<Candidate> candidates{{ArchitectureId::kWords, true}};
  for (size_t i = 0; i < shared.size(); ++i) {
    const ArchitectureId id = kArchitectures[i].id;
    if (id == ArchitectureId::kWords) continue;
    // Of those whose calls count from where they stand, some of the most shared targets must be found.
    const Architecture& architecture = *FindArchitecture(id);
    const bool counts = architecture.row_count != 0 && architecture.rows[0].sign != 0;
    if (counts && shared[i] * 4 < most) continue;
    candidates.push_back({id, most >= kLeastShared && shared[i] == most});
  }
  std::ranges::stable_sort(candidates, {}, [](const Candidate& c) { return !c.likely; });
  return candidates;
}

void Search::TryRam(const std::vector<Copy>& copies) {
  const ModelSetting found = best_.setting;
  const bool big_endian = FindArchitecture(found.architecture)->big_endian;
  for (const AddressRange& ram : RamCandidates(old_, found.segments[0].old_address, big_endian)) {
    ModelSetting setting = found;
    setting.ram_start = ram.start;
    setting.ram_size = ram.size;
    Try(setting, copies);
  }
}

// Whether another address than the one found makes a smaller delta.
bool Search::TryBases(const std::vector<Copy>& copies) {
  const ModelSetting found = best_.setting;
  const bool big_endian = FindArchitecture(found.architecture)->big_endian;
  bool better = false;
  for (const uint32_t base : BaseCandidates(old_, big_endian)) {
    ModelSetting setting = found;
    setting.segments = {{0, base, 0, base}};
    better = Try(setting, copies) || better;
  }
  return better;
}

// Tries each instruction set, then what else there is to choose, along an alignment of the bytes as they are.
void Search::FindSetting() {
  const std::vector<Copy> copies = Align(SuffixArray(old_), old_, new_, kCosts[0], {}, options_.lowest_diagonal);
  Report(kFirstShare);
  const std::vector<Candidate> candidates = Candidates();
  double done = kFirstShare;
  for (const Candidate& candidate : candidates) {
    ModelSetting setting;
    setting.architecture = candidate.id;
    setting.segments = Segments(*FindArchitecture(candidate.id));
    // A device that was built for one instruction set refuses a delta for another: an unlikely one must be worth it.
    Try(setting, copies, candidate.likely ? 0 : best_.delta.bytes.size() / 50 + 8);
    Report(done += (kDetectShare - kFirstShare) / 2 / static_cast<double>(candidates.size()));
  }
  // Pointers to RAM and pointers into the image: what is known of one helps to judge the other.
  TryRam(copies);
  if (options_.old_runs.empty() && options_.new_runs.empty() && TryBases(copies)) TryRam(copies);
  ModelSetting setting = best_.setting;
  setting.relative_words = true;
  Try(setting, copies);
  if (options_.old_runs.empty() && !options_.architecture) Try(ModelSetting{.segments = {{0, kNowhere, 0, kNowhere}}}, copies);
}

ModelResult Search::Run() {
  FindSetting();
  const ModelSetting setting = best_.setting;
  Report(kDetectShare);
  const std::vector<uint8_t> masked_old = MaskAddresses(old_, setting, true);
  const std::vector<uint8_t> masked_new = MaskAddresses(new_, setting, false);
  const SuffixArray index(masked_old);
  const size_t tries = kTries[std::clamp(options_.effort, 1u, 9u) - 1];
  for (size_t i = 0; i < tries; ++i) {
    const auto report = [&](double done) {
      Report(kDetectShare + (1 - kDetectShare) * (static_cast<double>(i) + done) / static_cast<double>(tries));
    };
    Try(setting, Align(index, masked_old, masked_new, kCosts[i], report, options_.lowest_diagonal));
  }
  return std::move(best_);
}

}  // namespace

ModelResult FindModelDelta(Bytes old_image, Bytes new_image, const ModelOptions& options) {
  return Search(old_image, new_image, options).Run();
}

ModelSetting ReadModelSetting(Bytes coded) {
  RangeDecoder decoder{};
  decoder.Init();
  size_t fed = 0;
  const auto feed = [&] {
    while (fed < coded.size() && !decoder.full()) decoder.Feed(coded[fed++]);
  };
  feed();
  decoder.Start();
  const auto number = [&]() -> uint32_t {
    feed();
    return decoder.EvenNumber();
  };
  ModelSetting setting;
  setting.architecture = static_cast<ArchitectureId>(decoder.EvenBits(4));
  setting.relative_words = decoder.EvenBits(1) != 0;
  const bool has_ram = decoder.EvenBits(1) != 0;
  const bool other_addresses = decoder.EvenBits(1) != 0;
  setting.segments.resize(decoder.EvenBits(2) + 1);
  if (has_ram) {
    setting.ram_start = number();
    setting.ram_size = number();
  }
  Segment last{};
  for (Segment& segment : setting.segments) {
    if (&segment != &setting.segments[0]) {
      last.old_offset += number();
      last.new_offset += number();
    }
    last.old_address = last.new_address = number();
    if (other_addresses) last.new_address = number();
    segment = last;
  }
  feed();
  setting.new_check = decoder.EvenBits(32);
  if (FindArchitecture(setting.architecture) == nullptr) {
    throw Error(Status::kUnsupported, "the delta's instruction set " +
                                          std::to_string(static_cast<unsigned>(setting.architecture)) +
                                          " is unknown to this build: use a newer mote");
  }
  return setting;
}

const char* ArchitectureName(ArchitectureId id) {
  for (const ArchitectureEntry& entry : kArchitectures) {
    if (entry.id == id) return entry.name;
  }
  return "unknown";
}

std::optional<ArchitectureId> ArchitectureByName(std::string_view name) {
  for (const ArchitectureEntry& entry : kArchitectures) {
    if (name == entry.name) return entry.id;
  }
  return {};
}

}  // namespace mote
