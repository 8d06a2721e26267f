//===- headers-test.c - The public headers are C11
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled with -std=c11 -pedantic; running it checks what only C can see.
//
//===----------------------------------------------------------------------===//

#include "modelc/chat.h"
#include "modelc/checksum.h"
#include "modelc/cpu_features.h"
#include "modelc/grammar.h"
#include "modelc/kernel_abi.h"
#include "modelc/modelc.h"
#include "modelc/plan_format.h"
#include "modelc/text.h"

int main(void) {
  modelc_status status;
  modelc_plan *plan = NULL;
  const modelc_code code =
      modelc_open("/nonexistent/x.mplan", NULL, &plan, &status);
  if (code != MODELC_NOT_FOUND || status.code != code || plan != NULL)
    return 1;
  if (strcmp(status.message,
             "x.mplan: cannot open: No such file or directory") != 0)
    return 2;
  if (modelc_crc32c("123456789", 9) != 0xe3069283u)
    return 3;
  for (uint32_t i = 0; i < MODELC_FEATURE_COUNT; ++i)
    if (modelc_cpu_feature_name(i) == NULL)
      return 4;
  return modelc_cpu_feature_name(MODELC_FEATURE_COUNT) == NULL ? 0 : 5;
}
