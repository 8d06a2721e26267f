//===- PlanView.cpp - A plan of any machine, read but not run
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mapping and the runtime's readPlan; a command line with one plan.
//
//===----------------------------------------------------------------------===//

#include "tools/modelc/PlanView.h"
#include "load/ReadPlan.h"
#include "llvm/Support/Path.h"
#include <cstdio>

using namespace modelc;
using namespace modelc::tools;

absl::StatusOr<std::unique_ptr<PlanView>>
tools::openPlanView(llvm::StringRef path) {
  absl::StatusOr<gguf::MappedFile> file = gguf::MappedFile::open(path);
  if (!file.ok())
    return file.status();
  auto view = std::make_unique<PlanView>(
      PlanView{llvm::sys::path::filename(path).str(), std::move(*file), {}});
  modelc_status status;
  rt::Reporter reporter(view->name.c_str(), &status);
  llvm::ArrayRef<uint8_t> bytes = view->file.bytes();
  if (modelc_code code = rt::readPlan({bytes.data(), bytes.size()}, {},
                                      reporter, &view->tables))
    return absl::Status(static_cast<absl::StatusCode>(code), status.message);
  return view;
}

std::variant<std::unique_ptr<PlanView>, int>
tools::openPlanArgument(CommandLine &line, Arguments arguments,
                        const char *usage) {
  bool help = false;
  std::string error;
  addHelpFlags(line, &help);
  if (!line.parse(arguments, &error))
    return reportUsage(error, usage);
  if (help) {
    std::printf("%s\n", usage);
    return 0;
  }
  if (line.positionals().size() != 1)
    return reportUsage("expected one plan", usage);
  absl::StatusOr<std::unique_ptr<PlanView>> view =
      openPlanView(line.positionals()[0]);
  if (!view.ok())
    return reportFailure(view.status());
  return *std::move(view);
}
