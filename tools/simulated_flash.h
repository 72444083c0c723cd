// SPDX-License-Identifier: Apache-2.0
// A NOR flash in memory that behaves like the worst real one, for tests and simulations.
//
//   mote::SimulatedFlash simulated({.size = 1 << 20, .erase_unit = 4096, .program_unit = 4}, 1);
//   simulated.Load(0, old_image);  // as a programmer in the factory does
//   simulated.Forbid(0, 1 << 19, mote::SimulatedFlash::kChange);
//   const mote::Flash flash = simulated.flash();  // refers to `simulated`
//   updater.Init({{&flash, 0, ...}, {&flash, 1 << 19, ...}, ...});
//   ...
//   EXPECT_TRUE(simulated.violations().empty());
//
// Where real parts differ, it takes the side that hurts:
//  - Programming only clears bits (only sets them where the erased value is 0x00); it never
//    restores an erased byte.
//  - Each program unit may be programmed once after an erase, with any content, even the erased
//    value (parts with error correction).
//  - A fresh part does not hold erased bytes but garbage, and counts as not erased.
//  - An operation that the power cut interrupted leaves garbage that is the same on every run with
//    the same seed; what it touched counts as not erased, even where it reads so: such cells are
//    not reliable. With Cut::kUnstable they read differently each time the power comes back, with
//    Cut::kNoisy at every read, until an erase of them is completed.
//  - Operations that are unaligned, out of range, of no bytes or on a forbidden region fail and are
//    recorded as violations.
//
// Everything is deterministic: seed, content and sequence of calls decide all that is read. It can
// be copied, which makes a snapshot: the flash() of the copy refers to the copy. Not thread-safe.
#pragma once

#include <stdint.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stream/flash.h"

namespace mote {

class SimulatedFlash {
 public:
  struct Geometry {
    uint32_t size;                ///< bytes, a multiple of erase_unit
    uint32_t erase_unit;          ///< bytes, a multiple of program_unit; need not be a power of two
    uint32_t program_unit;        ///< bytes, a power of two
    uint8_t erased_value = 0xFF;  ///< 0xFF or 0x00
    /// Where the part has larger erase units, in order and apart; they are multiples of erase_unit,
    /// and start and size are multiples of them.
    struct Larger {
      uint32_t offset, size, erase_unit;
    };
    std::vector<Larger> larger = {};
  };

  /// Kinds of operations; they add up where several are meant.
  enum Operation : unsigned { kRead = 1, kErase = 2, kProgram = 4 };
  static constexpr unsigned kAll = kRead | kErase | kProgram;
  static constexpr unsigned kChange = kErase | kProgram;

  /// A call that no real flash may get. `reason` is a sentence for the person who reads the test's
  /// failure.
  struct Violation {
    Operation operation;
    uint32_t offset;
    uint32_t size;
    std::string reason;
  };

  /// A part full of garbage that the seed decides. The seed also decides what torn operations
  /// leave. Throws std::invalid_argument for a geometry that breaks the rules above.
  SimulatedFlash(const Geometry& geometry, uint64_t seed);

  /// What a driver hands to mote. It refers to this object, which must stay where it is meanwhile.
  Flash flash() { return FlashAt(0); }
  /// For what is in a region of larger erase units; the same part otherwise.
  Flash FlashAt(uint32_t offset);
  uint32_t EraseUnitAt(uint32_t offset) const;
  const Geometry& geometry() const { return geometry_; }

  // ---- Looking and preparing: not operations; neither counted, nor failing, nor recorded.

  /// Puts content there as a programmer in the factory does. The units that it touches count as
  /// programmed.
  void Load(uint32_t offset, std::span<const uint8_t> content);
  /// Makes whole erase units of [offset, offset + size) erased. Throws std::invalid_argument if
  /// they are not whole.
  void Blank(uint32_t offset, uint32_t size);
  /// All bytes as they read now.
  const std::vector<uint8_t>& content() const { return content_; }
  std::span<const uint8_t> Content(uint32_t offset, uint32_t size) const;
  /// Whether all program units that [offset, offset + size) touches were erased and not programmed
  /// since.
  bool IsErased(uint32_t offset, uint32_t size) const;

  // ---- Faults.

  /// From now on each of `operations` that touches [offset, offset + size) fails and is recorded as
  /// a violation.
  void Forbid(uint32_t offset, uint32_t size, unsigned operations);
  void AllowAll() { forbidden_.clear(); }

  /// The operation of one of the kinds `operations` that comes after `skip` others of these kinds,
  /// counted from now on, does nothing and returns `status`; the flash works again afterwards. One
  /// at a time; a new call replaces the last.
  void FailAfter(uint64_t skip, unsigned operations, Status status);

