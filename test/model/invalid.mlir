// RUN: modelc-opt %s --split-input-file --verify-diagnostics

// One case for each numbered constraint of the dialect, named after it.

// A float tensor has the builtin type, so that each type is written one way.
// expected-error@+1 {{'f16' is no quantised type; use the builtin type}}
model.weight @ggml_c1 : tensor<32x!model.ggml<f16>> at 0 in 0

// -----

// Names come from the table of ggml types.
// expected-error@+1 {{unknown ggml type 'q9_9'}}
model.weight @ggml_name : tensor<32x!model.ggml<q9_9>> at 0 in 0

// -----

// Rotated elements come in pairs.
func.func @rope_attr_c1(%p: tensor<?xi32>) {
  // expected-error@+1 {{expected positive, even dims, found 63}}
  %cs = model.rope_table %p {rope = #model.rope<
      dims = 63, pairing = half, base = 1.0 : f32, scaling = none, factor = 1.0 : f32, originalContext = 0, attentionFactor = 1.0 : f32, extFactor = 0.0 : f32, betaFast = 1.0 : f32, betaSlow = 1.0 : f32>}
      : tensor<?xi32> -> tensor<?x63xf32>
  return
}

// -----

// Bytes of a file have a fixed shape.
// expected-error@+1 {{expected a static tensor of 1 to 4 dimensions, found 'tensor<?xf32>'}}
model.weight @weight_c1 : tensor<?xf32> at 0 in 0

// -----

// expected-error@+1 {{expected a static tensor of 1 to 4 dimensions, found 'tensor<1x1x1x1x1xf32>'}}
model.weight @weight_c1_rank : tensor<1x1x1x1x1xf32> at 0 in 0

// -----

// expected-error@+1 {{expected positive dimensions, found 'tensor<4x0xf32>'}}
model.weight @weight_c1_empty : tensor<4x0xf32> at 0 in 0

// -----

// Sizes are products of dimensions that a hostile file chose.
// expected-error@+1 {{too many elements}}
model.weight @weight_c1_overflow
    : tensor<4611686018427387904x4xf32> at 0 in 0

// -----

// expected-error@+1 {{no GGUF file holds elements of type 'i1'}}
model.weight @weight_c1_type : tensor<4xi1> at 0 in 0

// -----

// Rows are whole blocks.
// expected-error@+1 {{last dimension 48 is no multiple of the block 32}}
model.weight @weight_c2 : tensor<2x48x!model.ggml<q8_0>> at 0 in 0

// -----

// expected-error@+1 {{expected offset and shard of at least 0}}
model.weight @weight_c3 : tensor<4xf32> at -4 in 0

// -----

// expected-error@+1 {{expected positive heads and dimensions}}
model.cache @cache_c1 : 0 x (64, 64) x f16

// -----

// expected-error@+1 {{expected a cache of f16 or q8_0, found 'f32'}}
model.cache @cache_c2 : 2 x (64, 64) x f32

// -----

// A head is whole blocks.
// expected-error@+1 {{expected dimensions that blocks of 32 divide, found 64 and 80}}
model.cache @cache_c2 : 2 x (64, 80) x !model.ggml<q8_0>

// -----

// A weight is read only if it is declared.
func.func @get_weight_c1() {
  // expected-error@+1 {{no model.weight @w}}
  %w = model.get_weight @w : tensor<4xf32>
  return
}

// -----

model.weight @w : tensor<4xf32> at 0 in 0
func.func @get_weight_c1_type() {
  // expected-error@+1 {{expected the weight's type 'tensor<4xf32>', found 'tensor<5xf32>'}}
  %w = model.get_weight @w : tensor<5xf32>
  return
}

// -----

func.func @embed_c1(%t: tensor<?xi32>, %w: tensor<8x64xf16>) {
  // expected-error@+1 {{expected the table's columns in the result, found 'tensor<?x32xf32>'}}
  %x = model.embed %t, %w
      : tensor<?xi32>, tensor<8x64xf16> -> tensor<?x32xf32>
  return
}

// -----

func.func @rms_norm_c1(%x: tensor<?x64xf32>, %w: tensor<48xf32>) {
  // expected-error@+1 {{columns 64 are no multiple of the weight's length 48}}
  %y = model.rms_norm %x, %w eps 1.0e-05 : tensor<?x64xf32>, tensor<48xf32>
  return
}

// -----

func.func @rms_norm_c2(%x: tensor<?x64xf32>, %w: tensor<64xf32>,
                       %r: tensor<?x32xf32>) {
  // expected-error@+1 {{expected a residual 'tensor<?x64xf32>', found 'tensor<?x32xf32>'}}
  %y = model.rms_norm %x, %w residual(%r : tensor<?x32xf32>) eps 1.0e-05
      : tensor<?x64xf32>, tensor<64xf32>
  return
}

// -----

func.func @layer_norm_c1(%x: tensor<?x64xf32>, %w: tensor<64xf32>,
                         %b: tensor<32xf32>) {
  // expected-error@+1 {{expected weight and bias of 64 elements, found 32}}
  %y = model.layer_norm %x, %w, %b eps 1.0e-05
      : tensor<?x64xf32>, tensor<64xf32>, tensor<32xf32>
  return
}

// -----

// Vectors are of f32: kernels read them as they are.
func.func @rms_norm_ods(%x: tensor<?x64xf32>, %w: tensor<64xf16>) {
  // expected-error@+1 {{operand #1 must be 1D weight of f32, but got 'tensor<64xf16>'}}
  %y = model.rms_norm %x, %w eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf16>
  return
}

