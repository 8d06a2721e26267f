//===- Tuning.cpp - Measured choices in place of a target's regimes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/target/Tuning.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace modelc::target;
using llvm::SmallVector;
using llvm::StringRef;

static constexpr StringRef kFirstLine = "modelc-tuning 1";
/// Stands before Tuning::print() in the options that a plan keeps.
static constexpr StringRef kTuningOption = " --tuning=";

/// What a message quotes of a line of a foreign file.
static std::string quote(StringRef text) {
  constexpr size_t kMost = 60;
  std::string quoted;
  for (char c : text.take_front(kMost))
    quoted += llvm::isPrint(c) ? c : '?';
  return "'" + quoted + (text.size() > kMost ? "...'" : "'");
}

static absl::Status fail(StringRef found, StringRef expected) {
  return absl::InvalidArgumentError(
      ("found " + quote(found) + ", expected " + expected).str());
}

/// A decimal number from `least` to `most` that `unit` divides, as print()
/// writes it.
static bool parseNumber(StringRef text, int64_t least, int64_t most,
                        int64_t unit, int64_t &number) {
  return !text.empty() && text.size() <= 6 && text.front() != '0' &&
         llvm::all_of(text, llvm::isDigit) && !text.getAsInteger(10, number) &&
         number >= least && number <= most && number % unit == 0;
}

static bool isKernelName(StringRef name) {
  return name.starts_with("mc_") && llvm::all_of(name, [](char c) {
           return llvm::isAlnum(c) || c == '_';
         });
}

absl::Status Tuning::add(StringRef entry) {
  auto [kernel, text] = entry.rsplit(':');
  SmallVector<StringRef, 4> parts;
  text.split(parts, 'x');
  MatmulChoice choice;
  if (!isKernelName(kernel) || parts.size() != 4 ||
      !parseNumber(parts[0], 1, 16, 1, choice.rowTile) ||
      !parseNumber(parts[1], 1, 4, 1, choice.imagePanels) ||
      !parseNumber(parts[2], 64, 4096, 64, choice.imageColumns) ||
      !parseNumber(parts[3], 16, 256, 16, choice.tileRows))
    return fail(entry, "KERNEL:ROWSxPANELSxCOLUMNSxTILEROWS (1 to 16, 1 to 4, "
                       "64s up to 4096, 16s up to 256)");
  if (!choices.emplace(kernel.str(), choice).second)
    return fail(kernel, "each kernel once");
  return absl::OkStatus();
}

absl::StatusOr<Tuning> Tuning::parse(StringRef text) {
  Tuning tuning;
  SmallVector<StringRef> entries;
  if (!text.empty())
    text.split(entries, ',');
  for (StringRef entry : entries)
    if (absl::Status status = tuning.add(entry); !status.ok())
      return status;
  return tuning;
}

std::string MatmulChoice::print() const {
  return llvm::formatv("{0}x{1}x{2}x{3}", rowTile, imagePanels, imageColumns,
                       tileRows);
}

std::string Tuning::print() const {
  SmallVector<std::string> entries;
  for (const auto &[kernel, choice] : choices)
    entries.push_back(kernel + ":" + choice.print());
  return llvm::join(entries, ",");
}

const MatmulChoice *Tuning::find(StringRef kernel) const {
  auto it = choices.find(kernel.str());
  return it == choices.end() ? nullptr : &it->second;
}

/// What stands before the choices of one variant.
static std::string getOptionHead(StringRef target) {
  return (kTuningOption + target + (target.empty() ? "" : "/")).str();
}

std::string modelc::target::printTuningOption(StringRef target,
                                              const Tuning &tuning) {
  std::string text = tuning.print();
  return text.empty() ? text : getOptionHead(target) + text;
}

absl::StatusOr<Tuning> modelc::target::parseTuningOption(StringRef options,
                                                         StringRef target) {
  const std::string head = getOptionHead(target);
  const size_t at = options.find(head);
  if (at == options.npos)
    return Tuning();
  return Tuning::parse(options.substr(at + head.size()).split(' ').first);
}

absl::StatusOr<TuningRecord> TuningRecord::parse(StringRef text) {
  TuningRecord record;
  constexpr int kHeadLines = 3;
  int number = 0;
  auto parseLine = [&](StringRef line) -> absl::Status {
    if (number == 1)
      return line == kFirstLine ? absl::OkStatus()
                                : fail(line, quote(kFirstLine));
    if (number == 2) {
      if (!line.consume_front("target ") || line.empty())
        return fail(line, "'target NAME'");
      record.target = line.str();
      return absl::OkStatus();
    }
    if (number > kHeadLines)
      return record.tuning.add(line);
    if (!line.consume_front("ubatch ") ||
        !parseNumber(line, 1, 999999, 1, record.ubatch))
      return fail(line, "'ubatch NUMBER'");
    return absl::OkStatus();
  };
  while (!text.empty() || number < kHeadLines) {
    ++number;
    StringRef line;
    std::tie(line, text) = text.split('\n');
    if (absl::Status status = parseLine(line); !status.ok())
      return absl::InvalidArgumentError(
          llvm::formatv("line {0}: {1}", number, std::string(status.message()))
              .str());
  }
  return record;
}

std::string TuningRecord::print() const {
  std::string text = llvm::formatv("{0}\ntarget {1}\nubatch {2}\n", kFirstLine,
                                   target, ubatch);
  for (const auto &[kernel, choice] : tuning.getChoices())
    text += kernel + ":" + choice.print() + "\n";
  return text;
}

absl::StatusOr<std::vector<TuningRecord>>
modelc::target::parseTuningRecords(StringRef text) {
  const std::string next = ("\n" + kFirstLine + "\n").str();
  SmallVector<StringRef> parts;
  for (size_t at; (at = text.find(next)) != text.npos;) {
    parts.push_back(text.take_front(at + 1));
    text = text.drop_front(at + 1);
  }
  parts.push_back(text);
  std::vector<TuningRecord> records;
  for (StringRef part : parts) {
    absl::StatusOr<TuningRecord> record = TuningRecord::parse(part);
    if (!record.ok() && parts.size() > 1)
      return absl::InvalidArgumentError(
          llvm::formatv("record {0}: {1}", records.size() + 1,
                        std::string(record.status().message()))
              .str());
    if (!record.ok())
      return record.status();
    records.push_back(*std::move(record));
  }
  return records;
}
