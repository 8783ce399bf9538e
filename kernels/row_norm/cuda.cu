// Rows normalised to mean 0 and variance 1 (layer) or to length 1 (unit), with first and second derivatives; formulas
// in cpu.cc.
//
// Layout: rows of M contiguous numbers. Strategy: a block per row, sums joined in a fixed tree (rows.cuh). Bound: (2 to
// 4) E M numbers of memory where a row stays in the cache between its passes. Not measured: has not run on hardware.
#include "../../native/cuda/rows.cuh"

namespace ag {
namespace cuda {
namespace {

// How a row is normalised: y = (x - shift) r. `share` is a row's share in sums, 1 for unit vectors; flat rows are x /
// eps.
template <class T> struct Normal {
  T shift, r, share;
  bool flat;
};

template <class T, bool kLayer> __device__ T meanOf(const T* x, int64_t M) {
  return kLayer ? sumRow<T>(M, [=](int64_t k) { return x[k]; }) / static_cast<T>(M) : T(0);
}

template <class T, bool kLayer> __device__ Normal<T> normalOf(const T* x, int64_t M, T eps) {
  const T shift = meanOf<T, kLayer>(x, M);
  const T squares = sumRow<T>(M, [=](int64_t k) { return (x[k] - shift) * (x[k] - shift); });
  if (kLayer) return {shift, 1 / sqrt(squares / static_cast<T>(M) + eps), 1 / static_cast<T>(M), false};
  const T length = sqrt(squares);
  const bool flat = !(length > eps);
  return {shift, 1 / (flat ? eps : length), T(1), flat};
}

template <class T, bool kLayer> int normalise(const Call& c) {
  const int64_t M = c.ints[1];
  const T *rows = in<T>(c, 0), eps = static_cast<T>(c.reals[0]);
  T* result = out<T>(c, 1);
  return eachBlock(c, c.ints[0], [=] __device__(int64_t row) {
    const T* x = rows + row * M;
    T* to = result + row * M;
    const Normal<T> n = normalOf<T, kLayer>(x, M, eps);
    eachOfRow(M, [=](int64_t k) { to[k] = (x[k] - n.shift) * n.r; });
  });
}

template <class T, bool kLayer> int slope(const Call& c) {
  const int64_t M = c.ints[1];
  const T *gradients = in<T>(c, 0), *rows = in<T>(c, 1), eps = static_cast<T>(c.reals[0]);
  T* result = out<T>(c, 2);
  return eachBlock(c, c.ints[0], [=] __device__(int64_t row) {
    const T *g = gradients + row * M, *x = rows + row * M;
    T* to = result + row * M;
    const Normal<T> n = normalOf<T, kLayer>(x, M, eps);
    const T mean = meanOf<T, kLayer>(g, M);
    const T sum = sumRow<T>(M, [=](int64_t k) { return (x[k] - n.shift) * (g[k] - mean); });
    const T along = n.flat ? T(0) : n.r * sum * n.share;
    eachOfRow(M, [=](int64_t k) { to[k] = (g[k] - mean - (x[k] - n.shift) * n.r * along) * n.r; });
  });
}

template <class T, bool kLayer> int curvature(const Call& c) {
  const int64_t M = c.ints[1];
  const T *motions = in<T>(c, 0), *gradients = in<T>(c, 1), *rows = in<T>(c, 2), eps = static_cast<T>(c.reals[0]);
  T* result = out<T>(c, 3);
  return eachBlock(c, c.ints[0], [=] __device__(int64_t row) {
    const T *u = motions + row * M, *g = gradients + row * M, *x = rows + row * M;
    T* to = result + row * M;
    const Normal<T> n = normalOf<T, kLayer>(x, M, eps);
    const T meanU = meanOf<T, kLayer>(u, M), meanG = meanOf<T, kLayer>(g, M);
    const T alongU = n.r * sumRow<T>(M, [=](int64_t k) { return (x[k] - n.shift) * (u[k] - meanU); });
    const T alongG = n.r * sumRow<T>(M, [=](int64_t k) { return (x[k] - n.shift) * (g[k] - meanG); });
    const T both = sumRow<T>(M, [=](int64_t k) { return (u[k] - meanU) * (g[k] - meanG); });
    const T bend = both - 3 * alongU * alongG * n.share, scale = n.flat ? T(0) : -n.r * n.r * n.share;
    eachOfRow(M, [=](int64_t k) {
      const T y = (x[k] - n.shift) * n.r;
      to[k] = (y * bend + (g[k] - meanG) * alongU + (u[k] - meanU) * alongG) * scale;
    });
  });
}

template <class T> int layerRows(const Call& c) { return normalise<T, true>(c); }
template <class T> int layerRowsVjp(const Call& c) { return slope<T, true>(c); }
template <class T> int layerRowsCurvature(const Call& c) { return curvature<T, true>(c); }
template <class T> int unitRows(const Call& c) { return normalise<T, false>(c); }
template <class T> int unitRowsVjp(const Call& c) { return slope<T, false>(c); }
template <class T> int unitRowsCurvature(const Call& c) { return curvature<T, false>(c); }

} // namespace

CUDA_FAMILY(row_norm, CUDA_KERNEL(layerRows), CUDA_KERNEL(layerRowsVjp), CUDA_KERNEL(layerRowsCurvature),
            CUDA_KERNEL(unitRows), CUDA_KERNEL(unitRowsVjp), CUDA_KERNEL(unitRowsCurvature))

} // namespace cuda
} // namespace ag
