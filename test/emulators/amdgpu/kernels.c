//===- kernels.c - Kernels of every sort, for the interpreter to run
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain C for LLVM's amdgcn target, without a device library. hip-test.cpp
// says what each must compute.
//
//===----------------------------------------------------------------------===//

#define KERNEL __attribute__((amdgpu_kernel, visibility("default")))
#define GLOBAL __attribute__((address_space(1)))
#define LOCAL                                                                  \
  static __attribute__((address_space(3), loader_uninitialized, aligned(16)))

typedef unsigned char u8;
typedef signed char i8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long u64;
typedef int v2i __attribute__((ext_vector_type(2)));
typedef int v4i __attribute__((ext_vector_type(4)));
typedef int v8i __attribute__((ext_vector_type(8)));
typedef int v16i __attribute__((ext_vector_type(16)));
typedef float v4f __attribute__((ext_vector_type(4)));
typedef float v8f __attribute__((ext_vector_type(8)));
typedef _Float16 v2h __attribute__((ext_vector_type(2)));
typedef _Float16 v4h __attribute__((ext_vector_type(4)));
typedef _Float16 v8h __attribute__((ext_vector_type(8)));
typedef _Float16 v16h __attribute__((ext_vector_type(16)));

#ifdef __GFX9__
#define WAVE 64
#else
#define WAVE 32
#endif

#define ITEM ((int)__builtin_amdgcn_workitem_id_x())
#define GROUP ((int)__builtin_amdgcn_workgroup_id_x())

static void barrier(void) {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}

static int dot4(int a, int b, int c) {
#if defined(__GFX9__) || defined(__GFX10__)
  return __builtin_amdgcn_sdot4(a, b, c, 0);
#else
  return __builtin_amdgcn_sudot4(1, a, 1, b, c, 0);
#endif
}

/// The sum of a wave, in all lanes: with DPP in a row, then across.
static int waveSum(int x) {
  x += __builtin_amdgcn_update_dpp(0, x, 0xb1, 15, 15, 1);  // quad_perm 1032
  x += __builtin_amdgcn_update_dpp(0, x, 0x4e, 15, 15, 1);  // quad_perm 2301
  x += __builtin_amdgcn_update_dpp(0, x, 0x141, 15, 15, 1); // half_mirror
  x += __builtin_amdgcn_update_dpp(0, x, 0x140, 15, 15, 1); // mirror
  x += __builtin_amdgcn_ds_swizzle(x, 0x401f);              // xor 16
#if WAVE == 64
  x = __builtin_amdgcn_readlane(x, 0) + __builtin_amdgcn_readlane(x, 32);
#endif
  return x;
}

KERNEL void vector_add(GLOBAL const float *a, GLOBAL const float *b,
                       GLOBAL float *c, int n) {
  const int i = GROUP * 64 + ITEM;
  if (i < n)
    c[i] = a[i] + b[i];
}

/// y[r] = sum of w[r][k] * x[k], one wave a row, 16 bytes a lane and step.
KERNEL void gemv_dot4(GLOBAL const v4i *w, GLOBAL const v4i *x, GLOBAL int *y,
                      int k) {
  const int row = GROUP, lane = ITEM, chunks = k / 16;
  int sum = 0;
  for (int c = lane; c < chunks; c += WAVE) {
    const v4i a = w[row * chunks + c], b = x[c];
    for (int i = 0; i < 4; ++i)
      sum = dot4(a[i], b[i], sum);
  }
  sum = waveSum(sum);
  if (lane == 0)
    y[row] = sum;
}

#ifndef __GFX10__ // it has no matrix instructions
/// Row of C that register r of a lane's sums has, for the lane's part.
static int getSumRow(int r, int part) {
#ifdef __GFX9__
  return 4 * part + r;
#elif defined(__GFX11__)
  return 2 * r + part;
#else
  return r + 8 * part;
#endif
}

