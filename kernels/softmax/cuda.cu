// Softmax over rows, its gradient and the gradient's derivative; formulas in cpu.cc.
//
// Layout: row-major [R,C]. Strategy: a block per row, sums and largest values joined in a fixed tree (rows.cuh). Bound:
// (2, 3, 4) R C elements of memory where a row stays in the cache between its passes. Not measured: has not run on
// hardware.
#include "../../native/cuda/rows.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> int softmax(const Call& c) {
  const int64_t C = c.ints[1];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  return eachBlock(c, C == 0 ? 0 : c.ints[0], [=] __device__(int64_t row) {
    const T* xr = x + row * C;
    T* y = to + row * C;
    const T largest = largestOfRow(C, -T(INFINITY), [=](int64_t k) { return xr[k]; });
    const T total = sumRow<T>(C, [=](int64_t k) { return exp(xr[k] - largest); });
    eachOfRow(C, [=](int64_t k) { y[k] = exp(xr[k] - largest) / total; });
  });
}

template <class T> int softmaxVjp(const Call& c) {
  const int64_t C = c.ints[1];
  const T *g = in<T>(c, 0), *y = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return eachBlock(c, C == 0 ? 0 : c.ints[0], [=] __device__(int64_t row) {
    const T *gr = g + row * C, *yr = y + row * C;
    T* slope = to + row * C;
    const T along = sumRow<T>(C, [=](int64_t k) { return gr[k] * yr[k]; });
    eachOfRow(C, [=](int64_t k) { slope[k] = yr[k] * (gr[k] - along); });
  });
}

template <class T> int softmaxCurvature(const Call& c) {
  const int64_t C = c.ints[1];
  const T *u = in<T>(c, 0), *g = in<T>(c, 1), *y = in<T>(c, 2);
  T* to = out<T>(c, 3);
  return eachBlock(c, C == 0 ? 0 : c.ints[0], [=] __device__(int64_t row) {
    const T *ur = u + row * C, *gr = g + row * C, *yr = y + row * C;
    T* bend = to + row * C;
    const T alongU = sumRow<T>(C, [=](int64_t k) { return ur[k] * yr[k]; });
    const T alongG = sumRow<T>(C, [=](int64_t k) { return gr[k] * yr[k]; });
    eachOfRow(C, [=](int64_t k) { bend[k] = ur[k] * (gr[k] - alongG) - gr[k] * alongU; });
  });
}

} // namespace

CUDA_FAMILY(softmax, CUDA_KERNEL(softmax), CUDA_KERNEL(softmaxVjp), CUDA_KERNEL(softmaxCurvature))

} // namespace cuda
} // namespace ag
