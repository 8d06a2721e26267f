// RUN: modelc-opt %s --split-input-file --verify-diagnostics

// One group per constraint of PackAttrs.td, PackTypes.td and PackOps.td; the
// valid form of everything is in round-trip.mlir.

// Widths are powers of two up to 64.
func.func private @field_c1() attributes {f =
  // expected-error@+1 {{field "q": bad width 6}}
  #pack.field<"q", bits = 6, unit = 1, flip = 0,
              map = affine_map<(n, j) -> (j * 8)>>}

// -----

func.func private @field_c1_wide() attributes {f =
  // expected-error@+1 {{field "q": bad width 128}}
  #pack.field<"q", bits = 128, unit = 1, flip = 0,
              map = affine_map<(n, j) -> (j * 128)>>}

// -----

func.func private @field_c1_unit() attributes {f =
  // expected-error@+1 {{field "q": bad unit 0}}
  #pack.field<"q", bits = 8, unit = 0, flip = 0,
              map = affine_map<(n, j) -> (j * 8)>>}

// -----

// A flip has no bits that the element has not.
func.func private @field_c1_flip() attributes {f =
  // expected-error@+1 {{field "q": flip 16 does not fit 4 bits}}
  #pack.field<"q", bits = 4, unit = 1, flip = 16,
              map = affine_map<(n, j) -> (j * 4)>>}

// -----

// A map takes row and element and gives one bit offset.
func.func private @field_c2() attributes {f =
  // expected-error@+1 {{field "q": expected a map (n, j) -> (bit)}}
  #pack.field<"q", bits = 8, unit = 1, flip = 0,
              map = affine_map<(j) -> (j * 8)>>}

// -----

func.func private @field_c2_results() attributes {f =
  // expected-error@+1 {{field "q": expected a map (n, j) -> (bit)}}
  #pack.field<"q", bits = 8, unit = 1, flip = 0,
              map = affine_map<(n, j) -> (n, j)>>}

// -----

func.func private @field_c2_symbol() attributes {f =
  // expected-error@+1 {{field "q": expected a map (n, j) -> (bit)}}
  #pack.field<"q", bits = 8, unit = 1, flip = 0,
              map = affine_map<(n, j)[s] -> (j * 8 + s)>>}

// -----

func.func private @layout_c1() attributes {l =
  // expected-error@+1 {{layout "x": bad group 0 x 1 of 4 bytes, align 1}}
  #pack.layout<"x", source = f32, group = [0, 1], bytes = 4, align = 1,
               fields = []>}

// -----

func.func private @layout_c1_bytes() attributes {l =
  // expected-error@+1 {{layout "x": bad group 1 x 1 of 0 bytes, align 1}}
  #pack.layout<"x", source = f32, group = [1, 1], bytes = 0, align = 1,
               fields = []>}

// -----

func.func private @layout_c1_power_of_two() attributes {l =
  // expected-error@+1 {{layout "x": bad group 2 x 1 of 12 bytes, align 12}}
  #pack.layout<"x", source = f32, group = [2, 1], bytes = 12, align = 12,
               fields = []>}

// -----

// Groups of several rows stay aligned from one to the next.
func.func private @layout_c1_align() attributes {l =
  // expected-error@+1 {{layout "x": bad group 2 x 1 of 12 bytes, align 8}}
  #pack.layout<"x", source = f32, group = [2, 1], bytes = 12, align = 8,
               fields = []>}

// -----

func.func private @layout_c2() attributes {l =
  // expected-error@+1 {{layout "x": bad field 1 : i64}}
  #pack.layout<"x", source = f32, group = [1, 1], bytes = 4, align = 1,
               fields = [1]>}

// -----

func.func private @layout_c2_same_name() attributes {l =
  // expected-error@+1 {{layout "x": bad field #pack.field<"q", bits = 8}}
  #pack.layout<"x", source = i16, group = [1, 1], bytes = 2, align = 1,
      fields = [#pack.field<"q", bits = 8, unit = 1, flip = 0,
                            map = affine_map<(n, j) -> (0)>>,
                #pack.field<"q", bits = 8, unit = 1, flip = 0,
                            map = affine_map<(n, j) -> (8)>>]>}

// -----

// A scale of 32 elements cannot be cut by a group's end.
func.func private @layout_c2_unit() attributes {l =
  // expected-error@+1 {{layout "x": bad field #pack.field<"s", bits = 16}}
  #pack.layout<"x", source = i8, group = [1, 48], bytes = 64, align = 1,
      fields = [#pack.field<"s", bits = 16, unit = 32, flip = 0,
                            map = affine_map<(n, j) -> (0)>>]>}

