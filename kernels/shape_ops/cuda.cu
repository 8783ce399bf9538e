// slice, pad, join, swap: the copies behind slicing, padding, concatenation and transposition. No arithmetic.
//
// Layout: the axis worked on stands between outer A and inner B (D for swap). Strategy: a thread per output element, so
// that writes are contiguous and reads are too, run by run; swap with D = 1 goes through 32 x 32 tiles in shared
// memory, so that both sides are. Bound: bytes read and written once. Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kTile = 32;

template <class T> int slice(const Call& c) {
  const int64_t A = c.ints[0], S = c.ints[1], B = c.ints[2], R = c.ints[3], from = c.ints[4];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  const int64_t run = R * B, row = S * B, first = from * B;
  return each(c, A * run, [=] __device__(int64_t k) { to[k] = x[k / run * row + first + k % run]; });
}

template <class T> int pad(const Call& c) {
  const int64_t A = c.ints[0], R = c.ints[1], B = c.ints[2], S = c.ints[3], from = c.ints[4];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  const int64_t run = R * B, row = S * B, first = from * B;
  return each(c, A * row, [=] __device__(int64_t k) {
    const int64_t at = k % row - first;
    to[k] = at >= 0 && at < run ? x[k / row * run + at] : T(0);
  });
}

template <class T> int join(const Call& c) {
  const int64_t A = c.ints[0], R = c.ints[1], B = c.ints[2], Q = c.ints[3];
  const T *x = in<T>(c, 0), *y = in<T>(c, 1);
  T* to = out<T>(c, 2);
  const int64_t left = R * B, right = Q * B, row = left + right;
  return each(c, A * row, [=] __device__(int64_t k) {
    const int64_t a = k / row, at = k % row;
    to[k] = at < left ? x[a * left + at] : y[a * right + at - left];
  });
}

// The tile of rows b0.. and columns c0.. of a B x C matrix, transposed. Threads stand in rows of 32.
template <class T> __device__ void transposeTile(const T* x, T* to, int64_t B, int64_t C, int64_t b0, int64_t c0) {
  __shared__ T tile[kTile][kTile + 1]; // one more column: no two threads of a warp meet in a memory bank
  const int column = threadIdx.x % kTile, first = threadIdx.x / kTile;
  for (int row = first; row < kTile; row += kThreads / kTile)
    if (b0 + row < B && c0 + column < C) tile[row][column] = x[(b0 + row) * C + c0 + column];
  __syncthreads();
  for (int row = first; row < kTile; row += kThreads / kTile)
    if (c0 + row < C && b0 + column < B) to[(c0 + row) * B + b0 + column] = tile[column][row];
  __syncthreads();
}

template <class T> int swap(const Call& c) {
  const int64_t A = c.ints[0], B = c.ints[1], C = c.ints[2], D = c.ints[3];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  if (D == 1) {
    const int64_t tilesB = (B + kTile - 1) / kTile, tilesC = (C + kTile - 1) / kTile;
    return eachBlock(c, A * tilesB * tilesC, [=] __device__(int64_t k) {
      const int64_t a = k / tilesC / tilesB, b0 = k / tilesC % tilesB * kTile, c0 = k % tilesC * kTile;
      transposeTile(x + a * B * C, to + a * B * C, B, C, b0, c0);
    });
  }
  return each(c, A * B * C * D, [=] __device__(int64_t k) {
    const int64_t d = k % D, b = k / D % B, column = k / D / B % C, a = k / D / B / C;
    to[k] = x[((a * B + b) * C + column) * D + d];
  });
}

} // namespace

CUDA_FAMILY(shape_ops, CUDA_KERNEL_ANY(slice), CUDA_KERNEL_ANY(pad), CUDA_KERNEL_ANY(join), CUDA_KERNEL_ANY(swap))

} // namespace cuda
} // namespace ag
