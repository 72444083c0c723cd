// SPDX-License-Identifier: Apache-2.0
// mote patch: applies a delta as a device does, on a simulated flash.
#include <stdint.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "diff/diff.h"
#include "diff/in_place.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/device_update.h"
#include "tools/output_file.h"
#include "tools/progress.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote patch OLD DELTA NEW [options]\n"
    "\n"
    "Applies DELTA to OLD with the code that runs on devices, on a simulated flash with two slots, "
    "and\n"
    "writes the image from the second slot to NEW. NEW may be OLD: it is replaced only when the "
    "new\n"
    "image is complete and its check holds. Deltas that no device decodes (bz2, zstd, lz4, "
    "bsdiff40)\n"
    "are applied without the flash; the options of the device are refused for them. Files of mote "
    "diff\n"
    "--in-place are applied within one image area, whose size --slot is then.";

constexpr const char* kExamples =
    "Examples\n"
    "  mote patch v1.bin update.mote v2.bin\n"
    "  mote patch v1.bin update.mote v2.bin --sector 2K --program-unit 8 --slot 96K --ram 4K\n"
    "  mote patch v1.bin - v2.bin --json < update.mote\n"
    "  mote patch v2.bin update.inplace v1.bin --undo";

struct Options {
  std::string old_name;
  std::string delta_name;
  std::string new_name;
  Device device;
  bool undo = false;
  InputOptions input;
  ReportOptions report;
};

struct Result {
  std::vector<uint8_t> image;
  size_t delta_size = 0;
  std::string text;
  nlohmann::ordered_json json;
};

void CheckDevice(const CLI::App& command, const Device& device) {
  const uint32_t unit = device.program_unit;
  if (unit == 0 || (unit & (unit - 1)) != 0) {
    ThrowUsage(command, "--program-unit must be a power of two");
  }
  if (device.sector == 0 || device.sector % unit != 0) {
    ThrowUsage(command, fmt::format("--sector must be a multiple of the program unit, {}", unit));
  }
  if (device.slot && (*device.slot == 0 || *device.slot % device.sector != 0)) {
    ThrowUsage(command, fmt::format("--slot must be a multiple of the sector, {}", device.sector));
  }
}

// What both ways of a device have in common.
Result OnFlash(const Device& device, std::vector<uint8_t> image, size_t delta_size, uint64_t erased,
               uint64_t programmed) {
  Result result;
  result.image = std::move(image);
  result.delta_size = delta_size;
  result.json["sectors_erased"] = erased;
  result.json["bytes_programmed"] = programmed;
  result.json["sector"] = device.sector;
  result.json["program_unit"] = device.program_unit;
  return result;
}

Result PatchOnDevice(const Device& device, const std::vector<uint8_t>& old_image,
                     const std::vector<uint8_t>& delta) {
  Progress progress("patching");
  DeviceUpdate update =
      UpdateDevice(device, old_image, delta, [&progress](double share) { progress.Update(share); });
  const uint64_t ram = uint64_t{update.decoder_ram} + device.sector;
  Result result = OnFlash(device, std::move(update.new_image), delta.size(), update.sectors_erased,
                          update.bytes_programmed);
  result.json["slot"] = update.slot;
  result.json["decoder_ram"] = update.decoder_ram;
  result.json["device_ram"] = ram;
  result.text = fmt::format(
      "flash        {:>10} bytes programmed, {} sectors of {} erased\n"
      "RAM          {:>10} bytes  decoder {}, sector buffer {}\n",
      update.bytes_programmed, update.sectors_erased, device.sector, ram, update.decoder_ram,
      device.sector);
  return result;
}

// `file` is as mote diff --in-place made it.
Result PatchInPlace(const Options& options, const std::vector<uint8_t>& old_image,
                    const std::vector<uint8_t>& file) {
  const InPlaceFile parts = ReadInPlaceFile(file);
  if (options.undo && parts.inverse.empty()) {
    throw Error(Status::kBadArgument, "there is no way back in it: make it with --reversible");
  }
  const std::span<const uint8_t> delta = options.undo ? parts.inverse : parts.forward;
  const Device& device = options.device;
  RequireRam(device, InPlaceRam(ReadHeader(delta)));
  InPlaceRun run = RunInPlace(old_image, delta,
                              {.erase_unit = device.sector,
                               .program_unit = device.program_unit,
                               .area = device.slot.value_or(0)});
  Result result =
      OnFlash(device, std::move(run.new_image), delta.size(), run.erased, run.programmed);
  result.json["area"] = run.area;
  result.json["shift"] = run.shift;
  result.json["interval"] = run.interval;
  result.json["checkpoints"] = run.checkpoints;
  result.json["worst_sector_erases"] = run.erases.worst();
  result.text = fmt::format(
      "flash        {:>10} bytes programmed, {} sectors of {} erased, none more than {} times\n"
      "image area   {:>10} bytes  {}; moved up by {} sectors, {} checkpoints\n",
      run.programmed, run.erased, device.sector, run.erases.worst(), run.area,
      device.slot ? "as given" : "the smallest that is enough", run.shift, run.checkpoints);
  return result;
}

