// gatherMultiplySum out[n,f] = sum over the edges e of n of x[source[e],f] w[e,f]; gatherMultiply
// out[e,f] = x[source[e],f] y[target[e],f]; an end -1 counts as 0 (cpu.cc).
//
// Layout: rows of F contiguous numbers. Strategy: sums in a fixed order by threads or blocks (segment/rows.cuh),
// neighbouring threads on neighbouring columns; products a thread each. Bound: memory, E F elements each where x and y
// lie in the caches. Not measured: has not run on hardware.
#include "../segment/rows.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> struct Messages {
  const T *x, *w;
  const int32_t *source, *order;
  int64_t F;
  __device__ T operator()(int64_t k, int64_t f) const {
    const int64_t e = order[k], row = source[e];
    return row < 0 ? T(0) : x[row * F + f] * w[e * F + f];
  }
};

template <class T> int gatherMultiplySum(const Call& c) {
  const int64_t F = c.ints[1], E = c.ints[2], N = c.ints[5];
  const Messages<T> messages = {in<T>(c, 0), in<T>(c, 1), in<int32_t>(c, 2), in<int32_t>(c, 6), F};
  return sumByRows(c, N, E, F, in<int32_t>(c, 7), out<T>(c, 8), static_cast<T*>(c.work), messages);
}

template <class T> int gatherMultiply(const Call& c) {
  const int64_t F = c.ints[1], E = c.ints[3];
  const T *x = in<T>(c, 0), *y = in<T>(c, 1);
  const int32_t *source = in<int32_t>(c, 2), *target = in<int32_t>(c, 5);
  T* to = out<T>(c, 8);
  return each(c, E * F, [=] __device__(int64_t at) {
    const int64_t e = at / F, f = at % F, a = source[e], b = target[e];
    to[at] = a < 0 || b < 0 ? T(0) : x[a * F + f] * y[b * F + f];
  });
}

} // namespace

CUDA_FAMILY(gather_multiply, CUDA_KERNEL(gatherMultiplySum), CUDA_KERNEL(gatherMultiply))

} // namespace cuda
} // namespace ag
