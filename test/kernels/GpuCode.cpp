//===- GpuCode.cpp - Kernels for AMD GPUs, executed by the interpreter
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/kernels/GpuCode.h"
#include "compiler/codegen/hip/WorkGroup.h"
#include "test/emulators/amdgpu/Launch.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <set>

namespace modelc::kernels::test {

struct GpuCode::Device {
  const amdgpu::Chip *chip = nullptr;
  amdgpu::Memory memory;
  std::unique_ptr<amdgpu::Code> code;
};

/// The chip that code of a family runs on here.
static std::string getChip(llvm::StringRef target) {
  return llvm::StringSwitch<std::string>(target)
      .Case("gfx9-4-generic", "gfx942")
      .Case("gfx10-3-generic", "gfx1030")
      .Case("gfx11-generic", "gfx1100")
      .Case("gfx12-generic", "gfx1201")
      .Default(target.str());
}

GpuCode::GpuCode(const target::TargetSpec &target, std::string codeObject)
    : target(target), device(std::make_unique<Device>()) {
  device->chip = amdgpu::findChip(getChip(target.name));
  if (!device->chip) {
    error = "no interpreter of " + target.name.str();
    return;
  }
  amdgpu::CodeObject object;
  if (amdgpu::loadCodeObject(codeObject.data(), codeObject.size(),
                             *device->chip, device->memory, object, error))
    device->code =
        std::make_unique<amdgpu::Code>(*device->chip, std::move(object));
}

GpuCode::~GpuCode() = default;

namespace {

/// Memory that a kernel may use until this goes.
class Adopted {
public:
  explicit Adopted(amdgpu::Memory &memory) : memory(memory) {}
  ~Adopted() {
    for (void *begin : begins)
      memory.forget(begin);
  }
  void add(std::span<uint8_t> bytes) {
    if (!bytes.empty() && begins.insert(bytes.data()).second)
      memory.adopt(bytes.data(), bytes.size());
  }

private:
  amdgpu::Memory &memory;
  std::set<void *> begins;
};

} // namespace

template <typename T>
static void append(std::vector<uint8_t> &bytes, const T &value) {
  size_t begin = bytes.size();
  bytes.resize(begin + sizeof value);
  std::memcpy(bytes.data() + begin, &value, sizeof value);
}

template <typename T> static std::span<uint8_t> asBytes(T &value) {
  return {reinterpret_cast<uint8_t *>(&value), sizeof value};
}

std::string GpuCode::run(const GpuLaunch &launch) {
  if (!device->code)
    return error;
  const amdgpu::Kernel *kernel = device->code->object.find(launch.symbol);
  if (!kernel)
    return "no kernel " + launch.symbol;
  ModelcStepInputs inputs = launch.inputs;
  uint32_t count = static_cast<uint32_t>(launch.count);
  Adopted adopted(device->memory);
  adopted.add(asBytes(inputs));
  adopted.add(asBytes(count));
  for (std::span<uint8_t> array : launch.inputArrays)
    adopted.add(array);

  // As many tiles for all of the count.
  ModelcDeviceParams params = {};
  params.inputs = &inputs;
  params.count = &count;
  params.countLimit = std::max(count, 1u);
  params.tileDivisor = std::max(count, 1u);
  params.tileMultiplier = static_cast<uint32_t>(launch.tiles);
  amdgpu::Dispatch dispatch = {};
  append(dispatch.kernargs, params);
  for (std::span<uint8_t> operand : launch.operands) {
    adopted.add(operand);
    append(dispatch.kernargs, operand.data());
  }
  codegen::WorkGroup group = codegen::getWorkGroup(launch.spec, target);
  dispatch.kernel = kernel;
  dispatch.groups.x =
      static_cast<uint32_t>(llvm::divideCeil(launch.tiles, group.tiles) + 1);
  dispatch.groupSize.x = static_cast<uint32_t>(group.threads);
  return amdgpu::launch(*device->chip, device->memory, *device->code, dispatch);
}

} // namespace modelc::kernels::test
