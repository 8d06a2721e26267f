//===- HipStream.cpp - Streams, events and graphs of the stand-in library
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stream does its work at once, so streams are always in order and waiting
// takes no time. A stream that records keeps the work for a graph.
//
//===----------------------------------------------------------------------===//

#include "HipState.h"

#include <chrono>

namespace modelc::amdgpu {

HipStream *streamOf(hipStream_t handle) {
  HipState &state = hipState();
  if (!handle)
    return &state.defaultStream;
  return state.streams.count(handle) ? handle : nullptr;
}

hipError_t submit(HipStream &stream, std::function<hipError_t()> work) {
  if (!stream.capture)
    return work();
  stream.capture->work.push_back(std::move(work));
  return hipSuccess;
}

} // namespace modelc::amdgpu

using namespace modelc::amdgpu;

/// Ends what one of the state's sets has.
template <typename T> static hipError_t destroy(std::set<T *> &all, T *handle) {
  if (!all.erase(handle))
    return leave(hipErrorInvalidHandle);
  delete handle;
  return hipSuccess;
}

hipError_t hipStreamCreate(hipStream_t *stream) {
  return hipStreamCreateWithFlags(stream, 0);
}

hipError_t hipStreamCreateWithFlags(hipStream_t *stream, unsigned flags) {
  HIP_ENTER(hipStreamCreateWithFlags);
  if (!stream || flags > 1)
    return leave(hipErrorInvalidValue);
  *stream = *state.streams.insert(new HipStream).first;
  return hipSuccess;
}

hipError_t hipStreamDestroy(hipStream_t stream) {
  HIP_ENTER(hipStreamDestroy);
  return destroy(state.streams, stream);
}

hipError_t hipStreamSynchronize(hipStream_t handle) {
  HIP_ENTER(hipStreamSynchronize);
  HipStream *stream = streamOf(handle);
  if (!stream)
    return leave(hipErrorInvalidHandle);
  if (!stream->capture)
    return hipSuccess;
  stream->invalid = true;
  return leave(hipErrorStreamCaptureUnsupported);
}

hipError_t hipStreamQuery(hipStream_t stream) {
  return hipStreamSynchronize(stream);
}

hipError_t hipStreamWaitEvent(hipStream_t stream, hipEvent_t event, unsigned) {
  HIP_ENTER(hipStreamWaitEvent);
  return leave(streamOf(stream) && state.events.count(event)
                   ? hipSuccess
                   : hipErrorInvalidHandle);
}

hipError_t hipEventCreate(hipEvent_t *event) {
  return hipEventCreateWithFlags(event, 0);
}

hipError_t hipEventCreateWithFlags(hipEvent_t *event, unsigned) {
  HIP_ENTER(hipEventCreateWithFlags);
  if (!event)
    return leave(hipErrorInvalidValue);
  *event = *state.events.insert(new HipEvent).first;
  return hipSuccess;
}

hipError_t hipEventDestroy(hipEvent_t event) {
  HIP_ENTER(hipEventDestroy);
  return destroy(state.events, event);
}

hipError_t hipEventRecord(hipEvent_t event, hipStream_t handle) {
  HIP_ENTER(hipEventRecord);
  HipStream *stream = streamOf(handle);
  if (!stream || !state.events.count(event))
    return leave(hipErrorInvalidHandle);
  if (stream->capture)
    return hipSuccess;
  event->recorded = true;
  event->milliseconds = std::chrono::duration<double, std::milli>(
                            std::chrono::steady_clock::now().time_since_epoch())
                            .count();
  return hipSuccess;
}

hipError_t hipEventSynchronize(hipEvent_t event) {
  HIP_ENTER(hipEventSynchronize);
  return leave(state.events.count(event) ? hipSuccess : hipErrorInvalidHandle);
}

hipError_t hipEventQuery(hipEvent_t event) {
  return hipEventSynchronize(event);
}

hipError_t hipEventElapsedTime(float *milliseconds, hipEvent_t begin,
                               hipEvent_t end) {
  HIP_ENTER(hipEventElapsedTime);
  if (!milliseconds)
    return leave(hipErrorInvalidValue);
  if (!state.events.count(begin) || !state.events.count(end) ||
      !begin->recorded || !end->recorded)
    return leave(hipErrorInvalidHandle);
  *milliseconds = float(end->milliseconds - begin->milliseconds);
  return hipSuccess;
}

hipError_t hipStreamBeginCapture(hipStream_t stream, int mode) {
  HIP_ENTER(hipStreamBeginCapture);
  // The default stream cannot record.
  if (!stream)
    return leave(hipErrorStreamCaptureUnsupported);
  if (!state.streams.count(stream))
    return leave(hipErrorInvalidHandle);
  if (mode < 0 || mode > 2 || stream->capture)
    return leave(hipErrorInvalidValue);
  stream->capture = std::make_unique<HipGraph>();
  stream->invalid = false;
  return hipSuccess;
}

hipError_t hipStreamEndCapture(hipStream_t stream, hipGraph_t *graph) {
  HIP_ENTER(hipStreamEndCapture);
  if (!graph)
    return leave(hipErrorInvalidValue);
  if (!state.streams.count(stream) || !stream->capture)
    return leave(hipErrorInvalidHandle);
  std::unique_ptr<HipGraph> recorded = std::move(stream->capture);
  *graph = nullptr;
  if (stream->invalid)
    return leave(hipErrorStreamCaptureInvalidated);
  *graph = *state.graphs.insert(recorded.release()).first;
  return hipSuccess;
}

hipError_t hipGraphInstantiate(hipGraphExec_t *exec, hipGraph_t graph,
                               hipGraphNode_t *, char *, size_t) {
  HIP_ENTER(hipGraphInstantiate);
  if (!exec)
    return leave(hipErrorInvalidValue);
  if (!state.graphs.count(graph))
    return leave(hipErrorInvalidHandle);
  *exec = *state.execs.insert(new HipGraphExec{*graph}).first;
  return hipSuccess;
}

hipError_t hipGraphLaunch(hipGraphExec_t exec, hipStream_t handle) {
  HIP_ENTER(hipGraphLaunch);
  HipStream *stream = streamOf(handle);
  if (!stream || !state.execs.count(exec))
    return leave(hipErrorInvalidHandle);
  for (const std::function<hipError_t()> &work : exec->graph.work) {
    if (hipError_t failed = submit(*stream, work))
      return leave(failed);
    if (state.broken)
      break;
  }
  return hipSuccess;
}

hipError_t hipGraphExecDestroy(hipGraphExec_t exec) {
  HIP_ENTER(hipGraphExecDestroy);
  return destroy(state.execs, exec);
}

hipError_t hipGraphDestroy(hipGraph_t graph) {
  HIP_ENTER(hipGraphDestroy);
  return destroy(state.graphs, graph);
}
