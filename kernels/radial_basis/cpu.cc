// Bases of one variable and their derivatives of any order k, with the pairing that makes them closed:
//   sphericalBessel     out[e,f] = d^k/dx^k ( env(x) N_f j_l(z_f x) ),  f = (l, n)     (spec dimenetpp 2.1, 2.3)
//   sphericalBesselDot  out[e]   = sum over f of g[e,f] times that
//   legendre, legendreDot: the same of sqrt((2l+1) / 4 pi) P_l(t)
// The derivative of the first is the second one order higher, that of the second the first and itself.
//
// j_l: upward recurrence beyond the turning point of the highest index needed, below it downward from two power
// series; lanes differ, so a register does what any of its lanes asks for. 2e-15 of the peak (closed forms lose every
// digit at small x). j_l' = (l j_{l-1} - (l+1) j_{l+1}) / (2l+1) is applied k times; nothing is divided by x but the
// envelope u(x)/x.
// Layout: a register holds one number of as many rows as it has lanes. Bessel functions in f32 are computed in f64
// (arguments reach 40, where f32 sines have lost two digits), with a series as long as f32 can tell. Bound: arithmetic,
// about 70 flop a function and row (sine and cosine 35, series 15, recurrence 12). Measured: 7 x 6 functions of 9,000
// rows, two threads, 0.70 ms (38 flop/ns), the derivative's dot product 1.0 ms; Legendre functions are memory's.
// Pitfall: x below kLeast counts as kLeast with derivatives 0, so that coincident atoms stay finite; x >= 1 is exactly
// 0 with an envelope.
#include <cmath>

#include "../../native/interleave.h"
#include "../../native/team.h"
#include "../../native/vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kMostFunctions = 512, kMostOrder = 6, kMostDegree = 12, kMostIndex = kMostDegree + kMostOrder;
constexpr double kLeast = 2e-7;
constexpr int kSeriesTerms = 32;
constexpr double kNsPerFunction = 4;
using D = V<double>;