// -----

// Columns of activations are known; only the number of tokens is not.
func.func @add_ods(%x: tensor<?x?xf32>) {
  // expected-error@+1 {{operand #0 must be 2D tensor of f32 [tokens][features], but got 'tensor<?x?xf32>'}}
  %y = model.add %x, %x : tensor<?x?xf32>
  return
}

// -----

func.func @matmul_c1(%x: tensor<?x64xf32>, %w: tensor<32x96xf16>) {
  // expected-error@+1 {{expected a weight [32][64], found 'tensor<32x96xf16>'}}
  %y = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x96xf16> -> tensor<?x32xf32>
  return
}

// -----

func.func @add_bias_c1(%x: tensor<?x64xf32>, %b: tensor<32xf32>) {
  // expected-error@+1 {{expected a bias of length 64, found 32}}
  %y = model.add_bias %x, %b : tensor<?x64xf32>, tensor<32xf32>
  return
}

// -----

func.func @glu_c1(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{soft_cap is no gate}}
  %y = model.glu <soft_cap> %x, %x : tensor<?x64xf32>
  return
}

// -----

func.func @activate_c1(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{swiglu_oai has two inputs}}
  %y = model.activate <swiglu_oai> %x : tensor<?x64xf32>
  return
}

// -----

func.func @activate_c2(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{a cap stands with soft_cap, and only there}}
  %y = model.activate <soft_cap> %x : tensor<?x64xf32>
  return
}

// -----

func.func @activate_c2_sign(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{expected a positive cap, found}}
  %y = model.activate <soft_cap> %x {cap = -1.0 : f32} : tensor<?x64xf32>
  return
}

// -----

func.func @select_rows_c1(%x: tensor<?x64xf32>, %r: tensor<?xi32>) {
  // expected-error@+1 {{expected 64 columns in the result, found 32}}
  %y = model.select_rows %x, %r
      : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c1(%x: tensor<?x64xf32>, %w: tensor<32x96xf16>) {
  // expected-error@+1 {{weight 0: expected 64 columns, found 'tensor<32x96xf16>'}}
  %y = model.linear <store> %x weights(%w : tensor<32x96xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{epilogue glu does not fit 1 weights and 1 results}}
  %y = model.linear <glu> %x weights(%w : tensor<32x64xf16>)
      {activation = #model.activation<silu>}
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c2_results(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{epilogue store does not fit 2 weights and 1 results}}
  %y = model.linear <store> %x
      weights(%w, %w : tensor<32x64xf16>, tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c2_residual(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{a residual stands with epilogue residual, and only there}}
  %y = model.linear <residual> %x weights(%w : tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c2_biases(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>,
                            %b: tensor<32xf32>) {
  // expected-error@+1 {{expected no biases or 2, found 1}}
  %y:2 = model.linear <store> %x
      weights(%w, %w : tensor<32x64xf16>, tensor<32x64xf16>)
      biases(%b : tensor<32xf32>)
      : tensor<?x64xf32> -> tensor<?x32xf32>, tensor<?x32xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{weight 0: expected 16 rows, found 32}}
  %y = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      : tensor<?x64xf32> -> tensor<?x16xf32>
  return
}

// -----

func.func @linear_c3_bias(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>,
                          %b: tensor<64xf32>) {
  // expected-error@+1 {{bias 0: expected 32 elements, found 64}}
  %y = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      biases(%b : tensor<64xf32>) : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c3_residual(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{expected a residual of the result's columns}}
  %y = model.linear <residual> %x weights(%w : tensor<32x64xf16>)
      residual(%x : tensor<?x64xf32>) : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c4(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{an eps stands with a norm, and only there}}
  %y = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      {eps = 1.0 : f32} : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

// The norm of a head is not the norm of a row.
func.func @linear_c4_length(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>,
                            %n: tensor<32xf32>) {
  // expected-error@+1 {{expected a norm of 64 elements, found 32}}
  %y = model.linear <store> %x norm(%n : tensor<32xf32>)
      weights(%w : tensor<32x64xf16>) {eps = 1.0 : f32}
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c5(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{an activation stands with epilogues glu and activate, and only there}}
  %y = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      {activation = #model.activation<silu>}
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c5_gate(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{soft_cap is no gate}}
  %y = model.linear <glu> %x
      weights(%w, %w : tensor<32x64xf16>, tensor<32x64xf16>)
      {activation = #model.activation<soft_cap>}
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c5_two_inputs(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{swiglu_oai has two inputs}}
  %y = model.linear <activate> %x weights(%w : tensor<32x64xf16>)
      {activation = #model.activation<swiglu_oai>}
      : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c5_cap(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>) {
  // expected-error@+1 {{a cap stands with soft_cap, and only there}}
  %y = model.linear <store> %x weights(%w : tensor<32x64xf16>)
      {cap = 1.0 : f32} : tensor<?x64xf32> -> tensor<?x32xf32>
  return
}

// -----

// Float weights read floats, block-quantised ones read int8: one prologue
// cannot make both.
func.func @linear_c6(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>,
                     %v: tensor<32x64x!model.ggml<q8_0>>) {
  // expected-error@+1 {{expected all weights block-quantised or none}}
  %y:2 = model.linear <store> %x
      weights(%w, %v : tensor<32x64xf16>, tensor<32x64x!model.ggml<q8_0>>)
      : tensor<?x64xf32> -> tensor<?x32xf32>, tensor<?x32xf32>
  return
}
