//===- embed.c - A plan in a C program of your own
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// embed FILE.mplan ID...
//
// Feeds the token ids and continues them with the likeliest token, four times;
// prints the four ids. Text to ids and back is the matter of modelc/text.h.
//
// In a project with an installed modelc:
//
//   find_package(modelc REQUIRED)
//   add_executable(embed embed.c)
//   target_link_libraries(embed PRIVATE modelc::runtime)
//
//===----------------------------------------------------------------------===//

#include "modelc/modelc.h"
#include <stdio.h>
#include <stdlib.h>

enum { kContinuation = 4 };

/// The index of the largest of `count` values; the first of equals.
static int32_t argmax(const float *values, uint32_t count) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < count; ++i)
    if (values[i] > values[best])
      best = i;
  return (int32_t)best;
}

static modelc_code run(modelc_session *session, const modelc_plan_info *info,
                       modelc_token *tokens, size_t count,
                       modelc_status *status) {
  int32_t position = 0;
  for (int i = 0; i < kContinuation; ++i) {
    // The prompt in one step, then each new token in one.
    modelc_code code = modelc_session_step(session, tokens, count, status);
    if (code != MODELC_OK)
      return code;
    position += (int32_t)count;
    const float *logits;
    code = modelc_session_logits(session, 0, &logits, status);
    if (code != MODELC_OK)
      return code;
    const modelc_token next = {argmax(logits, info->vocabSize), position, 0, 1};
    printf("%s%d", i == 0 ? "" : " ", (int)next.id);
    tokens[0] = next;
    count = 1;
  }
  printf("\n");
  return MODELC_OK;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s FILE.mplan ID...\n", argv[0]);
    return 2;
  }
  const size_t count = (size_t)argc - 2;
  modelc_token *tokens = calloc(count, sizeof(*tokens));
  if (!tokens)
    return 1;
  for (size_t i = 0; i < count; ++i) {
    tokens[i].id = (int32_t)strtol(argv[i + 2], NULL, 10);
    tokens[i].position = (int32_t)i;
    tokens[i].wantLogits = i + 1 == count; // only what follows is wanted
  }

  modelc_plan *plan = NULL;
  modelc_session *session = NULL;
  modelc_plan_info info;
  modelc_status status;
  modelc_code code = modelc_open(argv[1], NULL, &plan, &status);
  if (code == MODELC_OK)
    code = modelc_session_create(plan, NULL, &session, &status);
  if (code == MODELC_OK) {
    modelc_plan_get_info(plan, &info);
    code = run(session, &info, tokens, count, &status);
  }
  if (code != MODELC_OK)
    fprintf(stderr, "error: %s\n", status.message);
  if (session)
    modelc_session_destroy(session);
  modelc_close(plan);
  free(tokens);
  return code == MODELC_OK ? 0 : 1;
}
