// Real solid harmonics Y(x) of all degrees 0..L in e3nn's basis (polar axis y), and the three faces of their
// derivative.
//
// Values (spec equivariant 3.2): Y_{l,m} = q_l^m A_m, Y_{l,-m} = q_l^m B_m with A_m + i B_m = (z + i x)^m and q_l^m a
// polynomial in y and r^2 that rises in l by a recurrence of three terms. Derivative (3.3): d_k Y = D_k Y with constant
// sparse D_k that lower the degree by one, at most two entries a row and axis. So with F(w, g, y) = sum over k of w_k g
// . D_k y
//   harmonicsGradient = dF/dw,   harmonicsPush = dF/dg,   harmonicsPull = dF/dy,
// and derivatives of any order are calls of these.
//
// unitHarmonics and unitHarmonicsGradient are Y(x / |x|) and its derivative in one pass each: 2 S + 9 numbers a row for
// both together; their further derivatives go through the kernels above.
//
// Layout: rows of S = (L+1)^2 numbers, degree l at l^2, order m at l^2 + l + m. Strategy: a register holds one number
// of as many rows as it has lanes; tiles of rows are transposed in and out; up to L = 3 the code is straight, with the
// places of all numbers known to the compiler. Constants are computed once a call. The last tile runs with empty lanes,
// so bits do not depend on where blocks begin. Bound: memory, S + 3 numbers a row for values (S + 6 for the gradient of
// unit vectors) up to about L = 6, arithmetic above. Measured: values and gradients of 100,000 unit vectors, L = 3,
// f32, two threads: 0.40 ms and 0.45 ms at 30 GB/s, 65 and 66 % of that bound. Pitfall: the solid kernels divide by
// nothing; those of unit vectors take the zero vector (|x|^2 <= 1e-24, in f32 the smallest normal number) as one
// without direction.
#include <cmath>
#include <utility>

#include "../../native/interleave.h"
#include "../../native/simd.h"
#include "../../native/team.h"
#include "../../native/vecmath.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kMaxDegree = 12;
constexpr int kMaxSize = (kMaxDegree + 1) * (kMaxDegree + 1);
enum Normalization { kComponent, kNorm, kIntegral };

template <class T, class F> static void tiles(const Call& c, int64_t E, double nsPerRow, F&& body) {
  constexpr int64_t grain = 16 * kLanes<T>;
  blocks(c, E, grain, nsPerRow, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; e += kLanes<T>)
      body(e, static_cast<int>(end - e < kLanes<T> ? end - e : kLanes<T>));
  });
}

template <class T> AG_INLINE void vectorsIn(V<T>* to, const T* from, int n) {
  if (n == kLanes<T>) deinterleave<T, 3>(to, from);
  else rowsToColumns(to, from, 3, n);
}

template <class T> AG_INLINE void vectorsOut(T* to, const V<T>* from, int n) {
  if (n == kLanes<T>) interleave<T, 3>(to, from);
  else columnsToRows(to, from, 3, n);
}

// Constants of the recurrence in l.
template <class T> struct Recurrence {
  T diagonal[kMaxDegree + 1], next[kMaxDegree + 1], a[kMaxSize], b[kMaxSize], scale[kMaxDegree + 1];
  Recurrence(int L, int normalization) {
    double q = 1;
    for (int m = 0; m <= L; ++m) {
      if (m > 0) q *= std::sqrt((2.0 * m + 1) / (2.0 * m)) * (m == 1 ? std::sqrt(2.0) : 1);
      diagonal[m] = static_cast<T>(q);
      next[m] = static_cast<T>(std::sqrt(2.0 * m + 3));
      for (int l = m + 2; l <= L; ++l) {
        const double ll = static_cast<double>(l) * l, mm = static_cast<double>(m) * m, kk = (l - 1.0) * (l - 1.0);
        const double rise = std::sqrt((4 * ll - 1) / (ll - mm));
        a[l * (L + 1) + m] = static_cast<T>(rise);
        b[l * (L + 1) + m] = static_cast<T>(rise * std::sqrt((kk - mm) / (4 * kk - 1)));
      }
    }
    for (int l = 0; l <= L; ++l)
      scale[l] = static_cast<T>(normalization == kNorm       ? 1 / std::sqrt(2.0 * l + 1)
                                : normalization == kIntegral ? std::sqrt(0.25 / 3.14159265358979323846)
                                                             : 1.0);
  }
};

