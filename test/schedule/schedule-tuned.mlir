// RUN: modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=cascadelake ubatch=200 \
// RUN:   tuning=mc_matmul_q8_0_n16k64u_n64_i8_m6k32_start128x32_k64_t16_i2x512_avx512vnni:5x3x256x32})' \
// RUN:   | FileCheck %s
// RUN: not modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=cascadelake ubatch=128 \
// RUN:   tuning=mc_matmul_q8_0_n16k64u_n64_i8_m6k32_start128x32_k64_t16_i2x512_avx512vnni:5x3x256x32})' \
// RUN:   2>&1 | FileCheck %s --check-prefix=UNUSED
// RUN: not modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=cascadelake tuning=much})' \
// RUN:   2>&1 | FileCheck %s --check-prefix=WRONG

#quant = affine_map<(n, j) -> ((j floordiv 4) * 512 + n * 32 + (j mod 4) * 8)>
#scale = affine_map<(n, j) -> (j * 256 + n * 16 + 8192)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#q8 = #pack.layout<"q8_0.n16k64u", source = !model.ggml<q8_0>, group = [16, 64], bytes = 1088, align = 64, fields = [#pack.field<"quants", bits = 8, unit = 1, flip = 128, map = #quant>, #pack.field<"scale", bits = 16, unit = 32, flip = 0, map = #scale>]>

// A tuning names the kernel that the target's regime would give, and that one
// alone is cut otherwise: 5 rows by 3 panels, images of 256 columns, tiles of
// 32 rows. Other regimes of the same matmul stay.
//
// A kernel that does not come up (images begin behind 128 rows) is a mistake, and so
// is what is no tuning.
// UNUSED: error: expected a tuning of this model's kernels, found one of
// UNUSED-SAME: mc_matmul_q8_0_n16k64u_n64_i8_m6k32_start128x32_k64_t16_i2x512
// WRONG: error: plan-schedule: tuning: found 'much', expected KERNEL:ROWSx
// CHECK-LABEL: module @tuned
module @tuned {
  model.weight @table : tensor<32x64xf32> at 0 in 0
  model.weight @up.weight : tensor<64x64x!model.ggml<q8_0>> at 8192 in 0
  // CHECK: #plan.matmul<columns = 64, input = #i8_m8k32_{{.*}} tileRows = 16>
  // CHECK: plan.step "up" {{.*}} for tokens in [13, 128] tiles 128 * 4
  // CHECK: #plan.prepare<columns = 64, layout = #i8_m5k32_
  // CHECK: plan.step "up.prepare" {{.*}} for tokens in [129, 200] tiles 5 * 1
  // CHECK: #plan.matmul<columns = 64, input = #i8_m5k32_
  // CHECK-SAME: tileRows = 32, imagePanels = 3, imageColumns = 256>
  // CHECK: plan.step "up" @mc_matmul_{{.*}}_i8_m5k32_{{.*}}_t32_i3x256_avx512vnni
  // CHECK-SAME: for tokens in [129, 200] tiles 200 * 2
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x32xf32> {
    %0 = model.get_weight @table : tensor<32x64xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x64xf32> -> <32x64, #n16k1>
    %1 = model.get_weight @up.weight : tensor<64x64x!model.ggml<q8_0>>
    %u = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<64x64x!model.ggml<q8_0>> -> <64x64, #q8>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x64, #n16k1> -> tensor<?x64xf32>
    %y = model.linear <store> %x weights(%u : !pack.tensor<64x64, #q8>)
        : tensor<?x64xf32> -> tensor<?x64xf32>
    %l = model.linear <store> %y rows(%rows : tensor<?xi32>)
        weights(%t : !pack.tensor<32x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x32xf32>
    return %l : tensor<?x32xf32>
  }
}
