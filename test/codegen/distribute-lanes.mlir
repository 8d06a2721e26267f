// RUN: modelc-opt --hip-distribute-lanes=target=gfx942 --split-input-file %s | FileCheck %s

// A vector's part of a lane lies a few bytes further on in each; arithmetic is
// of what a lane has, and what all lanes have stays.
// CHECK-LABEL: llvm.func @arithmetic
// CHECK-SAME: (%[[A:.*]]: !llvm.ptr, %[[S:.*]]: f32)
llvm.func @arithmetic(%a: !llvm.ptr, %s: f32) {
  // CHECK: %[[THREAD:.*]] = rocdl.workitem.id.x
  // CHECK: %[[LANE:.*]] = arith.andi %[[THREAD]], %{{.*}} : i32
  // CHECK: %[[WIDE:.*]] = arith.extui %[[LANE]] : i32 to i64
  // CHECK: %[[BYTES:.*]] = arith.muli %[[WIDE]], %{{.*}} : i64
  // CHECK: %[[P:.*]] = llvm.getelementptr %[[A]][%[[BYTES]]]
  // CHECK: %[[X:.*]] = llvm.load %[[P]] {alignment = 4 : i64} : !llvm.ptr -> f32
  // CHECK: %[[Y:.*]] = arith.mulf %[[X]], %[[S]] : f32
  // CHECK: llvm.store %[[Y]]
  %zero = arith.constant 0 : i64
  %x = llvm.load %a {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  %p = llvm.mlir.poison : vector<16xf32>
  %i = llvm.insertelement %s, %p[%zero : i64] : vector<16xf32>
  %splat = llvm.shufflevector %i, %i [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] : vector<16xf32>
  %y = arith.mulf %x, %splat : vector<16xf32>
  llvm.store %y, %a {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
  llvm.return
}

// -----

// Four elements of a vector of 64 are in each lane, so that words and their
// bytes are the same registers.
// CHECK-LABEL: llvm.func @words
llvm.func @words(%a: !llvm.ptr) {
  // CHECK: %[[W:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i32
  // CHECK: %[[B:.*]] = llvm.bitcast %[[W]] : i32 to vector<4xi8>
  // CHECK: arith.andi %[[B]], %{{.*}} : vector<4xi8>
  %w = llvm.load %a {alignment = 4 : i64} : !llvm.ptr -> vector<16xi32>
  %b = llvm.bitcast %w : vector<16xi32> to vector<64xi8>
  %mask = arith.constant dense<15> : vector<64xi8>
  %low = arith.andi %b, %mask : vector<64xi8>
  llvm.store %low, %a {alignment = 1 : i64} : vector<64xi8>, !llvm.ptr
  llvm.return
}

// -----

// Rotations and elements for all lanes are moves by DPP: row_ror by 16 - 8, and
// row_share of lane 3.
// CHECK-LABEL: llvm.func @moves
llvm.func @moves(%a: !llvm.ptr) -> i32 {
  // CHECK: %[[X:.*]] = llvm.load %{{.*}} -> i32
  // CHECK: %[[R:.*]] = rocdl.update.dpp %{{.*}}, %[[X]] with 296, 15, 15, true : i32
  // CHECK: %[[Y:.*]] = arith.addi %[[X]], %[[R]] : i32
  // CHECK: %[[E:.*]] = rocdl.update.dpp %{{.*}}, %[[Y]] with 339, 15, 15, true : i32
  // CHECK: llvm.return %[[E]]
  %three = arith.constant 3 : i64
  %x = llvm.load %a {alignment = 4 : i64} : !llvm.ptr -> vector<16xi32>
  %r = llvm.shufflevector %x, %x [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7] : vector<16xi32>
  %y = arith.addi %x, %r : vector<16xi32>
  %e = llvm.extractelement %y[%three : i64] : vector<16xi32>
  llvm.return %e : i32
}

// -----

// Every second element of two vectors: a move for each, of which a lane takes
// one.
// CHECK-LABEL: llvm.func @every_second
llvm.func @every_second(%a: !llvm.ptr, %b: !llvm.ptr) {
  // CHECK-COUNT-2: rocdl.ds_bpermute
  // CHECK: arith.select
  // CHECK-NOT: rocdl.ds_bpermute
  %x = llvm.load %a {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  %y = llvm.load %b {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  %z = llvm.shufflevector %x, %y [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30] : vector<16xf32>
  llvm.store %z, %a {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
  llvm.return
}

// -----

// A part of a concatenation is what it was before.
// CHECK-LABEL: llvm.func @parts
llvm.func @parts(%a: !llvm.ptr, %b: !llvm.ptr) {
  // CHECK: llvm.load %{{.*}} -> f32
  // CHECK: %[[Y:.*]] = llvm.load %{{.*}} -> f32
  // CHECK: llvm.store %[[Y]]
  %x = llvm.load %a {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  %y = llvm.load %b {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  %both = llvm.shufflevector %x, %y [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31] : vector<16xf32>
  %part = llvm.shufflevector %both, %both [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31] : vector<32xf32>
  llvm.store %part, %a {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
  llvm.return
}

// -----

// A lane loads under its own bit of the mask.
// CHECK-LABEL: llvm.func @masked
llvm.func @masked(%a: !llvm.ptr) {
  // CHECK: %[[BIT:.*]] = arith.cmpi ult, %{{.*}}, %{{.*}} : i32
  // CHECK: %[[X:.*]] = scf.if %[[BIT]] -> (f32)
  // CHECK: llvm.load
  // CHECK: scf.if %[[BIT]] {
  // CHECK: llvm.store
  %mask = arith.constant dense<[true, true, true, false, false, false, false, false, false, false, false, false, false, false, false, false]> : vector<16xi1>
  %zero = llvm.mlir.zero : vector<16xf32>
  %x = llvm.intr.masked.load %a, %mask, %zero {alignment = 4 : i32} : (!llvm.ptr, vector<16xi1>, vector<16xf32>) -> vector<16xf32>
  llvm.intr.masked.store %x, %a, %mask {alignment = 4 : i32} : vector<16xf32>, vector<16xi1> into !llvm.ptr
  llvm.return
}

// -----

// What lanes stored, other lanes read: LLVM must not move the load. Accesses of
// scalars need no fence, nor do those of other memory.
// CHECK-LABEL: llvm.func @fences
// CHECK-SAME: (%[[A:.*]]: !llvm.ptr, %[[B:.*]]: !llvm.ptr)
llvm.func @fences(%a: !llvm.ptr, %b: !llvm.ptr) {
  // CHECK: llvm.load
  // CHECK-NOT: llvm.fence
  // CHECK: llvm.store
  // CHECK-NOT: llvm.fence
  // CHECK: llvm.load {{.*}} -> f32
  // CHECK: llvm.fence syncscope("wavefront") acq_rel
  // CHECK: llvm.load {{.*}} -> f32
  // CHECK-NOT: llvm.fence
  %four = arith.constant 4 : i64
  %x = llvm.load %a {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  llvm.store %x, %b {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
  %s = llvm.load %b {alignment = 4 : i64} : !llvm.ptr -> f32
  %next = llvm.getelementptr %b[%four] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  %y = llvm.load %next {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  llvm.return
}
