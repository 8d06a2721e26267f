//===- interpreter-test.cpp - Tests of the interpreter of model ops
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What must not matter does not: fusion, and how a sequence is cut into calls.
// That the numbers are right is shown by reference-test.py.
//
//===----------------------------------------------------------------------===//

#include "compiler/fuse/Passes.h"
#include "compiler/import/Import.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "test/reference/Interpreter.h"
#include <gtest/gtest.h>

using namespace modelc;
using reference::Interpreter;
using reference::Matrix;

namespace {

/// The demo models, imported: a dense one and one with experts.
class InterpreterTest : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    auto opened = gguf::GgufModel::open(
        std::string(MODELC_SOURCE_DIR "/test/inputs/") + GetParam());
    ASSERT_TRUE(opened.ok()) << opened.status();
    source = *std::move(opened);
    auto imported = importModel(context, *source);
    ASSERT_TRUE(imported.ok()) << imported.status();
    module = *std::move(imported);
  }

  Interpreter createInterpreter() {
    auto interpreter = Interpreter::create(*module, *source);
    EXPECT_TRUE(interpreter.ok()) << interpreter.status();
    return *std::move(interpreter);
  }

  mlir::MLIRContext context;
  std::unique_ptr<gguf::GgufModel> source;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

INSTANTIATE_TEST_SUITE_P(, InterpreterTest,
                         testing::Values("stories2M-llama-q8_0.gguf",
                                         "stories6M-qwen3moe-q4_K.gguf"),
                         [](const testing::TestParamInfo<const char *> &i) {
                           return std::string(i.index == 0 ? "Llama"
                                                           : "Qwen3Moe");
                         });

// The bits, so that -0 and 0 differ.
std::vector<uint32_t> getBits(const std::vector<float> &values) {
  std::vector<uint32_t> bits(values.size());
  memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}

TEST_P(InterpreterTest, CallsOfAnySizeGiveTheSameBits) {
  const std::vector<int32_t> tokens = {1, 403, 407, 261, 378};
  Matrix whole = *createInterpreter().run(tokens);
  EXPECT_EQ(whole.rows, 5);
  Interpreter interpreter = createInterpreter();
  std::vector<float> parts =
      interpreter.run(llvm::ArrayRef(tokens).take_front(2))->values;
  for (int32_t token : llvm::ArrayRef(tokens).drop_front(2))
    llvm::append_range(parts, interpreter.run({token})->values);
  EXPECT_EQ(getBits(parts), getBits(whole.values));
}

TEST_P(InterpreterTest, EarlierTokensMatter) {
  Matrix a = *createInterpreter().run({1, 403, 407});
  Matrix b = *createInterpreter().run({1, 261, 407});
  EXPECT_NE(getBits(a.values), getBits(b.values));
}

TEST_P(InterpreterTest, FusionKeepsEveryBit) {
  Matrix imported = *createInterpreter().run({1, 403, 407});
  mlir::PassManager passes(&context);
  passes.addNestedPass<mlir::func::FuncOp>(fuse::createFuseLinearPass());
  passes.addNestedPass<mlir::func::FuncOp>(fuse::createFuseGluPass());
  passes.addNestedPass<mlir::func::FuncOp>(fuse::createFuseSharedInputPass());
  ASSERT_TRUE(mlir::succeeded(passes.run(*module)));
  // Otherwise nothing is compared: all matmuls are gone, and with them norms
  // but those of heads.
  module->walk([](mlir::Operation *op) {
    bool isHeadNorm = mlir::isa<model::RmsNormOp>(op) &&
                      mlir::isa<model::RopeOp>(*op->user_begin());
    EXPECT_TRUE(isHeadNorm || !(mlir::isa<model::MatmulOp, model::RmsNormOp,
                                          model::GluOp, model::AddOp>(op)));
  });
  Matrix fused = *createInterpreter().run({1, 403, 407});
  EXPECT_EQ(getBits(fused.values), getBits(imported.values));
}

TEST_P(InterpreterTest, ATokenBeyondTheVocabularyIsRefused) {
  Interpreter interpreter = createInterpreter();
  EXPECT_EQ(interpreter.run({1, 512}).status().message(), "no token 512");
  EXPECT_EQ(interpreter.run({-1}).status().message(), "no token -1");
  // The sequence is as it was: empty.
  Matrix after = *interpreter.run({1});
  EXPECT_EQ(getBits(after.values),
            getBits(createInterpreter().run({1})->values));
}

TEST_P(InterpreterTest, AWeightWithoutNumericsIsRefused) {
  auto other = mlir::parseSourceString<mlir::ModuleOp>(
      "model.weight @w : tensor<256x!model.ggml<q8_K>> at 0 in 0", &context);
  EXPECT_EQ(Interpreter::create(*other, *source).status().message(),
            "tensor 'w': no numerics of this type");
}

} // namespace
