//===- plan_format.h - The structs of a plan file
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An executable plan (NAME.mplan) is one file of fixed little-endian structs.
// This header is the format; docs/plan-format.md is its prose, and a test
// compares the two.
//
//   offset 0   ModelcPlanHeader
//              ModelcSection[sectionCount]
//   page ..    section bytes, each section on a page boundary
//
// Integers are file offsets or indices, never pointers. Every struct has
// explicit padding, which writers set to zero and readers refuse otherwise.
// Strings are offsets into the strings section, where each is NUL-terminated;
// offset 0 is the empty string.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_PLAN_FORMAT_H
#define MODELC_PLAN_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The first eight bytes: "MPLAN\r\n\0". The line end shows files that went
/// through a text conversion.
#define MODELC_PLAN_MAGIC "MPLAN\r\n"

enum {
  MODELC_PLAN_VERSION = 1,
  MODELC_PLAN_PAGE_BYTES = 4096,
  /// A weights section larger than MODELC_PLAN_HUGE_WEIGHT_BYTES starts on
  /// this.
  MODELC_PLAN_HUGE_PAGE_BYTES = 2 << 20,
  MODELC_PLAN_HUGE_WEIGHT_BYTES = 64 << 20,
  /// Alignment of one weight inside the weights section.
  MODELC_WEIGHT_ALIGN = 128,
  /// A weight's checksum is the CRC32C of the little-endian CRC32Cs of its
  /// pieces of this many bytes (the last may be shorter), so that writers and
  /// verifiers work in parallel.
  MODELC_CHECKSUM_PIECE_BYTES = 1 << 20,
  /// `variant` of a section that belongs to the whole plan.
  MODELC_ALL_VARIANTS = 0xffff,
  /// Bounds that a reader enforces.
  MODELC_MAX_SECTIONS = 1024,
  MODELC_MAX_VARIANTS = 64,
  MODELC_MAX_CODE_SEGMENTS = 64,
  MODELC_MAX_UBATCH = 1 << 20
};

/// What a section holds. Unknown kinds are refused.
enum {
  MODELC_SECTION_STRINGS = 1,        ///< Bytes; NUL-terminated strings.
  MODELC_SECTION_PROVENANCE = 2,     ///< One ModelcProvenance.
  MODELC_SECTION_METADATA = 3,       ///< ModelcMetadata[]; the GGUF's own keys.
  MODELC_SECTION_METADATA_DATA = 4,  ///< Bytes that METADATA points into.
  MODELC_SECTION_REPORT = 5,         ///< ModelcReportRow[]; the compile report.
  MODELC_SECTION_VARIANTS = 6,       ///< ModelcVariant[].
  MODELC_SECTION_KERNELS = 7,        ///< ModelcKernelRecord[].
  MODELC_SECTION_STEPS = 8,          ///< ModelcStep[].
  MODELC_SECTION_OPERANDS = 9,       ///< ModelcOperand[].
  MODELC_SECTION_STATES = 10,        ///< ModelcState[].
  MODELC_SECTION_CONSTANTS = 11,     ///< Bytes, read by kernels.
  MODELC_SECTION_CODE_SEGMENTS = 12, ///< ModelcCodeSegment[].
  MODELC_SECTION_CODE = 13, ///< Bytes; a shared object, dylib or code object.
  MODELC_SECTION_WEIGHT_TABLE = 14, ///< ModelcWeight[].
  MODELC_SECTION_WEIGHTS = 15       ///< Bytes; the packed weights.
};

typedef struct ModelcPlanHeader {
  char magic[8];
  uint32_t version;      ///< MODELC_PLAN_VERSION.
  uint32_t headerBytes;  ///< sizeof(ModelcPlanHeader).
  uint64_t fileBytes;    ///< Size of the whole file.
  uint32_t sectionCount; ///< 1 .. MODELC_MAX_SECTIONS.
  uint32_t sectionBytes; ///< sizeof(ModelcSection).
  /// CRC32C of all of the header with this field zero, then of the section
  /// table.
  uint32_t checksum;
  uint32_t reserved[7];
} ModelcPlanHeader;

typedef struct ModelcSection {
  uint32_t kind;        ///< MODELC_SECTION_*.
  uint16_t variant;     ///< Index into VARIANTS or MODELC_ALL_VARIANTS.
  uint16_t shard;       ///< NUMA node, device or rank; 0 in version 1.
  uint64_t offset;      ///< In the file; page-aligned.
  uint64_t sizeBytes;   ///< Bytes used; the rest of the last page is zero.
  uint32_t recordBytes; ///< Size of one struct; 1 for bytes.
  /// CRC32C of the section's bytes; 0 for WEIGHTS, whose weights have
  /// checksums of their own.
  uint32_t checksum;
} ModelcSection;

