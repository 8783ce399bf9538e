// Rows normalised to mean 0 and variance 1 (layer) or to length 1 (unit), with first and second derivatives in closed
// form.
//   layer: y = (x - mean) r, r = 1/sqrt(var + eps);   vjp: r (g - mean(g) - y (y.g)/M)
//          d(u.vjp)/dx = -r^2/M (y (cu.cg - 3 ab/M) + b cg + a cu),  a = y.g, b = y.u, c = centred
//          layerNorm and its vjp: y weight + bias, and the vjp of g weight, in the same pass
//   unit:  y = x r, r = 1/max(|x|, eps);               vjp: r (g - y (y.g))
//          d(u.vjp)/dx = -r^2 (y (u.g - 3 ab) + b g + a u)
//
// Layout: rows of M contiguous numbers, which stay in the first-level cache between the passes over a row. Strategy:
// vector lanes along the row, sums in one accumulator per lane and a fixed tree; rows shared by the team. Bound: each
// operand read once and the result written once: (2 to 4) E M numbers of memory. Measured, 40,000 rows of 100, f32, two
// threads: layer 20 GB/s and its derivatives 24 (37 and 82 % of an addition of as many bytes), unit 38, 37 and 32 (72 %
// and as fast as one).
#include "../../native/simd.h"
#include "../../native/team.h"
#include "../../native/vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

// sum over the row of f(k-th lanes); lanes beyond M must give 0.
template <class T, class F> static inline T sumRow(int64_t M, F&& f) {
  constexpr int L = kLanes<T>;
  V<T> s = splat<T>(T(0));
  int64_t k = 0;
  for (; k + L <= M; k += L) s += f(k, L);
  if (k < M) s += f(k, static_cast<int>(M - k));
  return sumLanes<T>(s);
}

template <class T> static inline V<T> lanes(const T* p, int64_t k, int n) {
  return n == kLanes<T> ? load(p + k) : loadPart(p + k, n);
}

template <class T, class F> static inline void eachLane(T* to, int64_t M, F&& f) {
  constexpr int L = kLanes<T>;
  int64_t k = 0;
  for (; k + L <= M; k += L) store(to + k, f(k, L));
  if (k < M) {
    const int n = static_cast<int>(M - k);
    storePart(to + k, f(k, n), n);
  }
}

template <class T> static inline T sum1(const T* x, int64_t M) {
  return sumRow<T>(M, [&](int64_t k, int n) { return lanes(x, k, n); });
}
template <class T> static inline T sum2(const T* x, const T* y, int64_t M) {
  return sumRow<T>(M, [&](int64_t k, int n) { return lanes(x, k, n) * lanes(y, k, n); });
}

// How a row is normalised: y = (x - shift) r. M counts the row's share in sums (1 for unit vectors).
template <class T> struct Normal {
  T shift, r, share;
  bool flat; // shorter than eps: y is x / eps, whose second derivatives vanish
};

template <class T, bool kLayer> static inline Normal<T> normalOf(const T* x, int64_t M, T eps) {
  if (kLayer) {
    const T mean = sum1(x, M) / static_cast<T>(M);
    constexpr int L = kLanes<T>;
    V<T> s = splat<T>(T(0));
    int64_t k = 0;
    for (; k + L <= M; k += L) {
      const V<T> c = load(x + k) - mean;
      s += c * c;
    }
    T variance = sumLanes<T>(s);
    for (; k < M; ++k) variance += (x[k] - mean) * (x[k] - mean);
    return {mean, static_cast<T>(1 / __builtin_sqrt(variance / static_cast<T>(M) + eps)), 1 / static_cast<T>(M), false};
  }
  const T length = static_cast<T>(__builtin_sqrt(sum2(x, x, M)));
  const bool flat = !(length > eps);
  return {0, 1 / (flat ? eps : length), 1, flat};
}

// y.g of the normalised row: r (x.g - shift sum(g)).
template <class T> static inline T along(const Normal<T>& n, const T* x, const T* g, T sumG, int64_t M) {
  return n.r * (sum2(x, g, M) - n.shift * sumG);
}

template <class T, class F> static int rows(const Call& c, int operands, F&& each) {
  const int64_t M = c.ints[1];
  blocks(c, c.ints[0], M > 4096 ? 1 : 4096 / (M + 1) + 1, static_cast<double>(M * (operands + 1)) * 0.25,
         [&](int64_t begin, int64_t end) {
           for (int64_t e = begin; e < end; ++e) each(e * M, M);
         });
  return 0;
}

template <class T, bool kLayer> static int normalise(const Call& c) {
  const T *x = in<T>(c, 0), eps = static_cast<T>(c.reals[0]);
  T* to = out<T>(c, 1);
  return rows<T>(c, 1, [&](int64_t at, int64_t M) {
    const Normal<T> n = normalOf<T, kLayer>(x + at, M, eps);
    eachLane(to + at, M, [&](int64_t k, int w) { return (lanes(x + at, k, w) - n.shift) * n.r; });
  });
}

