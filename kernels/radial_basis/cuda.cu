// Bases of one variable and their derivatives; formulas in cpu.cc, functions in functions.cuh.
//
// Layout: rows of functions of one number each. Strategy: a thread per function, which computes the recurrence up to
// its degree, so that neighbours write side by side; sums over functions by 32 threads a row, joined in a fixed tree
// (Bessel), or by one (Legendre, whose recurrence passes all degrees anyway). Bound: arithmetic in f64 for Bessel
// functions, a hundred to two hundred flops each (sine and cosine, or a dozen terms of two series); memory for Legendre
// functions. Not measured: has not run on hardware.
#include "functions.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T, int order> int radial(const Call& c) {
  const int F = c.ints[1], radials = c.ints[3], p = c.ints[4];
  const T *x = in<T>(c, 0), *zeros = in<T>(c, 1), *norms = in<T>(c, 2);
  T* to = out<T>(c, 3);
  return each(c, int64_t{c.ints[0]} * F, [=] __device__(int64_t k) {
    const int f = static_cast<int>(k % F);
    to[k] = static_cast<T>(norms[f] * radialAt<order>(x[k / F], zeros[f], f / radials, p));
  });
}

template <class T, int order> int radialDot(const Call& c) {
  constexpr int rows = 8, lanes = kThreads / rows;
  const int64_t E = c.ints[0];
  const int F = c.ints[1], radials = c.ints[3], p = c.ints[4];
  const T *g = in<T>(c, 0), *x = in<T>(c, 1), *zeros = in<T>(c, 2), *norms = in<T>(c, 3);
  T* to = out<T>(c, 4);
  return eachBlock(c, (E + rows - 1) / rows, [=] __device__(int64_t block) {
    const int thread = static_cast<int>(threadIdx.x);
    const int64_t e = block * rows + thread % rows;
    double sum = 0;
    for (int f = thread / rows; e < E && f < F; f += lanes)
      sum += static_cast<double>(g[e * F + f]) * norms[f] * radialAt<order>(x[e], zeros[f], f / radials, p);
    sum = joinBlock(
        sum, [](double a, double b) { return a + b; }, rows);
    if (e < E && thread < rows) to[e] = static_cast<T>(sum);
  });
}

template <class T, int order> int angular(const Call& c) {
  const int L = c.ints[1];
  const T* t = in<T>(c, 0);
  T* to = out<T>(c, 1);
  return each(c, int64_t{c.ints[0]} * L, [=] __device__(int64_t k) {
    const int l = static_cast<int>(k % L);
    Legendre<T, order> p(t[k / L]);
    while (p.l < l) p.next();
    to[k] = p.highest() * legendreScale<T>(l);
  });
}

template <class T, int order> int angularDot(const Call& c) {
  const int L = c.ints[1];
  const T *g = in<T>(c, 0), *t = in<T>(c, 1);
  T* to = out<T>(c, 2);
  return each(c, c.ints[0], [=] __device__(int64_t e) {
    T sum = 0;
    Legendre<T, order> p(t[e]);
    for (; p.l < L; p.next()) sum += g[e * L + p.l] * (p.highest() * legendreScale<T>(p.l));
    to[e] = sum;
  });
}

template <class T> int sphericalBessel(const Call& c) {
  return withOrder(c.ints[5], [&](auto order) { return radial<T, decltype(order)::value>(c); });
}
template <class T> int sphericalBesselDot(const Call& c) {
  return withOrder(c.ints[5], [&](auto order) { return radialDot<T, decltype(order)::value>(c); });
}
template <class T> int legendre(const Call& c) {
  return withOrder(c.ints[2], [&](auto order) { return angular<T, decltype(order)::value>(c); });
}
template <class T> int legendreDot(const Call& c) {
  return withOrder(c.ints[2], [&](auto order) { return angularDot<T, decltype(order)::value>(c); });
}

} // namespace

CUDA_FAMILY(radial_basis, CUDA_KERNEL(sphericalBessel), CUDA_KERNEL(sphericalBesselDot), CUDA_KERNEL(legendre),
            CUDA_KERNEL(legendreDot))

} // namespace cuda
} // namespace ag
