//===- PlanInterfaces.td - Interfaces of the plan dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PLAN_PLANINTERFACES_TD
#define MODELC_DIALECTS_PLAN_PLANINTERFACES_TD

include "mlir/IR/OpBase.td"

// A specification says all that an emitter needs beside the target. Its
// operands stand in the order given in its description, which is the order of
// ModelcKernelParams.operands and of plan.step.
def Plan_KernelSpecInterface : AttrInterface<"KernelSpecInterface"> {
  let cppNamespace = "::modelc::plan";
  let description = [{
    What all kernel specifications answer. Names of kernels are made of what
    they answer here, so two steps with equal specifications share a kernel.
  }];
  let methods = [
    InterfaceMethod<[{
      What a kernel does to each operand, in order.
    }], "::llvm::SmallVector<::modelc::plan::Access>", "getAccesses">,
    InterfaceMethod<[{
      The kernel's name without the target's suffix, for instance
      `mc_matmul_q4_0_i8_f32_12x16x32_n2048_k2048_residual`.
    }], "std::string", "getKernelName">,
    InterfaceMethod<[{
      Bytes of ModelcKernelParams.scratch that the kernel uses.
    }], "int64_t", "getScratchBytes", (ins), [{}], [{ return 0; }]>
  ];
}

#endif // MODELC_DIALECTS_PLAN_PLANINTERFACES_TD
