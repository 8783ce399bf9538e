#include "tile.h"

#include "registers.h"

namespace ag {
namespace AG_ISA {
namespace {

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
template <class T, int R, int W, Last Kind> static __attribute__((noinline)) void tile(const TileJob<T>& job) {
  constexpr int L = kLanes<T>, F = W - 1; // whole vectors before the last
  const Tail<T> last = tailOf<T>(job.lastCols);
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
    if (fetchedLines<T>(W) == 2) __builtin_prefetch(next + kLine);
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
    if (2 * job.lastCols <= kLanes<T>) return tile<T, R, W, Last::kHalf>(job);
  tile<T, R, W, Last::kMasked>(job);
}

template <class T> static void runAnyTile(const TileJob<T>& job, int rows, int width) {
  if (width == 1) return tileOfRows<T, 1, kTileRows[1]>(job, rows);
  if (width == 2) return tileOfRows<T, 2, kTileRows[2]>(job, rows);
  return tileOfRows<T, 3, kTileRows[3]>(job, rows);
}

} // namespace

void runTile(const TileJob<float>& job, int rows, int width) { runAnyTile(job, rows, width); }
void runTile(const TileJob<double>& job, int rows, int width) { runAnyTile(job, rows, width); }

} // namespace AG_ISA
} // namespace ag
