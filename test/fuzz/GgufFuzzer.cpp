//===- GgufFuzzer.cpp - Foreign GGUF files
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input's first byte says what the rest is: a file as it stands, or edits
// to a whole small model of one of the families, which lead deeper than random
// bytes would. The file is opened and, if it opens, imported. What is refused
// has a message of one line; what opens has its tensors inside the file.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/Import.h"
#include "compiler/import/arch/Families.h"
#include "test/import/GgufBuilder.h"
#include <cstring>
#include <fuzzer/FuzzedDataProvider.h>

using namespace modelc;

namespace {

void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

/// One small model of each family.
const std::vector<std::string> &getSeeds() {
  static const std::vector<std::string> seeds = [] {
    std::vector<std::string> files;
    for (const arch::Family &family : arch::getFamilies())
      files.push_back(
          test::buildTinyDecoder(family.name.str())
              .f32(family.name.str() + ".rope.scaling.factor", 4)
              .string(family.name.str() + ".rope.scaling.type", "yarn")
              .strings("tokenizer.ggml.tokens", std::vector<std::string>(10))
              .tensor("rope_freqs.weight", {2}, model::GgmlType::F32,
                      test::toBytes(1.0f) + test::toBytes(8.0f))
              .build());
    return files;
  }();
  return seeds;
}

std::string anyFile(FuzzedDataProvider &data) {
  const size_t choice =
      data.ConsumeIntegralInRange<size_t>(0, getSeeds().size());
  if (choice == getSeeds().size())
    return data.ConsumeRemainingBytesAsString();
  std::string file = getSeeds()[choice];
  while (data.remaining_bytes() > 0) {
    const size_t at = data.ConsumeIntegralInRange<size_t>(0, file.size());
    // In place, as an insertion, or as the new end.
    const int kind = data.ConsumeIntegralInRange(0, 8);
    const std::string bytes = data.ConsumeRandomLengthString(16);
    if (kind == 0)
      file.resize(at);
    else if (kind == 1)
      file.insert(at, bytes);
    else
      file.replace(at, std::min(bytes.size(), file.size() - at), bytes);
  }
  return file;
}

void requireMessage(const absl::Status &status) {
  const std::string message(status.message());
  require(status.code() == absl::StatusCode::kInvalidArgument);
  require(message.rfind("x.gguf: ", 0) == 0);
  require(message.find(", expected ") != std::string::npos);
  require(message.find('\n') == std::string::npos);
}

/// A context keeps every type that it has ever seen: now and then a new one.
mlir::MLIRContext &getContext() {
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned runs = 0;
  if (runs++ % 1024 == 0)
    context = std::make_unique<mlir::MLIRContext>(
        mlir::MLIRContext::Threading::DISABLED);
  return *context;
}

} // namespace

// LLVM's allocators poison what they have not given out, but LLVM's library is
// compiled without the sanitizer and does not lift it again.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzedDataProvider provider(data, size);
  const std::string file = anyFile(provider);
  // In a block of its own, so that the sanitizer sees its end.
  const std::vector<uint8_t> bytes(file.begin(), file.end());
  auto source = gguf::GgufModel::fromMemory("x.gguf", bytes);
  if (!source.ok()) {
    requireMessage(source.status());
    return 0;
  }
  uint64_t sum = 0;
  for (const gguf::GgufTensor &tensor : (*source)->tensors())
    sum += tensor.bytes.front() + tensor.bytes.back();
  for (const gguf::MetadataEntry &entry : (*source)->metadata().entries())
    if (entry.type == gguf::MetadataType::String)
      for (llvm::StringRef text : entry.strings())
        sum += text.size() + (text.empty() ? 0 : text.back());
  // Uses the sum, so that the reads stay; it is far from that large.
  require(sum != ~uint64_t(0));
  auto module = importModel(getContext(), **source);
  if (!module.ok())
    requireMessage(module.status());
  return 0;
}
