//===- KernelSpecs.cpp - What kernel specifications answer
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Accesses and names of every kernel specification. A name holds each
// parameter that changes the code, so equal names mean equal kernels.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/Layouts.h"
#include "dialects/plan/PlanDialect.h"
#include "modelc/kernel_abi.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::plan;

/// `q8_0.n16k64` as a part of a symbol.
static std::string getSymbolPart(StringRef name) {
  std::string part = name.str();
  for (char &c : part)
    if (c == '.' || c == '-' || c == '+')
      c = '_';
  return part;
}

static std::string getSymbolPart(pack::LayoutAttr layout) {
  return getSymbolPart(layout.getName().getValue());
}

/// The bits of a float constant, so that names differ where values do.
static std::string getSymbolPart(FloatAttr value) {
  APInt bits = value.getValue().bitcastToAPInt();
  return llvm::formatv("{0:x-}", bits.getZExtValue()).str();
}

//===----------------------------------------------------------------------===//
// Simple kernels
//===----------------------------------------------------------------------===//

SmallVector<Access> EmbedSpecAttr::getAccesses() const {
  return {Access::Read, Access::Write};
}

std::string EmbedSpecAttr::getKernelName() const {
  std::string name = llvm::formatv("mc_embed_{0}_k{1}",
                                   getSymbolPart(getTable()), getColumns());
  if (getPositions() > 0)
    name += "_positions" + std::to_string(getPositions());
  return getScale() ? name + "_x" + getSymbolPart(getScale()) : name;
}

SmallVector<Access> NormSpecAttr::getAccesses() const {
  SmallVector<Access> accesses(2 + getLayer() + getResidual(), Access::Read);
  accesses.push_back(Access::Write);
  return accesses;
}

std::string NormSpecAttr::getKernelName() const {
  return llvm::formatv(
      "mc_{0}_norm_k{1}_eps{2}{3}", getLayer() ? "layer" : "rms", getColumns(),
      getSymbolPart(getEps()), getResidual() ? "_residual" : "");
}

SmallVector<Access> AddSpecAttr::getAccesses() const {
  return {Access::Read, Access::Read, Access::Write};
}

std::string AddSpecAttr::getKernelName() const {
  return llvm::formatv("mc_add_k{0}", getColumns());
}

SmallVector<Access> GluSpecAttr::getAccesses() const {
  SmallVector<Access> accesses(getEps() ? 3 : 2, Access::Read);
  accesses.push_back(Access::Write);
  return accesses;
}

std::string GluSpecAttr::getKernelName() const {
  std::string name =
      llvm::formatv("mc_{0}glu_k{1}",
                    model::stringifyActivation(getActivation()), getColumns());
  if (getEps())
    name += llvm::formatv("_norm{0}x{1}", getHeadDim(), getSymbolPart(getEps()))
                .str();
  return name;
}

SmallVector<Access> ColumnsSpecAttr::getAccesses() const {
  return {Access::Read, Access::Write};
}

std::string ColumnsSpecAttr::getKernelName() const {
  return llvm::formatv("mc_columns_g{0}_{1}_{2}_{3}", getGroups(), getFirst(),
                       getLength(), getPeriod());
}

SmallVector<Access> RopeTableSpecAttr::getAccesses() const {
  SmallVector<Access> accesses(getTemperCount() > 0 ? 2 : 1, Access::Read);
  accesses.push_back(Access::Write);
  return accesses;
}

std::string RopeTableSpecAttr::getKernelName() const {
  std::string name = llvm::formatv("mc_rope_table_p{0}_f{1}", getPairs(),
                                   getSymbolPart(getFactor()));
  if (getTemperCount() > 0)
    name += llvm::formatv("_temper{0}x{1}", getTemperCount(), getTemperLength())
                .str();
  return name;
}

SmallVector<Access> PrepareSpecAttr::getAccesses() const {
  SmallVector<Access> accesses = {Access::Read};
  if (getGrouped() && getGather())
    accesses.push_back(Access::Read);
  if (getEps())
    accesses.push_back(Access::Read);
  accesses.push_back(Access::Write);
  return accesses;
}

