// segmentSum: out[n,f] = sum of x[e,f] over e in [ptr[n], ptr[n+1]); segmentExpand: its adjoint; segmentMax: the
// largest. gather: out[e,f] = x[index[e],f] (0 where the index is -1); gatherSum: its adjoint by sorted positions.
//
// Layout: rows of F contiguous numbers, neighbouring threads on neighbouring columns. Strategy: sums in a fixed order
// by threads or blocks (rows.cuh): no atomics, the same bits in every run. Pointers are not checked here: reading them
// back would stop the stream. Bound: (E + N) F elements of memory. Not measured: has not run on hardware.
#include "rows.cuh"

namespace ag {
namespace cuda {
namespace {

// Row k of a dense matrix, and row order[k].
template <class T> struct Direct {
  const T* x;
  int64_t F;
  __device__ T operator()(int64_t k, int64_t f) const { return x[k * F + f]; }
};
template <class T> struct Ordered {
  const T* x;
  const int32_t* order;
  int64_t F;
  __device__ T operator()(int64_t k, int64_t f) const { return x[order[k] * F + f]; }
};

template <class T> int segmentSum(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1], N = c.ints[2];
  return sumSegments(c, N, E, F, in<int32_t>(c, 1), out<T>(c, 2), Direct<T>{in<T>(c, 0), F});
}

// A number that is none stays, whatever follows.
struct Larger {
  template <class T> __device__ T operator()(T a, T b) const { return b > a || b != b ? b : a; }
};

template <class T> int segmentMax(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1], N = c.ints[2];
  const T* x = in<T>(c, 0);
  const int32_t* ptr = in<int32_t>(c, 1);
  T* to = out<T>(c, 2);
  if (E < kBlockRows * N)
    return each(c, N * F, [=] __device__(int64_t k) {
      const int64_t f = k % F, first = ptr[k / F], last = ptr[k / F + 1];
      T most = first < last ? x[first * F + f] : T(0);
      for (int64_t e = first + 1; e < last; ++e) most = Larger()(most, x[e * F + f]);
      to[k] = most;
    });
  const int width = widthOf(F);
  const int64_t groups = (F + width - 1) / width;
  return eachBlock(c, N * groups, [=] __device__(int64_t k) {
    const int64_t n = k / groups, f = k % groups * width + threadIdx.x % width, first = ptr[n], last = ptr[n + 1];
    T most = first < last ? -T(INFINITY) : T(0);
    if (f < F)
      for (int64_t e = first + threadIdx.x / width; e < last; e += kThreads / width)
        most = Larger()(most, x[e * F + f]);
    most = joinBlock(most, Larger(), width);
    if (threadIdx.x < width && f < F) to[n * F + f] = most;
  });
}

template <class T> int segmentExpand(const Call& c) {
  const int64_t N = c.ints[0], F = c.ints[1], E = c.ints[2];
  const T* y = in<T>(c, 0);
  const int32_t* ptr = in<int32_t>(c, 1);
  T* to = out<T>(c, 2);
  return each(c, E * F, [=] __device__(int64_t k) {
    // The last segment that begins at or before the row.
    const int64_t e = k / F;
    int64_t low = 0, high = N;
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      if (ptr[middle] <= e) low = middle;
      else high = middle;
    }
    to[k] = y[low * F + k % F];
  });
}

template <class T> int gather(const Call& c) {
  const int64_t F = c.ints[1], E = c.ints[2];
  const T* x = in<T>(c, 0);
  const int32_t* index = in<int32_t>(c, 1);
  T* to = out<T>(c, 4);
  return each(c, E * F, [=] __device__(int64_t k) {
    const int64_t row = index[k / F];
    to[k] = row < 0 ? T(0) : x[row * F + k % F];
  });
}

template <class T> int gatherSum(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1], R = c.ints[3];
  return sumByRows(c, R, E, F, in<int32_t>(c, 3), out<T>(c, 4), static_cast<T*>(c.work),
                   Ordered<T>{in<T>(c, 0), in<int32_t>(c, 2), F});
}

} // namespace

CUDA_FAMILY(segment, CUDA_KERNEL(segmentSum), CUDA_KERNEL(segmentMax), CUDA_KERNEL(segmentExpand),
            CUDA_KERNEL_ANY(gather), CUDA_KERNEL(gatherSum))

} // namespace cuda
} // namespace ag
