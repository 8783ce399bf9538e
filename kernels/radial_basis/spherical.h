// Spherical Bessel functions with an envelope, env(x) N_f j_l(z_f x), f = (l, n), and their derivatives, for the
// kernels that need them (spec dimenetpp 2.1, 2.3).
//
// j_l: upward recurrence from sine and cosine where that keeps the digits the number type can tell, below it downward
// from two power series; lanes differ, so a register does what any of its lanes asks for. f64: 2e-15 of the peak,
// series below the turning point. f32, computed in f64 since arguments reach 40, where f32 sines have lost two digits:
// 1e-9 of the peak, which the recurrence alone gives from z = 0.4 (l = 6) on. Closed forms lose every digit at small x.
// j_l' = (l j_{l-1} - (l+1) j_{l+1}) / (2l+1); nothing is divided by x but the envelope u(x)/x.
// Layout: a register holds one number of as many rows as it has lanes; M registers of doubles for the rows of one
// register of T stand side by side, so that their chains of operations overlap.
// Pitfall: x below kLeast counts as kLeast with derivatives 0, so that coincident atoms stay finite; x >= 1 is exactly
// 0 with an envelope.
#pragma once
#include <cmath>

#include "../../native/interleave.h"
#include "../../native/vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kMostFunctions = 512, kMostOrder = 6, kMostDegree = 12, kMostIndex = kMostDegree + kMostOrder;
constexpr double kLeast = 2e-7;
constexpr int kSeriesTerms = 32;
using D = V<double>;

// Registers of doubles for the rows of one register of T.
template <class T> constexpr int kParts = kLanes<T> / kLanes<double>;

// A register of doubles from and to numbers of T.
AG_INLINE D widen(const double* from) { return load(from); }
AG_INLINE void narrow(double* to, D from) { store(to, from); }
typedef float HalfRegister __attribute__((vector_size(AG_VECTOR_BYTES / 2)));
AG_INLINE D widen(const float* from) {
  HalfRegister half;
  std::memcpy(&half, from, sizeof(half));
  return __builtin_convertvector(half, D);
}
AG_INLINE void narrow(float* to, D from) {
  const HalfRegister half = __builtin_convertvector(from, HalfRegister);
  std::memcpy(to, &half, sizeof(half));
}

AG_INLINE bool anyLane(VInt<double> mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX__)
  return _mm256_movemask_pd((__m256d)mask) != 0;
#else
  return (mask[0] | mask[1]) != 0;
#endif
}

// j_m(z) = z^m / (2m+1)!! sum of c_k z^2k: c_k = c_{k-1} (-1/2) / (k (2m+2k+1)), as many as the number type can tell.
template <class T> struct Series {
  // Below near[m] the recurrence up to m loses digits: in f64 the turning point, in f32 where the rounding of doubles,
  // grown by (2m-1)!! / z^(m+1), reaches 1e-9.
  double near[kMostIndex + 2], factor[kMostIndex + 1], c[kMostIndex + 1][kSeriesTerms];
  int count[kMostIndex + 1];
  explicit Series(int most) {
    double odd = 1;
    for (int m = 0; m <= most + 1; ++m) {
      const double turning = m + 0.5, lost = std::pow(1.1e-7 * odd, 1.0 / (m + 1));
      near[m] = sizeof(T) == 8 || lost > turning ? turning : lost;
      odd *= 2 * m + 1;
      if (m <= most) factor[m] = 1 / odd;
    }
    for (int m = 0; m <= most; ++m) {
      // The recurrence down starts from the series of two neighbours.
      const double largest = near[m + 1] * near[m + 1], least = sizeof(T) == 8 ? 1e-17 : 1e-11;
      double term = 1;
      c[m][0] = 1;
      int k = 1;
      for (; k < kSeriesTerms && term > least; ++k) {
        const double ratio = 0.5 / (k * (2.0 * m + 2 * k + 1));
        c[m][k] = -ratio * c[m][k - 1];
        term *= ratio * largest;
      }
      count[m] = k;
    }
  }
  D operator()(D z, D square, int m) const {
    D sum = splat(c[m][count[m] - 1]), power = splat(factor[m]);
    for (int k = count[m] - 2; k >= 0; --k) sum = fma(sum, square, splat(c[m][k]));
    for (int k = 0; k < m; ++k) power = power * z;
    return power * sum;
  }
};

