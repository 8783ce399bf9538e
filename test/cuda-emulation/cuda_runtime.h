// The part of the CUDA runtime this project uses, emulated on the host, so that every cuda.cu runs through the op
// matrix on machines without a GPU. Launches wait until a copy or a synchronisation asks for results, as on the device:
// a kernel that looks at host memory finds it changed. The threads of a block are fibers that take turns at
// __syncthreads; blocks and threads run forwards and backwards in turn, so that a missing barrier shows as different
// bits.
#pragma once
#include <math.h>

#include <cstddef>
#include <cstdint>
#include <functional>

#define __device__
#define __host__
#define __global__
#define __shared__ static
#define __launch_bounds__(...)
#define __forceinline__ inline

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
extern dim3 threadIdx, blockIdx, blockDim, gridDim;
void __syncthreads();

// All warps of a block must shuffle equally often.
template <class T> T __shfl_xor_sync(unsigned, T value, int mask) {
  static T given[1024];
  given[threadIdx.x] = value;
  __syncthreads();
  const T other = given[threadIdx.x ^ static_cast<unsigned>(mask)];
  __syncthreads();
  return other;
}

enum cudaError_t { cudaSuccess = 0, cudaErrorMemoryAllocation = 2 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum { cudaStreamNonBlocking = 1 };
using cudaStream_t = void*;
struct cudaDeviceProp {
  char name[256];
};

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int ordinal);
cudaError_t cudaSetDevice(int ordinal);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t code);
cudaError_t cudaMalloc(void** address, size_t bytes);
cudaError_t cudaFree(void* address);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* address, int byte, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);

namespace emulation {

void enqueue(unsigned grid, unsigned block, std::function<void()> thread);

// kernel<<<grid, block, shared, stream>>>(args...) is rewritten to launcher(kernel, grid, block, shared,
// stream)(args...).
template <class K> auto launcher(K kernel, unsigned grid, unsigned block, size_t = 0, cudaStream_t = nullptr) {
  return [=](auto... args) { enqueue(grid, block, [=] { kernel(args...); }); };
}

} // namespace emulation
