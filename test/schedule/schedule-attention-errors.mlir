// RUN: modelc-opt %s --pass-pipeline='builtin.module(builtin.module( \
// RUN:   plan-schedule{target=cascadelake ubatch=8}))' --verify-diagnostics

// One kernel rotates, normalises and stores, so q and k are to be treated
// alike, and what is changed in place must have no other reader. Each module
// breaks one of its expectations.

#zero = affine_map<(n, j) -> (0)>
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
#rope = #model.rope<dims = 4, pairing = half, base = 1.0e+02 : f32, scaling = none, factor = 1.0 : f32, originalContext = 64, attentionFactor = 1.0 : f32, extFactor = 0.0 : f32, betaFast = 32.0 : f32, betaSlow = 1.0 : f32>

// k is not rotated.
module @rope_on_q_only {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<16xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<16xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<16xf32> -> <16, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %qr = model.rope %q, %cs {headDim = 16 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    // expected-error@+1 {{expected the same rope on q and k}}
    %o = model.attention %qr, %k, %v in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}

// q and k pair their elements in two ways.
module @two_pairings {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<16xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<16xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<16xf32> -> <16, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %qr = model.rope %q, %cs {headDim = 16 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    %kr = model.rope %k, %cs {headDim = 16 : i64,
        pairing = #model.rope_pairing<adjacent>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    // expected-error@+1 {{expected the same rope on q and k}}
    %o = model.attention %qr, %kr, %v in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}

// The rope takes other heads than the cache has.
module @rope_of_other_heads {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<16xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<16xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<16xf32> -> <16, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %qr = model.rope %q, %cs {headDim = 8 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    %kr = model.rope %k, %cs {headDim = 8 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    // expected-error@+1 {{expected a rope over heads of 16 elements}}
    %o = model.attention %qr, %kr, %v in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}

// Only k is normalised.
module @norm_on_k_only {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<16xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<16xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<16xf32> -> <16, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %kn = model.rms_norm %k, %n eps 1.0e-05
        : tensor<?x32xf32>, !pack.tensor<16, #mapped>
    // expected-error@+1 {{expected the same norm on q and k}}
    %o = model.attention %q, %kn, %v in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}

// The two norms have different constants.
module @two_eps {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<16xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<16xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<16xf32> -> <16, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %qn = model.rms_norm %q, %n eps 1.0e-05
        : tensor<?x32xf32>, !pack.tensor<16, #mapped>
    %kn = model.rms_norm %k, %n eps 1.0e-06
        : tensor<?x32xf32>, !pack.tensor<16, #mapped>
    // expected-error@+1 {{expected the same norm on q and k}}
    %o = model.attention %qn, %kn, %v in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}

// The norm goes over two heads at once.
module @long_norm {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<32xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<32xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<32xf32> -> <32, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %qn = model.rms_norm %q, %n eps 1.0e-05
        : tensor<?x32xf32>, !pack.tensor<32, #mapped>
    %kn = model.rms_norm %k, %n eps 1.0e-05
        : tensor<?x32xf32>, !pack.tensor<32, #mapped>
    // expected-error@+1 {{expected a norm as long as a head}}
    %o = model.attention %qn, %kn, %v in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}

// q is rotated in place and is also v.
module @q_read_again {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<16xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<16xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<16xf32> -> <16, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %qr = model.rope %q, %cs {headDim = 16 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    %kr = model.rope %k, %cs {headDim = 16 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    // expected-error@+1 {{expected no other user of q}}
    %o = model.attention %qr, %kr, %q in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}

// No kernel rotates v.
module @rope_on_v {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<16xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<16xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<16xf32> -> <16, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %vr = model.rope %v, %cs {headDim = 16 : i64,
        pairing = #model.rope_pairing<half>}
        : tensor<?x32xf32>, tensor<?x4xf32>
    // expected-error@+1 {{no kernel of target cascadelake computes its operand model.rope}}
    %o = model.attention %q, %k, %vr in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}

// Who appends to a cache owns it: two would mix their tokens.
module @two_users_of_a_cache {
  model.weight @w : tensor<32x32xf32> at 0 in 0
  model.weight @norm : tensor<16xf32> at 4096 in 0
  model.cache @kv.0 : 2 x (16, 16) x f16
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>) {
    %0 = model.get_weight @w : tensor<32x32xf32>
    %w = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<32x32xf32> -> <32x32, #n16k1>
    %1 = model.get_weight @norm : tensor<16xf32>
    %n = pack.repack %1 {reason = #pack.reason<not_a_matmul>}
        : tensor<16xf32> -> <16, #mapped>
    %x = model.embed %tokens, %w
        : tensor<?xi32>, !pack.tensor<32x32, #n16k1> -> tensor<?x32xf32>
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x4xf32>
    %q, %k, %v = model.linear <store> %x weights(%w, %w, %w
        : !pack.tensor<32x32, #n16k1>, !pack.tensor<32x32, #n16k1>,
          !pack.tensor<32x32, #n16k1>) : tensor<?x32xf32>
        -> tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
    %o = model.attention %q, %k, %v in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    // expected-error@+1 {{expected no other attention over @kv.0}}
    %p = model.attention %q, %k, %v in @kv.0
        {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>,
        tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return
  }
}
