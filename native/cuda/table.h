// The CUDA side's call and kernel table, free of CUDA headers: the addon's C++ sees only this and runtime.h.
#pragma once
#include <cstdint>

namespace ag {
namespace cuda {

struct Call {
  void* const* buffers; // device addresses: inputs in the order of the op's contract, then outputs; nullptr if absent
  const int32_t* ints;  // host memory: dimensions in order of first appearance in the contract, then integer attributes
  const double* reals;  // host memory: real attributes
  void* work;           // device scratch memory of the size the op asked for; nullptr if none
  void* stream;         // cudaStream_t: everything is enqueued here, in order
};

// 0: enqueued. Positive: an error the op's contract explains. Negative: minus a cudaError_t.
using Body = int (*)(const Call&);

// The bodies of one kernel by number type; nullptr where a type makes no sense.
struct Entry {
  const char* name;
  Body f32, f64, i32;
};

struct FamilyTable {
  const Entry* entries;
  int count;
};

} // namespace cuda
} // namespace ag
