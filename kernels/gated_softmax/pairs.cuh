// What stands at a pair (j, k) of edges of a centre, and its first and second derivatives, for a thread of a GPU;
// formulas and names in cpu.cc and reference.ts.
#pragma once
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> struct Inputs {
  const T *logits, *sw, *unit;
  const int32_t *ptr, *start, *pad;
  int64_t P;
  int E, N;
  bool smooth, dotr;
  T scale;

  // The inputs all kernels share; `at` is the first of them among the buffers.
  Inputs(const Call& c, int at)
      : logits(in<T>(c, at)), sw(in<T>(c, at + 1)), unit(in<T>(c, at + 2)), ptr(in<int32_t>(c, at + 3)),
        start(in<int32_t>(c, at + 4)), pad(in<int32_t>(c, at + 5)), P(c.ints[0]), E(c.ints[1]), N(c.ints[2]),
        smooth(c.ints[3] != 0), dotr(c.ints[4] != 0), scale(static_cast<T>(c.reals[0])) {}
};

template <class T> __device__ T dot(const T* a, const T* b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

struct Centre {
  int64_t first, pair; // its first edge and pair
  int n, pad;

  template <class T> __device__ Centre(const Inputs<T>& x, int i)
      : first(x.ptr[i]), pair(x.start[i]), n(x.ptr[i + 1] - x.ptr[i]), pad(x.smooth ? x.pad[i] : 0) {}
};

// A pair: scale l + 20 (smooth), the gate, the cosine, the argument of the softmax.
template <class T> struct Pair {
  T shifted, w, d, y;

  __device__ Pair(const Inputs<T>& x, const Centre& c, int j, int k) : w(1), d(1) {
    const int64_t a = c.first + j, b = c.first + k;
    shifted = x.scale * x.logits[c.pair + int64_t{j} * c.n + k];
    if (x.smooth) shifted += 20, w = x.sw[a] * x.sw[b];
    if (x.dotr) d = dot(x.unit + 3 * a, x.unit + 3 * b);
    y = shifted * w;
  }
};

// What all pairs of a row share: largest argument and sum of the powers; sums of the derivatives.
template <class T> struct RowSums {
  T largest, total, along, drift, along2;
};

template <class T> __device__ T weightOf(const Pair<T>& p, const RowSums<T>& s) {
  return exp(p.y - s.largest) / s.total;
}

// The first derivative: gradients of b (ofB), of the arguments, of the gate and of the cosine.
template <class T> struct Slope {
  T b, ofB, y, w, d;

  __device__ Slope(const Pair<T>& p, T g, const RowSums<T>& s) : b(weightOf(p, s)), ofB(g * p.w * p.d) {
    y = b * (ofB - s.along);
    w = y * p.shifted + g * b * p.d;
    d = g * b * p.w;
  }
};

// Changes of logits, sw and unit; each may be absent.
template <class T> struct Changes {
  const T *logits, *sw, *unit;
};

// How a pair changes.
template <class T> struct Change {
  T l, w, d, y, factor; // `factor`: of w d

  __device__ Change(const Inputs<T>& x, const Changes<T>& by, const Pair<T>& p, const Centre& c, int j, int k)
      : l(0), w(0), d(0) {
    const int64_t a = c.first + j, b = c.first + k;
    if (by.logits) l = x.scale * by.logits[c.pair + int64_t{j} * c.n + k];
    if (x.smooth && by.sw) w = by.sw[a] * x.sw[b] + x.sw[a] * by.sw[b];
    if (x.dotr && by.unit) d = dot(by.unit + 3 * a, x.unit + 3 * b) + dot(x.unit + 3 * a, by.unit + 3 * b);
    y = l * p.w + p.shifted * w;
    factor = w * p.d + p.w * d;
  }
};

// The second derivative: change of b; gradients of g, of the logits, of the gate and of the cosine.
template <class T> struct Bend {
  T b, g, logit, w, d;

  __device__ Bend(const Pair<T>& p, const Slope<T>& s, const Change<T>& c, T given, const RowSums<T>& sums, T scale)
      : b(s.b * (c.y - sums.drift)) {
    const T y = b * (s.ofB - sums.along) + s.b * (given * c.factor - sums.along2);
    g = b * p.w * p.d + s.b * c.factor;
    logit = scale * (y * p.w + s.y * c.w);
    w = y * p.shifted + s.y * c.l + given * (b * p.d + s.b * c.d);
    d = given * (b * p.w + s.b * c.w);
  }
};

} // namespace
} // namespace cuda
} // namespace ag