/// Where the plan comes from; nothing in it depends on time or machine.
typedef struct ModelcProvenance {
  /// BLAKE3 of the BLAKE3s of the source files' 64 MiB pieces, in order.
  uint8_t sourceHash[32];
  uint64_t sourceBytes;  ///< Total size of the source files.
  uint32_t source;       ///< String: file name without directory.
  uint32_t compiler;     ///< String: "modelc 0.1.0 (LLVM 22.1.8)".
  uint32_t options;      ///< String: the options that shaped the plan.
  uint32_t architecture; ///< String: general.architecture.
  uint32_t modelName;    ///< String: general.name, or empty.
  uint32_t reserved;
} ModelcProvenance;

/// Types of metadata values: GGUF's own ids.
enum {
  MODELC_META_U8 = 0,
  MODELC_META_I8 = 1,
  MODELC_META_U16 = 2,
  MODELC_META_I16 = 3,
  MODELC_META_U32 = 4,
  MODELC_META_I32 = 5,
  MODELC_META_F32 = 6,
  MODELC_META_BOOL = 7,
  MODELC_META_STRING = 8,
  MODELC_META_ARRAY = 9, ///< Never stored: an array has its element's type.
  MODELC_META_U64 = 10,
  MODELC_META_I64 = 11,
  MODELC_META_F64 = 12
};

/// One key of the source's metadata. Numbers lie at dataOffset as a packed
/// little-endian array. `count` strings lie there as uint64_t[count + 1] byte
/// offsets relative to dataOffset, ascending, then the bytes: string i is
/// [offset i, offset i + 1), not terminated.
typedef struct ModelcMetadata {
  uint32_t key;    ///< String.
  uint8_t type;    ///< MODELC_META_*, of the value or of the elements.
  uint8_t isArray; ///< 1 for arrays; else count is 1.
  uint16_t reserved;
  uint64_t count;      ///< Elements.
  uint64_t dataOffset; ///< In METADATA_DATA, a multiple of 8.
  uint64_t dataBytes;
} ModelcMetadata;

/// One row of the compile report: what became of one source tensor. Strings.
typedef struct ModelcReportRow {
  uint32_t tensor;
  uint32_t type;       ///< "q4_0".
  uint32_t use;        ///< "matmul", "embedding", "expert", "norm", ...
  uint32_t layout;     ///< Name of the #pack.layout.
  uint32_t kernel;     ///< The first kernel that reads it; empty if none.
  uint32_t reason;     ///< One of the closed list in docs/layouts.md.
  uint32_t isFallback; ///< 1 for a matmul or expert weight that did not get
                       ///< the first layout for its (op, type).
  uint32_t rank;
  uint64_t dims[4]; ///< Rows first; unused are 1.
  uint64_t sourceBytes;
  uint64_t packedBytes;
} ModelcReportRow;

enum {
  MODELC_DEVICE_CPU = 0,
  MODELC_DEVICE_HIP = 1 ///< An AMD GPU.
};

/// CPU features a variant may need, as bits of ModelcVariant.features; HIP:
/// none. Names are those of Linux's /proc/cpuinfo, where it has one.
enum {
  MODELC_FEATURE_SSE42 = 0,
  MODELC_FEATURE_AVX = 1,
  MODELC_FEATURE_AVX2 = 2,
  MODELC_FEATURE_FMA = 3,
  MODELC_FEATURE_F16C = 4,
  MODELC_FEATURE_BMI2 = 5,
  MODELC_FEATURE_AVX512F = 6,
  MODELC_FEATURE_AVX512BW = 7,
  MODELC_FEATURE_AVX512DQ = 8,
  MODELC_FEATURE_AVX512VL = 9,
  MODELC_FEATURE_AVX512CD = 10,
  MODELC_FEATURE_AVX512VNNI = 11,
  MODELC_FEATURE_AVX512VBMI = 12,
  MODELC_FEATURE_AVX512VBMI2 = 13,
  MODELC_FEATURE_AVX512BITALG = 14,
  MODELC_FEATURE_AVX512VPOPCNTDQ = 15,
  MODELC_FEATURE_AVX512IFMA = 16,
  MODELC_FEATURE_AVX512BF16 = 17,
  MODELC_FEATURE_AVX512FP16 = 18,
  MODELC_FEATURE_GFNI = 19,
  MODELC_FEATURE_VAES = 20,
  MODELC_FEATURE_VPCLMULQDQ = 21,
  MODELC_FEATURE_AVXVNNI = 22,
  MODELC_FEATURE_AMX_TILE = 23,
  MODELC_FEATURE_AMX_INT8 = 24,
  MODELC_FEATURE_AMX_BF16 = 25,
  MODELC_FEATURE_AMX_FP16 = 26,
  MODELC_FEATURE_ASIMDDP = 27, ///< From here on of AArch64.
  MODELC_FEATURE_I8MM = 28,
  MODELC_FEATURE_ASIMDHP = 29,
  MODELC_FEATURE_BF16 = 30,
  MODELC_FEATURE_SME = 31,
  MODELC_FEATURE_SME2 = 32,
  MODELC_FEATURE_APPLE_AMX = 33, ///< Of Apple's chips M1 to M3.
  MODELC_FEATURE_COUNT = 34
};

