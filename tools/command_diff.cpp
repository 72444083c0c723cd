// SPDX-License-Identifier: Apache-2.0
// mote diff: compares two images and writes a delta.
#include <stdint.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "diff/apply.h"
#include "diff/bsdiff40.h"
#include "diff/detect.h"
#include "diff/diff.h"
#include "diff/in_place.h"
#include "diff/model.h"
#include "lzss/decoder.h"
#include "stream/in_place_file.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/output_file.h"
#include "tools/progress.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote diff OLD NEW DELTA [options]\n"
    "\n"
    "Writes the delta that turns OLD into NEW, and proves it with the device's own decoder before\n"
    "DELTA appears. The same input gives the same delta on every machine. Codec model predicts\n"
    "the addresses in NEW: it has to know the instruction set and where OLD and NEW are loaded.\n"
    "What it guessed wrong, or was told wrong, costs size, never correctness.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote diff v1.bin v2.bin update.mote              the smallest delta\n"
    "  mote diff v1.elf v2.elf update.mote --ram 2K     for 2048 bytes of decoder RAM\n"
    "  mote diff v1.bin v2.bin update.mote --codec lzss --ram 1500   the smallest decoder\n"
    "  mote diff v1.bin v2.bin update.mote --old-base 0x8004000 --new-base 0x8032000\n"
    "  mote diff v1.hex - update.mote --json < v2.hex   report for a script\n"
    "  mote diff v1.bin v2.bin - -q | wc -c             how large would it be?\n"
    "  mote diff v1.bin v2.bin v1-v2.bsdiff --format bsdiff40";

// What `mote diff --in-place --help` has instead.
constexpr const char* kInPlaceForms =
    "mote diff OLD NEW FILE --in-place [options]\n"
    "\n"
    "For a device that has room for one image and a few sectors: it moves OLD up to the end of "
    "its\n"
    "image area and rebuilds NEW from the start, sector by sector. Nothing is copied from what is\n"
    "overwritten by then: the more spare sectors, the less that costs. Every so many sectors the\n"
    "state of the decoder is written to a journal, so that the power may go at any time. FILE is\n"
    "carried out by the device's own code, on a flash of this geometry, before it appears. The\n"
    "report compares it with a delta for two slots, and tells what flash it takes and wears.";

constexpr const char* kInPlaceExamples =
    "Other options are those of mote diff --help; --codec, --format and --window have no use here.\n"
    "--ram is for all that an update in place needs: 128 bytes more than with two slots.\n"
    "\n"
    "Examples\n"
    "  mote diff v1.bin v2.bin update.inplace --in-place\n"
    "  mote diff v1.bin v2.bin update.inplace --in-place --area 240K --staging 16K --journal 4\n"
    "  mote diff v1.elf v2.elf update.inplace --in-place --erase-unit 1K --program-unit 8 --ram "
    "2K\n"
    "  mote diff v1.bin v2.bin update.inplace --in-place --reversible   with the way back to v1";

constexpr const char* kAutomatic = "auto";
constexpr uint32_t kMaxEffort = 9;
constexpr const char* kInPlaceOptions[] = {"--area",   "--erase-unit", "--program-unit", "--buffer",
                                           "--staging", "--journal",    "--reversible"};
// In a delta, architectures have four bits.
constexpr uint8_t kArchitectureLimit = 16;

struct Options {
  std::string old_name;
  std::string new_name;
  std::string delta_name;
  std::string codec = CodecName(DiffOptions().codec);
  std::string format = "mote";
  std::string architecture = kAutomatic;
  std::optional<uint32_t> window;
  std::optional<uint32_t> ram;
  std::optional<uint32_t> base, old_base, new_base;
  uint32_t effort = kDefaultEffort;
  bool in_place = false;
  bool reversible = false;
  std::optional<uint32_t> area, staging, buffer;
  InPlaceGeometry geometry;
  InputOptions input;
  ReportOptions report;

  std::optional<uint32_t> OldBase() const { return old_base ? old_base : base; }
  std::optional<uint32_t> NewBase() const { return new_base ? new_base : base; }
};

