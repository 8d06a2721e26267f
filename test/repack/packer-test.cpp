//===- packer-test.cpp - The fast packer against the reference
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random weights of every pair of layouts and of shapes round the edges of
// groups: same bytes as the reference, whole and in parts, and back again.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/Packer.h"
#include "compiler/repack/reference/ReferencePacker.h"
#include "test/repack/RepackTestSupport.h"
#include <gtest/gtest.h>

namespace modelc::test {
namespace {

using namespace modelc::pack;
using namespace modelc::repack;

/// Shapes that a source of this block can have.
std::vector<llvm::SmallVector<int64_t>> makeShapes(int64_t block) {
  std::vector<llvm::SmallVector<int64_t>> shapes;
  std::vector<int64_t> columns = {1, 2, 3, 9, 17};
  if (block == 1)
    columns = {1, 2, 7, 64, 257, 600};
  if (block == 256) // Each is a tile.
    columns = {1, 3};
  for (int64_t K : columns) {
    for (int64_t N : {1, 15, 16, 17, 33})
      shapes.push_back({N, K * block});
    shapes.push_back({K * block});
  }
  shapes.push_back({3, 5, 3 * block});
  shapes.push_back({2, 33, block < 64 ? 65 * block : 5 * block});
  return shapes;
}

class PackerTest : public testing::Test {
protected:
  /// Calls `check` for all pairs and shapes.
  void forAll(llvm::function_ref<void(LayoutAttr source, LayoutAttr target,
                                      llvm::ArrayRef<int64_t> shape,
                                      const Packer &packer)>
                  check) {
    for (auto [source, target] : makePairs(context))
      for (const auto &shape : makeShapes(source.getK())) {
        SCOPED_TRACE(target.getName().str() + " " +
                     testing::PrintToString(shape));
        absl::StatusOr<Packer> packer = Packer::create(source, target, shape);
        ASSERT_TRUE(packer.ok()) << packer.status();
        check(source, target, shape, *packer);
        if (HasFailure())
          return;
      }
  }

  PackContext context;
};

TEST_F(PackerTest, EqualsTheReference) {
  forAll([](LayoutAttr source, LayoutAttr target, llvm::ArrayRef<int64_t> shape,
            const Packer &packer) {
    ASSERT_EQ(packer.getSourceBytes(), getSourceBytes(source, shape));
    ASSERT_EQ(packer.getPackedBytes(), target.getPackedBytes(shape));
    std::vector<uint8_t> weight = makeRandomBytes(packer.getSourceBytes(), 1);
    // Old bytes must not shine through padding.
    std::vector<uint8_t> packed(packer.getPackedBytes(), 0xee);
    packer.pack(weight, 0, packed);
    EXPECT_TRUE(packed == packByDefinition(source, target, shape, weight));
  });
}

TEST_F(PackerTest, AnyPartIsThatOfTheWhole) {
  std::mt19937 random(7);
  forAll([&](LayoutAttr source, LayoutAttr target,
             llvm::ArrayRef<int64_t> shape, const Packer &packer) {
    std::vector<uint8_t> weight = makeRandomBytes(packer.getSourceBytes(), 2);
    std::vector<uint8_t> whole =
        packByDefinition(source, target, shape, weight);
    for (int i = 0; i < 4; ++i) {
      uint64_t begin = random() % whole.size();
      std::vector<uint8_t> part(1 + random() % (whole.size() - begin), 0xee);
      packer.pack(weight, begin, part);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + begin));
    }
  });
}

TEST_F(PackerTest, UnpackIsTheInverse) {
  forAll([](LayoutAttr source, LayoutAttr target, llvm::ArrayRef<int64_t> shape,
            const Packer &packer) {
    std::vector<uint8_t> weight = makeRandomBytes(packer.getSourceBytes(), 3);
    std::vector<uint8_t> packed(packer.getPackedBytes());
    packer.pack(weight, 0, packed);
    EXPECT_TRUE(unpackByDefinition(source, target, shape, packed) == weight);
    std::vector<uint8_t> unpacked(weight.size(), 0xee);
    packer.unpack(packed, 0, packer.getPanelCount(), unpacked);
    EXPECT_TRUE(unpacked == weight);
    // The second half of the panels alone.
    int64_t half = packer.getPanelCount() / 2;
    auto [begin, end] = packer.getSourceOfPanels(half, packer.getPanelCount());
    std::vector<uint8_t> rows(end - begin, 0xee);
    packer.unpack(packed, half, packer.getPanelCount(), rows);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), weight.begin() + begin));
  });
}