/// A way to run the model on one kind of machine. The first variant whose
/// features, or whose device, the machine has is used.
typedef struct ModelcVariant {
  uint32_t target;     ///< String: "cascadelake".
  uint32_t deviceKind; ///< MODELC_DEVICE_*.
  uint64_t features;   ///< Bits MODELC_FEATURE_*.
  uint64_t arenaBytes;
  uint64_t scratchBytes; ///< Per worker.
  uint64_t logitsOffset; ///< In the arena: float[outputs][vocabSize].
  uint32_t ubatch;       ///< Most tokens of one pass, 1 .. MODELC_MAX_UBATCH.
  uint32_t vocabSize;
  uint32_t contextLength; ///< The model's own, a default for sessions.
  uint32_t embeddingLength;
  uint32_t layerCount;
  uint32_t reserved[3];
} ModelcVariant;

typedef struct ModelcKernelRecord {
  uint32_t name; ///< String: the symbol.
  /// HIP: work-items of a work-group; else 0.
  uint16_t groupThreads;
  /// HIP: tiles of the step that a work-group computes; else 0.
  uint16_t groupTiles;
  uint64_t codeOffset; ///< Virtual address inside the code image; HIP: 0.
} ModelcKernelRecord;

/// Exported by a Mach-O dylib of code: kernel 0 of the variant. Whoever has
/// the dylib loaded by dyld finds all kernels from it.
#define MODELC_DYLIB_SYMBOL "modelc_first_kernel"

/// One PT_LOAD of the code, or a dylib's __TEXT: bytes [fileOffset, +fileBytes)
/// of the CODE section appear at [address, +memoryBytes) of the code image,
/// readable and executable. Both offsets are equal modulo the page size.
typedef struct ModelcCodeSegment {
  uint64_t fileOffset; ///< Inside the CODE section.
  uint64_t address;    ///< Inside the image.
  uint64_t fileBytes;
  uint64_t memoryBytes; ///< Equal to fileBytes in version 1: code has no data.
} ModelcCodeSegment;

/// Where an operand lies.
enum {
  MODELC_SPACE_WEIGHTS = 0,  ///< index: weight; offset: inside it.
  MODELC_SPACE_ARENA = 1,    ///< offset: inside the arena.
  MODELC_SPACE_STATE = 2,    ///< index: state; its pool's first byte.
  MODELC_SPACE_INPUTS = 3,   ///< The ModelcStepInputs; offset 0.
  MODELC_SPACE_SCRATCH = 4,  ///< Reserved: kernels have params->scratch.
  MODELC_SPACE_CONSTANTS = 5 ///< offset: inside CONSTANTS.
};

typedef struct ModelcOperand {
  uint16_t space;  ///< MODELC_SPACE_*.
  uint16_t device; ///< 0 in version 1.
  uint32_t index;
  uint64_t offset;
  uint64_t sizeBytes; ///< The kernel stays inside [offset, +sizeBytes).
} ModelcOperand;

/// What a count or a number of tiles depends on.
enum {
  MODELC_COUNT_ONE = 0,
  MODELC_COUNT_TOKENS = 1,
  MODELC_COUNT_OUTPUTS = 2,
  MODELC_COUNT_LENGTH = 3,   ///< Largest position + 1; reserved.
  MODELC_COUNT_ARENA_U32 = 4 ///< A number that an earlier step wrote.
};

enum {
  /// All earlier steps must have ended before this one starts.
  MODELC_STEP_BARRIER = 1
};

/// One kernel call over a range of tiles. A step runs if its count c, taken
/// from countSource, has minCount <= c <= maxCount; regimes (decode, prefill)
/// are steps with different bounds. It has
///     ceil(c / tileDivisor) * tileMultiplier
/// tiles, all of which may run at once in any order. A step with ARENA_U32 runs
/// if the number of tokens lies within the bounds; c is then what lies at
/// countOffset when it starts, or countLimit if that is less.
typedef struct ModelcStep {
  uint32_t kernel; ///< Index into KERNELS.
  uint32_t name;   ///< String: for profiles, "blk.0.ffn_down".
  uint32_t firstOperand;
  uint16_t operandCount;
  uint8_t countSource; ///< MODELC_COUNT_*.
  uint8_t flags;       ///< MODELC_STEP_*.
  uint32_t minCount;
  uint32_t maxCount;
  uint32_t tileDivisor;    ///< 1 or more.
  uint32_t tileMultiplier; ///< 1 or more.
  uint64_t countOffset;    ///< In the arena, for ARENA_U32; else 0.
  uint16_t device;         ///< 0 in version 1.
  uint16_t reserved0;
  uint32_t countLimit; ///< For ARENA_U32, 1 or more; else 0.
  /// Bytes of weights read, whatever the count; for ARENA_U32 for one of it.
  uint64_t bytesFixed;
  /// Multiply and add operations for one of the count; for ARENA_U32 for one
  /// token.
  uint64_t opsPerCount;
} ModelcStep;

