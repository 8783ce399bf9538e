// Sums of terms that are rows of F numbers: to[n,f] = sum over k in [ptr[n], ptr[n+1]) of term(k, f).
//
// Short sums have a thread per output element, terms in order; longer ones a block per row and group of up to 32
// columns, whose threads take every (256 / width)-th term and join in a fixed tree; very long ones go chunk by chunk
// into the workspace first (chunks.h). Which way is taken depends on sizes alone: the same bits in every run.
#pragma once
#include "../../native/cuda/call.cuh"
#include "chunks.h"

namespace ag {
namespace cuda {
namespace {

constexpr int64_t kBlockRows = 64;   // average terms of a sum that are worth a block
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

// The group of `width` columns from f0 on, by a whole block.
template <class T, class Terms>
__device__ void sumByBlock(T* to, int64_t F, int64_t f0, int width, int64_t first, int64_t last, Terms term) {
  const int64_t f = f0 + threadIdx.x % width;
  T total = 0;
  if (f < F)
    for (int64_t k = first + threadIdx.x / width; k < last; k += kThreads / width) total += term(k, f);
  total = joinBlock(total, Add(), width);
  if (threadIdx.x < width && f < F) to[f] = total;
}

// N rows of E terms in all, without chunks.
template <class T, class Terms>
int sumSegments(const Call& c, int64_t N, int64_t E, int64_t F, const int32_t* ptr, T* to, Terms term) {
  if (E < kBlockRows * N)
    return each(c, N * F, [=] __device__(int64_t k) {
      const int64_t n = k / F, f = k % F;
      T total = 0;
      for (int64_t e = ptr[n]; e < ptr[n + 1]; ++e) total += term(e, f);
      to[k] = total;
    });
  const int width = widthOf(F);
  const int64_t groups = (F + width - 1) / width;
  return eachBlock(c, N * groups, [=] __device__(int64_t k) {
    const int64_t n = k / groups;
    sumByBlock(to + n * F, F, k % groups * width, width, ptr[n], ptr[n + 1], term);
  });
}

// The sum of chunk k of a row whose terms begin at `begin`.
template <class T> struct Waiting {
  const T* partial;
  int64_t begin, F;
  __device__ T operator()(int64_t k, int64_t f) const { return partial[slotOf(begin, k) * F + f]; }
};

// The same where rows may have very many terms; `partial` has room for chunkSlots(E) rows.
template <class T, class Terms>
int sumByRows(const Call& c, int64_t R, int64_t E, int64_t F, const int32_t* ptr, T* to, T* partial, Terms term) {
  if (E < kChunkRows * R) return sumSegments(c, R, E, F, ptr, to, term);
  const int width = widthOf(F);
  const int64_t groups = (F + width - 1) / width;
  const int status = eachBlock(c, chunkSlots(E) * groups, [=] __device__(int64_t k) {
    const int64_t slot = k / groups;
    const Chunk chunk = chunkOf(slot, ptr, R);
    if (chunk.first < chunk.last)
      sumByBlock(partial + slot * F, F, k % groups * width, width, chunk.first, chunk.last, term);
  });
  if (status != 0) return status;
  return eachBlock(c, R * groups, [=] __device__(int64_t k) {
    const int64_t r = k / groups, first = ptr[r], count = ptr[r + 1] - first, f0 = k % groups * width;
    if (count <= kChunk) sumByBlock(to + r * F, F, f0, width, first, first + count, term);
    else sumByBlock(to + r * F, F, f0, width, 0, (count + kChunk - 1) / kChunk, Waiting<T>{partial, first, F});
  });
}

} // namespace
} // namespace cuda
} // namespace ag
