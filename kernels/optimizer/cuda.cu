// Adam, AdamW and SGD with momentum, in place; formulas in cpu.cc.
//
// Layout: flat arrays. Strategy: a thread per parameter; scalars are rounded once, on the host. Bound: 7 (Adam) or 5
// (SGD) numbers of memory per parameter. Not measured: has not run on hardware.
#include <cmath>

#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> int adamUpdate(const Call& c) {
  const bool decoupled = c.ints[1] != 0;
  const double* r = c.reals;
  const T b1 = static_cast<T>(r[1]), a1 = static_cast<T>(1 - r[1]), b2 = static_cast<T>(r[2]),
          a2 = static_cast<T>(1 - r[2]), eps = static_cast<T>(r[3]), scale = static_cast<T>(r[7]);
  const T keep = static_cast<T>(decoupled ? 1 - r[0] * r[4] : 1), decay = static_cast<T>(decoupled ? 0 : r[4]);
  const T move = static_cast<T>(r[0] / r[5]), root = static_cast<T>(1 / std::sqrt(r[6]));
  T *param = out<T>(c, 0), *m = out<T>(c, 2), *v = out<T>(c, 3);
  const T* grad = in<T>(c, 1);
  return each(c, c.ints[0], [=] __device__(int64_t k) {
    const T p = param[k], g = grad[k] * scale + p * decay;
    const T first = m[k] * b1 + g * a1, second = v[k] * b2 + g * g * a2;
    m[k] = first;
    v[k] = second;
    param[k] = p * keep - move * (first / (sqrt(second) * root + eps));
  });
}

template <class T> int sgdUpdate(const Call& c) {
  const bool nesterov = c.ints[1] != 0, start = c.ints[2] != 0;
  const T rate = static_cast<T>(c.reals[0]), momentum = static_cast<T>(c.reals[1]),
          share = static_cast<T>(1 - c.reals[2]), decay = static_cast<T>(c.reals[3]),
          scale = static_cast<T>(c.reals[4]);
  T *param = out<T>(c, 0), *velocity = out<T>(c, 2);
  const T* grad = in<T>(c, 1);
  return each(c, c.ints[0], [=] __device__(int64_t k) {
    const T p = param[k], g = grad[k] * scale + p * decay;
    const T u = start ? g : velocity[k] * momentum + g * share;
    velocity[k] = u;
    param[k] = p - (momentum == 0 ? g : nesterov ? g + u * momentum : u) * rate;
  });
}

} // namespace

CUDA_FAMILY(optimizer, CUDA_KERNEL(adamUpdate), CUDA_KERNEL(sgdUpdate))

} // namespace cuda
} // namespace ag
