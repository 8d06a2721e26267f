//===- Launch.cpp - Running a kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The initial state of registers: LLVM's "User Guide for AMDGPU Backend",
// "Initial Kernel Execution State".
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <llvm/Support/AMDHSAKernelDescriptor.h>

namespace modelc::amdgpu {

namespace amdhsa = llvm::amdhsa;

namespace {

/// What registers and LDS hold before a kernel writes them.
constexpr uint32_t kUndefined = 0xA5A5A5A5;

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%" PRIx64, value);
  return text;
}

template <class T>
void put(std::vector<uint8_t> &bytes, uint64_t offset, T value) {
  if (offset + sizeof(T) <= bytes.size())
    std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

/// Hidden arguments, "Code Object V5 Kernel Argument Metadata".
void fillHidden(const Dispatch &dispatch, std::vector<uint8_t> &kernargs) {
  const Extent &groups = dispatch.groups, &size = dispatch.groupSize;
  const uint32_t counts[3] = {groups.x, groups.y, groups.z};
  const uint32_t sizes[3] = {size.x, size.y, size.z};
  for (const Argument &argument : dispatch.kernel->arguments) {
    const std::string &kind = argument.kind;
    const uint64_t at = argument.offsetBytes;
    if (!kind.starts_with("hidden_"))
      continue;
    const uint32_t axis = uint32_t(kind.back() - 'x');
    if (kind.starts_with("hidden_block_count_") && axis < 3)
      put<uint32_t>(kernargs, at, counts[axis]);
    else if (kind.starts_with("hidden_group_size_") && axis < 3)
      put<uint16_t>(kernargs, at, uint16_t(sizes[axis]));
    else if (kind == "hidden_grid_dims")
      put<uint16_t>(kernargs, at,
                    uint16_t(groups.z * size.z > 1   ? 3
                             : groups.y * size.y > 1 ? 2
                                                     : 1));
    else if (kind == "hidden_shared_base")
      put<uint32_t>(kernargs, at, kSharedAperture);
    else if (kind == "hidden_private_base")
      put<uint32_t>(kernargs, at, kPrivateAperture);
    else if (kind == "hidden_dynamic_lds_size")
      put<uint32_t>(kernargs, at, dispatch.dynamicLdsBytes);
  }
}

/// hsa_kernel_dispatch_packet_t of the HSA runtime's specification, 64 bytes.
std::vector<uint8_t> packetOf(const Dispatch &dispatch, uint64_t kernargs) {
  std::vector<uint8_t> packet(64);
  const Extent &groups = dispatch.groups, &size = dispatch.groupSize;
  put<uint16_t>(packet, 2, 3);
  put<uint16_t>(packet, 4, uint16_t(size.x));
  put<uint16_t>(packet, 6, uint16_t(size.y));
  put<uint16_t>(packet, 8, uint16_t(size.z));
  put<uint32_t>(packet, 12, groups.x * size.x);
  put<uint32_t>(packet, 16, groups.y * size.y);
  put<uint32_t>(packet, 20, groups.z * size.z);
  put<uint32_t>(packet, 24, dispatch.kernel->privateBytes);
  put<uint32_t>(packet, 28,
                dispatch.kernel->groupBytes + dispatch.dynamicLdsBytes);
  put<uint64_t>(packet, 40, kernargs);
  return packet;
}

/// Everything that is the same for all work-groups of a launch.
struct Run {
  const Chip &chip;
  const Dispatch &dispatch;
  const Kernel &kernel;
  uint64_t kernargs, packet;
  uint64_t entry;
};

#define HAS(properties, bit) ((properties) & amdhsa::bit)

/// User and system SGPRs, in the order of the ABI.
void initialScalars(const Run &run, const Extent &group, Wave &wave) {
  const Kernel &kernel = run.kernel;
  uint32_t next = 0;
  const auto pair = [&](uint64_t value) {
    wave.scalars[next++] = uint32_t(value);
    wave.scalars[next++] = uint32_t(value >> 32);
  };
  const uint32_t properties = kernel.properties;
  if (HAS(properties,
          KERNEL_CODE_PROPERTY_ENABLE_SGPR_PRIVATE_SEGMENT_BUFFER)) {
    pair(uint64_t(kPrivateAperture) << 32);
    pair(0);
  }
  if (HAS(properties, KERNEL_CODE_PROPERTY_ENABLE_SGPR_DISPATCH_PTR))
    pair(run.packet);
  if (HAS(properties, KERNEL_CODE_PROPERTY_ENABLE_SGPR_QUEUE_PTR))
    pair(0);
  if (HAS(properties, KERNEL_CODE_PROPERTY_ENABLE_SGPR_KERNARG_SEGMENT_PTR))
    pair(run.kernargs);
  if (HAS(properties, KERNEL_CODE_PROPERTY_ENABLE_SGPR_DISPATCH_ID))
    pair(0);
  if (HAS(properties, KERNEL_CODE_PROPERTY_ENABLE_SGPR_FLAT_SCRATCH_INIT))
    pair(0);
  if (HAS(properties, KERNEL_CODE_PROPERTY_ENABLE_SGPR_PRIVATE_SEGMENT_SIZE))
    wave.scalars[next++] = kernel.privateBytes;
  const uint32_t preloadWords = kernel.preload & 127;
  const uint64_t from = run.kernargs + 4 * uint64_t(kernel.preload >> 7);
  std::memcpy(wave.scalars + next, reinterpret_cast<const void *>(from),
              4 * preloadWords);
  next = std::max(
      next + preloadWords,
      AMDHSA_BITS_GET(kernel.rsrc2,
                      amdhsa::COMPUTE_PGM_RSRC2_GFX6_GFX120_USER_SGPR_COUNT));
  if (run.chip.groupIdsInTtmp) {
    wave.scalars[kTtmp + 9] = group.x;
    wave.scalars[kTtmp + 7] = (group.y & 0xffff) | group.z << 16;
  } else {
    if (HAS(kernel.rsrc2, COMPUTE_PGM_RSRC2_ENABLE_SGPR_WORKGROUP_ID_X))
      wave.scalars[next++] = group.x;
    if (HAS(kernel.rsrc2, COMPUTE_PGM_RSRC2_ENABLE_SGPR_WORKGROUP_ID_Y))
      wave.scalars[next++] = group.y;
    if (HAS(kernel.rsrc2, COMPUTE_PGM_RSRC2_ENABLE_SGPR_WORKGROUP_ID_Z))
      wave.scalars[next++] = group.z;
  }
  if (HAS(kernel.rsrc2, COMPUTE_PGM_RSRC2_ENABLE_PRIVATE_SEGMENT))
    wave.scalars[next] = 0; // the wave's offset in scratch
  wave.scalars[kSharedBase + 1] = kSharedAperture;
  wave.scalars[kPrivateBase + 1] = kPrivateAperture;
}

void initialWave(const Run &run, const Extent &group, uint32_t firstItem,
                 Wave &wave) {
  const Extent &size = run.dispatch.groupSize;
  const uint32_t items = size.x * size.y * size.z;
  wave.pc = run.entry;
  initialScalars(run, group, wave);
  const uint32_t active = std::min(items - firstItem, wave.lanes);
  wave.setMask(kExec,
               active == 64 ? ~UINT64_C(0) : (UINT64_C(1) << active) - 1);
  const uint32_t rows =
      std::min(256u, std::max(run.kernel.vectorRegisters, 1u));
  std::fill_n(wave.vectors[0], rows * kMaxLanes, kUndefined);
  std::fill_n(wave.vectors[kAccumulators], rows * kMaxLanes, kUndefined);
  for (uint32_t lane = 0; lane < wave.lanes; ++lane) {
    const uint32_t item = firstItem + lane;
    const uint32_t x = item % size.x, y = item / size.x % size.y,
                   z = item / size.x / size.y;
    if (run.chip.generation == 10) {
      wave.vectors[0][lane] = x;
      wave.vectors[1][lane] = y;
      wave.vectors[2][lane] = z;
    } else {
      wave.vectors[0][lane] = x | y << 10 | z << 20;
    }
  }
  wave.scratchBytes = run.kernel.privateBytes;
  wave.scratch.assign(uint64_t(wave.scratchBytes) * wave.lanes, 0xA5);
}

/// Lets waves run in turn until all have ended.
void runGroup(Group &group, std::vector<Wave> &waves) {
  bool moved = true;
  while (group.waves > 0 && group.error.empty()) {
    if (!moved) {
      group.error = "the waves of a work-group wait for each other";
      return;
    }
    moved = false;
    for (Wave &wave : waves) {
      if (wave.state == WaveState::Waiting &&
          int32_t(group.phase - wave.barrierPhase) >= 0)
        wave.state = WaveState::Running;
      if (wave.state != WaveState::Running)
        continue;
      moved = true;
      runWave(wave);
      if (!group.error.empty())
        return;
      if (wave.state == WaveState::Ended)
        --group.waves;
      if (group.waves > 0 && group.arrivals >= group.waves) {
        group.arrivals = 0;
        ++group.phase;
      }
    }
  }
}

/// What a kernel needs that is not there; empty if nothing.
std::string refusal(const Chip &chip, const Dispatch &dispatch) {
  const Kernel &kernel = *dispatch.kernel;
  const Extent &size = dispatch.groupSize, &groups = dispatch.groups;
  const uint64_t items = uint64_t(size.x) * size.y * size.z;
  if (size.x > 1024 || size.y > 1024 || size.z > 1024 || items == 0 ||
      items > 1024)
    return "a work-group has 1 to 1024 work-items, not " +
           std::to_string(items);
  if (groups.x == 0 || groups.y == 0 || groups.z == 0)
    return "the grid is empty";
  if (uint64_t(kernel.groupBytes) + dispatch.dynamicLdsBytes > kLdsBytes)
    return "more LDS than the 65536 bytes of a work-group";
  const bool wave32 =
      HAS(kernel.properties, KERNEL_CODE_PROPERTY_ENABLE_WAVEFRONT_SIZE32);
  if (wave32 != (chip.waveSize == 32))
    return std::string("it is not made for waves of ") +
           std::to_string(chip.waveSize) + " lanes";
  // Round to nearest even, denormals kept.
  if ((kernel.rsrc1 >> 12 & 0xff) != 0xf0)
    return "its MODE register (rounding, denormals) is " +
           hex(kernel.rsrc1 >> 12 & 0xff) + ", only 0xf0 is emulated";
  return {};
}

/// Allocations of one launch.
struct Scope {
  explicit Scope(Memory &memory) : memory(memory) {}
  ~Scope() {
    for (void *begin : owned)
      memory.release(begin);
  }
  uint64_t copy(const std::vector<uint8_t> &bytes) {
    void *begin = memory.allocate(std::max<size_t>(bytes.size(), 1));
    if (!begin)
      return 0;
    std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t *>(begin));
    owned.push_back(begin);
    return reinterpret_cast<uint64_t>(begin);
  }
  Memory &memory;
  std::vector<void *> owned;
};

} // namespace

