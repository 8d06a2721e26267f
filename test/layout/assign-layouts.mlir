// RUN: modelc-opt %s --pack-assign-layouts=target=cascadelake \
// RUN:   --split-input-file | FileCheck %s --check-prefixes=CHECK,VNNI
// RUN: modelc-opt %s --pack-assign-layouts=target=x86-64-v3 \
// RUN:   --split-input-file | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: modelc-opt %s --pack-assign-layouts=target=sapphirerapids \
// RUN:   --split-input-file | FileCheck %s --check-prefixes=CHECK,VNNI,TILES
// RUN: modelc-opt %s --pack-assign-layouts=target=gfx942 \
// RUN:   --split-input-file | FileCheck %s --check-prefix=GPU

// Matmul weights get panels of 16 rows, those of bf16 in pairs of k where tiles
// multiply them; where bytes are multiplied unsigned by signed, q8_0 is stored
// unsigned.
// VNNI: #q8_0_n16k64u = #pack.layout<"q8_0.n16k64u"
// VNNI-SAME: bytes = 1088
// VNNI-SAME: #pack.field<"quants", bits = 8, unit = 1, flip = 128
// AVX2: #q8_0_n16k64 = #pack.layout<"q8_0.n16k64"
// AVX2-SAME: bytes = 1088
// AVX2-SAME: #pack.field<"quants", bits = 8, unit = 1, flip = 0
model.weight @q8_0 : tensor<32x64x!model.ggml<q8_0>> at 0 in 0
model.weight @q4_0 : tensor<32x64x!model.ggml<q4_0>> at 0 in 0
model.weight @f32 : tensor<32x64xf32> at 0 in 0
model.weight @f16 : tensor<32x64xf16> at 0 in 0
model.weight @bf16 : tensor<32x64xbf16> at 0 in 0

