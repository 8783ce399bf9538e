// C = f(alpha op(A) op(B) + bias) + residual, for one pair of matrices or for many.
//
// Layout: row-major; op is nothing or the transpose, read in place. In a batch an operand of one matrix serves all
// products.
//
// Strategy: one product, or a batch of large ones, goes to the team row block by row block (native/gemm/gemm.h); a
// batch of small ones is dealt out in at most 64 runs of whole products, each run on one thread with its own scratch
// memory. Both choices and the order of every sum depend on the sizes alone.
//
// Bound: 2 M N K flop a product; below K ~ 30 the traffic of A and C. Measured (two threads of a Xeon with AVX-512,
// 17,000 rows): 274 Gflop/s in f32, 118 in f64, 89 and 78 % of a square product; beside OpenBLAS: `npm run bench --
// matmul`. Pitfall: relu6 is a relu followed by a pass over C: the matrix product itself knows no upper cap.
#include "../../native/gemm/gemm.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int32_t kRelu6 = kActSigmoid + 1;
constexpr int64_t kTeamProduct = 1 << 22; // multiply-adds of one product of a batch that are worth the whole team
constexpr int64_t kTeamScratch = 1 << 20; // bytes for one product beyond which runs would ask for too much
constexpr int64_t kRuns = 64;             // of products of a batch (op.ts holds the same numbers)

// The integers behind the operands' sizes.
struct Rest {
  int32_t m, n, transposeA, transposeB, activation;
};

// The first product; a and b are {rows, columns} as stored.
template <class T> static Gemm<T> firstOf(const Call& c, const int32_t* a, const int32_t* b, const Rest& rest) {
  Gemm<T> g;
  g.m = rest.m;
  g.n = rest.n;
  g.k = rest.transposeA ? a[0] : a[1];
  g.a = in<T>(c, 0);
  g.lda = a[1];
  g.transposeA = rest.transposeA != 0;
  g.b = in<T>(c, 1);
  g.ldb = b[1];
  g.transposeB = rest.transposeB != 0;
  g.c = out<T>(c, 4);
  g.ldc = g.n;
  const bool relu6 = rest.activation == kRelu6;
  g.epilogue = {static_cast<T>(c.reals[0]),    in<T>(c, 2), relu6 ? kActRelu : static_cast<Activation>(rest.activation),
                relu6 ? nullptr : in<T>(c, 3), g.n,         false};
  g.work = c.work;
  return g;
}

// Product q of a batch; steps are in elements.
template <class T> static Gemm<T> advanced(Gemm<T> g, int64_t q, int64_t aStep, int64_t bStep) {
  g.a += q * aStep;
  g.b += q * bStep;
  g.c += q * g.m * g.n;
  if (g.epilogue.residual) g.epilogue.residual += q * g.m * g.n;
  return g;
}

template <class T> static void capAtSix(const Call& c, int64_t size) {
  const T* residual = in<T>(c, 3);
  T* x = out<T>(c, 4);
  blocks(c, size, 4096, 0.5, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; k += kLanes<T>) {
      const Tail<T> t = tailOf<T>(static_cast<int>(end - k < kLanes<T> ? end - k : kLanes<T>));
      V<T> y = min(splat(T(6)), loadTail(x + k, t));
      if (residual) y += loadTail(residual + k, t);
      storeTail(x + k, y, t);
    }
  });
}

template <class T> static int matmul(const Call& c) {
  const int32_t* d = c.ints; // AR AC BR BC BN RM RN M N transposeA transposeB activation
  const Rest rest = {d[7], d[8], d[9], d[10], d[11]};
  gemm(c, firstOf<T>(c, d, d + 2, rest));
  if (rest.activation == kRelu6) capAtSix<T>(c, int64_t{rest.m} * rest.n);
  return 0;
}

template <class T> static int matmul_batched(const Call& c) {
  const int32_t* d = c.ints; // QA AR AC QB BR BC BN RQ RM RN Q M N transposeA transposeB activation
  const int64_t count = d[10];
  const Rest rest = {d[11], d[12], d[13], d[14], d[15]};
  const Gemm<T> first = firstOf<T>(c, d + 1, d + 4, rest);
  const int64_t aStep = d[0] == 1 ? 0 : int64_t{d[1]} * d[2], bStep = d[3] == 1 ? 0 : int64_t{d[4]} * d[5];
  const int64_t products = first.m * first.n * first.k;
  const auto scratch = static_cast<int64_t>(gemmSerialWorkspaceBytes<T>(first.n, first.k));
  if (count == 1 || products > kTeamProduct || scratch > kTeamScratch) {
    for (int64_t q = 0; q < count; ++q) gemm(c, advanced(first, q, aStep, bStep));
  } else {
    const int64_t grain = (count + kRuns - 1) / kRuns;
    const double ns =
        static_cast<double>(products) * (sizeof(T) == 4 ? 0.02 : 0.04) + static_cast<double>(first.m * first.n);
    blocks(c, count, grain, ns, [&](int64_t begin, int64_t end) {
      for (int64_t q = begin; q < end; ++q) {
        Gemm<T> g = advanced(first, q, aStep, bStep);
        g.work = static_cast<char*>(c.work) + begin / grain * scratch;
        gemmSerial(g);
      }
    });
  }
  if (rest.activation == kRelu6) capAtSix<T>(c, count * first.m * first.n);
  return 0;
}

// One to three matrices side by side times the transpose of one: gradients of a projection into as many parts.
template <class T> static int matmul_joined(const Call& c) {
  const int32_t* d = c.ints; // E H M PH
  Gemm<T> g;
  g.m = d[0];
  g.n = d[2];
  g.k = d[3];
  g.a = in<T>(c, 0);
  g.lda = d[1];
  g.transposeA = false;
  g.b = in<T>(c, 3);
  g.ldb = d[3];
  g.transposeB = true;
  g.c = out<T>(c, 5);
  g.ldc = g.n;
  g.epilogue.residual = in<T>(c, 4);
  g.epilogue.residualStride = g.n;
  g.work = c.work;
  g.pieces = d[1] == 0 ? 1 : d[3] / d[1];
  g.aNext[0] = in<T>(c, 1);
  g.aNext[1] = in<T>(c, 2);
  gemm(c, g);
  return 0;
}

} // namespace

FAMILY(matmul, KERNEL(matmul), KERNEL(matmul_batched), KERNEL(matmul_joined))

} // namespace AG_ISA
} // namespace ag
