//===- hold-plan.c - Opens a plan, reads its weights, waits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   hold-plan [--unverified] FILE.mplan
//
// Prints "ready TARGET" when every byte of the plan has been read, or those
// that are read without, and one token was computed. Ends at the first line, or
// the end, of stdin.
//
//===----------------------------------------------------------------------===//

#include "modelc/modelc.h"
#include <stdio.h>
#include <string.h>

static modelc_code hold(const char *path, uint32_t verifyWeights,
                        modelc_status *status) {
  const modelc_open_options options = {.verifyWeights = verifyWeights};
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
      modelc_plan_info info;
      modelc_plan_get_info(plan, &info);
      printf("ready %s\n", info.target);
      fflush(stdout);
      getchar();
    }
    modelc_session_destroy(session);
  }
  modelc_close(plan);
  return code;
}

int main(int argc, char **argv) {
  const int unverified = argc == 3 && strcmp(argv[1], "--unverified") == 0;
  if (argc != 2 + unverified) {
    fprintf(stderr, "usage: hold-plan [--unverified] FILE.mplan\n");
    return 2;
  }
  modelc_status status;
  if (hold(argv[argc - 1], !unverified, &status) == MODELC_OK)
    return 0;
  fprintf(stderr, "error: %s\n", status.message);
  return 1;
}
