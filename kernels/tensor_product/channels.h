// Paths "uvu" with entries of degree 0 to 3 on both sides: for one v of the second input the path is a matrix
//   B_ik = sum over j of C_ijk y_vj,   out_uk += w_u sum over i of x_ui B_ik,
// of compile-time size, the same for all copies u, which stand in the lanes. With a scalar second entry B is a multiple
// of 1 and only its diagonal is walked.
#pragma once
#include <type_traits>

#include "layout.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kMostComponents = 64;

template <class T> struct Edge {
  const Plan* plan;
  const T* coefficient;
  T* couplings; // [mostTerms] terms of a path, or its matrix
  T* x;
  const T* y;
  const T* w; // nullptr: all weights 1
  T* g;
};

// C_ijk y_vj for the terms of a path.
template <class T> AG_INLINE void couple(const Edge<T>& e, const Path& p, int32_t v) {
  const Index* at = e.plan->index() + p.first;
  const T* y = e.y + p.offset2 + v * p.dim2;
  for (int32_t n = 0; n < p.count; ++n) e.couplings[n] = e.coefficient[p.first + n] * y[at[n].j];
}

// The weights of copies u.. with one v of a "uvu" path.
template <class T> AG_INLINE V<T> weightsOf(const Edge<T>& e, const Path& p, int32_t u, int32_t v) {
  if (p.weights < 0) return splat<T>(1);
  const T* w = e.w + p.weights;
  const int32_t n = p.mul1 - u < kLanes<T> ? p.mul1 - u : kLanes<T>;
  if (p.mul2 == 1) return n == kLanes<T> ? load(w + u) : loadPart(w + u, n);
  T lanes[kLanes<T>] = {};
  for (int32_t k = 0; k < n; ++k) lanes[k] = w[(u + k) * p.mul2 + v];
  return load(lanes);
}

// Calls body with the sizes of the two sides as constants; false: they are not among those compiled.
template <class F> AG_INLINE bool byShape(const Path& p, F&& body) {
  const auto inner = [&](auto d1) {
    switch (p.dim3) {
    case 1:
      body(d1, std::integral_constant<int, 1>{});
      return true;
    case 3:
      body(d1, std::integral_constant<int, 3>{});
      return true;
    case 5:
      body(d1, std::integral_constant<int, 5>{});
      return true;
    case 7:
      body(d1, std::integral_constant<int, 7>{});
      return true;
    default:
      return false;
    }
  };
  switch (p.dim1) {
  case 1:
    return inner(std::integral_constant<int, 1>{});
  case 3:
    return inner(std::integral_constant<int, 3>{});
  case 5:
    return inner(std::integral_constant<int, 5>{});
  case 7:
    return inner(std::integral_constant<int, 7>{});
  default:
    return false;
  }
}

// B of one v, row-major [D1, D3].
template <class T> AG_INLINE void matrixOf(const Edge<T>& e, const Path& p, int32_t v) {
  const Index* at = e.plan->index() + p.first;
  const T* y = e.y + p.offset2 + v * p.dim2;
  for (int32_t q = 0; q < p.dim1 * p.dim3; ++q) e.couplings[q] = 0;
  for (int32_t n = 0; n < p.count; ++n)
    e.couplings[at[n].i * p.dim3 + at[n].k] += e.coefficient[p.first + n] * y[at[n].j];
}

// to_c = sum over r of B_rc from_r (or of B_cr from_r), R rows of `from`, C of `to`.
template <class T, int R, int C, bool kTransposed>
AG_INLINE void through(V<T>* to, const V<T>* from, const T* B, bool diagonal) {
  if (R == C && diagonal) {
    for (int c = 0; c < C; ++c) to[c] = splat(B[0]) * from[c];
    return;
  }
  for (int c = 0; c < C; ++c) {
    V<T> sum = splat(B[kTransposed ? c * R : c]) * from[0];
    for (int r = 1; r < R; ++r) sum = fma(splat(B[kTransposed ? c * R + r : r * C + c]), from[r], sum);
    to[c] = sum;
  }
}

