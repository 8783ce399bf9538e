// What a CPU kernel receives, and how a family of kernels presents itself to the addon.
//
// A kernel is a plain function over pointers and sizes: contiguous row-major arrays, no allocation inside (scratch
// memory is passed in), no exception across the boundary (a status code), no global state, the same bits for any thread
// count.
#pragma once
#include <cstdint>

namespace ag {

class Team;

struct Call {
  void* const* buffers; // inputs in the order of the op's contract, then outputs; nullptr for an absent optional input
  const int32_t* ints;  // dimensions in order of first appearance in the contract, then the integer attributes
  const double* reals;  // real attributes
  void* work;           // scratch memory of the size the op asked for, 64-byte aligned; nullptr if none
  Team* team;           // threads to share the work with
};

using Kernel = int (*)(const Call&); // 0: done; any other value is an error the op's contract explains

// The bodies of one kernel by number type; nullptr where a type makes no sense.
struct KernelEntry {
  const char* name;
  Kernel f32, f64, i32;
};

struct FamilyTable {
  const KernelEntry* entries;
  int count;
};

template <class T> static inline const T* in(const Call& c, int k) { return static_cast<const T*>(c.buffers[k]); }
template <class T> static inline T* out(const Call& c, int k) { return static_cast<T*>(c.buffers[k]); }

} // namespace ag

// Each cpu.cc is compiled once per instruction set; AG_ISA names that set and the namespace its code lives in.
#ifndef AG_ISA
#define AG_ISA baseline
#endif

#define KERNEL(name)                                                                                                   \
  {                                                                                                                    \
#name, name < float>, name < double>, nullptr                                                                      \
  }
#define KERNEL_ANY(name)                                                                                               \
  {                                                                                                                    \
#name, name < float>, name < double>, name < int32_t>                                                              \
  }

// The only symbol a cpu.cc exports: the list of its kernels.
#define FAMILY(family, ...)                                                                                            \
  FamilyTable family_##family() {                                                                                      \
    static const KernelEntry entries[] = {__VA_ARGS__};                                                                \
    return {entries, static_cast<int>(sizeof(entries) / sizeof(KernelEntry))};                                         \
  }
