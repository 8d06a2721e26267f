//===- NetworkBuilder.cpp - Builds the module of a network
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// builder.linear(x, {blk.0.attn_q.weight, blk.0.attn_q.bias})
//   ==>
// before @forward:
//   model.weight @"blk.0.attn_q.weight" : tensor<256x256xf16> at 4096 in 0
//   model.weight @"blk.0.attn_q.bias" : tensor<256xf32> at 135168 in 0
// at the end of @forward:
//   %0 = model.get_weight @"blk.0.attn_q.weight" : tensor<256x256xf16>
//   %1 = model.matmul %x, %0 : ...
//   %2 = model.get_weight @"blk.0.attn_q.bias" : tensor<256xf32>
//   %3 = model.add_bias %1, %2 : ...
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/NetworkBuilder.h"
#include "compiler/import/ModuleAttributes.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::arch;
using gguf::GgufTensor;

NetworkBuilder::NetworkBuilder(MLIRContext &context, int64_t vocabSize)
    : builder(&context), location(nameLoc(kForwardName)) {
  module = ModuleOp::create(location);
  builder.setInsertionPointToStart(module->getBody());
  auto ids =
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
  FunctionType type =
      builder.getFunctionType({ids, ids, ids}, {activations(vocabSize)});
  forward = func::FuncOp::create(builder, location, kForwardName, type);
  builder.setInsertionPointToStart(forward.addEntryBlock());
}

void NetworkBuilder::enter(const llvm::Twine &name) {
  location = nameLoc(name.str());
}

Value NetworkBuilder::embed(Value tokens, const GgufTensor &table,
                            float scale) {
  return model::EmbedOp::create(
      builder, nameLoc(table.name), activations(table.shape[1]), tokens,
      weight(table), scale == 1 ? FloatAttr() : builder.getF32FloatAttr(scale));
}

Value NetworkBuilder::rmsNorm(Value x, const GgufTensor &tensor, float eps) {
  return model::RmsNormOp::create(builder, nameLoc(tensor.name), x.getType(), x,
                                  weight(tensor), /*residual=*/Value(),
                                  builder.getF32FloatAttr(eps));
}

Value NetworkBuilder::layerNorm(Value x, const LinearTensors &tensors,
                                float eps) {
  return model::LayerNormOp::create(builder, nameLoc(tensors.weight->name),
                                    x.getType(), x, weight(*tensors.weight),
                                    weight(*tensors.bias),
                                    builder.getF32FloatAttr(eps));
}

Value NetworkBuilder::linear(Value x, const LinearTensors &tensors) {
  llvm::ArrayRef<int64_t> shape = tensors.weight->shape;
  int64_t rows = shape.size() > 1 ? shape[0] : 1; // A vector is one row.
  Value result =
      model::MatmulOp::create(builder, nameLoc(tensors.weight->name),
                              activations(rows), x, weight(*tensors.weight));
  if (!tensors.bias)
    return result;
  return model::AddBiasOp::create(builder, nameLoc(tensors.bias->name),
                                  result.getType(), result,
                                  weight(*tensors.bias));
}

Value NetworkBuilder::add(Value a, Value b) {
  return model::AddOp::create(builder, location, a.getType(), a, b);
}

Value NetworkBuilder::glu(model::Activation activation, Value gate, Value up) {
  auto attr = model::ActivationAttr::get(builder.getContext(), activation);
  return model::GluOp::create(builder, location, gate.getType(), attr, gate,
                              up);
}

Value NetworkBuilder::activate(model::Activation activation, Value x,
                               float cap) {
  auto attr = model::ActivationAttr::get(builder.getContext(), activation);
  return model::ActivateOp::create(builder, location, x.getType(), attr, x,
                                   activation == model::Activation::SoftCap
                                       ? builder.getF32FloatAttr(cap)
                                       : FloatAttr());
}