template <class T> static void harmonics(V<T>* Y, V<T> x, V<T> y, V<T> z, int L, const Recurrence<T>& r, bool scaled) {
  const V<T> square = fma(x, x, fma(y, y, z * z));
  V<T> A = splat<T>(1), B = splat<T>(0);
  for (int m = 0; m <= L; ++m) {
    if (m > 0) {
      const V<T> rise = fma(z, A, -(x * B));
      B = fma(z, B, x * A);
      A = rise;
    }
    V<T> before = splat<T>(0), q = splat(r.diagonal[m]);
    for (int l = m; l <= L; ++l) {
      if (l == m + 1) {
        before = q;
        q = splat(r.next[m]) * y * q;
      } else if (l > m + 1) {
        const int at = l * (L + 1) + m;
        const V<T> rise = fma(splat(r.a[at]) * y, q, -(splat(r.b[at]) * square * before));
        before = q;
        q = rise;
      }
      const V<T> value = scaled ? q * splat(r.scale[l]) : q;
      Y[l * l + l + m] = value * A;
      if (m > 0) Y[l * l + l - m] = value * B;
    }
  }
}

template <int... K, class F> AG_INLINE void unrolledOver(std::integer_sequence<int, K...>, F&& body) {
  (body(std::integral_constant<int, K>{}), ...);
}
template <int N, class F> AG_INLINE void unrolled(F&& body) {
  unrolledOver(std::make_integer_sequence<int, N>(), body);
}

// The same with the degree known to the compiler: straight-line code in registers.
template <int L, class T> AG_INLINE void harmonicsUpTo(V<T>* Y, V<T> x, V<T> y, V<T> z, const Recurrence<T>& r) {
  const V<T> square = fma(x, x, fma(y, y, z * z));
  V<T> A = splat<T>(1), B = splat<T>(0);
  unrolled<L + 1>([&](auto order) AG_ALWAYS {
    constexpr int m = order.value;
    if constexpr (m > 0) {
      const V<T> rise = fma(z, A, -(x * B));
      B = fma(z, B, x * A);
      A = rise;
    }
    V<T> before = splat<T>(0), q = splat(r.diagonal[m]);
    unrolled<L + 1 - m>([&](auto step) AG_ALWAYS {
      constexpr int l = m + step.value;
      if constexpr (step.value == 1) {
        before = q;
        q = splat(r.next[m]) * y * q;
      } else if constexpr (step.value > 1) {
        constexpr int at = l * (L + 1) + m;
        const V<T> rise = fma(splat(r.a[at]) * y, q, -(splat(r.b[at]) * square * before));
        before = q;
        q = rise;
      }
      const V<T> value = q * splat(r.scale[l]);
      Y[l * l + l + m] = m > 0 ? value * A : value;
      if constexpr (m > 0) Y[l * l + l - m] = value * B;
    });
  });
}

// Calls body with the degree as a constant where it is one of those compiled, else with kAnyDegree.
constexpr int kAnyDegree = -1;
template <class F> static void byDegree(int L, F&& body) {
  switch (L) {
  case 1:
    return body(std::integral_constant<int, 1>{});
  case 2:
    return body(std::integral_constant<int, 2>{});
  case 3:
    return body(std::integral_constant<int, 3>{});
  default:
    return body(std::integral_constant<int, kAnyDegree>{});
  }
}
constexpr int sizeOf(int degree) { return degree == kAnyDegree ? kMaxSize : (degree + 1) * (degree + 1); }

template <int kL, class T>
AG_INLINE void harmonicsOf(V<T>* Y, const V<T>* v, int L, const Recurrence<T>& r, bool scaled) {
  if constexpr (kL == kAnyDegree) harmonics(Y, v[0], v[1], v[2], L, r, scaled);
  else harmonicsUpTo<kL>(Y, v[0], v[1], v[2], r);
}

template <class T> static int sphericalHarmonics(const Call& c) {
  const int64_t E = c.ints[0], S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  const Recurrence<T> recurrence(L, normalization);
  byDegree(L, [&](auto degree) {
    tiles<T>(c, E, static_cast<double>(S) / 2, [&](int64_t e, int n) {
      V<T> v[3], Y[sizeOf(degree.value)];
      vectorsIn(v, x + 3 * e, n);
      harmonicsOf<degree.value>(Y, v, L, recurrence, normalization != kComponent);
      columnsToRows(to + S * e, Y, S, n);
    });
  });
  return 0;
}

