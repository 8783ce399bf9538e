// One path of a tensor product on one edge, seen as a form in its four operands,
//   F(x, y, w, g) = sum over pairs (u, v) of W_q sum over ijk of C_ijk x_ui y_vj g_tk   (t the target copy; dense: W_qt
//   and a sum over t),
// and its four partial derivatives: each is what the others add up to, so that derivatives of every order are calls of
// these four.
//
// x and g (or their derivatives) are rows in the padded layout of layout.h, y and w as stored. Paths whose target is
// the first copy ("uvu", the message passing of NequIP and MACE) run over copies in registers (channels.h, for entries
// up to degree 3; here for all) with C_ijk y_j formed once for all of them; dense paths ("uvw") form the coupled pair
// once and run over the output copies; the other modes are short and scalar.
#pragma once
#include "channels.h"

namespace ag {
namespace AG_ISA {
namespace {

// t_k = sum of C_ijk x_ui y_vj for a pair; couplings hold C y of this v.
template <class T> AG_INLINE void pairOf(const Edge<T>& e, const Path& p, int32_t u, T* t) {
  const Index* at = e.plan->index() + p.first;
  const T* x = e.x + p.padded1 + u;
  const int32_t pad = padOf(p.mul1);
  for (int32_t k = 0; k < p.dim3; ++k) t[k] = 0;
  for (int32_t n = 0; n < p.count; ++n) t[at[n].k] += e.couplings[n] * x[at[n].i * pad];
}

// s_k: what a pair meets on the side of the output, weights included.
template <class T> AG_INLINE void answerOf(const Edge<T>& e, const Path& p, int32_t u, int32_t v, int32_t q, T* s) {
  const T* g = e.g + p.padded3;
  const int32_t pad = padOf(p.mul3);
  if (p.target != kDense) {
    const T w = p.weights < 0 ? T(1) : e.w[p.weights + q];
    const int32_t t = targetOf(p, u, v, q);
    for (int32_t k = 0; k < p.dim3; ++k) s[k] = w * g[k * pad + t];
    return;
  }
  const T* w = e.w + p.weights + static_cast<int64_t>(q) * p.mul3;
  V<T> sum[kMostComponents];
  for (int32_t k = 0; k < p.dim3; ++k) sum[k] = V<T>{};
  for (int32_t t = 0; t < p.mul3; t += kLanes<T>) {
    const V<T> weight = p.mul3 - t >= kLanes<T> ? load(w + t) : loadPart(w + t, p.mul3 - t);
    for (int32_t k = 0; k < p.dim3; ++k) sum[k] = fma(weight, load(g + k * pad + t), sum[k]);
  }
  for (int32_t k = 0; k < p.dim3; ++k) s[k] = sumLanes<T>(sum[k]);
}

// Runs each(u, v, q) over the pairs with the couplings of their v at hand.
template <class T, class F> AG_INLINE void eachCoupled(const Edge<T>& e, const Path& p, F&& each) {
  int32_t held = -1;
  eachPair(p, [&](int32_t u, int32_t v, int32_t q) {
    if (v != held) couple(e, p, held = v);
    each(u, v, q);
  });
}

// dF/dg, added to e.g
template <class T> static void toOutput(const Edge<T>& e, const Path& p) {
  const Index* at = e.plan->index() + p.first;
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  T* g = e.g + p.padded3;
  if (p.pairs == kAll && p.target == kFirst) {
    if (byShape(p, [&](auto d1, auto d3) { channelsOut<T, d1.value, d3.value>(e, p); })) return;
    for (int32_t v = 0; v < p.mul2; ++v) {
      couple(e, p, v);
      for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
        const T* x = e.x + p.padded1 + u;
        V<T> sum[kMostComponents];
        for (int32_t k = 0; k < p.dim3; ++k) sum[k] = V<T>{};
        for (int32_t n = 0; n < p.count; ++n)
          sum[at[n].k] = fma(splat(e.couplings[n]), load(x + at[n].i * pad1), sum[at[n].k]);
        const V<T> w = weightsOf(e, p, u, v);
        for (int32_t k = 0; k < p.dim3; ++k) store(g + k * pad3 + u, fma(w, sum[k], load(g + k * pad3 + u)));
      }
    }
    return;
  }
  eachCoupled(e, p, [&](int32_t u, int32_t v, int32_t q) {
    T t[kMostComponents];
    pairOf(e, p, u, t);
    if (p.target != kDense) {
      const T w = p.weights < 0 ? T(1) : e.w[p.weights + q];
      T* to = g + targetOf(p, u, v, q);
      for (int32_t k = 0; k < p.dim3; ++k) to[k * pad3] += w * t[k];
      return;
    }
    const T* w = e.w + p.weights + static_cast<int64_t>(q) * p.mul3;
    for (int32_t z = 0; z < p.mul3; z += kLanes<T>) {
      const V<T> weight = p.mul3 - z >= kLanes<T> ? load(w + z) : loadPart(w + z, p.mul3 - z);
      for (int32_t k = 0; k < p.dim3; ++k) store(g + k * pad3 + z, fma(splat(t[k]), weight, load(g + k * pad3 + z)));
    }
  });
}

// dF/dx, added to e.x
template <class T> static void toFirst(const Edge<T>& e, const Path& p) {
  const Index* at = e.plan->index() + p.first;
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  if (p.pairs == kAll && p.target == kFirst) {
    if (byShape(p, [&](auto d1, auto d3) { channelsFirst<T, d1.value, d3.value>(e, p); })) return;
    for (int32_t v = 0; v < p.mul2; ++v) {
      couple(e, p, v);
      for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
        const V<T> w = weightsOf(e, p, u, v);
        const T* g = e.g + p.padded3 + u;
        T* x = e.x + p.padded1 + u;
        V<T> s[kMostComponents], sum[kMostComponents];
        for (int32_t k = 0; k < p.dim3; ++k) s[k] = w * load(g + k * pad3);
        for (int32_t i = 0; i < p.dim1; ++i) sum[i] = load(x + i * pad1);
        for (int32_t n = 0; n < p.count; ++n) sum[at[n].i] = fma(splat(e.couplings[n]), s[at[n].k], sum[at[n].i]);
        for (int32_t i = 0; i < p.dim1; ++i) store(x + i * pad1, sum[i]);
      }
    }
    return;
  }
  eachCoupled(e, p, [&](int32_t u, int32_t v, int32_t q) {
    T s[kMostComponents];
    answerOf(e, p, u, v, q, s);
    T* x = e.x + p.padded1 + u;
    for (int32_t n = 0; n < p.count; ++n) x[at[n].i * pad1] += e.couplings[n] * s[at[n].k];
  });
}

// dF/dy, added to `to`
template <class T> static void toSecond(const Edge<T>& e, const Path& p, T* to) {
  const Index* at = e.plan->index() + p.first;
  const T* coefficient = e.coefficient + p.first;
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  if (p.pairs == kAll && p.target == kFirst) {
    if (byShape(p, [&](auto d1, auto d3) { channelsSecond<T, d1.value, d3.value>(e, p, to); })) return;
    for (int32_t v = 0; v < p.mul2; ++v) {
      V<T> sum[kMostComponents];
      for (int32_t j = 0; j < p.dim2; ++j) sum[j] = V<T>{};
      for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
        const V<T> w = weightsOf(e, p, u, v);
        const T *x = e.x + p.padded1 + u, *g = e.g + p.padded3 + u;
        V<T> s[kMostComponents];
        for (int32_t k = 0; k < p.dim3; ++k) s[k] = w * load(g + k * pad3);
        for (int32_t n = 0; n < p.count; ++n)
          sum[at[n].j] = fma(splat(coefficient[n]) * load(x + at[n].i * pad1), s[at[n].k], sum[at[n].j]);
      }
      for (int32_t j = 0; j < p.dim2; ++j) to[p.offset2 + v * p.dim2 + j] += sumLanes<T>(sum[j]);
    }
    return;
  }
  eachPair(p, [&](int32_t u, int32_t v, int32_t q) {
    T s[kMostComponents];
    answerOf(e, p, u, v, q, s);
    const T* x = e.x + p.padded1 + u;
    T* y = to + p.offset2 + v * p.dim2;
    for (int32_t n = 0; n < p.count; ++n) y[at[n].j] += coefficient[n] * x[at[n].i * pad1] * s[at[n].k];
  });
}

