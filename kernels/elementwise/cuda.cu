// out[e] = f(x0[e], x1[e], ...), with broadcasting. f comes from table.mjs (cuda.generated.h).
//
// Layout: up to 6 merged loops; each operand has a stride per loop, 0 where it repeats; absent operands are numbers.
// Strategy: a thread per output element. One loop (most calls) needs no index arithmetic; else the element's number is
// taken apart into the loops. Neighbouring threads read neighbouring elements unless an operand is transposed by its
// strides. Bound: (arity + 1) elements of memory per output element. Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kMaxRank = 6;

template <class T, int A> struct Operands {
  int rank;
  int size[kMaxRank];
  int stride[A][kMaxRank];
  const T* x[A]; // nullptr: the number
  T number[A];
};

template <class T, class Body> int elementwise(const Call& c) {
  constexpr int A = Body::arity;
  Operands<T, A> p;
  p.rank = c.ints[0];
  int64_t total = 1;
  for (int d = 0; d < p.rank; ++d) {
    p.size[d] = c.ints[1 + d];
    total *= p.size[d];
  }
  for (int a = 0; a < A; ++a) {
    for (int d = 0; d < p.rank; ++d) p.stride[a][d] = c.ints[1 + (a + 1) * p.rank + d];
    p.x[a] = in<T>(c, a);
    p.number[a] = static_cast<T>(c.reals[a]);
  }
  T* result = out<T>(c, A);
  if (p.rank == 1)
    return each(c, total, [=] __device__(int64_t e) {
      T v[A];
      for (int a = 0; a < A; ++a) v[a] = p.x[a] ? p.x[a][p.stride[a][0] * e] : p.number[a];
      result[e] = Body::value(v);
    });
  return each(c, total, [=] __device__(int64_t e) {
    int64_t at[A] = {};
    int rest = static_cast<int>(e);
    for (int d = p.rank - 1; d >= 0; --d) {
      const int i = rest % p.size[d];
      rest /= p.size[d];
      for (int a = 0; a < A; ++a) at[a] += int64_t{i} * p.stride[a][d];
    }
    T v[A];
    for (int a = 0; a < A; ++a) v[a] = p.x[a] ? p.x[a][at[a]] : p.number[a];
    result[e] = Body::value(v);
  });
}

#include "cuda.generated.h"

#define AG_CUDA_ELEMENTWISE(name)                                                                                      \
  {#name, elementwise<float, Body_##name<float>>, elementwise<double, Body_##name<double>>, nullptr},

} // namespace

CUDA_FAMILY(elementwise, AG_CUDA_ELEMENTWISE_ENTRIES)

} // namespace cuda
} // namespace ag
