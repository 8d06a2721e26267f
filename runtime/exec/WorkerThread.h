//===- WorkerThread.h - What a worker tells the system about itself
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_WORKERTHREAD_H
#define MODELC_RUNTIME_EXEC_WORKERTHREAD_H

#if defined(__APPLE__)
#include <pthread.h>
#else
#include <sys/prctl.h>
#endif

namespace modelc::rt {

/// Names the calling thread. macOS chooses between fast and slow cores by a
/// thread's class of service, and a thread without one may stay on slow ones,
/// for which all others then wait at each barrier: workers are in the class of
/// what somebody waits for.
inline void enterWorkerThread() {
#if defined(__APPLE__)
  pthread_setname_np("modelc-worker");
  pthread_set_qos_class_self_np(QOS_CLASS_USER_INITIATED, 0);
#else
  prctl(PR_SET_NAME, "modelc-worker");
#endif
}

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_WORKERTHREAD_H
