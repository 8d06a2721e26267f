// RUN: modelc-opt %s --plan-schedule="target=x86-64-v3 ubatch=16" \
// RUN:   | FileCheck %s

#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#zero = affine_map<(n, j) -> (0)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>

// 8 experts of 96, two slots a token, up to 16 tokens: at most 32 slots.
//
// While each expert has about one row - up to 4 tokens - row tiles have one
// row, and gate and up find it in the input of all tokens. From 5 tokens on
// rows are gathered into tiles of 3: 32 slots of 8 experts fill at most
// (32 + 8 * 2) / 3 = 16 of them, 48 rows.
//
// CHECK-LABEL: module @experts

// Tokens are prepared for few rows of experts before the router runs.
// CHECK: plan.slot @gate.in bytes 12288
// CHECK: plan.step "gate.prepare" @mc_prepare_f32_m1k1_k64_norm3727c5ac_avx2
// CHECK-SAME: [@table.rows, @norm, @gate.in]
// CHECK-SAME: tokens in [1, 4] tiles 1 * 1
// CHECK: plan.step "router" @mc_matmul_
// CHECK: plan.slot @router.ids bytes 128
// CHECK: plan.slot @router.weights bytes 128
// CHECK: plan.slot @router.counts bytes 8
// CHECK: plan.slot @router.groups bytes 128
// CHECK: plan.slot @router.rows bytes 192
// CHECK: plan.slot @router.places bytes 128

// One token is routed and grouped at once, more in two steps.
// CHECK: plan.step "router.route" @mc_route_{{.*}}_group1_avx2 [@router.out,
// CHECK-SAME: @router.ids, @router.weights, @router.counts, @router.groups,
// CHECK-SAME: @router.rows, @router.places]
// CHECK-SAME: tokens in [1, 1] tiles 1 * 1
// CHECK: plan.step "router.route" @mc_route_
// CHECK-SAME: [@router.out, @router.ids, @router.weights]
// CHECK-SAME: tokens in [2, 16] tiles 1 * 1
// CHECK: plan.step "router.group" @mc_group_e8_s2_r1_avx2
// CHECK-SAME: tokens in [2, 4] tiles 4 * 1
// CHECK: plan.step "router.group" @mc_group_e8_s2_r3_avx2
// CHECK-SAME: tokens in [5, 16] tiles 16 * 1

// 48 rows of 96, 96 and 64 numbers, as of 64 above.
// CHECK: plan.slot @gate.out bytes 18432
// CHECK: plan.slot @down.in bytes 18432
// CHECK: plan.slot @down.out bytes 12288

// Bytes are those of one expert, operations those of one token's two.
// CHECK: plan.step "gate" {{.*}}_experts8_indirect_avx2
// CHECK-SAME: [@gate.in, @gate.weight, @up.weight, @router.groups,
// CHECK-SAME: @router.rows, @gate.out]
// CHECK-SAME: tokens in [1, 4] counter @router.counts[0] limit 8
// CHECK-SAME: tiles 1 * 6 bytes 49152 ops 49152
// CHECK: plan.step "down.prepare" {{.*}}_grouped_avx2 [@gate.out, @down.in]
// CHECK-SAME: tokens in [1, 4] counter @router.counts[4] limit 8 tiles 1 * 1
// CHECK: plan.step "down" {{.*}}_experts8_avx2
// CHECK-SAME: [@down.in, @down.weight, @router.groups, @down.out]
// CHECK-SAME: tokens in [1, 4] counter @router.counts[0] limit 8
// CHECK-SAME: tiles 1 * 4 bytes 24576 ops 24576
// CHECK: plan.step "gate.prepare" {{.*}}_grouped_gather_avx2
// CHECK-SAME: [@table.rows, @router.rows, @norm, @gate.in]
// CHECK-SAME: tokens in [5, 16] counter @router.counts[4] limit 16 tiles 1 * 1
// CHECK: plan.step "gate" {{.*}}_experts8_avx2
// CHECK-SAME: [@gate.in, @gate.weight, @up.weight, @router.groups, @gate.out]
// CHECK-SAME: tokens in [5, 16] counter @router.counts[0] limit 8
// CHECK: plan.step "down.prepare"
// CHECK-SAME: tokens in [5, 16] counter @router.counts[4] limit 16
// CHECK: plan.step "down" {{.*}}_experts8_avx2
// CHECK-SAME: tokens in [5, 16] counter @router.counts[0] limit 8

// The sum goes where the residual was.
// CHECK: plan.step "down.combine" @mc_combine_k64_s2_residual_avx2
// CHECK-SAME: [@down.out, @router.places, @router.weights, @table.rows,
// CHECK-SAME: @table.rows]
// CHECK-SAME: tokens in [1, 16] tiles 1 * 1
module @experts {
  model.weight @table : tensor<32x64xf32> at 0 in 0
  model.weight @norm : tensor<64xf32> at 0 in 0
  model.weight @router.weight : tensor<8x64xf32> at 0 in 0
  model.weight @gate.weight : tensor<8x96x64xf32> at 0 in 0
  model.weight @up.weight : tensor<8x96x64xf32> at 0 in 0
  model.weight @down.weight : tensor<8x64x96xf32> at 0 in 0
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x32xf32> {
    %0 = model.get_weight @table : tensor<32x64xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x64xf32> -> <32x64, #n16k1>
    %1 = model.get_weight @norm : tensor<64xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<64xf32> -> <64, #mapped>
    %2 = model.get_weight @router.weight : tensor<8x64xf32>
    %r = pack.repack %2 {reason = #pack.reason<first_choice>}
        : tensor<8x64xf32> -> <8x64, #n16k1>
    %3 = model.get_weight @gate.weight : tensor<8x96x64xf32>
    %g = pack.repack %3 {reason = #pack.reason<first_choice>}
        : tensor<8x96x64xf32> -> <8x96x64, #n16k1>
    %4 = model.get_weight @up.weight : tensor<8x96x64xf32>
    %u = pack.repack %4 {reason = #pack.reason<first_choice>}
        : tensor<8x96x64xf32> -> <8x96x64, #n16k1>
    %5 = model.get_weight @down.weight : tensor<8x64x96xf32>
    %d = pack.repack %5 {reason = #pack.reason<first_choice>}
        : tensor<8x64x96xf32> -> <8x64x96, #n16k1>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x64, #n16k1> -> tensor<?x64xf32>
    %l = model.linear <store> %x norm(%n : !pack.tensor<64, #mapped>)
        weights(%r : !pack.tensor<8x64, #n16k1>) {eps = 1.0e-05 : f32}
        : tensor<?x64xf32> -> tensor<?x8xf32>
    %i, %w = model.route <softmax> %l {normalise, scale = 1.0 : f32}
        : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %y = model.experts <silu> %x, %i, %w norm(%n : !pack.tensor<64, #mapped>)
        gate(%g : !pack.tensor<8x96x64, #n16k1>)
        up(%u : !pack.tensor<8x96x64, #n16k1>)
        down(%d : !pack.tensor<8x64x96, #n16k1>)
        residual(%x : tensor<?x64xf32>) {eps = 1.0e-05 : f32}
        : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
    %o = model.linear <store> %y rows(%rows : tensor<?xi32>)
        weights(%t : !pack.tensor<32x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x32xf32>
    return %o : tensor<?x32xf32>
  }
}
