//===- GgufBuilder.h - Writes small GGUF files for tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Right files in one line each, and wrong ones by changing them:
//
//   std::string bytes = buildTinyLlama().u32("llama.block_count", 0).build();
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_IMPORT_GGUFBUILDER_H
#define MODELC_TEST_IMPORT_GGUFBUILDER_H

#include "dialects/model/GgmlTypes.h"
#include <cstdint>
#include <string>
#include <vector>

namespace modelc::test {

class GgufBuilder {
public:
  uint32_t version = 3;
  /// Added to the counts in the header.
  uint64_t extraKeys = 0;
  uint64_t extraTensors = 0;

  /// Each sets a key, in place of one of the same name if there is one.
  GgufBuilder &u8(const std::string &key, uint8_t value);
  GgufBuilder &u16(const std::string &key, uint16_t value);
  GgufBuilder &u32(const std::string &key, uint32_t value);
  GgufBuilder &i32(const std::string &key, int32_t value);
  GgufBuilder &u64(const std::string &key, uint64_t value);
  GgufBuilder &i64(const std::string &key, int64_t value);
  GgufBuilder &f32(const std::string &key, float value);
  GgufBuilder &f64(const std::string &key, double value);
  GgufBuilder &boolean(const std::string &key, uint8_t value);
  GgufBuilder &string(const std::string &key, const std::string &value);
  GgufBuilder &strings(const std::string &key,
                       const std::vector<std::string> &values);
  GgufBuilder &booleans(const std::string &key,
                        const std::vector<uint8_t> &values);
  GgufBuilder &u32s(const std::string &key,
                    const std::vector<uint32_t> &values);
  /// A value as it lies in the file.
  GgufBuilder &raw(const std::string &key, uint32_t type,
                   const std::string &bytes);
  /// A key that may be there already.
  GgufBuilder &rawAgain(const std::string &key, uint32_t type,
                        const std::string &bytes);
  GgufBuilder &removeKey(const std::string &key);

  /// Sets a tensor; `shape` is rows first. Without bytes it gets zeros.
  GgufBuilder &tensor(const std::string &name,
                      const std::vector<int64_t> &shape, model::GgmlType type,
                      const std::string &bytes = {});
  /// Sets a tensor as the file has it, without data: `dims` columns first.
  GgufBuilder &rawTensor(const std::string &name,
                         const std::vector<uint64_t> &dims, uint32_t type,
                         uint64_t offset);
  GgufBuilder &removeTensor(const std::string &name);

  /// The file. Data is aligned as general.alignment says, or to 32.
  std::string build() const;

private:
  struct Key {
    std::string name;
    uint32_t type;
    std::string bytes;
  };
  struct Tensor {
    std::string name;
    std::vector<uint64_t> dims; ///< Columns first.
    uint32_t type;
    bool hasOffset; ///< As given; else where the bytes come to lie.
    uint64_t offset;
    std::string bytes;
  };

  GgufBuilder &set(Tensor tensor);
  uint64_t findAlignment() const;

  std::vector<Key> keys;
  std::vector<Tensor> tensors;
};

/// The bytes of a number, little-endian.
template <typename T> std::string toBytes(T value) {
  return {reinterpret_cast<const char *>(&value), sizeof(value)};
}

/// The bytes of a string: its length, then its text.
std::string toBytes(const std::string &text);

/// A whole model of family `family`: `layers` layers (2 of a family with
/// experts), width 8, 2 heads of 4, 1 kv head, feed-forward 16, 10 tokens,
/// context 64, all tensors f32, no output matrix of its own.
GgufBuilder buildTinyDecoder(const std::string &family, int layers = 2);
inline GgufBuilder buildTinyLlama() { return buildTinyDecoder("llama"); }

/// Gives a tiny model of `family` experts in place of its feed-forward
/// networks: 4 of length 12, of which a token uses 2. Families that always have
/// some are built so.
void setTinyExperts(GgufBuilder &file, const std::string &family,
                    int layers = 2);

} // namespace modelc::test

#endif // MODELC_TEST_IMPORT_GGUFBUILDER_H
