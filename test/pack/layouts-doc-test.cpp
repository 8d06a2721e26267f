//===- layouts-doc-test.cpp - docs/layouts.md says what the code says
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Drawings, table of sizes, examples and reasons of the page against what the
// layouts give. When a test fails its message holds what the page should say.
//
//===----------------------------------------------------------------------===//

#include "test/pack/LayoutCatalogue.h"
#include "test/pack/LayoutPicture.h"
#include "llvm/Support/FormatVariadic.h"
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <sstream>

namespace modelc::test {
namespace {

using namespace modelc::pack;

class LayoutsPage : public testing::Test {
protected:
  void SetUp() override {
    std::ifstream file(MODELC_SOURCE_DIR "/docs/layouts.md");
    std::stringstream text;
    text << file.rdbuf();
    page = text.str();
    ASSERT_FALSE(page.empty());
  }

  /// All matches of a pattern of lines.
  std::vector<std::smatch> findAll(const char *pattern) {
    std::regex regex(pattern, std::regex::multiline);
    return {std::sregex_iterator(page.begin(), page.end(), regex), {}};
  }

  LayoutAttr findLayout(const std::string &name) {
    for (LayoutAttr layout : getCatalogue(context))
      if (layout.getName().getValue() == name)
        return layout;
    return {};
  }

  PackContext context;
  std::string page;
};

TEST_F(LayoutsPage, DrawsEveryLayout) {
  std::map<std::string, std::string> drawings;
  for (const std::smatch &match : findAll("^```layout (.*)\\n([^`]*)^```$"))
    EXPECT_TRUE(drawings.emplace(match[1], match[2]).second) << match[1];
  for (LayoutAttr layout : getCatalogue(context)) {
    std::string name = layout.getName().str();
    EXPECT_EQ(drawings[name], drawGroup(layout)) << name;
    drawings.erase(name);
  }
  for (const auto &[name, drawing] : drawings)
    ADD_FAILURE() << "the page draws " << name << ", which is no layout";
}

TEST_F(LayoutsPage, TableOfSizes) {
  std::string table;
  for (LayoutAttr layout : getCatalogue(context)) {
    std::string bits = llvm::formatv(
        "{0:f2}", layout.getBytes() * 8.0 / (layout.getRows() * layout.getK()));
    table +=
        llvm::formatv("| `{0}` | {1} x {2} | {3} | {4} | {5} |\n",
                      layout.getName().str(), layout.getRows(), layout.getK(),
                      layout.getBytes(), layout.getAlign(), bits);
  }
  EXPECT_NE(page.find("|---|---|---|---|---|\n" + table + "\n"),
            std::string::npos)
      << table;
}

/// `q8_0.n16k64 [33][128] quants (17, 70): byte 3334, bits 0..7`
TEST_F(LayoutsPage, Examples) {
  std::vector<std::smatch> examples =
      findAll("^    (\\S+) \\[(\\d+)\\]\\[(\\d+)\\] (\\S+) \\((\\d+), "
              "(\\d+)\\): (.*)$");
  EXPECT_GE(examples.size(), 8u);
  for (const std::smatch &match : examples) {
    LayoutAttr layout = findLayout(match[1]);
    ASSERT_TRUE(layout) << match[0];
    FieldAttr field = layout.getField(match[4].str());
    ASSERT_TRUE(field) << match[0];
    int64_t K = std::stol(match[3]);
    int64_t n = std::stol(match[5]), k = std::stol(match[6]);
    ASSERT_LT(n, std::stol(match[2]));
    ASSERT_LT(k, K);
    int64_t bit = layout.getBitOffset(field.getName(), n, k);
    int64_t byte = layout.getPanelOffset(n, K) +
                   k / layout.getK() * layout.getBytes() + bit / 8;
    EXPECT_EQ(match[7].str(),
              llvm::formatv("byte {0}, bits {1}..{2}", byte, bit % 8,
                            bit % 8 + field.getBits() - 1)
                  .str())
        << match[0];
  }
}

TEST_F(LayoutsPage, ListsEveryReason) {
  std::vector<std::string> listed;
  for (const std::smatch &match : findAll("^\\| `([a-z_]+)` \\| .* \\|$"))
    listed.push_back(match[1]);
  std::vector<std::string> reasons;
  for (uint32_t i = 0; symbolizeReason(i); ++i)
    reasons.push_back(stringifyReason(*symbolizeReason(i)).str());
  EXPECT_GE(reasons.size(), 6u);
  EXPECT_EQ(listed, reasons);
}

} // namespace
} // namespace modelc::test
