// RUN: modelc-opt %s | modelc-opt | FileCheck %s
// RUN: modelc-opt %s --mlir-print-op-generic | modelc-opt | FileCheck %s

// Every op and every kernel specification is printed as it is read, also
// through the generic form.

#zero = affine_map<(n, j) -> (0)>
#row = affine_map<(n, j) -> (n * 32)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#key = affine_map<(n, j) -> (j * 1024 + n * 16)>
#value = affine_map<(n, j) -> (n * 128 + j * 16)>
#mapped_f32 = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
#f32_n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#f32_m4k1 = #pack.layout<"f32.m4k1", source = f32, group = [4, 1], bytes = 16, align = 4, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #row>]>
#f16_key8 = #pack.layout<"f16.key8", source = f16, group = [64, 8], bytes = 1024, align = 2, fields = [#pack.field<"values", bits = 16, unit = 1, flip = 0, map = #key>]>
#f16_value8 = #pack.layout<"f16.value8", source = f16, group = [64, 8], bytes = 1024, align = 2, fields = [#pack.field<"values", bits = 16, unit = 1, flip = 0, map = #value>]>

// CHECK: plan.variant @cascadelake ubatch 512 features 1023 logits @x
// CHECK-SAME: arena 4096 {
plan.variant @cascadelake ubatch 512 features 1023 logits @x arena 4096 {
  // CHECK: plan.weight @table : !pack.tensor<96x8, #f32_n16k1>
  // CHECK-SAME: reason <first_choice> at 128
  plan.weight @table : !pack.tensor<96x8, #f32_n16k1>
      reason <first_choice> at 128
  // CHECK: plan.weight @norm : !pack.tensor<8, #mapped_f32>
  // CHECK-SAME: reason <no_kernel_for_type> fallback
  plan.weight @norm : !pack.tensor<8, #mapped_f32>
      reason <no_kernel_for_type> fallback
  // CHECK: plan.constant @frequencies dense<[1.000000e+00, 5.000000e-01]>
  // CHECK-SAME: : tensor<2xf64> at 128
  plan.constant @frequencies dense<[1.0, 0.5]> : tensor<2xf64> at 128
  // CHECK: plan.state @kv.0.k page 2048
  plan.state @kv.0.k page 2048
  plan.state @kv.0.v page 2048
  // CHECK: plan.state @kv.1.k page 2048 window 512
  plan.state @kv.1.k page 2048 window 512
  // CHECK: plan.state @delta.0 sequence 4096
  plan.state @delta.0 sequence 4096
  // CHECK: plan.slot @x bytes 1024 at 128
  plan.slot @x bytes 1024 at 128
  // CHECK: plan.slot @y bytes 1024{{$}}
  plan.slot @y bytes 1024

  // CHECK: plan.kernel @embed #plan.embed<table = #f32_n16k1, columns = 8>
  plan.kernel @embed #plan.embed<table = #f32_n16k1, columns = 8>
  // CHECK: #plan.glu<columns = 8, activation = sigmoid>
  plan.kernel @gate #plan.glu<columns = 8, activation = sigmoid>
  // CHECK: #plan.glu<columns = 8, activation = silu, headDim = 4, eps =
  plan.kernel @gated_norm #plan.glu<columns = 8, activation = silu,
      headDim = 4, eps = 1.0e-05 : f32>
  // CHECK: #plan.columns<groups = 2, first = 1, length = 2, period = 4>
  plan.kernel @columns #plan.columns<groups = 2, first = 1, length = 2,
      period = 4>
  // CHECK: #plan.causal_conv<channels = 64, taps = 4>
  plan.kernel @causal_conv #plan.causal_conv<channels = 64, taps = 4>
  // CHECK: #plan.delta_rule<heads = 4, keyHeads = 2, keyDim = 16,
  // CHECK-SAME: valueDim = 16, tiled = false, eps = 9.99999997E-7 : f32>
  plan.kernel @delta_rule #plan.delta_rule<heads = 4, keyHeads = 2,
      keyDim = 16, valueDim = 16, tiled = false, eps = 1.0e-06 : f32>
  // CHECK: plan.kernel @rope_table #plan.rope_table<pairs = 2, factor =
  plan.kernel @rope_table #plan.rope_table<pairs = 2, factor = 1.0 : f32>
  // CHECK: plan.kernel @prepare #plan.prepare<columns = 8, layout = #f32_m4k1,
  // CHECK-SAME: gather = true, eps = 9.99999974E-6 : f32>
  plan.kernel @prepare #plan.prepare<columns = 8, layout = #f32_m4k1,
      gather = true, eps = 1.0e-05 : f32>
  // CHECK: #plan.prepare<columns = 8, layout = #f32_m4k1, gather = false>
  plan.kernel @copy #plan.prepare<columns = 8, layout = #f32_m4k1,
      gather = false>
  // CHECK: #plan.matmul<columns = 8, input = #f32_m4k1, weights =
  // CHECK-SAME: [#f32_n16k1], rows = [96], epilogue = store,
  // CHECK-SAME: activation = silu, bias = false, tileRows = 16>
  plan.kernel @matmul #plan.matmul<columns = 8, input = #f32_m4k1,
      weights = [#f32_n16k1], rows = [96], epilogue = store,
      activation = silu, bias = false, tileRows = 16>
  // CHECK: #plan.rope_store<heads = 4, kvHeads = 2, keyDim = 8, valueDim = 8,
  // CHECK-SAME: pairs = 2, pairing = half, keyPage = #f16_key8,
  // CHECK-SAME: valuePage = #f16_value8>
  plan.kernel @rope_store #plan.rope_store<heads = 4, kvHeads = 2, keyDim = 8,
      valueDim = 8, pairs = 2, pairing = half, keyPage = #f16_key8,
      valuePage = #f16_value8>
  // CHECK: #plan.attention<heads = 4, kvHeads = 2, keyDim = 8, valueDim = 8,
  // CHECK-SAME: scale = 2.500000e-01 : f32, keyPage = #f16_key8,
  // CHECK-SAME: valuePage = #f16_value8, tileTokens = 4>
  plan.kernel @attention #plan.attention<heads = 4, kvHeads = 2, keyDim = 8,
      valueDim = 8, scale = 2.5e-01 : f32, keyPage = #f16_key8,
      valuePage = #f16_value8, tileTokens = 4>
  // CHECK: #plan.attention<{{.*}} valuePage = #f16_key8, tileTokens = 4,
  // CHECK-SAME: shared = true, parts = 2>
  plan.kernel @shared #plan.attention<heads = 4, kvHeads = 1, keyDim = 8,
      valueDim = 6, scale = 2.5e-01 : f32, keyPage = #f16_key8,
      valuePage = #f16_key8, tileTokens = 4, shared = true, parts = 2>
  // CHECK: #plan.join_heads<outHeads = 4, heads = [4, 1], dims = [8, 4],
  // CHECK-SAME: begins = [2, 0], counts = [6, 4]>
  plan.kernel @join #plan.join_heads<outHeads = 4, heads = [4, 1],
      dims = [8, 4], begins = [2, 0], counts = [6, 4]>
  // CHECK: #plan.prepare<{{.*}} gather = false, heads = 4, headDim = 12>
  plan.kernel @heads #plan.prepare<columns = 8, layout = #f32_m4k1,
      gather = false, heads = 4, headDim = 12>
  // CHECK: #plan.head_matmul<matmul = <columns = 8, input = #f32_m4k1,
  // CHECK-SAME: tileRows = 16>, heads = 4>
  plan.kernel @head_matmul #plan.head_matmul<matmul = <columns = 8,
      input = #f32_m4k1, weights = [#f32_n16k1], rows = [96],
      epilogue = store, activation = silu, bias = false, tileRows = 16>,
      heads = 4>
  // CHECK: gather = true, eps = 9.99999974E-6 : f32, grouped = true>
  plan.kernel @gather #plan.prepare<columns = 8, layout = #f32_m4k1,
      gather = true, eps = 1.0e-05 : f32, grouped = true>
  // CHECK: #plan.route<experts = 8, slots = 2, gating = softmax,
  // CHECK-SAME: normalise = true, scale = 1.000000e+00 : f32, bias = false>
  plan.kernel @route #plan.route<experts = 8, slots = 2, gating = softmax,
      normalise = true, scale = 1.0 : f32, bias = false>
  // CHECK: gating = sigmoid, {{.*}} bias = true, groupRows = 1>
  plan.kernel @route_and_group #plan.route<experts = 8, slots = 2,
      gating = sigmoid, normalise = false, scale = 2.5 : f32, bias = true,
      groupRows = 1>
  // CHECK: #plan.group<experts = 8, slots = 2, rowTile = 4>
  plan.kernel @group #plan.group<experts = 8, slots = 2, rowTile = 4>
  // CHECK: #plan.experts<matmul = <columns = 8, input = #f32_m4k1,
  // CHECK-SAME: tileRows = 16>, experts = 8, indirect = false>
  plan.kernel @experts #plan.experts<matmul = <columns = 8,
      input = #f32_m4k1, weights = [#f32_n16k1], rows = [96],
      epilogue = store, activation = silu, bias = false, tileRows = 16>,
      experts = 8, indirect = false>
  // CHECK: #plan.combine<columns = 8, slots = 2, residual = true>
  plan.kernel @combine #plan.combine<columns = 8, slots = 2, residual = true>

  // CHECK: plan.step "token_embd" @embed [@table, @x]
  // CHECK-SAME: for tokens in [1, 512] tiles 1 * 1 bytes 3072 ops 0
  plan.step "token_embd" @embed [@table, @x]
      for tokens in [1, 512] tiles 1 * 1 bytes 3072 ops 0
  // CHECK: plan.step "output" @copy [@x, @y] for outputs in [2, 512]
  // CHECK-SAME: tiles 4 * 6 barrier bytes 0 ops 1536
  plan.step "output" @copy [@x, @y] for outputs in [2, 512]
      tiles 4 * 6 barrier bytes 0 ops 1536
  // CHECK: plan.step "counted" @copy [@x, @y] for tokens in [1, 512]
  // CHECK-SAME: counter @x[4] limit 12 tiles 1 * 6 bytes 64 ops 1536
  plan.step "counted" @copy [@x, @y] for tokens in [1, 512]
      counter @x[4] limit 12 tiles 1 * 6 bytes 64 ops 1536
}
