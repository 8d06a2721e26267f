// RUN: modelc-opt %s --plan-schedule=ubatch=8 | FileCheck %s

#zero = affine_map<(n, j) -> (0)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>

// Rows of two tables, one by position, are added in the first one's memory;
// a norm that no matmul takes in is a step of its own; the sum with a residual
// goes to the residual's memory, as nothing reads that later.
// CHECK: plan.kernel @mc_embed_f32_n16k1_k64_x41800000_{{[a-z0-9]+}}
// CHECK: plan.step "table" {{.*}} [@table, @table.rows]
// CHECK: plan.kernel @mc_embed_mapped_f32_k64_positions32_{{[a-z0-9]+}}
// CHECK: plan.step "position" {{.*}} [@position, @position.rows]
// CHECK: plan.step "add" @mc_add_k64_{{[a-z0-9]+}}
// CHECK-SAME: [@table.rows, @position.rows, @table.rows] for tokens in [1, 8] tiles 1 * 1
// CHECK: plan.step "norm" @mc_layer_norm_k64_eps3727c5ac_{{[a-z0-9]+}}
// CHECK-SAME: [@table.rows, @norm, @norm, @norm.out]
// CHECK: plan.step "norm" @mc_rms_norm_k64_eps3727c5ac_residual_{{[a-z0-9]+}}
// CHECK-SAME: [@norm.out, @norm, @table.rows, @table.rows]
func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                   %rows: tensor<?xi32>) -> tensor<?x32xf32> {
  %0 = model.get_weight @table : tensor<32x64xf32>
  %t = pack.repack %0 {reason = #pack.reason<first_choice>}
      : tensor<32x64xf32> -> <32x64, #n16k1>
  %1 = model.get_weight @norm : tensor<64xf32>
  %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
      : tensor<64xf32> -> <64, #mapped>
  %2 = model.get_weight @position : tensor<32x64xf32>
  %p = pack.repack %2 {reason = #pack.reason<gather_only>}
      : tensor<32x64xf32> -> <32x64, #mapped>
  %x = model.embed %tokens, %t {scale = 1.6e+01 : f32}
      : tensor<?xi32>, !pack.tensor<32x64, #n16k1> -> tensor<?x64xf32>
  %y = model.embed %positions, %p
      : tensor<?xi32>, !pack.tensor<32x64, #mapped> -> tensor<?x64xf32>
  %s = model.add %x, %y : tensor<?x64xf32>
  %l = model.layer_norm %s, %n, %n eps 1.0e-05 : tensor<?x64xf32>,
      !pack.tensor<64, #mapped>, !pack.tensor<64, #mapped>
  %r = model.rms_norm %l, %n residual(%s : tensor<?x64xf32>) eps 1.0e-05
      : tensor<?x64xf32>, !pack.tensor<64, #mapped>
  %o = model.linear <store> %r rows(%rows : tensor<?xi32>)
      weights(%t : !pack.tensor<32x64, #n16k1>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return %o : tensor<?x32xf32>
}
model.weight @table : tensor<32x64xf32> at 0 in 0
model.weight @norm : tensor<64xf32> at 8192 in 0
model.weight @position : tensor<32x64xf32> at 16384 in 0
