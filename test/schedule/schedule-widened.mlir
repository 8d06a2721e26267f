// RUN: modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=sapphirerapids ubatch=600})' | FileCheck %s
// RUN: modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=sapphirerapids ubatch=256})' \
// RUN:   | FileCheck %s --check-prefix=FEW
// RUN: modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=cascadelake ubatch=600})' \
// RUN:   | FileCheck %s --check-prefix=VECTORS

#quant = affine_map<(n, j) -> ((j floordiv 4) * 512 + n * 32 + (j mod 4) * 8)>
#scale = affine_map<(n, j) -> (j * 256 + n * 16 + 8192)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#q8 = #pack.layout<"q8_0.n16k64u", source = !model.ggml<q8_0>, group = [16, 64], bytes = 1088, align = 64, fields = [#pack.field<"quants", bits = 8, unit = 1, flip = 128, map = #quant>, #pack.field<"scale", bits = 16, unit = 32, flip = 0, map = #scale>]>
#nibble = affine_map<(n, j) -> ((j floordiv 32) * 2048 + (((j mod 32) floordiv 4) mod 4) * 512 + n * 32 + (j mod 4) * 8 + (((j mod 32) floordiv 4) floordiv 4) * 4)>
#scale4 = affine_map<(n, j) -> (j * 256 + n * 16 + 4096)>
#min4 = affine_map<(n, j) -> (j * 256 + n * 16 + 4608)>
#q4 = #pack.layout<"q4_1.n16k64", source = !model.ggml<q4_1>, group = [16, 64], bytes = 640, align = 64, fields = [#pack.field<"quants", bits = 4, unit = 1, flip = 0, map = #nibble>, #pack.field<"scale", bits = 16, unit = 32, flip = 0, map = #scale4>, #pack.field<"min", bits = 16, unit = 32, flip = 0, map = #min4>]>

// From 257 rows on quants are multiplied as bf16 numbers, if blocks have minima
// and rows of weights are whole pairs of sub-blocks: 64 columns are, 96 are
// not. Other targets, and plans that never have so many rows, have nothing of
// it.
// CHECK-LABEL: module @widened
// CHECK: plan.step "across" @mc_matmul_{{.*}}_i8_m8k32_rows_k64_{{.*}}_intelamx
// CHECK-SAME: for tokens in [9, 600]
// CHECK: #plan.matmul<columns = 64, input = #i8_m8k32_rows_sum32
// CHECK: plan.step "up" @mc_matmul_{{.*}}_i8_m8k32_rows_sum32_{{.*}}_intelamx
// CHECK-SAME: for tokens in [9, 256]
// CHECK: #plan.prepare<columns = 64, layout = #bf16_m32k32_rows_sum32
// CHECK: #plan.matmul<columns = 64, input = #bf16_m32k32_rows_sum32, {{.*}} tileRows = 16, imagePanels = 4, imageColumns = 1024>
// CHECK: plan.step "up" @mc_matmul_{{.*}}_bf16_m32k32_rows_sum32_k64_t16_i4x1024_intelamx
// CHECK-SAME: for tokens in [257, 600] tiles 600 * 6
// CHECK: plan.step "down" @mc_matmul_{{.*}}_i8_m8k32_rows_sum32_k96_{{.*}}_intelamx
// CHECK-SAME: for tokens in [9, 600]
// FEW-LABEL: module @widened
// FEW-NOT: bf16_m
// VECTORS-LABEL: module @widened
// VECTORS-NOT: bf16_m
// VECTORS-NOT: intelamx
module @widened {
  model.weight @table : tensor<32x64xf32> at 0 in 0
  model.weight @across.weight : tensor<64x64x!model.ggml<q8_0>> at 8192 in 0
  model.weight @up.weight : tensor<96x64x!model.ggml<q4_1>> at 16384 in 0
  model.weight @down.weight : tensor<64x96x!model.ggml<q4_1>> at 24576 in 0
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x32xf32> {
    %0 = model.get_weight @table : tensor<32x64xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x64xf32> -> <32x64, #n16k1>
    %1 = model.get_weight @across.weight : tensor<64x64x!model.ggml<q8_0>>
    %a = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<64x64x!model.ggml<q8_0>> -> <64x64, #q8>
    %2 = model.get_weight @up.weight : tensor<96x64x!model.ggml<q4_1>>
    %u = pack.repack %2 {reason = #pack.reason<first_choice>}
        : tensor<96x64x!model.ggml<q4_1>> -> <96x64, #q4>
    %3 = model.get_weight @down.weight : tensor<64x96x!model.ggml<q4_1>>
    %d = pack.repack %3 {reason = #pack.reason<first_choice>}
        : tensor<64x96x!model.ggml<q4_1>> -> <64x96, #q4>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x64, #n16k1> -> tensor<?x64xf32>
    %w = model.linear <store> %x weights(%a : !pack.tensor<64x64, #q8>)
        : tensor<?x64xf32> -> tensor<?x64xf32>
    %y = model.linear <store> %w weights(%u : !pack.tensor<96x64, #q4>)
        : tensor<?x64xf32> -> tensor<?x96xf32>
    %z = model.linear <store> %y weights(%d : !pack.tensor<64x96, #q4>)
        : tensor<?x96xf32> -> tensor<?x64xf32>
    %l = model.linear <store> %z rows(%rows : tensor<?xi32>)
        weights(%t : !pack.tensor<32x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x32xf32>
    return %l : tensor<?x32xf32>
  }
}