/// C[16][16] = A[16][k] * B[16][k], bytes, through LDS, one wave.
KERNEL void matmul_bytes(GLOBAL const i8 *a, GLOBAL const i8 *b, GLOBAL int *c,
                         int k) {
  LOCAL i8 tileA[16 * 32];
  LOCAL i8 tileB[16 * 32];
  const int lane = ITEM, row = lane % 16, part = lane / 16;
#if WAVE == 64
  v4i sum = 0;
#else
  v8i sum = 0;
#endif
  for (int at = 0; at < k; at += 32) {
    for (int i = lane; i < 16 * 32; i += WAVE) {
      tileA[i] = a[i / 32 * k + at + i % 32];
      tileB[i] = b[i / 32 * k + at + i % 32];
    }
    barrier();
#if defined(__gfx942__) || defined(__gfx9_4_generic__)
    typedef __attribute__((address_space(3))) const long Part;
    sum = __builtin_amdgcn_mfma_i32_16x16x32_i8(
        *(Part *)(tileA + row * 32 + part * 8),
        *(Part *)(tileB + row * 32 + part * 8), sum, 0, 0, 0);
#elif defined(__gfx90a__)
    typedef __attribute__((address_space(3))) const int Part;
    for (int s = 0; s < 32; s += 16)
      sum = __builtin_amdgcn_mfma_i32_16x16x16i8(
          *(Part *)(tileA + row * 32 + s + part * 4),
          *(Part *)(tileB + row * 32 + s + part * 4), sum, 0, 0, 0);
#elif defined(__GFX11__)
    typedef __attribute__((address_space(3))) const v4i Part;
    for (int s = 0; s < 32; s += 16)
      sum = __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32(
          1, *(Part *)(tileA + row * 32 + s), 1,
          *(Part *)(tileB + row * 32 + s), sum, 0);
#else
    typedef __attribute__((address_space(3))) const v2i Part;
    for (int s = 0; s < 32; s += 16)
      sum = __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32_gfx12(
          1, *(Part *)(tileA + row * 32 + s + part * 8), 1,
          *(Part *)(tileB + row * 32 + s + part * 8), sum, 0);
#endif
    barrier();
  }
  for (int r = 0; r < 256 / WAVE; ++r) {
    c[getSumRow(r, part) * 16 + row] = sum[r];
  }
}

/// C[16][16] = A[16][16] * B[16][16], halves in memory, one wave.
KERNEL void matmul_halves(GLOBAL const _Float16 *a, GLOBAL const _Float16 *b,
                          GLOBAL float *c) {
  const int lane = ITEM, row = lane % 16, part = lane / 16;
#ifdef __GFX9__
  typedef GLOBAL const v4h Part;
  v4f sum = __builtin_amdgcn_mfma_f32_16x16x16f16(
      *(Part *)(a + row * 16 + part * 4), *(Part *)(b + row * 16 + part * 4),
      (v4f)(0), 0, 0, 0);
#elif defined(__GFX11__)
  typedef GLOBAL const v16h Part;
  v8f sum = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(
      *(Part *)(a + row * 16), *(Part *)(b + row * 16), (v8f)(0));
#else
  typedef GLOBAL const v8h Part;
  v8f sum = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(
      *(Part *)(a + row * 16 + part * 8), *(Part *)(b + row * 16 + part * 8),
      (v8f)(0));
#endif
  for (int r = 0; r < 256 / WAVE; ++r) {
    c[getSumRow(r, part) * 16 + row] = sum[r];
  }
}

#endif // __GFX10__