template <class T, bool kLayer> static int normaliseVjp(const Call& c) {
  const T *g = in<T>(c, 0), *x = in<T>(c, 1), eps = static_cast<T>(c.reals[0]);
  T* to = out<T>(c, 2);
  return rows<T>(c, 2, [&](int64_t at, int64_t M) {
    const Normal<T> n = normalOf<T, kLayer>(x + at, M, eps);
    const T sumG = kLayer ? sum1(g + at, M) : T(0), mean = sumG * n.share;
    const T a = n.flat ? T(0) : along(n, x + at, g + at, sumG, M) * n.share;
    eachLane(to + at, M, [&](int64_t k, int w) {
      const V<T> y = (lanes(x + at, k, w) - n.shift) * n.r;
      return (lanes(g + at, k, w) - mean - y * a) * n.r;
    });
  });
}

template <class T> static int layerNorm(const Call& c) {
  const T *x = in<T>(c, 0), *weight = in<T>(c, 1), *bias = in<T>(c, 2), eps = static_cast<T>(c.reals[0]);
  T* to = out<T>(c, 3);
  return rows<T>(c, 1, [&](int64_t at, int64_t M) {
    const Normal<T> n = normalOf<T, true>(x + at, M, eps);
    eachLane(to + at, M, [&](int64_t k, int w) {
      return (lanes(x + at, k, w) - n.shift) * n.r * lanes(weight, k, w) + lanes(bias, k, w);
    });
  });
}

template <class T> static int layerNormVjp(const Call& c) {
  const T *g = in<T>(c, 0), *x = in<T>(c, 1), *weight = in<T>(c, 2), eps = static_cast<T>(c.reals[0]);
  T* to = out<T>(c, 3);
  return rows<T>(c, 2, [&](int64_t at, int64_t M) {
    const Normal<T> n = normalOf<T, true>(x + at, M, eps);
    const T sum = sum2(g + at, weight, M), mean = sum * n.share;
    const T onX =
        sumRow<T>(M, [&](int64_t k, int w) { return lanes(x + at, k, w) * lanes(g + at, k, w) * lanes(weight, k, w); });
    const T a = n.r * (onX - n.shift * sum) * n.share;
    eachLane(to + at, M, [&](int64_t k, int w) {
      const V<T> y = (lanes(x + at, k, w) - n.shift) * n.r;
      return (lanes(g + at, k, w) * lanes(weight, k, w) - mean - y * a) * n.r;
    });
  });
}

template <class T, bool kLayer> static int normaliseCurvature(const Call& c) {
  const T *u = in<T>(c, 0), *g = in<T>(c, 1), *x = in<T>(c, 2), eps = static_cast<T>(c.reals[0]);
  T* to = out<T>(c, 3);
  return rows<T>(c, 3, [&](int64_t at, int64_t M) {
    const Normal<T> n = normalOf<T, kLayer>(x + at, M, eps);
    const T sumG = kLayer ? sum1(g + at, M) : T(0), sumU = kLayer ? sum1(u + at, M) : T(0);
    const T meanG = sumG * n.share, meanU = sumU * n.share;
    const T a = along(n, x + at, g + at, sumG, M), b = along(n, x + at, u + at, sumU, M);
    const T bend = sum2(u + at, g + at, M) - sumG * meanU - 3 * a * b * n.share;
    const T scale = n.flat ? T(0) : -n.r * n.r * n.share;
    eachLane(to + at, M, [&](int64_t k, int w) {
      const V<T> y = (lanes(x + at, k, w) - n.shift) * n.r;
      return (y * bend + (lanes(g + at, k, w) - meanG) * b + (lanes(u + at, k, w) - meanU) * a) * scale;
    });
  });
}

template <class T> static int layerRows(const Call& c) { return normalise<T, true>(c); }
template <class T> static int layerRowsVjp(const Call& c) { return normaliseVjp<T, true>(c); }
template <class T> static int layerRowsCurvature(const Call& c) { return normaliseCurvature<T, true>(c); }
template <class T> static int unitRows(const Call& c) { return normalise<T, false>(c); }
template <class T> static int unitRowsVjp(const Call& c) { return normaliseVjp<T, false>(c); }
template <class T> static int unitRowsCurvature(const Call& c) { return normaliseCurvature<T, false>(c); }

} // namespace

FAMILY(row_norm, KERNEL(layerRows), KERNEL(layerRowsVjp), KERNEL(layerRowsCurvature), KERNEL(layerNorm),
       KERNEL(layerNormVjp), KERNEL(unitRows), KERNEL(unitRowsVjp), KERNEL(unitRowsCurvature))

} // namespace AG_ISA
} // namespace ag
