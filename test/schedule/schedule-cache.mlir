// RUN: modelc-opt %s --plan-schedule='target=cascadelake ubatch=8' \
// RUN:   | FileCheck %s

#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>

// A cache's type chooses the layouts of its pages, and these its kernels and
// the size of its state: for each of 2 heads 64 tokens of 32 bytes and a scale
// of 2, and of twice that.
// CHECK-DAG: #[[KEY:.*]] = #pack.layout<"q8_0.key32", source = !model.ggml<q8_0>, group = [64, 32], bytes = 2176, align = 2
// CHECK-DAG: #[[VALUE:.*]] = #pack.layout<"q8_0.value64", source = !model.ggml<q8_0>, group = [64, 64], bytes = 4352, align = 2
// CHECK-LABEL: module @quantized_cache
module @quantized_cache {
  model.weight @w : tensor<64x64xf32> at 0 in 0
  model.weight @v : tensor<128x64xf32> at 16384 in 0
  model.weight @o : tensor<64x128xf32> at 49152 in 0
  model.cache @kv.0 : 2 x (32, 64) x !model.ggml<q8_0>
  // CHECK: plan.state @kv.0.k page 4352
  // CHECK: plan.state @kv.0.v page 8704
  // CHECK: plan.kernel @[[STORE:mc_rope_store_h2_2_q8_0_key32_q8_0_value64_.*]] #plan.rope_store<{{.*}} keyPage = #[[KEY]], valuePage = #[[VALUE]]>
  // CHECK: plan.step "kv.0.store" @[[STORE]] [@w.out, @w.out, @v.out, @kv.0.k, @kv.0.v]
  // CHECK: #plan.attention<{{.*}} keyPage = #[[KEY]], valuePage = #[[VALUE]]
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x64xf32> {
    %0 = model.get_weight @w : tensor<64x64xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<64x64xf32> -> <64x64, #n16k1>
    %1 = model.get_weight @v : tensor<128x64xf32>
    %wv = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<128x64xf32> -> <128x64, #n16k1>
    %2 = model.get_weight @o : tensor<64x128xf32>
    %wo = pack.repack %2 {reason = #pack.reason<first_choice>}
        : tensor<64x128xf32> -> <64x128, #n16k1>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<64x64, #n16k1> -> tensor<?x64xf32>
    %q = model.linear <store> %x weights(%w : !pack.tensor<64x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x64xf32>
    %v = model.linear <store> %x weights(%wv : !pack.tensor<128x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x128xf32>
    %o = model.attention %q, %q, %v in @kv.0 {heads = 2 : i64,
        scale = 0.25 : f32} : tensor<?x64xf32>, tensor<?x64xf32>,
        tensor<?x128xf32> -> tensor<?x128xf32>
    %p = model.linear <store> %o rows(%rows : tensor<?xi32>)
        weights(%wo : !pack.tensor<64x128, #n16k1>)
        : tensor<?x128xf32> -> tensor<?x64xf32>
    return %p : tensor<?x64xf32>
  }
}
