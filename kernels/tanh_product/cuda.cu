// Gradients of y = tanh(x W + b) and the derivative of the first of them; formulas in cpu.cc and reference.ts, here
// with d = g (1 - y^2):
//   tanhProductVjp        dx = d W^T + residual
//   tanhProductGradients  dx, dW = x^T d, db = sum of the rows of d
//   tanhProductVjpVjp     of dx . v, with s = v W: dg = s (1 - y^2) + gSoFar, dy = -2 y g s + ySoFar, dW = v^T d
//
// Layout: row-major. Strategy: a block per tile of 64 x 64 elements (native/cuda/tile.cuh), which forms d from g and y
// as it loads them: d is never stored. Sums over rows (dW, db) are cut into the parts of the workspace and joined in
// order. Bound: 2 E N K flop a product; below N, K ~ 30 the traffic of what has E rows. Not measured: has not run on
// hardware.
#include "../../native/cuda/tile.cuh"

namespace ag {
namespace cuda {
namespace {

// The numbers of op.ts.
constexpr int64_t kBlockRows = 126, kFewestBlocks = 2, kMostParts = 64;

int64_t partsOf(int64_t rows) {
  const int64_t blocks = (rows + kMostParts * kBlockRows - 1) / (kMostParts * kBlockRows);
  const int64_t part = (blocks > kFewestBlocks ? blocks : kFewestBlocks) * kBlockRows;
  return (rows + part - 1) / part;
}

// put(row, column, sum) for every element of a product of depth `depth`.
template <class T, class Put> int multiply(const Call& c, const Operands<T>& p, int depth, Put put) {
  const int64_t across = tilesOf(p.n);
  return eachBlock(c, tilesOf(p.m) * across, [=] __device__(int64_t tile) {
    const int i0 = static_cast<int>(tile / across) * kTile, j0 = static_cast<int>(tile % across) * kTile;
    multiplyTile(p, i0, j0, 0, depth, put);
  });
}

template <class T> struct AddResidual {
  const T* residual;
  T* to;
  int columns;
  __device__ void operator()(int row, int column, T sum) const {
    const int64_t at = int64_t{row} * columns + column;
    to[at] = residual ? sum + residual[at] : sum;
  }
};

// dx[E,K] = (g (1 - y^2))[E,N] W[K,N]^T + residual
template <class T>
int throughMatrix(const Call& c, int E, int N, int K, const T* g, const T* y, const T* w, const T* residual, T* to) {
  return multiply(c, Operands<T>{g, w, E, K, N, 1, 1, N, y, nullptr}, N, AddResidual<T>{residual, to, K});
}

// dW[K,N] = x[E,K]^T (g (1 - y^2))[E,N], by way of partial sums.
template <class T>
int outer(const Call& c, int E, int N, int K, const T* x, const T* g, const T* y, T* partial, T* to) {
  const int64_t parts = partsOf(E), across = tilesOf(N), tiles = tilesOf(K) * across, size = int64_t{K} * N;
  const int rows = parts == 0 ? 0 : static_cast<int>((E + parts - 1) / parts);
  const Operands<T> p{x, g, K, N, 1, K, N, 1, nullptr, y};
  const int failed = eachBlock(c, parts * tiles, [=] __device__(int64_t item) {
    const int64_t part = item / tiles, tile = item % tiles;
    const int i0 = static_cast<int>(tile / across) * kTile, j0 = static_cast<int>(tile % across) * kTile;
    const int begin = static_cast<int>(part) * rows, end = begin + rows < E ? begin + rows : E;
    T* sums = partial + part * size;
    multiplyTile(p, i0, j0, begin, end, [=](int row, int column, T sum) { sums[int64_t{row} * N + column] = sum; });
  });
  if (failed != 0) return failed;
  return each(c, size, [=] __device__(int64_t k) {
    T sum = 0;
    for (int64_t part = 0; part < parts; ++part) sum += partial[part * size + k];
    to[k] = sum;
  });
}

// db[N] = the sum of the rows of g (1 - y^2)
template <class T> int columnSums(const Call& c, int E, int N, const T* g, const T* y, T* partial, T* to) {
  const int64_t parts = partsOf(E), rows = parts == 0 ? 0 : (E + parts - 1) / parts;
  const int failed = each(c, parts * N, [=] __device__(int64_t k) {
    const int64_t begin = k / N * rows, end = begin + rows < E ? begin + rows : E;
    T sum = 0;
    for (int64_t e = begin; e < end; ++e) {
      const int64_t at = e * N + k % N;
      sum += g[at] * (1 - y[at] * y[at]);
    }
    partial[k] = sum;
  });
  if (failed != 0) return failed;
  return each(c, N, [=] __device__(int64_t n) {
    T sum = 0;
    for (int64_t part = 0; part < parts; ++part) sum += partial[part * N + n];
    to[n] = sum;
  });
}

template <class T> int tanhProductVjp(const Call& c) {
  return throughMatrix(c, c.ints[0], c.ints[1], c.ints[2], in<T>(c, 0), in<T>(c, 1), in<T>(c, 2), in<T>(c, 3),
                       out<T>(c, 4));
}

template <class T> int tanhProductGradients(const Call& c) {
  const int E = c.ints[0], N = c.ints[1], K = c.ints[2];
  const T *g = in<T>(c, 0), *y = in<T>(c, 1);
  T *partial = static_cast<T*>(c.work), *beyond = partial + partsOf(E) * K * N;
  int failed = throughMatrix(c, E, N, K, g, y, in<T>(c, 2), in<T>(c, 4), out<T>(c, 5));
  if (failed == 0) failed = outer(c, E, N, K, in<T>(c, 3), g, y, partial, out<T>(c, 6));
  return failed != 0 ? failed : columnSums(c, E, N, g, y, beyond, out<T>(c, 7));
}

template <class T> struct PutBends {
  const T *g, *y, *gSoFar, *ySoFar;
  T *toG, *toY;
  int columns;
  __device__ void operator()(int row, int column, T sum) const {
    const int64_t at = int64_t{row} * columns + column;
    const T ofG = sum * (1 - y[at] * y[at]), ofY = -2 * y[at] * g[at] * sum;
    toG[at] = gSoFar ? ofG + gSoFar[at] : ofG;
    toY[at] = ySoFar ? ofY + ySoFar[at] : ofY;
  }
};

template <class T> int tanhProductVjpVjp(const Call& c) {
  const int E = c.ints[0], K = c.ints[1], N = c.ints[2];
  const T *v = in<T>(c, 0), *w = in<T>(c, 1), *g = in<T>(c, 2), *y = in<T>(c, 3);
  const PutBends<T> put{g, y, in<T>(c, 4), in<T>(c, 5), out<T>(c, 6), out<T>(c, 7), N};
  const int failed = multiply(c, Operands<T>{v, w, E, N, K, 1, N, 1}, K, put);
  return failed != 0 ? failed : outer(c, E, N, K, v, g, y, static_cast<T*>(c.work), out<T>(c, 8));
}

} // namespace

CUDA_FAMILY(tanh_product, CUDA_KERNEL(tanhProductVjp), CUDA_KERNEL(tanhProductGradients),
            CUDA_KERNEL(tanhProductVjpVjp))

} // namespace cuda
} // namespace ag
