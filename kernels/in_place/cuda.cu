// blend: target[k] += weight (source[k] - target[k]); exchange: a[k] and b[k] change places. In place.
//
// Layout: flat arrays. Strategy: one thread per element. Bound: 3 (blend) or 4 (exchange) elements of memory per
// element. Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> int blend(const Call& c) {
  T* target = out<T>(c, 0);
  const T* source = in<T>(c, 1);
  const T weight = static_cast<T>(c.reals[0]);
  return each(c, c.ints[0], [=] __device__(int64_t k) { target[k] = fma(weight, source[k] - target[k], target[k]); });
}

template <class T> int exchange(const Call& c) {
  T *a = out<T>(c, 0), *b = out<T>(c, 1);
  return each(c, c.ints[0], [=] __device__(int64_t k) {
    const T before = a[k];
    a[k] = b[k];
    b[k] = before;
  });
}

} // namespace

CUDA_FAMILY(in_place, CUDA_KERNEL(blend), CUDA_KERNEL(exchange))

} // namespace cuda
} // namespace ag