Code::Code(const Chip &chip, CodeObject loaded)
    : object(std::move(loaded)), decoder(chip, object.target),
      decoded(object.sizeBytes / 4) {}

const Instruction *Code::at(uint64_t address, std::string &error) {
  const uint64_t offset = address - object.begin;
  if (offset >= object.sizeBytes / 4 * 4 || offset % 4) {
    error = "the program counter is outside of the code object";
    return nullptr;
  }
  Instruction &instruction = decoded[offset / 4];
  if (!instruction.handler &&
      !decoder.decode(reinterpret_cast<const uint8_t *>(address),
                      object.sizeBytes - offset, instruction, error)) {
    instruction.handler = nullptr;
    return nullptr;
  }
  return &instruction;
}

void Wave::fault(const std::string &what) {
  if (group->error.empty())
    group->error = what;
}

void Wave::faultAt(uint64_t address, uint64_t sizeBytes) {
  fault("access of " + std::to_string(sizeBytes) + " bytes at " + hex(address) +
        " is outside of every allocation");
}

void runWave(Wave &wave) {
  Group &group = *wave.group;
  while (wave.state == WaveState::Running) {
    const Instruction *instruction = group.code->at(wave.pc, group.error);
    group.errorPc = wave.pc;
    if (!instruction)
      return;
    wave.nextPc = wave.pc + 4 * instruction->words;
    ++*instruction->counter;
    instruction->handler(wave, *instruction);
    if (!group.error.empty()) {
      group.error = std::string(instruction->name) + ": " + group.error;
      return;
    }
    wave.pc = wave.nextPc;
  }
}

