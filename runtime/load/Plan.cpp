//===- Plan.cpp - Opening a plan, and asking about it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   path ==> map the file > read and check its tables > choose the variant >
//            let go of the others' > map its code, or put code and weights on
//            the GPU > modelc_plan
//
// Behind all of load/ and device/ (test/lint/check-includes.py).
//
// The part of modelc.h that is about plans. Whatever fails on the way leaves
// nothing behind. Every byte but those of weights has been checked when
// modelc_open returns; on a CPU the weights have not even been read.
//
//===----------------------------------------------------------------------===//

#include "load/Plan.h"
#include "device/HipPlan.h"
#include "load/CpuFeatures.h"
#include "load/ReadPlan.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace modelc::rt;

namespace {
/// Owns a file descriptor.
class File {
public:
  /// O_NONBLOCK: opening a FIFO must not wait for its writer.
  explicit File(const char *path)
      : fd(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  ~File() {
    if (fd >= 0)
      close(fd);
  }
  const int fd;
};
} // namespace

static void setName(modelc_plan *plan, const char *path);
static modelc_code mapPlanFile(const File &file, modelc_plan *plan,
                               const Reporter &report);
static modelc_code useVariant(modelc_plan *plan, uint32_t candidates,
                              const Reporter &report);
static bool isForHip(const modelc_plan *plan);
static modelc_code openOnHip(modelc_plan *plan, const Reporter &report);
static void forgetOthers(const modelc_plan &plan);
static modelc_code mapCode(const File &file, modelc_plan *plan,
                           const Reporter &report);

modelc_code modelc_open(const char *path, const modelc_open_options *options,
                        modelc_plan **out_plan, modelc_status *status) {
  Owned<modelc_plan> plan = makeOwned<modelc_plan>();
  if (!plan)
    return Reporter(path, status)
        .fail(MODELC_RESOURCE_EXHAUSTED, "no memory to open it");
  setName(plan.get(), path);
  const Reporter report(plan->name, status);
  if (options)
    for (uint32_t word : options->reserved)
      if (word != 0)
        return report.fail(MODELC_INVALID_ARGUMENT,
                           "modelc_open_options.reserved is not zero");

  const File file(path);
  if (modelc_code code = mapPlanFile(file, plan.get(), report))
    return code;
  const std::span<const uint8_t> bytes(plan->file.data(), plan->file.size());
  if (modelc_code code = readPlan(bytes, ReadOptions(), report, &plan->tables))
    return code;
  const auto variantCount = uint32_t(plan->tables.variants.size());
  if (modelc_code code = useVariant(plan.get(), variantCount, report))
    return code;
  forgetOthers(*plan);
  if (!isForHip(plan.get()))
    if (modelc_code code = mapCode(file, plan.get(), report))
      return code;
  if (options && options->verifyWeights)
    if (modelc_code code = verifyWeights(plan->tables, report))
      return code;
  if (isForHip(plan.get()))
    if (modelc_code code = openOnHip(plan.get(), report))
      return code;
  *out_plan = plan.release();
  return succeed(status);
}

modelc_code modelc_open_memory(const void *bytes, size_t sizeBytes,
                               const ModelcKernel *kernels, size_t kernelCount,
                               modelc_plan **out_plan, modelc_status *status) {
  Owned<modelc_plan> plan = makeOwned<modelc_plan>();
  if (!plan)
    return Reporter("plan in memory", status)
        .fail(MODELC_RESOURCE_EXHAUSTED, "no memory to open it");
  setName(plan.get(), "plan in memory");
  const Reporter report(plan->name, status);
  ReadOptions options;
  options.codeIsOptional = true;
  if (modelc_code code =
          readPlan({static_cast<const uint8_t *>(bytes), sizeBytes}, options,
                   report, &plan->tables))
    return code;
  if (modelc_code code = useVariant(plan.get(), 1, report))
    return code;
  const bool hasOwnCode = isForHip(plan.get());
  const size_t expected = hasOwnCode ? 0 : plan->variant.kernels.size();
  if (kernelCount != expected)
    return report.fail(MODELC_INVALID_ARGUMENT,
                       "%zu kernels given, its first variant %s %zu",
                       kernelCount, hasOwnCode ? "takes" : "has", expected);
  if (hasOwnCode)
    if (modelc_code code = openOnHip(plan.get(), report))
      return code;
  if (!plan->kernels.allocate(kernelCount))
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory for %zu kernels",
                       kernelCount);
  for (size_t i = 0; i < kernelCount; ++i)
    plan->kernels[i] = kernels[i];
  *out_plan = plan.release();
  return succeed(status);
}

