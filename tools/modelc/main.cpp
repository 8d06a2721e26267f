//===- main.cpp - The compiler's command line
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   modelc compile IN.gguf --target=NAME
//
// Exit status: 0; 1 with a line "error: ..." on stderr; 2 for wrong usage.
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/WriteModel.h"
#include "tools/modelc-run/StandardFiles.h"
#include "tools/modelc/Commands.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <cstdio>
#include <system_error>

using namespace modelc;
using namespace modelc::tools;

namespace {

struct Command {
  const char *name;
  const char *summary;
  int (*run)(Arguments);
};

constexpr Command kCommands[] = {
    {"compile", "compile a GGUF model to a plan", compileCommand},
    {"inspect", "print what a plan holds", inspectCommand},
    {"run", "compile in memory and run at once", runModelCommand},
    {"targets", "list the targets", targetsCommand},
    {"verify", "check a plan's bytes, also against its source", verifyCommand},
};

constexpr const char *kUsage =
    "usage: modelc compile|inspect|run|targets|verify ...";

} // namespace

void tools::addHelpFlags(CommandLine &line, bool *help) {
  line.addFlag("--help", help);
  line.addFlag("-h", help);
}

int tools::reportFailure(const absl::Status &status) {
  std::string message(status.message());
  for (char &c : message)
    if (c == '\n')
      c = ' ';
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

int tools::reportUsage(const std::string &message, const char *usage) {
  std::fprintf(stderr, "error: %s\n%s\n", message.c_str(), usage);
  return 2;
}

/// What a command printed must have arrived: a full disk is a failure.
static int finishOutput(int status) {
  llvm::outs().flush();
  std::error_code error = llvm::outs().error();
  // LLVM would end the process on an error that is left.
  llvm::outs().clear_error();
  bool lostEarlier = std::ferror(stdout) != 0;
  if (std::fflush(stdout) != 0)
    error = std::error_code(errno, std::generic_category());
  else if (lostEarlier)
    error = std::make_error_code(std::errc::io_error);
  if (status != 0 || !error)
    return status;
  return reportFailure(absl::UnavailableError("stdout: " + error.message()));
}

static int printHelp() {
  std::printf("%s\n\n", kUsage);
  for (const Command &command : kCommands)
    std::printf("  %-9s %s\n", command.name, command.summary);
  std::printf("\nmodelc COMMAND --help tells a command's options.\n");
  return 0;
}

static int runCommandLine(Arguments arguments) {
  if (arguments.empty())
    return reportUsage("no command", kUsage);
  llvm::StringRef name = arguments[0];
  for (const Command &command : kCommands)
    if (name == command.name)
      return command.run(arguments.subspan(1));
  if (name == "--help" || name == "-h")
    return printHelp();
  if (name == "--version") {
    std::printf("%s\n", emit::getCompilerVersion().c_str());
    return 0;
  }
  return reportUsage(("unknown command '" + name + "'").str(), kUsage);
}

int main(int argc, char **argv) {
  prepareStandardFiles();
  return finishOutput(
      runCommandLine(Arguments(argv + 1, argc > 0 ? argc - 1 : 0)));
}
