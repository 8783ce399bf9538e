// segmentSum: out[n,f] = sum of x[e,f] over e in [ptr[n], ptr[n+1]); segmentExpand: its adjoint.
// gather: out[e,f] = x[index[e],f] (0 where the index is -1); gatherSum: its adjoint by sorted positions.
//
// Layout: rows of F contiguous numbers, neighbouring threads on neighbouring columns.
// Strategy: short sums have a thread per output element, rows in order; longer ones a block per row and group of up to
// 32 columns, whose threads take every (256 / width)-th row and join in a fixed tree; very long sums of gatherSum
// (tables of types) go chunk by chunk of 1,024 into the workspace first. Which way is taken depends on sizes alone: no
// atomics, the same bits in every run. Pointers are not checked here: reading them back would stop the stream. Bound:
// (E + N) F elements of memory.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int64_t kGatherChunk = 1024;
constexpr int64_t kBlockRows = 64;   // average rows of a sum that are worth a block
constexpr int64_t kChunkRows = 4096; // ... that are worth several

struct Add {
  template <class T> __device__ T operator()(T a, T b) const { return a + b; }
};

// Columns a block takes at once: the smallest power of two that holds F, at most a warp's 32.
inline int widthOf(int64_t F) {
  int width = 1;
  while (width < 32 && width < F) width *= 2;
  return width;
}

// to[f] = sum of row(k)[f] for k in [first, last), f in the group of `width` columns from f0 on: by a whole block.
template <class T, class Row>
__device__ void sumByBlock(T* to, int64_t F, int64_t f0, int width, int64_t first, int64_t last, Row row) {
  const int64_t f = f0 + threadIdx.x % width;
  T total = 0;
  if (f < F)
    for (int64_t k = first + threadIdx.x / width; k < last; k += kThreads / width) total += row(k)[f];
  total = joinBlock(total, Add(), width);
  if (threadIdx.x < width && f < F) to[f] = total;
}

// out[n] = sum of row(k) for k in [ptr[n], ptr[n+1]), E rows in all.
template <class T, class Row>
int sumSegments(const Call& c, int64_t N, int64_t E, int64_t F, const int32_t* ptr, T* to, Row row) {
  if (E < kBlockRows * N)
    return each(c, N * F, [=] __device__(int64_t k) {
      const int64_t n = k / F, f = k % F;
      T total = 0;
      for (int64_t e = ptr[n]; e < ptr[n + 1]; ++e) total += row(e)[f];
      to[k] = total;
    });
  const int width = widthOf(F);
  const int64_t groups = (F + width - 1) / width;
  return eachBlock(c, N * groups, [=] __device__(int64_t k) {
    const int64_t n = k / groups;
    sumByBlock(to + n * F, F, k % groups * width, width, ptr[n], ptr[n + 1], row);
  });
}

// Row k of a dense matrix, and row order[k].
template <class T> struct Direct {
  const T* x;
  int64_t F;
  __device__ const T* operator()(int64_t k) const { return x + k * F; }
};
template <class T> struct Ordered {
  const T* x;
  const int32_t* order;
  int64_t F;
  __device__ const T* operator()(int64_t k) const { return x + order[k] * F; }
};

template <class T> int segmentSum(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1], N = c.ints[2];
  return sumSegments(c, N, E, F, in<int32_t>(c, 1), out<T>(c, 2), Direct<T>{in<T>(c, 0), F});
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
  const int32_t* ptr = in<int32_t>(c, 3);
  const Ordered<T> row = {in<T>(c, 0), in<int32_t>(c, 2), F};
  T* to = out<T>(c, 4);
  if (E < kChunkRows * R) return sumSegments(c, R, E, F, ptr, to, row);
  T* partial = static_cast<T*>(c.work);
  const int width = widthOf(F);
  const int64_t groups = (F + width - 1) / width, most = E / kGatherChunk + 1;
  const int status = eachBlock(c, R * most * groups, [=] __device__(int64_t k) {
    const int64_t r = k / groups / most, chunk = k / groups % most;
    const int64_t first = ptr[r] + chunk * kGatherChunk, end = ptr[r + 1];
    if (first >= end) return;
    const int64_t last = first + kGatherChunk < end ? first + kGatherChunk : end;
    sumByBlock(partial + (r * most + chunk) * F, F, k % groups * width, width, first, last, row);
  });
  if (status != 0) return status;
  return eachBlock(c, R * groups, [=] __device__(int64_t k) {
    const int64_t r = k / groups, chunks = (ptr[r + 1] - ptr[r] + kGatherChunk - 1) / kGatherChunk;
    sumByBlock(to + r * F, F, k % groups * width, width, 0, chunks, Direct<T>{partial + r * most * F, F});
  });
}

} // namespace

CUDA_FAMILY(segment, CUDA_KERNEL(segmentSum), CUDA_KERNEL(segmentExpand), CUDA_KERNEL_ANY(gather),
            CUDA_KERNEL(gatherSum))

} // namespace cuda
} // namespace ag
