// SPDX-License-Identifier: Apache-2.0
// ELF, as in the System V ABI: the loadable content of linked programs, at its physical addresses.
#include <algorithm>

#include <fmt/format.h>

#include "tools/image_formats.h"

namespace mote::image {
namespace {

// e_ident.
constexpr uint8_t kMagic[] = {0x7F, 'E', 'L', 'F'};
constexpr size_t kClassAt = 4;
constexpr size_t kByteOrderAt = 5;
constexpr size_t kVersionAt = 6;
constexpr size_t kTypeAt = 16;
constexpr uint8_t kClass32 = 1;
constexpr uint8_t kClass64 = 2;
constexpr uint8_t kLittleEndian = 1;
constexpr uint8_t kBigEndian = 2;
constexpr uint8_t kVersion = 1;

constexpr uint64_t kTypeRelocatable = 1;
constexpr uint64_t kCountElsewhere = 0xFFFF;  // e_phnum: the count is in section 0
constexpr uint64_t kSegmentLoad = 1;          // p_type
constexpr uint64_t kSectionNoBits = 8;        // sh_type
constexpr uint64_t kSectionAllocated = 2;     // sh_flags

// Offsets of the fields that matter. Those of `word` bytes are addresses, offsets and sizes; counts
// and sizes of table entries have two bytes, types four.
struct Layout {
  size_t word;
  size_t header_size, e_phoff, e_shoff, e_phentsize, e_phnum, e_shentsize, e_shnum;
  size_t program_header_size, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz;
  size_t section_header_size, sh_flags, sh_offset, sh_size;
  uint64_t last_address;
};
constexpr size_t kProgramTypeAt = 0;
constexpr size_t kSectionTypeAt = 4;

constexpr Layout kLayout32 = {.word = 4,
                              .header_size = 52,
                              .e_phoff = 28,
                              .e_shoff = 32,
                              .e_phentsize = 42,
                              .e_phnum = 44,
                              .e_shentsize = 46,
                              .e_shnum = 48,
                              .program_header_size = 32,
                              .p_offset = 4,
                              .p_vaddr = 8,
                              .p_paddr = 12,
                              .p_filesz = 16,
                              .p_memsz = 20,
                              .section_header_size = 40,
                              .sh_flags = 8,
                              .sh_offset = 16,
                              .sh_size = 20,
                              .last_address = 0xFFFF'FFFF};
constexpr Layout kLayout64 = {.word = 8,
                              .header_size = 64,
                              .e_phoff = 32,
                              .e_shoff = 40,
                              .e_phentsize = 54,
                              .e_phnum = 56,
                              .e_shentsize = 58,
                              .e_shnum = 60,
                              .program_header_size = 56,
                              .p_offset = 8,
                              .p_vaddr = 16,
                              .p_paddr = 24,
                              .p_filesz = 32,
                              .p_memsz = 40,
                              .section_header_size = 64,
                              .sh_flags = 8,
                              .sh_offset = 24,
                              .sh_size = 32,
                              .last_address = UINT64_MAX};

struct Range {
  uint64_t begin;
  uint64_t end;
};

struct Load {
  Range file;
  uint64_t address;
  uint64_t where;
};

class ElfReader {
 public:
  ElfReader(std::span<const uint8_t> file, std::string_view name) : file_(file), name_(name) {
    if (!IsElf(file)) Fail(0, "does not start as an ELF file does: give its real format");
    const auto ident = [&](size_t at) { return at < file.size() ? file[at] : 0; };
    const uint8_t byte_order = ident(kByteOrderAt);
    if (ident(kClassAt) != kClass32 && ident(kClassAt) != kClass64) {
      Fail(kClassAt,
           fmt::format("class {} is neither 32 nor 64 bits: {}", ident(kClassAt), kDamaged));
    }
    if (byte_order != kLittleEndian && byte_order != kBigEndian) {
      Fail(kByteOrderAt, fmt::format("byte order {} is unknown: {}", byte_order, kDamaged));
    }
    if (ident(kVersionAt) != kVersion) {
      Fail(kVersionAt, fmt::format("ELF version {} is unknown: {}", ident(kVersionAt), kDamaged));
    }
    layout_ = ident(kClassAt) == kClass32 ? &kLayout32 : &kLayout64;
    big_endian_ = byte_order == kBigEndian;
    CheckInside(0, 0, layout_->header_size, "the header");
  }

  std::vector<Chunk> Chunks() const {
    const bool has_sections = Half(layout_->e_shnum) != 0;
    const std::vector<Range> sections = AllocatedSections();
    std::vector<Chunk> chunks;
    for (const Load& load : Loads()) {
      const Range kept = has_sections ? Trim(load.file, sections) : load.file;
      if (kept.begin == kept.end) continue;
      const uint64_t skipped = kept.begin - load.file.begin;
      // Before the addition below, which must not wrap.
      if (skipped > layout_->last_address - load.address) {
        Fail(load.where, fmt::format("the segment at {:#x} passes the last address, {:#x}: {}",
                                     load.address, layout_->last_address, kDamaged));
      }
      chunks.push_back({load.address + skipped, kept.begin, kept.end - kept.begin, load.where});
    }
    return chunks;
  }

  uint64_t LastAddress() const { return layout_->last_address; }

 private:
  uint64_t Read(uint64_t offset, size_t size) const {
    return big_endian_ ? ReadBig(file_, offset, size) : ReadLittle(file_, offset, size);
  }
  uint64_t Half(uint64_t offset) const { return Read(offset, 2); }
  uint64_t Word(uint64_t offset) const { return Read(offset, layout_->word); }

  // The segments with content.
  std::vector<Load> Loads() const {
    const uint64_t count = Half(layout_->e_phnum);
    if (count == 0) {
      Fail(layout_->e_phnum, Half(kTypeAt) == kTypeRelocatable
                                 ? "is an object file, without addresses: link it first"
                                 : "has no program headers, thus nothing to load: link it again");
    }
    if (count == kCountElsewhere) {
      Fail(layout_->e_phnum, "has more program headers than any firmware: is it the right file?");
    }
    const uint64_t table = Word(layout_->e_phoff);
    CheckTable(layout_->e_phoff, table, count, layout_->e_phentsize, layout_->program_header_size,
               "program headers");
    const bool use_virtual = PhysicalAddressesAreMissing(table, count);
    std::vector<Load> loads;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t header = table + i * layout_->program_header_size;
      const uint64_t size = Word(header + layout_->p_filesz);
      if (Read(header + kProgramTypeAt, 4) != kSegmentLoad || size == 0) continue;
      if (size > Word(header + layout_->p_memsz)) {
        Fail(header, fmt::format("the segment is larger in the file than in memory: {}", kDamaged));
      }
      const uint64_t begin = Word(header + layout_->p_offset);
      CheckInside(header, begin, size, "the segment");
      const uint64_t address = Word(header + (use_virtual ? layout_->p_vaddr : layout_->p_paddr));
      loads.push_back({{begin, begin + size}, address, header});
    }
    return loads;
  }

  // Some linkers leave all of p_paddr at 0. As objcopy does: several segments cannot all load at 0.
  bool PhysicalAddressesAreMissing(uint64_t table, uint64_t count) const {
    size_t loads = 0;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t header = table + i * layout_->program_header_size;
      if (Word(header + layout_->p_paddr) != 0) return false;
      const bool load = Read(header + kProgramTypeAt, 4) == kSegmentLoad;
      if (load && Word(header + layout_->p_memsz) != 0) ++loads;
    }
    return loads > 1;
  }

