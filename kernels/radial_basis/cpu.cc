// Bases of one variable and their derivatives of any order k, with the pairing that makes them closed:
//   sphericalBessel     out[e,f] = d^k/dx^k ( env(x) N_f j_l(z_f x) ),  f = (l, n)     (spec dimenetpp 2.1, 2.3)
//   sphericalBesselDot  out[e]   = sum over f of g[e,f] times that
//   legendre, legendreDot: the same of sqrt((2l+1) / 4 pi) P_l(t)
// The derivative of the first is the second one order higher, that of the second the first and itself.
//
// j_l: power series below l + 1/2, upward recurrence above: 2e-15 of the peak (closed forms lose every digit at small
// x). j_l' = (l j_{l-1} - (l+1) j_{l+1}) / (2l+1) is applied k times; nothing is divided by x but the envelope u(x)/x.
// Layout: a register holds one number of as many rows as it has lanes; f32 is computed in f64 (arguments reach 40,
// where f32 sines have lost two digits). Bound: arithmetic, about 150 flop a function and row. Pitfall: x below kLeast
// counts as kLeast with derivatives 0, so that coincident atoms stay finite; x >= 1 is exactly 0 with an envelope.
#include <cmath>

#include "../../native/team.h"
#include "../../native/vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kMostFunctions = 512, kMostOrder = 6, kMostDegree = 16;
constexpr double kLeast = 2e-7;
constexpr int kSeriesTerms = 24;
using D = V<double>;

// Rows [e, e + n) of width W, a register a column (missing rows are copies of the first), and back.
template <class T> static void rowsIn(D* to, const T* from, int64_t W, int n) {
  for (int64_t s = 0; s < W; ++s) {
    double lanes[kLanes<double>];
    for (int e = 0; e < kLanes<double>; ++e) lanes[e] = static_cast<double>(from[(e < n ? e : 0) * W + s]);
    to[s] = load(lanes);
  }
}
template <class T> static void rowsOut(T* to, const D* from, int64_t W, int n) {
  for (int64_t s = 0; s < W; ++s) {
    double lanes[kLanes<double>];
    store(lanes, from[s]);
    for (int e = 0; e < n; ++e) to[e * W + s] = static_cast<T>(lanes[e]);
  }
}

// z^m / (2m+1)!! sum of t_k, t_k = -t_{k-1} z^2/2 / (k (2m+2k+1)): for z below m + 1/2
static D series(D z, int m) {
  const D half = splat(-0.5) * z * z;
  D first = splat(1.0), sum = splat(1.0), term = splat(1.0);
  for (int k = 1; k <= m; ++k) first = first * z * splat(1.0 / (2 * k + 1));
  for (int k = 1; k <= kSeriesTerms; ++k) {
    term = term * half * splat(1.0 / (k * (2.0 * m + 2 * k + 1)));
    sum = sum + term;
  }
  return first * sum;
}

// j_m(z) for m = low..high into j[m]
static void besselAt(D* j, D z, int low, int high) {
  const D inverse = splat(1.0) / z;
  D before = sin(z) * inverse, now = (before - cos(z)) * inverse;
  for (int m = 0; m <= high; ++m) {
    if (m >= low) j[m] = select<double>(z < splat(m + 0.5), series(z, m), before);
    const D next = splat(2.0 * m + 3) * inverse * now - before;
    before = now;
    now = next;
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

struct Shape {
  int degrees, radials, p, order;
};

template <class T> static void sphericalFunctions(D* out, D given, const T* zeros, const T* norms, Shape s) {
  const D x = max(given, splat(kLeast));
  D env[kMostOrder + 1];
  envelope(env, x, s.p, s.order);
  double binomial[kMostOrder + 1] = {1};
  for (int i = 1; i <= s.order; ++i) binomial[i] = binomial[i - 1] * (s.order - i + 1) / i;
  for (int l = 0; l < s.degrees; ++l)
    for (int n = 0; n < s.radials; ++n) {
      const int f = l * s.radials + n;
      const double zero = static_cast<double>(zeros[f]);
      const int low = l > s.order ? l - s.order : 0;
      D j[kMostDegree + kMostOrder + 2];
      besselAt(j, x * splat(zero), low, l + s.order);
      D sum = D{};
      double power = static_cast<double>(norms[f]);
      for (int i = 0;; ++i) {
        sum = fma(splat(binomial[i] * power) * env[s.order - i], j[l], sum);
        if (i == s.order) break;
        power *= zero;
        D below = low > 0 ? j[low] : D{};
        for (int m = low + (low > 0); m <= l + s.order - i - 1; ++m) {
          const D here = j[m];
          j[m] = (splat(1.0 * m) * below - splat(m + 1.0) * j[m + 1]) * splat(1.0 / (2 * m + 1));
          below = here;
        }
      }
      out[f] = s.order > 0 ? select<double>(given < splat(kLeast), D{}, sum) : sum;
    }
}

// d^k/dt^k of sqrt((2l+1) / 4 pi) P_l(t)
static void legendreFunctions(D* out, D t, int degrees, int order) {
  D lower[kMostDegree + 1] = {}, now[kMostDegree + 1];
  for (int k = 0; k <= order; ++k) {
    D before = D{}, here = splat(k == 0 ? 1.0 : 0.0);
    for (int l = 0; l < degrees; ++l) {
      now[l] = here;
      const D rise = (splat(2.0 * l + 1) * (t * here + splat(1.0 * k) * lower[l]) - splat(1.0 * l) * before) *
                     splat(1.0 / (l + 1));
      before = here;
      here = rise;
    }
    for (int l = 0; l < degrees; ++l) lower[l] = now[l];
  }
  for (int l = 0; l < degrees; ++l) out[l] = now[l] * splat(std::sqrt((2 * l + 1) / (4 * 3.14159265358979323846)));
}

template <class F> static void tiles(const Call& c, int64_t E, double nsPerRow, F&& body) {
  constexpr int64_t grain = 16 * kLanes<double>;
  blocks(c, E, grain, nsPerRow, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; e += kLanes<double>)
      body(e, static_cast<int>(end - e < kLanes<double> ? end - e : kLanes<double>));
  });
}

