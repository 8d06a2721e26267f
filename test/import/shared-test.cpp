//===- shared-test.cpp - Import on files of other people's making
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ../shared/robust holds files that must be refused, ../shared/models models
// that must open. Skipped where they are absent.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/Import.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <filesystem>

using namespace modelc;

namespace {

const std::string kShared = MODELC_SOURCE_DIR "/../shared";

/// The files of a folder in ../shared, sorted; empty where it is absent.
std::vector<std::string> listFiles(const std::string &folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto &entry :
       std::filesystem::directory_iterator(kShared + "/" + folder, error))
    files.push_back(entry.path().filename().string());
  std::sort(files.begin(), files.end());
  return files;
}

/// Opens and imports; the message without the path, or "ok".
std::string import(const std::string &path) {
  auto source = gguf::GgufModel::open(path);
  absl::Status status = source.status();
  if (source.ok()) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    status = importModel(context, **source).status();
  }
  if (status.ok())
    return "ok";
  const std::string message(status.message());
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  EXPECT_EQ(message.rfind(folder, 0), 0u) << message;
  return message.substr(folder.size());
}

} // namespace

TEST(Shared, RobustFilesAreRefused) {
  const std::vector<std::string> files = listFiles("robust");
  if (files.empty())
    GTEST_SKIP() << kShared << "/robust is absent";
  const std::vector<std::string> expected = {
      "gridcore-bad-version.bin: header: field version: found 1, expected 2 or "
      "3",
      "gridcore-hdr-wrap-first-offset.gguf: tensor 'token_embd.weight': field "
      "offset: found 18446744073709551600, expected a multiple of 32",
      "gridcore-kv-arr-huge-n.bin: key 'k': field string: found 0 bytes to the "
      "end of the file, expected 8",
      "gridcore-tensor-huge-dims.bin: tensor 't': field dimensions: found "
      "[281474976710655][281474976710655][281474976710655][281474976710655], "
      "expected a size below 2^63 bytes",
      "gridcore-trunc-magic.bin: header: field magic: found 3 bytes to the end "
      "of the file, expected 4",
      "gridcore-v3-empty.bin: key 'general.architecture': found none, expected "
      "a string",
      "gridcore-valid-small.gguf: key 'llama.block_count': found none, "
      "expected an integer",
      "iree-empty.gguf: key 'general.architecture': found it twice, expected "
      "it once",
      "iree-single.gguf: key 'general.architecture': found it twice, expected "
      "it once",
      "iree-single_v2.gguf: key 'general.architecture': found it twice, "
      "expected it once",
      "threatflux-test_model.gguf: tensor 'output_norm.weight': field offset: "
      "found byte 416 of the file, expected at least 512416, the end of tensor "
      "'token_embd.weight'",
      "weightinspect-tiny.gguf: tensor 'test.weight.0': field offset: found 0 "
      "with 32768 bytes, expected an end within the 0 bytes of tensor data"};
  std::vector<std::string> messages;
  for (const std::string &file : files)
    messages.push_back(import(kShared + "/robust/" + file));
  EXPECT_EQ(messages, expected);
}

TEST(Shared, ModelsAreImported) {
  const std::vector<std::string> files = listFiles("models");
  if (files.empty())
    GTEST_SKIP() << kShared << "/models is absent";
  int imported = 0;
  for (const std::string &file : files) {
    if (!file.ends_with(".gguf"))
      continue;
    const std::string message = import(kShared + "/models/" + file);
    const size_t part = file.find("-of-");
    if (part != std::string::npos && file[part - 1] != '1')
      EXPECT_NE(message.find("expected the first"), std::string::npos);
    else
      EXPECT_EQ(message, "ok") << file;
    imported += message == "ok";
  }
  EXPECT_GE(imported, 23);
}

// Parts and whole are one model: the same ops on the same bytes.
TEST(Shared, SplitModelHoldsTheWholeModelsBytes) {
  const std::string prefix = kShared + "/models/stories260K-f32";
  if (!std::filesystem::exists(prefix + ".gguf"))
    GTEST_SKIP() << prefix << ".gguf is absent";
  auto whole = gguf::GgufModel::open(prefix + ".gguf");
  auto split = gguf::GgufModel::open(prefix + "-split-00001-of-00003.gguf");
  ASSERT_TRUE(whole.ok());
  ASSERT_TRUE(split.ok());
  ASSERT_EQ((*whole)->tensors().size(), (*split)->tensors().size());
  for (const gguf::GgufTensor &tensor : (*whole)->tensors()) {
    const gguf::GgufTensor *other = (*split)->findTensor(tensor.name);
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(tensor.bytes, other->bytes);
    EXPECT_EQ(tensor.shape, other->shape);
  }
}