Value NetworkBuilder::experts(Value x, Value logits, const Routing &routing,
                              model::Activation activation,
                              const ExpertWeights &tensors) {
  auto slots = RankedTensorType::get({ShapedType::kDynamic, routing.slots},
                                     builder.getI32Type());
  auto gating = model::GatingAttr::get(builder.getContext(), routing.gating);
  auto route = model::RouteOp::create(
      builder, location, slots, activations(routing.slots), gating, logits,
      routing.bias ? weight(*routing.bias) : Value(),
      routing.normalise ? builder.getUnitAttr() : UnitAttr(),
      builder.getF32FloatAttr(routing.scale),
      routing.groups > 0 ? builder.getI64IntegerAttr(routing.groups)
                         : IntegerAttr(),
      routing.groups > 0 ? builder.getI64IntegerAttr(routing.groupsUsed)
                         : IntegerAttr());
  SmallVector<Value> biases;
  if (tensors.gate.bias)
    for (const LinearTensors *part :
         {&tensors.gate, &tensors.up, &tensors.down})
      biases.push_back(weight(*part->bias));
  return model::ExpertsOp::create(
      builder, nameLoc(tensors.gate.weight->name), x.getType(),
      model::ActivationAttr::get(builder.getContext(), activation), x,
      route.getIds(), route.getWeights(), /*norm=*/Value(),
      weight(*tensors.gate.weight), weight(*tensors.up.weight),
      weight(*tensors.down.weight), biases, /*residual=*/Value(),
      /*eps=*/FloatAttr());
}

Value NetworkBuilder::ropeTable(const RopeParameters &rope,
                                llvm::ArrayRef<float> divisors,
                                const Temper &temper) {
  auto attr = model::RopeAttr::get(
      builder.getContext(), rope.dims, rope.pairing,
      builder.getF32FloatAttr(rope.base), rope.scaling,
      builder.getF32FloatAttr(rope.factor), rope.originalContext,
      builder.getF32FloatAttr(rope.attentionFactor),
      builder.getF32FloatAttr(rope.extFactor),
      builder.getF32FloatAttr(rope.betaFast),
      builder.getF32FloatAttr(rope.betaSlow));
  return model::RopeTableOp::create(
      builder, location, activations(rope.dims), positions(), attr,
      divisors.empty() ? nullptr : builder.getDenseF32ArrayAttr(divisors),
      temper.values.empty() ? nullptr
                            : builder.getDenseF32ArrayAttr(temper.values),
      temper.values.empty() ? nullptr
                            : builder.getI64IntegerAttr(temper.length));
}

Value NetworkBuilder::rope(Value x, Value table, int64_t headDim,
                           model::RopePairing pairing) {
  auto attr = model::RopePairingAttr::get(builder.getContext(), pairing);
  return model::RopeOp::create(builder, location, x.getType(), x, table,
                               builder.getI64IntegerAttr(headDim), attr);
}

Value NetworkBuilder::headMatmul(Value x, const GgufTensor &tensor,
                                 int64_t headDim) {
  return model::HeadMatmulOp::create(
      builder, nameLoc(tensor.name),
      activations(tensor.shape[0] * tensor.shape[1]), x, weight(tensor),
      builder.getI64IntegerAttr(headDim));
}

Value NetworkBuilder::joinHeads(int64_t heads, ArrayRef<HeadPart> parts) {
  SmallVector<Value> sources;
  SmallVector<int64_t> dims, begins, counts;
  int64_t columns = 0;
  for (const HeadPart &part : parts) {
    sources.push_back(part.source);
    dims.push_back(part.dim);
    begins.push_back(part.begin);
    counts.push_back(part.count);
    columns += heads * part.count;
  }
  return model::JoinHeadsOp::create(builder, location, activations(columns),
                                    sources, heads, dims, begins, counts);
}

Value NetworkBuilder::attention(Value q, Value k, Value v,
                                const AttentionShape &shape) {
  const std::string name = "kv." + std::to_string(cacheCount++);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(forward);
    model::CacheOp::create(builder, location, name, shape.kvHeads, shape.keyDim,
                           shape.valueDim, builder.getF16Type(),
                           shape.isShared);
  }
  return model::AttentionOp::create(
      builder, location, activations(shape.heads * shape.valueDim), q, k, v,
      shape.sinks ? weight(*shape.sinks) : Value(),
      FlatSymbolRefAttr::get(builder.getContext(), name),
      builder.getI64IntegerAttr(shape.heads),
      builder.getF32FloatAttr(shape.scale),
      shape.window > 0 ? builder.getI64IntegerAttr(shape.window)
                       : IntegerAttr(),
      shape.cap > 0 ? builder.getF32FloatAttr(shape.cap) : FloatAttr());
}

