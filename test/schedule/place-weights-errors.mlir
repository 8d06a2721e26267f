// RUN: modelc-opt %s --plan-place-weights --split-input-file \
// RUN:   --verify-diagnostics

// A plan file has no number smaller than a byte.
plan.variant @bits ubatch 8 features 0 logits @x {
  // expected-error@+1 {{expected dense numbers of whole bytes, found dense<true> : tensor<3xi1>}}
  plan.constant @mask dense<true> : tensor<3xi1>
  plan.slot @x bytes 128
}

// -----

// An index has no size that two machines agree on.
plan.variant @index ubatch 8 features 0 logits @x {
  // expected-error@+1 {{expected dense numbers of whole bytes}}
  plan.constant @sizes dense<1> : tensor<3xindex>
  plan.slot @x bytes 128
}

// -----

// Only dense bytes can be copied into the file.
plan.variant @sparse ubatch 8 features 0 logits @x {
  // expected-error@+1 {{expected dense numbers of whole bytes}}
  plan.constant @few sparse<0, 1.0> : tensor<3xf32>
  plan.slot @x bytes 128
}
