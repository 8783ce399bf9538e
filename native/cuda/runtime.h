// One CUDA device as one Node environment uses it: numbered memory, one stream, the table of kernels. Free of CUDA
// headers. Every function that can fail returns 0 or a cudaError_t; errors of kernels that were enqueued come out of
// later calls.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "table.h"

namespace ag {
namespace cuda {

bool present();                      // a driver and at least one device are here
const char* errorText(int code);     // of a cudaError_t
std::vector<FamilyTable> families(); // the tables of every cuda.cu (generated list)

class Runtime {
public:
  Runtime() = default;
  ~Runtime();
  Runtime(const Runtime&) = delete;

  int open(int ordinal); // chooses the device for this thread and makes the stream
  bool isOpen() const { return stream_ != nullptr; }
  const std::string& name() const { return name_; }

  int allocate(size_t bytes, int* slot);
  int free(int slot);
  int toDevice(int slot, const void* host, size_t bytes);
  int toHost(int slot, void* host, size_t bytes); // waits for everything enqueued before
  int fill(int slot, int byte);

  void* at(int slot) const { return slot < 0 ? nullptr : memory_[static_cast<size_t>(slot)].address; }
  size_t bytes(int slot) const { return memory_[static_cast<size_t>(slot)].bytes; }
  bool holds(int64_t slot) const {
    return slot >= 0 && slot < static_cast<int64_t>(memory_.size()) && memory_[static_cast<size_t>(slot)].address;
  }
  void* stream() const { return stream_; }

private:
  struct Block {
    void* address;
    size_t bytes;
  };
  std::vector<Block> memory_;
  std::vector<int> free_; // numbers to use again
  void* stream_ = nullptr;
  std::string name_;
};

} // namespace cuda
} // namespace ag
