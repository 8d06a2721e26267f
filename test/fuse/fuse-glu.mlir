// RUN: modelc-opt %s --model-fuse-glu | FileCheck %s

// Gate and up meet in registers; neither is ever stored.
// CHECK-LABEL: @glu(
// CHECK-SAME: %[[X:[a-z0-9]+]]: {{[^,]*}}, %[[N:[a-z0-9]+]]: {{[^,]*}},
// CHECK-SAME: %[[G:[a-z0-9]+]]: {{[^,]*}}, %[[U:[a-z0-9]+]]:
func.func @glu(%x: tensor<?x64xf32>, %n: tensor<64xf32>,
               %g: tensor<32x64xf16>, %u: tensor<32x64xf32>)
    -> tensor<?x32xf32> {
  // CHECK-NEXT: %[[Y:.*]] = model.linear <glu> %[[X]] norm(%[[N]]
  // CHECK-SAME: weights(%[[G]], %[[U]] : tensor<32x64xf16>, tensor<32x64xf32>)
  // CHECK-SAME: activation = #model.activation<silu>, eps = 9.99999974E-6
  // CHECK-NEXT: return %[[Y]]
  %b = model.linear <store> %x norm(%n : tensor<64xf32>)
      weights(%u : tensor<32x64xf32>) {eps = 1.0e-05 : f32}
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %a = model.linear <store> %x norm(%n : tensor<64xf32>)
      weights(%g : tensor<32x64xf16>) {eps = 1.0e-05 : f32}
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %y = model.glu <silu> %a, %b : tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// Biases come along in the order of the weights.
// CHECK-LABEL: @glu_biases(
func.func @glu_biases(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>,
                      %c: tensor<32xf32>, %d: tensor<32xf32>)
    -> tensor<?x32xf32> {
  // CHECK-NEXT: model.linear <glu> %{{.*}} biases(%arg2, %arg3
  // CHECK-NEXT: return
  %a = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      biases(%c : tensor<32xf32>) : tensor<?x64xf32> -> tensor<?x32xf32>
  %b = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      biases(%d : tensor<32xf32>) : tensor<?x64xf32> -> tensor<?x32xf32>
  %y = model.glu <silu> %a, %b : tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// One bias for two weights has no form.
// CHECK-LABEL: @glu_one_bias(
func.func @glu_one_bias(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>,
                        %c: tensor<32xf32>) -> tensor<?x32xf32> {
  // CHECK: model.glu
  %a = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      biases(%c : tensor<32xf32>) : tensor<?x64xf32> -> tensor<?x32xf32>
  %b = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %y = model.glu <silu> %a, %b : tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// Two inputs would have to be prepared.
// CHECK-LABEL: @glu_two_inputs(
func.func @glu_two_inputs(%x: tensor<?x64xf32>, %z: tensor<?x64xf32>,
                          %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK: model.glu
  %a = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %b = model.linear <store> %z weights(%w : tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %y = model.glu <silu> %a, %b : tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// A gate that is read elsewhere must be stored.
// CHECK-LABEL: @gate_read_twice(
func.func @gate_read_twice(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: model.glu
  %a = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %b = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %y = model.glu <silu> %a, %b : tensor<?x32xf32>
  return %a, %y : tensor<?x32xf32>, tensor<?x32xf32>
}

// Float weights read the input as it is, block-quantised ones in int8.
// CHECK-LABEL: @glu_different_inputs(
func.func @glu_different_inputs(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>,
                                %v: tensor<32x64x!model.ggml<q8_0>>)
    -> tensor<?x32xf32> {
  // CHECK: model.glu
  %a = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %b = model.linear <store> %x weights(%v : tensor<32x64x!model.ggml<q8_0>>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  %y = model.glu <silu> %a, %b : tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