// -----

func.func private @layout_c3_outside() attributes {l =
  // expected-error@+1 {{field "q": element (0, 4) at bit 32 is outside the group or straddles bytes}}
  #pack.layout<"x", source = i8, group = [1, 5], bytes = 4, align = 1,
      fields = [#pack.field<"q", bits = 8, unit = 1, flip = 0,
                            map = affine_map<(n, j) -> (j * 8)>>]>}

// -----

func.func private @layout_c3_before() attributes {l =
  // expected-error@+1 {{field "q": element (0, 0) at bit -8 is outside the group or straddles bytes}}
  #pack.layout<"x", source = i8, group = [1, 4], bytes = 4, align = 1,
      fields = [#pack.field<"q", bits = 8, unit = 1, flip = 0,
                            map = affine_map<(n, j) -> (j * 8 - 8)>>]>}

// -----

func.func private @layout_c3_straddles() attributes {l =
  // expected-error@+1 {{field "q": element (0, 1) at bit 12 is outside the group or straddles bytes}}
  #pack.layout<"x", source = i8, group = [1, 4], bytes = 8, align = 1,
      fields = [#pack.field<"q", bits = 8, unit = 1, flip = 0,
                            map = affine_map<(n, j) -> (j * 12)>>]>}

// -----

func.func private @layout_c3_overlap() attributes {l =
  // expected-error@+1 {{field "s": element (0, 0) overlaps another}}
  #pack.layout<"x", source = i8, group = [1, 4], bytes = 4, align = 1,
      fields = [#pack.field<"q", bits = 8, unit = 1, flip = 0,
                            map = affine_map<(n, j) -> (j * 8)>>,
                #pack.field<"s", bits = 1, unit = 4, flip = 0,
                            map = affine_map<(n, j) -> (31)>>]>}

// -----

// The reasons are a closed list.
func.func private @reason() attributes {
  // expected-error@+2 {{expected ::modelc::pack::Reason to be one of: first_choice, not_a_matmul}}
  // expected-error@+1 {{failed to parse}}
  r = #pack.reason<felt_like_it>}

// -----

#f32 = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4,
    align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0,
                                     map = affine_map<(n, j) -> (0)>>]>
// expected-error@+1 {{expected 1 to 3 positive dimensions}}
func.func private @tensor_c1(!pack.tensor<2x2x2x2, #f32>)

// -----

#f32 = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4,
    align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0,
                                     map = affine_map<(n, j) -> (0)>>]>
// expected-error@+1 {{expected 1 to 3 positive dimensions}}
func.func private @tensor_c1_zero(!pack.tensor<0x4, #f32>)

// -----

#q8 = #pack.layout<"mapped.q8_0", source = !model.ggml<q8_0>, group = [1, 32],
    bytes = 34, align = 1, fields = []>
// expected-error@+1 {{last dimension 48 does not fit blocks of '!model.ggml<q8_0>'}}
func.func private @tensor_c2(!pack.tensor<4x48, #q8>)

// -----

#index = #pack.layout<"x", source = index, group = [1, 1], bytes = 8,
    align = 1, fields = []>
// expected-error@+1 {{last dimension 4 does not fit blocks of 'index'}}
func.func private @tensor_c2_type(!pack.tensor<4, #index>)

// -----

#f32 = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4,
    align = 1, fields = []>
func.func @repack_c1(%w: tensor<4x8xf32>) {
  // expected-error@+1 {{expected the source's shape 'tensor<4x8xf32>', found '!pack.tensor<8x4}}
  %0 = pack.repack %w {reason = #pack.reason<first_choice>}
      : tensor<4x8xf32> -> !pack.tensor<8x4, #f32>
  return
}

// -----

#f32 = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4,
    align = 1, fields = []>
func.func @repack_c2(%w: tensor<4x8xf16>) {
  // expected-error@+1 {{layout is of 'f32', the source of 'f16'}}
  %0 = pack.repack %w {reason = #pack.reason<first_choice>}
      : tensor<4x8xf16> -> !pack.tensor<4x8, #f32>
  return
}

// -----

func.func @repack_reason(%w: tensor<4x8xf32>) {
  // expected-error@+1 {{requires attribute 'reason'}}
  %0 = pack.repack %w : tensor<4x8xf32> -> !pack.tensor<4x8,
    #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4,
                 align = 1, fields = []>>
  return
}
