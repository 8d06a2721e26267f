// RUN: modelc-opt %s --split-input-file --verify-diagnostics

// As invalid.mlir, for mixtures of experts.

// A token cannot choose an expert twice.
func.func @route_c1(%l: tensor<?x4xf32>) {
  // expected-error@+1 {{expected as many ids as weights, at most 4, found 5 and 5}}
  %i, %w = model.route <softmax> %l {scale = 1.0 : f32}
      : tensor<?x4xf32> -> tensor<?x5xi32>, tensor<?x5xf32>
  return
}

// -----

func.func @route_c2(%l: tensor<?x4xf32>, %b: tensor<3xf32>) {
  // expected-error@+1 {{expected a bias of length 4, found 3}}
  %i, %w = model.route <sigmoid> %l bias(%b : tensor<3xf32>)
      {scale = 1.0 : f32} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c3(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{expected groups, and of them some used, found 4 and 1}}
  %i, %w = model.route <sigmoid> %l {scale = 1.0 : f32, groups = 4 : i64}
      : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// Fewer experts are left than there are slots.
func.func @route_c3_slots(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{of those used at least 3, found 4 groups of 8}}
  %i, %w = model.route <sigmoid> %l
      {scale = 1.0 : f32, groups = 4 : i64, groupsUsed = 1 : i64}
      : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @experts_c1(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %o: tensor<4x32x96xf16>) {
  // expected-error@+1 {{expected gates [experts][n][64], found 'tensor<4x32x96xf16>'}}
  %y = model.experts <silu> %x, %i, %w
      gate(%o : tensor<4x32x96xf16>) up(%g : tensor<4x32x64xf16>)
      down(%d : tensor<4x64x32xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// A gate of one expert is none of four.
func.func @experts_c1_up(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %o: tensor<32x64xf16>) {
  // expected-error@+1 {{expected gate and up of one shape, found 'tensor<32x64xf16>' and 'tensor<4x32x64xf16>'}}
  %y = model.experts <silu> %x, %i, %w
      gate(%o : tensor<32x64xf16>) up(%g : tensor<4x32x64xf16>)
      down(%d : tensor<4x64x32xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @experts_c1_down(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %o: tensor<4x32x64xf16>) {
  // expected-error@+1 {{expected down as [4][64][32], found 'tensor<4x32x64xf16>'}}
  %y = model.experts <silu> %x, %i, %w
      gate(%g : tensor<4x32x64xf16>) up(%g : tensor<4x32x64xf16>)
      down(%o : tensor<4x32x64xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @experts_c2(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %o: tensor<?x3xf32>) {
  // expected-error@+1 {{expected as many ids as weights, at most 4, found 2 and 3}}
  %y = model.experts <silu> %x, %i, %o
      gate(%g : tensor<4x32x64xf16>) up(%g : tensor<4x32x64xf16>)
      down(%d : tensor<4x64x32xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @experts_c3(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %o: tensor<64xf32>) {
  // expected-error@+1 {{an eps stands with a norm, and only there}}
  %y = model.experts <silu> %x, %i, %w
      norm(%o : tensor<64xf32>) gate(%g : tensor<4x32x64xf16>)
      up(%g : tensor<4x32x64xf16>) down(%d : tensor<4x64x32xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @experts_c3_length(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %o: tensor<32xf32>) {
  // expected-error@+1 {{expected a norm of 64 elements, found 32}}
  %y = model.experts <silu> %x, %i, %w
      norm(%o : tensor<32xf32>) gate(%g : tensor<4x32x64xf16>)
      up(%g : tensor<4x32x64xf16>) down(%d : tensor<4x64x32xf16>)
      {eps = 1.0 : f32}
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// They read the same prepared rows.
func.func @experts_c4(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %o: tensor<4x32x64x!model.ggml<q8_0>>) {
  // expected-error@+1 {{expected gate and up block-quantised or neither}}
  %y = model.experts <silu> %x, %i, %w
      gate(%g : tensor<4x32x64xf16>) up(%o : tensor<4x32x64x!model.ggml<q8_0>>)
      down(%d : tensor<4x64x32xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @experts_c5(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %o: tensor<?x32xf32>) {
  // expected-error@+1 {{expected a residual 'tensor<?x64xf32>', found 'tensor<?x32xf32>'}}
  %y = model.experts <silu> %x, %i, %w
      gate(%g : tensor<4x32x64xf16>) up(%g : tensor<4x32x64xf16>)
      down(%d : tensor<4x64x32xf16>) residual(%o : tensor<?x32xf32>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @experts_c6(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %b: tensor<4x32xf32>) {
  // expected-error@+1 {{expected no biases or 3, found 1}}
  %y = model.experts <silu> %x, %i, %w
      gate(%g : tensor<4x32x64xf16>) up(%g : tensor<4x32x64xf16>)
      down(%d : tensor<4x64x32xf16>) biases(%b : tensor<4x32xf32>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @experts_c6_shape(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                %d: tensor<4x64x32xf16>, %b: tensor<4x32xf32>) {
  // expected-error@+1 {{expected a bias [4][64] of f32, found 'tensor<4x32xf32>'}}
  %y = model.experts <silu> %x, %i, %w
      gate(%g : tensor<4x32x64xf16>) up(%g : tensor<4x32x64xf16>)
      down(%d : tensor<4x64x32xf16>)
      biases(%b, %b, %b : tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  return
}
