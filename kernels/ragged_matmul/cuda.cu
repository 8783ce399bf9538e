// ragged_nt C_i = X_i Y_i^T, ragged_nn O_i = A_i V_i, ragged_tn Z_i = A_i^T X_i for every centre i (cpu.cc).
//
// Layout: as on the CPU; what belongs to no centre is set to zero. Strategy: four blocks share the tiles of 64 x 64
// elements of a centre (native/cuda/tile.cuh), four more behind the last centre clear the rest: sizes are known on the
// device alone. Pointers are not checked here: reading them back would stop the stream. Bound: 2 H flop per pair. Not
// measured: has not run on hardware.
#include "../../native/cuda/tile.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kShares = 4;

template <class T> __device__ void clear(T* to, int64_t begin, int64_t end, int share) {
  for (int64_t k = begin + share * kThreads + threadIdx.x; k < end; k += kShares * kThreads) to[k] = T(0);
}

// C (contiguous, m x n) = op(A) op(B): one share of its tiles.
template <class T> __device__ void multiplyShare(const Operands<T>& p, int depth, T* c, int share) {
  const int64_t across = tilesOf(p.n), tiles = tilesOf(p.m) * across;
  for (int64_t t = share; t < tiles; t += kShares)
    multiplyTile(p, static_cast<int>(t / across) * kTile, static_cast<int>(t % across) * kTile, 0, depth,
                 [&](int row, int column, T sum) { c[int64_t{row} * p.n + column] = sum; });
}

template <class T> int ragged_nt(const Call& c) {
  const int H = c.ints[1], N = c.ints[2], P = c.ints[3];
  const T *x = in<T>(c, 0), *y = in<T>(c, 1);
  const int32_t *ptr = in<int32_t>(c, 2), *start = in<int32_t>(c, 3);
  T* to = out<T>(c, 4);
  return eachBlock(c, int64_t{kShares} * (N + 1), [=] __device__(int64_t item) {
    const int i = static_cast<int>(item / kShares), share = static_cast<int>(item % kShares);
    if (i == N) return clear(to, start[N], P, share);
    const int n = ptr[i + 1] - ptr[i];
    const int64_t row = int64_t{ptr[i]} * H;
    multiplyShare(Operands<T>{x + row, y + row, n, n, H, 1, 1, H}, H, to + start[i], share);
    clear(to, start[i] + int64_t{n} * n, start[i + 1], share);
  });
}

template <class T> int timesRows(const Call& c, bool transposed) {
  const int E = c.ints[1], H = c.ints[2], N = c.ints[3];
  const T *a = in<T>(c, 0), *v = in<T>(c, 1);
  const int32_t *ptr = in<int32_t>(c, 2), *start = in<int32_t>(c, 3);
  T* to = out<T>(c, 4);
  return eachBlock(c, int64_t{kShares} * (N + 1), [=] __device__(int64_t item) {
    const int i = static_cast<int>(item / kShares), share = static_cast<int>(item % kShares);
    if (i == N) return clear(to, int64_t{ptr[N]} * H, int64_t{E} * H, share);
    const int n = ptr[i + 1] - ptr[i];
    const int64_t row = int64_t{ptr[i]} * H;
    const Operands<T> p = {a + start[i], v + row, n, H, transposed ? 1 : n, transposed ? n : 1, H, 1};
    multiplyShare(p, n, to + row, share);
  });
}

template <class T> int ragged_nn(const Call& c) { return timesRows<T>(c, false); }
template <class T> int ragged_tn(const Call& c) { return timesRows<T>(c, true); }

} // namespace

CUDA_FAMILY(ragged_matmul, CUDA_KERNEL(ragged_nt), CUDA_KERNEL(ragged_nn), CUDA_KERNEL(ragged_tn))

} // namespace cuda
} // namespace ag
