//===- ModelAttrs.td - Attributes and enums of the model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELATTRS_TD
#define MODELC_DIALECTS_MODEL_MODELATTRS_TD

include "dialects/model/ModelDialect.td"
include "dialects/model/ModelEnums.td"
include "mlir/IR/AttrTypeBase.td"

def Model_RopePairingAttr : EnumAttr<Model_Dialect, Model_RopePairing,
                                     "rope_pairing"> {
  let summary = "adjacent: (2i, 2i+1); half: (i, i + dims/2)";
  let assemblyFormat = "`<` $value `>`";
}

def Model_RopeAttr : AttrDef<Model_Dialect, "Rope"> {
  let mnemonic = "rope";
  let summary = "All facts of a rotary position embedding";
  let description = [{
    Pair i of a head (0 <= i < dims/2) turns by `position * frequency(i)`.
    docs/numerics.md gives frequency(i) as a function of these parameters,
    and the factor on cos and sin that YaRN adds. The frequencies themselves
    are computed once, by support code that the compiler and the reference
    share, when `model.rope_table` is lowered.

    * `dims`: rotated elements of each head, even.
    * `base`: frequency(i) = base^(-2i/dims) before scaling.
    * `scaling`, `factor`: linear divides all frequencies by factor; YaRN
      blends by `betaFast`, `betaSlow` around `originalContext`.
    * `attentionFactor`: multiplies cos and sin (YaRN; else 1).
    * `extFactor`: YaRN's blend, 0 or 1.
    Per-pair divisors (Llama 3's rope_freqs.weight) stand on
    model.rope_table.

    Constraints:
    * (C1) dims is positive and even.
  }];
  let genVerifyDecl = 1;
  let parameters = (ins
    "int64_t":$dims,
    "::modelc::model::RopePairing":$pairing,
    "::mlir::FloatAttr":$base,
    "::modelc::model::RopeScaling":$scaling,
    "::mlir::FloatAttr":$factor,
    "int64_t":$originalContext,
    "::mlir::FloatAttr":$attentionFactor,
    "::mlir::FloatAttr":$extFactor,
    "::mlir::FloatAttr":$betaFast,
    "::mlir::FloatAttr":$betaSlow);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Model_ActivationAttr : EnumAttr<Model_Dialect, Model_Activation,
                                    "activation"> {
  let assemblyFormat = "`<` $value `>`";
}

def Model_GatingAttr : EnumAttr<Model_Dialect, Model_Gating, "gating"> {
  let assemblyFormat = "`<` $value `>`";
}

def Model_EpilogueAttr : EnumAttr<Model_Dialect, Model_Epilogue, "epilogue"> {
  let assemblyFormat = "`<` $value `>`";
}

#endif // MODELC_DIALECTS_MODEL_MODELATTRS_TD