// j_m(z) for m = low..high into j[m]. `beyond`: some z is too large for the reduction of sines.
template <class T, int M> AG_INLINE void besselAt(D (*j)[M], const D* z, const D* inverse, int low, int high,
                                                  bool beyond, const Series<T>& series) {
  VInt<double> near[M], some = {}, all = ~VInt<double>{};
  for (int i = 0; i < M; ++i) {
    near[i] = z[i] < splat(series.near[high]);
    some |= near[i];
    all &= near[i];
  }
  const bool anyFar = anyLane(~all);
  if (anyFar) {
    D before[M], now[M];
    for (int i = 0; i < M; ++i) {
      D sine, cosine;
      if (beyond) sinCos(z[i], &sine, &cosine);
      else {
        const Trig r = trigOf(z[i]);
        sine = turned(r, 0);
        cosine = turned(r, 1);
      }
      before[i] = sine * inverse[i];
      now[i] = (before[i] - cosine) * inverse[i];
    }
    for (int m = 0;; ++m) {
      if (m >= low)
        for (int i = 0; i < M; ++i) j[m][i] = before[i];
      if (m == high) break;
      for (int i = 0; i < M; ++i) {
        const D next = fma(splat(2.0 * m + 3) * inverse[i], now[i], -before[i]);
        before[i] = now[i];
        now[i] = next;
      }
    }
  }
  if (!anyLane(some)) return;
  for (int i = 0; i < M; ++i) {
    const D square = z[i] * z[i];
    D above = series(z[i], square, high);
    j[high][i] = anyFar ? select<double>(near[i], above, j[high][i]) : above;
    if (high == low) continue;
    D here = series(z[i], square, high - 1);
    for (int m = high - 1;; --m) {
      j[m][i] = anyFar ? select<double>(near[i], here, j[m][i]) : here;
      if (m == low) break;
      const D below = fma(splat(2.0 * m + 1) * inverse[i], here, -above);
      above = here;
      here = below;
    }
  }
}

// env and its derivatives up to `order`; p = 0: 1 everywhere
static void envelope(D* to, D x, int p, int order) {
  for (int i = 0; i <= order; ++i) to[i] = splat(p == 0 && i == 0 ? 1.0 : 0.0);
  if (p == 0) return;
  const double factor[3] = {-0.5 * (p + 1) * (p + 2), static_cast<double>(p) * (p + 2), -0.5 * p * (p + 1)};
  const D inverse = splat(1.0) / x;
  D hyperbola = inverse;
  for (int i = 0; i <= order; ++i) {
    D sum = hyperbola;
    for (int a = 0; a < 3; ++a) {
      double falling = factor[a];
      for (int b = 0; b < i; ++b) falling *= p - 1 + a - b;
      if (falling == 0) continue;
      D power = splat(falling);
      for (int b = 0; b < p - 1 + a - i; ++b) power = power * x;
      sum = sum + power;
    }
    to[i] = select<double>(x >= splat(1.0), D{}, sum);
    hyperbola = hyperbola * inverse * splat(-(i + 1.0));
  }
}

// 1 / (2m+1)
struct OddInverses {
  double inverse[kMostIndex + 1] = {};
  constexpr OddInverses() {
    for (int m = 0; m <= kMostIndex; ++m) inverse[m] = 1.0 / (2 * m + 1);
  }
};
constexpr OddInverses kOdd{};

struct Shape {
  int degrees, radials, p, order;
};

// What all rows share.
template <class T> struct Functions {
  Shape shape;
  Series<T> series;
  double largest = 0, zero[kMostFunctions], inverse[kMostFunctions], norm[kMostFunctions], binomial[kMostOrder + 1];
  Functions(Shape s, const T* zeros, const T* norms) : shape(s), series(s.degrees + s.order) {
    for (int f = 0; f < s.degrees * s.radials; ++f) {
      zero[f] = static_cast<double>(zeros[f]);
      inverse[f] = 1 / zero[f];
      norm[f] = static_cast<double>(norms[f]);
      if (zero[f] > largest) largest = zero[f];
    }
    binomial[0] = 1;
    for (int i = 1; i <= s.order; ++i) binomial[i] = binomial[i - 1] * (s.order - i + 1) / i;
  }
};

