//===- TestPlan.cpp - Plans made by hand
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"
#include "modelc/checksum.h"
#include "toy-kernels.h"
#include <cstdio>
#include <cstring>
#include <elf.h>

namespace modelc::test {

[[noreturn]] static void die(const std::string &what) {
  fprintf(stderr, "test plan: %s\n", what.c_str());
  abort();
}

static uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

//===----------------------------------------------------------------------===//
// PlanBytes
//===----------------------------------------------------------------------===//

PlanBytes::PlanBytes(size_t sizeBytes) : sizeBytes(sizeBytes) {
  const size_t whole = alignUp(sizeBytes ? sizeBytes : 1, 4096);
  bytes.reset(static_cast<uint8_t *>(aligned_alloc(4096, whole)));
  memset(bytes.get(), 0, whole);
}

PlanBytes::PlanBytes(const PlanBytes &other) : PlanBytes(other.sizeBytes) {
  memcpy(bytes.get(), other.bytes.get(), sizeBytes);
}

ModelcPlanHeader &PlanBytes::header() const {
  return *reinterpret_cast<ModelcPlanHeader *>(bytes.get());
}

std::span<ModelcSection> PlanBytes::sections() const {
  return {
      reinterpret_cast<ModelcSection *>(bytes.get() + sizeof(ModelcPlanHeader)),
      header().sectionCount};
}

ModelcSection &PlanBytes::section(uint32_t kind) const {
  for (ModelcSection &section : sections())
    if (section.kind == kind)
      return section;
  die("no section of kind " + std::to_string(kind));
}

void PlanBytes::reseal() {
  if (sizeBytes < sizeof(ModelcPlanHeader))
    return;
  const uint64_t tableBytes =
      uint64_t(header().sectionCount) * sizeof(ModelcSection);
  if (tableBytes > sizeBytes - sizeof(ModelcPlanHeader))
    return;
  for (ModelcSection &section : sections())
    if (section.kind != MODELC_SECTION_WEIGHTS && section.offset <= sizeBytes &&
        section.sizeBytes <= sizeBytes - section.offset)
      section.checksum =
          modelc_crc32c(bytes.get() + section.offset, section.sizeBytes);
  header().checksum = modelc_plan_checksum(&header(), sections().data());
}

//===----------------------------------------------------------------------===//
// TestCode
//===----------------------------------------------------------------------===//

TestCode TestCode::read(const std::string &path) {
  FILE *input = fopen(path.c_str(), "rb");
  if (!input)
    die("cannot open " + path);
  TestCode code;
  uint8_t buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof(buffer), input))
    code.file.insert(code.file.end(), buffer, buffer + count);
  fclose(input);
  const auto *elf = reinterpret_cast<const Elf64_Ehdr *>(code.file.data());
  const auto *headers =
      reinterpret_cast<const Elf64_Phdr *>(code.file.data() + elf->e_phoff);
  for (int i = 0; i < elf->e_phnum; ++i)
    if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_W) == 0)
      code.segments.push_back({headers[i].p_offset, headers[i].p_vaddr,
                               headers[i].p_filesz, headers[i].p_memsz});
  return code;
}

uint64_t TestCode::address(const std::string &symbol) const {
  const auto *elf = reinterpret_cast<const Elf64_Ehdr *>(file.data());
  const auto *sections =
      reinterpret_cast<const Elf64_Shdr *>(file.data() + elf->e_shoff);
  for (int i = 0; i < elf->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_DYNSYM)
      continue;
    const auto *symbols = reinterpret_cast<const Elf64_Sym *>(
        file.data() + sections[i].sh_offset);
    const auto *names = reinterpret_cast<const char *>(
        file.data() + sections[sections[i].sh_link].sh_offset);
    for (uint64_t s = 0; s < sections[i].sh_size / sizeof(Elf64_Sym); ++s)
      if (symbol == names + symbols[s].st_name)
        return symbols[s].st_value;
  }
  die("no symbol " + symbol);
}

//===----------------------------------------------------------------------===//
// PlanBuilder
//===----------------------------------------------------------------------===//

PlanBuilder::PlanBuilder() : strings(1, '\0') {
  provenance.source = string("toy.gguf");
  provenance.compiler = string("test");
  provenance.architecture = string("toy");
  provenance.modelName = string("A toy");
  ModelcVariant variant = {};
  variant.target = string("any");
  variant.ubatch = kToyUbatch;
  variant.vocabSize = kToyVocab;
  variant.contextLength = kToyContext;
  variant.embeddingLength = 4;
  variant.layerCount = 1;
  variant.scratchBytes = 256;
  variants.push_back(variant);
}

