// RUN: modelc-opt %s --model-fuse-linear | FileCheck %s

// A matmul alone becomes a linear: later stages know no matmul.
// CHECK-LABEL: @matmul(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[W:[a-z0-9]+]]:
func.func @matmul(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>)
    -> tensor<?x32xf32> {
  // CHECK-NEXT: %[[Y:.*]] = model.linear <store> %[[X]]
  // CHECK-SAME: weights(%[[W]] : tensor<32x64xf16>)
  // CHECK-NEXT: return %[[Y]]
  %y = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// A bias is added by whoever has the sum in a register.
// CHECK-LABEL: @bias(
// CHECK-SAME: %[[B:[a-z0-9]+]]: tensor<32xf32>
func.func @bias(%b: tensor<32xf32>, %x: tensor<?x64xf32>,
                %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK-NEXT: model.linear <store> %{{.*}} biases(%[[B]] : tensor<32xf32>)
  // CHECK-NEXT: return
  %z = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %y = model.add_bias %z, %b : tensor<?x32xf32>, tensor<32xf32>
  return %y : tensor<?x32xf32>
}

// A second bias finds its place taken.
// CHECK-LABEL: @two_biases(
func.func @two_biases(%b: tensor<32xf32>, %x: tensor<?x64xf32>,
                      %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK-NEXT: model.linear <store> %{{.*}} biases(
  // CHECK-NEXT: model.add_bias
  %z = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %y = model.add_bias %z, %b : tensor<?x32xf32>, tensor<32xf32>
  %u = model.add_bias %y, %b : tensor<?x32xf32>, tensor<32xf32>
  return %u : tensor<?x32xf32>
}

// The residual is read where the sum is written, after the bias.
// CHECK-LABEL: @residual(
// CHECK-SAME: %[[R:[a-z0-9]+]]: tensor<?x32xf32>
func.func @residual(%r: tensor<?x32xf32>, %b: tensor<32xf32>,
                    %x: tensor<?x64xf32>, %w: tensor<32x64xf16>)
    -> tensor<?x32xf32> {
  // CHECK-NEXT: %[[Y:.*]] = model.linear <residual>
  // CHECK-SAME: biases(%{{[a-z0-9]+}} : tensor<32xf32>) residual(%[[R]] : tensor<?x32xf32>)
  // CHECK-NEXT: return %[[Y]]
  %z = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %y = model.add_bias %z, %b : tensor<?x32xf32>, tensor<32xf32>
  %u = model.add %r, %y : tensor<?x32xf32>
  return %u : tensor<?x32xf32>
}

// The sum of a matmul and a stream is the same sum from the other side.
// CHECK-LABEL: @residual_on_the_right(
// CHECK-SAME: %[[R:[a-z0-9]+]]: tensor<?x32xf32>
func.func @residual_on_the_right(%r: tensor<?x32xf32>, %x: tensor<?x64xf32>,
                                 %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK-NEXT: model.linear <residual> %{{.*}} residual(%[[R]]
  // CHECK-NEXT: return
  %z = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %u = model.add %z, %r : tensor<?x32xf32>
  return %u : tensor<?x32xf32>
}

// Of two matmuls the second is the branch: a fixed choice keeps artifacts
// equal.
// CHECK-LABEL: @sum_of_matmuls(
func.func @sum_of_matmuls(%x: tensor<?x64xf32>, %v: tensor<32x64xf32>,
                          %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK-NEXT: %[[A:.*]] = model.linear <store> %{{.*}} tensor<32x64xf32>
  // CHECK-NEXT: model.linear <residual>
  // CHECK-SAME: tensor<32x64xf16>) residual(%[[A]]
  // CHECK-NEXT: return
  %a = model.matmul %x, %v
      : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  %b = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %u = model.add %a, %b : tensor<?x32xf32>
  return %u : tensor<?x32xf32>
}

// A product that is read twice must exist without the residual.
// CHECK-LABEL: @product_read_twice(
func.func @product_read_twice(%r: tensor<?x32xf32>, %x: tensor<?x64xf32>,
                              %w: tensor<32x64xf16>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-NEXT: model.linear <store>
  // CHECK-NEXT: model.add
  %z = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %u = model.add %r, %z : tensor<?x32xf32>
  return %z, %u : tensor<?x32xf32>, tensor<?x32xf32>
}

// The prologue normalises: the norm's weights never enter the matmul's.
// CHECK-LABEL: @norm(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[N:[a-z0-9]+]]:
func.func @norm(%x: tensor<?x64xf32>, %n: tensor<64xf32>,
                %w: tensor<32x64xf16>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-NEXT: model.linear <store> %[[X]] norm(%[[N]] : tensor<64xf32>)
  // CHECK-SAME: {eps = 9.99999974E-6 : f32}
  // CHECK-NEXT: model.linear <store> %[[X]] norm(%[[N]] : tensor<64xf32>)
  // CHECK-NEXT: return
  %h = model.rms_norm %x, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf32>
  %a = model.matmul %h, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %b = model.matmul %h, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  return %a, %b : tensor<?x32xf32>, tensor<?x32xf32>
}

// A norm that something else reads is computed anyway, so nobody repeats it.
// CHECK-LABEL: @norm_read_elsewhere(
func.func @norm_read_elsewhere(%x: tensor<?x64xf32>, %n: tensor<64xf32>,
                               %w: tensor<64x64xf16>) -> tensor<?x64xf32> {
  // CHECK-NEXT: %[[H:.*]] = model.rms_norm
  // CHECK-NEXT: model.linear <residual> %[[H]] weights(%{{.*}}) residual(%[[H]]
  // CHECK-NEXT: return
  %h = model.rms_norm %x, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf32>
  %z = model.matmul %h, %w
      : tensor<?x64xf32>, tensor<64x64xf16> -> tensor<?x64xf32>
  %u = model.add %h, %z : tensor<?x64xf32>
  return %u : tensor<?x64xf32>
}

// The norm of heads is shorter than a row; the prologue knows rows only.
// CHECK-LABEL: @norm_of_heads(
func.func @norm_of_heads(%x: tensor<?x64xf32>, %n: tensor<16xf32>,
                         %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK-NEXT: %[[H:.*]] = model.rms_norm
  // CHECK-NEXT: model.linear <store> %[[H]] weights
  %h = model.rms_norm %x, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<16xf32>
  %z = model.matmul %h, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// One norm fits into a prologue; the first of two stays.
// CHECK-LABEL: @norm_of_norm(
func.func @norm_of_norm(%x: tensor<?x64xf32>, %n: tensor<64xf32>,
                        %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK-NEXT: %[[H:.*]] = model.rms_norm
  // CHECK-NEXT: model.linear <store> %[[H]] norm(
  // CHECK-NEXT: return
  %h = model.rms_norm %x, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf32>
  %i = model.rms_norm %h, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf32>
  %z = model.matmul %i, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// Logits are wanted for some rows: the prologue gathers, then normalises.
// CHECK-LABEL: @rows(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[O:[a-z0-9]+]]:
func.func @rows(%x: tensor<?x64xf32>, %o: tensor<?xi32>, %n: tensor<64xf32>,
                %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK-NEXT: model.linear <store> %[[X]] rows(%[[O]] : tensor<?xi32>) norm(
  // CHECK-NEXT: return
  %s = model.select_rows %x, %o
      : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %h = model.rms_norm %s, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf32>
  %z = model.matmul %h, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// Selected rows that something else reads are gathered anyway.
// CHECK-LABEL: @rows_read_elsewhere(
func.func @rows_read_elsewhere(%x: tensor<?x64xf32>, %o: tensor<?xi32>,
                               %w: tensor<32x64xf16>)
    -> (tensor<?x64xf32>, tensor<?x32xf32>) {
  // CHECK-NEXT: %[[S:.*]] = model.select_rows
  // CHECK-NEXT: model.linear <store> %[[S]] weights
  %s = model.select_rows %x, %o
      : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %z = model.matmul %s, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  return %s, %z : tensor<?x64xf32>, tensor<?x32xf32>
}

// Router and experts read one norm, and both take it in; the residual is added
// where the experts are.
// CHECK-LABEL: @experts(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[N:[a-z0-9]+]]:
func.func @experts(%x: tensor<?x64xf32>, %n: tensor<64xf32>,
                   %r: tensor<4x64xf32>, %g: tensor<4x32x64xf16>,
                   %d: tensor<4x64x32xf16>) -> tensor<?x64xf32> {
  // CHECK-NEXT: model.linear <store> %[[X]] norm(%[[N]]
  // CHECK-NEXT: model.route
  // CHECK-NEXT: %[[Y:.*]] = model.experts <silu> %[[X]]
  // CHECK-SAME: norm(%[[N]] : tensor<64xf32>)
  // CHECK-SAME: residual(%[[X]] : tensor<?x64xf32>)
  // CHECK-SAME: {eps = 9.99999974E-6 : f32}
  // CHECK-NEXT: return %[[Y]]
  %h = model.rms_norm %x, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf32>
  %l = model.matmul %h, %r
      : tensor<?x64xf32>, tensor<4x64xf32> -> tensor<?x4xf32>
  %i, %w = model.route <softmax> %l {normalise, scale = 1.0 : f32}
      : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %z = model.experts <silu> %h, %i, %w gate(%g : tensor<4x32x64xf16>)
      up(%g : tensor<4x32x64xf16>) down(%d : tensor<4x64x32xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  %y = model.add %x, %z : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// A second residual has no place in them.
// CHECK-LABEL: @experts_twice(
func.func @experts_twice(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>,
                         %w: tensor<?x2xf32>, %g: tensor<4x32x64xf16>,
                         %d: tensor<4x64x32xf16>) -> tensor<?x64xf32> {
  // CHECK-NEXT: %[[Y:.*]] = model.experts {{.*}} residual(
  // CHECK-NEXT: model.add %{{.*}}, %[[Y]]
  %z = model.experts <silu> %x, %i, %w gate(%g : tensor<4x32x64xf16>)
      up(%g : tensor<4x32x64xf16>) down(%d : tensor<4x64x32xf16>)
      : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  %y = model.add %x, %z : tensor<?x64xf32>
  %s = model.add %x, %y : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}

// An activation without a gate is computed in registers, after the bias.
// CHECK-LABEL: @activate(
func.func @activate(%b: tensor<32xf32>, %x: tensor<?x64xf32>,
                    %w: tensor<32x64xf16>) -> tensor<?x32xf32> {
  // CHECK-NEXT: model.linear <activate> %{{.*}} biases(%arg0 : tensor<32xf32>)
  // CHECK-SAME: {activation = #model.activation<gelu>}
  // CHECK-NEXT: return
  %z = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %y = model.add_bias %z, %b : tensor<?x32xf32>, tensor<32xf32>
  %u = model.activate <gelu> %y : tensor<?x32xf32>
  return %u : tensor<?x32xf32>
}

// A sum that is capped and read elsewhere must be stored.
// CHECK-LABEL: @activate_read_twice(
func.func @activate_read_twice(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-NEXT: model.linear <store>
  // CHECK-NEXT: model.activate <soft_cap>
  %z = model.matmul %x, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %u = model.activate <soft_cap> %z {cap = 3.0e+01 : f32} : tensor<?x32xf32>
  return %z, %u : tensor<?x32xf32>, tensor<?x32xf32>
}

// A norm behind a matmul takes in the stream that it is added to; that norm
// stays out of the next matmul, whose own norm comes along.
// CHECK-LABEL: @norm_residual(
func.func @norm_residual(%r: tensor<?x64xf32>, %z: tensor<?x64xf32>,
                         %n: tensor<64xf32>, %w: tensor<32x64xf16>)
    -> tensor<?x32xf32> {
  // CHECK-NEXT: %[[S:.*]] = model.rms_norm %arg1, %arg2 residual(%arg0 : tensor<?x64xf32>)
  // CHECK-NEXT: model.linear <store> %[[S]] norm(%arg2 : tensor<64xf32>)
  // CHECK-NEXT: return
  %y = model.rms_norm %z, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf32>
  %s = model.add %r, %y : tensor<?x64xf32>
  %t = model.rms_norm %s, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<64xf32>
  %u = model.matmul %t, %w
      : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  return %u : tensor<?x32xf32>
}

// Norms of heads are not norms of rows.
// CHECK-LABEL: @head_norm_residual(
func.func @head_norm_residual(%r: tensor<?x64xf32>, %z: tensor<?x64xf32>,
                              %n: tensor<32xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: model.rms_norm %arg1, %arg2 eps
  // CHECK-NEXT: model.add
  %y = model.rms_norm %z, %n eps 1.0e-05 : tensor<?x64xf32>, tensor<32xf32>
  %s = model.add %r, %y : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}
