// The register tile: R rows by W vectors of sums, one k at a time.
//
// A is read in place through two strides, so plain and transposed operands run the same code: one broadcast per row and
// k. B is either packed (panels of W vectors, k by k) or the caller's own rows; its last vector is masked, so nothing
// is read or written beyond the operands. Each sum is one chain of fused multiply-adds in the order of k: its bits
// depend neither on the tile it falls into nor on the thread.
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
constexpr int kTileWidth = 3; // vectors at most
constexpr int kMaxTileSums = 28;

constexpr int kLine = 64; // bytes of a cache line

template <class T> struct TileJob {
  const T* a;
  int64_t aRow, aCol; // a(i, k) = a[i aRow + k aCol]
  const T* b;
  int64_t bRow;  // b(k, j) = b[k bRow + j]
  Tail<T> last;  // columns of the last vector
  int64_t depth; // number of k
  T* out;
  int64_t outRow;
  bool add; // continue the sums that stand in out
  // What is touched next, fetched meanwhile: the block of C (rows cRow apart), and of A a piece a row high each k.
  const T* c;
  int64_t cRow;
  const T* next;
  int64_t nextStep;

  static constexpr bool fetchesTwo(int width) { return kTileRows[width] * sizeof(T) > kLine; }
  static constexpr int64_t fetchedEachStep(int width) { return (fetchesTwo(width) ? 2 : 1) * kLine / sizeof(T); }
};

// Hides a value from the optimiser, which would otherwise keep every row's address in a register of its own and spill.
#define AG_KEEP(x) asm volatile("" : "+r"(x))

// f(Index<0>), f(Index<1>), ...: loops over registers must be unrolled before the compiler decides what lives in one.
template <int I> struct Index {
  constexpr operator int() const { return I; }
};
template <int N, class F> AG_INLINE void unroll(F&& f) {
  if constexpr (N > 0) {
    unroll<N - 1>(f);
    f(Index<N - 1>{});
  }
}

// Byte offset of a row in the instruction's own address form: odd multiples of the stride in registers, times 1, 2, 4
// or 8.
template <int I> AG_INLINE int64_t rowOffset(const int64_t (&odd)[8]) {
  constexpr int twos = I % 8 == 0 ? 8 : I % 4 == 0 ? 4 : I % 2 == 0 ? 2 : 1;
  if constexpr (I == 0) return 0;
  else return odd[I / twos / 2] * twos;
}

template <class T, int R, int W> static __attribute__((noinline)) void tile(const TileJob<T>& job) {
  constexpr int L = kLanes<T>;
  const Tail<T> last = job.last;
  V<T> sum[R][W];
  unroll<R>([&](auto i) { unroll<W>([&](auto j) { sum[i][j] = V<T>{}; }); });
  if (job.add) {
    const T* out = job.out;
    unroll<R>([&](auto i) {
      unroll<W - 1>([&](auto j) { sum[i][j] = load(out + j * L); });
      sum[i][W - 1] = loadTail(out + (W - 1) * L, last);
      out += job.outRow;
      AG_KEEP(out);
    });
  }
  const char* c = reinterpret_cast<const char*>(job.c);
  unroll<R>([&](auto) {
    unroll<W>([&](auto j) { __builtin_prefetch(c + j * AG_VECTOR_BYTES, 1); });
    c += job.cRow * static_cast<int64_t>(sizeof(T));
    AG_KEEP(c);
  });
  const int64_t aCol = job.aCol * static_cast<int64_t>(sizeof(T)), bRow = job.bRow;
  const char* a = reinterpret_cast<const char*>(job.a);
  const T* b = job.b;
  int64_t odd[8];
  unroll<8>([&](auto h) { odd[h] = (2 * h + 1) * job.aRow * static_cast<int64_t>(sizeof(T)); });
  const char* next = reinterpret_cast<const char*>(job.next);
  const int64_t nextStep = job.nextStep * static_cast<int64_t>(sizeof(T));
  for (int64_t k = job.depth; k > 0; --k) {
    __builtin_prefetch(next);
    if (TileJob<T>::fetchesTwo(W)) __builtin_prefetch(next + kLine);
    next += nextStep;
    V<T> y[W];
    unroll<W - 1>([&](auto j) { y[j] = load(b + j * L); });
    y[W - 1] = loadTail(b + (W - 1) * L, last);
    unroll<(R + 1) / 2>([&](auto h) { AG_KEEP(odd[h]); });
    unroll<R>([&](auto i) {
      T x;
      std::memcpy(&x, a + rowOffset<i>(odd), sizeof(T));
      unroll<W>([&](auto j) { sum[i][j] = fma(splat(x), y[j], sum[i][j]); });
    });
    b += bRow;
    a += aCol;
    AG_KEEP(a);
  }
  T* out = job.out;
  unroll<R>([&](auto i) {
    unroll<W - 1>([&](auto j) { store(out + j * L, sum[i][j]); });
    storeTail(out + (W - 1) * L, sum[i][W - 1], last);
    out += job.outRow;
    AG_KEEP(out);
  });
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

// Columns fall into panels two vectors wide; an odd vector widens the last one to three (or stands alone as the only
// one).
template <class T> constexpr int64_t vectorsOf(int64_t n) { return (n + kLanes<T> - 1) / kLanes<T>; }
template <class T> constexpr int64_t panelsOf(int64_t n) { return vectorsOf<T>(n) > 1 ? vectorsOf<T>(n) / 2 : 1; }

template <class T> struct Panel {
  int width;         // vectors
  int64_t col, cols; // first column, columns that exist

  Panel(int64_t index, int64_t n) {
    const int64_t left = vectorsOf<T>(n) - 2 * index;
    width = left == 3 ? 3 : left == 1 ? 1 : 2;
    col = 2 * index * kLanes<T>;
    cols = n - col < width * kLanes<T> ? n - col : width * kLanes<T>;
  }
  int64_t stride() const { return width * kLanes<T>; }
  Tail<T> last() const { return tailOf<T>(static_cast<int>(cols - (width - 1) * kLanes<T>)); }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