// The entries of D_x, D_y, D_z: row i of degree l, column j of degree l - 1, value factor s_l sqrt(square) with s_l
// from the normalization. add(axis, i, j, l, factor, square)
template <class Add> constexpr void eachEntry(int L, Add&& add) {
  for (int l = 1; l <= L; ++l) {
    const int row = l * l + l, column = (l - 1) * (l - 1) + l - 1;
    for (int m = 0; m <= l; ++m) {
      const int a = (l + m) * (l + m - 1), b = (l - m) * (l - m - 1);
      if (m < l) add(1, row + m, column + m, l, 1.0, l * l - m * m);
      if (m == 0) {
        if (l > 1) {
          add(2, row, column + 1, l, -0.5, 2 * b);
          add(0, row, column - 1, l, -0.5, 2 * b);
        }
        continue;
      }
      if (m < l) add(1, row - m, column - m, l, 1.0, l * l - m * m);
      const int upper = m == 1 ? 2 * a : a;
      add(2, row + m, column + m - 1, l, 0.5, upper);
      add(0, row - m, column + m - 1, l, 0.5, upper);
      if (m > 1) {
        add(0, row + m, column - m + 1, l, -0.5, a);
        add(2, row - m, column - m + 1, l, 0.5, a);
      }
      if (m + 1 > l - 1) continue;
      add(2, row + m, column + m + 1, l, -0.5, b);
      add(0, row + m, column - m - 1, l, -0.5, b);
      add(2, row - m, column - m - 1, l, -0.5, b);
      add(0, row - m, column + m + 1, l, 0.5, b);
    }
  }
}

template <class T> struct Derivative {
  struct Entry {
    int16_t i, j;
    T value;
  };
  Entry entries[3][2 * kMaxSize];
  int count[3] = {0, 0, 0};

  Derivative(int L, int normalization) {
    eachEntry(L, [&](int axis, int i, int j, int l, double factor, int square) {
      const double s = normalization == kNorm ? 1 : std::sqrt((2.0 * l + 1) / (2.0 * l - 1));
      entries[axis][count[axis]++] = {static_cast<int16_t>(i), static_cast<int16_t>(j),
                                      static_cast<T>(factor * s * std::sqrt(static_cast<double>(square)))};
    });
  }
};

// Where the entries of a fixed degree stand, in the same order.
template <int L> struct Pattern {
  int i[3][2 * sizeOf(L)] = {}, j[3][2 * sizeOf(L)] = {}, count[3] = {0, 0, 0};
  constexpr Pattern() {
    eachEntry(L, [this](int axis, int row, int column, int, double, int) {
      i[axis][count[axis]] = row;
      j[axis][count[axis]++] = column;
    });
  }
};
template <int L> constexpr Pattern<L> kPattern{};

// g . D_k Y for k = x, y, z; two sums each, to be shorter chains.
template <class T> AG_INLINE void contract(V<T>* sum, const V<T>* G, const V<T>* Y, const Derivative<T>& d) {
  for (int k = 0; k < 3; ++k) {
    V<T> even = {}, odd = {};
    const auto* entry = d.entries[k];
    int q = 0;
    for (; q + 1 < d.count[k]; q += 2) {
      even = fma(splat(entry[q].value) * G[entry[q].i], Y[entry[q].j], even);
      odd = fma(splat(entry[q + 1].value) * G[entry[q + 1].i], Y[entry[q + 1].j], odd);
    }
    if (q < d.count[k]) even = fma(splat(entry[q].value) * G[entry[q].i], Y[entry[q].j], even);
    sum[k] = even + odd;
  }
}

template <int kL, class T> AG_INLINE void contractOf(V<T>* sum, const V<T>* G, const V<T>* Y, const Derivative<T>& d) {
  if constexpr (kL == kAnyDegree) contract(sum, G, Y, d);
  else
    unrolled<3>([&](auto axis) AG_ALWAYS {
      constexpr int k = axis.value;
      V<T> part[2] = {};
      unrolled<kPattern<kL>.count[k]>([&](auto entry) AG_ALWAYS {
        constexpr int q = entry.value, i = kPattern<kL>.i[k][q], j = kPattern<kL>.j[k][q];
        part[q % 2] = fma(splat(d.entries[k][q].value) * G[i], Y[j], part[q % 2]);
      });
      sum[k] = part[0] + part[1];
    });
}

template <class T> static int harmonicsGradient(const Call& c) {
  const int64_t E = c.ints[0], S = c.ints[1];
  const T *g = in<T>(c, 0), *y = in<T>(c, 1);
  T* to = out<T>(c, 2);
  const Derivative<T> d(c.ints[2], c.ints[3]);
  byDegree(c.ints[2], [&](auto degree) {
    tiles<T>(c, E, static_cast<double>(S) / 2, [&](int64_t e, int n) {
      V<T> G[sizeOf(degree.value)], Y[sizeOf(degree.value)], sum[3];
      rowsToColumns(G, g + S * e, S, n);
      rowsToColumns(Y, y + S * e, S, n);
      contractOf<degree.value>(sum, G, Y, d);
      vectorsOut(to + 3 * e, sum, n);
    });
  });
  return 0;
}

