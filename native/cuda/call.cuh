// What a CUDA kernel family receives, how it launches work, and how it presents itself (native/call.h, for this
// device).
//
// A body is a host function: it reads dimensions and attributes from the call, enqueues kernels on the call's stream
// and returns at once. Same rules as on the CPU: contiguous row-major arrays, no allocation, no atomics, reductions in
// a fixed order, so that repeated runs give the same bits. Addresses in `buffers` and `work` are device memory; `ints`
// and `reals` are host memory and travel into kernels by value.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "table.h"

// Headers shared with the CPU's kernels name their namespace so.
#define AG_ISA cuda

namespace ag {
namespace cuda {
namespace {

template <class T> const T* in(const Call& c, int k) { return static_cast<const T*>(c.buffers[k]); }
template <class T> T* out(const Call& c, int k) { return static_cast<T*>(c.buffers[k]); }

constexpr int kThreads = 256;

// What a body returns after its last launch: 0, or the negative CUDA error code.
inline int launched() { return -static_cast<int>(cudaGetLastError()); }

// Blocks for n items with one thread each. Kernels step by the whole grid, so that any n works.
inline unsigned gridOf(int64_t n, int threads = kThreads) {
  constexpr int64_t kMost = 1 << 20;
  const int64_t blocks = (n + threads - 1) / threads;
  return static_cast<unsigned>(blocks < kMost ? blocks : kMost);
}

template <class F> __global__ void __launch_bounds__(kThreads) eachKernel(int64_t n, F f) {
  const int64_t step = int64_t{gridDim.x} * kThreads;
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < n; k += step) f(k);
}

// f(k) for every k in [0, n), each by one thread: f is a `[=] __device__ (int64_t k)` lambda.
template <class F> int each(const Call& c, int64_t n, F f) {
  if (n <= 0) return 0;
  eachKernel<<<gridOf(n), kThreads, 0, static_cast<cudaStream_t>(c.stream)>>>(n, f);
  return launched();
}

template <class F> __global__ void __launch_bounds__(kThreads) eachBlockKernel(int64_t n, F f) {
  for (int64_t k = blockIdx.x; k < n; k += gridDim.x) f(k);
}

// f(k) for every k in [0, n), each by one block of kThreads threads (threadIdx.x tells them apart).
template <class F> int eachBlock(const Call& c, int64_t n, F f) {
  if (n <= 0) return 0;
  eachBlockKernel<<<gridOf(n, 1), kThreads, 0, static_cast<cudaStream_t>(c.stream)>>>(n, f);
  return launched();
}

// Joins one value per thread of a block in a fixed tree: over all threads, or over those with equal threadIdx.x % width
// (a power of two up to kThreads). The result is valid in the first `width` threads; every thread must call it.
template <class T, class Join> __device__ T joinBlock(T value, Join join, int width = 1) {
  __shared__ T part[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  part[thread] = value;
  __syncthreads();
  for (int half = kThreads / 2; half >= width; half /= 2) {
    if (thread < half) part[thread] = join(part[thread], part[thread + half]);
    __syncthreads();
  }
  const T result = part[thread];
  __syncthreads(); // the array is used again by the block's next item
  return result;
}

} // namespace
} // namespace cuda
} // namespace ag

#define CUDA_KERNEL(name)                                                                                              \
  {                                                                                                                    \
#name, name < float>, name < double>, nullptr                                                                      \
  }
#define CUDA_KERNEL_ANY(name)                                                                                          \
  {                                                                                                                    \
#name, name < float>, name < double>, name < int32_t>                                                              \
  }

// A body that is no template: it exists for operations in f64 alone.
#define CUDA_KERNEL_F64(name)                                                                                          \
  {                                                                                                                    \
#name, nullptr, name, nullptr                                                                                      \
  }

// The only symbol a cuda.cu exports, inside namespace ag::cuda: the list of its kernels.
#define CUDA_FAMILY(family, ...)                                                                                       \
  FamilyTable family_##family() {                                                                                      \
    static const Entry entries[] = {__VA_ARGS__};                                                                      \
    return {entries, static_cast<int>(sizeof(entries) / sizeof(Entry))};                                               \
  }