/// A row of n floats for each work-group of 128: exp(x - max) / sum.
KERNEL void softmax(GLOBAL const float *x, GLOBAL float *y, int n) {
  LOCAL float partial[128];
  const int item = ITEM;
  GLOBAL const float *row = x + GROUP * n;
  float largest = -__builtin_inff();
  for (int i = item; i < n; i += 128)
    largest = __builtin_fmaxf(largest, row[i]);
  partial[item] = largest;
  barrier();
  for (int step = 64; step > 0; step /= 2) {
    if (item < step)
      partial[item] = __builtin_fmaxf(partial[item], partial[item + step]);
    barrier();
  }
  largest = partial[0];
  barrier();
  float sum = 0;
  for (int i = item; i < n; i += 128) {
    const float e = __builtin_exp2f((row[i] - largest) * 1.44269504f);
    y[GROUP * n + i] = e;
    sum += e;
  }
  partial[item] = sum;
  barrier();
  for (int step = 64; step > 0; step /= 2) {
    if (item < step)
      partial[item] += partial[item + step];
    barrier();
  }
  for (int i = item; i < n; i += 128)
    y[GROUP * n + i] /= partial[0];
}

/// Pairs (x0, x1) turned by an angle, sine and cosine by polynomials.
KERNEL void rope(GLOBAL float *x, GLOBAL const float *angles, int pairs) {
  const int i = GROUP * 64 + ITEM;
  if (i >= pairs)
    return;
  float a = angles[i];
  const float turns = __builtin_rintf(a * 0.6366197723f);
  a = __builtin_fmaf(turns, -1.5707963267f, a);
  const int quadrant = (int)turns;
  const float s = a * a;
  const float sine =
      a * (1 + s * (-0.16666667f + s * (0.0083333310f + s * -0.00019840874f)));
  const float cosine =
      1 +
      s * (-0.5f + s * (0.041666638f + s * (-0.0013888378f + s * 2.47e-5f)));
  const float sn = quadrant & 1 ? cosine : sine;
  const float cs = quadrant & 1 ? sine : cosine;
  const float sign = quadrant & 2 ? -1.0f : 1.0f;
  const float signC = (quadrant + 1) & 2 ? -1.0f : 1.0f;
  const float x0 = x[2 * i], x1 = x[2 * i + 1];
  x[2 * i] = x0 * (signC * cs) - x1 * (sign * sn);
  x[2 * i + 1] = x0 * (sign * sn) + x1 * (signC * cs);
}

/// counts[v & 15] in local and counts[16 + (v & 15)] in global memory.
KERNEL void histogram(GLOBAL const u32 *values, GLOBAL u32 *counts,
                      GLOBAL u32 *largest, GLOBAL float *sum, int n) {
  LOCAL u32 local[16];
  const int item = ITEM;
  if (item < 16)
    local[item] = 0;
  barrier();
  for (int i = item; i < n; i += 256) {
    __atomic_fetch_add(&local[values[i] & 15], 1, __ATOMIC_RELAXED);
    __atomic_fetch_max(largest, values[i], __ATOMIC_RELAXED);
    __atomic_fetch_add(&counts[16 + (values[i] & 15)], 1, __ATOMIC_RELAXED);
  }
  barrier();
  if (item < 16)
    counts[item] = local[item];
  __scoped_atomic_fetch_add(sum, 1.0f, __ATOMIC_RELAXED, __MEMORY_SCOPE_DEVICE);
}

/// Steps of Collatz's problem: a loop from which lanes drop out.
KERNEL void collatz(GLOBAL const u64 *x, GLOBAL u32 *steps, int n) {
  const int i = GROUP * 64 + ITEM;
  if (i >= n)
    return;
  u64 v = x[i];
  u32 count = 0;
  while (v != 1) {
    if (v & 1)
      v = 3 * v + 1;
    else
      v >>= 1;
    ++count;
  }
  steps[i] = count;
}

/// Nibbles to halves, scaled: like dequantising.
KERNEL void unpack(GLOBAL const u8 *quants, GLOBAL const _Float16 *scales,
                   GLOBAL _Float16 *out) {
  const int i = GROUP * 64 + ITEM;
  const u8 byte = quants[i];
  const _Float16 scale = scales[i / 16];
  v2h pair = {(_Float16)((byte & 15) - 8), (_Float16)((byte >> 4) - 8)};
  pair = pair * (v2h)(scale) + (v2h)((_Float16)0.5f);
  *(GLOBAL v2h *)(out + 2 * i) = pair;
}