// The arguments of M registers of rows, and their envelopes.
template <class T, int M> struct Rows {
  D given[M], x[M], inverse[M], env[M][kMostOrder + 1];
  bool beyond;
  Rows(const T* from, const Functions<T>& p) {
    VInt<double> far = {};
    for (int i = 0; i < M; ++i) {
      given[i] = widen(from + i * kLanes<double>);
      const D at = max(splat(kLeast), given[i]);
      envelope(env[i], at, p.shape.p, p.shape.order);
      x[i] = p.shape.p == 0 ? at : min(splat(1.0), at); // nothing is left beyond 1
      inverse[i] = splat(1.0) / x[i];
      far |= x[i] * splat(p.largest) > splat(kTrigMax);
    }
    beyond = anyLane(far);
  }
};

// body(f, d^k/dx^k of function f), k = p.shape.order, with an array of M registers.
template <class T, int M, class F>
AG_INLINE void eachFunction(const Rows<T, M>& rows, const Functions<T>& p, F&& body) {
  const Shape& s = p.shape;
  for (int l = 0; l < s.degrees; ++l)
    for (int n = 0; n < s.radials; ++n) {
      const int f = l * s.radials + n, low = l > s.order ? l - s.order : 0;
      const double zero = p.zero[f];
      D j[kMostIndex + 1][M], z[M], inverse[M], sum[M];
      for (int i = 0; i < M; ++i) {
        z[i] = rows.x[i] * splat(zero);
        inverse[i] = rows.inverse[i] * splat(p.inverse[f]);
        sum[i] = D{};
      }
      besselAt<T, M>(j, z, inverse, low, l + s.order, rows.beyond, p.series);
      double power = p.norm[f];
      for (int k = 0;; ++k) {
        for (int i = 0; i < M; ++i)
          sum[i] = fma(splat(p.binomial[k] * power) * rows.env[i][s.order - k], j[l][i], sum[i]);
        if (k == s.order) break;
        power *= zero;
        for (int i = 0; i < M; ++i) {
          D below = low > 0 ? j[low][i] : D{};
          for (int m = low + (low > 0); m <= l + s.order - k - 1; ++m) {
            const D here = j[m][i];
            j[m][i] = (splat(1.0 * m) * below - splat(m + 1.0) * j[m + 1][i]) * splat(kOdd.inverse[m]);
            below = here;
          }
        }
      }
      if (s.order > 0)
        for (int i = 0; i < M; ++i) sum[i] = select<double>(rows.given[i] < splat(kLeast), D{}, sum[i]);
      body(f, sum);
    }
}

// body(f, function f, its first derivative): p.shape.order is 1.
template <class T, int M, class F> AG_INLINE void eachSlope(const Rows<T, M>& rows, const Functions<T>& p, F&& body) {
  const Shape& s = p.shape;
  for (int l = 0; l < s.degrees; ++l)
    for (int n = 0; n < s.radials; ++n) {
      const int f = l * s.radials + n;
      D j[kMostIndex + 1][M], z[M], inverse[M], value[M], slope[M];
      for (int i = 0; i < M; ++i) {
        z[i] = rows.x[i] * splat(p.zero[f]);
        inverse[i] = rows.inverse[i] * splat(p.inverse[f]);
      }
      besselAt<T, M>(j, z, inverse, l > 0 ? l - 1 : 0, l + 1, rows.beyond, p.series);
      const D norm = splat(p.norm[f]), steep = splat(p.norm[f] * p.zero[f] * kOdd.inverse[l]);
      for (int i = 0; i < M; ++i) {
        const D below = l > 0 ? splat(1.0 * l) * j[l - 1][i] : D{};
        const D rise = steep * (below - splat(l + 1.0) * j[l + 1][i]);
        value[i] = norm * rows.env[i][0] * j[l][i];
        slope[i] = fma(rows.env[i][0], rise, norm * rows.env[i][1] * j[l][i]);
        slope[i] = select<double>(rows.given[i] < splat(kLeast), D{}, slope[i]);
      }
      body(f, value, slope);
    }
}

} // namespace
} // namespace AG_ISA
} // namespace ag
