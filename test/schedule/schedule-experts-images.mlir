// RUN: modelc-opt %s --plan-schedule="target=cascadelake ubatch=512" \
// RUN:   | FileCheck %s
// RUN: modelc-opt %s --plan-schedule="target=sapphirerapids ubatch=512" \
// RUN:   | FileCheck %s --check-prefix=TILES

#quant = affine_map<(n, j) -> ((j floordiv 4) * 512 + n * 32 + (j mod 4) * 8)>
#scale = affine_map<(n, j) -> (j * 256 + n * 16 + 8192)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#q8 = #pack.layout<"q8_0.n16k64u", source = !model.ggml<q8_0>, group = [16, 64], bytes = 1088, align = 64, fields = [#pack.field<"quants", bits = 8, unit = 1, flip = 128, map = #quant>, #pack.field<"scale", bits = 16, unit = 32, flip = 0, map = #scale>]>

// 4 experts, 2 slots a token: an expert has half as many rows as there are
// tokens. Regimes end with 1, 4, 8, 12 and 128 of its rows; then an image of its
// matrix pays. Down is of floats, which have no images, but follows.
// CHECK-LABEL: module @experts
//
// Tiles need images in all of their regime, from 9 rows on. Its row tiles are
// those of groups and of float weights too.
// TILES-LABEL: module @experts
// TILES: plan.step "router.group" @mc_group_e4_s2_r8_avx512vnni
// TILES-SAME: tokens in [9, 512]
// TILES: plan.step "gate" @mc_matmul_{{.*}}_i8_m8k32_start{{.*}}_t16_siluglu_experts4_avx512vnni
// TILES-SAME: tokens in [9, 16] counter
// TILES: plan.step "gate.prepare" @mc_prepare_i8_m8k32_rows
// TILES-SAME: tokens in [17, 512] counter @router.counts[4] limit 131
// TILES: plan.step "gate" @mc_matmul_{{.*}}_i8_m8k32_rows{{.*}}_t16_i2x768_siluglu_experts4_intelamx
// TILES-SAME: tokens in [17, 512] counter
// TILES: plan.step "down" @mc_matmul_f32_{{.*}}_t16_experts4_avx512vnni
// TILES-SAME: tokens in [17, 512] counter
module @experts {
  model.weight @table : tensor<32x64xf32> at 0 in 0
  model.weight @router.weight : tensor<4x64xf32> at 0 in 0
  model.weight @gate.weight : tensor<4x64x64x!model.ggml<q8_0>> at 0 in 0
  model.weight @down.weight : tensor<4x64x64xf32> at 0 in 0
  // CHECK: plan.step "router.group" @mc_group_e4_s2_r1_avx512vnni
  // CHECK-SAME: tokens in [2, 2]
  // CHECK: plan.step "router.group" @mc_group_e4_s2_r4_avx512vnni
  // CHECK-SAME: tokens in [3, 8]
  // CHECK: plan.step "router.group" @mc_group_e4_s2_r8_avx512vnni
  // CHECK-SAME: tokens in [9, 16]
  // CHECK: plan.step "router.group" @mc_group_e4_s2_r4_avx512vnni
  // CHECK-SAME: tokens in [17, 24]
  // CHECK: plan.step "router.group" @mc_group_e4_s2_r8_avx512vnni
  // CHECK-SAME: tokens in [25, 256]
  // CHECK: plan.step "router.group" @mc_group_e4_s2_r6_avx512vnni
  // CHECK-SAME: tokens in [257, 512]
  // CHECK: plan.step "gate" @mc_matmul_{{.*}}m1k32{{.*}}_t16_siluglu_experts4_indirect_
  // CHECK-SAME: tokens in [1, 2] counter @router.counts[0] limit 4
  // CHECK: plan.step "gate" @mc_matmul_{{.*}}m4k32{{.*}}_t16_siluglu_experts4_
  // CHECK-SAME: tokens in [3, 8] counter
  // CHECK: plan.step "gate" @mc_matmul_{{.*}}m8k32{{.*}}_t16_siluglu_experts4_
  // CHECK-SAME: tokens in [9, 16] counter
  // CHECK: plan.step "gate" @mc_matmul_{{.*}}m4k32{{.*}}_t16_siluglu_experts4_
  // CHECK-SAME: tokens in [17, 24] counter
  // CHECK: plan.step "gate" @mc_matmul_{{.*}}m8k32{{.*}}_t16_siluglu_experts4_
  // CHECK-SAME: tokens in [25, 256] counter
  // CHECK: plan.step "down" @mc_matmul_f32_{{.*}}_t16_experts4_avx512vnni
  // CHECK-SAME: tokens in [25, 256] counter
  // CHECK: plan.step "gate" @mc_matmul_{{.*}}_t16_i2x512_siluglu_experts4_
  // CHECK-SAME: tokens in [257, 512] counter
  // CHECK: plan.step "down" @mc_matmul_f32_{{.*}}_t16_experts4_avx512vnni
  // CHECK-SAME: tokens in [257, 512] counter
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x32xf32> {
    %0 = model.get_weight @table : tensor<32x64xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x64xf32> -> <32x64, #n16k1>
    %1 = model.get_weight @router.weight : tensor<4x64xf32>
    %r = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<4x64xf32> -> <4x64, #n16k1>
    %2 = model.get_weight @gate.weight : tensor<4x64x64x!model.ggml<q8_0>>
    %g = pack.repack %2 {reason = #pack.reason<first_choice>}
        : tensor<4x64x64x!model.ggml<q8_0>> -> <4x64x64, #q8>
    %3 = model.get_weight @down.weight : tensor<4x64x64xf32>
    %d = pack.repack %3 {reason = #pack.reason<first_choice>}
        : tensor<4x64x64xf32> -> <4x64x64, #n16k1>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x64, #n16k1> -> tensor<?x64xf32>
    %l = model.linear <store> %x weights(%r : !pack.tensor<4x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x4xf32>
    %i, %w = model.route <softmax> %l {scale = 1.0 : f32}
        : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %y = model.experts <silu> %x, %i, %w
        gate(%g : !pack.tensor<4x64x64, #q8>)
        up(%g : !pack.tensor<4x64x64, #q8>)
        down(%d : !pack.tensor<4x64x64, #n16k1>)
        : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
    %o = model.linear <store> %y rows(%rows : tensor<?xi32>)
        weights(%t : !pack.tensor<32x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x32xf32>
    return %o : tensor<?x32xf32>
  }
}
