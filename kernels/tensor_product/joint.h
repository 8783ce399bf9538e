// The derivatives of a "uvu" path with respect to x, y and w in one look at its operands. With B of channels.h,
//   q_i = sum over k of B_ik g_k,   dx_i += w q_i,   dw = sum over i of x_i q_i,   dy_j = sum over ik of C_ijk sum over
//   u of x_i w g_k:
// two products of the size of B for each register of copies. Sums over copies stay in lanes for all paths of an edge
// and are added up once for each component of y, by a transposition.
#pragma once
#include "channels.h"

namespace ag {
namespace AG_ISA {
namespace {

// Where the derivatives of an edge are added: x in the padded layout (nullptr: not wanted), y as lanes of its
// components. Weights of paths with one v are written, not added to.
template <class T> struct Derivatives {
  T* x;
  V<T>* y;
  T* w;
  bool past; // weights go past the caches
};

template <class T> AG_INLINE void addWeights(T* w, const Path& p, int32_t u, int32_t v, V<T> sum, bool past) {
  const int32_t count = p.mul1 - u < kLanes<T> ? p.mul1 - u : kLanes<T>;
  if (past) return stream(w + u, sum);
  if (p.mul2 == 1) return storePart(w + u, sum, count);
  for (int32_t k = 0; k < count; ++k) w[(u + k) * p.mul2 + v] += sum[k];
}

template <class T, int D1, int D3> static void channelsJoint(const Edge<T>& e, const Path& p, const Derivatives<T>& d) {
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  const Index* at = e.plan->index() + p.first;
  const T* coefficient = e.coefficient + p.first;
  const bool diagonal = D1 == D3 && p.dim2 == 1;
  for (int32_t v = 0; v < p.mul2; ++v) {
    matrixOf(e, p, v);
    // Registers set one by one: as one block they would be filled by a string instruction.
    V<T> products[D1][D3], trace = {};
    AG_UNROLL
    for (int i = 0; i < D1; ++i) {
      AG_UNROLL
      for (int k = 0; k < D3; ++k) products[i][k] = V<T>{};
    }
    for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
      V<T> x[D1], h[D3], q[D1];
      loadRows<T, D1>(x, e.x + p.padded1 + u, pad1);
      loadRows<T, D3>(h, e.g + p.padded3 + u, pad3);
      const V<T> w = weightsOf(e, p, u, v);
      through<T, D3, D1, true>(q, h, e.couplings, diagonal);
      if (p.weights >= 0) {
        V<T> sum = x[0] * q[0];
        for (int i = 1; i < D1; ++i) sum = fma(x[i], q[i], sum);
        addWeights(d.w + p.weights, p, u, v, sum, d.past);
      }
      if (d.x) {
        T* to = d.x + p.padded1 + u;
        for (int i = 0; i < D1; ++i) store(to + i * pad1, fma(w, q[i], load(to + i * pad1)));
      }
      for (int k = 0; k < D3; ++k) {
        const V<T> s = w * h[k];
        if (diagonal) trace = fma(x[k % D1], s, trace);
        else
          for (int i = 0; i < D1; ++i) products[i][k] = fma(x[i], s, products[i][k]);
      }
    }
    V<T>* y = d.y + p.offset2 + v * p.dim2;
    if (diagonal) {
      *y = fma(splat(coefficient[0]), trace, *y);
      continue;
    }
    for (int32_t n = 0; n < p.count; ++n)
      y[at[n].j] = fma(splat(coefficient[n]), products[at[n].i][at[n].k], y[at[n].j]);
  }
}

// Whether the weights of all paths are written, each once; and whether as whole registers.
template <class T> static bool writesWeights(const Plan& plan, int64_t weights, bool whole) {
  int64_t written = 0;
  for (int32_t k = 0; k < plan.paths; ++k) {
    const Path& p = plan.path()[k];
    if (p.weights < 0) continue;
    if (p.pairs != kAll || p.target != kFirst || p.mul2 != 1 || !byShape(p, [](auto, auto) {})) return false;
    if (whole && (p.mul1 % kLanes<T> != 0 || p.weights % kLanes<T> != 0)) return false;
    written += p.mul1;
  }
  return written == weights;
}

// Whether the path runs over copies in registers, and its derivatives if so.
template <class T> static bool jointly(const Edge<T>& e, const Path& p, const Derivatives<T>& d) {
  if (p.pairs != kAll || p.target != kFirst) return false;
  return byShape(p, [&](auto d1, auto d3) { channelsJoint<T, d1.value, d3.value>(e, p, d); });
}

// to_j += the sum of the lanes of y_j, always in the same tree.
template <class T> static void addLanes(T* to, const V<T>* y, int64_t count) {
  for (int64_t j = 0; j < count; j += kLanes<T>) {
    const int n = static_cast<int>(count - j < kLanes<T> ? count - j : kLanes<T>);
    V<T> block[kLanes<T>] = {};
    for (int k = 0; k < n; ++k) block[k] = y[j + k];
    storePart(to + j, sumsOfLanes<T>(block) + loadPart(to + j, n), n);
  }
}

} // namespace
} // namespace AG_ISA
} // namespace ag
