//===- mutation-test.cpp - Damaged files never crash the importer
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Takes a whole small model and damages each byte before its data in turn, in
// several ways. Whether the result is refused or imported is the file's luck;
// that it ends, and with a whole message, is ours. Worth most under the
// sanitizers; test/fuzz/GgufFuzzer.cpp goes on where this stops.
//
//===----------------------------------------------------------------------===//

#include "test/import/ImportFixture.h"

using namespace modelc;
using namespace modelc::test;
using model::GgmlType;

namespace {

using MutationTest = ImportTest;

/// One layer and every kind of key, to keep the file short.
GgufBuilder buildSmall() {
  GgufBuilder file =
      buildTinyLlama()
          .u32("llama.block_count", 1)
          .u32s("llama.attention.head_count", {2})
          .f32("llama.rope.scaling.factor", 4)
          .string("llama.rope.scaling.type", "yarn")
          .boolean("llama.attention.causal", 1)
          .f64("llama.rope.freq_base", 10000)
          .strings("tokenizer.ggml.tokens", std::vector<std::string>(10, "t"))
          .tensor("rope_freqs.weight", {2}, GgmlType::F32,
                  toBytes(1.0f) + toBytes(2.0f));
  for (std::string name :
       {"attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm",
        "ffn_gate", "ffn_up", "ffn_down"})
    file.removeTensor("blk.1." + name + ".weight");
  return file;
}

} // namespace

TEST_F(MutationTest, EveryByteOfTheHeader) {
  const std::string whole = buildSmall().build();
  ASSERT_EQ(import(whole), "ok");
  const size_t headerBytes = source->tensors().front().offset;
  int refused = 0, imported = 0;
  for (size_t at = 0; at < headerBytes; ++at) {
    for (int change : {0x01, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      const std::string message = import(damaged);
      ++(message == "ok" ? imported : refused);
      if (message == "ok")
        continue;
      EXPECT_EQ(message.rfind("x.gguf: ", 0), 0u) << message;
      EXPECT_NE(message.find(": found "), std::string::npos) << message;
      EXPECT_NE(message.find(", expected "), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
  // Most bytes matter; some (a name, a padding, a context length) do not.
  EXPECT_GT(refused, 5 * imported);
  EXPECT_GT(imported, 0);
}

TEST_F(MutationTest, EveryTruncation) {
  const std::string whole = buildSmall().build();
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(import(whole.substr(0, size)), "ok") << size;
}
