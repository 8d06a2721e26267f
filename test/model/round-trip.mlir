// RUN: modelc-opt %s | modelc-opt | FileCheck %s
// RUN: modelc-opt %s --mlir-print-op-generic | modelc-opt | FileCheck %s

// Every op of the dialect is printed as it is read, also through its generic
// form.

#rope = #model.rope<dims = 64, pairing = half, base = 1.0e+04 : f32,
    scaling = yarn, factor = 4.0 : f32, originalContext = 2048,
    attentionFactor = 1.125 : f32, extFactor = 1.0 : f32,
    betaFast = 32.0 : f32, betaSlow = 1.0 : f32>

// A weight is named as in the file, whatever characters that takes.
// CHECK: model.weight @output_norm.weight : tensor<256xf32> at 4096 in 0
model.weight @"output_norm.weight" : tensor<256xf32> at 4096 in 0
// CHECK: model.weight @"a b" : tensor<512x256x!model.ggml<q4_0>> at 8192 in 1
model.weight @"a b" : tensor<512x256x!model.ggml<q4_0>> at 8192 in 1
// CHECK: model.weight @experts : tensor<4x512x256x!model.ggml<iq4_nl>>
model.weight @experts : tensor<4x512x256x!model.ggml<iq4_nl>> at 0 in 0

// CHECK: model.cache @kv.0 : 2 x (64, 64) x f16
model.cache @kv.0 : 2 x (64, 64) x f16
// CHECK: model.cache @kv.1 : 2 x (64, 32) x !model.ggml<q8_0>
model.cache @kv.1 : 2 x (64, 32) x !model.ggml<q8_0>
// CHECK: model.cache @kv.2 : 1 x (96, 64) x f16 {shared}
model.cache @kv.2 : 1 x (96, 64) x f16 {shared}

