// The register tile: R rows by W vectors of sums, one k at a time.
//
// A is read in place through two strides, so plain and transposed operands run the same code: one broadcast per row and k.
// B is either packed (panels of W vectors, k by k) or the caller's own rows; its last vector is masked, so nothing is read or
// written beyond the operands. Each sum is one chain of fused multiply-adds in the order of k: its bits depend neither on
// the tile it falls into nor on the thread.
#pragma once
#include "simd.h"

namespace ag {
namespace AG_ISA {
namespace {

// Vector registers decide the tile: R W sums + W vectors of B + one broadcast.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows[4] = {0, 14, 14, 9};
#else
constexpr int kTileRows[4] = {0, 12, 6, 4};
#endif
constexpr int kTileWidth = 3;  // vectors at most
constexpr int kMaxTileSums = 28;

template <class T> struct TileJob {
  const T* a;
  int64_t aRow, aCol;  // a(i, k) = a[i aRow + k aCol]
  const T* b;
  int64_t bRow;        // b(k, j) = b[k bRow + j]
  Tail<T> last;        // columns of the last vector
  int64_t depth;       // number of k
  T* out;
  int64_t outRow;
  bool add;            // continue the sums that stand in out
};

template <class T, int R, int W> static __attribute__((noinline)) void tile(const TileJob<T>& job) {
  constexpr int L = kLanes<T>, kGroups = (R + 2) / 3;
  const Tail<T> last = job.last;
  V<T> sum[R][W];
  if (job.add) {
    for (int i = 0; i < R; ++i) {
      for (int j = 0; j < W - 1; ++j) sum[i][j] = load(job.out + i * job.outRow + j * L);
      sum[i][W - 1] = loadTail(job.out + i * job.outRow + (W - 1) * L, last);
    }
  } else {
    for (int i = 0; i < R; ++i)
      for (int j = 0; j < W; ++j) sum[i][j] = V<T>{};
  }
  const int64_t aRow = job.aRow, aCol = job.aCol, bRow = job.bRow;
  const T* b = job.b;
  const T* a[kGroups];  // every third row: the other two are one and two strides away
  for (int g = 0; g < kGroups; ++g) a[g] = job.a + 3 * g * aRow;
  for (int64_t k = job.depth; k > 0; --k) {
    V<T> y[W];
    for (int j = 0; j < W - 1; ++j) y[j] = load(b + j * L);
    y[W - 1] = loadTail(b + (W - 1) * L, last);
    for (int i = 0; i < R; ++i) {
      const V<T> x = splat(a[i / 3][i % 3 * aRow]);
      for (int j = 0; j < W; ++j) sum[i][j] = fma(x, y[j], sum[i][j]);
    }
    b += bRow;
    for (int g = 0; g < kGroups; ++g) a[g] += aCol;
  }
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < W - 1; ++j) store(job.out + i * job.outRow + j * L, sum[i][j]);
    storeTail(job.out + i * job.outRow + (W - 1) * L, sum[i][W - 1], last);
  }
}

template <class T, int W, int R> AG_INLINE void tileOfRows(const TileJob<T>& job, int rows) {
  if constexpr (R > 1)
    if (rows < R) return tileOfRows<T, W, R - 1>(job, rows);
  tile<T, R, W>(job);
}

// rows <= kTileRows[width].
template <class T> static void runTile(const TileJob<T>& job, int rows, int width) {
  if (width == 1) return tileOfRows<T, 1, kTileRows[1]>(job, rows);
  if (width == 2) return tileOfRows<T, 2, kTileRows[2]>(job, rows);
  return tileOfRows<T, 3, kTileRows[3]>(job, rows);
}

// Columns fall into panels two vectors wide; an odd vector widens the last one to three (or stands alone as the only one).
template <class T> constexpr int64_t vectorsOf(int64_t n) { return (n + kLanes<T> - 1) / kLanes<T>; }
template <class T> constexpr int64_t panelsOf(int64_t n) { return vectorsOf<T>(n) > 1 ? vectorsOf<T>(n) / 2 : 1; }

template <class T> struct Panel {
  int width;          // vectors
  int64_t col, cols;  // first column, columns that exist

  Panel(int64_t index, int64_t n) {
    const int64_t left = vectorsOf<T>(n) - 2 * index;
    width = left == 3 ? 3 : left == 1 ? 1 : 2;
    col = 2 * index * kLanes<T>;
    cols = n - col < width * kLanes<T> ? n - col : width * kLanes<T>;
  }
  int64_t stride() const { return width * kLanes<T>; }
  Tail<T> last() const { return tailOf<T>(static_cast<int>(cols - (width - 1) * kLanes<T>)); }
};

}  // namespace
}  // namespace AG_ISA
}  // namespace ag