std::string PrepareSpecAttr::getKernelName() const {
  std::string name = llvm::formatv("mc_prepare_{0}_k{1}",
                                   getSymbolPart(getLayout()), getColumns());
  if (getEps())
    name += "_norm" + getSymbolPart(getEps());
  if (getGrouped())
    name += "_grouped";
  if (getHeads() > 0)
    name += llvm::formatv("_h{0}x{1}", getHeads(), getHeadDim()).str();
  return getGather() ? name + "_gather" : name;
}

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

SmallVector<Access> MatmulSpecAttr::getAccesses() const {
  size_t weights = getWeights().size();
  SmallVector<Access> accesses(1 + weights, Access::Read);
  if (getBias())
    accesses.append(weights, Access::Read);
  if (getEpilogue() == model::Epilogue::Residual)
    accesses.push_back(Access::Read);
  bool many = getEpilogue() == model::Epilogue::Store;
  accesses.append(many ? weights : 1, Access::Write);
  return accesses;
}

int64_t MatmulSpecAttr::getTileCount() const {
  if (getEpilogue() == model::Epilogue::Glu)
    return llvm::divideCeil(getRows()[0], getTileRows());
  int64_t tiles = 0;
  for (int64_t rows : getRows().asArrayRef())
    tiles += llvm::divideCeil(rows, getTileRows());
  return tiles;
}

int64_t MatmulSpecAttr::getImageRowTiles() const {
  if (hasOuterFloats() || pack::hasQuantPairs(getInput()))
    return kOuterRowTiles;
  if (pack::hasWaveTiles(getInput()))
    return kWaveRowTiles;
  return pack::hasWidenedQuants(getInput()) ? kWidenedRowTiles : kImageRowTiles;
}

bool MatmulSpecAttr::hasOuterFloats() const {
  return hasImages() && !getInput().getField(pack::kQuants);
}

int64_t MatmulSpecAttr::getImageSumBytes() const {
  return getImageRowTiles() * getInput().getRows() * getImagePanels() *
         pack::kPanelRows * sizeof(float);
}

int64_t MatmulSpecAttr::getProductBytes() const {
  // Two, so that one can be read while the next is stored.
  constexpr int64_t kProducts = 2;
  if (pack::hasParts(getInput()))
    return kPairPanels * getInput().getRows() * pack::kPanelRows *
           sizeof(float);
  if (hasImages() &&
      (pack::hasQuantPairs(getInput()) || pack::hasQuadTiles(getInput()))) {
    // Of all columns of the images, in sub-blocks as short as any weight has;
    // two sums of 16 bits take as much as one of 32.
    int64_t length = pack::kActivationBlock;
    for (size_t i = 0; i < getWeights().size(); ++i)
      length = std::min(
          length, pack::getBlockFormat(getWeightLayout(i)).getSumLength());
    return getImagePanels() * (getImageColumns() / length) *
           getInput().getRows() * pack::kPanelRows * sizeof(int32_t);
  }
  bool isWidened = pack::hasWidenedQuants(getInput());
  if (!hasImages() || !(isWidened || pack::hasQuantRows(getInput())))
    return 0;
  // Widened, each of the two has the sub-blocks of a group.
  int64_t products = kProducts;
  if (isWidened) {
    pack::LayoutAttr image = pack::getWidenedImageLayout(getWeightLayout(0));
    products *= image.getK() / image.getField(pack::kBlockScale).getUnit();
  }
  return products * getImagePanels() * getInput().getRows() * pack::kPanelRows *
         sizeof(int32_t);
}

int64_t MatmulSpecAttr::getImageBytes(size_t i) const {
  pack::LayoutAttr weight = getWeightLayout(i);
  if (hasOuterFloats())
    return getImagePanels() * getImageColumns() * pack::kPanelRows *
           sizeof(float);
  if (pack::hasQuantPairs(getInput())) {
    pack::LayoutAttr image = pack::getOuterImageLayout(weight);
    return image.getPanelOffset(image.getRows(), getImageColumns());
  }
  // Enough for the images of all other instruction sets.
  pack::LayoutAttr image = pack::hasWidenedQuants(getInput())
                               ? pack::getWidenedImageLayout(weight)
                               : pack::getImageLayout(weight, /*operandK=*/4,
                                                      /*keepsSubscales=*/true);
  return getImagePanels() *
         image.getPanelOffset(pack::kPanelRows, getImageColumns());
}