Result PatchOnHost(const std::vector<uint8_t>& old_image, const std::vector<uint8_t>& delta) {
  Result result;
  result.image = ApplyOnHost(old_image, delta);
  result.delta_size = delta.size();
  result.json["device_ram"] = nullptr;
  result.text = "flash        not used: no device decodes this delta\n";
  return result;
}

void Report(const Options& options, const Result& result) {
  nlohmann::ordered_json json;
  json["status"] = StatusName(Status::kDone);
  json["delta_size"] = result.delta_size;
  json["new_size"] = result.image.size();
  json["sha256"] = Sha256Hex(result.image);
  json.update(result.json);
  PrintReport(options.report, options.new_name == "-",
              fmt::format("new          {:>10} bytes  from a delta of {}, {:.2f} %\n"
                          "sha256       {}\n{}",
                          result.image.size(), result.delta_size,
                          PerCent(result.delta_size, result.image.size()), Sha256Hex(result.image),
                          result.text),
              json);
}

void Run(const CLI::App& command, const Options& options) {
  if (options.old_name == "-" && options.delta_name == "-") {
    ThrowUsage(command, "standard input can be OLD or DELTA, not both");
  }
  if (IsSameFile(options.new_name, options.delta_name)) {
    ThrowUsage(command, "NEW would overwrite DELTA");
  }
  CheckDevice(command, options.device);
  const bool device_wanted = command.count("--sector") + command.count("--program-unit") +
                                 command.count("--slot") + command.count("--ram") !=
                             0;
  const InputImage old_image = ReadImage(options.old_name, options.input);
  const std::vector<uint8_t> delta = ReadBytes(options.delta_name);
  OutputFile output(options.new_name);
  Result result = AboutUpdate(options.old_name, options.delta_name, [&] {
    if (IsInPlaceFile(delta)) return PatchInPlace(options, old_image.bytes, delta);
    if (options.undo) {
      throw Error(Status::kBadArgument, "--undo is for files of mote diff --in-place --reversible");
    }
    if (IsForDevices(delta)) return PatchOnDevice(options.device, old_image.bytes, delta);
    if (device_wanted) {
      throw Error(Status::kUnsupported,
                  "no device decodes this delta: make it with --codec model, lzss or raw");
    }
    return PatchOnHost(old_image.bytes, delta);
  });
  output.Commit(result.image);
  Report(options, result);
}

}  // namespace

void AddPatchCommand(CLI::App& app) {
  CLI::App* command =
      AddCommand(app, "patch", kForms,
                 fmt::format("{}\nThe sector buffer is one sector.\n\n{}", RamHelp(), kExamples),
                 {Status::kDone, Status::kNeedInput, Status::kBadArgument, Status::kCorrupt,
                  Status::kWrongBase, Status::kDoesNotFit, Status::kUnsupported,
                  Status::kFlashError, Status::kReadError, Status::kFileError, Status::kBadImage});
  const auto options = std::make_shared<Options>();
  command->add_option("OLD", options->old_name)->required();
  command->add_option("DELTA", options->delta_name)->required();
  command->add_option("NEW", options->new_name)->required();
  AddSizeOption(
      *command, "--sector", options->device.sector, "BYTES",
      fmt::format("what one erase clears; K and KiB allowed [{}]", options->device.sector));
  AddSizeOption(
      *command, "--program-unit", options->device.program_unit, "BYTES",
      fmt::format("what is programmed at once, a power of two [{}]", options->device.program_unit));
  AddSizeOption(*command, "--slot", options->device.slot, "BYTES",
                "size of each slot; K and KiB allowed [OLD or NEW, in whole sectors]");
  AddSizeOption(*command, "--ram", options->device.ram, "BYTES",
                "RAM for the decoder, without sector buffer [what the delta needs]");
  command->add_flag("--undo", options->undo,
                    "apply the way back, from a file of mote diff --in-place --reversible");
  AddInputOptions(*command, options->input);
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