/// Kinds of state.
enum {
  MODELC_STATE_PAGED = 1, ///< Pages of MODELC_PAGE_TOKENS tokens.
  MODELC_STATE_RING = 2,  ///< Reserved: a window of the last tokens.
  /// A fixed size per sequence, one sequence after the other. Zero counts as
  /// what a kernel finds for a token at position 0.
  MODELC_STATE_SEQUENCE = 3
};

enum {
  /// Truncating a sequence needs no more than forgetting tokens.
  MODELC_STATE_CAN_ROLL_BACK = 1
};

typedef struct ModelcState {
  uint32_t name;      ///< String: "kv.0.k".
  uint16_t kind;      ///< MODELC_STATE_*.
  uint16_t flags;     ///< MODELC_STATE_CAN_ROLL_BACK.
  uint64_t pageBytes; ///< PAGED: bytes of one page, a multiple of 128; else 0.
  /// SEQUENCE: bytes per sequence, a multiple of 128; else 0.
  uint64_t sequenceBytes;
  uint64_t windowTokens; ///< PAGED: of a sequence's last tokens; 0: of all.
} ModelcState;

/// One packed weight.
typedef struct ModelcWeight {
  uint32_t name;     ///< String: the source tensor's name.
  uint32_t typeId;   ///< ggml type id of the source.
  uint32_t layout;   ///< String: the #pack.layout, as MLIR text.
  uint32_t checksum; ///< See MODELC_CHECKSUM_PIECE_BYTES.
  uint64_t offset;   ///< In the WEIGHTS section.
  uint64_t sizeBytes;
  uint64_t dims[4]; ///< Rows first; unused are 1.
  uint32_t rank;
  uint32_t reserved;
} ModelcWeight;

#define MODELC_FORMAT_ASSERT(type, size)                                       \
  static_assert(sizeof(type) == (size), #type " changed its size")
MODELC_FORMAT_ASSERT(ModelcPlanHeader, 64);
MODELC_FORMAT_ASSERT(ModelcSection, 32);
MODELC_FORMAT_ASSERT(ModelcProvenance, 64);
MODELC_FORMAT_ASSERT(ModelcMetadata, 32);
MODELC_FORMAT_ASSERT(ModelcReportRow, 80);
MODELC_FORMAT_ASSERT(ModelcVariant, 72);
MODELC_FORMAT_ASSERT(ModelcKernelRecord, 16);
MODELC_FORMAT_ASSERT(ModelcCodeSegment, 32);
MODELC_FORMAT_ASSERT(ModelcOperand, 24);
MODELC_FORMAT_ASSERT(ModelcStep, 64);
MODELC_FORMAT_ASSERT(ModelcState, 32);
MODELC_FORMAT_ASSERT(ModelcWeight, 72);
static_assert(offsetof(ModelcPlanHeader, checksum) == 32, "");
static_assert(offsetof(ModelcSection, offset) == 8, "");
static_assert(offsetof(ModelcMetadata, dataOffset) == 16, "");
static_assert(offsetof(ModelcReportRow, dims) == 32, "");
static_assert(offsetof(ModelcVariant, ubatch) == 40, "");
static_assert(offsetof(ModelcOperand, offset) == 8, "");
static_assert(offsetof(ModelcStep, countOffset) == 32, "");
static_assert(offsetof(ModelcStep, countLimit) == 44, "");
static_assert(offsetof(ModelcState, pageBytes) == 8, "");
static_assert(offsetof(ModelcWeight, offset) == 16, "");
#undef MODELC_FORMAT_ASSERT

/// Bytes of WEIGHTS that a variant uses, of which `weights` is the table:
/// those of its weights and what lies between two of them within a page. Of a
/// plan with one variant that is the section.
static inline uint64_t modelc_used_weight_bytes(const ModelcWeight *weights,
                                                size_t count) {
  uint64_t used = 0, end = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t gap = weights[i].offset - end;
    used += weights[i].sizeBytes + (gap < MODELC_PLAN_PAGE_BYTES ? gap : 0);
    end = weights[i].offset + weights[i].sizeBytes;
  }
  return used;
}

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_PLAN_FORMAT_H
