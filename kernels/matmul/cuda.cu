// C = f(alpha op(A) op(B) + bias) + residual, for one pair of matrices or for many; [A | A' | A''] B^T + residual.
//
// Layout: row-major; op is nothing or the transpose, read in place. In a batch an operand of one matrix serves all
// products. Strategy: a block per tile of 64 x 64 elements (native/cuda/tile.cuh). A long sum of one product (weight
// gradients) is cut into splits fixed by the sizes, whose partial results stand in the workspace and are added in
// order. Bound: 2 M N K flop a product; below K ~ 30 the traffic of A and C. Not measured: has not run on hardware.
#include "../../native/cuda/tile.cuh"

namespace ag {
namespace cuda {
namespace {

template <class T> __device__ T sigmoid(T x) { return T(1) / (T(1) + exp(-x)); }

template <class T> __device__ T activate(T x, int kind) {
  switch (kind) {
  case 1:
    return tanh(x);
  case 2:
    return fmax(x, T(0));
  case 3:
    return T(0.5) * x * (T(1) + tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)));
  case 4:
    return x * sigmoid(x);
  case 5:
    return fmax(x, T(0)) + log1p(exp(-fabs(x)));
  case 6:
    return sigmoid(x);
  case 7:
    return fmin(fmax(x, T(0)), T(6));
  default:
    return x;
  }
}

template <class T> struct Product {
  Operands<T> first;
  const T *bias, *residual;
  T *c, *partial;
  int64_t aStep, bStep; // from one product of the batch to the next
  int k, splits, activation;
  T alpha;

  __device__ Operands<T> operandsOf(int64_t q) const {
    Operands<T> p = first;
    p.a += q * aStep;
    p.b += q * bStep;
    return p;
  }
  __device__ void finish(int64_t at, T sum) const {
    T value = alpha * sum;
    if (bias) value += bias[at % first.n];
    value = activate(value, activation);
    c[at] = residual ? value + residual[at] : value;
  }
};

template <class T> int multiply(const Call& c, const Product<T>& p, int64_t batch) {
  const int n = p.first.n;
  const int64_t tilesM = tilesOf(p.first.m), tilesN = tilesOf(n), size = int64_t{p.first.m} * n;
  const int depth = ((p.k + p.splits - 1) / p.splits + kStrip - 1) / kStrip * kStrip;
  const int status = eachBlock(c, batch * p.splits * tilesM * tilesN, [=] __device__(int64_t item) {
    const int j0 = static_cast<int>(item % tilesN) * kTile, i0 = static_cast<int>(item / tilesN % tilesM) * kTile;
    const int64_t rest = item / tilesN / tilesM, q = rest / p.splits, split = rest % p.splits;
    const int begin = static_cast<int>(split) * depth, end = begin + depth < p.k ? begin + depth : p.k;
    multiplyTile(p.operandsOf(q), i0, j0, begin, end, [&](int row, int column, T sum) {
      const int64_t at = int64_t{row} * n + column;
      if (p.splits > 1) p.partial[split * size + at] = sum;
      else p.finish(q * size + at, sum);
    });
  });
  if (status != 0 || p.splits == 1) return status;
  return each(c, size, [=] __device__(int64_t at) {
    T total = 0;
    for (int split = 0; split < p.splits; ++split) total += p.partial[split * size + at];
    p.finish(at, total);
  });
}

// Splits of the sum over k of one product: the workspace has a place for these (workspace.ts holds the same numbers).
inline int splitsOf(int64_t m, int64_t n, int64_t k) {
  if (k <= 2048 || m == 0 || n == 0) return 1;
  int64_t splits = k / 1024 < (1 << 20) / (m * n) ? k / 1024 : (1 << 20) / (m * n);
  if (splits > 64) splits = 64;
  return splits < 1 ? 1 : static_cast<int>(splits);
}

// a and b: {rows, columns} as stored; rest: M N transposeA transposeB activation.
template <class T> Product<T> productOf(const Call& c, const int32_t* a, const int32_t* b, const int32_t* rest) {
  Product<T> p;
  p.first = {in<T>(c, 0),        in<T>(c, 1),        rest[0],           rest[1], rest[2] ? 1 : a[1],
             rest[2] ? a[1] : 1, rest[3] ? 1 : b[1], rest[3] ? b[1] : 1};
  p.bias = in<T>(c, 2);
  p.residual = in<T>(c, 3);
  p.c = out<T>(c, 4);
  p.partial = static_cast<T*>(c.work);
  p.aStep = p.bStep = 0;
  p.k = rest[2] ? a[0] : a[1];
  p.splits = 1;
  p.activation = rest[4];
  p.alpha = static_cast<T>(c.reals[0]);
  return p;
}

template <class T> int matmul(const Call& c) {
  const int32_t* d = c.ints; // AR AC BR BC BN RM RN M N transposeA transposeB activation
  Product<T> p = productOf<T>(c, d, d + 2, d + 7);
  p.splits = splitsOf(p.first.m, p.first.n, p.k);
  return multiply(c, p, 1);
}

template <class T> int matmul_batched(const Call& c) {
  const int32_t* d = c.ints; // QA AR AC QB BR BC BN RQ RM RN Q M N transposeA transposeB activation
  Product<T> p = productOf<T>(c, d + 1, d + 4, d + 11);
  p.aStep = d[0] == 1 ? 0 : int64_t{d[1]} * d[2];
  p.bStep = d[3] == 1 ? 0 : int64_t{d[4]} * d[5];
  return multiply(c, p, d[10]);
}

// One to three matrices side by side times the transpose of one.
template <class T> int matmul_joined(const Call& c) {
  const int E = c.ints[0], H = c.ints[1], M = c.ints[2], PH = c.ints[3], parts = H == 0 ? 0 : PH / H;
  const T *a = in<T>(c, 0), *second = in<T>(c, 1), *third = in<T>(c, 2), *w = in<T>(c, 3), *residual = in<T>(c, 4);
  T* to = out<T>(c, 5);
  const int64_t across = tilesOf(M);
  return eachBlock(c, tilesOf(E) * across, [=] __device__(int64_t tile) {
    const int i0 = static_cast<int>(tile / across) * kTile, j0 = static_cast<int>(tile % across) * kTile;
    TileSums<T> sums;
    for (int k = 0; k < parts; ++k) {
      const T* part = k == 0 ? a : k == 1 ? second : third;
      sums.add(Operands<T>{part, w + int64_t{k} * H, E, M, H, 1, 1, PH}, i0, j0, 0, H);
    }
    sums.put(E, M, i0, j0, [=](int row, int column, T sum) {
      const int64_t at = int64_t{row} * M + column;
      to[at] = residual ? sum + residual[at] : sum;
    });
  });
}

} // namespace

CUDA_FAMILY(matmul, CUDA_KERNEL(matmul), CUDA_KERNEL(matmul_batched), CUDA_KERNEL(matmul_joined))

} // namespace cuda
} // namespace ag
