// Softmax over the rows of ragged square blocks, its gradient and the gradient's derivative; formulas in cpu.cc.
//
// Layout: block i is n x n row-major at start[i], n = ptr[i+1] - ptr[i]. Strategy: eight thread blocks share the rows
// of a ragged block, a row at a time, sums joined in a fixed tree (rows.cuh); eight more behind the last clear what
// belongs to none. How many rows there are stands on the device alone. Bound: memory, (2 to 4) P numbers. Not measured:
// has not run on hardware.
#include "../../native/cuda/rows.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int64_t kShares = 8;

// each(first element, n, block) for all rows by whole thread blocks; elements of no block become 0.
template <class T, class F> int rows(const Call& c, const int32_t* ptr, const int32_t* start, T* to, F each) {
  const int64_t P = c.ints[0], N = c.ints[1];
  return eachBlock(c, kShares * (N + 1), [=] __device__(int64_t item) {
    const int64_t i = item / kShares, share = item % kShares;
    int64_t begin = start[i], end = P;
    if (i < N) {
      const int64_t n = ptr[i + 1] - ptr[i];
      for (int64_t r = share; r < n; r += kShares) each(begin + r * n, n, i);
      begin += n * n;
      end = start[i + 1];
    }
    for (int64_t k = begin + share * kThreads + threadIdx.x; k < end; k += kShares * kThreads) to[k] = 0;
  });
}

template <class T> int raggedSoftmax(const Call& c) {
  const T* x = in<T>(c, 0);
  const int32_t* pad = in<int32_t>(c, 3);
  T* to = out<T>(c, 4);
  const T padValue = static_cast<T>(c.reals[0]);
  return rows(c, in<int32_t>(c, 1), in<int32_t>(c, 2), to, [=] __device__(int64_t first, int64_t n, int64_t block) {
    const T* row = x + first;
    T* y = to + first;
    const T least = pad[block] > 0 ? padValue : -T(INFINITY);
    const T largest = largestOfRow(n, least, [=](int64_t k) { return row[k]; });
    T total = sumRow<T>(n, [=](int64_t k) { return exp(row[k] - largest); });
    if (pad[block] > 0) total += static_cast<T>(pad[block]) * exp(padValue - largest);
    eachOfRow(n, [=](int64_t k) { y[k] = exp(row[k] - largest) / total; });
  });
}

template <class T> int raggedSoftmaxVjp(const Call& c) {
  const T *g = in<T>(c, 0), *y = in<T>(c, 1);
  T* to = out<T>(c, 4);
  return rows(c, in<int32_t>(c, 2), in<int32_t>(c, 3), to, [=] __device__(int64_t first, int64_t n, int64_t) {
    const T *gr = g + first, *yr = y + first;
    T* slope = to + first;
    const T along = sumRow<T>(n, [=](int64_t k) { return gr[k] * yr[k]; });
    eachOfRow(n, [=](int64_t k) { slope[k] = yr[k] * (gr[k] - along); });
  });
}

template <class T> int raggedSoftmaxCurvature(const Call& c) {
  const T *u = in<T>(c, 0), *g = in<T>(c, 1), *y = in<T>(c, 2);
  T* to = out<T>(c, 5);
  return rows(c, in<int32_t>(c, 3), in<int32_t>(c, 4), to, [=] __device__(int64_t first, int64_t n, int64_t) {
    const T *ur = u + first, *gr = g + first, *yr = y + first;
    T* bend = to + first;
    const T alongU = sumRow<T>(n, [=](int64_t k) { return ur[k] * yr[k]; });
    const T alongG = sumRow<T>(n, [=](int64_t k) { return gr[k] * yr[k]; });
    eachOfRow(n, [=](int64_t k) { bend[k] = ur[k] * gr[k] - ur[k] * alongG - gr[k] * alongU; });
  });
}

} // namespace

CUDA_FAMILY(ragged_softmax, CUDA_KERNEL(raggedSoftmax), CUDA_KERNEL(raggedSoftmaxVjp),
            CUDA_KERNEL(raggedSoftmaxCurvature))

} // namespace cuda
} // namespace ag
