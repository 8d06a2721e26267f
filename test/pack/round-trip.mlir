// RUN: modelc-opt %s | modelc-opt | FileCheck %s
// RUN: modelc-opt %s --mlir-print-op-generic | modelc-opt | FileCheck %s

// Sums in a map stay as they are written, so that the text of a layout gives
// the same layout back.
// CHECK: #[[ZERO:.*]] = affine_map<(d0, d1) -> (0)>
// CHECK: #[[QUANTS:.*]] = affine_map<(d0, d1) ->
// CHECK-SAME: ((d1 floordiv 4) * 64 + d0 * 32 + (d1 mod 4) * 8)>
// CHECK: #[[SCALE:.*]] = affine_map<(d0, d1) -> (d0 * 16 + 512)>

// A layout is printed once, under its name, whatever refers to it.
// CHECK: #mapped_f32 = #pack.layout<"mapped.f32", source = f32,
// CHECK-SAME: group = [1, 1], bytes = 4, align = 1,
// CHECK-SAME: fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0,
// CHECK-SAME: map = #[[ZERO]]>]>
#mapped_f32 = #pack.layout<"mapped.f32", source = f32, group = [1, 1],
  bytes = 4, align = 1, fields = [
    #pack.field<"values", bits = 32, unit = 1, flip = 0,
                map = affine_map<(n, j) -> (0)>>]>

// CHECK: #q8_0_n2k32 = #pack.layout<"q8_0.n2k32", source = !model.ggml<q8_0>,
// CHECK-SAME: group = [2, 32], bytes = 68, align = 4,
// CHECK-SAME: "quants", bits = 8, unit = 1, flip = 128, map = #[[QUANTS]]>
// CHECK-SAME: "scale", bits = 16, unit = 32, flip = 0, map = #[[SCALE]]>
// CHECK-NOT: #pack.layout
#q8 = #pack.layout<"q8_0.n2k32", source = !model.ggml<q8_0>, group = [2, 32],
  bytes = 68, align = 4, fields = [
    #pack.field<"quants", bits = 8, unit = 1, flip = 128,
        map = affine_map<(n, j) -> ((j floordiv 4) * 64 + n * 32
                                    + (j mod 4) * 8)>>,
    #pack.field<"scale", bits = 16, unit = 32, flip = 0,
        map = affine_map<(n, j) -> (n * 16 + 512)>>]>

// CHECK-LABEL: @ranks
// CHECK-SAME: !pack.tensor<64, #mapped_f32>
// CHECK-SAME: !pack.tensor<7x64, #q8_0_n2k32>
// CHECK-SAME: !pack.tensor<3x7x64, #q8_0_n2k32>
func.func private @ranks(!pack.tensor<64, #mapped_f32>,
                         !pack.tensor<7x64, #q8>, !pack.tensor<3x7x64, #q8>)

// CHECK-LABEL: @repack
func.func @repack(%w: tensor<7x64x!model.ggml<q8_0>>, %v: tensor<64xf32>) {
  // CHECK: pack.repack %{{.*}} {reason = #pack.reason<first_choice>}
  // CHECK-SAME: : tensor<7x64x!model.ggml<q8_0>> -> <7x64, #q8_0_n2k32>
  %0 = pack.repack %w {reason = #pack.reason<first_choice>}
      : tensor<7x64x!model.ggml<q8_0>> -> !pack.tensor<7x64, #q8>
  // CHECK: pack.repack
  // CHECK-SAME: {fallback, reason = #pack.reason<no_kernel_for_type>}
  %1 = pack.repack %v {fallback, reason = #pack.reason<no_kernel_for_type>}
      : tensor<64xf32> -> !pack.tensor<64, #mapped_f32>
  return
}

// CHECK-LABEL: @reasons
// CHECK-SAME: #pack.reason<first_choice>, #pack.reason<not_a_matmul>,
// CHECK-SAME: #pack.reason<gather_only>, #pack.reason<tied_to_matmul>,
// CHECK-SAME: #pack.reason<no_kernel_for_type>,
// CHECK-SAME: #pack.reason<no_kernel_for_shape>, #pack.reason<not_used>,
// CHECK-SAME: #pack.reason<folded_into_constant>
func.func private @reasons() attributes {all = [
  #pack.reason<first_choice>, #pack.reason<not_a_matmul>,
  #pack.reason<gather_only>, #pack.reason<tied_to_matmul>,
  #pack.reason<no_kernel_for_type>, #pack.reason<no_kernel_for_shape>,
  #pack.reason<not_used>, #pack.reason<folded_into_constant>]}

// The example of PackAttrs.td.
// CHECK-LABEL: @field_example
// CHECK-SAME: #pack.field<"quants", bits = 8, unit = 1, flip = 0,
func.func private @field_example() attributes {f =
    #pack.field<"quants", bits = 8, unit = 1, flip = 0,
        map = affine_map<(n, j) -> ((j floordiv 4) * 512 + n * 32
                                    + (j mod 4) * 8)>>}