uint32_t PlanBuilder::string(std::string_view text) {
  if (text.empty())
    return 0;
  const auto offset = uint32_t(strings.size());
  strings.insert(strings.end(), text.begin(), text.end());
  strings.push_back('\0');
  return offset;
}

uint32_t PlanBuilder::addKernel(std::string_view name, ModelcKernel function) {
  kernels.push_back({string(name), 0, 0, 0});
  functions.push_back(function);
  return uint32_t(kernels.size() - 1);
}

uint32_t PlanBuilder::addWeight(std::string_view name,
                                std::span<const uint8_t> bytes) {
  weightBytes.resize(alignUp(weightBytes.size(), MODELC_WEIGHT_ALIGN));
  ModelcWeight weight = {};
  weight.name = string(name);
  weight.layout = string("#pack.layout<...>");
  weight.checksum = modelc_weight_checksum(bytes.data(), bytes.size());
  weight.offset = weightBytes.size();
  weight.sizeBytes = bytes.size();
  weight.rank = 1;
  weight.dims[0] = bytes.size();
  for (uint64_t &dim : std::span(weight.dims).subspan(1))
    dim = 1;
  weightBytes.insert(weightBytes.end(), bytes.begin(), bytes.end());
  weights.push_back(weight);
  return uint32_t(weights.size() - 1);
}

uint32_t PlanBuilder::addState(std::string_view name, uint64_t pageBytes) {
  ModelcState state = {};
  state.name = string(name);
  state.kind = MODELC_STATE_PAGED;
  state.flags = MODELC_STATE_CAN_ROLL_BACK;
  state.pageBytes = pageBytes;
  states.push_back(state);
  return uint32_t(states.size() - 1);
}

uint64_t PlanBuilder::addConstant(std::span<const uint8_t> bytes) {
  const uint64_t offset = alignUp(constants.size(), MODELC_BUFFER_ALIGN);
  constants.resize(offset);
  constants.insert(constants.end(), bytes.begin(), bytes.end());
  return offset;
}

uint64_t PlanBuilder::addSlot(uint64_t sizeBytes) {
  uint64_t &arenaBytes = variants[0].arenaBytes;
  const uint64_t offset = arenaBytes;
  arenaBytes += alignUp(sizeBytes, MODELC_BUFFER_ALIGN);
  return offset;
}

uint64_t PlanBuilder::addLogits() {
  ModelcVariant &variant = variants[0];
  variant.logitsOffset =
      addSlot(uint64_t(variant.ubatch) * variant.vocabSize * sizeof(float));
  return variant.logitsOffset;
}

ModelcStep &PlanBuilder::addStep(std::string_view name, uint32_t kernel,
                                 std::span<const OperandSpec> stepOperands) {
  ModelcStep step = {};
  step.kernel = kernel;
  step.name = string(name);
  step.firstOperand = uint32_t(operands.size());
  step.operandCount = uint16_t(stepOperands.size());
  step.countSource = MODELC_COUNT_TOKENS;
  step.flags = MODELC_STEP_BARRIER;
  step.minCount = 1;
  step.maxCount = variants[0].ubatch;
  step.tileDivisor = 1;
  step.tileMultiplier = 1;
  for (const OperandSpec &o : stepOperands)
    operands.push_back({o.space, 0, o.index, o.offset, o.sizeBytes});
  return steps.emplace_back(step);
}

void PlanBuilder::addMetadata(std::string_view key, uint8_t type, bool isArray,
                              uint64_t count, std::span<const uint8_t> data) {
  metadataData.resize(alignUp(metadataData.size(), 8));
  metadata.push_back(
      {string(key), type, isArray, 0, count, metadataData.size(), data.size()});
  metadataData.insert(metadataData.end(), data.begin(), data.end());
}

void PlanBuilder::addMetadataStrings(std::string_view key, bool isArray,
                                     const std::vector<std::string> &values) {
  std::vector<uint64_t> offsets = {(values.size() + 1) * sizeof(uint64_t)};
  std::string characters;
  for (const std::string &value : values) {
    characters += value;
    offsets.push_back(offsets[0] + characters.size());
  }
  std::vector<uint8_t> data(offsets[0]);
  memcpy(data.data(), offsets.data(), offsets[0]);
  data.insert(data.end(), characters.begin(), characters.end());
  addMetadata(key, MODELC_META_STRING, isArray, values.size(), data);
}