// CHECK-LABEL: @matmuls(
// On a GPU a lane has up to 16 bytes of a row side by side.
// GPU-LABEL: @matmuls(
// GPU: pack.repack
// GPU-SAME: -> <32x64, #q8_0_n16k128_lanes>
// GPU: pack.repack
// GPU-SAME: -> <32x64, #q4_0_n16k128_lanes>
// GPU: pack.repack
// GPU-SAME: -> <32x64, #f32_n16k1>
func.func @matmuls(%x: tensor<?x64xf32>) {
  // CHECK: %[[W0:.*]] = model.get_weight @q8_0
  // CHECK-NEXT: %[[P0:.*]] = pack.repack %[[W0]]
  // CHECK-SAME: {reason = #pack.reason<first_choice>}
  // VNNI-SAME: -> <32x64, #q8_0_n16k64u>
  // AVX2-SAME: -> <32x64, #q8_0_n16k64>
  // CHECK: %[[P1:.*]] = pack.repack %{{.*}} -> <32x64, #q4_0_n16k64>
  // CHECK: %[[P2:.*]] = pack.repack %{{.*}} -> <32x64, #f32_n16k1>
  // CHECK: %[[P3:.*]] = pack.repack %{{.*}} -> <32x64, #f16_n16k2>
  // VNNI: %[[P4:.*]] = pack.repack
  // AVX2: %[[P4:.*]] = pack.repack
  // AVX2-SAME: {reason = #pack.reason<first_choice>}
  // AVX2-SAME: -> <32x64, #bf16_n16k2>
  // TILES-SAME: {reason = #pack.reason<first_choice>}
  // TILES-SAME: -> <32x64, #bf16_n16k32_pairs>
  %w0 = model.get_weight @q8_0 : tensor<32x64x!model.ggml<q8_0>>
  %w1 = model.get_weight @q4_0 : tensor<32x64x!model.ggml<q4_0>>
  %w2 = model.get_weight @f32 : tensor<32x64xf32>
  %w3 = model.get_weight @f16 : tensor<32x64xf16>
  %w4 = model.get_weight @bf16 : tensor<32x64xbf16>
  // CHECK: model.linear <store> %{{.*}} weights(%[[P0]], %[[P1]] :
  %y:2 = model.linear <store> %x weights(%w0, %w1
      : tensor<32x64x!model.ggml<q8_0>>, tensor<32x64x!model.ggml<q4_0>>)
      : tensor<?x64xf32> -> tensor<?x32xf32>, tensor<?x32xf32>
  // CHECK: model.linear <store> %{{.*}} weights(%[[P2]], %[[P3]], %[[P4]] :
  %z:3 = model.linear <store> %x weights(%w2, %w3, %w4
      : tensor<32x64xf32>, tensor<32x64xf16>, tensor<32x64xbf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>, tensor<?x32xf32>,
        tensor<?x32xf32>
  return
}

// -----

// Norms and biases stay as the file has them, and still pass through a repack
// so that the report has a row for each.
model.weight @w : tensor<32x64xf16> at 0 in 0
model.weight @norm : tensor<64xf32> at 0 in 0
model.weight @head_norm : tensor<8xf32> at 0 in 0
model.weight @bias : tensor<32xf32> at 0 in 0

// CHECK-LABEL: @vectors(
func.func @vectors(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  // CHECK: %[[N:.*]] = pack.repack
  // CHECK-SAME: {reason = #pack.reason<not_a_matmul>}
  // CHECK-SAME: -> <64, #mapped_f32>
  // CHECK: %[[B:.*]] = pack.repack %{{.*}} -> <32, #mapped_f32>
  // CHECK: %[[H:.*]] = pack.repack %{{.*}} -> <8, #mapped_f32>
  // CHECK: model.linear <store> %{{.*}} norm(%[[N]] : !pack.tensor<64,
  // CHECK-SAME: biases(%[[B]] : !pack.tensor<32,
  // CHECK: model.rms_norm %{{.*}}, %[[H]]
  %n = model.get_weight @norm : tensor<64xf32>
  %w = model.get_weight @w : tensor<32x64xf16>
  %b = model.get_weight @bias : tensor<32xf32>
  %h = model.get_weight @head_norm : tensor<8xf32>
  %y = model.linear <store> %x norm(%n : tensor<64xf32>)
      weights(%w : tensor<32x64xf16>) biases(%b : tensor<32xf32>)
      {eps = 1.0e-05 : f32} : tensor<?x64xf32> -> tensor<?x32xf32>
  %z = model.rms_norm %y, %h eps 1.0e-05 : tensor<?x32xf32>, tensor<8xf32>
  return %z : tensor<?x32xf32>
}

// -----

// A table that is only gathered from has its rows in one piece in the file.
model.weight @table : tensor<32x64x!model.ggml<q8_0>> at 0 in 0

// CHECK-LABEL: @gather(
func.func @gather(%t: tensor<?xi32>) -> tensor<?x64xf32> {
  // CHECK: %[[P:.*]] = pack.repack
  // CHECK-SAME: {reason = #pack.reason<gather_only>}
  // CHECK-SAME: -> <32x64, #mapped_q8_0>
  // CHECK: model.embed %{{.*}}, %[[P]]
  %w = model.get_weight @table : tensor<32x64x!model.ggml<q8_0>>
  %x = model.embed %t, %w
      : tensor<?xi32>, tensor<32x64x!model.ggml<q8_0>> -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
}

// -----

// There is one copy of a tied table, in the layout that the matmul wants; the
// matmul decides also where it comes last.
model.weight @table : tensor<32x64x!model.ggml<q4_0>> at 0 in 0

// CHECK-LABEL: @tied(
func.func @tied(%t: tensor<?xi32>) -> tensor<?x32xf32> {
  // CHECK-NEXT: %[[W:.*]] = model.get_weight @table
  // CHECK-NEXT: %[[P:.*]] = pack.repack %[[W]]
  // CHECK-SAME: {reason = #pack.reason<first_choice>}
  // CHECK-SAME: -> <32x64, #q4_0_n16k64>
  // CHECK-NEXT: %[[X:.*]] = model.embed %{{.*}}, %[[P]]
  // CHECK-NEXT: model.linear <store> %[[X]] weights(%[[P]]
  %w = model.get_weight @table : tensor<32x64x!model.ggml<q4_0>>
  %x = model.embed %t, %w
      : tensor<?xi32>, tensor<32x64x!model.ggml<q4_0>> -> tensor<?x64xf32>
  %o = model.get_weight @table : tensor<32x64x!model.ggml<q4_0>>
  %y = model.linear <store> %x weights(%o : tensor<32x64x!model.ggml<q4_0>>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// Rows beyond the last full panel are padding, not another layout.
model.weight @w : tensor<33x96xf32> at 0 in 0

// CHECK-LABEL: @odd_rows(
func.func @odd_rows(%x: tensor<?x96xf32>) -> tensor<?x33xf32> {
  // CHECK: pack.repack %{{.*}} {reason = #pack.reason<first_choice>}
  // CHECK-SAME: -> <33x96, #f32_n16k1>
  %w = model.get_weight @w : tensor<33x96xf32>
  %y = model.linear <store> %x weights(%w : tensor<33x96xf32>)
      : tensor<?x96xf32> -> tensor<?x33xf32>
  return %y : tensor<?x33xf32>
}

// -----

// A type without panels is read where it lies in the file: a matmul weight that
// fell back, as the report and --strict say.
model.weight @w : tensor<33x96xf64> at 0 in 0

// CHECK-LABEL: @fallback(
func.func @fallback(%x: tensor<?x96xf32>) -> tensor<?x33xf32> {
  // CHECK: pack.repack %{{.*}} {fallback, reason = #pack.reason<no_kernel_for_type>}
  // CHECK-SAME: -> <33x96, #mapped_f64>
  %w = model.get_weight @w : tensor<33x96xf64>
  %y = model.linear <store> %x weights(%w : tensor<33x96xf64>)
      : tensor<?x96xf32> -> tensor<?x33xf32>
  return %y : tensor<?x33xf32>
}

// -----

// What nothing reads needs no bytes in the artifact.
model.weight @w : tensor<33x96xf32> at 0 in 0

// CHECK-LABEL: @unread(
func.func @unread() {
  // CHECK-NEXT: return
  %w = model.get_weight @w : tensor<33x96xf32>
  return
}

// -----

// Experts lie in panels too, each matrix for itself; the router is a matmul, a
// selection bias a vector.
model.weight @router : tensor<4x64xf32> at 0 in 0
model.weight @bias : tensor<4xf32> at 0 in 0
model.weight @gate : tensor<4x32x64x!model.ggml<q8_0>> at 0 in 0
model.weight @down : tensor<4x64x32x!model.ggml<q4_0>> at 0 in 0

// CHECK-LABEL: @experts(
func.func @experts(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: pack.repack %{{.*}} {reason = #pack.reason<first_choice>}
  // CHECK-SAME: -> <4x64, #f32_n16k1>
  // CHECK: pack.repack %{{.*}} {reason = #pack.reason<not_a_matmul>}
  // CHECK-SAME: -> <4, #mapped_f32>
  // CHECK: %[[G:.*]] = pack.repack %{{.*}} {reason = #pack.reason<first_choice>}
  // VNNI-SAME: -> <4x32x64, #q8_0_n16k64u>
  // AVX2-SAME: -> <4x32x64, #q8_0_n16k64>
  // CHECK: %[[D:.*]] = pack.repack %{{.*}} {reason = #pack.reason<first_choice>}
  // CHECK-SAME: -> <4x64x32, #q4_0_n16k64>
  // CHECK: model.experts {{.*}} gate(%[[G]] : {{.*}} up(%[[G]] : {{.*}} down(%[[D]]
  %r = model.get_weight @router : tensor<4x64xf32>
  %l = model.linear <store> %x weights(%r : tensor<4x64xf32>)
      : tensor<?x64xf32> -> tensor<?x4xf32>
  %b = model.get_weight @bias : tensor<4xf32>
  %i, %w = model.route <sigmoid> %l bias(%b : tensor<4xf32>)
      {scale = 1.0 : f32} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = model.get_weight @gate : tensor<4x32x64x!model.ggml<q8_0>>
  %d = model.get_weight @down : tensor<4x64x32x!model.ggml<q4_0>>
  %y = model.experts <silu> %x, %i, %w
      gate(%g : tensor<4x32x64x!model.ggml<q8_0>>)
      up(%g : tensor<4x32x64x!model.ggml<q8_0>>)
      down(%d : tensor<4x64x32x!model.ggml<q4_0>>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return %y : tensor<?x64xf32>
}
