// RUN: modelc-opt %s --split-input-file --verify-diagnostics

// One case for each constraint of the ops with a state.

// expected-error@+1 {{expected a static tensor of f32, found 'tensor<2x?xf32>'}}
model.state @state_c1 : tensor<2x?xf32>

// -----

// expected-error@+1 {{expected a static tensor of f32, found 'tensor<2x4xf16>'}}
model.state @state_c1_type : tensor<2x4xf16>

// -----

func.func @columns_c1(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{no columns 3 .. 4 of 4}}
  %y = model.columns %x {first = 3 : i64, length = 2 : i64, period = 4 : i64}
      : tensor<?x8xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @columns_c2(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 2 columns for each 3 of 8, found 4}}
  %y = model.columns %x {first = 0 : i64, length = 2 : i64, period = 3 : i64}
      : tensor<?x8xf32> -> tensor<?x4xf32>
  return
}

// -----

// A state of three rows is that of four taps.
model.state @conv.0 : tensor<3x64xf32>
func.func @causal_conv_c1(%x: tensor<?x64xf32>, %w: tensor<64x3xf32>) {
  // expected-error@+1 {{no model.state @conv.0 of [2][64]}}
  %y = model.causal_conv %x, %w in @conv.0
      : tensor<?x64xf32>, tensor<64x3xf32>
  return
}

// -----

model.state @conv.0 : tensor<3x64xf32>
func.func @causal_conv_c2(%x: tensor<?x64xf32>, %w: tensor<64x4xf16>) {
  // expected-error@+1 {{expected a weight [64][taps] of f32, found 'tensor<64x4xf16>'}}
  %y = model.causal_conv %x, %w in @conv.0
      : tensor<?x64xf32>, tensor<64x4xf16>
  return
}

// -----

model.state @flat : tensor<2x16xf32>
func.func @delta_rule_c1(%x: tensor<?x64xf32>, %g: tensor<?x2xf32>,
                         %v: tensor<2xf32>) {
  // expected-error@+1 {{no model.state @flat of [heads][keyDim][valueDim]}}
  %o = model.delta_rule %x, %g, %g rate(%v : tensor<2xf32>)
      bias(%v : tensor<2xf32>) in @flat {eps = 1.0e-06 : f32, keyHeads = 1 : i64}
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x32xf32>
  return
}

// -----

model.state @delta.0 : tensor<3x16x16xf32>
func.func @delta_rule_c2(%x: tensor<?x64xf32>, %g: tensor<?x2xf32>,
                         %v: tensor<2xf32>) {
  // expected-error@+1 {{heads 3 are no multiple of the 2 of keys}}
  %o = model.delta_rule %x, %g, %g rate(%v : tensor<2xf32>)
      bias(%v : tensor<2xf32>) in @delta.0
      {eps = 1.0e-06 : f32, keyHeads = 2 : i64}
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x32xf32>
  return
}

// -----

model.state @delta.0 : tensor<2x16x16xf32>
func.func @delta_rule_c3(%x: tensor<?x48xf32>, %g: tensor<?x2xf32>,
                         %v: tensor<2xf32>) {
  // expected-error@+1 {{expected columns 64, 2, 2 -> 32 and vectors of 2, found 48, 2, 2 -> 32 and 'tensor<2xf32>', 'tensor<2xf32>'}}
  %o = model.delta_rule %x, %g, %g rate(%v : tensor<2xf32>)
      bias(%v : tensor<2xf32>) in @delta.0
      {eps = 1.0e-06 : f32, keyHeads = 1 : i64}
      : tensor<?x48xf32>, tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x32xf32>
  return
}
