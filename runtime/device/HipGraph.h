//===- HipGraph.h - Launches that are recorded once
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_DEVICE_HIPGRAPH_H
#define MODELC_RUNTIME_DEVICE_HIPGRAPH_H

#include "device/HipStream.h"

namespace modelc::rt {

/// A graph of launches, which HIP replays at once.
class HipGraph {
public:
  HipGraph() = default;
  HipGraph(const HipGraph &) = delete;
  HipGraph &operator=(const HipGraph &) = delete;
  ~HipGraph() {
    if (exec)
      hip->hipGraphExecDestroy(exec);
  }

  /// Records what `work` gives to the stream, without doing it. Returns ok().
  template <typename Work> bool capture(HipStream *stream, Work work) {
    hip = &stream->hip();
    if (!stream->ok() ||
        !stream->check("hipStreamBeginCapture",
                       hip->hipStreamBeginCapture(stream->handle(),
                                                  kHipCaptureThreadLocal)))
      return false;
    work();
    // Also after a failure, or the stream would go on recording.
    HipGraphHandle recorded = nullptr;
    stream->check("hipStreamEndCapture",
                  hip->hipStreamEndCapture(stream->handle(), &recorded));
    if (stream->ok())
      stream->check(
          "hipGraphInstantiate",
          hip->hipGraphInstantiate(&exec, recorded, nullptr, nullptr, 0));
    if (recorded)
      hip->hipGraphDestroy(recorded);
    return stream->ok();
  }

  bool launch(HipStream *stream) const {
    return stream->ok() &&
           stream->check("hipGraphLaunch",
                         hip->hipGraphLaunch(exec, stream->handle()));
  }

private:
  const HipLibrary *hip = nullptr;
  HipGraphExecHandle exec = nullptr;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_DEVICE_HIPGRAPH_H
