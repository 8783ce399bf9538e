// The basis of triplets k -> j -> i in one pass, and its gradients in another (spec dimenetpp 2.3, 2.4):
//   sphericalBasis          out[t,l,n] = R_ln(x[e]) Y_l(u[t]),  e = index[t],  R = env(x) N_ln j_l(z_ln x),
//                           Y_l(u) = sqrt((2l+1) / 4 pi) P_l(u), u the cosine of the angle
//   sphericalBasisGradient  du[t] = sum over l n of g[t,l,n] R_ln(x[e]) Y_l'(u[t]),
//                           dx[e] = sum over t of edge e, in the order of `order`, of g[t,l,n] R_ln'(x[e]) Y_l(u[t])
//
// Layout: rows of F = L R numbers lie in registers as they lie in memory, the last one in part; Y is computed with a
// triplet a lane, turned into rows by a transposition, and repeated R times by a permutation.
// Strategy: R (and R') once an edge into scratch rows of whole registers; then triplets in the order of memory, so that
// what is large (out, g) streams and what is gathered (R) stays in cache. dx needs no sums of rows: a triplet's part of
// it is one number, and those are summed an edge at a time. Large results go past the caches.
// Bound: memory, F numbers a triplet written, F read. Measured, 130,000 triplets of 9,000 edges in no order, 7 x 6
// functions, f32, two threads: values 1.3 ms, both gradients 2.0 ms, 57 and 37 % of 30 GB/s; a third of both is the
// arithmetic of the radial part, the rest of the gradients' distance the rows of R and R', 384 bytes from anywhere.
#include <cmath>

#include "../../native/team.h"
#include "../radial_basis/spherical.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kGrain = 256;
constexpr int64_t kStreamBytes = 16 << 20;
constexpr double kNsPerFunction = 2;

// Y_l and their derivatives, l < A: (l+1) P_{l+1} = (2l+1) u P_l - l P_{l-1} in the scale of Y. Where there are fewer
// degrees the rest is never looked at.
template <class T, int A> struct Angular {
  T first, rise[A], fall[A];
  Angular() : first(static_cast<T>(scale(0))) {
    for (int l = 0; l < A; ++l) {
      rise[l] = static_cast<T>((2 * l + 1) / (l + 1.0) * scale(l + 1) / scale(l));
      fall[l] = static_cast<T>(l == 0 ? 0 : -l / (l + 1.0) * scale(l + 1) / scale(l - 1));
    }
  }
  static double scale(int l) { return std::sqrt((2 * l + 1) / (4 * 3.14159265358979323846)); }

  // A row of A values and A slopes for each lane of u.
  template <bool kSlope> inline AG_ALWAYS void operator()(T* rows, V<T> u) const {
    V<T> columns[2 * A < kLanes<T> ? kLanes<T> : 2 * A] = {};
    V<T> before = {}, slopeBefore = {}, here = splat(first), slope = {};
    AG_UNROLL
    for (int l = 0; l < A; ++l) {
      columns[l] = here;
      if (kSlope) columns[A + l] = slope;
      const V<T> rising = splat(rise[l]), falling = splat(fall[l]);
      const V<T> next = fma(rising * u, here, falling * before);
      if (kSlope) {
        const V<T> slopeNext = fma(rising, fma(u, slope, here), falling * slopeBefore);
        slopeBefore = slope;
        slope = slopeNext;
      }
      before = here;
      here = next;
    }
    AG_UNROLL
    for (int s = 0; s < (kSlope ? 2 * A : A); s += kLanes<T>) {
      transposeSquare<T>(columns + s);
      AG_UNROLL
      for (int e = 0; e < kLanes<T>; ++e) store(rows + e * 2 * A + s, columns[s + e]);
    }
  }
};

