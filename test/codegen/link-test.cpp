//===- link-test.cpp - What may not be in a code image
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AssembleIr.h"
#include "compiler/codegen/Link.h"
#include <gtest/gtest.h>

namespace modelc::codegen::test {
namespace {

std::string assemble(const char *ir) {
  return assembleIr(ir, "x86_64-unknown-linux-gnu", "x86-64-v3");
}

std::string getError(const char *ir) {
  std::string object = assemble(ir);
  auto image = linkKernels(object, std::string("kernel"));
  return image.ok() ? "" : std::string(image.status().message());
}

TEST(Link, AcceptsCodeAndConstants) {
  EXPECT_EQ(getError("@table = internal constant [4 x i32] [i32 1, i32 2, "
                     "i32 3, i32 4]\n"
                     "define i32 @kernel(i64 %i) {\n"
                     "  %p = getelementptr i32, ptr @table, i64 %i\n"
                     "  %v = load i32, ptr %p\n"
                     "  ret i32 %v\n"
                     "}\n"),
            "");
}

TEST(Link, RefusesImports) {
  std::string error = getError("declare void @memcpy()\n"
                               "define void @kernel() {\n"
                               "  call void @memcpy()\n"
                               "  ret void\n"
                               "}\n");
  EXPECT_NE(error.find("undefined symbol: memcpy"), std::string::npos) << error;
}

TEST(Link, RefusesWritableData) {
  EXPECT_EQ(getError("@counter = internal global i32 7\n"
                     "define void @kernel() {\n"
                     "  %v = load volatile i32, ptr @counter\n"
                     "  ret void\n"
                     "}\n"),
            "code image: has writable data in .data");
}

TEST(Link, RefusesRelocations) {
  EXPECT_EQ(getError("@pointers = constant [1 x ptr] [ptr @kernel]\n"
                     "define void @kernel() {\n"
                     "  ret void\n"
                     "}\n"),
            "code image: has dynamic relocations in .rela.dyn");
}

TEST(Link, RefusesMissingKernels) {
  EXPECT_EQ(getError("define void @other() {\n"
                     "  ret void\n"
                     "}\n"),
            "code image: kernel kernel is missing");
}

// LLD goes on working after it has failed.
TEST(Link, RecoversFromErrors) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(getError("declare void @f()\n"
                       "define void @kernel() {\n"
                       "  call void @f()\n"
                       "  ret void\n"
                       "}\n"),
              "");
    EXPECT_EQ(getError("define void @kernel() {\n  ret void\n}\n"), "");
  }
}

TEST(Link, RefusesWhatIsNoImage) {
  auto image = readCodeImage("not an ELF file", {});
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.status().code(), absl::StatusCode::kInternal);
}

} // namespace
} // namespace modelc::codegen::test
