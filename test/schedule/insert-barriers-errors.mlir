// RUN: modelc-opt %s --plan-insert-barriers --verify-diagnostics

// Without places the pass cannot see which slots share bytes.
plan.variant @not_placed ubatch 8 features 0 logits @a {
  // expected-error@+1 {{'plan.slot' op has no place in the arena yet}}
  plan.slot @a bytes 128
}