void PlanBuilder::setCode(TestCode newCode) {
  code = std::move(newCode);
  for (ModelcKernelRecord &kernel : kernels)
    kernel.codeOffset = code.address(strings.data() + kernel.name);
}

PlanBytes PlanBuilder::build() const {
  struct Part {
    uint32_t kind;
    uint32_t recordBytes;
    const void *data;
    uint64_t sizeBytes;
  };
  std::vector<Part> parts;
  auto add = [&](uint32_t kind, const auto &records) {
    using Record = typename std::decay_t<decltype(records)>::value_type;
    if (!records.empty())
      parts.push_back({kind, sizeof(Record), records.data(),
                       records.size() * sizeof(Record)});
  };
  add(MODELC_SECTION_STRINGS, strings);
  parts.push_back({MODELC_SECTION_PROVENANCE, sizeof(provenance), &provenance,
                   sizeof(provenance)});
  add(MODELC_SECTION_METADATA, metadata);
  add(MODELC_SECTION_METADATA_DATA, metadataData);
  add(MODELC_SECTION_REPORT, report);
  add(MODELC_SECTION_VARIANTS, variants);
  add(MODELC_SECTION_KERNELS, kernels);
  add(MODELC_SECTION_STEPS, steps);
  add(MODELC_SECTION_OPERANDS, operands);
  add(MODELC_SECTION_STATES, states);
  add(MODELC_SECTION_CONSTANTS, constants);
  add(MODELC_SECTION_CODE_SEGMENTS, code.segments);
  add(MODELC_SECTION_CODE, code.file);
  add(MODELC_SECTION_WEIGHT_TABLE, weights);
  add(MODELC_SECTION_WEIGHTS, weightBytes);

  std::vector<ModelcSection> table;
  uint64_t end =
      sizeof(ModelcPlanHeader) + parts.size() * sizeof(ModelcSection);
  for (const Part &part : parts) {
    ModelcSection section = {};
    section.kind = part.kind;
    section.variant = part.kind >= MODELC_SECTION_KERNELS ? sectionVariant
                                                          : MODELC_ALL_VARIANTS;
    section.recordBytes = part.recordBytes;
    section.offset = alignUp(end, MODELC_PLAN_PAGE_BYTES);
    section.sizeBytes = part.sizeBytes;
    end = section.offset + section.sizeBytes;
    table.push_back(section);
  }
  PlanBytes plan(alignUp(end, MODELC_PLAN_PAGE_BYTES));
  ModelcPlanHeader &header = plan.header();
  memcpy(header.magic, MODELC_PLAN_MAGIC, sizeof(header.magic));
  header.version = MODELC_PLAN_VERSION;
  header.headerBytes = sizeof(ModelcPlanHeader);
  header.fileBytes = plan.size();
  header.sectionCount = uint32_t(table.size());
  header.sectionBytes = sizeof(ModelcSection);
  for (size_t i = 0; i < parts.size(); ++i) {
    plan.sections()[i] = table[i];
    memcpy(plan.data() + table[i].offset, parts[i].data, parts[i].sizeBytes);
  }
  plan.reseal();
  return plan;
}

//===----------------------------------------------------------------------===//
// The toy model
//===----------------------------------------------------------------------===//

static std::vector<uint8_t> toyBias() {
  std::vector<uint8_t> bytes(kToyVocab * sizeof(float));
  for (uint32_t v = 0; v < kToyVocab; ++v) {
    const float bias = 0.25f * float(v * 5 % kToyVocab);
    memcpy(bytes.data() + v * sizeof(float), &bias, sizeof(bias));
  }
  return bytes;
}

