//===- PlanView.h - A plan of any machine, read but not run
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// modelc_open refuses plans for other machines; inspect and verify do not run
// anything, so they read the tables through the runtime's own checks.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_PLANVIEW_H
#define MODELC_TOOLS_MODELC_PLANVIEW_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/MappedFile.h"
#include "load/PlanTables.h"
#include "tools/modelc/Commands.h"
#include <memory>
#include <string>
#include <variant>

namespace modelc::tools {

/// Tables that point into the file's mapping.
struct PlanView {
  std::string name; ///< File name without directory, for messages.
  gguf::MappedFile file;
  rt::PlanTables tables;
};

/// Maps and checks the plan at `path`: all of it but the weights' bytes.
absl::StatusOr<std::unique_ptr<PlanView>> openPlanView(llvm::StringRef path);

/// Parses the arguments of a command over one plan, with the options that
/// `line` has beside --help, and opens the plan; or the exit status, where help
/// or an error was printed instead.
std::variant<std::unique_ptr<PlanView>, int>
openPlanArgument(CommandLine &line, Arguments arguments, const char *usage);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_PLANVIEW_H
