// RUN: modelc-opt --hip-distribute-lanes=target=gfx942 --split-input-file --verify-diagnostics %s

// Not every op means the same for one element.
llvm.func @unknown(%x: !llvm.ptr) {
  %v = llvm.load %x {alignment = 4 : i64} : !llvm.ptr -> vector<16xi32>
  // expected-error @below {{'llvm.intr.vector.reduce.xor' op cannot be distributed to lanes}}
  %s = "llvm.intr.vector.reduce.xor"(%v) : (vector<16xi32>) -> i32
  llvm.return
}

// -----

// Intrinsics of other processors work on whole vectors.
llvm.func @foreign(%x: vector<16xi32>) {
  // expected-error @below {{cannot be distributed to lanes: llvm.x86.avx512.vpdpbusd.512}}
  %y = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%x, %x, %x) : (vector<16xi32>, vector<16xi32>, vector<16xi32>) -> vector<16xi32>
  llvm.return
}

// -----

// A lane has one bit of a mask.
llvm.func @wide_mask(%x: !llvm.ptr, %value: vector<32xi8>, %mask: vector<32xi1>) {
  // expected-error @below {{several elements in each under one mask}}
  llvm.intr.masked.store %value, %x, %mask {alignment = 1 : i32} : vector<32xi8>, vector<32xi1> into !llvm.ptr
  llvm.return
}