template <class T, int N> AG_INLINE void loadRows(V<T>* to, const T* from, int32_t pad) {
  for (int n = 0; n < N; ++n) to[n] = load(from + n * pad);
}

template <class T, int D1, int D3> static void channelsOut(const Edge<T>& e, const Path& p) {
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  for (int32_t v = 0; v < p.mul2; ++v) {
    matrixOf(e, p, v);
    for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
      V<T> x[D1], t[D3];
      loadRows<T, D1>(x, e.x + p.padded1 + u, pad1);
      through<T, D1, D3, false>(t, x, e.couplings, p.dim2 == 1);
      const V<T> w = weightsOf(e, p, u, v);
      T* g = e.g + p.padded3 + u;
      for (int k = 0; k < D3; ++k) store(g + k * pad3, fma(w, t[k], load(g + k * pad3)));
    }
  }
}

template <class T, int D1, int D3> static void channelsFirst(const Edge<T>& e, const Path& p) {
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  for (int32_t v = 0; v < p.mul2; ++v) {
    matrixOf(e, p, v);
    for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
      V<T> s[D3], t[D1];
      loadRows<T, D3>(s, e.g + p.padded3 + u, pad3);
      through<T, D3, D1, true>(t, s, e.couplings, p.dim2 == 1);
      const V<T> w = weightsOf(e, p, u, v);
      T* x = e.x + p.padded1 + u;
      for (int i = 0; i < D1; ++i) store(x + i * pad1, fma(w, t[i], load(x + i * pad1)));
    }
  }
}

// The sums over copies of x_ui w_u g_uk stay in lanes until they are contracted with C, so that lanes are added up once
// a component of y.
template <class T, int D1, int D3> static void channelsSecond(const Edge<T>& e, const Path& p, T* to) {
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  const Index* at = e.plan->index() + p.first;
  for (int32_t v = 0; v < p.mul2; ++v) {
    V<T> products[D1][D3];
    for (int k = 0; k < D3; ++k) {
      V<T> sum[D1] = {};
      for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
        const V<T> s = weightsOf(e, p, u, v) * load(e.g + p.padded3 + u + k * pad3);
        const T* x = e.x + p.padded1 + u;
        for (int i = 0; i < D1; ++i) sum[i] = fma(load(x + i * pad1), s, sum[i]);
      }
      for (int i = 0; i < D1; ++i) products[i][k] = sum[i];
    }
    V<T> sum[kMostComponents];
    for (int32_t j = 0; j < p.dim2; ++j) sum[j] = V<T>{};
    for (int32_t n = 0; n < p.count; ++n)
      sum[at[n].j] = fma(splat(e.coefficient[p.first + n]), products[at[n].i][at[n].k], sum[at[n].j]);
    for (int32_t j = 0; j < p.dim2; ++j) to[p.offset2 + v * p.dim2 + j] += sumLanes<T>(sum[j]);
  }
}

template <class T, int D1, int D3> static void channelsWeights(const Edge<T>& e, const Path& p, T* to) {
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  for (int32_t v = 0; v < p.mul2; ++v) {
    matrixOf(e, p, v);
    for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
      V<T> x[D1], t[D3], sum = {};
      loadRows<T, D1>(x, e.x + p.padded1 + u, pad1);
      through<T, D1, D3, false>(t, x, e.couplings, p.dim2 == 1);
      const T* g = e.g + p.padded3 + u;
      for (int k = 0; k < D3; ++k) sum = fma(t[k], load(g + k * pad3), sum);
      const int32_t count = p.mul1 - u < kLanes<T> ? p.mul1 - u : kLanes<T>;
      if (p.mul2 == 1) storePart(to + u, sum + loadPart(to + u, count), count);
      else
        for (int32_t k = 0; k < count; ++k) to[(u + k) * p.mul2 + v] += sum[k];
    }
  }
}

} // namespace
} // namespace AG_ISA
} // namespace ag