// dF/dw, added to `to`
template <class T> static void toWeights(const Edge<T>& e, const Path& p, T* to) {
  if (p.weights < 0) return;
  const Index* at = e.plan->index() + p.first;
  const int32_t pad1 = padOf(p.mul1), pad3 = padOf(p.mul3);
  T* w = to + p.weights;
  if (p.pairs == kAll && p.target == kFirst) {
    if (byShape(p, [&](auto d1, auto d3) { channelsWeights<T, d1.value, d3.value>(e, p, w); })) return;
    for (int32_t v = 0; v < p.mul2; ++v) {
      couple(e, p, v);
      for (int32_t u = 0; u < p.mul1; u += kLanes<T>) {
        const T *x = e.x + p.padded1 + u, *g = e.g + p.padded3 + u;
        V<T> sum = {};
        for (int32_t n = 0; n < p.count; ++n)
          sum = fma(splat(e.couplings[n]) * load(x + at[n].i * pad1), load(g + at[n].k * pad3), sum);
        const int32_t count = p.mul1 - u < kLanes<T> ? p.mul1 - u : kLanes<T>;
        if (p.mul2 == 1) storePart(w + u, sum + loadPart(w + u, count), count);
        else
          for (int32_t k = 0; k < count; ++k) w[(u + k) * p.mul2 + v] += sum[k];
      }
    }
    return;
  }
  const T* g = e.g + p.padded3;
  eachCoupled(e, p, [&](int32_t u, int32_t v, int32_t q) {
    T t[kMostComponents];
    pairOf(e, p, u, t);
    if (p.target != kDense) {
      T sum = 0;
      for (int32_t k = 0; k < p.dim3; ++k) sum += t[k] * g[k * pad3 + targetOf(p, u, v, q)];
      w[q] += sum;
      return;
    }
    T* row = w + static_cast<int64_t>(q) * p.mul3;
    for (int32_t z = 0; z < p.mul3; z += kLanes<T>) {
      V<T> sum = {};
      for (int32_t k = 0; k < p.dim3; ++k) sum = fma(splat(t[k]), load(g + k * pad3 + z), sum);
      const int32_t count = p.mul3 - z < kLanes<T> ? p.mul3 - z : kLanes<T>;
      storePart(row + z, sum + loadPart(row + z, count), count);
    }
  });
}

} // namespace
} // namespace AG_ISA
} // namespace ag
