// One tile of a matrix product by one block: 64 x 64 elements from strips of 16 k's in shared memory. Each of the 256
// threads keeps 4 x 4 sums, a step of 16 apart, so that shared reads do not collide and writes are contiguous.
#pragma once
#include "call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kTile = 64;
constexpr int kStrip = 16;
constexpr int kSums = 4;             // per thread and side
constexpr int kSide = kTile / kSums; // threads per side of the block
constexpr int kPitch = kTile + 1;    // of a strip in shared memory
static_assert(kSide * kSide == kThreads, "a block makes one tile");

// op(A)(i, k) = a[i aRow + k aColumn] for i < m, op(B)(k, j) = b[k bRow + j bColumn] for j < n. Where there is an array
// of values y of a tanh beside an operand, of the same layout, the operand is multiplied by 1 - y^2.
template <class T> struct Operands {
  const T *a, *b;
  int m, n;
  int aRow, aColumn, bRow, bColumn;
  const T *aTanh = nullptr, *bTanh = nullptr;
};

inline __host__ __device__ int64_t tilesOf(int64_t n) { return (n + kTile - 1) / kTile; }

// Strip x[k][i] of op(A)(i0 + i, k0 + k): threads run along the direction in which memory does. 0 beyond the ends.
template <class T>
__device__ void loadStrip(T* strip, const T* x, const T* y, int i0, int rows, int k0, int depth, int row, int column) {
  for (int e = threadIdx.x; e < kTile * kStrip; e += kThreads) {
    const int i = row == 1 ? e % kTile : e / kStrip;
    const int k = row == 1 ? e / kTile : e % kStrip;
    const bool inside = i0 + i < rows && k0 + k < depth;
    const int64_t at = int64_t{i0 + i} * row + int64_t{k0 + k} * column;
    const T value = inside ? x[at] : T(0);
    strip[k * kPitch + i] = inside && y ? value * (1 - y[at] * y[at]) : value;
  }
}

// Sums of one tile of a product, in registers.
template <class T> struct TileSums {
  T at[kSums][kSums] = {};

  // Adds the terms of k in [begin, end) for the tile that starts at (i0, j0). Every thread must call it.
  __device__ void add(const Operands<T>& p, int i0, int j0, int begin, int end) {
    __shared__ T aStrip[kStrip * kPitch], bStrip[kStrip * kPitch];
    const int y = threadIdx.x / kSide, x = threadIdx.x % kSide;
    for (int k0 = begin; k0 < end; k0 += kStrip) {
      loadStrip(aStrip, p.a, p.aTanh, i0, p.m, k0, end, p.aRow, p.aColumn);
      loadStrip(bStrip, p.b, p.bTanh, j0, p.n, k0, end, p.bColumn, p.bRow);
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
          for (int j = 0; j < kSums; ++j) at[i][j] = fma(as[i], bs[j], at[i][j]);
      }
      __syncthreads();
    }
  }

  // put(i, j, sum) for every element of the tile.
  template <class Put> __device__ void put(int m, int n, int i0, int j0, Put put) const {
    const int y = threadIdx.x / kSide, x = threadIdx.x % kSide;
#pragma unroll // the sums stay in registers only where their indices are constants
    for (int i = 0; i < kSums; ++i)
#pragma unroll
      for (int j = 0; j < kSums; ++j) {
        const int row = i0 + y + kSide * i, column = j0 + x + kSide * j;
        if (row < m && column < n) put(row, column, at[i][j]);
      }
  }
};

// put(i, j, sum over k in [begin, end)) for every element of the tile that starts at (i0, j0). Every thread must call
// it.
template <class T, class Put>
__device__ void multiplyTile(const Operands<T>& p, int i0, int j0, int begin, int end, Put put) {
  TileSums<T> sums;
  sums.add(p, i0, j0, begin, end);
  sums.put(p.m, p.n, i0, j0, put);
}

} // namespace
} // namespace cuda
} // namespace ag
