// Sums and largest values over a row by one block: every thread must call them, and every thread gets the result. Each
// thread takes every 256th element in order; partial results are joined in a fixed tree.
#pragma once
#include "call.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> __device__ T everywhere(T value) {
  __shared__ T held;
  if (threadIdx.x == 0) held = value;
  __syncthreads();
  const T result = held;
  __syncthreads(); // it is used again
  return result;
}

// The sum of f(k) over k in [0, n).
template <class T, class F> __device__ T sumRow(int64_t n, F f) {
  T sum = 0;
  for (int64_t k = threadIdx.x; k < n; k += kThreads) sum += f(k);
  return everywhere(joinBlock(sum, [](T a, T b) { return a + b; }));
}

// The largest of `least` and f(k) over k in [0, n).
template <class T, class F> __device__ T largestOfRow(int64_t n, T least, F f) {
  T largest = least;
  for (int64_t k = threadIdx.x; k < n; k += kThreads) {
    const T x = f(k);
    largest = x > largest ? x : largest;
  }
  return everywhere(joinBlock(largest, [](T a, T b) { return a > b ? a : b; }));
}

template <class F> __device__ void eachOfRow(int64_t n, F f) {
  for (int64_t k = threadIdx.x; k < n; k += kThreads) f(k);
}

} // namespace
} // namespace cuda
} // namespace ag
