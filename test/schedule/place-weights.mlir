// RUN: modelc-opt %s --plan-place-weights | FileCheck %s

#zero = affine_map<(n, j) -> (0)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>

// Weights keep their order, each on 128 bytes: 20 rows are two panels of 16,
// 2 * 8 * 64 bytes, and 33 numbers are 132 bytes.
// CHECK-LABEL: plan.variant @weights
plan.variant @weights ubatch 8 features 0 logits @x {
  // CHECK: plan.weight @panels : {{.*}} at 0
  // CHECK: plan.weight @norm : {{.*}} at 1024
  // CHECK: plan.weight @after : {{.*}} at 1280
  plan.weight @panels : !pack.tensor<20x8, #n16k1> reason <first_choice>
  plan.weight @norm : !pack.tensor<33, #mapped> reason <not_a_matmul>
  plan.weight @after : !pack.tensor<8, #mapped> reason <not_a_matmul>
  plan.slot @x bytes 128
}

// Experts start on a page each, so that those which are never chosen are
// never read: 2 experts of 8 x 4 numbers take two pages.
// CHECK-LABEL: plan.variant @experts
plan.variant @experts ubatch 8 features 0 logits @x {
  // CHECK: plan.weight @norm : {{.*}} at 0
  // CHECK: plan.weight @experts : {{.*}} at 4096
  // CHECK: plan.weight @after : {{.*}} at 12288
  plan.weight @norm : !pack.tensor<8, #mapped> reason <not_a_matmul>
  plan.weight @experts : !pack.tensor<2x8x4, #mapped> reason <not_a_matmul>
  plan.weight @after : !pack.tensor<8, #mapped> reason <not_a_matmul>
  plan.slot @x bytes 128
}

// Constants have a section of their own, on 128 bytes too; their size is that
// of their type: 3 * 8 bytes, then 40 * 4.
// CHECK-LABEL: plan.variant @constants
plan.variant @constants ubatch 8 features 0 logits @x {
  // CHECK: plan.weight @norm : {{.*}} at 0
  // CHECK: plan.constant @a {{.*}} : tensor<3xf64> at 0
  // CHECK: plan.constant @b {{.*}} : tensor<40xi32> at 128
  // CHECK: plan.constant @c {{.*}} : tensor<1xf32> at 384
  plan.weight @norm : !pack.tensor<8, #mapped> reason <not_a_matmul>
  plan.constant @a dense<[1.0, 0.5, 0.25]> : tensor<3xf64>
  plan.constant @b dense<7> : tensor<40xi32>
  plan.constant @c dense<1.0> : tensor<1xf32>
  plan.slot @x bytes 128
}
