// Bases of one variable and their derivatives of any order k, with the pairing that makes them closed:
//   sphericalBessel     out[e,f] = d^k/dx^k ( env(x) N_f j_l(z_f x) ),  f = (l, n)     (spec dimenetpp 2.1, 2.3)
//   sphericalBesselDot  out[e]   = sum over f of g[e,f] times that
//   legendre, legendreDot: the same of sqrt((2l+1) / 4 pi) P_l(t)
// The derivative of the first is the second one order higher, that of the second the first and itself.
//
// Layout: a register holds one number of as many rows as it has lanes. Bessel functions: spherical.h. Bound:
// arithmetic, about 50 flop a function and row (sine and cosine 30, recurrence 10).
// Measured: 7 x 6 functions of 9,000 rows, f32, one thread, 0.78 ms (24 flop/ns); Legendre functions are memory's.
#include <cmath>

#include "../../native/interleave.h"
#include "../../native/team.h"
#include "spherical.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr double kNsPerFunction = 2;

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

// The parts of a register of T.
template <class T> AG_INLINE void narrowed(V<T>* to, const D* parts) {
  T lanes[kLanes<T>];
  for (int i = 0; i < kParts<T>; ++i) narrow(lanes + i * kLanes<double>, parts[i]);
  *to = load(lanes);
}

template <class T> static int sphericalBessel(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1];
  const Shape shape{c.ints[2], c.ints[3], c.ints[4], c.ints[5]};
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 3);
  const Functions<T> functions(shape, in<T>(c, 1), in<T>(c, 2));
  tiles<T>(c, E, kNsPerFunction * static_cast<double>(F) * (1 + shape.order), [&](int64_t e, int n) {
    constexpr int M = kParts<T>;
    T given[kLanes<T>];
    for (int k = 0; k < kLanes<T>; ++k) given[k] = x[e + (k < n ? k : 0)]; // missing rows are copies of the first
    const Rows<T, M> rows(given, functions);
    V<T> values[kMostFunctions];
    eachFunction(rows, functions, [&](int f, const D* value) { narrowed<T>(&values[f], value); });
    columnsToRows(to + e * F, values, F, n);
  });
  return 0;
}

template <class T> static int sphericalBesselDot(const Call& c) {
  const int64_t E = c.ints[0], F = c.ints[1];
  const Shape shape{c.ints[2], c.ints[3], c.ints[4], c.ints[5]};
  const T *g = in<T>(c, 0), *x = in<T>(c, 1);
  T* to = out<T>(c, 4);
  const Functions<T> functions(shape, in<T>(c, 2), in<T>(c, 3));
  tiles<T>(c, E, kNsPerFunction * static_cast<double>(F) * (1 + shape.order), [&](int64_t e, int n) {
    constexpr int M = kParts<T>;
    T given[kLanes<T>];
    for (int k = 0; k < kLanes<T>; ++k) given[k] = x[e + (k < n ? k : 0)]; // missing rows are copies of the first
    const Rows<T, M> rows(given, functions);
    V<T> weights[kMostFunctions], total;
    rowsToColumns(weights, g + e * F, F, n);
    D sum[M] = {};
    eachFunction(rows, functions, [&](int f, const D* value) {
      T weight[kLanes<T>];
      store(weight, weights[f]);
      for (int i = 0; i < M; ++i) sum[i] = fma(widen(weight + i * kLanes<double>), value[i], sum[i]);
    });
    narrowed<T>(&total, sum);
    storePart(to + e, total, n);
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
