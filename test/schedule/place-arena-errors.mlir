// RUN: modelc-opt %s --plan-place-arena --split-input-file \
// RUN:   --verify-diagnostics

// Offsets are refused before they overflow: 2^47 bytes are all that a process
// can address.
plan.variant @one_slot ubatch 8 features 0 logits @x {
  // expected-error@+1 {{of 140737488355329 bytes makes the arena larger than 140737488355328}}
  plan.slot @x bytes 140737488355329
}

// -----

// The limit is the arena's: slots count together, in order of declaration.
plan.variant @two_slots ubatch 8 features 0 logits @x {
  plan.slot @x bytes 70368744177665
  // expected-error@+1 {{of 70368744177664 bytes makes the arena larger than 140737488355328}}
  plan.slot @y bytes 70368744177664
}