static D dot(const D* a, const D* b, int64_t F) {
  D sum = D{};
  for (int64_t f = 0; f < F; ++f) sum = fma(a[f], b[f], sum);
  return sum;
}

template <class T> static int sphericalBessel(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1];
  const Shape s{c.ints[2], c.ints[3], c.ints[4], c.ints[5]};
  const T *x = in<T>(c, 0), *zeros = in<T>(c, 1), *norms = in<T>(c, 2);
  T* to = out<T>(c, 3);
  tiles(c, E, 20.0 * static_cast<double>(F) * (1 + s.order), [&](int64_t e, int n) {
    D at, values[kMostFunctions];
    rowsIn(&at, x + e, 1, n);
    sphericalFunctions(values, at, zeros, norms, s);
    rowsOut(to + e * F, values, F, n);
  });
  return 0;
}

template <class T> static int sphericalBesselDot(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1];
  const Shape s{c.ints[2], c.ints[3], c.ints[4], c.ints[5]};
  const T *g = in<T>(c, 0), *x = in<T>(c, 1), *zeros = in<T>(c, 2), *norms = in<T>(c, 3);
  T* to = out<T>(c, 4);
  tiles(c, E, 20.0 * static_cast<double>(F) * (1 + s.order), [&](int64_t e, int n) {
    D at, values[kMostFunctions], weights[kMostFunctions];
    rowsIn(&at, x + e, 1, n);
    rowsIn(weights, g + e * F, F, n);
    sphericalFunctions(values, at, zeros, norms, s);
    const D sum = dot(weights, values, F);
    rowsOut(to + e, &sum, 1, n);
  });
  return 0;
}

template <class T> static int legendre(const Call& c) {
  const int64_t E = c.ints[0], L = c.ints[1];
  const T* t = in<T>(c, 0);
  T* to = out<T>(c, 1);
  tiles(c, E, static_cast<double>(L), [&](int64_t e, int n) {
    D at, values[kMostDegree + 1];
    rowsIn(&at, t + e, 1, n);
    legendreFunctions(values, at, static_cast<int>(L), c.ints[2]);
    rowsOut(to + e * L, values, L, n);
  });
  return 0;
}

template <class T> static int legendreDot(const Call& c) {
  const int64_t E = c.ints[0], L = c.ints[1];
  const T *g = in<T>(c, 0), *t = in<T>(c, 1);
  T* to = out<T>(c, 2);
  tiles(c, E, static_cast<double>(L), [&](int64_t e, int n) {
    D at, values[kMostDegree + 1], weights[kMostDegree + 1];
    rowsIn(&at, t + e, 1, n);
    rowsIn(weights, g + e * L, L, n);
    legendreFunctions(values, at, static_cast<int>(L), c.ints[2]);
    const D sum = dot(weights, values, L);
    rowsOut(to + e, &sum, 1, n);
  });
  return 0;
}

} // namespace

FAMILY(radial_basis, KERNEL(sphericalBessel), KERNEL(sphericalBesselDot), KERNEL(legendre), KERNEL(legendreDot))

} // namespace AG_ISA
} // namespace ag
