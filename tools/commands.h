// SPDX-License-Identifier: Apache-2.0
// The subcommands of `mote`. Each adds itself to the command line and runs when it was chosen; what
// goes wrong is thrown as Error, with a message of the form "FILE: what happened: what to do" that
// main() prints.
#pragma once

#include <CLI/CLI.hpp>

namespace mote::tools {

void AddApproveCommand(CLI::App& app);
void AddDiffCommand(CLI::App& app);
void AddInfoCommand(CLI::App& app);
void AddInspectCommand(CLI::App& app);
void AddKeygenCommand(CLI::App& app);
void AddOfferCommand(CLI::App& app);
void AddPatchCommand(CLI::App& app);
void AddProvisionCommand(CLI::App& app);
void AddPushCommand(CLI::App& app);
void AddSignCommand(CLI::App& app);
void AddStatementCommand(CLI::App& app);
void AddTokenCommand(CLI::App& app);
void AddVerifyCommand(CLI::App& app);

}  // namespace mote::tools
