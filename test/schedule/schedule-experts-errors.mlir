// RUN: modelc-opt %s --plan-schedule="ubatch=8" --split-input-file \
// RUN:   --verify-diagnostics

// Weights belong to the ids that chose them: group and combine read both.
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
module @two_routes {
  model.weight @router : tensor<4x16xf32> at 0 in 0
  model.weight @gate : tensor<4x16x16xf32> at 0 in 0
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x16xf32> {
    %0 = model.get_weight @router : tensor<4x16xf32>
    %r = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<4x16xf32> -> <4x16, #n16k1>
    %1 = model.get_weight @gate : tensor<4x16x16xf32>
    %g = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<4x16x16xf32> -> <4x16x16, #n16k1>
    %x = model.embed %tokens, %r
        : tensor<?xi32>, !pack.tensor<4x16, #n16k1> -> tensor<?x16xf32>
    %l = model.linear <store> %x weights(%r : !pack.tensor<4x16, #n16k1>)
        : tensor<?x16xf32> -> tensor<?x4xf32>
    %i, %w = model.route <softmax> %l {scale = 1.0 : f32}
        : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %j, %v = model.route <softmax> %l {scale = 1.0 : f32}
        : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    // expected-error@+1 {{expected ids and weights of one model.route}}
    %y = model.experts <silu> %x, %i, %v
        gate(%g : !pack.tensor<4x16x16, #n16k1>)
        up(%g : !pack.tensor<4x16x16, #n16k1>)
        down(%g : !pack.tensor<4x16x16, #n16k1>)
        : tensor<?x16xf32>, tensor<?x2xi32>, tensor<?x2xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// A route among four experts may choose one that two do not have.
#panel = affine_map<(n, j) -> (j * 512 + n * 32)>
#n16k1 = #pack.layout<"f32.n16k1", source = f32, group = [16, 1], bytes = 64, align = 64, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0, map = #panel>]>
module @fewer_experts {
  model.weight @router : tensor<4x16xf32> at 0 in 0
  model.weight @gate : tensor<2x16x16xf32> at 0 in 0
  func.func @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
                     %rows: tensor<?xi32>) -> tensor<?x16xf32> {
    %0 = model.get_weight @router : tensor<4x16xf32>
    %r = pack.repack %0 {reason = #pack.reason<first_choice>}
        : tensor<4x16xf32> -> <4x16, #n16k1>
    %1 = model.get_weight @gate : tensor<2x16x16xf32>
    %g = pack.repack %1 {reason = #pack.reason<first_choice>}
        : tensor<2x16x16xf32> -> <2x16x16, #n16k1>
    %x = model.embed %tokens, %r
        : tensor<?xi32>, !pack.tensor<4x16, #n16k1> -> tensor<?x16xf32>
    %l = model.linear <store> %x weights(%r : !pack.tensor<4x16, #n16k1>)
        : tensor<?x16xf32> -> tensor<?x4xf32>
    %i, %w = model.route <softmax> %l {scale = 1.0 : f32}
        : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    // expected-error@+1 {{expected weights of 4 experts, found 2}}
    %y = model.experts <silu> %x, %i, %w
        gate(%g : !pack.tensor<2x16x16, #n16k1>)
        up(%g : !pack.tensor<2x16x16, #n16k1>)
        down(%g : !pack.tensor<2x16x16, #n16k1>)
        : tensor<?x16xf32>, tensor<?x2xi32>, tensor<?x2xf32>
    return %y : tensor<?x16xf32>
  }
}
