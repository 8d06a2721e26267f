//===- consumer.c - Runs one step of a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opens the plan argv[1], runs token 1, and prints the most likely next token.
//
//===----------------------------------------------------------------------===//

#include "modelc/modelc.h"
#include "modelc/text.h"
#include <stdio.h>

static int fail(const modelc_status *status) {
  fprintf(stderr, "error: %s\n", status->message);
  return 1;
}

int main(int argc, char **argv) {
  modelc_plan *plan;
  modelc_session *session;
  modelc_status status;
  if (argc != 2)
    return 2;
  if (modelc_open(argv[1], NULL, &plan, &status) != MODELC_OK)
    return fail(&status);
  if (modelc_session_create(plan, NULL, &session, &status) != MODELC_OK)
    return fail(&status);

  modelc_token token = {.id = 1, .wantLogits = 1};
  const float *logits;
  if (modelc_session_step(session, &token, 1, &status) != MODELC_OK ||
      modelc_session_logits(session, 0, &logits, &status) != MODELC_OK)
    return fail(&status);

  modelc_plan_info info;
  modelc_plan_get_info(plan, &info);
  uint32_t best = 0;
  for (uint32_t i = 1; i < info.vocabSize; ++i)
    if (logits[i] > logits[best])
      best = i;
  printf("%u %.9g\n", best, logits[best]);
  modelc_session_destroy(session);
  modelc_close(plan);
  return 0;
}
