// RUN: modelc-opt %s --pass-pipeline='builtin.module(builtin.module( \
// RUN:   plan-schedule{target=cascadelake ubatch=8}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,VNNI
// RUN: modelc-opt %s --pass-pipeline='builtin.module(builtin.module( \
// RUN:   plan-schedule{target=x86-64-v3 ubatch=8}))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,AVX2

#zero = affine_map<(n, j) -> (0)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#quant = affine_map<(n, j) -> ((j floordiv 4) * 512 + n * 32 + (j mod 4) * 8)>
#scale = affine_map<(n, j) -> (j * 256 + n * 16 + 8192)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#q8 = #pack.layout<"q8_0.n16k64", source = !model.ggml<q8_0>, group = [16, 64], bytes = 1088, align = 64, fields = [#pack.field<"quants", bits = 8, unit = 1, flip = 0, map = #quant>, #pack.field<"scale", bits = 16, unit = 32, flip = 0, map = #scale>]>

// The smallest model: rows of a table, then the output's matmul of the rows
// that are wanted. The table is packed once though two steps read it. Slots
// hold ubatch = 8 rows of f32: 8 * 64 * 4 and 8 * 96 * 4 bytes. A regime is a
// pair of steps, prepare and matmul, and ranges of outputs are the target's:
// prepare has a tile for each row tile of its regime (1, then 3 with AVX2,
// where the last of 8 rows fill a third tile: 9 * 64 * 4 bytes). 96 rows in
// tiles of 16 are 6 tiles; the table's 96 * 64 * 4 bytes are read and
// 2 * 96 * 64 operations done for each row.
// CHECK-LABEL: module @smallest
module @smallest {
  model.weight @table : tensor<96x64xf32> at 0 in 0
  model.weight @norm.weight : tensor<64xf32> at 32768 in 0
  // CHECK-NOT: func.func
  // VNNI: plan.variant @cascadelake ubatch 8 features 4095 logits @table.out {
  // AVX2: plan.variant @"x86-64-v3" ubatch 8 features 63 logits @table.out {
  // CHECK: plan.weight @table : !pack.tensor<96x64, #{{.*}}> reason <first_choice>
  // CHECK: plan.slot @table.rows bytes 2048
  // CHECK: plan.kernel @[[EMBED:mc_embed_f32_n16k1_k64_[a-z0-9]+]]
  // CHECK: plan.step "table" @[[EMBED]] [@table, @table.rows]
  // CHECK-SAME: for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
  // CHECK: plan.weight @norm.weight {{.*}} reason <not_a_matmul>
  // CHECK: plan.slot @table.out bytes 3072
  // CHECK: plan.slot @table.in bytes
  // AVX2-SAME: 2304
  // CHECK: plan.step "table.prepare" {{.*}} [@table.rows, @norm.weight, @table.in]
  // CHECK-SAME: for outputs in [1, 1] tiles 1 * 1 bytes 0 ops 0
  // CHECK: plan.step "table" {{.*}} [@table.in, @table, @table.out]
  // CHECK-SAME: for outputs in [1, 1] tiles 1 * 6 bytes 24576 ops 12288
  // VNNI: plan.step "table.prepare" {{.*}} for outputs in [2, 4] tiles 4 * 1
  // VNNI: plan.step "table" {{.*}} for outputs in [2, 4] tiles 4 * 6
  // VNNI: plan.step "table.prepare" @mc_prepare_f32_m[[#TILE:]]k1_
  // VNNI-SAME: for outputs in [5, 8] tiles [[#TILE]] * 1
  // VNNI: plan.step "table" {{.*}} for outputs in [5, 8] tiles 8 * 6
  // AVX2: plan.step "table.prepare" {{.*}} for outputs in [2, 8] tiles 3 * 1
  // AVX2: plan.step "table" {{.*}} for outputs in [2, 8] tiles 8 * 6
  // CHECK-NOT: plan.step
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x96xf32> {
    %0 = model.get_weight @table : tensor<96x64xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<96x64xf32> -> <96x64, #n16k1>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<96x64, #n16k1> -> tensor<?x64xf32>
    %1 = model.get_weight @norm.weight : tensor<64xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<64xf32> -> <64, #mapped>
    %y = model.linear <store> %x rows(%rows : tensor<?xi32>)
        norm(%n : !pack.tensor<64, #mapped>)
        weights(%t : !pack.tensor<96x64, #n16k1>) {eps = 1.0e-05 : f32}
        : tensor<?x64xf32> -> tensor<?x96xf32>
    return %y : tensor<?x96xf32>
  }
}

// A residual is added in place where nothing reads it later (the second one,
// @down), and has a slot of its own where something does (the first, @up: its
// input is read once more). The gate and up weights of a glu have one output,
// and a tile is rows of both.
// CHECK-LABEL: module @residuals
module @residuals {
  model.weight @table : tensor<32x64xf32> at 0 in 0
  model.weight @up.weight : tensor<64x64xf32> at 8192 in 0
  model.weight @gate.weight : tensor<128x64xf32> at 24576 in 0
  model.weight @down.weight : tensor<64x128xf32> at 57344 in 0
  // CHECK: plan.slot @table.rows bytes 2048
  // CHECK: plan.slot @up.out bytes 2048
  // CHECK: plan.step "up" @mc_matmul_f32_n16k1_n64_{{.*}}_residual_
  // CHECK-SAME: [@up.in, @up.weight, @table.rows, @up.out] for tokens
  // CHECK: plan.slot @gate.out bytes 4096
  // CHECK: plan.step "gate" @mc_matmul_{{.*}}_siluglu_{{[a-z0-9]+}}
  // CHECK-SAME: [@gate.in, @gate.weight, @gate.weight, @gate.out]
  // CHECK-SAME: for tokens in [1, 1] tiles 1 * 8 bytes 65536 ops 32768
  // CHECK-NOT: plan.slot @down.out
  // CHECK: plan.slot @down.in
  // CHECK: plan.step "down" {{.*}} [@down.in, @down.weight, @table.rows, @table.rows]
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x32xf32> {
    %0 = model.get_weight @table : tensor<32x64xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x64xf32> -> <32x64, #n16k1>
    %1 = model.get_weight @up.weight : tensor<64x64xf32>
    %u = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<64x64xf32> -> <64x64, #n16k1>
    %2 = model.get_weight @gate.weight : tensor<128x64xf32>
    %g = pack.repack %2 {reason = #pack.reason<first_choice>}
        : tensor<128x64xf32> -> <128x64, #n16k1>
    %3 = model.get_weight @down.weight : tensor<64x128xf32>
    %d = pack.repack %3 {reason = #pack.reason<first_choice>}
        : tensor<64x128xf32> -> <64x128, #n16k1>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x64, #n16k1> -> tensor<?x64xf32>
    %y = model.linear <residual> %x weights(%u : !pack.tensor<64x64, #n16k1>)
        residual(%x : tensor<?x64xf32>)
        : tensor<?x64xf32> -> tensor<?x64xf32>
    %z = model.linear <glu> %y
        weights(%g, %g : !pack.tensor<128x64, #n16k1>,
                         !pack.tensor<128x64, #n16k1>)
        {activation = #model.activation<silu>}
        : tensor<?x64xf32> -> tensor<?x128xf32>
    %o = model.linear <residual> %z
        weights(%d : !pack.tensor<64x128, #n16k1>)
        residual(%x : tensor<?x64xf32>)
        : tensor<?x128xf32> -> tensor<?x64xf32>
    %l = model.linear <store> %o rows(%rows : tensor<?xi32>)
        weights(%t : !pack.tensor<32x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x32xf32>
    return %l : tensor<?x32xf32>
  }
}

// Three matmuls of one input are one step: 4 + 2 + 2 tiles of 16 rows. Their
// rotation and the append to the cache are the next one; its state is two
// pools, of 2 heads x 64 tokens x 16 f16 = 4096 bytes a page. Frequencies are
// those of numerics.md: base^(-2i/dims), in double. Attention has a tile for
// each kv head and for the tokens that its kernel's name gives: one in decode,
// in prefill as many as fill a block of query rows.
// CHECK-LABEL: module @attention
module @attention {
  model.weight @table : tensor<32x64xf32> at 0 in 0
  model.weight @q.weight : tensor<64x64x!model.ggml<q8_0>> at 8192 in 0
  model.weight @k.weight : tensor<32x64x!model.ggml<q8_0>> at 16384 in 0
  model.weight @v.weight : tensor<32x64x!model.ggml<q8_0>> at 24576 in 0
  // CHECK-NOT: model.cache
  model.cache @kv.0 : 2 x (16, 16) x f16
  // CHECK: plan.constant @rope.frequencies dense<[1.000000e+00, 1.000000e-01]> : tensor<2xf64>
  // CHECK: plan.slot @rope.table bytes 128
  // CHECK: plan.step "rope.table" {{.*}} [@rope.frequencies, @rope.table]
  // CHECK: plan.step "q" @mc_matmul_
  // CHECK-SAME: [@q.in, @q.weight, @k.weight, @v.weight, @q.out, @k.out, @v.out]
  // CHECK-SAME: for tokens in [1, 1] tiles 1 * 8 bytes 8704 ops 16384
  // CHECK: plan.state @kv.0.k page 4096
  // CHECK: plan.state @kv.0.v page 4096
  // CHECK: #plan.rope_store<heads = 4, kvHeads = 2, keyDim = 16, valueDim = 16, pairs = 2, pairing = half,
  // CHECK: plan.step "kv.0.store" @mc_rope_store_
  // CHECK-SAME: [@q.out, @k.out, @v.out, @rope.table, @kv.0.k, @kv.0.v]
  // CHECK-SAME: for tokens in [1, 8] tiles 1 * 2
  // CHECK: plan.slot @kv.0.out bytes 2048
  // CHECK: plan.step "kv.0.attention" @mc_attention_{{.*}}_t1_
  // CHECK-SAME: [@q.out, @kv.0.k, @kv.0.v, @kv.0.out]
  // CHECK-SAME: for tokens in [1, 1] tiles 1 * 2
  // VNNI: plan.step "kv.0.attention" {{.*}}_t[[#T:]]_avx512vnni [
  // VNNI-SAME: for tokens in [2, 4] tiles [[#T]] * 2
  // VNNI: plan.step "kv.0.attention" {{.*}}_t[[#T]]_avx512vnni [
  // VNNI-SAME: for tokens in [5, 8] tiles [[#T]] * 2
  // AVX2: plan.step "kv.0.attention" {{.*}}_t[[#T:]]_avx2 [
  // AVX2-SAME: for tokens in [2, 8] tiles [[#T]] * 2
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x32xf32> {
    %0 = model.get_weight @table : tensor<32x64xf32>
    %t = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x64xf32> -> <32x64, #n16k1>
    %1 = model.get_weight @q.weight : tensor<64x64x!model.ggml<q8_0>>
    %wq = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<64x64x!model.ggml<q8_0>> -> <64x64, #q8>
    %2 = model.get_weight @k.weight : tensor<32x64x!model.ggml<q8_0>>
    %wk = pack.repack %2 {reason = #pack.reason<first_choice>}
        : tensor<32x64x!model.ggml<q8_0>> -> <32x64, #q8>
    %3 = model.get_weight @v.weight : tensor<32x64x!model.ggml<q8_0>>
    %wv = pack.repack %3 {reason = #pack.reason<first_choice>}
        : tensor<32x64x!model.ggml<q8_0>> -> <32x64, #q8>
    %x = model.embed %tokens, %t
        : tensor<?xi32>, !pack.tensor<32x64, #n16k1> -> tensor<?x64xf32>
    %cs = model.rope_table %positions {rope = #model.rope<dims = 4,
        pairing = half, base = 1.0e+02 : f32, scaling = none,
        factor = 1.0 : f32, originalContext = 64, attentionFactor = 1.0 : f32,
        extFactor = 0.0 : f32, betaFast = 32.0 : f32, betaSlow = 1.0 : f32>}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%wq, %wk, %wv
        : !pack.tensor<64x64, #q8>, !pack.tensor<32x64, #q8>,
          !pack.tensor<32x64, #q8>)
        : tensor<?x64xf32>
        -> tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %qr = model.rope %q, %cs {headDim = 16 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x64xf32>, tensor<?x4xf32>
    %kr = model.rope %k, %cs {headDim = 16 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    %o = model.attention %qr, %kr, %v in @kv.0 {heads = 4 : i64,
        scale = 0.25 : f32} : tensor<?x64xf32>, tensor<?x32xf32>,
        tensor<?x32xf32> -> tensor<?x64xf32>
    %l = model.linear <store> %o rows(%rows : tensor<?xi32>)
        weights(%t : !pack.tensor<32x64, #n16k1>)
        : tensor<?x64xf32> -> tensor<?x32xf32>
    return %l : tensor<?x32xf32>
  }
}