Value NetworkBuilder::selectRows(Value x, Value rows) {
  return model::SelectRowsOp::create(builder, location, x.getType(), x, rows);
}

Value NetworkBuilder::columns(Value x, int64_t first, int64_t length,
                              int64_t period) {
  int64_t columns = cast<RankedTensorType>(x.getType()).getDimSize(1);
  return model::ColumnsOp::create(builder, location,
                                  activations(columns / period * length), x,
                                  first, length, period);
}

FlatSymbolRefAttr NetworkBuilder::state(llvm::StringRef name,
                                        llvm::ArrayRef<int64_t> shape) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(forward);
  model::StateOp::create(builder, location, name,
                         RankedTensorType::get(shape, builder.getF32Type()));
  return FlatSymbolRefAttr::get(builder.getContext(), name);
}

Value NetworkBuilder::causalConv(Value x, const GgufTensor &tensor) {
  FlatSymbolRefAttr symbol = state("conv." + std::to_string(convCount++),
                                   {tensor.shape[1] - 1, tensor.shape[0]});
  return model::CausalConvOp::create(builder, nameLoc(tensor.name), x.getType(),
                                     x, weight(tensor), symbol);
}

Value NetworkBuilder::deltaRule(const DeltaInputs &inputs,
                                const DeltaShape &shape) {
  FlatSymbolRefAttr symbol = state("delta." + std::to_string(deltaCount++),
                                   {shape.heads, shape.keyDim, shape.valueDim});
  return model::DeltaRuleOp::create(
      builder, location, activations(shape.heads * shape.valueDim), inputs.x,
      inputs.decay, inputs.beta, weight(*inputs.rate), weight(*inputs.bias),
      symbol, builder.getI64IntegerAttr(shape.keyHeads),
      shape.isTiled ? builder.getUnitAttr() : UnitAttr(),
      builder.getF32FloatAttr(shape.eps));
}

OwningOpRef<ModuleOp> NetworkBuilder::finish(Value logits,
                                             const gguf::GgufModel &source,
                                             const ModelSummary &summary) {
  func::ReturnOp::create(builder, location, logits);
  const gguf::Metadata &metadata = source.metadata();
  auto setString = [&](llvm::StringRef attr, llvm::StringRef key) {
    // A name of another type than string is none.
    absl::StatusOr<llvm::StringRef> text = metadata.getStringOr(key, "");
    (*module)->setAttr(attr, builder.getStringAttr(text.ok() ? *text : ""));
  };
  auto setInteger = [&](llvm::StringRef attr, int64_t value) {
    (*module)->setAttr(attr, builder.getI64IntegerAttr(value));
  };
  setString(kArchitectureAttr, "general.architecture");
  setString(kNameAttr, "general.name");
  setInteger(kContextLengthAttr, summary.contextLength);
  setInteger(kVocabSizeAttr, summary.vocabSize);
  setInteger(kEmbeddingLengthAttr, summary.embeddingLength);
  setInteger(kLayerCountAttr, summary.layers);
  (*module)->setAttr(kIgnoredTensorsAttr,
                     builder.getStrArrayAttr(summary.ignoredTensors));
  return std::move(module);
}

Value NetworkBuilder::weight(const GgufTensor &tensor) {
  auto type = RankedTensorType::get(
      tensor.shape, model::getElementType(builder.getContext(), tensor.type));
  Location loc = nameLoc(tensor.name);
  model::WeightOp &op = declared[&tensor];
  if (!op) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(forward);
    op = model::WeightOp::create(builder, loc, tensor.name, type, tensor.offset,
                                 tensor.shard);
  }
  return model::GetWeightOp::create(builder, loc, type, op.getSymName());
}

RankedTensorType NetworkBuilder::activations(int64_t columns) {
  return RankedTensorType::get({ShapedType::kDynamic, columns},
                               builder.getF32Type());
}

Location NetworkBuilder::nameLoc(llvm::StringRef name) {
  return NameLoc::get(builder.getStringAttr(name));
}
