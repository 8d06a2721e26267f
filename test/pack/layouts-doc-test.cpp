//===- layouts-doc-test.cpp - docs/layouts.md says what the code says
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Drawings, table of sizes, examples and reasons of the page against what the
// layouts give, and the table of docs/howto/add-a-quant-type.md against the
// sources. When a test fails its message holds what the page should say.
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

std::string readSource(const std::string &path) {
  std::ifstream file(MODELC_SOURCE_DIR "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

/// Lines of all matches of a pattern of whole lines.
int64_t countLines(const std::string &text, const std::string &pattern) {
  std::regex regex(pattern, std::regex::multiline);
  int64_t lines = 0;
  for (std::sregex_iterator i(text.begin(), text.end(), regex), end; i != end;
       ++i)
    lines += llvm::count(i->str(), '\n');
  return lines;
}

/// Lines of a type's row, and of the constants that it alone refers to.
int64_t countFormatLines(const std::string &formats, const std::string &type) {
  std::regex row("^ +\\{GgmlType::" + type + ",[^}]*(\\{\\}[^}]*)*\\},\n",
                 std::regex::multiline);
  std::smatch match;
  if (!std::regex_search(formats, match, row))
    return 0;
  std::string text = match.str();
  int64_t lines = llvm::count(text, '\n');
  std::regex name("k[A-Z]\\w+");
  for (std::sregex_iterator i(text.begin(), text.end(), name), end; i != end;
       ++i)
    lines += countLines(formats, "^static constexpr (GridFormat|TritRun) " +
                                     i->str() + "\\b[^;]*;\n");
  return lines;
}

class LayoutsPage : public testing::Test {
protected:
  void SetUp() override { page = readSource("docs/layouts.md"); }

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

TEST(QuantTypePage, TableOfLines) {
  std::string formats = readSource("dialects/pack/BlockFormats.cpp");
  std::string maps = readSource("dialects/pack/MappedLayouts.cpp");
  std::string kernels = readSource("compiler/target/Kernels.def");
  std::string table;
  for (const model::GgmlTypeInfo &info : model::getGgmlTypes()) {
    if (!getBlockFormat(info.type))
      continue;
    std::string type = info.name.upper();
    int64_t format = countFormatLines(formats, type);
    size_t begin = maps.find("  case GgmlType::" + type + ":\n");
    ASSERT_NE(begin, std::string::npos) << type;
    std::string_view rest = std::string_view(maps).substr(begin);
    int64_t map =
        llvm::count(rest.substr(0, rest.find("return true;")), '\n') + 1;
    int64_t kernel =
        countLines(kernels, "^MATMUL_KERNEL\\(.*, " + type + "\\)\n");
    EXPECT_TRUE(format && kernel) << type;
    table += llvm::formatv("| {0} | {1} | {2} | {3} | {4} |\n", type, format,
                           map, kernel, format + map + kernel);
  }
  std::string page = readSource("docs/howto/add-a-quant-type.md");
  EXPECT_NE(page.find("|---|---|---|---|---|\n" + table + "\n"),
            std::string::npos)
      << table;
}

} // namespace
} // namespace modelc::test
