// Functions that run on the CPU and, compiled by nvcc, on a GPU.
#pragma once

#if defined(__CUDACC__)
#define HOST_DEVICE inline __host__ __device__
#else
#define HOST_DEVICE inline
#endif

namespace ag {
namespace AG_ISA {
namespace {

#if defined(__CUDACC__)
HOST_DEVICE float root(float x) { return sqrtf(x); }
HOST_DEVICE double root(double x) { return sqrt(x); }
#else
HOST_DEVICE float root(float x) { return __builtin_sqrtf(x); }
HOST_DEVICE double root(double x) { return __builtin_sqrt(x); }
#endif

} // namespace
} // namespace AG_ISA
} // namespace ag