static void setName(modelc_plan *plan, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *base = slash ? slash + 1 : path;
  strncpy(plan->name, base, sizeof(plan->name) - 1);
}

static modelc_code mapPlanFile(const File &file, modelc_plan *plan,
                               const Reporter &report) {
  if (file.fd < 0) {
    const int error = errno;
    const modelc_code code =
        error == ENOENT || error == ENOTDIR  ? MODELC_NOT_FOUND
        : error == EACCES || error == EPERM  ? MODELC_PERMISSION_DENIED
        : error == ENFILE || error == EMFILE ? MODELC_RESOURCE_EXHAUSTED
                                             : MODELC_INVALID_ARGUMENT;
    return report.fail(code, "cannot open: %s", strerror(error));
  }
  struct stat facts;
  if (fstat(file.fd, &facts) != 0)
    return report.fail(MODELC_INTERNAL, "cannot stat: %s", strerror(errno));
  if (!S_ISREG(facts.st_mode))
    return report.fail(MODELC_INVALID_ARGUMENT, "not a regular file");
  if (facts.st_size < off_t(sizeof(ModelcPlanHeader)))
    return report.damaged("has %ld bytes, a plan has at least %zu",
                          long(facts.st_size), sizeof(ModelcPlanHeader));
  if (!plan->file.mapFile(file.fd, uint64_t(facts.st_size)))
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "cannot map: %s",
                       strerror(errno));
  return MODELC_OK;
}

static bool isForHip(const modelc_plan *plan) {
  return plan->variant.variant->deviceKind == MODELC_DEVICE_HIP;
}

static modelc_code openOnHip(modelc_plan *plan, const Reporter &report) {
  plan->hip = makeOwned<HipPlan>();
  if (!plan->hip)
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory to open it");
  return plan->hip->open(plan->tables, plan->variant, report);
}

/// Chooses among the first `candidates` variants, and asks for what the chosen
/// one needs of the kernel.
static modelc_code useVariant(modelc_plan *plan, uint32_t candidates,
                              const Reporter &report) {
  VariantChoice choice;
  if (modelc_code code = chooseVariant(plan->tables, candidates,
                                       detectCpuFeatures(), report, &choice))
    return code;
  plan->variantIndex = choice.variant;
  plan->variant = plan->tables.variantTables(choice.variant);
  const char *target = plan->tables.string(plan->variant.variant->target);
  if (choice.lacksDevice)
    plan->warning.code =
        Reporter(plan->name, &plan->warning)
            .fail(MODELC_FAILED_PRECONDITION, "falls back to %s: %s", target,
                  choice.passedOver);
  if (!needsAmx(plan->variant.variant->features) || cpuFeaturesAreForced())
    return MODELC_OK;
  const int error = requestAmxPermission();
  if (error == 0)
    return MODELC_OK;
  return report.fail(MODELC_FAILED_PRECONDITION,
                     "the kernel does not permit AMX: arch_prctl: %s",
                     strerror(error));
}

