// SPDX-License-Identifier: Apache-2.0
// mote provision: the record that a device with trust leaves the factory with.
#include <stdint.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "agent/layout.h"
#include "agent/metadata.h"
#include "release/manifest_reader.h"
#include "release/manifest_writer.h"
#include "release/verify.h"
#include "tools/command_support.h"
#include "tools/commands.h"
#include "tools/key_files.h"
#include "tools/output_file.h"
#include "tools/simulated_flash.h"

namespace mote::tools {
namespace {

constexpr const char* kForms =
    "mote provision RELEASE OUT --slots N --slot I --page-size BYTES --program-unit BYTES\n"
    "\n"
    "Writes the first page of a device's metadata: slot I holds the image of RELEASE, confirmed. "
    "A\n"
    "device with trust starts nothing without it; the factory programs it where the metadata "
    "begin,\n"
    "and the image into slot I. The options are those of the device's layout (agent/layout.h).";

constexpr const char* kExamples =
    "Examples\n"
    "  mote provision v1.release metadata.bin --slots 2 --slot 0 --page-size 1K --program-unit 4\n"
    "  mote provision v1.release metadata.bin --slots 2 --slot 0 --page-size 4K --program-unit 8 "
    "\\\n"
    "    --pages 2 --root vendor.pub.pem";

struct Options {
  std::string release_name, output_name, root_name;
  std::optional<uint32_t> slots, slot, page_size, program_unit;
  uint32_t pages = kMaxMetadataPages;
  ReportOptions report;
};

// So much of a device as its own code asks for: pages of metadata, and behind them slots that the
// image fits into. What is not in the record (where slots are, erase units) may be anything.
struct Device {
  Device(const Options& options, uint32_t image_size)
      : part({.size = *options.page_size * options.pages +
                      *options.slots * SlotSize(options, image_size),
              .erase_unit = *options.page_size,
              .program_unit = *options.program_unit},
             1),
        flash(part.flash()) {
    const uint32_t metadata_size = *options.page_size * options.pages;
    const uint32_t slot_size = SlotSize(options, image_size);
    part.Blank(0, part.geometry().size);
    trust.verifier = HostSignatureVerifier();
    for (uint32_t i = 0; i < *options.slots; ++i) {
      layout.slots[i] = {
          {&flash, metadata_size + i * slot_size, slot_size}, kAnyAddress, true, false};
    }
    layout.count = static_cast<uint8_t>(*options.slots);
    layout.default_slot = static_cast<uint8_t>(*options.slot);
    layout.trial_boots = 1;
    layout.metadata = {&flash, 0, *options.page_size, static_cast<uint8_t>(options.pages)};
    layout.trust = &trust;
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  static uint32_t SlotSize(const Options& options, uint32_t image_size) {
    const uint32_t unit = *options.page_size;
    return (image_size / unit + 1) * unit;
  }

  SimulatedFlash part;
  Flash flash;
  Trust trust{};
  Layout layout{};
};

// The same from here on as on the device: its own code writes and reads the record.
std::vector<uint8_t> MakePage(const Options& options, const Release& release) {
  const VendorPart vendor = release.vendor();
  Device device(options, vendor.size);
  Metadata metadata;
  if (metadata.Load(device.layout) != Status::kDone) {
    throw Error(Status::kBadArgument, "no device has such a layout: see agent/layout.h");
  }
  const uint8_t index = device.layout.default_slot;
  SlotRecord& slot = metadata.slot(index);
  ProvisionRecord(slot, release.bytes());
  slot.update = 1;
  metadata.trust.security_counter = vendor.security_counter;
  Metadata loaded;
  if (metadata.Commit() != Status::kDone || loaded.Load(device.layout) != Status::kDone ||
      loaded.empty() || !loaded.certain() || loaded.slot(index).state != SlotState::kConfirmed ||
      !loaded.slot(index).has_release || loaded.trust.security_counter != vendor.security_counter ||
      !std::equal(slot.release, slot.release + kMaxVendorSigned, loaded.slot(index).release)) {
    throw std::logic_error("the record does not read back");
  }
  const std::span<const uint8_t> page = device.part.Content(0, *options.page_size);
  return {page.begin(), page.end()};
}

void CheckOptions(const CLI::App& command, const Options& options) {
  if (!options.slots) ThrowUsage(command, "--slots is required");
  if (!options.slot) ThrowUsage(command, "--slot is required");
  if (!options.page_size) ThrowUsage(command, "--page-size is required");
  if (!options.program_unit) ThrowUsage(command, "--program-unit is required");
  if (*options.slots == 0 || *options.slots > kMaxSlots) {
    ThrowUsage(command, fmt::format("--slots: a device has 1 to {}", kMaxSlots));
  }
  if (*options.slot >= *options.slots) ThrowUsage(command, "--slot: the first one is 0");
  if (options.pages < 2 || options.pages > kMaxMetadataPages) {
    ThrowUsage(command, fmt::format("--pages: metadata have 2 to {}", kMaxMetadataPages));
  }
  const uint32_t unit = *options.program_unit;
  if (unit == 0 || (unit & (unit - 1)) != 0 || unit > kMaxMetadataUnit) {
    ThrowUsage(command,
               fmt::format("--program-unit: a power of two, at most {}", kMaxMetadataUnit));
  }
  constexpr uint32_t kMaxPage = 1 << 20;  // of no use, and a device would be slow with it
  const uint32_t least = MetadataPageSize(static_cast<uint8_t>(*options.slots), unit, true);
  if (*options.page_size < least || *options.page_size % unit != 0 ||
      *options.page_size > kMaxPage) {
    ThrowUsage(command, fmt::format("--page-size: a multiple of the program unit, {} to {} bytes",
                                    least, kMaxPage));
  }
}

void Run(const CLI::App& command, const Options& options) {
  CheckOptions(command, options);
  if (IsSameFile(options.output_name, options.release_name)) {
    ThrowUsage(command, "the output would overwrite the release");
  }
  const std::vector<uint8_t> file = ReadBytes(options.release_name);
  const Release release = AboutFile(options.release_name, [&] { return Release(file); });
  if (!options.root_name.empty()) {
    const TrustedKeys trusted{ReadVerifyingKey(options.root_name)};
    AboutFile(options.release_name, [&] { VerifyVendor(ReadOffer(file), trusted); });
  }
  const VendorPart vendor = release.vendor();
  // The slots have to lie within 32 bits.
  if (vendor.size > std::numeric_limits<uint32_t>::max() / 2 / kMaxSlots) {
    throw Error(Status::kDoesNotFit, options.release_name + ": an image of this size fits no slot");
  }
  OutputFile output(options.output_name);
  const std::vector<uint8_t> page = MakePage(options, release);
  output.Commit(page);
  nlohmann::ordered_json json;
  AddVendorJson(json, vendor);
  json["slot"] = *options.slot;
  json["size"] = page.size();
  PrintReport(options.report, options.output_name == "-",
              fmt::format("{}slot         {:>10} of {}, confirmed\n"
                          "page         {:>10} bytes\n",
                          VendorText(vendor), *options.slot, *options.slots, page.size()),
              json);
}

}  // namespace

void AddProvisionCommand(CLI::App& app) {
  CLI::App* command =
      AddCommand(app, "provision", kForms, kExamples,
                 {Status::kDone, Status::kBadArgument, Status::kCorrupt, Status::kDoesNotFit,
                  Status::kUnsupported, Status::kFileError, Status::kBadSignature});
  const auto options = std::make_shared<Options>();
  command->add_option("RELEASE", options->release_name)->required();
  command->add_option("OUT", options->output_name)->required();
  AddSizeOption(*command, "--slots", options->slots, "N", "slots of the device");
  AddSizeOption(*command, "--slot", options->slot, "I",
                "the one that the image is in; 0 is the first");
  AddSizeOption(*command, "--page-size", options->page_size, "BYTES", "of a page of metadata");
  AddSizeOption(*command, "--program-unit", options->program_unit, "BYTES", "of their flash");
  AddSizeOption(*command, "--pages", options->pages, "N",
                fmt::format("pages of metadata, of which this is the first [{}]", options->pages));
  command
      ->add_option("--root", options->root_name,
                   "check that the release is by this vendor's public key [no]")
      ->type_name("FILE");
  AddReportOptions(*command, options->report, true);
  command->final_callback([command, options] { Run(*command, *options); });
}

}  // namespace mote::tools
