// RUN: modelc-opt %s --plan-schedule=ubatch=8 | FileCheck %s

#zero = affine_map<(n, j) -> (0)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>

// Steps with a state go through all tokens in each tile, so tiles are counted
// by columns alone: 2 of 64 channels at most, 2 heads. The norm of heads is the
// gated unit's.
// CHECK: plan.state @conv.0 sequence 1152
// CHECK: plan.step "conv.0.step" @mc_causal_conv_k96_t4_{{[a-z0-9]+}}
// CHECK-SAME: [@table.rows, @conv, @conv.0, @conv.0.out] for tokens in [1, 8] tiles 8 * 2
// CHECK: plan.step "columns" @mc_columns_g2_0_1_48_{{[a-z0-9]+}}
// CHECK-SAME: [@table.rows, @columns.out] for tokens in [1, 8] tiles 1 * 1
// CHECK: plan.state @delta.0 sequence 6400
// CHECK: plan.step "delta.0.step" @mc_delta_rule_h2_2_16x16_eps358637bd_{{[a-z0-9]+}}
// CHECK-SAME: [@conv.0.out, @columns.out, @columns.out, @gates, @gates, @delta.0, @delta.0.out]
// CHECK-SAME: tiles 8 * 2
// CHECK: plan.step "norm" @mc_siluglu_k32_norm16x358637bd_{{[a-z0-9]+}}
// CHECK-SAME: [@columns.out.1, @delta.0.out, @norm, @norm.out]
// CHECK: plan.step "gate" @mc_sigmoidglu_k32_{{[a-z0-9]+}}
// CHECK-SAME: [@columns.out.1, @norm.out, @gate.out]
func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                   %rows: tensor<?xi32>) -> tensor<?x32xf32> {
  %0 = model.get_weight @table : tensor<32x96xf32>
  %t = pack.repack %0 {reason = #pack.reason<first_choice>}
      : tensor<32x96xf32> -> <32x96, #n16k1>
  %1 = model.get_weight @conv : tensor<96x4xf32>
  %w = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
      : tensor<96x4xf32> -> <96x4, #mapped>
  %2 = model.get_weight @gates : tensor<2xf32>
  %g = pack.repack %2 {reason = #pack.reason<not_a_matmul>}
      : tensor<2xf32> -> <2, #mapped>
  %3 = model.get_weight @norm : tensor<16xf32>
  %n = pack.repack %3 {reason = #pack.reason<not_a_matmul>}
      : tensor<16xf32> -> <16, #mapped>
  %4 = model.get_weight @out : tensor<32x32xf32>
  %o = pack.repack %4 {reason = #pack.reason<first_choice>}
      : tensor<32x32xf32> -> <32x32, #n16k1>
  %x = model.embed %tokens, %t
      : tensor<?xi32>, !pack.tensor<32x96, #n16k1> -> tensor<?x96xf32>
  %c = model.causal_conv %x, %w in @conv.0
      : tensor<?x96xf32>, !pack.tensor<96x4, #mapped>
  %b = model.columns %x {first = 0 : i64, length = 1 : i64, period = 48 : i64}
      : tensor<?x96xf32> -> tensor<?x2xf32>
  %z = model.columns %x {first = 0 : i64, length = 32 : i64, period = 96 : i64}
      : tensor<?x96xf32> -> tensor<?x32xf32>
  %d = model.delta_rule %c, %b, %b rate(%g : !pack.tensor<2, #mapped>)
      bias(%g : !pack.tensor<2, #mapped>) in @delta.0
      {eps = 1.0e-06 : f32, keyHeads = 2 : i64}
      : tensor<?x96xf32>, tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x32xf32>
  %dn = model.rms_norm %d, %n eps 1.0e-06
      : tensor<?x32xf32>, !pack.tensor<16, #mapped>
  %y = model.glu <silu> %z, %dn : tensor<?x32xf32>
  %s = model.glu <sigmoid> %z, %y : tensor<?x32xf32>
  %l = model.linear <store> %s rows(%rows : tensor<?xi32>)
      weights(%o : !pack.tensor<32x32, #n16k1>)
      : tensor<?x32xf32> -> tensor<?x32xf32>
  return %l : tensor<?x32xf32>
}
model.state @conv.0 : tensor<3x96xf32>
model.state @delta.0 : tensor<2x16x16xf32>
model.weight @table : tensor<32x96xf32> at 0 in 0
model.weight @conv : tensor<96x4xf32> at 12288 in 0
model.weight @gates : tensor<2xf32> at 13824 in 0
model.weight @norm : tensor<16xf32> at 13888 in 0
model.weight @out : tensor<32x32xf32> at 14080 in 0
