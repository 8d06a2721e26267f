// RUN: modelc-opt %s --split-input-file --verify-diagnostics

// One case for each numbered constraint of rotations and attention, named after
// it.

#rope = #model.rope<dims = 64, pairing = half, base = 1.0 : f32, scaling = none, factor = 1.0 : f32, originalContext = 0, attentionFactor = 1.0 : f32, extFactor = 0.0 : f32, betaFast = 1.0 : f32, betaSlow = 1.0 : f32>
func.func @rope_table_c1(%p: tensor<?xi32>) {
  // expected-error@+1 {{expected 64 columns, found 32}}
  %cs = model.rope_table %p {rope = #rope} : tensor<?xi32> -> tensor<?x32xf32>
  return
}

// -----

#rope = #model.rope<dims = 8, pairing = half, base = 1.0 : f32, scaling = none, factor = 1.0 : f32, originalContext = 0, attentionFactor = 1.0 : f32, extFactor = 0.0 : f32, betaFast = 1.0 : f32, betaSlow = 1.0 : f32>
func.func @rope_table_c2(%p: tensor<?xi32>) {
  // expected-error@+1 {{expected 4 divisors, found 2}}
  %cs = model.rope_table %p {rope = #rope, divisors = array<f32: 1.0, 2.0>}
      : tensor<?xi32> -> tensor<?x8xf32>
  return
}

// -----

#rope = #model.rope<dims = 8, pairing = half, base = 1.0 : f32, scaling = none, factor = 1.0 : f32, originalContext = 0, attentionFactor = 1.0 : f32, extFactor = 0.0 : f32, betaFast = 1.0 : f32, betaSlow = 1.0 : f32>
func.func @rope_table_c3(%p: tensor<?xi32>) {
  // expected-error@+1 {{a positive temperLength stands with a temper}}
  %cs = model.rope_table %p {rope = #rope, temper = array<f32: 1.0>}
      : tensor<?xi32> -> tensor<?x8xf32>
  return
}

// -----

func.func @rope_c1(%x: tensor<?x96xf32>, %cs: tensor<?x64xf32>) {
  // expected-error@+1 {{columns 96 are no multiple of headDim 64}}
  %y = model.rope %x, %cs
      {headDim = 64 : i64, pairing = #model.rope_pairing<half>}
      : tensor<?x96xf32>, tensor<?x64xf32>
  return
}

// -----

func.func @rope_c2(%x: tensor<?x96xf32>, %cs: tensor<?x64xf32>) {
  // expected-error@+1 {{table of 64 columns exceeds headDim 32}}
  %y = model.rope %x, %cs
      {headDim = 32 : i64, pairing = #model.rope_pairing<half>}
      : tensor<?x96xf32>, tensor<?x64xf32>
  return
}

// -----

func.func @attention_c1(%q: tensor<?x64xf32>) {
  // expected-error@+1 {{no model.cache @kv}}
  %o = model.attention %q, %q, %q in @kv {heads = 1 : i64, scale = 1.0 : f32}
      : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
      -> tensor<?x64xf32>
  return
}

// -----

model.cache @kv : 1 x (32, 16) x f16
func.func @attention_c2(%q: tensor<?x64xf32>, %k: tensor<?x32xf32>) {
  // expected-error@+1 {{expected columns 64, 32, 16 -> 32, found 64, 32, 32 -> 64}}
  %o = model.attention %q, %k, %k in @kv {heads = 2 : i64, scale = 1.0 : f32}
      : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
      -> tensor<?x64xf32>
  return
}

// -----

// Every key head serves as many query heads.
model.cache @kv : 2 x (32, 32) x f16
func.func @attention_c3(%q: tensor<?x96xf32>, %k: tensor<?x64xf32>) {
  // expected-error@+1 {{heads 3 are no multiple of the cache's 2}}
  %o = model.attention %q, %k, %k in @kv {heads = 3 : i64, scale = 1.0 : f32}
      : tensor<?x96xf32>, tensor<?x64xf32>, tensor<?x64xf32>
      -> tensor<?x96xf32>
  return
}

// -----

model.cache @kv : 1 x (32, 32) x f16
func.func @attention_c4(%q: tensor<?x32xf32>) {
  // expected-error@+1 {{expected a positive window, found 0}}
  %o = model.attention %q, %q, %q in @kv
      {heads = 1 : i64, scale = 1.0 : f32, window = 0 : i64}
      : tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
      -> tensor<?x32xf32>
  return
}

// -----

model.cache @kv : 1 x (32, 32) x f16
func.func @attention_c4_cap(%q: tensor<?x32xf32>) {
  // expected-error@+1 {{expected a positive cap, found 0}}
  %o = model.attention %q, %q, %q in @kv
      {heads = 1 : i64, scale = 1.0 : f32, cap = 0.0 : f32}
      : tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
      -> tensor<?x32xf32>
  return
}

// -----

model.cache @kv : 1 x (32, 32) x f16
func.func @attention_c5(%q: tensor<?x32xf32>, %s: tensor<2xf32>) {
  // expected-error@+1 {{expected 1 sinks, found 2}}
  %o = model.attention %q, %q, %q sinks(%s : tensor<2xf32>) in @kv
      {heads = 1 : i64, scale = 1.0 : f32}
      : tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
      -> tensor<?x32xf32>
  return
}

// -----

// expected-error@+1 {{expected values within keys of 32, found 64}}
model.cache @cache_c3 : 1 x (32, 64) x f16 {shared}

// -----

// The values of a shared cache are in its keys.
model.cache @kv : 1 x (32, 32) x f16 {shared}
func.func @attention_c2_shared(%q: tensor<?x32xf32>) {
  // expected-error@+1 {{expected values if and only if the cache has them}}
  %o = model.attention %q, %q, %q in @kv {heads = 1 : i64, scale = 1.0 : f32}
      : tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
      -> tensor<?x32xf32>
  return
}

// -----

func.func @head_matmul_c1(%x: tensor<?x64xf32>, %w: tensor<2x16x48xf16>) {
  // expected-error@+1 {{expected a weight [heads][n][k] of at most 32 columns, found 'tensor<2x16x48xf16>'}}
  %y = model.head_matmul %x, %w {headDim = 32 : i64}
      : tensor<?x64xf32>, tensor<2x16x48xf16> -> tensor<?x32xf32>
  return
}

// -----

func.func @head_matmul_c2(%x: tensor<?x64xf32>, %w: tensor<2x16x32xf16>) {
  // expected-error@+1 {{expected columns 64 -> 32, found 64 -> 16}}
  %y = model.head_matmul %x, %w {headDim = 32 : i64}
      : tensor<?x64xf32>, tensor<2x16x32xf16> -> tensor<?x16xf32>
  return
}

// -----

func.func @join_heads_c1(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{expected dims, begins and counts of 1 sources, at least one}}
  %y = model.join_heads %x {heads = 2 : i64, dims = array<i64: 32, 32>,
      begins = array<i64: 0>, counts = array<i64: 32>}
      : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @join_heads_c2(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{expected 4 heads or one of 32 elements, found 'tensor<?x64xf32>'}}
  %y = model.join_heads %x {heads = 4 : i64, dims = array<i64: 32>,
      begins = array<i64: 0>, counts = array<i64: 32>}
      : tensor<?x64xf32> -> tensor<?x128xf32>
  return
}

// -----

func.func @join_heads_c3(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{expected a part of 32 elements, found 24 from 16}}
  %y = model.join_heads %x {heads = 2 : i64, dims = array<i64: 32>,
      begins = array<i64: 16>, counts = array<i64: 24>}
      : tensor<?x64xf32> -> tensor<?x48xf32>
  return
}

// -----

func.func @join_heads_c4(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{expected 48 columns, found 64}}
  %y = model.join_heads %x {heads = 2 : i64, dims = array<i64: 32>,
      begins = array<i64: 8>, counts = array<i64: 24>}
      : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}
