// Spherical Bessel functions with an envelope, env(x) N_f j_l(z_f x), and Legendre functions sqrt((2l+1) / 4 pi)
// P_l(t), with their derivatives, for a thread of a GPU (spec dimenetpp 2.1, 2.3; the registers' version: spherical.h).
//
// j_l: upward recurrence from sine and cosine from the turning point of the highest degree on, below it downward from
// two power series. Always in f64: in f32 arguments of 40 have lost two digits. Derivatives of order k need j_m for m
// from l-k to l+k: a window of 2 k + 1 numbers that lies in registers since k is known when compiled; j_m = 0 for m <
// 0.
#pragma once
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kMostFunctions = 512, kMostOrder = 6, kMostDegree = 12, kSeriesTerms = 48;
constexpr double kLeast = 2e-7;

// z^m / (2m+1)!! times its power series in z^2: for z below m + 3/2
__device__ inline double besselSeries(double z, int m) {
  const double half = -0.5 * z * z;
  double power = 1, odd = 1, sum = 1, term = 1;
  for (int k = 1; k <= m; ++k) power *= z, odd *= 2 * k + 1;
  for (int k = 1; k < kSeriesTerms && fabs(term) > 1e-17 * fabs(sum); ++k) {
    term *= half / static_cast<double>(k * (2 * m + 2 * k + 1));
    sum += term;
  }
  return power / odd * sum;
}

// j_m(z) for m = l - order .. l + order
template <int order> __device__ void besselWindow(double* j, double z, int l) {
  constexpr int width = 2 * order + 1;
  const int high = l + order;
  const double inverse = 1 / z;
#pragma unroll
  for (int i = 0; i < width; ++i) j[i] = 0;
  if (z < high + 0.5) {
    double above = besselSeries(z, high), here = high > 0 ? besselSeries(z, high - 1) : 0;
#pragma unroll
    for (int i = width - 1; i >= 0; --i) {
      const int m = l - order + i;
      if (m >= 0) j[i] = above;
      const double below = (2 * m - 1) * inverse * here - above;
      above = here, here = below;
    }
    return;
  }
  double sine, cosine;
  sincos(z, &sine, &cosine);
  double before = sine * inverse, now = (before - cosine) * inverse;
  for (int m = 0; m <= high; ++m) {
#pragma unroll
    for (int i = 0; i + 1 < width; ++i) j[i] = j[i + 1];
    j[width - 1] = before;
    const double next = (2 * m + 3) * inverse * now - before;
    before = now, now = next;
  }
}

// env and its derivatives up to `order`; p = 0: 1 everywhere. 0 from x = 1 on.
template <int order> __device__ void envelopeAt(double* env, double x, int p) {
  const double inverse = 1 / x;
  double hyperbola = inverse;
#pragma unroll
  for (int i = 0; i <= order; ++i) {
    double sum = p == 0 ? (i == 0 ? 1.0 : 0.0) : hyperbola;
    for (int a = 0; p > 0 && a < 3; ++a) {
      double term = a == 0 ? -0.5 * (p + 1) * (p + 2) : a == 1 ? 1.0 * p * (p + 2) : -0.5 * p * (p + 1);
      for (int b = 0; b < i; ++b) term *= p - 1 + a - b;
      for (int b = i; b < p - 1 + a; ++b) term *= x;
      sum += term;
    }
    env[i] = p > 0 && x >= 1 ? 0 : sum;
    hyperbola *= -(i + 1) * inverse;
  }
}

// From j_m, m = l - order .. l + order, the sum over i of binomial(order, i) env^(order-i) zero^i j_l^(i). The window
// shrinks by one on either side with each derivative: (2m+1) j_m' = m j_{m-1} - (m+1) j_{m+1}.
template <int order> __device__ double productRule(double* j, const double* env, int l, double zero) {
  double sum = 0, factor = 1;
#pragma unroll
  for (int k = 0; k <= order; ++k) {
    sum += factor * env[order - k] * j[order];
    factor *= zero * (order - k) / (k + 1);
    double below = j[k];
#pragma unroll
    for (int i = k + 1; i < 2 * order - k; ++i) {
      const int m = l - order + i;
      const double here = j[i];
      j[i] = (m * below - (m + 1) * j[i + 1]) / (2 * m + 1);
      below = here;
    }
  }
  return sum;
}

// d^order/dx^order of env(x) j_l(zero x)
template <int order> __device__ double radialAt(double given, double zero, int l, int p) {
  if ((given < kLeast && order > 0) || (given >= 1 && p > 0)) return 0;
  const double x = given > kLeast ? given : kLeast;
  double j[2 * order + 1], env[order + 1];
  besselWindow<order>(j, zero * x, l);
  envelopeAt<order>(env, x, p);
  return productRule<order>(j, env, l, zero);
}

// The same and its first derivative.
__device__ inline double radialWithSlope(double given, double zero, int l, int p, double* slope) {
  *slope = 0;
  if (given >= 1 && p > 0) return 0;
  const double x = given > kLeast ? given : kLeast;
  double j[3], env[2];
  besselWindow<1>(j, zero * x, l);
  envelopeAt<1>(env, x, p);
  const double value = env[0] * j[1];
  if (given >= kLeast) *slope = productRule<1>(j, env, l, zero);
  return value;
}

template <class T> __device__ T legendreScale(int l) {
  return sqrt(static_cast<T>(2 * l + 1) * static_cast<T>(0.07957747154594766788)); // 1 / 4 pi
}

// P_l and its derivatives up to `order` at t, one degree after the other: derived k times,
// (l+1) P_{l+1} = (2l+1) t P_l - l P_{l-1} has k (2l+1) P_l^(k-1) in addition.
template <class T, int order> struct Legendre {
  T t, before[order + 1], here[order + 1];
  int l;

  __device__ explicit Legendre(T at) : t(at), l(0) {
    for (int k = 0; k <= order; ++k) before[k] = 0, here[k] = k == 0;
  }
  __device__ T highest() const { return here[order]; }
  __device__ void next() {
    const T rise = static_cast<T>(2 * l + 1), fall = static_cast<T>(l), share = 1 / static_cast<T>(l + 1);
#pragma unroll
    for (int k = order; k >= 0; --k) {
      const T lower = k == 0 ? T(0) : static_cast<T>(k) * here[k == 0 ? 0 : k - 1];
      const T above = (rise * (t * here[k] + lower) - fall * before[k]) * share;
      before[k] = here[k], here[k] = above;
    }
    ++l;
  }
};

// f(Order<order>{}): a derivative's order as a constant.
template <int k> struct Order {
  static constexpr int value = k;
};
template <class F> int withOrder(int order, F&& f) {
  switch (order) {
  case 0:
    return f(Order<0>{});
  case 1:
    return f(Order<1>{});
  case 2:
    return f(Order<2>{});
  case 3:
    return f(Order<3>{});
  case 4:
    return f(Order<4>{});
  case 5:
    return f(Order<5>{});
  default:
    return f(Order<kMostOrder>{});
  }
}

} // namespace
} // namespace cuda
} // namespace ag
