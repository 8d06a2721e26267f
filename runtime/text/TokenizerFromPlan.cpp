//===- TokenizerFromPlan.cpp - A plan as the source of a vocabulary
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   modelc_plan_metadata(plan, "tokenizer.ggml.tokens")  ==>  Tokenizer
//
//===----------------------------------------------------------------------===//

#include "Status.h"
#include "TextApi.h"

using namespace modelc::text;

namespace {

class PlanSource final : public MetadataSource {
public:
  explicit PlanSource(const modelc_plan *plan) : plan(plan) {}

  bool find(const char *key, modelc_metadata *value) const override {
    return modelc_plan_metadata(plan, key, value, nullptr) == MODELC_OK;
  }

  bool string(const modelc_metadata &value, uint64_t index,
              std::string_view *result) const override {
    const char *data;
    size_t bytes;
    if (modelc_metadata_string(&value, index, &data, &bytes) != MODELC_OK)
      return false;
    *result = {data, bytes};
    return true;
  }

  uint64_t vocabSize() const override {
    modelc_plan_info info;
    modelc_plan_get_info(plan, &info);
    return info.vocabSize;
  }

private:
  const modelc_plan *plan;
};

} // namespace

modelc_code modelc_tokenizer_create(const modelc_plan *plan,
                                    modelc_tokenizer **out_tokenizer,
                                    modelc_status *status) {
  std::unique_ptr<Tokenizer> implementation;
  PlanSource source(plan);
  if (modelc_code code = createTokenizer(source, &implementation, status))
    return code;
  *out_tokenizer = new modelc_tokenizer{std::move(implementation)};
  return succeed(status);
}