// n = x / |x| and 1 / |x|; both 0 at the zero vector (op.ts says what counts as one).
template <class T> AG_INLINE V<T> normalise(V<T>* v) {
  const V<T> square = fma(v[0], v[0], fma(v[1], v[1], v[2] * v[2]));
  const T least = sizeof(T) == 8 ? T(1e-24) : T(1.1754944e-38);
  const VInt<T> present = square > splat(least);
  const V<T> inverse = select<T>(present, splat<T>(1) / sqrt(select<T>(present, square, splat<T>(1))), V<T>{});
  for (int k = 0; k < 3; ++k) v[k] = v[k] * inverse;
  return inverse;
}

template <class T> static int unitHarmonics(const Call& c) {
  const int64_t E = c.ints[0], S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  const Recurrence<T> recurrence(L, normalization);
  byDegree(L, [&](auto degree) {
    tiles<T>(c, E, static_cast<double>(S) / 2, [&](int64_t e, int n) {
      V<T> v[3], Y[sizeOf(degree.value)];
      vectorsIn(v, x + 3 * e, n);
      normalise<T>(v);
      harmonicsOf<degree.value>(Y, v, L, recurrence, normalization != kComponent);
      columnsToRows(to + S * e, Y, S, n);
    });
  });
  return 0;
}

// (h - n (n . h)) / |x| with h = g . grad Y at n: what is left of the solid gradient when the length does not matter.
template <class T> static int unitHarmonicsGradient(const Call& c) {
  const int64_t E = c.ints[0], S = c.ints[1];
  const int L = c.ints[2], normalization = c.ints[3];
  const T *g = in<T>(c, 0), *x = in<T>(c, 1);
  T* to = out<T>(c, 2);
  // The derivative of degree L asks for degrees below L only.
  const int below = L > 0 ? L - 1 : 0;
  const Recurrence<T> recurrence(below, normalization);
  const Derivative<T> d(L, normalization);
  byDegree(L, [&](auto degree) {
    constexpr int kL = degree.value, kBelow = kL == kAnyDegree ? kL : kL - 1;
    tiles<T>(c, E, static_cast<double>(S), [&](int64_t e, int n) {
      V<T> v[3], G[sizeOf(kL)], Y[sizeOf(kBelow)], h[3];
      vectorsIn(v, x + 3 * e, n);
      rowsToColumns(G, g + S * e, S, n);
      const V<T> inverse = normalise<T>(v);
      harmonicsOf<kBelow>(Y, v, below, recurrence, normalization != kComponent);
      contractOf<kL>(h, G, Y, d);
      const V<T> radial = fma(v[0], h[0], fma(v[1], h[1], v[2] * h[2]));
      for (int k = 0; k < 3; ++k) h[k] = (h[k] - v[k] * radial) * inverse;
      vectorsOut(to + 3 * e, h, n);
    });
  });
  return 0;
}

// dF/dg or dF/dy: the sparse matrix sum over k of w_k D_k, or its transpose, times a row.
template <class T, bool kTransposed> static int apply(const Call& c) {
  const int64_t E = c.ints[0], S = c.ints[1];
  const T *w = in<T>(c, 0), *y = in<T>(c, 1);
  T* to = out<T>(c, 2);
  const Derivative<T> d(c.ints[2], c.ints[3]);
  tiles<T>(c, E, static_cast<double>(S) / 2, [&](int64_t e, int n) {
    V<T> axis[3], Y[kMaxSize], sum[kMaxSize];
    rowsToColumns(axis, w + 3 * e, 3, n);
    rowsToColumns(Y, y + S * e, S, n);
    for (int64_t s = 0; s < S; ++s) sum[s] = V<T>{};
    for (int k = 0; k < 3; ++k)
      for (int q = 0; q < d.count[k]; ++q) {
        const auto entry = d.entries[k][q];
        const int from = kTransposed ? entry.i : entry.j, into = kTransposed ? entry.j : entry.i;
        sum[into] = fma(splat(entry.value) * axis[k], Y[from], sum[into]);
      }
    columnsToRows(to + S * e, sum, S, n);
  });
  return 0;
}
template <class T> static int harmonicsPush(const Call& c) { return apply<T, false>(c); }
template <class T> static int harmonicsPull(const Call& c) { return apply<T, true>(c); }

} // namespace

FAMILY(spherical_harmonics, KERNEL(sphericalHarmonics), KERNEL(harmonicsGradient), KERNEL(harmonicsPush),
       KERNEL(harmonicsPull), KERNEL(unitHarmonics), KERNEL(unitHarmonicsGradient))

} // namespace AG_ISA
} // namespace ag
