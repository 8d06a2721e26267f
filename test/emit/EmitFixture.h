//===- EmitFixture.h - A GgufBuilder's model as a plan in memory
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver's way from a model to a placed variant, without code generation:
// plans may lack their code.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMIT_EMITFIXTURE_H
#define MODELC_TEST_EMIT_EMITFIXTURE_H

#include "compiler/driver/Pipeline.h"
#include "compiler/emit/PlanWriter.h"
#include "compiler/import/Import.h"
#include "compiler/schedule/WeightPlacement.h"
#include "load/ReadPlan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "test/import/GgufBuilder.h"
#include "gtest/gtest.h"
#include <sys/mman.h>
#include <sys/stat.h>

namespace modelc::test {

/// Bytes of a plan, page-aligned; writing to them changes nothing else.
class PlanBytes {
public:
  /// Maps a file without a name.
  explicit PlanBytes(const support::AtomicFile &file) {
    struct stat info;
    EXPECT_EQ(fstat(file.getDescriptor(), &info), 0);
    size = info.st_size;
    data = static_cast<uint8_t *>(mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE, file.getDescriptor(), 0));
    EXPECT_NE(data, MAP_FAILED);
  }
  PlanBytes(const PlanBytes &) = delete;
  PlanBytes &operator=(const PlanBytes &) = delete;
  ~PlanBytes() { munmap(data, size); }

  llvm::MutableArrayRef<uint8_t> get() { return {data, size}; }

  /// Reads the tables as the runtime does; the message, or "ok".
  std::string read(rt::PlanTables *tables) {
    rt::ReadOptions options;
    options.codeIsOptional = true;
    modelc_status status;
    rt::Reporter reporter("plan", &status);
    return rt::readPlan({data, size}, options, reporter, tables)
               ? status.message
               : "ok";
  }

private:
  uint8_t *data = nullptr;
  size_t size = 0;
};

class EmitTest : public testing::Test {
protected:
  EmitTest() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<mlir::func::FuncDialect, model::ModelDialect,
                        pack::PackDialect, plan::PlanDialect>();
  }

  /// One more variant of the model, for another target.
  struct Other {
    mlir::OwningOpRef<mlir::ModuleOp> module;
    plan::VariantOp variant;
    std::vector<emit::ReportRow> report;
  };

  /// Runs the passes of all stages on a module that was imported.
  void runPasses(mlir::ModuleOp imported, llvm::StringRef target) {
    mlir::PassManager passes(&context);
    driver::PipelineOptions options{target::findTarget(target), 16,
                                    /*tuning=*/""};
    for (driver::Stage stage :
         {driver::Stage::Fuse, driver::Stage::Layout, driver::Stage::Schedule})
      driver::addPasses(passes, stage, options);
    ASSERT_TRUE(mlir::succeeded(passes.run(imported)));
  }

  /// Brings a model, called x.gguf, to its placed variant.
  void lower(const GgufBuilder &builder) {
    bytes = builder.build();
    auto opened = gguf::GgufModel::fromMemory(
        "folder/x.gguf",
        {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    source = *std::move(opened);
    auto imported = importModel(context, *source);
    ASSERT_TRUE(imported.ok()) << imported.status();
    module = *std::move(imported);
    others.clear();
    runPasses(*module, "cascadelake");
    variant = *module->getOps<plan::VariantOp>().begin();
    report = emit::makeReport(*source, *module, variant);
  }

  /// Gives the model that lower() brought a variant for `target` too.
  void addVariant(llvm::StringRef target) {
    auto imported = importModel(context, *source);
    ASSERT_TRUE(imported.ok()) << imported.status();
    Other other = {*std::move(imported), {}, {}};
    runPasses(*other.module, target);
    other.variant = *other.module->getOps<plan::VariantOp>().begin();
    other.report = emit::makeReport(*source, *other.module, other.variant);
    others.push_back(std::move(other));
    std::vector<plan::VariantOp> variants = {variant};
    for (const Other &it : others)
      variants.push_back(it.variant);
    schedule::placeSharedWeights(variants);
  }

  /// Writes the plan to memory.
  support::AtomicFile write(unsigned threads) {
    absl::StatusOr<support::AtomicFile> file =
        support::AtomicFile::createInMemory("emit-test");
    EXPECT_TRUE(file.ok()) << file.status();
    std::vector<emit::VariantContents> variants = {
        {*module, variant, /*code=*/nullptr, report}};
    for (const Other &other : others)
      variants.push_back(
          {*other.module, other.variant, /*code=*/nullptr, other.report});
    absl::StatusOr<emit::WrittenPlan> written =
        emit::writePlan({*source, variants, "--answer=42", threads,
                         [this](uint64_t done, uint64_t total) {
                           packedBytes = done;
                           totalBytes = total;
                         }},
                        *file);
    EXPECT_TRUE(written.ok()) << written.status();
    return *std::move(file);
  }

  mlir::MLIRContext context;
  std::string bytes;
  std::unique_ptr<gguf::GgufModel> source;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  plan::VariantOp variant;
  std::vector<emit::ReportRow> report;
  std::vector<Other> others; ///< The variants behind `variant`.
  uint64_t packedBytes = 0;
  uint64_t totalBytes = 0;
};

} // namespace modelc::test

#endif // MODELC_TEST_EMIT_EMITFIXTURE_H
