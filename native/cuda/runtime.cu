#include "runtime.h"

#include <cuda_runtime.h>

namespace ag {
namespace cuda {

bool present() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

const char* errorText(int code) { return cudaGetErrorString(static_cast<cudaError_t>(code)); }

Runtime::~Runtime() {
  // At the end of the process the driver may be gone already: what these calls return does not matter any more.
  for (auto& block : memory_)
    if (block.address) cudaFree(block.address);
  if (stream_) cudaStreamDestroy(static_cast<cudaStream_t>(stream_));
}

int Runtime::open(int ordinal) {
  cudaDeviceProp properties;
  cudaError_t error = cudaGetDeviceProperties(&properties, ordinal);
  if (error == cudaSuccess) error = cudaSetDevice(ordinal);
  cudaStream_t stream = nullptr;
  if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  if (error != cudaSuccess) {
    cudaGetLastError(); // forgets it, so that the next launch does not report it again
    return error;
  }
  stream_ = stream;
  name_ = properties.name;
  return 0;
}

int Runtime::allocate(size_t bytes, int* slot) {
  void* address = nullptr;
  const cudaError_t error = cudaMalloc(&address, bytes);
  if (error != cudaSuccess) {
    cudaGetLastError();
    return error;
  }
  if (free_.empty()) {
    memory_.push_back({address, bytes});
    *slot = static_cast<int>(memory_.size()) - 1;
    return 0;
  }
  *slot = free_.back();
  free_.pop_back();
  memory_[static_cast<size_t>(*slot)] = {address, bytes};
  return 0;
}

int Runtime::free(int slot) {
  auto& block = memory_[static_cast<size_t>(slot)];
  // Waits until no kernel uses the memory.
  const cudaError_t error = cudaFree(block.address);
  block = {nullptr, 0};
  free_.push_back(slot);
  return error;
}

int Runtime::toDevice(int slot, const void* host, size_t bytes) {
  // Pageable host memory is read before the call returns: the caller may change it at once.
  return cudaMemcpyAsync(at(slot), host, bytes, cudaMemcpyHostToDevice, static_cast<cudaStream_t>(stream_));
}

int Runtime::toHost(int slot, void* host, size_t bytes) {
  const auto stream = static_cast<cudaStream_t>(stream_);
  const cudaError_t error = cudaMemcpyAsync(host, at(slot), bytes, cudaMemcpyDeviceToHost, stream);
  return error != cudaSuccess ? error : cudaStreamSynchronize(stream);
}

int Runtime::fill(int slot, int byte) {
  return cudaMemsetAsync(at(slot), byte, bytes(slot), static_cast<cudaStream_t>(stream_));
}

} // namespace cuda
} // namespace ag
