// RUN: modelc-opt %s --pass-pipeline='builtin.module(builtin.module( \
// RUN:   plan-schedule{target=cascadelake ubatch=8}))' --verify-diagnostics

#zero = affine_map<(n, j) -> (0)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>

// Kernels work in whole vectors.
module @vectors {
  model.weight @table : tensor<32x24xf32> at 0 in 0
  model.weight @conv : tensor<24x4xf32> at 4096 in 0
  model.state @conv.0 : tensor<3x24xf32>
  func.func @forward(%tokens: tensor<?xi32>) {
    %0 = model.get_weight @table : tensor<32x24xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x24xf32> -> <32x24, #n16k1>
    %1 = model.get_weight @conv : tensor<24x4xf32>
    %w = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<24x4xf32> -> <24x4, #mapped>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x24, #n16k1> -> tensor<?x24xf32>
    // expected-error@+1 {{no kernel works on 24 columns, which are no multiple of 16}}
    %c = model.causal_conv %x, %w in @conv.0
        : tensor<?x24xf32>, !pack.tensor<24x4, #mapped>
    return
  }
}

// Two ops would overwrite each other's state.
module @one_state_for_two {
  model.weight @table : tensor<32x32xf32> at 0 in 0
  model.weight @conv : tensor<32x4xf32> at 4096 in 0
  model.state @conv.0 : tensor<3x32xf32>
  func.func @forward(%tokens: tensor<?xi32>) {
    %0 = model.get_weight @table : tensor<32x32xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @conv : tensor<32x4xf32>
    %w = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<32x4xf32> -> <32x4, #mapped>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %c = model.causal_conv %x, %w in @conv.0
        : tensor<?x32xf32>, !pack.tensor<32x4, #mapped>
    // expected-error@+1 {{expected no other op with state @conv.0}}
    %d = model.causal_conv %c, %w in @conv.0
        : tensor<?x32xf32>, !pack.tensor<32x4, #mapped>
    return
  }
}