TEST_F(PackerTest, SourceRangesCoverTheSourceOnce) {
  forAll([](LayoutAttr, LayoutAttr, llvm::ArrayRef<int64_t>,
            const Packer &packer) {
    uint64_t next = 0;
    for (uint64_t begin = 0; begin < packer.getPackedBytes(); begin += 777) {
      uint64_t end = std::min(begin + 777, packer.getPackedBytes());
      auto range = packer.getSourceEndingIn(begin, end);
      EXPECT_EQ(range.begin, next);
      next = range.end;
    }
    EXPECT_EQ(next, packer.getSourceBytes());
    EXPECT_EQ(packer.getPackedOfPanels(0, packer.getPanelCount()).end,
              packer.getPackedBytes());
  });
}

TEST_F(PackerTest, RefusesWhatWouldLoseBits) {
  mlir::Type q8 = context.getType("q8_0"), q4 = context.getType("q4_0");
  LayoutAttr mapped = getMappedLayout(context.get(), q8);
  LayoutAttr panel = getPanelLayout(context.get(), q8, 0);
  auto getError = [](LayoutAttr source, LayoutAttr target,
                     llvm::ArrayRef<int64_t> shape) {
    absl::Status status = Packer::create(source, target, shape).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(getError(panel, mapped, {16, 64}),
            "q8_0.n16k64 to mapped.q8_0: source group of 16 rows, expected 1");
  EXPECT_EQ(getError(mapped, panel, {16, 40}),
            "mapped.q8_0 to q8_0.n16k64: k 40, expected a multiple of 32");
  EXPECT_EQ(getError(mapped, getPanelLayout(context.get(), q4, 0), {16, 64}),
            "mapped.q8_0 to q4_0.n16k64: field quants is missing in the target "
            "or of another kind");
  LayoutAttr holey = makeLayout(
      context, "holey", q8, 1, 32, 35,
      {{"scale", 16, 32, 0, "0"}, {"quants", 8, 1, 0, "j * 8 + 16"}});
  EXPECT_EQ(getError(holey, panel, {16, 64}),
            "holey to q8_0.n16k64: source fields hold 272 bits of a group of "
            "280");
}

/// A plan may name any layout that passes its verifier.
TEST_F(PackerTest, RefusesHugeTiles) {
  mlir::Type f32 = context.getType("f32");
  LayoutAttr huge = makeLayout(context, "huge", f32, 1 << 18, 1, 1 << 20,
                               {{"values", 32, 1, 0, "n * 32"}});
  LayoutAttr mapped = getMappedLayout(context.get(), f32);
  EXPECT_EQ(Packer::create(mapped, huge, {1 << 18, 256}).status().message(),
            "mapped.f32 to huge: tiles of 67108864 elements, expected at most "
            "4194304");
  EXPECT_TRUE(Packer::create(mapped, huge, {1 << 12, 16}).ok());
}

/// What speed rests on: the catalogue's layouts become a few wide moves.
TEST_F(PackerTest, CatalogueLayoutsBecomeFewMoves) {
  auto getMoves = [&](const char *name, int64_t rows, int64_t k) {
    mlir::Type type = context.getType(name);
    return buildMoveProgram(getMappedLayout(context.get(), type),
                            getPanelLayout(context.get(), type, 0), rows, k)
        .moves;
  };
  // A block's 8 quads of 16 rows are one move, its scales half of another.
  llvm::SmallVector<Move> q8 = getMoves("q8_0", 16, 64);
  ASSERT_EQ(q8.size(), 3u);
  EXPECT_TRUE(llvm::any_of(q8, [](const Move &m) {
    return m.bytes == 4 && m.rows == 16 && m.packedRow == 4 && m.columns == 8 &&
           m.sourceColumn == 4 && m.packedColumn == 64 && m.sourceOffset == 2 &&
           m.packedOffset == 0 && m.isPlain();
  }));
  EXPECT_TRUE(llvm::any_of(q8, [](const Move &m) {
    return m.bytes == 2 && m.rows == 16 && m.packedRow == 2 && m.columns == 2 &&
           m.sourceColumn == 34 && m.packedColumn == 32 &&
           m.sourceOffset == 0 && m.packedOffset == 1024 && m.isPlain();
  }));
  // Half bytes that the source pairs move as bytes.
  llvm::SmallVector<Move> q4 = getMoves("q4_0", 16, 64);
  ASSERT_EQ(q4.size(), 3u);
  EXPECT_TRUE(llvm::all_of(q4, [](const Move &m) { return m.isPlain(); }));
  // So do words, and elements that share bytes in the same way.
  for (const char *name :
       {"iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq3_xxs", "tq1_0"}) {
    llvm::SmallVector<Move> moves = getMoves(name, 16, 256);
    EXPECT_LE(moves.size(), 10u) << name;
    EXPECT_TRUE(llvm::all_of(moves, [](const Move &m) { return m.isPlain(); }))
        << name;
  }
  EXPECT_EQ(getMoves("f32", 16, 256).size(), 1u);
  EXPECT_EQ(getMoves("f16", 16, 256).size(), 1u);
}

/// The same for types whose bits change places.
TEST_F(PackerTest, BitsBecomeFewWeaves) {
  auto getPlanes = [&](const char *name, int64_t rows, int64_t k) {
    mlir::Type type = context.getType(name);
    std::optional<PlaneProgram> planes =
        buildMoveProgram(getMappedLayout(context.get(), type),
                         getPanelLayout(context.get(), type, 0), rows, k)
            .planes;
    EXPECT_TRUE(planes) << name;
    return planes.value_or(PlaneProgram{});
  };
  PlaneProgram q4 = getPlanes("q4_K", 16, 256);
  EXPECT_EQ(q4.sourcePlanes, 144);
  EXPECT_EQ(q4.packedPlanes, 148);
  // Low halves of bytes 16..31 and 32..47 become the first 16 planes, their
  // high halves the next.
  EXPECT_EQ(q4.pack[0].first, 0);
  EXPECT_EQ(q4.pack[0].count, 16);
  ASSERT_EQ(q4.pack[0].terms.size(), 2u);
  EXPECT_EQ(q4.pack[0].terms[0], (Weave::Term{16, 0, 0x0f}));
  EXPECT_EQ(q4.pack[0].terms[1], (Weave::Term{32, 4, 0x0f}));
  EXPECT_EQ(q4.pack[1].first, 16);
  EXPECT_EQ(q4.pack[1].terms[0], (Weave::Term{16, -4, 0xf0}));
  EXPECT_EQ(q4.pack[1].terms[1], (Weave::Term{32, 0, 0xf0}));
  for (const char *name :
       {"q2_K", "q3_K", "q4_K", "q5_K", "q6_K", "iq4_xs", "iq2_s", "iq3_s"}) {
    PlaneProgram planes = getPlanes(name, 16, 256);
    EXPECT_LE(planes.pack.size(), 64u) << name;
    EXPECT_LE(planes.unpack.size(), 64u) << name;
  }
  // Fewer rows take the same way.
  EXPECT_EQ(getPlanes("q4_K", 3, 256).pack.size(), q4.pack.size());
}

/// A layout whose rows lie in no even order has moves.
TEST_F(PackerTest, UnevenRowsHaveNoPlanes) {
  mlir::Type q4 = context.getType("q4_0");
  std::vector<LayoutAttr> layouts = makeOddLayouts(context);
  LayoutAttr odd = *llvm::find_if(layouts, [](LayoutAttr layout) {
    return layout.getName().getValue() == "q4_0.uneven";
  });
  LayoutAttr mapped = getMappedLayout(context.get(), q4);
  EXPECT_FALSE(buildMoveProgram(mapped, odd, 4, 32).planes);
  EXPECT_FALSE(buildMoveProgram(mapped, odd, 4, 32).moves.empty());
}

} // namespace
} // namespace modelc::test
