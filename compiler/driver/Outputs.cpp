//===- Outputs.cpp - The files that a compile writes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   open plan, report, depfile > ... write all > name all, the plan last
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Outputs.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace modelc;
using namespace modelc::driver;
using support::AtomicFile;

/// The one name of the entry of a folder that `path` is; `path` itself where
/// there is no such folder. A link at the end is not followed, since naming a
/// file replaces the link.
static std::string getEntry(llvm::StringRef path) {
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  llvm::SmallString<256> entry;
  if (llvm::sys::fs::real_path(folder.empty() ? "." : folder, entry))
    return path.str();
  llvm::sys::path::append(entry, llvm::sys::path::filename(path));
  return entry.str().str();
}

static absl::Status checkPaths(llvm::ArrayRef<std::string> paths,
                               const std::string &tunedBy,
                               const gguf::GgufModel &source) {
  std::vector<std::string> entries;
  for (const std::string &path : paths) {
    if (path.empty())
      continue;
    for (const gguf::GgufShard &shard : source.shards())
      if (llvm::sys::fs::equivalent(path, shard.path))
        return absl::InvalidArgumentError(path +
                                          ": cannot write: is the model");
    if (!tunedBy.empty() && llvm::sys::fs::equivalent(path, tunedBy))
      return absl::InvalidArgumentError(path +
                                        ": cannot write: is the tuning record");
    entries.push_back(getEntry(path));
    if (llvm::is_contained(llvm::ArrayRef(entries).drop_back(), entries.back()))
      return absl::InvalidArgumentError(
          path + ": cannot write: is another output too");
  }
  return absl::OkStatus();
}

/// Opens `path` into `file`, if there is one.
static absl::Status open(const std::string &path,
                         std::optional<AtomicFile> &file) {
  if (path.empty())
    return absl::OkStatus();
  absl::StatusOr<AtomicFile> created = AtomicFile::create(path);
  if (created.ok())
    file.emplace(*std::move(created));
  return created.status();
}

absl::StatusOr<Outputs> Outputs::create(const CompileOptions &options,
                                        const gguf::GgufModel &source) {
  if (absl::Status status =
          checkPaths({options.output, options.reportPath, options.depfilePath},
                     options.tunedBy, source);
      !status.ok())
    return status;
  absl::StatusOr<AtomicFile> plan = AtomicFile::create(options.output);
  if (!plan.ok())
    return plan.status();
  Outputs outputs(*std::move(plan));
  if (absl::Status status = open(options.reportPath, outputs.report);
      !status.ok())
    return status;
  if (absl::Status status = open(options.depfilePath, outputs.depfile);
      !status.ok())
    return status;
  return outputs;
}

/// A rule for Make and Ninja: the plan depends on every part of the source, and
/// on the record that it was tuned by.
static std::string makeRule(const CompileOptions &options,
                            const gguf::GgufModel &source) {
  auto escape = [](llvm::StringRef path) {
    std::string text;
    for (char c : path) {
      if (c == ' ' || c == '#' || c == '\\')
        text += '\\';
      text += c == '$' ? "$$" : std::string(1, c);
    }
    return text;
  };
  std::string rule = escape(options.output) + ":";
  for (const gguf::GgufShard &shard : source.shards())
    rule += " \\\n  " + escape(shard.path);
  if (!options.tunedBy.empty())
    rule += " \\\n  " + escape(options.tunedBy);
  return rule + "\n";
}

/// The report of one variant.
static llvm::json::Value describe(const VariantSummary &summary,
                                  const VariantOptions &options) {
  llvm::json::Value value = emit::toJson(summary.report);
  if (std::string tuning = options.tuning.print(); !tuning.empty())
    (*value.getAsObject())["tuning"] = std::move(tuning);
  return value;
}

/// That of the only variant, or one for each with its target.
static llvm::json::Value describe(const CompileSummary &summary,
                                  const CompileOptions &options) {
  llvm::json::Value root =
      describe(summary.variants.front(), options.variants.front());
  if (summary.variants.size() > 1) {
    llvm::json::Array variants;
    for (auto [variant, its] :
         llvm::zip_equal(summary.variants, options.variants)) {
      llvm::json::Value described = describe(variant, its);
      (*described.getAsObject())["target"] = variant.target;
      variants.push_back(std::move(described));
    }
    root = llvm::json::Object{{"variants", std::move(variants)}};
  }
  (*root.getAsObject())["family"] = llvm::json::Object{
      {"name", summary.family.name}, {"verified", summary.family.isVerified}};
  return root;
}

absl::Status Outputs::writeSideFiles(const CompileOptions &options,
                                     const gguf::GgufModel &source,
                                     const CompileSummary &summary) {
  auto write = [](std::optional<AtomicFile> &file, const std::string &text) {
    return file ? file->writeAt(0, llvm::arrayRefFromStringRef(text))
                : absl::OkStatus();
  };
  std::string json = llvm::formatv("{0:2}\n", describe(summary, options));
  if (absl::Status status = write(report, json); !status.ok())
    return status;
  return write(depfile, makeRule(options, source));
}

absl::Status Outputs::commit() {
  for (std::optional<AtomicFile> *file : {&report, &depfile})
    if (*file)
      if (absl::Status status = (*file)->commit(); !status.ok())
        return status;
  return plan.commit();
}
