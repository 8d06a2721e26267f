// RUN: modelc-opt %s --plan-insert-barriers | FileCheck %s

#row = affine_map<(n, j) -> (n * 32)>
#zero = affine_map<(n, j) -> (0)>
#rows = #pack.layout<"f32.m4k1", source = f32, group = [4, 1], bytes = 16, align = 4, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #row>]>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4, align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #zero>]>

// A reader waits for the writer of what it reads; the first step for nothing.
// CHECK-LABEL: plan.variant @read_after_write
plan.variant @read_after_write ubatch 8 features 0 logits @c {
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.slot @c bytes 128 at 256
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "0" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "1" {{.*}} tiles 1 * 1 barrier bytes 0
  plan.step "0" @copy [@a, @b] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
  plan.step "1" @copy [@b, @c] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
}

// Steps that read the same memory, a slot or a weight, run side by side.
// CHECK-LABEL: plan.variant @read_after_read
plan.variant @read_after_read ubatch 8 features 0 logits @c {
  plan.weight @table : !pack.tensor<8x8, #mapped> reason <gather_only>
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.slot @c bytes 128 at 256
  plan.kernel @embed #plan.embed<table = #mapped, columns = 8>
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK-NOT: barrier
  plan.step "0" @embed [@table, @b] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "1" @embed [@table, @c] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// A writer waits for earlier readers and writers of what it overwrites.
// CHECK-LABEL: plan.variant @write_after
plan.variant @write_after ubatch 8 features 0 logits @c {
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.slot @c bytes 128 at 256
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "read" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "write" {{.*}} tiles 1 * 1 barrier bytes 0
  // CHECK: plan.step "overwrite" {{.*}} tiles 1 * 1 barrier bytes 0
  plan.step "read" @copy [@a, @c] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "write" @copy [@b, @a] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "overwrite" @copy [@b, @a] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// Slots with different names conflict where the arena gave them the same
// bytes: @c lies where @a lay.
// CHECK-LABEL: plan.variant @shared_bytes
plan.variant @shared_bytes ubatch 8 features 0 logits @c {
  plan.slot @a bytes 256 at 0
  plan.slot @b bytes 128 at 256
  plan.slot @c bytes 128 at 128
  plan.slot @d bytes 128 at 384
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "0" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "1" {{.*}} tiles 1 * 1 barrier bytes 0
  plan.step "0" @copy [@a, @b] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
  plan.step "1" @copy [@d, @c] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
}

// What one step appends to a state, the next may read.
// CHECK-LABEL: plan.variant @state
plan.variant @state ubatch 8 features 0 logits @b {
  plan.state @kv page 16384
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "append" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "read" {{.*}} tiles 1 * 1 barrier bytes 0
  plan.step "append" @copy [@a, @kv] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "read" @copy [@kv, @b] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// Regimes exclude each other: of the steps of two regimes only one runs, so
// the second needs no barrier against the first, but both against what always
// runs.
// CHECK-LABEL: plan.variant @regimes
plan.variant @regimes ubatch 8 features 0 logits @c {
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.slot @c bytes 128 at 256
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "decode" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "prefill" {{.*}} tiles 4 * 1 bytes 0
  // CHECK: plan.step "all" {{.*}} tiles 1 * 1 barrier bytes 0
  plan.step "decode" @copy [@a, @b] for tokens in [1, 1] tiles 1 * 1
      bytes 0 ops 0
  plan.step "prefill" @copy [@a, @b] for tokens in [2, 8] tiles 4 * 1
      bytes 0 ops 0
  plan.step "all" @copy [@b, @c] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// Numbers of tokens and of outputs are independent, whatever their ranges.
// CHECK-LABEL: plan.variant @counts
plan.variant @counts ubatch 8 features 0 logits @c {
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.slot @c bytes 128 at 256
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "0" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "1" {{.*}} tiles 1 * 1 barrier bytes 0
  plan.step "0" @copy [@a, @b] for tokens in [2, 8] tiles 1 * 1 bytes 0 ops 0
  plan.step "1" @copy [@b, @c] for outputs in [1, 1] tiles 1 * 1
      bytes 0 ops 0
}

// One barrier is enough for all that came before it.
// CHECK-LABEL: plan.variant @one_barrier
plan.variant @one_barrier ubatch 8 features 0 logits @c {
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.slot @c bytes 128 at 256
  plan.slot @d bytes 128 at 384
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "0" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "1" {{.*}} tiles 1 * 1 barrier bytes 0
  // CHECK: plan.step "2" {{.*}} tiles 1 * 1 bytes 0
  plan.step "0" @copy [@a, @b] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
  plan.step "1" @copy [@b, @c] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
  plan.step "2" @copy [@b, @d] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
}

// The barrier of a step that does not always run does not count for one that
// does.
// CHECK-LABEL: plan.variant @barrier_of_a_regime
plan.variant @barrier_of_a_regime ubatch 8 features 0 logits @c {
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.slot @c bytes 128 at 256
  plan.slot @d bytes 128 at 384
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "0" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "decode" {{.*}} tiles 1 * 1 barrier bytes 0
  // CHECK: plan.step "all" {{.*}} tiles 1 * 1 barrier bytes 0
  plan.step "0" @copy [@a, @b] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
  plan.step "decode" @copy [@b, @c] for tokens in [1, 1] tiles 1 * 1
      bytes 0 ops 0
  plan.step "all" @copy [@b, @d] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// A barrier that is there already stays only where it is needed.
// CHECK-LABEL: plan.variant @again
plan.variant @again ubatch 8 features 0 logits @b {
  plan.slot @a bytes 128 at 0
  plan.slot @b bytes 128 at 128
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "0" {{.*}} tiles 1 * 1 bytes 0
  plan.step "0" @copy [@a, @b] for tokens in [1, 8] tiles 1 * 1 barrier
      bytes 0 ops 0
}

// A counter is read when its step begins, so whoever writes it must be done;
// that no operand conflicts does not matter.
// CHECK-LABEL: plan.variant @counter
plan.variant @counter ubatch 8 features 0 logits @c {
  plan.slot @a bytes 128 at 0
  plan.slot @counts bytes 128 at 128
  plan.slot @c bytes 128 at 256
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  // CHECK: plan.step "0" {{.*}} tiles 1 * 1 bytes 0
  // CHECK: plan.step "1" {{.*}} limit 8 tiles 1 * 1 barrier bytes 0
  // CHECK: plan.step "2" {{.*}} tiles 1 * 1 barrier bytes 0
  plan.step "0" @copy [@a, @counts] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "1" @copy [@a, @c] for tokens in [1, 8] counter @counts[4] limit 8
      tiles 1 * 1 bytes 0 ops 0
  plan.step "2" @copy [@a, @counts] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}
