// A stable radix sort of pairs by key: four bits a pass, without atomics, so that equal keys keep their order.
//
// A block sorts a tile of 2,048 pairs, eight in a row a thread, with a counter for every digit and thread; their
// running sums in the order of digit, thread say where each pair goes within its digit. Three launches a pass: counts
// of the tiles, their running sums (one block), and the move. Bound: 24 bytes a pair and pass.
#pragma once
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int kDigitBits = 4, kDigits = 1 << kDigitBits, kItems = 8, kTile = kItems * kThreads;

// The sum of the values of the threads before this one: every thread of a block must call it.
__device__ inline int sumBefore(int value) {
  __shared__ int part[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  part[thread] = value;
  __syncthreads();
  for (int step = 1; step < kThreads; step *= 2) {
    const int more = thread >= step ? part[thread - step] : 0;
    __syncthreads();
    part[thread] += more;
    __syncthreads();
  }
  const int before = part[thread] - value;
  __syncthreads(); // the array is used again
  return before;
}

struct Tile {
  const int32_t* keys;
  int64_t first, end; // of this thread
  int shift;

  __device__ Tile(const int32_t* keys_, int64_t n, int64_t tile, int shift_) : keys(keys_), shift(shift_) {
    first = tile * kTile + static_cast<int64_t>(threadIdx.x) * kItems;
    first = first < n ? first : n;
    end = first + kItems < n ? first + kItems : n;
  }
  __device__ int digit(int64_t k) const { return keys[k] >> shift & (kDigits - 1); }

  // counter[digit * kThreads + thread]: pairs of the tile with smaller digits, or the same in earlier threads.
  __device__ void rank(int* counter) const {
    const int thread = static_cast<int>(threadIdx.x);
    for (int d = 0; d < kDigits; ++d) counter[d * kThreads + thread] = 0;
    for (int64_t k = first; k < end; ++k) ++counter[digit(k) * kThreads + thread];
    __syncthreads();
    int sum = 0;
    for (int i = 0; i < kDigits; ++i) {
      const int here = counter[thread * kDigits + i];
      counter[thread * kDigits + i] = sum;
      sum += here;
    }
    const int before = sumBefore(sum);
    for (int i = 0; i < kDigits; ++i) counter[thread * kDigits + i] += before;
    __syncthreads();
  }
};

struct Pairs {
  int32_t *keys, *values;
};

inline int64_t tilesOf(int64_t n) { return (n + kTile - 1) / kTile; }

// Moves n pairs to their places by one digit; `starts` holds kDigits numbers for each tile.
inline int sortDigit(const Call& c, int64_t n, int shift, Pairs from, Pairs to, int32_t* starts) {
  const int64_t tiles = tilesOf(n);
  int failed = eachBlock(c, tiles, [=] __device__(int64_t tile) {
    __shared__ int counter[kDigits * kThreads];
    Tile(from.keys, n, tile, shift).rank(counter);
    const int d = static_cast<int>(threadIdx.x);
    const int size = static_cast<int>(n - tile * kTile < kTile ? n - tile * kTile : kTile);
    if (d < kDigits)
      starts[d * tiles + tile] = (d + 1 < kDigits ? counter[(d + 1) * kThreads] : size) - counter[d * kThreads];
    __syncthreads(); // the block's next tile
  });
  if (failed != 0) return failed;
  failed = eachBlock(c, 1, [=] __device__(int64_t) {
    const int64_t all = kDigits * tiles, share = (all + kThreads - 1) / kThreads;
    const int64_t begin = threadIdx.x * share, end = begin + share < all ? begin + share : all;
    int sum = 0;
    for (int64_t k = begin; k < end; ++k) sum += starts[k];
    sum = sumBefore(sum);
    for (int64_t k = begin; k < end; ++k) {
      const int here = starts[k];
      starts[k] = sum;
      sum += here;
    }
  });
  if (failed != 0) return failed;
  return eachBlock(c, tiles, [=] __device__(int64_t tile) {
    __shared__ int counter[kDigits * kThreads];
    __shared__ int64_t start[kDigits];
    const Tile own(from.keys, n, tile, shift);
    own.rank(counter);
    const int thread = static_cast<int>(threadIdx.x);
    if (thread < kDigits) start[thread] = int64_t{starts[thread * tiles + tile]} - counter[thread * kThreads];
    __syncthreads();
    for (int64_t k = own.first; k < own.end; ++k) {
      const int d = own.digit(k);
      const int64_t place = start[d] + counter[d * kThreads + thread]++;
      to.keys[place] = from.keys[k];
      to.values[place] = from.values[k];
    }
    __syncthreads(); // the block's next tile
  });
}

// Passes that sort keys below `limit`.
inline int passesFor(int64_t limit) {
  int passes = 0;
  while (limit > int64_t{1} << passes * kDigitBits) ++passes;
  return passes;
}

} // namespace
} // namespace cuda
} // namespace ag
