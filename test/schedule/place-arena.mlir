// RUN: modelc-opt %s --plan-place-arena | FileCheck %s

#row = affine_map<(n, j) -> (n * 32)>
#rows = #pack.layout<"f32.m4k1", source = f32, group = [4, 1], bytes = 16, align = 4, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #row>]>

// A slot may take the bytes of one that is dead, never of one that is read in
// the step that writes it.
// CHECK-LABEL: plan.variant @chain
// CHECK-SAME: arena 2048 {
plan.variant @chain ubatch 8 features 0 logits @c {
  // CHECK: plan.slot @a bytes 1024 at 0
  // CHECK: plan.slot @b bytes 1024 at 1024
  // CHECK: plan.slot @c bytes 1024 at 0
  plan.slot @a bytes 1024
  plan.slot @b bytes 1024
  plan.slot @c bytes 1024
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  plan.step "0" @copy [@a, @b] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
  plan.step "1" @copy [@b, @c] for tokens in [1, 8] tiles 1 * 1 bytes 0 ops 0
}

// The largest slot goes first, whatever the order of declaration, and small
// ones fill what it leaves; every slot starts on 128 bytes, and so does what
// would follow the arena.
// CHECK-LABEL: plan.variant @sizes
// CHECK-SAME: arena 4480 {
plan.variant @sizes ubatch 8 features 0 logits @large {
  // CHECK: plan.slot @small bytes 100 at 4352
  // CHECK: plan.slot @odd bytes 130 at 4096
  // CHECK: plan.slot @large bytes 4096 at 0
  plan.slot @small bytes 100
  plan.slot @odd bytes 130
  plan.slot @large bytes 4096
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  plan.step "0" @copy [@small, @large] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "1" @copy [@odd, @large] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "2" @copy [@small, @large] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// A hole between two living slots is used while it is large enough.
// CHECK-LABEL: plan.variant @hole
// CHECK-SAME: arena 2176 {
plan.variant @hole ubatch 8 features 0 logits @tail {
  // CHECK: plan.slot @first bytes 1024 at 0
  // CHECK: plan.slot @gone bytes 512 at 1024
  // CHECK: plan.slot @tail bytes 384 at 1536
  // CHECK: plan.slot @fits bytes 300 at 1024
  // CHECK: plan.slot @too_large bytes 256 at 1920
  plan.slot @first bytes 1024
  plan.slot @gone bytes 512
  plan.slot @tail bytes 384
  plan.slot @fits bytes 300
  plan.slot @too_large bytes 256
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  plan.step "0" @copy [@first, @gone] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "1" @copy [@gone, @tail] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "2" @copy [@first, @fits] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "3" @copy [@fits, @too_large] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "4" @copy [@first, @tail] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// The logits are read after the last step: no later step may take their place.
// CHECK-LABEL: plan.variant @logits_last
// CHECK-SAME: arena 3072 {
plan.variant @logits_last ubatch 8 features 0 logits @logits {
  // CHECK: plan.slot @a bytes 1024 at 0
  // CHECK: plan.slot @logits bytes 1024 at 1024
  // CHECK: plan.slot @later bytes 1024 at 2048
  plan.slot @a bytes 1024
  plan.slot @logits bytes 1024
  plan.slot @later bytes 1024
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  plan.step "0" @copy [@a, @logits] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "1" @copy [@a, @later] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// A slot that a second regime writes is the same slot: it lives over both.
// CHECK-LABEL: plan.variant @regimes
// CHECK-SAME: arena 2048 {
plan.variant @regimes ubatch 8 features 0 logits @y {
  // CHECK: plan.slot @x bytes 1024 at 0
  // CHECK: plan.slot @y bytes 1024 at 1024
  plan.slot @x bytes 1024
  plan.slot @y bytes 1024
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  plan.step "0" @copy [@x, @y] for tokens in [1, 1] tiles 1 * 1 bytes 0 ops 0
  plan.step "0" @copy [@x, @y] for tokens in [2, 8] tiles 4 * 1 bytes 0 ops 0
}

// What no step touches needs a place, but takes none from others.
// CHECK-LABEL: plan.variant @untouched
// CHECK-SAME: arena 1024 {
plan.variant @untouched ubatch 8 features 0 logits @used {
  // CHECK: plan.slot @used bytes 1024 at 0
  // CHECK: plan.slot @unused bytes 512 at 0
  plan.slot @used bytes 1024
  plan.slot @unused bytes 512
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  plan.step "0" @copy [@used, @used] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}

// A counter lives until the last step that it counts for.
// CHECK-LABEL: plan.variant @counter
// CHECK-SAME: arena 512 {
plan.variant @counter ubatch 8 features 0 logits @c {
  // CHECK: plan.slot @counts bytes 128 at 0
  // CHECK: plan.slot @a bytes 128 at 128
  // CHECK: plan.slot @b bytes 128 at 256
  // CHECK: plan.slot @c bytes 128 at 384
  plan.slot @counts bytes 128
  plan.slot @a bytes 128
  plan.slot @b bytes 128
  plan.slot @c bytes 128
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  plan.step "0" @copy [@a, @counts] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "1" @copy [@a, @b] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
  plan.step "2" @copy [@b, @c] for tokens in [1, 8] counter @counts[0] limit 8
      tiles 1 * 1 bytes 0 ops 0
  plan.step "3" @copy [@a, @c] for tokens in [1, 8] tiles 1 * 1
      bytes 0 ops 0
}
