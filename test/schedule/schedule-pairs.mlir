// RUN: modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=sapphirerapids ubatch=40})' | FileCheck %s

#pairs = affine_map<(n, j) -> ((j floordiv 2) * 512 + n * 32 + (j mod 2) * 16)>
#rows = affine_map<(n, j) -> (j * 256 + n * 16)>
#bf16 = #pack.layout<"bf16.n16k32.pairs", source = bf16, group = [16, 32], bytes = 1024, align = 64, fields = [#pack.field<"values", bits = 16, unit = 1, flip = 0, map = #pairs>]>
#f16 = #pack.layout<"f16.n16k2", source = f16, group = [16, 2], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 16, unit = 1, flip = 0, map = #rows>]>

// Weights in pairs are multiplied by tiles however many rows there are, with
// activations in parts. In a step with weights that are not, they are not.
// CHECK-LABEL: module @pairs
// CHECK: #plan.prepare<columns = 64, layout = #bf16x3_m1k32
// CHECK: #plan.matmul<columns = 64, input = #bf16x3_m1k32, {{.*}}>
// CHECK: plan.step "up" @mc_matmul_{{.*}}_bf16x3_m1k32_k64_t16_intelamx
// CHECK-SAME: for tokens in [1, 1] tiles 1 * 4
// CHECK: plan.step "up" @mc_matmul_{{.*}}_bf16x3_m16k32_k64_t16_intelamx
// CHECK-SAME: for tokens in [9, 40] tiles 40 * 4
// CHECK: #plan.matmul<columns = 64, input = #f32_m6k1, {{.*}}>
// CHECK: plan.step "table" {{.*}}_avx512vnni
module @pairs {
  model.weight @table : tensor<32x64xbf16> at 0 in 0
  model.weight @other : tensor<32x64xf16> at 4096 in 0
  model.weight @up.weight : tensor<64x64xbf16> at 8192 in 0
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x32xf32> {
    %0 = model.get_weight @table : tensor<32x64xbf16>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x64xbf16> -> <32x64, #bf16>
    %1 = model.get_weight @up.weight : tensor<64x64xbf16>
    %u = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<64x64xbf16> -> <64x64, #bf16>
    %2 = model.get_weight @other : tensor<32x64xf16>
    %o = pack.repack %2 {reason = #pack.reason<first_choice>}
        : tensor<32x64xf16> -> <32x64, #f16>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x64, #bf16> -> tensor<?x64xf32>
    %y = model.linear <store> %x weights(%u : !pack.tensor<64x64, #bf16>)
        : tensor<?x64xf32> -> tensor<?x64xf32>
    %l = model.linear <glu> %y rows(%rows : tensor<?xi32>)
        weights(%t, %o : !pack.tensor<32x64, #bf16>, !pack.tensor<32x64, #f16>)
        {activation = #model.activation<silu>}
        : tensor<?x64xf32> -> tensor<?x32xf32>
    return %l : tensor<?x32xf32>
  }
}
