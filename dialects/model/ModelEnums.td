//===- ModelEnums.td - Enums of the model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELENUMS_TD
#define MODELC_DIALECTS_MODEL_MODELENUMS_TD

include "mlir/IR/EnumAttr.td"

class Model_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::modelc::model";
  let genSpecializedAttr = 0;
}

def Model_RopePairing : Model_Enum<"RopePairing",
    "Which two elements of a head form a rotated pair",
    [I32EnumAttrCase<"Adjacent", 0, "adjacent">,
     I32EnumAttrCase<"Half", 1, "half">]>;

def Model_RopeScaling : Model_Enum<"RopeScaling",
    "How rotation frequencies are stretched beyond the trained context",
    [I32EnumAttrCase<"None", 0, "none">,
     I32EnumAttrCase<"Linear", 1, "linear">,
     I32EnumAttrCase<"Yarn", 2, "yarn">]>;

def Model_Activation : Model_Enum<"Activation",
    "Non-linearity, of a gated unit or by itself",
    [I32EnumAttrCase<"Silu", 0, "silu">,
     I32EnumAttrCase<"Gelu", 1, "gelu">,
     I32EnumAttrCase<"SwigluOai", 2, "swiglu_oai">,
     I32EnumAttrCase<"SoftCap", 3, "soft_cap">,
     I32EnumAttrCase<"Sigmoid", 4, "sigmoid">]>;

def Model_Gating : Model_Enum<"Gating",
    "What makes probabilities of a router's logits",
    [I32EnumAttrCase<"Softmax", 0, "softmax">,
     I32EnumAttrCase<"Sigmoid", 1, "sigmoid">]>;

def Model_Epilogue : Model_Enum<"Epilogue", "What follows a matmul at once",
    [I32EnumAttrCase<"Store", 0, "store">,
     I32EnumAttrCase<"Residual", 1, "residual">,
     I32EnumAttrCase<"Glu", 2, "glu">,
     I32EnumAttrCase<"Activate", 3, "activate">]>;

#endif // MODELC_DIALECTS_MODEL_MODELENUMS_TD
