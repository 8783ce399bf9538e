// K of at most four: all of op(B)'s panel stays in registers and rows of C stream out one after the other, whole.
#pragma once
#include "registers.h"
#include "tile.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kThinDepth = 4;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kThinWidth = 4; // vectors: K W of B and W sums in registers
#else
constexpr int kThinWidth = 2;
#endif

template <class T> struct ThinJob {
  const T* a;
  int64_t aRow, aCol;
  const T* b;
  int64_t bRow, bCol; // b(k, j) = b[k bRow + j bCol]
  int64_t cols;       // <= kThinWidth vectors
  int64_t rows;
  T* out;
  int64_t outRow;
};

template <class T, int K, int W> static __attribute__((noinline)) void thin(const ThinJob<T>& job) {
  constexpr int L = kLanes<T>;
  V<T> y[K][W];
  unroll<K>([&](auto k) AG_ALWAYS {
    alignas(64) T row[W * L] = {};
    for (int64_t j = 0; j < job.cols; ++j) row[j] = job.b[k * job.bRow + j * job.bCol];
    unroll<W>([&](auto j) AG_ALWAYS { y[k][j] = load(row + j * L); });
  });
  const Tail<T> last = tailOf<T>(static_cast<int>(job.cols - (W - 1) * L));
  const T* a = job.a;
  T* out = job.out;
  for (int64_t i = job.rows; i > 0; --i, a += job.aRow, out += job.outRow) {
    V<T> sum[W];
    unroll<W>([&](auto j) AG_ALWAYS { sum[j] = V<T>{}; });
    unroll<K>([&](auto k) AG_ALWAYS {
      const V<T> x = splat(a[k * job.aCol]);
      unroll<W>([&](auto j) AG_ALWAYS { sum[j] = fma(x, y[k][j], sum[j]); });
    });
    unroll<W - 1>([&](auto j) AG_ALWAYS { store(out + j * L, sum[j]); });
    storeTail(out + (W - 1) * L, sum[W - 1], last);
  }
}

template <class T, int K> static void thinOfWidth(const ThinJob<T>& job) {
  const int64_t width = vectorsOf<T>(job.cols);
  if constexpr (kThinWidth > 2) {
    if (width == 4) return thin<T, K, 4>(job);
    if (width == 3) return thin<T, K, 3>(job);
  }
  width == 2 ? thin<T, K, 2>(job) : thin<T, K, 1>(job);
}

// 1 <= depth <= kThinDepth.
template <class T> static void runThin(const ThinJob<T>& job, int64_t depth) {
  if (depth == 1) return thinOfWidth<T, 1>(job);
  if (depth == 2) return thinOfWidth<T, 2>(job);
  if (depth == 3) return thinOfWidth<T, 3>(job);
  thinOfWidth<T, 4>(job);
}

} // namespace
} // namespace AG_ISA
} // namespace ag