// What --arch takes.
std::vector<std::string> ArchitectureNames() {
  std::vector<std::string> names{kAutomatic};
  for (uint8_t i = 0; i < kArchitectureLimit; ++i) {
    const std::string name = ArchitectureName(static_cast<ArchitectureId>(i));
    if (ArchitectureByName(name)) names.push_back(name);
  }
  return names;
}

InputImage ReadImageAt(const std::string& name, const InputOptions& input,
                       std::optional<uint32_t> base) {
  InputOptions with_base = input;
  with_base.base = base;
  return ReadImage(name, with_base);
}

// Where an image is loaded, as far as that is known. `given`: on the command line.
std::vector<LoadRun> LoadRuns(const InputImage& image, std::optional<uint32_t> given) {
  // Such an image tells where its parts are loaded; its file tells where in flash it stands.
  if (!given && EspressifRuns(image.bytes).size() > 1) return {};
  if (!image.base) return {};
  // Addresses in the model have 32 bits, and of longer ones these are what counts.
  return {{0, static_cast<uint32_t>(*image.base)}};
}

std::vector<uint8_t> MakeBsdiff40(const InputImage& old_image, const InputImage& new_image,
                                  Progress& progress) {
  std::vector<uint8_t> delta = WriteBsdiff40(old_image.bytes, new_image.bytes,
                                             [&progress](double share) { progress.Update(share); });
  if (ApplyBsdiff40(old_image.bytes, delta) != new_image.bytes) {
    throw std::logic_error("the bsdiff40 delta does not rebuild NEW");
  }
  return delta;
}

DiffOptions OptionsOf(const Options& options, const InputImage& old_image,
                      const InputImage& new_image, Progress& progress) {
  DiffOptions diff;
  diff.codec = *CodecByName(options.codec);
  diff.ram = options.ram.value_or(0);
  diff.window_bits = options.window.value_or(0);
  diff.architecture = ArchitectureByName(options.architecture);
  diff.old_runs = LoadRuns(old_image, options.OldBase());
  diff.new_runs = LoadRuns(new_image, options.NewBase());
  diff.effort = options.effort;
  diff.progress = [&progress](double share) { progress.Update(share); };
  return diff;
}

std::vector<uint8_t> MakeDelta(const Options& options, const InputImage& old_image,
                               const InputImage& new_image) {
  Progress progress("comparing");
  if (options.format == "bsdiff40") return MakeBsdiff40(old_image, new_image, progress);
  return Diff(old_image.bytes, new_image.bytes, OptionsOf(options, old_image, new_image, progress));
}

InPlaceUpdate MakeInPlace(const Options& options, const InputImage& old_image,
                          const InputImage& new_image) {
  Progress progress("comparing");
  InPlaceGeometry geometry = options.geometry;
  geometry.area = options.area.value_or(0);
  geometry.staging = options.staging.value_or(0);
  geometry.buffer = options.buffer.value_or(0);
  return MakeInPlaceUpdate(old_image.bytes, new_image.bytes, geometry,
                           OptionsOf(options, old_image, new_image, progress), options.reversible);
}

nlohmann::ordered_json ImageJson(const InputImage& image) {
  nlohmann::ordered_json json;
  json["size"] = image.bytes.size();
  json["format"] = image.format;
  json["base"] = image.base ? nlohmann::ordered_json(*image.base) : nlohmann::ordered_json();
  return json;
}

std::string ImageText(const InputImage& image) {
  return fmt::format("{:>10} bytes  {}{}\n", image.bytes.size(), image.format,
                     image.base ? fmt::format(" at {:#010x}", *image.base) : "");
}

void Report(const Options& options, const InputImage& old_image, const InputImage& new_image,
            const std::vector<uint8_t>& delta) {
  const double per_cent = PerCent(delta.size(), new_image.bytes.size());
  nlohmann::ordered_json json;
  json["old"] = ImageJson(old_image);
  json["new"] = ImageJson(new_image);
  json["delta_size"] = delta.size();
  json["per_cent_of_new"] = per_cent;
  json["format"] = options.format;
  std::string text =
      "old          " + ImageText(old_image) + "new          " + ImageText(new_image);
  text += fmt::format("delta        {:>10} bytes  {:.2f} % of new\n", delta.size(), per_cent);
  if (options.format == "bsdiff40") {
    text += "format       bsdiff40, for bspatch; no device decodes it\n";
  } else {
    const DeltaHeader header = ReadHeader(delta);
    AddCodecJson(json, header, delta);
    text += CodecText(header, delta);
  }
  PrintReport(options.report, options.delta_name == "-", text, json);
}

