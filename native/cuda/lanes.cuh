// Rows too short for a block: a warp of 32 threads each, eight rows a block.
#pragma once
#include "call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kLanes = 32, kBlockRows = kThreads / kLanes;

__device__ inline int laneOfWarp() { return static_cast<int>(threadIdx.x) % kLanes; }
__device__ inline int warpOfBlock() { return static_cast<int>(threadIdx.x) / kLanes; }

// Joins one value per lane in a fixed tree; every lane gets the result. `join` must not care which comes first. All
// warps of a block must call it equally often.
template <class T, class Join> __device__ T joinLanes(T value, Join join) {
#pragma unroll
  for (int mask = kLanes / 2; mask > 0; mask /= 2) value = join(value, __shfl_xor_sync(0xffffffffu, value, mask));
  return value;
}

} // namespace
} // namespace cuda
} // namespace ag