// Values or slopes of such a row, each `radials` times: a register of F numbers at a time.
template <class T, int A> struct Repeat {
  int registers;
  typename Lanes<T>::integer from[(kMostFunctions + kLanes<T> - 1) / kLanes<T>];
  Repeat(int64_t F, int radials) : registers(static_cast<int>((F + kLanes<T> - 1) / kLanes<T>)) {
    for (int64_t f = 0; f < registers * kLanes<T>; ++f)
      from[f / kLanes<T>][f % kLanes<T>] = static_cast<int>(f < F ? f / radials : 0);
  }
  template <bool kSlope> inline AG_ALWAYS V<T> get(const T* row, int r) const {
#if defined(__AVX512F__)
    if constexpr (A == kLanes<T>) return lanesOf(from[r], load(row + (kSlope ? A : 0)));
    else if constexpr (2 * A == kLanes<T>) return lanesOf(from[r] + (kSlope ? A : 0), load(row));
    else
      return (V<T>)_mm512_permutex2var_pd((__m512d)load(row + (kSlope ? A : 0)), (__m512i)from[r],
                                          (__m512d)load(row + (kSlope ? A : 0) + kLanes<T>));
#else
#if defined(__AVX2__)
    if constexpr (A == kLanes<T>)
      return (V<T>)_mm256_permutevar8x32_ps((__m256)load(row + (kSlope ? A : 0)), (__m256i)from[r]);
#endif
    V<T> out;
    for (int e = 0; e < kLanes<T>; ++e) out[e] = row[from[r][e] + (kSlope ? A : 0)];
    return out;
#endif
  }
#if defined(__AVX512F__)
  static inline AG_ALWAYS V<float> lanesOf(VInt<float> index, V<float> x) {
    return (V<float>)_mm512_maskz_permutexvar_ps(0xffff, (__m512i)index, (__m512)x);
  }
  static inline AG_ALWAYS V<double> lanesOf(VInt<double> index, V<double> x) {
    return (V<double>)_mm512_maskz_permutexvar_pd(0xff, (__m512i)index, (__m512d)x);
  }
#endif
};

struct Sizes {
  int64_t E, N, F;
  Shape shape;
  // Rows of scratch: whole registers of any instruction set.
  int64_t stride() const { return (F + 15) / 16 * 16; }
};

// Radial functions of every edge, with their derivatives beside them where kSlope.
template <class T, bool kSlope>
static void radialRows(const Call& c, const Sizes& s, const T* x, const Functions<T>& functions, T* rows) {
  constexpr int L = kLanes<T>, M = kParts<T>;
  const int64_t width = (kSlope ? 2 : 1) * s.stride();
  blocks(c, s.E, 4 * L, kNsPerFunction * static_cast<double>(s.F), [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; e += L) {
      const int n = static_cast<int>(end - e < L ? end - e : L);
      T given[L], values[L * L], slopes[L * L];
      for (int k = 0; k < L; ++k) given[k] = x[e + (k < n ? k : 0)]; // missing rows are copies of the first
      const Rows<T, M> at(given, functions);
      const auto turn = [&](const T* columns, int64_t f) {
        V<T> block[L];
        for (int k = 0; k < L; ++k) block[k] = f / L * L + k <= f ? load(columns + k * L) : V<T>{};
        transposeSquare<T>(block);
        T* to = rows + e * width + f / L * L + (columns == slopes ? s.stride() : 0);
        for (int k = 0; k < n; ++k) store(to + k * width, block[k]);
      };
      const auto put = [&](T* columns, int64_t f, const D* number) {
        for (int i = 0; i < M; ++i) narrow(columns + f % L * L + i * kLanes<double>, number[i]);
        if (f % L == L - 1 || f == s.F - 1) turn(columns, f);
      };
      if constexpr (kSlope)
        eachSlope(at, functions, [&](int f, const D* value, const D* slope) {
          put(values, f, value);
          put(slopes, f, slope);
        });
      else eachFunction(at, functions, [&](int f, const D* value) { put(values, f, value); });
    }
  });
}

// body(first triplet, triplets, rows of angular functions) for as many triplets as a register has lanes.
template <class T, int A, bool kSlope, class Body>
static void triplets(const Call& c, const Sizes& s, const T* u, Body&& body) {
  const Angular<T, A> angular;
  blocks(c, s.N, kGrain, static_cast<double>(s.F) / 4, [&](int64_t begin, int64_t end) {
    T y[kLanes<T> * 2 * A];
    for (int64_t t = begin; t < end; t += kLanes<T>) {
      const int n = static_cast<int>(end - t < kLanes<T> ? end - t : kLanes<T>);
      angular.template operator()<kSlope>(y, loadPart(u + t, n));
      body(t, n, y);
    }
    streamEnd();
  });
}

