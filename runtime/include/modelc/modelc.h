//===- modelc.h - The C API of the modelc runtime
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan is opened once and may serve any number of sessions. A session holds
// the memory of a conversation, or of several: the sequences. A step takes a
// list of tokens of any sequences and leaves logits for those that want them.
//
//   modelc_plan *plan; modelc_session *session; modelc_status status;
//   modelc_open("llama.mplan", NULL, &plan, &status);
//   modelc_session_create(plan, NULL, &session, &status);
//   modelc_token prompt[] = {{1, 0, 0, 0}, {403, 1, 0, 1}};
//   modelc_session_step(session, prompt, 2, &status);
//   const float *logits;
//   modelc_session_logits(session, 0, &logits, &status);
//
// Every function that can fail returns a modelc_code and, if `status` is not
// NULL, fills it; on success the message is empty. Outputs are written on
// success only. Nothing here exits, throws, or prints.
//
// Threads: a plan may be used by several threads; a session by one at a time.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_MODELC_H
#define MODELC_MODELC_H

#include "modelc/kernel_abi.h"
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Code numbers are those of absl::StatusCode.
typedef enum modelc_code {
  MODELC_OK = 0,
  MODELC_INVALID_ARGUMENT = 3,
  MODELC_NOT_FOUND = 5,
  MODELC_PERMISSION_DENIED = 7,
  MODELC_RESOURCE_EXHAUSTED = 8,
  MODELC_FAILED_PRECONDITION = 9,
  MODELC_OUT_OF_RANGE = 11,
  MODELC_UNIMPLEMENTED = 12,
  MODELC_INTERNAL = 13,
  MODELC_DATA_LOSS = 15
} modelc_code;

enum { MODELC_STATUS_MESSAGE_BYTES = 512 };

/// Owned by the caller.
typedef struct modelc_status {
  modelc_code code;
  char message[MODELC_STATUS_MESSAGE_BYTES]; ///< NUL-terminated, no newline.
} modelc_status;

typedef struct modelc_plan modelc_plan;
typedef struct modelc_session modelc_session;

typedef struct modelc_open_options {
  /// Non-zero: check the weights' own bytes too, as `modelc verify` does.
  uint32_t verifyWeights;
  uint32_t reserved[7];
} modelc_open_options;

/// Maps the plan at `path` and validates every table and every checksum but
/// the weights' own. Of several variants the first that this machine can run
/// is used; pages of the others' weights and code are not touched afterwards.
/// `options` may be NULL. The environment variable
/// MODELC_FORCE_CPU_FEATURES=1 skips the check of CPU features (for tests
/// under emulation). A plan for an AMD GPU is put there: HIP (libamdhip64, or
/// what the environment variable MODELC_HIP_LIBRARY names) is opened, and the
/// weights are copied once, for all sessions. Errors: NOT_FOUND,
/// PERMISSION_DENIED (also a noexec mount), DATA_LOSS (damaged),
/// FAILED_PRECONDITION (another format version, or CPU features or
/// devices that are missing for every variant, which the message names),
/// RESOURCE_EXHAUSTED, INTERNAL (a GPU that fails).
modelc_code modelc_open(const char *path, const modelc_open_options *options,
                        modelc_plan **out_plan, modelc_status *status);

/// A plan in memory whose code is already loaded: `kernels[i]` implements
/// record i of the first variant's kernel table. `bytes` is page-aligned,
/// borrowed until modelc_close, and may lack the code sections. For a GPU it
/// has them, and `kernelCount` is 0.
modelc_code modelc_open_memory(const void *bytes, size_t sizeBytes,
                               const ModelcKernel *kernels, size_t kernelCount,
                               modelc_plan **out_plan, modelc_status *status);

/// Checks the bytes of every weight against its checksum. The message names
/// the first weight that differs (DATA_LOSS).
modelc_code modelc_verify(const modelc_plan *plan, modelc_status *status);

/// Unmaps the plan. No session of it may be alive. NULL is allowed.
void modelc_close(modelc_plan *plan);

/// Facts of the variant in use. Strings live as long as the plan.
typedef struct modelc_plan_info {
  const char *target;       ///< "cascadelake".
  const char *architecture; ///< "llama".
  const char *modelName;    ///< general.name, or empty.
  uint32_t vocabSize;
  uint32_t contextLength; ///< The model's training context.
  uint32_t embeddingLength;
  uint32_t layerCount;
  uint32_t ubatch;                ///< Most tokens that one pass computes.
  uint64_t weightBytes;           ///< Of this variant; mapped, shared.
  uint64_t arenaBytes;            ///< Per session.
  uint64_t scratchBytes;          ///< Per thread of a session.
  uint64_t stateBytesPerToken;    ///< Per token and sequence, page-rounded.
  uint64_t stateBytesPerSequence; ///< Per sequence, beside those of tokens.
} modelc_plan_info;

void modelc_plan_get_info(const modelc_plan *plan, modelc_plan_info *out_info);

/// The GPU that the plan is on, "AMD Instinct MI300X (gfx942:sramecc+:xnack-)";
/// lives as long as the plan. NULL on a CPU. There, weightBytes, arenaBytes and
/// the bytes of states are of the GPU's memory.
const char *modelc_plan_device(const modelc_plan *plan);

/// One line, without its end, for the user of a plan that runs by another
/// variant than one before it, whose device (a GPU) or driver is not there:
/// "llama.mplan: falls back to znver4: gfx942 needs ...". Otherwise empty.
/// Lives as long as the plan.
const char *modelc_plan_warning(const modelc_plan *plan);

