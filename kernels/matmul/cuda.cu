// C = f(alpha op(A) op(B) + bias) + residual, for one pair of matrices or for many.
//
// Layout: row-major; op is nothing or the transpose, read in place. In a batch an operand of one matrix serves all
// products. Strategy: a block of 256 threads makes a tile of 64 x 64 elements from strips of 16 k's in shared memory; a
// thread keeps 4 x 4 sums, a step of 16 apart, so that shared reads do not collide and writes are contiguous. A long
// sum of one product (weight gradients) is cut into splits fixed by the sizes, whose partial results stand in the
// workspace and are added in order. Bound: 2 M N K flop a product; below K ~ 30 the traffic of A and C.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kTile = 64;
constexpr int kStrip = 16;
constexpr int kSums = 4;             // per thread and side
constexpr int kSide = kTile / kSums; // threads per side of the block
constexpr int kPitch = kTile + 1;    // of a strip in shared memory
static_assert(kSide * kSide == kThreads, "a block makes one tile");

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
  const T *a, *b, *bias, *residual;
  T *c, *partial;
  int64_t aStep, bStep; // from one product of the batch to the next
  int m, n, k;
  int aRow, aColumn, bRow, bColumn; // element strides of op(A) and op(B)
  int splits, activation;
  T alpha;

  __device__ void finish(int64_t at, T sum) const {
    T value = alpha * sum;
    if (bias) value += bias[at % n];
    value = activate(value, activation);
    c[at] = residual ? value + residual[at] : value;
  }
};

// Strip x[k][i] of op(A)(i0 + i, k0 + k): threads run along the direction in which memory does. 0 beyond the ends.
template <class T>
__device__ void loadStrip(T* strip, const T* x, int i0, int rows, int k0, int depth, int row, int column) {
  for (int e = threadIdx.x; e < kTile * kStrip; e += kThreads) {
    const int i = row == 1 ? e % kTile : e / kStrip;
    const int k = row == 1 ? e / kTile : e % kStrip;
    const bool inside = i0 + i < rows && k0 + k < depth;
    strip[k * kPitch + i] = inside ? x[int64_t{i0 + i} * row + int64_t{k0 + k} * column] : T(0);
  }
}

// The tile (i0, j0) of product q over k in [begin, end), in registers.
template <class T>
__device__ void sumTile(const Product<T>& p, int64_t q, int i0, int j0, int begin, int end, T (&sums)[kSums][kSums]) {
  __shared__ T aStrip[kStrip * kPitch], bStrip[kStrip * kPitch];
  const int y = threadIdx.x / kSide, x = threadIdx.x % kSide;
  for (int k0 = begin; k0 < end; k0 += kStrip) {
    loadStrip(aStrip, p.a + q * p.aStep, i0, p.m, k0, end, p.aRow, p.aColumn);
    loadStrip(bStrip, p.b + q * p.bStep, j0, p.n, k0, end, p.bColumn, p.bRow);
    __syncthreads();
    for (int k = 0; k < kStrip; ++k) {
      T as[kSums], bs[kSums];
#pragma unroll
      for (int i = 0; i < kSums; ++i) as[i] = aStrip[k * kPitch + y + kSide * i];
#pragma unroll
      for (int j = 0; j < kSums; ++j) bs[j] = bStrip[k * kPitch + x + kSide * j];
#pragma unroll
      for (int i = 0; i < kSums; ++i)
#pragma unroll
        for (int j = 0; j < kSums; ++j) sums[i][j] = fma(as[i], bs[j], sums[i][j]);
    }
    __syncthreads();
  }
}

template <class T> int multiply(const Call& c, const Product<T>& p, int64_t batch) {
  const int64_t tilesM = (p.m + kTile - 1) / kTile, tilesN = (p.n + kTile - 1) / kTile;
  const int64_t size = int64_t{p.m} * p.n;
  const int depth = ((p.k + p.splits - 1) / p.splits + kStrip - 1) / kStrip * kStrip;
  const int status = eachBlock(c, batch * p.splits * tilesM * tilesN, [=] __device__(int64_t item) {
    const int j0 = static_cast<int>(item % tilesN) * kTile, i0 = static_cast<int>(item / tilesN % tilesM) * kTile;
    const int64_t rest = item / tilesN / tilesM, q = rest / p.splits;
    const int split = static_cast<int>(rest % p.splits), begin = split * depth;
    T sums[kSums][kSums] = {};
    sumTile(p, q, i0, j0, begin, begin + depth < p.k ? begin + depth : p.k, sums);
#pragma unroll // the sums stay in registers only where their indices are constants
    for (int i = 0; i < kSums; ++i)
#pragma unroll
      for (int j = 0; j < kSums; ++j) {
        const int row = i0 + threadIdx.x / kSide + kSide * i, column = j0 + threadIdx.x % kSide + kSide * j;
        if (row >= p.m || column >= p.n) continue;
        const int64_t at = int64_t{row} * p.n + column;
        if (p.splits > 1) p.partial[split * size + at] = sums[i][j];
        else p.finish(q * size + at, sums[i][j]);
      }
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
  p.a = in<T>(c, 0);
  p.b = in<T>(c, 1);
  p.bias = in<T>(c, 2);
  p.residual = in<T>(c, 3);
  p.c = out<T>(c, 4);
  p.partial = static_cast<T*>(c.work);
  p.aStep = p.bStep = 0;
  p.m = rest[0];
  p.n = rest[1];
  p.k = rest[2] ? a[0] : a[1];
  p.aRow = rest[2] ? 1 : a[1];
  p.aColumn = rest[2] ? a[1] : 1;
  p.bRow = rest[3] ? 1 : b[1];
  p.bColumn = rest[3] ? b[1] : 1;
  p.activation = rest[4];
  p.alpha = static_cast<T>(c.reals[0]);
  p.splits = 1;
  return p;
}

template <class T> int matmul(const Call& c) {
  const int32_t* d = c.ints; // AR AC BR BC BN RM RN M N transposeA transposeB activation
  Product<T> p = productOf<T>(c, d, d + 2, d + 7);
  p.splits = splitsOf(p.m, p.n, p.k);
  return multiply(c, p, 1);
}

template <class T> int matmul_batched(const Call& c) {
  const int32_t* d = c.ints; // QA AR AC QB BR BC BN RQ RM RN Q M N transposeA transposeB activation
  Product<T> p = productOf<T>(c, d + 1, d + 4, d + 11);
  p.aStep = d[0] == 1 ? 0 : int64_t{d[1]} * d[2];
  p.bStep = d[3] == 1 ? 0 : int64_t{d[4]} * d[5];
  return multiply(c, p, d[10]);
}

} // namespace

CUDA_FAMILY(matmul, CUDA_KERNEL(matmul), CUDA_KERNEL(matmul_batched))

} // namespace cuda
} // namespace ag