/// Integer arithmetic that takes many instructions.
KERNEL void integers(GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u64 *out,
                     int n) {
  const int i = GROUP * 64 + ITEM;
  if (i >= n)
    return;
  const u32 x = a[i], y = b[i] | 1;
  const u64 wide = (u64)x << 32 | b[i];
  GLOBAL u64 *to = out + 10 * i;
  to[0] = x / y;
  to[1] = (int)x % (int)y;
  to[2] = wide * (wide ^ 0x123456789abcdef) + x;
  to[3] = wide / (y | (u64)x << 7 | 1);
  to[4] = (long)wide >> (x & 63);
  to[5] = __builtin_popcountll(wide) + 100 * __builtin_clz(y) +
          10000 * __builtin_ctz(y);
  to[6] = __builtin_bitreverse32(x) ^ __builtin_bswap32(y);
  to[7] = (long)wide < (long)(y * (u64)y) ? wide : y;
  to[8] = (u16)(x + y) * (u16)(x >> 16) + (i8)y * (short)x;
  to[9] = __builtin_rotateleft32(x, y & 31) + (x >> 3 & 0x1fff);
}

/// Floats beyond sums and products.
KERNEL void floats(GLOBAL const float *a, GLOBAL const float *b,
                   GLOBAL float *out, int n) {
  const int i = GROUP * 64 + ITEM;
  if (i >= n)
    return;
  const float x = a[i], y = b[i];
  GLOBAL float *to = out + 8 * i;
  to[0] = x / y;
  to[1] = __builtin_sqrtf(x < 0 ? -x : x);
  to[2] = __builtin_floorf(x) + __builtin_truncf(y);
  to[3] = (float)((double)x * y + 0.25);
  to[4] = (float)(int)x + (float)(u32)(y < 0 ? -y : y);
  to[5] = (float)((_Float16)x + (_Float16)y);
  to[6] = __builtin_ldexpf(x, (int)y & 7);
  to[7] = __builtin_fminf(__builtin_fmaxf(x, -1.0f), y);
}

/// An array that is indexed by what is not known: scratch memory.
KERNEL void scratch(GLOBAL const int *index, GLOBAL int *out) {
  volatile int kept[24];
  for (int i = 0; i < 24; ++i)
    kept[i] = i * ITEM;
  kept[index[ITEM] & 15] += 1000;
  out[ITEM] = kept[index[ITEM + 64] & 15];
}

static const int kTable[8] = {3, 1, 4, 1, 5, 9, 2, 6};

__attribute__((noinline)) static int lookUp(int x) { return kTable[x & 7] * x; }

/// Constants in the code object, a call, and ids in three dimensions.
KERNEL void places(GLOBAL int *out) {
  const int x = (int)(__builtin_amdgcn_workgroup_id_x() * 4 +
                      __builtin_amdgcn_workitem_id_x());
  const int y = (int)(__builtin_amdgcn_workgroup_id_y() * 3 +
                      __builtin_amdgcn_workitem_id_y());
  const int z = (int)(__builtin_amdgcn_workgroup_id_z() * 2 +
                      __builtin_amdgcn_workitem_id_z());
  out[(z * 6 + y) * 8 + x] = lookUp(x + 10 * y + 100 * z);
}

/// One lane reads far outside of its memory.
KERNEL void outside(GLOBAL const int *x, GLOBAL int *out) {
  out[ITEM] = x[ITEM == 5 ? 1 << 20 : ITEM];
}

/// An instruction that is not emulated.
KERNEL void unknown(GLOBAL u64 *out) { *out = __builtin_readcyclecounter(); }