// Rows of width W, n of them, to a register a column (missing rows are zeros), and back.
template <class T> static void rowsIn(D* to, const T* from, int64_t W, int n) {
  double rows[kLanes<double> * kMostFunctions];
  for (int64_t k = 0; k < n * W; ++k) rows[k] = static_cast<double>(from[k]);
  rowsToColumns<double>(to, rows, W, n);
}
template <class T> static void rowsOut(T* to, const D* from, int64_t W, int n) {
  double rows[kLanes<double> * kMostFunctions];
  columnsToRows<double>(rows, from, W, n);
  for (int64_t k = 0; k < n * W; ++k) to[k] = static_cast<T>(rows[k]);
}
// A number a row; missing rows are copies of the first.
template <class T> static D numbersIn(const T* from, int n) {
  double lanes[kLanes<double>];
  for (int e = 0; e < kLanes<double>; ++e) lanes[e] = static_cast<double>(from[e < n ? e : 0]);
  return load(lanes);
}
template <class T> static void numbersOut(T* to, D from, int n) {
  double lanes[kLanes<double>];
  store(lanes, from);
  for (int e = 0; e < n; ++e) to[e] = static_cast<T>(lanes[e]);
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

// j_m(z) = z^m / (2m+1)!! sum of c_k z^2k, for z below m + 3/2: c_k = c_{k-1} (-1/2) / (k (2m+2k+1)), as many as the
// number type can tell.
template <class T> struct Series {
  double factor[kMostIndex + 1], c[kMostIndex + 1][kSeriesTerms];
  int count[kMostIndex + 1];
  explicit Series(int most) {
    double odd = 1;
    for (int m = 0; m <= most; ++m) {
      odd *= 2 * m + 1;
      factor[m] = 1 / odd;
      const double largest = (m + 1.5) * (m + 1.5), least = sizeof(T) == 8 ? 1e-17 : 1e-11;
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

// j_m(z) for m = low..high into j[m]: upward from the closed forms where z is beyond the last turning point, downward
// from two series where it is not.
template <class T> static void besselAt(D* j, D z, D inverse, int low, int high, const Series<T>& series) {
  const VInt<double> near = z < splat(high + 0.5);
  const bool anyNear = anyLane(near), anyFar = anyLane(~near);
  if (anyFar) {
    D sine, cosine;
    sinCos(z, &sine, &cosine);
    D before = sine * inverse, now = (before - cosine) * inverse;
    for (int m = 0; m <= high; ++m) {
      if (m >= low) j[m] = before;
      const D next = fma(splat(2.0 * m + 3) * inverse, now, -before);
      before = now;
      now = next;
    }
  }
  if (!anyNear) return;
  const D square = z * z;
  D above = series(z, square, high);
  j[high] = anyFar ? select<double>(near, above, j[high]) : above;
  if (high == low) return;
  D here = series(z, square, high - 1);
  for (int m = high - 1;; --m) {
    j[m] = anyFar ? select<double>(near, here, j[m]) : here;
    if (m == low) return;
    const D below = fma(splat(2.0 * m + 1) * inverse, here, -above);
    above = here;
    here = below;
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
    to[i] = select<double>(x < splat(1.0), sum, D{});
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
  double zero[kMostFunctions], inverse[kMostFunctions], norm[kMostFunctions], binomial[kMostOrder + 1];
  Functions(Shape s, const T* zeros, const T* norms) : shape(s), series(s.degrees + s.order) {
    for (int f = 0; f < s.degrees * s.radials; ++f) {
      zero[f] = static_cast<double>(zeros[f]);
      inverse[f] = 1 / zero[f];
      norm[f] = static_cast<double>(norms[f]);
    }
    binomial[0] = 1;
    for (int i = 1; i <= s.order; ++i) binomial[i] = binomial[i - 1] * (s.order - i + 1) / i;
  }
};

template <class T> static void sphericalFunctions(D* out, D given, const Functions<T>& p) {
  const Shape& s = p.shape;
  const D x = max(given, splat(kLeast)), inverse = splat(1.0) / x;
  D env[kMostOrder + 1];
  envelope(env, x, s.p, s.order);
  for (int l = 0; l < s.degrees; ++l)
    for (int n = 0; n < s.radials; ++n) {
      const int f = l * s.radials + n, low = l > s.order ? l - s.order : 0;
      const double zero = p.zero[f];
      D j[kMostIndex + 1];
      besselAt(j, x * splat(zero), inverse * splat(p.inverse[f]), low, l + s.order, p.series);
      D sum = D{};
      double power = p.norm[f];
      for (int i = 0;; ++i) {
        sum = fma(splat(p.binomial[i] * power) * env[s.order - i], j[l], sum);
        if (i == s.order) break;
        power *= zero;
        D below = low > 0 ? j[low] : D{};
        for (int m = low + (low > 0); m <= l + s.order - i - 1; ++m) {
          const D here = j[m];
          j[m] = (splat(1.0 * m) * below - splat(m + 1.0) * j[m + 1]) * splat(kOdd.inverse[m]);
          below = here;
        }
      }
      out[f] = s.order > 0 ? select<double>(given < splat(kLeast), D{}, sum) : sum;
    }
}

// d^k/dt^k of sqrt((2l+1) / 4 pi) P_l(t): (l+1) P_{l+1} = (2l+1) t P_l - l P_{l-1}, derived k times.
template <class T> struct Legendre {
  int degrees, order;
  T rise[kMostDegree + 1], fall[kMostDegree + 1], scale[kMostDegree + 1];
  Legendre(int64_t L, int k) : degrees(static_cast<int>(L)), order(k) {
    for (int l = 0; l < degrees; ++l) {
      rise[l] = static_cast<T>((2 * l + 1) / (l + 1.0));
      fall[l] = static_cast<T>(l / (l + 1.0));
      scale[l] = static_cast<T>(std::sqrt((2 * l + 1) / (4 * 3.14159265358979323846)));
    }
  }
  void operator()(V<T>* out, V<T> t) const {
    V<T> lower[kMostDegree + 1] = {}, now[kMostDegree + 1];
    for (int k = 0; k <= order; ++k) {
      V<T> before = {}, here = splat(T(k == 0));
      for (int l = 0; l < degrees; ++l) {
        now[l] = here;
        const V<T> next = fma(splat(rise[l]), fma(t, here, splat(T(k)) * lower[l]), -(splat(fall[l]) * before));
        before = here;
        here = next;
      }
      for (int l = 0; l < degrees; ++l) lower[l] = now[l];
    }
    for (int l = 0; l < degrees; ++l) out[l] = now[l] * splat(scale[l]);
  }
};

// body(first row, rows) for as many rows as a register of U has lanes.
template <class U, class F> static void tiles(const Call& c, int64_t E, double nsPerRow, F&& body) {
  constexpr int64_t grain = 16 * kLanes<U>;
  blocks(c, E, grain, nsPerRow, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; e += kLanes<U>)
      body(e, static_cast<int>(end - e < kLanes<U> ? end - e : kLanes<U>));
  });
}

static D dot(const D* a, const D* b, int64_t F) {
  D sum = D{};
  for (int64_t f = 0; f < F; ++f) sum = fma(a[f], b[f], sum);
  return sum;
}

template <class T> static int sphericalBessel(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1];
  const Shape shape{c.ints[2], c.ints[3], c.ints[4], c.ints[5]};
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 3);
  const Functions<T> functions(shape, in<T>(c, 1), in<T>(c, 2));
  tiles<double>(c, E, kNsPerFunction * static_cast<double>(F) * (1 + shape.order), [&](int64_t e, int n) {
    D values[kMostFunctions];
    sphericalFunctions(values, numbersIn(x + e, n), functions);
    rowsOut(to + e * F, values, F, n);
  });
  return 0;
}

template <class T> static int sphericalBesselDot(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1];
  const Shape shape{c.ints[2], c.ints[3], c.ints[4], c.ints[5]};
  const T *g = in<T>(c, 0), *x = in<T>(c, 1);
  T* to = out<T>(c, 4);
  const Functions<T> functions(shape, in<T>(c, 2), in<T>(c, 3));
  tiles<double>(c, E, kNsPerFunction * static_cast<double>(F) * (1 + shape.order), [&](int64_t e, int n) {
    D values[kMostFunctions], weights[kMostFunctions];
    rowsIn(weights, g + e * F, F, n);
    sphericalFunctions(values, numbersIn(x + e, n), functions);
    numbersOut(to + e, dot(weights, values, F), n);
  });
  return 0;
}

