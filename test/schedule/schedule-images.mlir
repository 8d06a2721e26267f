// RUN: modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=cascadelake ubatch=200})' | FileCheck %s
// RUN: modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=sapphirerapids ubatch=200})' \
// RUN:   | FileCheck %s --check-prefix=TILES
// RUN: modelc-opt %s --pass-pipeline='builtin.module( \
// RUN:   plan-schedule{target=gfx942 ubatch=200})' \
// RUN:   | FileCheck %s --check-prefix=GPU

#quant = affine_map<(n, j) -> ((j floordiv 4) * 512 + n * 32 + (j mod 4) * 8)>
#scale = affine_map<(n, j) -> (j * 256 + n * 16 + 8192)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#q8 = #pack.layout<"q8_0.n16k64u", source = !model.ggml<q8_0>, group = [16, 64], bytes = 1088, align = 64, fields = [#pack.field<"quants", bits = 8, unit = 1, flip = 128, map = #quant>, #pack.field<"scale", bits = 16, unit = 32, flip = 0, map = #scale>]>

// Where there are many rows, panels of block types are unpacked to images,
// which is a regime of its own: from 129 rows on. Up to 12 rows three tiles of
// four take less time than two of eight, by the kernel that up to 4 rows use.
// Float weights are multiplied as they are in every regime.
// CHECK-LABEL: module @images
//
// The same regime is that of tiles, where the target has them: block types are
// multiplied by a row tile of 8, from rows of quants, by a kernel of another
// instruction set. All else is as without tiles.
// TILES-LABEL: module @images
// TILES: #plan.prepare<columns = 64, layout = #i8_m8k32_rows
// TILES: #plan.matmul<columns = 64, input = #i8_m8k32_rows, {{.*}} tileRows = 16, imagePanels = 2, imageColumns = 768>
// TILES: plan.step "up" @mc_matmul_{{.*}}_i8_m8k32_rows_k64_t16_i2x768_intelamx
// TILES-SAME: for tokens in [9, 200] tiles 200 * 4
// TILES: #plan.matmul<columns = 64, input = #f32_m6k1, {{.*}} tileRows = 16>
// TILES: plan.step "table" {{.*}}_avx512vnni
// TILES-SAME: for outputs in [9, 200] tiles 200 * 2
//
// GPUs have a row tile of 16 tokens, and a work-group for every panel.
// GPU-LABEL: module @images
// GPU: plan.step "up" {{.*}}_i8_m4k32_{{.*}}_hip
// GPU-SAME: for tokens in [2, 4] tiles 4 * 4
// GPU: #plan.matmul<columns = 64, input = #i8_m16k32_wave, {{.*}} tileRows = 16, imagePanels = 1, imageColumns = 512>
// GPU: plan.step "up" {{.*}}_i8_m16k32_wave_k64_t16_i1x512_hipmatrix
// GPU-SAME: for tokens in [5, 200] tiles 200 * 4
module @images {
  model.weight @table : tensor<32x64xf32> at 0 in 0
  model.weight @up.weight : tensor<64x64x!model.ggml<q8_0>> at 8192 in 0
  // CHECK: #plan.matmul<columns = 64, input = #i8_m8k32_{{.*}} tileRows = 16>
  // CHECK: plan.step "up" {{.*}} for tokens in [5, 8] tiles 8 * 4
  // CHECK: plan.step "up" {{.*}}_i8_m4k32_{{.*}} for tokens in [9, 12] tiles 12 * 4
  // CHECK: plan.step "up" {{.*}}_i8_m8k32_{{.*}} for tokens in [13, 128] tiles 128 * 4
  // CHECK: #plan.matmul<columns = 64, input = #i8_m6k32_
  // CHECK-SAME: tileRows = 16, imagePanels = 2, imageColumns = 512>
  // CHECK: plan.step "up" @mc_matmul_{{.*}}_i2x512_avx512vnni
  // CHECK-SAME: for tokens in [129, 200] tiles 200 * 4
  // CHECK: #plan.matmul<columns = 64, input = #f32_m6k1, {{.*}} tileRows = 16>
  // CHECK: plan.step "table" {{.*}} for outputs in [9, 200] tiles 200 * 2
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