  /// From now on each of `operations` that touches [offset, offset + size) does nothing and returns
  /// `status`: a part that wore out. Not a violation. Repair() undoes all of these.
  void Break(uint32_t offset, uint32_t size, unsigned operations, Status status);
  void Repair() { broken_.clear(); }

  /// What the operation during which the power goes leaves behind.
  enum class Cut {
    kBefore,    ///< nothing of it was done; what it should have touched is as reliable as before
    kTorn,      ///< an erase leaves each byte old, erased or random; a program leaves each bit that
                ///< it should change as it was or changed; rarely nothing or everything is done
    kUnstable,  ///< as kTorn, drawn anew at each PowerUp
    kNoisy,     ///< as kTorn, drawn anew at each read
    kAfter,     ///< all of it, but the caller does not get to know
  };
  /// The power goes during the erase or program operation that comes after `skip` others, counted
  /// from now on. Then every operation fails until PowerUp.
  void CutPowerAfter(uint64_t skip, Cut cut = Cut::kTorn);
  /// What operations that are torn from now on leave is decided by `seed`: for copies of one
  /// snapshot.
  void Reseed(uint64_t seed) { random_ = seed; }
  /// The power goes between two operations.
  void PowerDown() { powered_ = false; }
  bool powered() const { return powered_; }
  /// Power is back. A cut that did not happen yet is called off.
  void PowerUp();

  // ---- What happened.

  /// Operations of these kinds since the start, failed ones and violations included, those without
  /// power not.
  uint64_t operations(unsigned kinds = kAll) const;
  /// Calls while the power was off; code that stops at the first error makes none.
  uint64_t calls_without_power() const { return calls_without_power_; }
  /// Erases, torn ones included, for each erase unit of the part; a larger one is counted at its
  /// start.
  const std::vector<uint32_t>& erases() const { return erases_; }
  /// Programs, torn ones included, for each program unit of the part.
  const std::vector<uint32_t>& programs() const { return programs_; }
  /// One past the highest byte read so far, and the lowest one; 0 and UINT32_MAX before.
  uint32_t read_end() const { return read_end_; }
  uint32_t read_start() const { return read_start_; }
  /// In order; at most kMaxViolations are kept, all are counted.
  const std::vector<Violation>& violations() const { return violations_; }
  uint64_t violation_count() const { return violation_count_; }
  static constexpr size_t kMaxViolations = 64;
  /// "" if there are none, else a line for each that is kept.
  std::string DescribeViolations() const;

 private:
  struct Region {
    uint32_t offset, size;
    unsigned operations;
    Status status = Status::kDone;  // broken ones only
  };
  // What an operation that was cut may have left of [offset, offset + before.size()).
  struct Unstable {
    Operation operation;
    uint32_t offset;
    std::vector<uint8_t> before, after;
    bool noisy;
  };

  static Status Read(void* self, uint32_t offset, uint8_t* to, uint32_t size);
  static Status Erase(void* self, uint32_t offset);
  static Status Program(void* self, uint32_t offset, const uint8_t* data, uint32_t size);

  std::optional<Status> Enter(Operation operation, uint32_t offset, uint32_t size);
  Status Record(Operation operation, uint32_t offset, uint32_t size, std::string reason);
  bool TearsNow();
  void Tear(Operation operation, uint32_t offset, std::vector<uint8_t> after);
  void Draw(const Unstable& torn) { Draw(torn, 0, torn.before.size()); }
  void Draw(const Unstable& torn, size_t from, size_t to);
  void Forget(uint32_t offset, size_t size);
  uint8_t Programmed(uint8_t before, uint8_t data) const;
  uint64_t Random();

  Geometry geometry_;
  uint64_t random_;
  std::vector<uint8_t> content_;
  std::vector<bool> erased_;  // for each program unit
  std::vector<Region> forbidden_;
  struct {
    uint64_t skip = 0;
    unsigned operations = 0;
    Status status = Status::kDone;
  } failure_;
  std::vector<Region> broken_;
  std::vector<Unstable> unstable_;
  std::optional<uint64_t> cut_;  // changes left before the power goes
  Cut cut_kind_ = Cut::kTorn;
  bool powered_ = true;
  uint64_t counts_[3] = {};
  uint64_t calls_without_power_ = 0;
  std::vector<uint32_t> erases_;
  std::vector<uint32_t> programs_;
  uint32_t read_start_ = UINT32_MAX;
  uint32_t read_end_ = 0;
  std::vector<Violation> violations_;
  uint64_t violation_count_ = 0;
};

}  // namespace mote
