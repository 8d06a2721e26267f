//===- Pch.cpp - Holds the precompiled header -----------------------------===//
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The library that owns the precompiled header needs one source.
//
//===----------------------------------------------------------------------===//

#include "compiler/support/Pch.h"