/// The checks have read tables and code of all variants.
static void forgetOthers(const modelc_plan &plan) {
  for (const ModelcSection &section : plan.tables.sections)
    if (section.variant != MODELC_ALL_VARIANTS &&
        section.variant != plan.variantIndex)
      plan.file.forget(section.offset,
                       alignUp(section.sizeBytes, MODELC_PLAN_PAGE_BYTES));
}

static modelc_code mapCode(const File &file, modelc_plan *plan,
                           const Reporter &report) {
  const ModelcSection *section =
      plan->tables.find(MODELC_SECTION_CODE, plan->variantIndex);
  if (modelc_code code =
          plan->code.map(file.fd, section->offset, plan->variant, report))
    return code;
  const auto records = plan->variant.kernels;
  if (!plan->kernels.allocate(records.size()))
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory for %zu kernels",
                       records.size());
  for (size_t i = 0; i < records.size(); ++i)
    plan->kernels[i] = reinterpret_cast<ModelcKernel>(
        const_cast<uint8_t *>(plan->code.address(records[i].codeOffset)));
  return MODELC_OK;
}

modelc_code modelc_verify(const modelc_plan *plan, modelc_status *status) {
  if (modelc_code code =
          verifyWeights(plan->tables, Reporter(plan->name, status)))
    return code;
  return succeed(status);
}

void modelc_close(modelc_plan *plan) { Owned<modelc_plan> dead(plan); }

const char *modelc_plan_device(const modelc_plan *plan) {
  return plan->hip ? plan->hip->device().name : nullptr;
}

const char *modelc_plan_warning(const modelc_plan *plan) {
  return plan->warning.message;
}

void modelc_plan_get_info(const modelc_plan *plan, modelc_plan_info *out_info) {
  const PlanTables &tables = plan->tables;
  const ModelcVariant &variant = *plan->variant.variant;
  *out_info = {};
  out_info->target = tables.string(variant.target);
  out_info->architecture = tables.string(tables.provenance->architecture);
  out_info->modelName = tables.string(tables.provenance->modelName);
  out_info->vocabSize = variant.vocabSize;
  out_info->contextLength = variant.contextLength;
  out_info->embeddingLength = variant.embeddingLength;
  out_info->layerCount = variant.layerCount;
  out_info->ubatch = variant.ubatch;
  out_info->weightBytes = modelc_used_weight_bytes(
      plan->variant.weights.data(), plan->variant.weights.size());
  out_info->arenaBytes = variant.arenaBytes;
  out_info->scratchBytes = variant.scratchBytes;
  for (const ModelcState &state : plan->variant.states) {
    out_info->stateBytesPerToken += state.pageBytes / MODELC_PAGE_TOKENS +
                                    (state.pageBytes % MODELC_PAGE_TOKENS != 0);
    out_info->stateBytesPerSequence += state.sequenceBytes;
  }
}

modelc_code modelc_plan_metadata(const modelc_plan *plan, const char *key,
                                 modelc_metadata *out_value,
                                 modelc_status *status) {
  const PlanTables &tables = plan->tables;
  for (const ModelcMetadata &record : tables.metadata) {
    if (strcmp(tables.string(record.key), key) != 0)
      continue;
    out_value->type = record.type;
    out_value->isArray = record.isArray;
    out_value->count = record.count;
    out_value->data = tables.metadataData.data() + record.dataOffset;
    return succeed(status);
  }
  return Reporter(plan->name, status)
      .fail(MODELC_NOT_FOUND, "metadata has no key %s", key);
}

modelc_code modelc_metadata_string(const modelc_metadata *value, uint64_t index,
                                   const char **out_data, size_t *out_bytes) {
  if (value->type != MODELC_META_STRING)
    return MODELC_INVALID_ARGUMENT;
  if (index >= value->count)
    return MODELC_OUT_OF_RANGE;
  const auto *offsets = static_cast<const uint64_t *>(value->data);
  *out_data = static_cast<const char *>(value->data) + offsets[index];
  *out_bytes = size_t(offsets[index + 1] - offsets[index]);
  return MODELC_OK;
}
