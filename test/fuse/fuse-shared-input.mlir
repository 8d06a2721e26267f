// RUN: modelc-opt %s --model-fuse-shared-input | FileCheck %s

model.weight @q : tensor<64x64x!model.ggml<q4_0>> at 0 in 0
model.weight @f : tensor<64x64xf16> at 0 in 0
model.weight @k : tensor<32x64x!model.ggml<q8_0>> at 0 in 0
model.weight @n : tensor<64xf32> at 0 in 0
model.weight @b : tensor<32xf32> at 0 in 0

// One prepared input serves weights of different types and rows; users of the
// first result that stood between the linears still follow it.
// CHECK-LABEL: @queries_and_keys(
func.func @queries_and_keys(%x: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x32xf32>) {
  // CHECK: %[[N:.*]] = model.get_weight @n
  // CHECK-NEXT: %[[Q:.*]] = model.get_weight @q
  // CHECK-NEXT: %[[K:.*]] = model.get_weight @k
  // CHECK-NEXT: %[[Y:.*]]:2 = model.linear <store> %{{.*}} norm(%[[N]]
  // CHECK-SAME: weights(%[[Q]], %[[K]] : tensor<64x64x!model.ggml<q4_0>>,
  // CHECK-SAME: tensor<32x64x!model.ggml<q8_0>>)
  // CHECK-SAME: {eps = 9.99999974E-6 : f32}
  // CHECK-SAME: -> tensor<?x64xf32>, tensor<?x32xf32>
  // CHECK-NEXT: %[[S:.*]] = model.add %[[Y]]#0, %[[Y]]#0
  // CHECK-NEXT: return %[[S]], %[[Y]]#1
  %n = model.get_weight @n : tensor<64xf32>
  %q = model.get_weight @q : tensor<64x64x!model.ggml<q4_0>>
  %a = model.linear <store> %x norm(%n : tensor<64xf32>)
      weights(%q : tensor<64x64x!model.ggml<q4_0>>) {eps = 1.0e-05 : f32}
      : tensor<?x64xf32> -> tensor<?x64xf32>
  %s = model.add %a, %a : tensor<?x64xf32>
  %k = model.get_weight @k : tensor<32x64x!model.ggml<q8_0>>
  %b = model.linear <store> %x norm(%n : tensor<64xf32>)
      weights(%k : tensor<32x64x!model.ggml<q8_0>>) {eps = 1.0e-05 : f32}
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return %s, %b : tensor<?x64xf32>, tensor<?x32xf32>
}

// Another eps is another norm.
// CHECK-LABEL: @different_eps(
func.func @different_eps(%x: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-COUNT-2: = model.linear <store>
  %n = model.get_weight @n : tensor<64xf32>
  %q = model.get_weight @f : tensor<64x64xf16>
  %a = model.linear <store> %x norm(%n : tensor<64xf32>)
      weights(%q : tensor<64x64xf16>) {eps = 1.0e-05 : f32}
      : tensor<?x64xf32> -> tensor<?x64xf32>
  %b = model.linear <store> %x norm(%n : tensor<64xf32>)
      weights(%q : tensor<64x64xf16>) {eps = 1.0e-06 : f32}
      : tensor<?x64xf32> -> tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// Float weights read the input as it is, block-quantised ones in int8.
// CHECK-LABEL: @different_inputs(
func.func @different_inputs(%x: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x32xf32>) {
  // CHECK-COUNT-2: = model.linear <store>
  %f = model.get_weight @f : tensor<64x64xf16>
  %k = model.get_weight @k : tensor<32x64x!model.ggml<q8_0>>
  %a = model.linear <store> %x weights(%f : tensor<64x64xf16>)
      : tensor<?x64xf32> -> tensor<?x64xf32>
  %b = model.linear <store> %x weights(%k : tensor<32x64x!model.ggml<q8_0>>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x32xf32>
}

// All have biases or none has.
// CHECK-LABEL: @some_biases(
func.func @some_biases(%x: tensor<?x64xf32>)
    -> (tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x32xf32>) {
  // CHECK: %[[A:.*]]:2 = model.linear <store> %{{.*}} biases(
  // CHECK: %[[B:.*]] = model.linear <store>
  // CHECK: return %[[A]]#0, %[[B]], %[[A]]#1
  %k = model.get_weight @k : tensor<32x64x!model.ggml<q8_0>>
  %c = model.get_weight @b : tensor<32xf32>
  %a = model.linear <store> %x weights(%k : tensor<32x64x!model.ggml<q8_0>>)
      biases(%c : tensor<32xf32>) : tensor<?x64xf32> -> tensor<?x32xf32>
  %q = model.get_weight @q : tensor<64x64x!model.ggml<q4_0>>
  %b = model.linear <store> %x weights(%q : tensor<64x64x!model.ggml<q4_0>>)
      : tensor<?x64xf32> -> tensor<?x64xf32>
  %d = model.linear <store> %x weights(%k : tensor<32x64x!model.ggml<q8_0>>)
      biases(%c : tensor<32xf32>) : tensor<?x64xf32> -> tensor<?x32xf32>
  return %a, %b, %d : tensor<?x32xf32>, tensor<?x64xf32>, tensor<?x32xf32>
}

// Only store gives a result for each weight.
// CHECK-LABEL: @residual_stays(
func.func @residual_stays(%x: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: model.linear <store>
  // CHECK: model.linear <residual>
  %q = model.get_weight @f : tensor<64x64xf16>
  %a = model.linear <store> %x weights(%q : tensor<64x64xf16>)
      : tensor<?x64xf32> -> tensor<?x64xf32>
  %b = model.linear <residual> %x weights(%q : tensor<64x64xf16>)
      residual(%x : tensor<?x64xf32>) : tensor<?x64xf32> -> tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// A weight that is no declared one cannot be moved to the first linear.
// CHECK-LABEL: @computed_weight(
func.func @computed_weight(%x: tensor<?x64xf32>, %w: tensor<64x64xf16>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-COUNT-2: = model.linear <store>
  %q = model.get_weight @f : tensor<64x64xf16>
  %a = model.linear <store> %x weights(%q : tensor<64x64xf16>)
      : tensor<?x64xf32> -> tensor<?x64xf32>
  %b = model.linear <store> %x weights(%w : tensor<64x64xf16>)
      : tensor<?x64xf32> -> tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}
