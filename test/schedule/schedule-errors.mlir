// RUN: modelc-opt %s --plan-schedule=ubatch=8 --split-input-file \
// RUN:   --verify-diagnostics
// RUN: not modelc-opt %s --split-input-file --plan-schedule=target=z80 2>&1 \
// RUN:   | FileCheck %s --check-prefix=TARGET
// RUN: not modelc-opt %s --split-input-file --plan-schedule=ubatch=0 2>&1 \
// RUN:   | FileCheck %s --check-prefix=UBATCH
// RUN: not modelc-opt %s --split-input-file \
// RUN:   --plan-schedule=ubatch=1048577 2>&1 | FileCheck %s --check-prefix=LARGE

// Options are checked before anything is read; 2^20 tokens are what a plan
// file may say.
// TARGET: error: plan-schedule: expected a function @forward, a known target
// TARGET-SAME: found target 'z80' and ubatch 512
// UBATCH: error: plan-schedule: {{.*}} a ubatch of 1 to 1048576, found target
// UBATCH-SAME: 'cascadelake' and ubatch 0
// LARGE: found target 'cascadelake' and ubatch 1048577

// A module without the function has no steps.
// expected-error@+1 {{expected a function @forward}}
module {
}

// -----

// An op that no stage before fused or lowered is named, not skipped.
module {
  func.func @forward(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // expected-error@+1 {{'model.activate' op no kernel of target cascadelake computes this}}
    %y = model.activate <silu> %x : tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}

// -----

// Steps stand in a list; branches have no place in it.
module {
  // expected-error@+1 {{expected one block}}
  func.func @forward(%x: tensor<?x64xf32>) {
    return
  ^next:
    return
  }
}

// -----

// The plan's result is the logits, not any value.
module {
  func.func @forward(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // expected-error@+1 {{expected logits of the selected rows}}
    return %x : tensor<?x64xf32>
  }
}

// -----

// The report and the file need the tensor behind every packed weight.
#zero = affine_map<(n, j) -> (0)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
module {
  func.func @forward(%w: tensor<8x64xf32>) {
    // expected-error@+1 {{expected a weight of the source}}
    %p = pack.repack %w {reason = #pack.reason<first_choice>}
        : tensor<8x64xf32> -> <8x64, #mapped>
    return
  }
}

// -----

// A weight that was never packed has no place in memory.
module {
  model.weight @table : tensor<8x64xf32> at 0 in 0
  func.func @forward(%tokens: tensor<?xi32>) {
    %w = model.get_weight @table : tensor<8x64xf32>
    // expected-error@+1 {{'model.embed' op no kernel of target cascadelake computes its operand model.get_weight}}
    %x = model.embed %tokens, %w
        : tensor<?xi32>, tensor<8x64xf32> -> tensor<?x64xf32>
    return
  }
}

// -----

// Kernels take ids, positions and rows from the step itself: an op that reads
// another of the three would compute something else.
#zero = affine_map<(n, j) -> (0)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
module {
  model.weight @table : tensor<8x64xf32> at 0 in 0
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) {
    %w = model.get_weight @table : tensor<8x64xf32>
    %p = pack.repack %w {reason = #pack.reason<first_choice>}
        : tensor<8x64xf32> -> <8x64, #mapped>
    // expected-error@+1 {{expected argument 0 of @forward}}
    %x = model.embed %rows, %p
        : tensor<?xi32>, !pack.tensor<8x64, #mapped> -> tensor<?x64xf32>
    return
  }
}

// -----

module {
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    // expected-error@+1 {{expected argument 1 of @forward}}
    %cs = model.rope_table %tokens {rope = #model.rope<dims = 4,
        pairing = half, base = 1.0e+02 : f32, scaling = none,
        factor = 1.0 : f32, originalContext = 64, attentionFactor = 1.0 : f32,
        extFactor = 0.0 : f32, betaFast = 32.0 : f32, betaSlow = 1.0 : f32>}
        : tensor<?xi32> -> tensor<?x4xf32>
    return
  }
}

// -----

#zero = affine_map<(n, j) -> (0)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
module {
  model.weight @table : tensor<8x64xf32> at 0 in 0
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) {
    %w = model.get_weight @table : tensor<8x64xf32>
    %p = pack.repack %w {reason = #pack.reason<first_choice>}
        : tensor<8x64xf32> -> <8x64, #mapped>
    %x = model.embed %tokens, %p
        : tensor<?xi32>, !pack.tensor<8x64, #mapped> -> tensor<?x64xf32>
    // expected-error@+1 {{expected argument 2 of @forward}}
    %y = model.linear <store> %x rows(%tokens : tensor<?xi32>)
        weights(%p : !pack.tensor<8x64, #mapped>)
        : tensor<?x64xf32> -> tensor<?x8xf32>
    return
  }
}

// -----

// Values that other steps compute have no layout that a kernel could read as a
// weight's.
module {
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %cs = model.rope_table %positions {rope = #model.rope<dims = 4,
        pairing = half, base = 1.0e+02 : f32, scaling = none,
        factor = 1.0 : f32, originalContext = 64, attentionFactor = 1.0 : f32,
        extFactor = 0.0 : f32, betaFast = 32.0 : f32, betaSlow = 1.0 : f32>}
        : tensor<?xi32> -> tensor<?x4xf32>
    // expected-error@+1 {{'model.embed' op expected a packed weight, found}}
    %x = model.embed %tokens, %cs
        : tensor<?xi32>, tensor<?x4xf32> -> tensor<?x4xf32>
    return
  }
}

// -----

// Norms of heads belong to the step that stores keys; another one has no
// kernel.
#zero = affine_map<(n, j) -> (0)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
module {
  model.weight @table : tensor<8x64xf32> at 0 in 0
  model.weight @norm : tensor<32xf32> at 2048 in 0
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) {
    %w = model.get_weight @table : tensor<8x64xf32>
    %p = pack.repack %w {reason = #pack.reason<first_choice>}
        : tensor<8x64xf32> -> <8x64, #mapped>
    %n = model.get_weight @norm : tensor<32xf32>
    %q = pack.repack %n {reason = #pack.reason<not_a_matmul>}
        : tensor<32xf32> -> <32, #mapped>
    %x = model.embed %tokens, %p
        : tensor<?xi32>, !pack.tensor<8x64, #mapped> -> tensor<?x64xf32>
    // expected-error@+1 {{expected a norm of whole rows}}
    %y = model.rms_norm %x, %q eps 1.0e-05
        : tensor<?x64xf32>, !pack.tensor<32, #mapped>
    return
  }
}