template <class T> static int legendre(const Call& c) {
  const int64_t E = c.ints[0], L = c.ints[1];
  const T* t = in<T>(c, 0);
  T* to = out<T>(c, 1);
  const Legendre<T> functions(L, c.ints[2]);
  tiles<T>(c, E, static_cast<double>(L), [&](int64_t e, int n) {
    V<T> values[kMostDegree + 1];
    functions(values, loadPart(t + e, n));
    columnsToRows(to + e * L, values, L, n);
  });
  return 0;
}

template <class T> static int legendreDot(const Call& c) {
  const int64_t E = c.ints[0], L = c.ints[1];
  const T *g = in<T>(c, 0), *t = in<T>(c, 1);
  T* to = out<T>(c, 2);
  const Legendre<T> functions(L, c.ints[2]);
  tiles<T>(c, E, static_cast<double>(L), [&](int64_t e, int n) {
    V<T> values[kMostDegree + 1], weights[kMostDegree + 1], sum = {};
    rowsToColumns(weights, g + e * L, L, n);
    functions(values, loadPart(t + e, n));
    for (int64_t l = 0; l < L; ++l) sum = fma(weights[l], values[l], sum);
    storePart(to + e, sum, n);
  });
  return 0;
}

} // namespace

FAMILY(radial_basis, KERNEL(sphericalBessel), KERNEL(sphericalBesselDot), KERNEL(legendre), KERNEL(legendreDot))

} // namespace AG_ISA
} // namespace ag