std::string launch(const Chip &chip, Memory &memory, Code &code,
                   const Dispatch &dispatch) {
  const Kernel &kernel = *dispatch.kernel;
  const std::string where = std::string(chip.name) + ": " + kernel.name;
  std::string refused = refusal(chip, dispatch);
  if (!refused.empty())
    return where + ": " + refused;
  std::vector<uint8_t> kernargs = dispatch.kernargs;
  kernargs.resize(std::max<size_t>(kernel.kernargBytes, kernargs.size()));
  // Scalar loads of several arguments may reach beyond the last; the segment is
  // aligned, and HIP gives whole lines.
  constexpr size_t kLine = 64;
  kernargs.resize((kernargs.size() + kLine - 1) / kLine * kLine);
  fillHidden(dispatch, kernargs);
  Scope scope(memory);
  Run run = {chip, dispatch, kernel, scope.copy(kernargs), 0, kernel.entry};
  run.packet = scope.copy(packetOf(dispatch, run.kernargs));
  if (!run.kernargs || !run.packet)
    return where + ": no memory for its arguments";
  // Firmware that preloads arguments skips the code that loads them.
  if (kernel.preload & 127)
    run.entry += 256;

  const Extent &size = dispatch.groupSize;
  const uint32_t items = size.x * size.y * size.z;
  const uint32_t waveCount = (items + chip.waveSize - 1) / chip.waveSize;
  using Row = uint32_t[kMaxLanes];
  std::vector<uint32_t> registers(uint64_t(waveCount) * 512 * kMaxLanes);
  *counterOf("launches") += 1;
  const Extent &groups = dispatch.groups;
  for (uint32_t z = 0; z < groups.z; ++z)
    for (uint32_t y = 0; y < groups.y; ++y)
      for (uint32_t x = 0; x < groups.x; ++x) {
        Group group;
        group.chip = &chip;
        group.memory = &memory;
        group.code = &code;
        group.waves = waveCount;
        group.lds.assign(kernel.groupBytes + dispatch.dynamicLdsBytes, 0xA5);
        std::vector<Wave> waves(waveCount);
        for (uint32_t w = 0; w < waveCount; ++w) {
          waves[w].group = &group;
          waves[w].chip = &chip;
          waves[w].lanes = chip.waveSize;
          waves[w].vectors = reinterpret_cast<Row *>(
              registers.data() + uint64_t(w) * 512 * kMaxLanes);
          initialWave(run, {x, y, z}, w * chip.waveSize, waves[w]);
        }
        runGroup(group, waves);
        if (group.error.empty())
          continue;
        return where + "+" + hex(group.errorPc - kernel.entry) + ": " +
               group.error;
      }
  return {};
}

} // namespace modelc::amdgpu
