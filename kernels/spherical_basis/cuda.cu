// The basis of triplets in one pass and its gradients in another; formulas in cpu.cc, functions in
// ../radial_basis/functions.cuh.
//
// Layout and scratch as on the CPU: rows of radial functions (and of their slopes beside them) once an edge, a thread
// per function. Strategy: values, a tile of 256 triplets a block: a thread per triplet puts its angular functions into
// shared memory, then all threads write the tile from front to back. Gradients, a thread per triplet: g and the edge's
// rows are read along the row with the degrees' recurrence in registers; a triplet's part of dx is one number, those
// are summed an edge at a time in the order of `order`. Bound: memory, F numbers a triplet; the radial part is
// arithmetic in f64. Not measured: has not run on hardware.
#include "../radial_basis/functions.cuh"

namespace ag {
namespace cuda {
namespace {

int strideOf(int F) { return (F + 15) / 16 * 16; }

template <class T> int sphericalBasis(const Call& c) {
  const int64_t E = c.ints[0], N = c.ints[1];
  const int F = c.ints[2], degrees = c.ints[3], radials = c.ints[4], p = c.ints[5], stride = strideOf(F);
  if (F == 0) return 0;
  const T *x = in<T>(c, 0), *u = in<T>(c, 1), *zeros = in<T>(c, 2), *norms = in<T>(c, 3);
  const int32_t* index = in<int32_t>(c, 4);
  T *to = out<T>(c, 7), *rows = static_cast<T*>(c.work);
  const int failed = each(c, E * F, [=] __device__(int64_t k) {
    const int f = static_cast<int>(k % F);
    rows[k / F * stride + f] = static_cast<T>(norms[f] * radialAt<0>(x[k / F], zeros[f], f / radials, p));
  });
  if (failed != 0) return failed;
  return eachBlock(c, (N + kThreads - 1) / kThreads, [=] __device__(int64_t tile) {
    __shared__ T angular[kThreads * kMostDegree];
    const int thread = static_cast<int>(threadIdx.x);
    const int64_t first = tile * kThreads;
    const int count = static_cast<int>(N - first < kThreads ? N - first : kThreads);
    if (thread < count) {
      Legendre<T, 0> y(u[first + thread]);
      for (; y.l < degrees; y.next()) angular[thread * degrees + y.l] = y.highest() * legendreScale<T>(y.l);
    }
    __syncthreads();
    for (int k = thread; k < count * F; k += kThreads) {
      const int t = k / F, f = k % F;
      to[first * F + k] = rows[int64_t{index[first + t]} * stride + f] * angular[t * degrees + f / radials];
    }
    __syncthreads(); // the block's next tile writes the shared rows again
  });
}

template <class T> int sphericalBasisGradient(const Call& c) {
  const int64_t N = c.ints[0], E = c.ints[2];
  const int F = c.ints[1], degrees = c.ints[3], radials = c.ints[4], p = c.ints[5], stride = strideOf(F);
  const T *g = in<T>(c, 0), *x = in<T>(c, 1), *u = in<T>(c, 2), *zeros = in<T>(c, 3), *norms = in<T>(c, 4);
  const int32_t *index = in<int32_t>(c, 5), *order = in<int32_t>(c, 6), *ptr = in<int32_t>(c, 7);
  T *toX = out<T>(c, 8), *toU = out<T>(c, 9);
  T *rows = static_cast<T*>(c.work), *parts = rows + 2 * E * stride;
  int failed = each(c, E * F, [=] __device__(int64_t k) {
    const int f = static_cast<int>(k % F);
    const double norm = norms[f];
    double slope;
    T* row = rows + k / F * 2 * stride + f;
    row[0] = static_cast<T>(norm * radialWithSlope(x[k / F], zeros[f], f / radials, p, &slope));
    row[stride] = static_cast<T>(norm * slope);
  });
  if (failed != 0) return failed;
  failed = each(c, N, [=] __device__(int64_t t) {
    const T *given = g + t * F, *row = rows + int64_t{index[t]} * 2 * stride;
    T byX = 0, byU = 0;
    Legendre<T, 1> y(u[t]);
    for (; y.l < degrees; y.next()) {
      T alongX = 0, alongU = 0;
      for (int n = 0; n < radials; ++n, ++given, ++row) alongU += *given * row[0], alongX += *given * row[stride];
      const T scale = legendreScale<T>(y.l);
      byX += alongX * (y.here[0] * scale), byU += alongU * (y.here[1] * scale);
    }
    toU[t] = byU, parts[t] = byX;
  });
  if (failed != 0) return failed;
  return each(c, E, [=] __device__(int64_t e) {
    T sum = 0;
    for (int32_t k = ptr[e]; k < ptr[e + 1]; ++k) sum += parts[order[k]];
    toX[e] = sum;
  });
}

} // namespace

CUDA_FAMILY(spherical_basis, CUDA_KERNEL(sphericalBasis), CUDA_KERNEL(sphericalBasisGradient))

} // namespace cuda
} // namespace ag
