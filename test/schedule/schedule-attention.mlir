// RUN: modelc-opt %s --plan-schedule=ubatch=8 | FileCheck %s

// A layer with a window: its states say so, and its kernel takes the sinks
// between the pools and the result. Queries that are scaled by position have a
// table of their own, behind that of the keys.

#zero = affine_map<(n, j) -> (0)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#rope = #model.rope<dims = 4, pairing = half, base = 1.0e+02 : f32, scaling = none, factor = 1.0 : f32, originalContext = 64, attentionFactor = 1.0 : f32, extFactor = 0.0 : f32, betaFast = 32.0 : f32, betaSlow = 1.0 : f32>

// CHECK: plan.kernel @mc_rope_table_p2_f3f800000_{{[a-z0-9]+}}
// CHECK: plan.constant @rope.temper dense<[1.000000e+00, 1.500000e+00]>
// CHECK: plan.step "rope.table" @mc_rope_table_p2_f3f800000_temper2x16_{{[a-z0-9]+}}
// CHECK-SAME: [@rope.frequencies.1, @rope.temper, @rope.table.1]
// CHECK: plan.state @kv.0.k page 4096 window 20
// CHECK: plan.state @kv.0.v page 4096 window 20
// CHECK: plan.step "kv.0.store" @mc_rope_store_{{.*}}_q_{{[a-z0-9]+}}
// CHECK-SAME: [@w.out, @w.out.1, @w.out.2, @rope.table, @rope.table.1, @kv.0.k, @kv.0.v]
// CHECK: plan.step "kv.0.attention" @mc_attention_{{.*}}_t1_w20_c40000000_sinks_
// CHECK-SAME: [@w.out, @kv.0.k, @kv.0.v, @sinks, @kv.0.out]
model.weight @w : tensor<32x32xf32> at 0 in 0
model.weight @sinks : tensor<2xf32> at 4096 in 0
model.cache @kv.0 : 2 x (16, 16) x f16
func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                   %rows: tensor<?xi32>) -> tensor<?x32xf32> {
  %0 = model.get_weight @w : tensor<32x32xf32>
  %w = pack.repack %0 {reason = #pack.reason<first_choice>}
      : tensor<32x32xf32> -> <32x32, #n16k1>
  %1 = model.get_weight @sinks : tensor<2xf32>
  %s = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
      : tensor<2xf32> -> <2, #mapped>
  %x = model.embed %tokens, %w
      : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
  %cs = model.rope_table %positions {rope = #rope}
      : tensor<?xi32> -> tensor<?x4xf32>
  %qs = model.rope_table %positions {rope = #rope,
      temper = array<f32: 1.0, 1.5>, temperLength = 16 : i64}
      : tensor<?xi32> -> tensor<?x4xf32>
  %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
      : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
        !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
      -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  %qr = model.rope %q, %qs {headDim = 16 : i64,
      pairing = #model.rope_pairing<half>}
      : tensor<?x32xf32>, tensor<?x4xf32>
  %kr = model.rope %k, %cs {headDim = 16 : i64,
      pairing = #model.rope_pairing<half>}
      : tensor<?x32xf32>, tensor<?x4xf32>
  %o = model.attention %qr, %kr, %v sinks(%s : !pack.tensor<2, #mapped>)
      in @kv.0 {heads = 2 : i64, scale = 0.25 : f32, window = 20 : i64,
                cap = 2.0 : f32}
      : tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
      -> tensor<?x32xf32>
  %l = model.linear <store> %o rows(%rows : tensor<?xi32>)
      weights(%w : !pack.tensor<32x32, #n16k1>)
      : tensor<?x32xf32> -> tensor<?x32xf32>
  return %l : tensor<?x32xf32>
}
