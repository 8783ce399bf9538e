// doubleRows: out[r] = [x[r], x[r]] + addend[r]; foldRows: out[r] = x[r, :W] + x[r, W:] + addend[r] (cpu.cc).
//
// Layout: row-major, rows of W and of 2 W. Strategy: a thread per element of the result. Bound: memory, 5 W or 4 W
// elements a row. Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> int doubleRows(const Call& c) {
  const int64_t W = c.ints[1], N = 2 * W;
  const T *x = in<T>(c, 0), *addend = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return each(c, c.ints[0] * N, [=] __device__(int64_t k) {
    const T value = x[k / N * W + k % W];
    to[k] = addend ? value + addend[k] : value;
  });
}

template <class T> int foldRows(const Call& c) {
  const int64_t W = c.ints[4];
  const T *x = in<T>(c, 0), *addend = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return each(c, c.ints[0] * W, [=] __device__(int64_t k) {
    const T* row = x + k / W * 2 * W + k % W;
    const T value = row[0] + row[W];
    to[k] = addend ? value + addend[k] : value;
  });
}

} // namespace

CUDA_FAMILY(doubled_rows, CUDA_KERNEL(doubleRows), CUDA_KERNEL(foldRows))

} // namespace cuda
} // namespace ag
