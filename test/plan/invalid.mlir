// RUN: modelc-opt %s --split-input-file --verify-diagnostics

// One case for each numbered constraint of the dialect, named after it.

// A pass needs room for a token.
// expected-error@+1 {{expected a positive ubatch}}
plan.variant @variant_c1 ubatch 0 features 0 logits @x {
  plan.slot @x bytes 128
}

// -----

// Logits are read from the arena by name.
// expected-error@+1 {{no plan.slot @x}}
plan.variant @variant_c2 ubatch 1 features 0 logits @x {
  plan.state @x page 128
}

// -----

// Kernels rely on the alignment of what they read.
#layout = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{offset 64 is no multiple of 128}}
  plan.weight @weight_c1 : !pack.tensor<8, #layout>
      reason <not_a_matmul> at 64
}

// -----

// Only packed weights have a size.
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{expected a !pack.tensor, found 'tensor<8xf32>'}}
  plan.weight @weight_type : tensor<8xf32> reason <not_a_matmul>
}

// -----

plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{page of 100 bytes is no positive multiple of 128}}
  plan.state @state_c1 page 100
}

// -----

plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{sequence of 64 bytes is no positive multiple of 128}}
  plan.state @state_c1_sequence sequence 64
}

// -----

plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{expected either a page or a sequence}}
  plan.state @state_c1_both page 128 sequence 128
}

// -----

plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{a window stands with a page, and only there}}
  plan.state @state_c2_sequence sequence 128 window 3
}

// -----

plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{expected a window of 1 to 2147483647 tokens, found 0}}
  plan.state @state_c2 page 128 window 0
}

// -----

plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{expected a positive size}}
  plan.slot @slot_c1 bytes 0
}

// -----

plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{offset 100 is no multiple of 128}}
  plan.slot @slot_c1_offset bytes 128 at 100
}

// -----

plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{expected a kernel specification, found "mc_copy"}}
  plan.kernel @kernel_c1 "mc_copy"
}

// -----

// Records stand in a variant, for their names are resolved there.
// expected-error@+1 {{'plan.slot' op expects parent op 'plan.variant'}}
plan.slot @slot_parent bytes 128

// -----

#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  // expected-error@+1 {{no plan.kernel @k}}
  plan.step "step_c1" @k [@x, @x] for tokens in [1, 1] tiles 1 * 1
      bytes 0 ops 0
}

// -----

#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{operand 0: no memory @k}}
  plan.step "step_c1_memory" @k [@k, @x] for tokens in [1, 1] tiles 1 * 1
      bytes 0 ops 0
}

// -----

#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{expected 2 operands, found 1}}
  plan.step "step_c2" @k [@x] for tokens in [1, 1] tiles 1 * 1 bytes 0 ops 0
}

// -----

#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{bad range [2, 1] or tiles 1 * 1}}
  plan.step "step_c3" @k [@x, @x] for tokens in [2, 1] tiles 1 * 1
      bytes 0 ops 0
}

// -----

// The runtime divides by the divisor.
#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{bad range [1, 1] or tiles 0 * 1}}
  plan.step "step_c3_divisor" @k [@x, @x] for tokens in [1, 1] tiles 0 * 1
      bytes 0 ops 0
}

// -----

// Weights are shared by all processes that map the file.
#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.weight @w : !pack.tensor<8, #layout> reason <not_a_matmul>
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{operand 1: @w cannot be written}}
  plan.step "step_c4" @k [@x, @w] for tokens in [1, 1] tiles 1 * 1
      bytes 0 ops 0
}

// -----

// A counter is read like an operand, but no specification knows of it.
#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{no u32 of a plan.slot at @y[0]}}
  plan.step "step_c5" @k [@x, @x] for tokens in [1, 1]
      counter @y[0] limit 1 tiles 1 * 1 bytes 0 ops 0
}

// -----

#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{no u32 of a plan.slot at @x[128]}}
  plan.step "step_c5_end" @k [@x, @x] for tokens in [1, 1]
      counter @x[128] limit 1 tiles 1 * 1 bytes 0 ops 0
}

// -----

#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{no u32 of a plan.slot at @x[2]}}
  plan.step "step_c5_align" @k [@x, @x] for tokens in [1, 1]
      counter @x[2] limit 1 tiles 1 * 1 bytes 0 ops 0
}

// -----

// Without a limit the number of tiles would have none.
#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{expected a positive limit and a step for tokens, found 0 and tokens}}
  plan.step "step_c5_limit" @k [@x, @x] for tokens in [1, 1]
      counter @x[0] limit 0 tiles 1 * 1 bytes 0 ops 0
}

// -----

#layout = #pack.layout<"f32.m1k1", source = f32, group = [1, 1], bytes = 4, align = 4, fields = []>
plan.variant @v ubatch 1 features 0 logits @x {
  plan.slot @x bytes 128
  plan.kernel @k #plan.prepare<columns = 8, layout = #layout, gather = false>
  // expected-error@+1 {{expected a positive limit and a step for tokens, found 1 and outputs}}
  plan.step "step_c5_source" @k [@x, @x] for outputs in [1, 1]
      counter @x[0] limit 1 tiles 1 * 1 bytes 0 ops 0
}