int64_t MatmulSpecAttr::getZeroBytes() const {
  return pack::hasWidenedQuants(getInput())
             ? getImageSumBytes() / getImageRowTiles()
             : 0;
}

int64_t MatmulSpecAttr::getScratchBytes() const {
  // A gated pair needs the sums of both at once; all weights share the image.
  bool isPair = getEpilogue() == model::Epilogue::Glu;
  if (!hasImages())
    return (isPair ? 2 : 1) * getProductBytes();
  int64_t imageBytes = 0;
  for (size_t i = 0; i < getWeights().size(); ++i)
    imageBytes = std::max(imageBytes, getImageBytes(i));
  return (isPair ? 2 : 1) * getImageSumBytes() + getProductBytes() +
         getZeroBytes() + imageBytes;
}

std::string MatmulSpecAttr::getKernelName() const {
  std::string name = "mc_matmul";
  for (size_t i = 0; i < getWeights().size(); ++i)
    name += llvm::formatv("_{0}_n{1}", getSymbolPart(getWeightLayout(i)),
                          getRows()[i])
                .str();
  name += llvm::formatv("_{0}_k{1}_t{2}", getSymbolPart(getInput()),
                        getColumns(), getTileRows());
  if (hasImages())
    name +=
        llvm::formatv("_i{0}x{1}", getImagePanels(), getImageColumns()).str();
  if (getBias())
    name += "_bias";
  if (getEpilogue() == model::Epilogue::Residual)
    name += "_residual";
  if (getEpilogue() == model::Epilogue::Glu)
    name += "_" + model::stringifyActivation(getActivation()).str() + "glu";
  if (getEpilogue() == model::Epilogue::Activate)
    name += "_" + model::stringifyActivation(getActivation()).str();
  if (getCap())
    name += getSymbolPart(getCap());
  return name;
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

SmallVector<Access> RouteSpecAttr::getAccesses() const {
  SmallVector<Access> accesses(getBias() ? 2 : 1, Access::Read);
  accesses.append(getGroupRows() > 0 ? 6 : 2, Access::Write);
  return accesses;
}

std::string RouteSpecAttr::getKernelName() const {
  std::string name = llvm::formatv("mc_route_{0}_e{1}_s{2}",
                                   model::stringifyGating(getGating()),
                                   getExperts(), getSlots());
  if (getNormalise())
    name += "_normalise";
  if (getScale().getValueAsDouble() != 1)
    name += "_x" + getSymbolPart(getScale());
  if (getBias())
    name += "_bias";
  if (getLimitGroups() > 0)
    name += llvm::formatv("_limit{0}of{1}", getLimitUsed(), getLimitGroups());
  if (getGroupRows() > 0)
    name += "_group" + std::to_string(getGroupRows());
  return name;
}

/// A key and a probability for each expert, in whole vectors, and a key for
/// each group that limits the choice. A group kernel, which follows, needs
/// less.
int64_t RouteSpecAttr::getScratchBytes() const {
  return (2 * llvm::alignTo(getExperts(), 16) + getLimitGroups()) *
         sizeof(float);
}

SmallVector<Access> GroupSpecAttr::getAccesses() const {
  SmallVector<Access> accesses = {Access::Read};
  accesses.append(4, Access::Write);
  return accesses;
}

std::string GroupSpecAttr::getKernelName() const {
  return llvm::formatv("mc_group_e{0}_s{1}_r{2}", getExperts(), getSlots(),
                       getRowTile());
}

/// A counter for each expert.
int64_t GroupSpecAttr::getScratchBytes() const {
  return llvm::alignTo(getExperts(), 16) * sizeof(uint32_t);
}

SmallVector<Access> ExpertsSpecAttr::getAccesses() const {
  // Input, weights, biases, groups.
  size_t weights = getMatmul().getWeights().size();
  SmallVector<Access> accesses(2 + (getMatmul().getBias() ? 2 : 1) * weights,
                               Access::Read);
  if (getIndirect())
    accesses.push_back(Access::Read);
  accesses.push_back(Access::Write);
  return accesses;
}

std::string ExpertsSpecAttr::getKernelName() const {
  return llvm::formatv("{0}_experts{1}{2}", getMatmul().getKernelName(),
                       getExperts(), getIndirect() ? "_indirect" : "");
}

int64_t ExpertsSpecAttr::getScratchBytes() const {
  return cast<KernelSpecInterface>(getMatmul()).getScratchBytes();
}

SmallVector<Access> HeadMatmulSpecAttr::getAccesses() const {
  return {Access::Read, Access::Read, Access::Write};
}

std::string HeadMatmulSpecAttr::getKernelName() const {
  return llvm::formatv("{0}_heads{1}", getMatmul().getKernelName(), getHeads());
}

SmallVector<Access> CombineSpecAttr::getAccesses() const {
  SmallVector<Access> accesses(getResidual() ? 4 : 3, Access::Read);
  accesses.push_back(Access::Write);
  return accesses;
}

std::string CombineSpecAttr::getKernelName() const {
  return llvm::formatv("mc_combine_k{0}_s{1}{2}", getColumns(), getSlots(),
                       getResidual() ? "_residual" : "");
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

SmallVector<Access> JoinHeadsSpecAttr::getAccesses() const {
  SmallVector<Access> accesses(getHeads().size(), Access::Read);
  accesses.push_back(Access::Write);
  return accesses;
}

std::string JoinHeadsSpecAttr::getKernelName() const {
  std::string name = "mc_join_heads" + std::to_string(getOutHeads());
  for (int64_t i = 0; i < getHeads().size(); ++i)
    name += llvm::formatv("_h{0}x{1}_{2}_{3}", getHeads()[i], getDims()[i],
                          getBegins()[i], getCounts()[i])
                .str();
  return name;
}

SmallVector<Access> RopeStoreSpecAttr::getAccesses() const {
  SmallVector<Access> accesses = {Access::ReadWrite, Access::Read};
  if (!getShared())
    accesses.push_back(Access::Read);
  if (getPairs() > 0)
    accesses.append(getQueryTable() ? 2 : 1, Access::Read);
  if (getEps())
    accesses.append(2, Access::Read);
  accesses.append(getShared() ? 1 : 2, Access::Write);
  return accesses;
}

std::string RopeStoreSpecAttr::getKernelName() const {
  std::string name = llvm::formatv(
      "mc_rope_store_h{0}_{1}_{2}_{3}_p{4}_{5}", getHeads(), getKvHeads(),
      getSymbolPart(getKeyPage()), getSymbolPart(getValuePage()), getPairs(),
      model::stringifyRopePairing(getPairing()));
  if (getQueryTable())
    name += "_q";
  if (getShared())
    name += "_shared";
  return getEps() ? name + "_norm" + getSymbolPart(getEps()) : name;
}

int64_t RopeStoreSpecAttr::getScratchBytes() const {
  return getKeyPage().getField(pack::kScale) ? getKeyDim() * sizeof(float) : 0;
}

SmallVector<Access> AttentionSpecAttr::getAccesses() const {
  SmallVector<Access> accesses(2 + !getShared() + getSinks(), Access::Read);
  accesses.push_back(Access::Write);
  return accesses;
}

std::string AttentionSpecAttr::getKernelName() const {
  std::string name = llvm::formatv(
      "mc_attention_h{0}_{1}_{2}_{3}_s{4}_t{5}", getHeads(), getKvHeads(),
      getSymbolPart(getKeyPage()), getSymbolPart(getValuePage()),
      getSymbolPart(getScale()), getTileTokens());
  if (getWindow() > 0)
    name += "_w" + std::to_string(getWindow());
  if (getCap())
    name += "_c" + getSymbolPart(getCap());
  if (getShared())
    name += "_shared" + std::to_string(getValueDim());
  if (getParts() > 1)
    name += "_parts" + std::to_string(getParts());
  return getSinks() ? name + "_sinks" : name;
}

int64_t AttentionSpecAttr::getBlockRows() const {
  int64_t heads = getHeads() / getKvHeads() / getParts();
  bool isWide = getTileTokens() > 1 && getTileTokens() * heads > kBlockRows;
  return isWide ? kWideBlockRows : kBlockRows;
}

int64_t AttentionSpecAttr::getScratchBytes() const {
  int64_t words = MODELC_PAGE_TOKENS + llvm::alignTo(getKeyDim(), 16) +
                  llvm::alignTo(getValueDim(), 16);
  int64_t turned = getShared() ? MODELC_PAGE_TOKENS * kTurnedElems : 0;
  return (getBlockRows() * words + getStateSets() * kStateVectors * 16 +
          turned) *
         sizeof(float);
}

//===----------------------------------------------------------------------===//
// Recurrent layers
//===----------------------------------------------------------------------===//

SmallVector<Access> CausalConvSpecAttr::getAccesses() const {
  return {Access::Read, Access::Read, Access::ReadWrite, Access::Write};
}

std::string CausalConvSpecAttr::getKernelName() const {
  return llvm::formatv("mc_causal_conv_k{0}_t{1}", getChannels(), getTaps());
}

int64_t CausalConvSpecAttr::getTileCount() const {
  return llvm::divideCeil(getChannels(), kTileChannels);
}

int64_t CausalConvSpecAttr::getStateBytes() const {
  return llvm::alignTo((getTaps() - 1) * getChannels() * sizeof(float),
                       MODELC_BUFFER_ALIGN);
}

SmallVector<Access> DeltaRuleSpecAttr::getAccesses() const {
  SmallVector<Access> accesses(5, Access::Read);
  accesses.append({Access::ReadWrite, Access::Write});
  return accesses;
}

std::string DeltaRuleSpecAttr::getKernelName() const {
  return llvm::formatv("mc_delta_rule_h{0}_{1}_{2}x{3}_eps{4}{5}", getHeads(),
                       getKeyHeads(), getKeyDim(), getValueDim(),
                       getSymbolPart(getEps()), getTiled() ? "_tiled" : "");
}

int64_t DeltaRuleSpecAttr::getTileColumns() const {
  for (int64_t columns : {64, 48, 32})
    if (getValueDim() % columns == 0)
      return columns;
  return 16;
}

int64_t DeltaRuleSpecAttr::getTileCount() const {
  return getHeads() * (getValueDim() / getTileColumns());
}

static constexpr int64_t kChunkBytes =
    DeltaRuleSpecAttr::kChunkTokens * sizeof(float);

int64_t DeltaRuleSpecAttr::getKeysOffset() const {
  return getKeyDim() * getTileColumns() * sizeof(float);
}

int64_t DeltaRuleSpecAttr::getDeltasOffset() const {
  return getKeysOffset() + getKeyDim() * kChunkBytes;
}

int64_t DeltaRuleSpecAttr::getDecaysOffset() const {
  return getDeltasOffset() + getTileColumns() * kChunkBytes;
}

int64_t DeltaRuleSpecAttr::getFadedOffset() const {
  return getDecaysOffset() + kChunkBytes;
}

int64_t DeltaRuleSpecAttr::getTileBytes() const {
  return getFadedOffset() + kChunkBytes;
}

int64_t DeltaRuleSpecAttr::getStateBytes() const {
  return llvm::alignTo(getTileCount() * getTileBytes(), MODELC_BUFFER_ALIGN);
}

int64_t DeltaRuleSpecAttr::getScratchBytes() const {
  // Q'; M, N and P; g, f and b; D as the next chunk has it (DeltaRule.h).
  return kChunkBytes * (getKeyDim() + 3 * kChunkTokens + 3 + getTileColumns());
}
