// RUN: modelc-opt %s --plan-schedule=ubatch=8 | FileCheck %s

// Latent attention: rows of heads are prepared a row tile of each head in
// turns, a head is multiplied by its own matrix, parts of heads are copied side
// by side, and of a shared cache there is one state, which both kernels take.

#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>

// CHECK: plan.kernel @mc_prepare_f32_m1k1_k8_h2x16_{{[a-z0-9]+}}
// CHECK-SAME: heads = 2, headDim = 16
// CHECK: plan.step "b.prepare" @mc_prepare_f32_m1k1_k8_h2x16_{{[a-z0-9]+}}
// CHECK-SAME: [@w.out, @b.in] for tokens in [1, 1] tiles 1 * 2
// CHECK: plan.step "b" @mc_matmul_{{.*}}_heads2_{{[a-z0-9]+}}
// CHECK-SAME: [@b.in, @b, @b.out] for tokens in [1, 1] tiles 1 * 2 {{.*}} ops 512
// CHECK: plan.step "heads" @mc_join_heads2_h2x16_8_8_h2x16_0_16_{{[a-z0-9]+}}
// CHECK-SAME: [@w.out, @b.out, @heads.out] for tokens in [1, 8] tiles 1 * 1
// CHECK: plan.state @kv.0.k page 3072{{$}}
// CHECK-NOT: plan.state
// CHECK: plan.step "kv.0.store" @mc_rope_store_{{.*}}_shared_{{[a-z0-9]+}}
// CHECK-SAME: [@heads.out, @heads.out.1, @kv.0.k]
// CHECK: plan.step "kv.0.attention" @mc_attention_{{.*}}_shared16_{{[a-z0-9]+}}
// CHECK-SAME: [@heads.out, @kv.0.k, @kv.0.out]
model.weight @w : tensor<32x32xf32> at 0 in 0
model.weight @b : tensor<2x16x8xf32> at 4096 in 0
model.cache @kv.0 : 1 x (24, 16) x f16 {shared}
func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                   %rows: tensor<?xi32>) -> tensor<?x32xf32> {
  %0 = model.get_weight @w : tensor<32x32xf32>
  %w = pack.repack %0 {reason = #pack.reason<first_choice>}
      : tensor<32x32xf32> -> <32x32, #n16k1>
  %1 = model.get_weight @b : tensor<2x16x8xf32>
  %b = pack.repack %1 {reason = #pack.reason<first_choice>}
      : tensor<2x16x8xf32> -> <2x16x8, #n16k1>
  %x = model.embed %tokens, %w
      : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
  %q, %l = model.linear <store> %x weights(%w, %w
      : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>)
      : tensor<?x32xf32> -> tensor<?x32xf32>, tensor<?x32xf32>
  %a = model.head_matmul %q, %b {headDim = 16 : i64}
      : tensor<?x32xf32>, !pack.tensor<2x16x8, #n16k1> -> tensor<?x32xf32>
  %qa = model.join_heads %q, %a {heads = 2 : i64, dims = array<i64: 16, 16>,
      begins = array<i64: 8, 0>, counts = array<i64: 8, 16>}
      : tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x48xf32>
  %k = model.join_heads %l {heads = 1 : i64, dims = array<i64: 32>,
      begins = array<i64: 8>, counts = array<i64: 24>}
      : tensor<?x32xf32> -> tensor<?x24xf32>
  %o = model.attention %qa, %k in @kv.0 {heads = 2 : i64, scale = 0.25 : f32}
      : tensor<?x48xf32>, tensor<?x24xf32> -> tensor<?x32xf32>
  %y = model.linear <store> %o rows(%rows : tensor<?xi32>)
      weights(%w : !pack.tensor<32x32, #n16k1>)
      : tensor<?x32xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
