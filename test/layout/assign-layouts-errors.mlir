// RUN: modelc-opt %s --pack-assign-layouts=target=cascadelake \
// RUN:   --split-input-file --verify-diagnostics
// RUN: not modelc-opt %s --pack-assign-layouts=target=z80 2>&1 \
// RUN:   | FileCheck %s --check-prefix=TARGET

// Targets are those that `modelc targets` prints.
// TARGET: error: unknown target 'z80'

// A type without a kernel is found here, by name, not far downstream.
model.weight @blk.0.ffn_down.weight : tensor<32x256x!model.ggml<q8_K>>
    at 0 in 0

func.func @no_kernel(%x: tensor<?x256xf32>) -> tensor<?x32xf32> {
  // expected-error@+1 {{tensor 'blk.0.ffn_down.weight': no kernel of target cascadelake reads q8_K weights}}
  %w = model.get_weight @blk.0.ffn_down.weight
      : tensor<32x256x!model.ggml<q8_K>>
  %y = model.matmul %x, %w
      : tensor<?x256xf32>, tensor<32x256x!model.ggml<q8_K>> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// A gather decodes what a matmul decodes, no more.
model.weight @table : tensor<32x256x!model.ggml<q8_K>> at 0 in 0

func.func @no_gather(%t: tensor<?xi32>) -> tensor<?x256xf32> {
  // expected-error@+1 {{tensor 'table': no kernel of target cascadelake reads q8_K weights}}
  %w = model.get_weight @table : tensor<32x256x!model.ggml<q8_K>>
  %x = model.embed %t, %w
      : tensor<?xi32>, tensor<32x256x!model.ggml<q8_K>> -> tensor<?x256xf32>
  return %x : tensor<?x256xf32>
}

// -----

// A packed weight has no meaning as activations.
model.weight @w : tensor<32x64xf32> at 0 in 0

func.func @weight_as_input() -> tensor<32x32xf32> {
  %w = model.get_weight @w : tensor<32x64xf32>
  // expected-error@+1 {{operand 0 is a weight, which only matmuls, experts, embeddings, norms and biases read}}
  %y = model.matmul %w, %w
      : tensor<32x64xf32>, tensor<32x64xf32> -> tensor<32x32xf32>
  return %y : tensor<32x32xf32>
}