nlohmann::ordered_json DirectionJson(const InPlaceDelta& made) {
  nlohmann::ordered_json json;
  json["delta_size"] = made.delta.size();
  json["two_slots_size"] = made.two_slots;
  json["ratio"] = std::round(1e3 * static_cast<double>(made.delta.size()) /
                             static_cast<double>(made.two_slots)) /
                  1e3;
  json["shift"] = made.run.shift;
  json["interval"] = made.run.interval;
  json["checkpoints"] = made.run.checkpoints;
  json["image_sector_erases"] = made.run.erases.image;
  json["journal_sector_erases"] = made.run.erases.journal;
  json["worst_sector_erases"] = made.run.erases.worst();
  return json;
}

std::string DirectionText(const char* name, const InPlaceDelta& made) {
  return fmt::format(
      "{:<12} {:>10} bytes  {:.3f} times the {} for two slots\n"
      "  move       {:>10} sectors up; then a checkpoint every {}, {} in all\n"
      "  erases     {:>10} of any one sector at worst; image {}, journal {}\n",
      name, made.delta.size(),
      static_cast<double>(made.delta.size()) / static_cast<double>(made.two_slots), made.two_slots,
      made.run.shift,
      made.run.interval == 1 ? "sector" : fmt::format("{} sectors", made.run.interval),
      made.run.checkpoints, made.run.erases.worst(), made.run.erases.image,
      made.run.erases.journal);
}

void ReportInPlace(const Options& options, const InputImage& old_image, const InputImage& new_image,
                   const InPlaceUpdate& update) {
  const InPlaceRun& run = update.forward.run;
  const uint32_t erase_unit = options.geometry.erase_unit;
  const uint32_t journal = run.journal_area * options.geometry.journals;
  const double per_cent = PerCent(update.file.size(), new_image.bytes.size());
  const DeltaHeader header = ReadHeader(update.forward.delta);
  nlohmann::ordered_json json;
  json["old"] = ImageJson(old_image);
  json["new"] = ImageJson(new_image);
  json["file_size"] = update.file.size();
  json["per_cent_of_new"] = per_cent;
  json["format"] = "in-place";
  json["area"] = run.area;
  json["erase_unit"] = erase_unit;
  json["program_unit"] = options.geometry.program_unit;
  json["spare_sectors"] = update.spare;
  json["journal_areas"] = options.geometry.journals;
  json["journal_bytes"] = journal;
  json["scratch_sectors"] = update.scratch;
  json["forward"] = DirectionJson(update.forward);
  json["inverse"] = update.inverse ? DirectionJson(*update.inverse) : nlohmann::ordered_json();
  AddCodecJson(json, header, update.forward.delta, InPlaceRam(header));
  std::string text =
      "old          " + ImageText(old_image) + "new          " + ImageText(new_image);
  text +=
      fmt::format("file         {:>10} bytes  {:.2f} % of new; header {}{}\n", update.file.size(),
                  per_cent, kInPlaceHeaderSize, update.inverse ? ", and both deltas" : "");
  text += DirectionText("forward", update.forward);
  if (update.inverse) text += DirectionText("inverse", *update.inverse);
  text += fmt::format(
      "image area   {:>10} bytes  {} sectors of {}, {} more than the larger image\n"
      "journal      {:>10} bytes  {} areas\n"
      "scratch      {:>10} sectors beyond the larger image, journal included; and the file\n",
      run.area, run.area / erase_unit, erase_unit, update.spare, journal, options.geometry.journals,
      update.scratch);
  text += CodecText(header, update.forward.delta, InPlaceRam(header));
  PrintReport(options.report, options.delta_name == "-", text, json);
}

