//===- RepackTestSupport.h - Weights and odd layouts for tests of the packers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random bytes, and layouts that no kernel reads but that packers must serve: a
// plan may name any.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_REPACK_REPACKTESTSUPPORT_H
#define MODELC_TEST_REPACK_REPACKTESTSUPPORT_H

#include "mlir/AsmParser/AsmParser.h"
#include "test/pack/LayoutCatalogue.h"
#include <random>

namespace modelc::test {

inline std::vector<uint8_t> makeRandomBytes(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(size);
  for (uint8_t &byte : bytes)
    byte = random();
  return bytes;
}

/// One field of a layout as text.
struct FieldText {
  const char *name;
  int64_t bits, unit, flip;
  const char *map; ///< In terms of n and j.
};

inline pack::LayoutAttr makeLayout(PackContext &context, const char *name,
                                   mlir::Type source, int64_t rows, int64_t k,
                                   int64_t bytes,
                                   std::initializer_list<FieldText> fields) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "#pack.layout<\"" << name << "\", source = " << source << ", group = ["
     << rows << ", " << k << "], bytes = " << bytes
     << ", align = 1, fields = [";
  const char *comma = "";
  for (const FieldText &f : fields) {
    os << comma << "#pack.field<\"" << f.name << "\", bits = " << f.bits
       << ", unit = " << f.unit << ", flip = " << f.flip
       << ", map = affine_map<(n, j) -> (" << f.map << ")>>";
    comma = ", ";
  }
  os << "]>";
  return llvm::cast<pack::LayoutAttr>(
      mlir::parseAttribute(text, context.get()));
}

/// Layouts with what the catalogue has not: padding inside a group, nibbles
/// that descend, a flip of half bytes, rows in an order that is not even,
/// groups of one row.
inline std::vector<pack::LayoutAttr> makeOddLayouts(PackContext &context) {
  mlir::Type q4 = context.getType("q4_0"), q8 = context.getType("q8_0");
  return {
      makeLayout(
          context, "q4_0.consecutive", q4, 16, 32, 320,
          {{"quants", 4, 1, 8, "(j floordiv 8) * 512 + n * 32 + (j mod 8) * 4"},
           {"scale", 16, 32, 0, "n * 32 + 2048"}}),
      makeLayout(context, "q4_0.bytes", q4, 4, 32, 136,
                 {{"quants", 4, 1, 0, "j * 32 + n * 8"},
                  {"scale", 16, 32, 0x8000, "n * 16 + 1024"}}),
      makeLayout(context, "q4_0.backwards", q4, 3, 64, 108,
                 {{"quants", 4, 1, 15, "n * 256 + 252 - j * 4"},
                  {"scale", 16, 32, 0, "768 + n * 16 + j * 48"}}),
      makeLayout(context, "q4_0.uneven", q4, 4, 32, 72,
                 {{"quants", 4, 1, 0, "((n * 3) mod 4) * 128 + j * 4"},
                  {"scale", 16, 32, 0, "n * 16 + 512"}}),
      makeLayout(context, "q8_0.swapped", q8, 4, 32, 140,
                 {{"quants", 8, 1, 0x55,
                   "(n mod 2) * 512 + (n floordiv 2) * 256 + j * 8"},
                  {"scale", 16, 32, 0x1234, "1024 + n * 24"}}),
      makeLayout(
          context, "q8_0.row", q8, 1, 64, 70,
          {{"quants", 8, 1, 0, "j * 8"}, {"scale", 16, 32, 0, "528 + j * 16"}}),
      makeLayout(context, "q8_0.reversed", q8, 16, 32, 544,
                 {{"quants", 8, 1, 0x80,
                   "(j floordiv 4) * 512 + (15 - n) * 32 + (j mod 4) * 8"},
                  {"scale", 16, 32, 0, "4096 + (15 - n) * 16"}}),
      makeLayout(context, "q8_0.pairs", q8, 8, 32, 272,
                 {{"quants", 8, 1, 0x80,
                   "(j floordiv 2) * 128 + n * 16 + (j mod 2) * 8"},
                  {"scale", 16, 32, 0, "2048 + n * 16"}}),
      makeLayout(context, "q8_0.eights", q8, 16, 32, 544,
                 {{"quants", 8, 1, 0x80,
                   "(j floordiv 8) * 1024 + n * 64 + (j mod 8) * 8"},
                  {"scale", 16, 32, 0, "4096 + n * 16"}}),
      makeLayout(context, "f32.row3", context.getType("f32"), 3, 5, 60,
                 {{"values", 32, 1, 0x7fffffff, "n * 160 + j * 32"}}),
  };
}

/// All (source, target) pairs that tests pack.
inline std::vector<std::pair<pack::LayoutAttr, pack::LayoutAttr>>
makePairs(PackContext &context) {
  std::vector<std::pair<pack::LayoutAttr, pack::LayoutAttr>> pairs;
  for (mlir::Type type : getPanelTypes(context))
    for (pack::LayoutAttr target : getTargets(context, type))
      pairs.emplace_back(pack::getMappedLayout(context.get(), type), target);
  for (pack::LayoutAttr odd : makeOddLayouts(context))
    pairs.emplace_back(pack::getMappedLayout(context.get(), odd.getSource()),
                       odd);
  mlir::Type f16 = context.getType("f16");
  pack::LayoutAttr plain = pack::getMappedLayout(context.get(), f16);
  pairs.emplace_back(plain, pack::getKeyPageLayout(context.get(), f16, 64, 40));
  pairs.emplace_back(plain,
                     pack::getValuePageLayout(context.get(), f16, 64, 40));
  mlir::Type q8 = context.getType("q8_0");
  plain = pack::getMappedLayout(context.get(), q8);
  pairs.emplace_back(plain, pack::getKeyPageLayout(context.get(), q8, 64, 96));
  pairs.emplace_back(plain,
                     pack::getValuePageLayout(context.get(), q8, 64, 96));
  return pairs;
}

} // namespace modelc::test

#endif // MODELC_TEST_REPACK_REPACKTESTSUPPORT_H
