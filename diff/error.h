// SPDX-License-Identifier: Apache-2.0
// How host code reports failure: an exception that carries a Status and a sentence for a person.
#pragma once

#include <stdexcept>
#include <string>

#include "patch/status.h"

namespace mote {

/// Thrown by host functions. `what()` says what happened, where, and what to do about it.
class Error : public std::runtime_error {
 public:
  Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  Status status() const { return status_; }

 private:
  Status status_;
};

}  // namespace mote