// Refuses what is no use to an update in place, and its options without it.
void CheckInPlaceOptions(const CLI::App& command, const Options& options) {
  if (!options.in_place) {
    for (const char* name : kInPlaceOptions) {
      if (command.count(name) != 0) ThrowUsage(command, fmt::format("{} is for --in-place", name));
    }
    return;
  }
  if (options.format != "mote") ThrowUsage(command, "--in-place is for --format mote");
  if (options.codec != "model") ThrowUsage(command, "--in-place is for --codec model");
  for (const auto& [name, size] : {std::pair("--area", options.area),
                                   {"--staging", options.staging},
                                   {"--buffer", options.buffer}}) {
    if (size && *size == 0) ThrowUsage(command, fmt::format("{} must not be 0", name));
  }
}

// Refuses options that would have no effect.
void CheckCodecOptions(const CLI::App& command, const Options& options) {
  if (options.format == "bsdiff40" && command.count("--codec") != 0) {
    ThrowUsage(command, "--codec is for --format mote: bsdiff40 always packs with bz2");
  }
  const std::string codec = options.format == "mote" ? options.codec : "";
  if (options.window && codec != "lzss") ThrowUsage(command, "--window is for --codec lzss");
  if (options.window &&
      (*options.window < lzss::kMinWindowBits || *options.window > lzss::kMaxWindowBits)) {
    ThrowUsage(command, fmt::format("--window must be {} to {}", lzss::kMinWindowBits,
                                    lzss::kMaxWindowBits));
  }
  if (options.ram && (codec.empty() || !DecoderRam(*CodecByName(codec), 0))) {
    ThrowUsage(command, "--ram is for --codec model, lzss and raw: no device decodes the others");
  }
  if (codec != "model") {
    for (const char* name : {"--arch", "--base", "--old-base", "--new-base", "--effort"}) {
      if (command.count(name) != 0) {
        ThrowUsage(command, fmt::format("{} is for --codec model", name));
      }
    }
    for (uint32_t i = 1; i <= kMaxEffort; ++i) {
      if (command.count(fmt::format("-{}", i)) != 0) {
        ThrowUsage(command, fmt::format("-{} is for --codec model", i));
      }
    }
  }
  if (options.effort == 0 || options.effort > kMaxEffort) {
    ThrowUsage(command, fmt::format("--effort must be 1 to {}", kMaxEffort));
  }
}

void Run(const CLI::App& command, const Options& options) {
  if (options.old_name == "-" && options.new_name == "-") {
    ThrowUsage(command, "standard input can be OLD or NEW, not both");
  }
  if (IsSameFile(options.delta_name, options.old_name) ||
      IsSameFile(options.delta_name, options.new_name)) {
    ThrowUsage(command, "DELTA would overwrite OLD or NEW");
  }
  CheckCodecOptions(command, options);
  CheckInPlaceOptions(command, options);
  const InputImage old_image = ReadImageAt(options.old_name, options.input, options.OldBase());
  const InputImage new_image = ReadImageAt(options.new_name, options.input, options.NewBase());
  OutputFile output(options.delta_name);
  if (options.in_place) {
    const InPlaceUpdate update =
        AboutFile("diff", [&] { return MakeInPlace(options, old_image, new_image); });
    output.Commit(update.file);
    ReportInPlace(options, old_image, new_image, update);
    return;
  }
  const std::vector<uint8_t> delta =
      AboutFile("diff", [&] { return MakeDelta(options, old_image, new_image); });
  output.Commit(delta);
  Report(options, old_image, new_image, delta);
}

// --effort and its short forms; the last one on the command line counts.
void AddEffortOptions(CLI::App& command, uint32_t& effort) {
  AddSizeOption(
      command, "--effort", effort, "N",
      fmt::format("1 to {0}, or -1 to -{0}: how hard to look for a smaller delta, model only [{1}]",
                  kMaxEffort, effort));
  command.get_option("--effort")->trigger_on_parse();
  for (uint32_t i = 1; i <= kMaxEffort; ++i) {
    // Without a group it has no line of its own in the help.
    command.add_flag_callback(fmt::format("-{}", i), [&effort, i] { effort = i; })
        ->trigger_on_parse()
        ->group("");
  }
}