/// A value of the source's metadata, borrowed from the plan.
typedef struct modelc_metadata {
  uint32_t type; ///< MODELC_META_* of plan_format.h; of elements if array.
  uint32_t isArray;
  uint64_t count;   ///< Elements; 1 if not an array.
  const void *data; ///< Numbers: packed, little-endian. Strings: see
                    ///< ModelcMetadata; use modelc_metadata_string.
} modelc_metadata;

/// Looks up a GGUF key. NOT_FOUND if the source had none; `status` may be
/// NULL.
modelc_code modelc_plan_metadata(const modelc_plan *plan, const char *key,
                                 modelc_metadata *out_value,
                                 modelc_status *status);

/// String `index` of a value of type string. Not NUL-terminated; borrowed from
/// the plan. OUT_OF_RANGE, INVALID_ARGUMENT for other types.
modelc_code modelc_metadata_string(const modelc_metadata *value, uint64_t index,
                                   const char **out_data, size_t *out_bytes);

typedef struct modelc_session_options {
  /// Tokens that one sequence may hold; 0: the model's context length.
  uint32_t contextTokens;
  /// Sequence slots; 0: 1.
  uint32_t sequences;
  /// Workers, the calling thread included; 0: the CPUs this process may use.
  /// On a GPU there are none.
  uint32_t threads;
  uint32_t reserved[5];
} modelc_session_options;

/// `options` may be NULL. All memory of the session is reserved here; what is
/// never used stays untouched. RESOURCE_EXHAUSTED if it cannot be had; of a
/// GPU's memory the message says how much is needed and how much is free.
modelc_code modelc_session_create(modelc_plan *plan,
                                  const modelc_session_options *options,
                                  modelc_session **out_session,
                                  modelc_status *status);
/// NULL is allowed.
void modelc_session_destroy(modelc_session *session);

typedef struct modelc_token {
  int32_t id;          ///< 0 .. vocabSize - 1.
  int32_t position;    ///< The sequence's length so far, or one more than its
                       ///< previous token in this call.
  uint32_t sequence;   ///< 0 .. sequences - 1.
  uint32_t wantLogits; ///< Non-zero: leave logits for this token.
} modelc_token;

/// Appends `count` tokens (1 or more, any number: passes of at most `ubatch`)
/// to their sequences and computes. All or nothing: arguments are checked
/// before anything changes. INVALID_ARGUMENT, OUT_OF_RANGE (context is full).
/// At most `ubatch` tokens may want logits. INTERNAL if a GPU fails, with the
/// call of HIP and its error; then the sequences are as long as before, and
/// every later call of the session that needs the GPU fails alike.
modelc_code modelc_session_step(modelc_session *session,
                                const modelc_token *tokens, size_t count,
                                modelc_status *status);

/// Logits [vocabSize] of the index-th token of the last step that wanted them.
/// Valid until the next step.
modelc_code modelc_session_logits(const modelc_session *session, size_t index,
                                  const float **out_logits,
                                  modelc_status *status);

/// Tokens that a sequence holds now.
modelc_code modelc_session_length(const modelc_session *session,
                                  uint32_t sequence, uint32_t *out_tokens,
                                  modelc_status *status);

/// The ids of the tokens that a sequence holds now, also of a restored one. Up
/// to `capacity` are written, *out_count is how many there are; if there are
/// more: RESOURCE_EXHAUSTED, with *out_count set.
modelc_code modelc_session_tokens(const modelc_session *session,
                                  uint32_t sequence, int32_t *out_ids,
                                  size_t capacity, size_t *out_count,
                                  modelc_status *status);

/// Forgets all tokens of `sequence` from position `length` on; 0 drops it.
/// FAILED_PRECONDITION if layers that read only a window of the last tokens
/// have lost what the next token would read.
modelc_code modelc_session_truncate(modelc_session *session, uint32_t sequence,
                                    uint32_t length, modelc_status *status);

/// Makes `to` hold the first `length` tokens of `from`. Whole pages are
/// shared until one of the two writes to them. Fails as truncating does.
modelc_code modelc_session_copy(modelc_session *session, uint32_t from,
                                uint32_t to, uint32_t length,
                                modelc_status *status);

/// Writes every sequence to `path` (through a temporary name and a rename),
/// readable by its owner only. PERMISSION_DENIED if `path` is a device or a
/// pipe.
modelc_code modelc_session_save(const modelc_session *session, const char *path,
                                modelc_status *status);

/// Replaces the session's sequences by a saved file's. FAILED_PRECONDITION if
/// it was saved with another plan; the session is unchanged on any error, but
/// empty if a GPU fails.
modelc_code modelc_session_restore(modelc_session *session, const char *path,
                                   modelc_status *status);

/// One step's time in the last modelc_session_step, for profilers.
typedef struct modelc_step_profile {
  const char *name;   ///< "blk.0.ffn_down"; lives as long as the plan.
  const char *kernel; ///< The kernel's symbol.
  uint64_t nanoseconds;
  uint64_t bytes; ///< Weight bytes read.
  uint64_t ops;   ///< Multiply and add operations.
  /// Of `nanoseconds`, those in which the caller's worker had no more tiles of
  /// the step: it waited at a barrier for the others, or for the pass's end. 0
  /// on a GPU.
  uint64_t waitNanoseconds;
} modelc_step_profile;

/// Turns timing of steps on or off (off at first; it costs two clock reads a
/// step, and on a GPU a wait for each).
void modelc_session_set_profile(modelc_session *session, uint32_t enabled);

/// Copies up to `capacity` entries of the last step's profile, in order of
/// execution; returns how many there are.
size_t modelc_session_get_profile(const modelc_session *session,
                                  modelc_step_profile *out_profile,
                                  size_t capacity);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_MODELC_H