  // Where the file holds sections that are loaded, by start. An end is never below that of an
  // earlier section.
  std::vector<Range> AllocatedSections() const {
    const uint64_t count = Half(layout_->e_shnum);
    const uint64_t table = Word(layout_->e_shoff);
    if (count == 0 && table != 0) {
      Fail(layout_->e_shnum,
           "has a section table of no or too many sections: strip the file first");
    }
    if (count == 0) return {};
    CheckTable(layout_->e_shoff, table, count, layout_->e_shentsize, layout_->section_header_size,
               "section headers");
    std::vector<Range> sections;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t header = table + i * layout_->section_header_size;
      const uint64_t size = Word(header + layout_->sh_size);
      if ((Word(header + layout_->sh_flags) & kSectionAllocated) == 0 || size == 0) continue;
      if (Read(header + kSectionTypeAt, 4) == kSectionNoBits) continue;
      const uint64_t begin = Word(header + layout_->sh_offset);
      CheckInside(header, begin, size, "the section");
      sections.push_back({begin, begin + size});
    }
    std::ranges::sort(sections, {}, &Range::begin);
    for (size_t i = 1; i < sections.size(); ++i) {
      sections[i].end = std::max(sections[i].end, sections[i - 1].end);
    }
    return sections;
  }

  // From the first to the last section that starts in `segment`; empty where none does.
  static Range Trim(Range segment, const std::vector<Range>& sections) {
    const auto first = std::ranges::lower_bound(sections, segment.begin, {}, &Range::begin);
    const auto after = std::ranges::lower_bound(sections, segment.end, {}, &Range::begin);
    if (first == after) return {segment.begin, segment.begin};
    return {first->begin, std::min(segment.end, std::prev(after)->end)};
  }

  void CheckTable(uint64_t where, uint64_t table, uint64_t count, uint64_t size_at, uint64_t size,
                  std::string_view what) const {
    if (Half(size_at) != size) {
      Fail(size_at,
           fmt::format("{} of {} bytes, should be {}: {}", what, Half(size_at), size, kDamaged));
    }
    CheckInside(where, table, count * size, fmt::format("the table of {}", what));
  }

  void CheckInside(uint64_t where, uint64_t offset, uint64_t size, std::string_view what) const {
    if (offset <= file_.size() && size <= file_.size() - offset) return;
    Fail(where,
         fmt::format("{} ({:#x} bytes at offset {:#x}) ends outside the file of {:#x} bytes: {}",
                     what, size, offset, file_.size(), kDamaged));
  }

  [[noreturn]] void Fail(uint64_t where, std::string_view what) const {
    image::Fail(name_, fmt::format("offset {:#x}", where), what);
  }

  std::span<const uint8_t> file_;
  std::string_view name_;
  const Layout* layout_ = nullptr;
  bool big_endian_ = false;
};

}  // namespace

bool IsElf(std::span<const uint8_t> file) {
  return file.size() >= sizeof kMagic && std::ranges::equal(file.first(sizeof kMagic), kMagic);
}

Image ParseElf(std::span<const uint8_t> file, std::string_view name, const ImageOptions& options) {
  const ElfReader reader(file, name);
  return PlaceChunks(file, reader.Chunks(), ImageFormat::kElf, reader.LastAddress(), name, options);
}

}  // namespace mote::image
