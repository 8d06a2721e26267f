//===- PackAttrs.td - Attributes of the pack dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_PACKATTRS_TD
#define MODELC_DIALECTS_PACK_PACKATTRS_TD

include "dialects/pack/PackDialect.td"
include "dialects/pack/PackEnums.td"
include "mlir/IR/AttrTypeBase.td"

def Pack_FieldAttr : AttrDef<Pack_Dialect, "Field"> {
  let mnemonic = "field";
  let summary = "One kind of element inside a group";
  let description = [{
    A field is a set of equal elements of `bits` bits, of which a row has one
    for every `unit` k. `map` is the index map (n, j) -> bit offset inside the
    group, n the row and j = k / unit the element's number, both counted inside
    the group. The offset of an element of 8 bits or more is a multiple of 8;
    smaller ones do not straddle bytes. Elements are little-endian.

    What an element means is not the layout's matter. Most stand for the k that
    they are numbered by (1: quants; 32: a scale of a block of 32); bytes of
    trits hold elements that lie apart (dialects/pack/BlockFormats.h).

    Stored bits are the source's bits exclusive-or `flip`: 0x80 turns a signed
    byte into the unsigned one that is larger by 128, losslessly.

    ```mlir
    #pack.field<"quants", bits = 8, unit = 1, flip = 0,
        map = affine_map<(n, j) -> ((j floordiv 4) * 512 + n * 32
                                    + (j mod 4) * 8)>>
    ```

    Constraints:
    * (C1) bits is 1, 2, 4, 8, 16, 32 or 64; unit is positive; flip fits bits.
    * (C2) the map has two dimensions, no symbols and one result.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "int64_t":$bits,
                        "int64_t":$unit, "int64_t":$flip,
                        "::mlir::AffineMapAttr":$map);
  let assemblyFormat = [{
    `<` $name `,` `bits` `=` $bits `,` `unit` `=` $unit `,` `flip` `=` $flip
    `,` `map` `=` $map `>`
  }];
  let genVerifyDecl = 1;
}

def Pack_LayoutAttr : AttrDef<Pack_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "Where every element of a matrix lies";
  let description = [{
    A matrix [N][K] is cut into groups of `rows` x `k` elements. Groups lie
    one behind the other, `bytes` each, all groups of the first `rows` rows
    first, in ascending k:

      group(n, k) = (n / rows) * ceil(K / this.k) + k / this.k

    Inside a group the fields' index maps say where the bits of row n % rows
    and element k % this.k lie. Rows beyond N and elements beyond K exist in
    the last groups and are zero bits. A three-dimensional weight [E][N][K]
    is E such matrices, each starting on a multiple of 4096 bytes.

    The layout of the source file itself ("mapped") is such a value too, with
    one row a group; so repacking is one rule: for every field that both
    layouts name, element (n, j) of the one is element (n, j) of the other.

    Constraints:
    * (C1) rows, k, bytes and align are positive; align is a power of two and
      bytes a multiple of it if rows > 1.
    * (C2) fields have distinct names and units that divide k.
    * (C3) every element of every field lies inside the group, and no two
      overlap.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::Type":$source,
                        "int64_t":$rows, "int64_t":$k, "int64_t":$bytes,
                        "int64_t":$align, "::mlir::ArrayAttr":$fields);
  let assemblyFormat = [{
    `<` $name `,` `source` `=` $source `,` `group` `=` `[` $rows `,` $k `]` `,`
    `bytes` `=` $bytes `,` `align` `=` $align `,` `fields` `=` $fields `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The field of this name, or null.
    ::modelc::pack::FieldAttr getField(::llvm::StringRef name) const;
    /// Bit offset inside the group of the element of `field` that stands for
    /// row n and element k, both taken modulo the group.
    int64_t getBitOffset(::llvm::StringRef field, int64_t n, int64_t k) const;
    /// The same in bytes. Expects an element that starts on a byte.
    int64_t getByteOffset(::llvm::StringRef field, int64_t n, int64_t k) const;
    /// Groups along k of a matrix with `K` columns.
    int64_t getGroupsPerPanel(int64_t K) const;
    /// Byte offset of the panel (rows n .. n + rows - 1 for n a multiple of
    /// rows) from the first byte of the matrix.
    int64_t getPanelOffset(int64_t n, int64_t K) const;
    /// Bytes of one packed matrix [N][K].
    uint64_t getMatrixBytes(int64_t N, int64_t K) const;
    /// Bytes from one matrix of a packed [E][N][K] to the next.
    uint64_t getMatrixStride(int64_t N, int64_t K) const;
    /// Bytes of a packed weight of 1 to 3 dimensions, rows first; a vector is
    /// a matrix of one row.
    uint64_t getPackedBytes(::llvm::ArrayRef<int64_t> shape) const;
  }];
}

def Pack_ReasonAttr : EnumAttr<Pack_Dialect, Pack_Reason, "reason"> {
  let summary = "The closed list of reasons, explained in docs/layouts.md";
  let assemblyFormat = "`<` $value `>`";
}

#endif // MODELC_DIALECTS_PACK_PACKATTRS_TD