// Rows of K registers, or as many as it takes (K = 0).
template <class T, int A, int K> struct Triplets {
  const Call& c;
  Sizes s;
  const int32_t* index;
  const Repeat<T, A> repeat;
  Triplets(const Call& call, const Sizes& sizes, const int32_t* edges)
      : c(call), s(sizes), index(edges), repeat(sizes.F, sizes.shape.radials) {}
  int registers() const { return K > 0 ? K : repeat.registers; }

  void values(const T* rows, const T* u, T* to) const {
    const bool past = s.N * s.F * static_cast<int64_t>(sizeof(T)) >= kStreamBytes;
    triplets<T, A, false>(c, s, u, [&](int64_t first, int count, const T* y) {
      constexpr int L = kLanes<T>;
      alignas(64) T products[L * (kMostFunctions + 1)];
      for (int k = 0; k < count; ++k) {
        const T* row = rows + index[first + k] * s.stride();
        for (int r = 0; r < registers(); ++r)
          store(products + k * s.F + r * L, load(row + r * L) * repeat.template get<false>(y + k * 2 * A, r));
      }
      T* result = to + first * s.F;
      if (past && count == L)
        for (int64_t f = 0; f < s.F; ++f) stream(result + f * L, load(products + f * L));
      else std::memcpy(result, products, static_cast<size_t>(count * s.F) * sizeof(T));
    });
  }

  void gradients(const T* rows, const T* u, const T* g, T* toU, T* parts) const {
    triplets<T, A, true>(c, s, u, [&](int64_t first, int count, const T* y) {
      constexpr int L = kLanes<T>;
      const int64_t stride = s.stride();
      const int last = static_cast<int>(s.F - (registers() - 1) * L);
      const Tail<T> tail = tailOf<T>(last);
      V<T> byX[L], byU[L];
      for (int k = 0; k < L; ++k) byX[k] = byU[k] = V<T>{};
      for (int k = 0; k < count; ++k) {
        const T *h = g + (first + k) * s.F, *row = rows + index[first + k] * 2 * stride, *angles = y + k * 2 * A;
        V<T> x = {}, a = {};
        for (int r = 0; r < registers(); ++r) {
          const V<T> given = r + 1 < registers() ? load(h + r * L) : loadTail(h + r * L, tail);
          a = fma(given * load(row + r * L), repeat.template get<true>(angles, r), a);
          x = fma(given * load(row + stride + r * L), repeat.template get<false>(angles, r), x);
        }
        byX[k] = x;
        byU[k] = a;
      }
      storePart(toU + first, sumsOfLanes<T>(byU), count);
      storePart(parts + first, sumsOfLanes<T>(byX), count);
    });
  }
};

// body(Triplets) compiled for the size of the rows.
template <class T, class F> static void bySize(const Call& c, const Sizes& s, const int32_t* index, F&& body) {
  const int64_t registers = (s.F + kLanes<T> - 1) / kLanes<T>;
  if (s.shape.degrees > 8) body(Triplets<T, 16, 0>(c, s, index));
  else if (registers == 3) body(Triplets<T, 8, 3>(c, s, index));
  else if (registers == 6) body(Triplets<T, 8, 6>(c, s, index));
  else body(Triplets<T, 8, 0>(c, s, index));
}

template <class T> static int sphericalBasis(const Call& c) {
  const int32_t* d = c.ints;
  const Sizes s{d[0], d[1], d[2], {d[3], d[4], d[5], 0}};
  T* rows = static_cast<T*>(c.work);
  radialRows<T, false>(c, s, in<T>(c, 0), Functions<T>(s.shape, in<T>(c, 2), in<T>(c, 3)), rows);
  bySize<T>(c, s, in<int32_t>(c, 4), [&](const auto& all) { all.values(rows, in<T>(c, 1), out<T>(c, 7)); });
  return 0;
}

template <class T> static int sphericalBasisGradient(const Call& c) {
  const int32_t* d = c.ints;
  const Sizes s{d[2], d[0], d[1], {d[3], d[4], d[5], 1}};
  const int32_t *order = in<int32_t>(c, 6), *ptr = in<int32_t>(c, 7);
  T *toX = out<T>(c, 8), *rows = static_cast<T*>(c.work), *parts = rows + 2 * s.E * s.stride();
  radialRows<T, true>(c, s, in<T>(c, 1), Functions<T>(s.shape, in<T>(c, 3), in<T>(c, 4)), rows);
  bySize<T>(c, s, in<int32_t>(c, 5),
            [&](const auto& all) { all.gradients(rows, in<T>(c, 2), in<T>(c, 0), out<T>(c, 9), parts); });
  const double perEdge = static_cast<double>(s.N) / static_cast<double>(s.E ? s.E : 1);
  blocks(c, s.E, kGrain, perEdge, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; ++e) {
      T sum = 0;
      for (int32_t k = ptr[e]; k < ptr[e + 1]; ++k) sum += parts[order[k]];
      toX[e] = sum;
    }
  });
  return 0;
}

} // namespace

FAMILY(spherical_basis, KERNEL(sphericalBasis), KERNEL(sphericalBasisGradient))

} // namespace AG_ISA
} // namespace ag
