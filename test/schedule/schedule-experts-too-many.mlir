// RUN: modelc-opt %s --plan-schedule="ubatch=1048576" --verify-diagnostics

// Rows are numbered in 32 bits, whatever a file says of its experts.
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
model.weight @router : tensor<128x16xf32> at 0 in 0
func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                   %rows: tensor<?xi32>) -> tensor<?x128xf32> {
  %0 = model.get_weight @router : tensor<128x16xf32>
  %r = pack.repack %0 {reason = #pack.reason<first_choice>}
      : tensor<128x16xf32> -> <128x16, #n16k1>
  %x = model.embed %tokens, %r
      : tensor<?xi32>, !pack.tensor<128x16, #n16k1> -> tensor<?x16xf32>
  %l = model.linear <store> %x weights(%r : !pack.tensor<128x16, #n16k1>)
      : tensor<?x16xf32> -> tensor<?x128xf32>
  // expected-error@+1 {{expected at most 67108864 slots of all tokens, found 1048576 * 65}}
  %i, %w = model.route <softmax> %l {scale = 1.0 : f32}
      : tensor<?x128xf32> -> tensor<?x65xi32>, tensor<?x65xf32>
  return %l : tensor<?x128xf32>
}
