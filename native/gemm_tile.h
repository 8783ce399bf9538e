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

// Rows by width. Vector registers decide: R W sums, W vectors of B, one broadcast, and a product where there is no
// fused multiply-add.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows[4] = {0, 14, 14, 9};
#elif defined(__FMA__)
constexpr int kTileRows[4] = {0, 12, 6, 4};
#else
constexpr int kTileRows[4] = {0, 12, 6, 3};
#endif
constexpr int kMaxTileSums = 28;
constexpr int kLine = 64; // bytes of a cache line

#if defined(__AVX512F__)
constexpr bool kMaskedLoadsAreFree = true;
#else
constexpr bool kMaskedLoadsAreFree = false;
#endif

// The last vector of a panel. Chips that take 512 bits in two halves need not compute an empty one, so there a vector
// whose upper half lies beyond the columns is a register of half the size.
enum class Last { kMasked, kWhole, kHalf };
#if defined(__AVX512F__)
constexpr bool kHalvesPay = true;
template <class T> struct HalfOf;
template <> struct HalfOf<float> {
  typedef float vector __attribute__((vector_size(32)));
};
template <> struct HalfOf<double> {
  typedef double vector __attribute__((vector_size(32)));
};
AG_INLINE HalfOf<float>::vector fma(HalfOf<float>::vector a, HalfOf<float>::vector b, HalfOf<float>::vector c) {
  return (HalfOf<float>::vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
AG_INLINE HalfOf<double>::vector fma(HalfOf<double>::vector a, HalfOf<double>::vector b, HalfOf<double>::vector c) {
  return (HalfOf<double>::vector)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
AG_INLINE void storeTail(float* p, HalfOf<float>::vector v, Tail<float> t) {
  _mm256_mask_storeu_ps(p, static_cast<__mmask8>(t.mask), (__m256)v);
}
AG_INLINE void storeTail(double* p, HalfOf<double>::vector v, Tail<double> t) {
  _mm256_mask_storeu_pd(p, static_cast<__mmask8>(t.mask), (__m256d)v);
}
template <class T, Last Kind> struct LastOf {
  typedef V<T> vector;
};
template <class T> struct LastOf<T, Last::kHalf> {
  typedef typename HalfOf<T>::vector vector;
};
#else
constexpr bool kHalvesPay = false;
template <class T, Last> struct LastOf {
  typedef V<T> vector;
};
#endif

// A full register as the kind of the last vector.
template <class T, Last Kind> AG_INLINE typename LastOf<T, Kind>::vector narrowed(V<T> v) {
  typename LastOf<T, Kind>::vector lower;
  std::memcpy(&lower, &v, sizeof(lower));
  return lower;
}
template <class T> struct TileJob {
  const T* a;
  int64_t aRow, aCol; // a(i, k) = a[i aRow + k aCol]
  const T* b;
  int64_t bRow;  // b(k, j) = b[k bRow + j]
  Tail<T> last;  // columns of the last vector
  bool whole;    // all lanes of b's last vector may be read
  bool half;     // columns fill no more than half of the last vector
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
template <class X> AG_INLINE void keep(X& x) { asm volatile("" : "+r"(x)); }

// f(Index<0>), f(Index<1>), ...: loops over registers must be unrolled before the compiler decides what lives in one.
template <int I> struct Index {
  AG_ALWAYS constexpr operator int() const { return I; }
};
template <int N, class F> AG_INLINE void unroll(F&& f) {
  if constexpr (N > 0) {
    unroll<N - 1>(f);
    f(Index<N - 1>{});
  }
}

// The addresses of R <= 16 rows in few registers: two bases eight rows apart and odd multiples of the stride, which the
// instruction itself scales by 1, 2 or 4.
template <int R> struct Rows {
  const char* base[2];
  int64_t odd[4];

  AG_ALWAYS Rows(const void* first, int64_t stride) {
    base[0] = static_cast<const char*>(first);
    base[1] = base[0] + 8 * stride;
    unroll<4>([&](auto h) AG_ALWAYS { odd[h] = (2 * h + 1) * stride; });
  }
  template <class T, int I> AG_ALWAYS const T* at() const {
    constexpr int i = I % 8, twos = i % 4 == 0 ? 4 : i % 2 == 0 ? 2 : 1;
    const char* p = base[I / 8];
    if constexpr (i > 0) p += odd[i / twos / 2] * twos;
    return reinterpret_cast<const T*>(p);
  }
  AG_ALWAYS void advance(int64_t bytes) {
    unroll<(R > 8 ? 2 : 1)>([&](auto h) AG_ALWAYS {
      base[h] += bytes;
      keep(base[h]);
    });
    unroll<(R > 7 ? 4 : R / 2)>([&](auto h) AG_ALWAYS { keep(odd[h]); });
  }
};

template <class T, int R, int W, Last Kind> static __attribute__((noinline)) void tile(const TileJob<T>& job) {
  constexpr int L = kLanes<T>, F = W - 1; // whole vectors before the last
  const Tail<T> last = job.last;
  V<T> sum[R][F > 0 ? F : 1];
  typename LastOf<T, Kind>::vector end[R];
  unroll<R>([&](auto i) AG_ALWAYS {
    unroll<F>([&](auto j) AG_ALWAYS { sum[i][j] = V<T>{}; });
    end[i] = typename LastOf<T, Kind>::vector{};
  });
  if (job.add) {
    const T* out = job.out;
    unroll<R>([&](auto i) AG_ALWAYS {
      unroll<F>([&](auto j) AG_ALWAYS { sum[i][j] = load(out + j * L); });
      end[i] = narrowed<T, Kind>(loadTail(out + F * L, last));
      out += job.outRow;
      keep(out);
    });
  }
  const char* c = reinterpret_cast<const char*>(job.c);
  unroll<R>([&](auto) AG_ALWAYS {
    unroll<W>([&](auto j) AG_ALWAYS { __builtin_prefetch(c + j * AG_VECTOR_BYTES, 1); });
    c += job.cRow * static_cast<int64_t>(sizeof(T));
    keep(c);
  });
  const int64_t aCol = job.aCol * static_cast<int64_t>(sizeof(T)), bRow = job.bRow;
  Rows<R> a(job.a, job.aRow * static_cast<int64_t>(sizeof(T)));
  const T* b = job.b;
  const char* next = reinterpret_cast<const char*>(job.next);
  const int64_t nextStep = job.nextStep * static_cast<int64_t>(sizeof(T));
  for (int64_t k = job.depth; k > 0; --k) {
    __builtin_prefetch(next);
    if (TileJob<T>::fetchesTwo(W)) __builtin_prefetch(next + kLine);
    next += nextStep;
    V<T> y[F > 0 ? F : 1];
    unroll<F>([&](auto j) AG_ALWAYS { y[j] = load(b + j * L); });
    const auto yEnd = narrowed<T, Kind>(Kind == Last::kWhole ? load(b + F * L) : loadTail(b + F * L, last));
    unroll<R>([&](auto i) AG_ALWAYS {
      const V<T> x = splat(*a.template at<T, i>());
      unroll<F>([&](auto j) AG_ALWAYS { sum[i][j] = fma(x, y[j], sum[i][j]); });
      end[i] = fma(narrowed<T, Kind>(x), yEnd, end[i]);
    });
    b += bRow;
    a.advance(aCol);
  }
  T* out = job.out;
  unroll<R>([&](auto i) AG_ALWAYS {
    unroll<F>([&](auto j) AG_ALWAYS { store(out + j * L, sum[i][j]); });
    storeTail(out + F * L, end[i], last);
    out += job.outRow;
    keep(out);
  });
}

template <class T, int W, int R> AG_INLINE void tileOfRows(const TileJob<T>& job, int rows) {
  if constexpr (R > 1)
    if (rows < R) return tileOfRows<T, W, R - 1>(job, rows);
  if constexpr (!kMaskedLoadsAreFree)
    if (job.whole) return tile<T, R, W, Last::kWhole>(job);
  if constexpr (kHalvesPay)
    if (job.half) return tile<T, R, W, Last::kHalf>(job);
  tile<T, R, W, Last::kMasked>(job);
}

// rows <= kTileRows[width].
template <class T> static void runTile(const TileJob<T>& job, int rows, int width) {
  if (width == 1) return tileOfRows<T, 1, kTileRows[1]>(job, rows);
  if (width == 2) return tileOfRows<T, 2, kTileRows[2]>(job, rows);
  return tileOfRows<T, 3, kTileRows[3]>(job, rows);
}

// Columns fall into panels: three vectors wide, the last one or two panels two wide where three does not divide their
// number; a single vector is a panel of its own.
template <class T> constexpr int64_t vectorsOf(int64_t n) { return (n + kLanes<T> - 1) / kLanes<T>; }
template <class T> constexpr int64_t panelsOf(int64_t n) { return (vectorsOf<T>(n) + 2) / 3; }

template <class T> struct Panel {
  int width;         // vectors
  int64_t col, cols; // first column, columns that exist

  Panel(int64_t index, int64_t n) {
    const int64_t vectors = vectorsOf<T>(n), threes = panelsOf<T>(n) - (3 - vectors % 3) % 3;
    width = vectors == 1 ? 1 : index < threes ? 3 : 2;
    col = (vectors == 1 ? 0 : 2 * index + (index < threes ? index : threes)) * kLanes<T>;
    cols = n - col < width * kLanes<T> ? n - col : width * kLanes<T>;
  }
  int64_t stride() const { return width * kLanes<T>; }
  int64_t lastCols() const { return cols - (width - 1) * kLanes<T>; }
  Tail<T> last() const { return tailOf<T>(static_cast<int>(lastCols())); }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