// CHECK-LABEL: func.func @imported(
func.func @imported(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                    %outputs: tensor<?xi32>, %x: tensor<?x256xf32>,
                    %w: tensor<128x256xf16>, %b: tensor<128xf32>,
                    %sinks: tensor<4xf32>) {
  // CHECK: %[[N:.*]] = model.get_weight @output_norm.weight : tensor<256xf32>
  %n = model.get_weight @"output_norm.weight" : tensor<256xf32>
  %t = model.get_weight @"a b" : tensor<512x256x!model.ggml<q4_0>>
  // CHECK: model.embed %{{.*}}, %{{.*}} : tensor<?xi32>,
  // CHECK-SAME: tensor<512x256x!model.ggml<q4_0>> -> tensor<?x256xf32>
  %e = model.embed %tokens, %t
      : tensor<?xi32>, tensor<512x256x!model.ggml<q4_0>> -> tensor<?x256xf32>
  // CHECK: model.rms_norm %{{.*}}, %[[N]] eps 9.99999974E-6
  // CHECK-SAME: : tensor<?x256xf32>, tensor<256xf32>
  %y = model.rms_norm %e, %n eps 1.0e-05 : tensor<?x256xf32>, tensor<256xf32>
  // CHECK: model.embed {{.*}} {scale = 1.600000e+01 : f32}
  %es = model.embed %positions, %t {scale = 1.6e+01 : f32}
      : tensor<?xi32>, tensor<512x256x!model.ggml<q4_0>> -> tensor<?x256xf32>
  // CHECK: model.rms_norm %{{.*}} residual(%{{.*}} : tensor<?x256xf32>) eps
  %nr = model.rms_norm %e, %n residual(%es : tensor<?x256xf32>) eps 1.0e-05
      : tensor<?x256xf32>, tensor<256xf32>
  // CHECK: model.layer_norm %{{.*}}, %[[N]], %[[N]] eps 9.99999974E-6
  // CHECK-SAME: : tensor<?x256xf32>, tensor<256xf32>, tensor<256xf32>
  %ln = model.layer_norm %e, %n, %n eps 1.0e-05
      : tensor<?x256xf32>, tensor<256xf32>, tensor<256xf32>
  // CHECK: model.matmul %{{.*}} : tensor<?x256xf32>, tensor<128x256xf16>
  // CHECK-SAME: -> tensor<?x128xf32>
  %k = model.matmul %y, %w
      : tensor<?x256xf32>, tensor<128x256xf16> -> tensor<?x128xf32>
  // CHECK: model.add_bias %{{.*}} : tensor<?x128xf32>, tensor<128xf32>
  %kb = model.add_bias %k, %b : tensor<?x128xf32>, tensor<128xf32>
  // CHECK: model.rope_table %{{.*}} {rope = #model.rope<dims = 64,
  // CHECK-SAME: pairing = half, base = 1.000000e+04 : f32, scaling = yarn,
  // CHECK-SAME: : tensor<?xi32> -> tensor<?x64xf32>
  %cs = model.rope_table %positions {rope = #rope}
      : tensor<?xi32> -> tensor<?x64xf32>
  // CHECK: model.rope %{{.*}} {headDim = 64 : i64,
  // CHECK-SAME: pairing = #model.rope_pairing<adjacent>}
  %r = model.rope %kb, %cs
      {headDim = 64 : i64, pairing = #model.rope_pairing<adjacent>}
      : tensor<?x128xf32>, tensor<?x64xf32>
  // CHECK: model.attention %{{.*}}, %{{.*}}, %{{.*}} in @kv.0
  // CHECK-SAME: {heads = 4 : i64, scale = 1.250000e-01 : f32}
  %o = model.attention %y, %r, %kb in @kv.0
      {heads = 4 : i64, scale = 1.25e-01 : f32}
      : tensor<?x256xf32>, tensor<?x128xf32>, tensor<?x128xf32>
      -> tensor<?x256xf32>
  // CHECK: model.attention {{.*}} sinks(%{{.*}} : tensor<4xf32>) in @kv.0
  // CHECK-SAME: cap = 5.000000e+01 : f32, heads = 4 : i64,
  // CHECK-SAME: window = 128 : i64
  %ow = model.attention %y, %r, %kb sinks(%sinks : tensor<4xf32>) in @kv.0
      {heads = 4 : i64, scale = 1.25e-01 : f32, window = 128 : i64,
       cap = 5.0e+01 : f32}
      : tensor<?x256xf32>, tensor<?x128xf32>, tensor<?x128xf32>
      -> tensor<?x256xf32>
  // CHECK: model.add %{{.*}}, %{{.*}} : tensor<?x256xf32>
  %a = model.add %e, %o : tensor<?x256xf32>
  // CHECK: model.glu <silu> %{{.*}}, %{{.*}} : tensor<?x256xf32>
  %g = model.glu <silu> %a, %o : tensor<?x256xf32>
  // CHECK: model.activate <gelu> %{{.*}} : tensor<?x256xf32>
  %ge = model.activate <gelu> %g : tensor<?x256xf32>
  // CHECK: model.activate <soft_cap> %{{.*}} {cap = 3.000000e+01 : f32}
  %sc = model.activate <soft_cap> %g {cap = 3.0e+01 : f32} : tensor<?x256xf32>
  // CHECK: model.select_rows %{{.*}} : tensor<?x256xf32>, tensor<?xi32>
  // CHECK-SAME: -> tensor<?x256xf32>
  %s = model.select_rows %g, %outputs
      : tensor<?x256xf32>, tensor<?xi32> -> tensor<?x256xf32>
  return
}

// The epilogues, with all that may stand around them.
// CHECK-LABEL: func.func @fused(
func.func @fused(%x: tensor<?x256xf32>, %rows: tensor<?xi32>,
                 %r: tensor<?x128xf32>, %n: tensor<256xf32>,
                 %w: tensor<128x256xf16>, %b: tensor<128xf32>) {
  // CHECK: model.linear <store>
  // CHECK-SAME: norm(%{{.*}} : tensor<256xf32>)
  // CHECK-SAME: weights(%{{.*}}, %{{.*}} : tensor<128x256xf16>,
  // CHECK-SAME: biases(%{{.*}}, %{{.*}} : tensor<128xf32>, tensor<128xf32>)
  // CHECK-SAME: {eps = 9.99999974E-6 : f32} : tensor<?x256xf32>
  // CHECK-SAME: -> tensor<?x128xf32>, tensor<?x128xf32>
  %q:2 = model.linear <store> %x norm(%n : tensor<256xf32>)
      weights(%w, %w : tensor<128x256xf16>, tensor<128x256xf16>)
      biases(%b, %b : tensor<128xf32>, tensor<128xf32>) {eps = 1.0e-05 : f32}
      : tensor<?x256xf32> -> tensor<?x128xf32>, tensor<?x128xf32>
  // CHECK: model.linear <residual> %{{.*}} rows(%{{[a-z0-9]*}} : tensor<?xi32>)
  // CHECK-SAME: residual(%{{.*}} : tensor<?x128xf32>)
  %y = model.linear <residual> %x rows(%rows : tensor<?xi32>)
      weights(%w : tensor<128x256xf16>) residual(%r : tensor<?x128xf32>)
      : tensor<?x256xf32> -> tensor<?x128xf32>
  // CHECK: model.linear <glu> %{{.*}} {activation = #model.activation<silu>}
  %z = model.linear <glu> %x
      weights(%w, %w : tensor<128x256xf16>, tensor<128x256xf16>)
      {activation = #model.activation<silu>}
      : tensor<?x256xf32> -> tensor<?x128xf32>
  // CHECK: model.linear <activate> %{{.*}} {activation = #model.activation<soft_cap>, cap = 3.000000e+01 : f32}
  %c = model.linear <activate> %x weights(%w : tensor<128x256xf16>)
      {activation = #model.activation<soft_cap>, cap = 3.0e+01 : f32}
      : tensor<?x256xf32> -> tensor<?x128xf32>
  return
}

// Experts as imported, with a selection bias, and with all that fusion adds; a
// weight of two dimensions is one shared expert.
// CHECK-LABEL: func.func @mixture(
func.func @mixture(%x: tensor<?x64xf32>, %l: tensor<?x8xf32>,
                   %b: tensor<8xf32>, %n: tensor<64xf32>,
                   %g: tensor<8x96x64x!model.ggml<q8_0>>,
                   %d: tensor<8x64x96xf16>, %g1: tensor<96x64xf16>,
                   %d1: tensor<64x96xf16>, %one: tensor<?x1xf32>) {
  // CHECK: %[[IDS:.*]], %[[W:.*]] = model.route <softmax> %{{[a-z0-9]+}}
  // CHECK-SAME: {normalise, scale = 1.000000e+00 : f32}
  // CHECK-SAME: : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %ids, %w = model.route <softmax> %l {normalise, scale = 1.0 : f32}
      : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: model.route <sigmoid> %{{[a-z0-9]+}} bias(%{{[a-z0-9]+}} : tensor<8xf32>)
  // CHECK-SAME: {scale = 2.500000e+00 : f32}
  %ids2, %w2 = model.route <sigmoid> %l bias(%b : tensor<8xf32>)
      {scale = 2.5 : f32}
      : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: model.experts <silu> %{{[a-z0-9]+}}, %[[IDS]], %[[W]]
  // CHECK-SAME: gate(%{{[a-z0-9]+}} : tensor<8x96x64x!model.ggml<q8_0>>)
  // CHECK-SAME: up(%{{[a-z0-9]+}} : tensor<8x96x64x!model.ggml<q8_0>>)
  // CHECK-SAME: down(%{{[a-z0-9]+}} : tensor<8x64x96xf16>)
  // CHECK-SAME: : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  %y = model.experts <silu> %x, %ids, %w
      gate(%g : tensor<8x96x64x!model.ggml<q8_0>>)
      up(%g : tensor<8x96x64x!model.ggml<q8_0>>)
      down(%d : tensor<8x64x96xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  %ids1, %w1 = model.route <sigmoid> %one {scale = 1.0 : f32}
      : tensor<?x1xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  // CHECK: model.experts <silu> {{.*}} norm(%{{[a-z0-9]+}} : tensor<64xf32>)
  // CHECK-SAME: gate(%{{[a-z0-9]+}} : tensor<96x64xf16>)
  // CHECK-SAME: residual(%{{[a-z0-9]+}} : tensor<?x64xf32>)
  // CHECK-SAME: {eps = 9.99999974E-6 : f32}
  %z = model.experts <silu> %x, %ids1, %w1 norm(%n : tensor<64xf32>)
      gate(%g1 : tensor<96x64xf16>) up(%g1 : tensor<96x64xf16>)
      down(%d1 : tensor<64x96xf16>) residual(%x : tensor<?x64xf32>)
      {eps = 1.0e-05 : f32}
      : tensor<?x64xf32>, tensor<?x1xi32>, tensor<?x1xf32>
  return
}

// Latent attention: heads by matrices of their own, parts of heads side by
// side, values that are ends of keys.
// CHECK-LABEL: func.func @latents
func.func @latents(%q: tensor<?x384xf32>, %l: tensor<?x96xf32>,
                   %w: tensor<4x64x64xf16>) -> tensor<?x256xf32> {
  // CHECK: model.head_matmul %{{.*}}, %{{.*}} {headDim = 96 : i64}
  %a = model.head_matmul %q, %w {headDim = 96 : i64}
      : tensor<?x384xf32>, tensor<4x64x64xf16> -> tensor<?x256xf32>
  // CHECK: model.join_heads %{{.*}}, %{{.*}} {begins = array<i64: 64, 0>
  %j = model.join_heads %q, %a {heads = 4 : i64, dims = array<i64: 96, 64>,
      begins = array<i64: 64, 0>, counts = array<i64: 32, 64>}
      : tensor<?x384xf32>, tensor<?x256xf32> -> tensor<?x384xf32>
  // CHECK: model.attention %{{.*}}, %{{.*}} in @kv.2
  // CHECK-SAME: : tensor<?x384xf32>, tensor<?x96xf32> -> tensor<?x256xf32>
  %o = model.attention %j, %l in @kv.2 {heads = 4 : i64, scale = 1.0 : f32}
      : tensor<?x384xf32>, tensor<?x96xf32> -> tensor<?x256xf32>
  return %o : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @groups_of_experts
func.func @groups_of_experts(%l: tensor<?x8xf32>) {
  // CHECK: model.route <sigmoid> %{{.*}} {groups = 4 : i64, groupsUsed = 2 : i64
  %i, %w = model.route <sigmoid> %l
      {scale = 1.0 : f32, groups = 4 : i64, groupsUsed = 2 : i64}
      : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return
}

// Layers with a state of one size for each sequence.
// CHECK: model.state @conv.0 : tensor<3x64xf32>
model.state @conv.0 : tensor<3x64xf32>
// CHECK: model.state @delta.0 : tensor<2x16x16xf32>
model.state @delta.0 : tensor<2x16x16xf32>
// CHECK-LABEL: func.func @recurrent(
func.func @recurrent(%x: tensor<?x64xf32>, %w: tensor<64x4xf32>,
                     %g: tensor<?x4xf32>, %v: tensor<2xf32>) {
  // CHECK: model.causal_conv %{{.*}}, %{{.*}} in @conv.0
  // CHECK-SAME: : tensor<?x64xf32>, tensor<64x4xf32>
  %y = model.causal_conv %x, %w in @conv.0
      : tensor<?x64xf32>, tensor<64x4xf32>
  // CHECK: %[[BETA:.*]] = model.columns %{{.*}} {first = 2 : i64,
  // CHECK-SAME: length = 2 : i64, period = 4 : i64}
  // CHECK-SAME: : tensor<?x4xf32> -> tensor<?x2xf32>
  %b = model.columns %g {first = 2 : i64, length = 2 : i64, period = 4 : i64}
      : tensor<?x4xf32> -> tensor<?x2xf32>
  // CHECK: model.delta_rule %{{.*}}, %[[BETA]], %[[BETA]]
  // CHECK-SAME: rate(%{{.*}} : tensor<2xf32>) bias(%{{.*}} : tensor<2xf32>)
  // CHECK-SAME: in @delta.0 {eps = 9.99999997E-7 : f32, keyHeads = 1 : i64,
  // CHECK-SAME: tiled}
  %o = model.delta_rule %y, %b, %b rate(%v : tensor<2xf32>)
      bias(%v : tensor<2xf32>) in @delta.0
      {eps = 1.0e-06 : f32, keyHeads = 1 : i64, tiled}
      : tensor<?x64xf32>, tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x32xf32>
  // CHECK: model.glu <sigmoid>
  %s = model.glu <sigmoid> %o, %o : tensor<?x32xf32>
  return
}
