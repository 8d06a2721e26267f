//===- hold-plan.c - Opens a plan, reads its weights, waits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   hold-plan FILE.mplan
//
// Prints "ready" when every byte of the plan has been read and one token was
// computed, and ends at the first line, or the end, of stdin.
//
//===----------------------------------------------------------------------===//

#include "modelc/modelc.h"
#include <stdio.h>

static modelc_code hold(const char *path, modelc_status *status) {
  const modelc_open_options options = {.verifyWeights = 1};
  modelc_plan *plan;
  modelc_code code = modelc_open(path, &options, &plan, status);
  if (code != MODELC_OK)
    return code;
  const modelc_session_options sessionOptions = {.contextTokens = 64};
  modelc_session *session;
  code = modelc_session_create(plan, &sessionOptions, &session, status);
  if (code == MODELC_OK) {
    const modelc_token token = {.id = 1, .wantLogits = 1};
    code = modelc_session_step(session, &token, 1, status);
    if (code == MODELC_OK) {
      printf("ready\n");
      fflush(stdout);
      getchar();
    }
    modelc_session_destroy(session);
  }
  modelc_close(plan);
  return code;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: hold-plan FILE.mplan\n");
    return 2;
  }
  modelc_status status;
  if (hold(argv[1], &status) == MODELC_OK)
    return 0;
  fprintf(stderr, "error: %s\n", status.message);
  return 1;
}