// With --in-place on the command line, the help is about that: both pages fit a screen.
void AddInPlaceOptions(CLI::App& command, Options& options) {
  const InPlaceGeometry defaults;
  command
      .add_flag_callback(
          "--in-place",
          [&command, &options] {
            options.in_place = true;
            command.description(kInPlaceForms);
            const std::string footer = command.get_footer();
            command.footer(footer.substr(0, footer.find("\n\n")) + "\n\n" + kInPlaceExamples);
            for (CLI::Option* option : command.get_options()) {
              if (option->nonpositional() && !option->check_name("-h")) option->group("");
            }
            for (const char* name : kInPlaceOptions) command.get_option(name)->group("Options");
          },
          "for a device with room for one image only: mote diff --in-place --help")
      ->trigger_on_parse();
  AddSizeOption(command, "--area", options.area, "BYTES",
                fmt::format("image area; K and KiB allowed [the larger image and {} sectors]",
                            kDefaultSpare));
  AddSizeOption(command, "--erase-unit", options.geometry.erase_unit, "BYTES",
                fmt::format("a sector: what one erase clears [{}]", defaults.erase_unit));
  AddSizeOption(
      command, "--program-unit", options.geometry.program_unit, "BYTES",
      fmt::format("what is programmed at once, a power of two [{}]", defaults.program_unit));
  AddSizeOption(command, "--buffer", options.buffer, "BYTES",
                "the bootloader's sector buffer [a sector, or a part of it up to 4 KiB]");
  AddSizeOption(command, "--staging", options.staging, "BYTES",
                "where the device keeps FILE: not larger than this [no limit]");
  AddSizeOption(
      command, "--journal", options.geometry.journals, "N",
      fmt::format("areas for checkpoints, 2 to 255: the more, the fewer erases of each [{}]",
                  defaults.journals));
  command.add_flag("--reversible", options.reversible,
                   "FILE has the delta that takes NEW back to OLD, too");
  for (const char* name : kInPlaceOptions) command.get_option(name)->group("");
}

}  // namespace

void AddDiffCommand(CLI::App& app) {
  CLI::App* command = AddCommand(app, "diff", kForms, fmt::format("{}\n\n{}", RamHelp(), kExamples),
                                 {Status::kDone, Status::kBadArgument, Status::kDoesNotFit,
                                  Status::kUnsupported, Status::kFileError, Status::kBadImage});
  const auto options = std::make_shared<Options>();
  command->add_option("OLD", options->old_name)->required();
  command->add_option("NEW", options->new_name)->required();
  command->add_option("DELTA", options->delta_name)->required();
  command
      ->add_option(
          "--codec", options->codec,
          fmt::format("model, lzss, raw, or for hosts only bz2, zstd, lz4 [{}]", options->codec))
      ->type_name("NAME")
      ->check(CLI::IsMember({"model", "lzss", "raw", "bz2", "zstd", "lz4"}));
  command->add_option("--format", options->format, "mote, or bsdiff40 for bspatch [mote]")
      ->type_name("NAME")
      ->check(CLI::IsMember({"mote", "bsdiff40"}));
  AddSizeOption(*command, "--window", options->window, "BITS",
                "LZSS window of 2^BITS bytes, 8 to 15 [what gives the smallest delta]");
  AddSizeOption(*command, "--ram", options->ram, "BYTES",
                "RAM for the decoder, without sector buffer; K and KiB allowed [no limit]");
  command
      ->add_option("--arch", options->architecture,
                   "thumb, xtensa, riscv, aarch64, tc32, 8051, mips, words (pointers alone);\n"
                   "big-endian: xtensa-be, mips-be, words-be [auto: what is best]. Firmware\n"
                   "built with MOTE_ONE_ARCHITECTURE decodes its own and words: name it then")
      ->type_name("NAME")
      ->check(CLI::IsMember(ArchitectureNames()));
  AddSizeOption(*command, "--base", options->base, "ADDR",
                "load address of OLD and NEW [what HEX, ELF or UF2 say; else a guess]");
  AddSizeOption(*command, "--old-base", options->old_base, "ADDR",
                "of OLD alone, where NEW runs elsewhere [--base]");
  AddSizeOption(*command, "--new-base", options->new_base, "ADDR", "of NEW alone [--base]");
  AddEffortOptions(*command, options->effort);
  AddInPlaceOptions(*command, *options);
  AddInputOptions(*command, options->input);
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