PlanBuilder makeToyPlan() {
  PlanBuilder plan;
  const uint32_t append = plan.addKernel("toy_append", toy_append);
  const uint32_t fold = plan.addKernel("toy_fold", toy_fold);
  const uint32_t logits = plan.addKernel("toy_logits", toy_logits);
  const uint32_t ids = plan.addState("ids", 64 * sizeof(uint32_t));
  const uint32_t positions = plan.addState("positions", 64 * sizeof(uint16_t));
  const uint32_t multiplier = kToyMultiplier;
  const uint64_t constant = plan.addConstant(bytesOf(multiplier));
  const uint8_t first[] = {1, 2, 3, 4, 5};
  plan.addWeight("first", first);
  const uint32_t bias = plan.addWeight("bias", toyBias());
  const uint64_t foldsBytes = kToyUbatch * sizeof(uint32_t);
  const uint64_t folds = plan.addSlot(foldsBytes);
  const uint64_t logitsBytes = kToyUbatch * kToyVocab * sizeof(float);
  const uint64_t logitsSlot = plan.addLogits();

  const OperandSpec idsOperand = {MODELC_SPACE_STATE, ids, 0, 256};
  const OperandSpec positionsOperand = {MODELC_SPACE_STATE, positions, 0, 128};
  const OperandSpec foldsOperand = {MODELC_SPACE_ARENA, 0, folds, foldsBytes};
  const OperandSpec appendOperands[] = {idsOperand, positionsOperand};
  plan.addStep("append", append, appendOperands);
  const OperandSpec foldOperands[] = {
      idsOperand,
      positionsOperand,
      {MODELC_SPACE_CONSTANTS, 0, constant, sizeof(multiplier)},
      foldsOperand};
  plan.addStep("fold", fold, foldOperands).countSource = MODELC_COUNT_OUTPUTS;
  const OperandSpec logitsOperands[] = {
      foldsOperand,
      {MODELC_SPACE_WEIGHTS, bias, 0, kToyVocab * sizeof(float)},
      {MODELC_SPACE_ARENA, 0, logitsSlot, logitsBytes}};
  // Two regimes by the number of outputs.
  for (const char *name : {"logits.one", "logits.many"}) {
    ModelcStep &step = plan.addStep(name, logits, logitsOperands);
    step.countSource = MODELC_COUNT_OUTPUTS;
    step.tileMultiplier = kToyVocab / kToyTileColumns;
    step.bytesFixed = kToyVocab * sizeof(float);
    step.opsPerCount = kToyVocab;
  }
  plan.steps[plan.steps.size() - 2].maxCount = 1;
  plan.steps[plan.steps.size() - 1].minCount = 2;

  const uint32_t contextLength = kToyContext;
  plan.addMetadata("toy.context_length", MODELC_META_U32, false, 1,
                   bytesOf(contextLength));
  plan.addMetadataStrings("general.name", false, {"A toy"});
  plan.addMetadataStrings("tokenizer.ggml.tokens", true, {"a", "", "bcd"});
  ModelcReportRow row = {};
  row.tensor = plan.string("bias");
  row.rank = 1;
  row.dims[0] = kToyVocab;
  row.dims[1] = row.dims[2] = row.dims[3] = 1;
  plan.report.push_back(row);
  return plan;
}

void addToyCode(PlanBuilder &plan, const std::string &path) {
  plan.setCode(TestCode::read(path));
}

void makeHip(PlanBuilder &plan, std::string_view target, uint16_t groupThreads,
             std::vector<uint8_t> codeObject) {
  plan.variants[0].target = plan.string(target);
  plan.variants[0].deviceKind = MODELC_DEVICE_HIP;
  plan.code.file = std::move(codeObject);
  for (ModelcKernelRecord &kernel : plan.kernels) {
    const std::string name = plan.strings.data() + kernel.name;
    kernel.name = plan.string("hip" + name.substr(name.find('_')));
    kernel.groupThreads = groupThreads;
    kernel.groupTiles = 1;
  }
  plan.functions.clear();
}

std::vector<uint8_t> makeCodeObject() {
  constexpr uint16_t kAmdGpu = 224, kSections = 2;
  constexpr uint8_t kHsa = 64;
  std::vector<uint8_t> file(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) +
                            kSections * sizeof(Elf64_Shdr) + 64);
  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_OSABI] = kHsa;
  header.e_machine = kAmdGpu;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  header.e_shoff = header.e_phoff + sizeof(Elf64_Phdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSections;
  Elf64_Phdr program = {};
  program.p_type = PT_LOAD;
  program.p_offset = file.size() - 64;
  program.p_filesz = program.p_memsz = 64;
  Elf64_Shdr section = {};
  section.sh_type = SHT_PROGBITS;
  section.sh_offset = program.p_offset;
  section.sh_size = 64;
  memcpy(file.data(), &header, sizeof(header));
  memcpy(file.data() + header.e_phoff, &program, sizeof(program));
  memcpy(file.data() + header.e_shoff + sizeof(section), &section,
         sizeof(section));
  return file;
}

float toyLogit(std::span<const int32_t> tokens, uint32_t v) {
  uint32_t fold = 0;
  for (size_t p = 0; p < tokens.size(); ++p)
    fold = (fold * kToyMultiplier + 7 * uint32_t(tokens[p]) + uint32_t(p)) %
           kToyModulus;
  return float(fold) + 0.25f * float(v * 5 % kToyVocab);
}

} // namespace modelc::test
