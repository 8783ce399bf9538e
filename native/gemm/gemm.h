// The matrix product: C[M,N] = f(alpha op(A)[M,K] op(B)[K,N] + bias[N]) + residual[M,N] (+ C), row-major column
// windows.
//
// Made for tall and skinny operands. B is packed once where many rows pass over it; blocks of rows of C are shared by
// the team; the sums of a tile live in registers over all of K, or over as much of it as keeps a panel of B in the
// first-level cache. A very long K (weight gradients) is cut into splits fixed by the problem alone, whose partial sums
// are added in order. So the bits do not depend on the number of threads.
#pragma once
#include "../team.h"
#include "sweep.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kGemmDepth = 2048;      // K beyond this is cut into splits
constexpr int64_t kGemmSplitDepth = 1024; // none of them shorter than this
constexpr int64_t kGemmMaxSplits = 64;
constexpr int64_t kGemmSplitElements = 1 << 20; // partial sums worth keeping beside the first

constexpr int64_t ceilTo(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

static inline int64_t gemmSplits(int64_t m, int64_t n, int64_t k) {
  if (k <= kGemmDepth || m <= 0 || n <= 0) return 1;
  const int64_t byDepth = k / kGemmSplitDepth, bySize = kGemmSplitElements / (m * n);
  const int64_t splits = byDepth < bySize ? byDepth : bySize;
  return splits < 1 ? 1 : splits > kGemmMaxSplits ? kGemmMaxSplits : splits;
}

// Scratch memory of gemm, in elements of T, rounded up to 64 bytes:
//   packed B       k ceil16(n)     if k <= 2048 or transposeB
//   partial sums   splits m n      if k > 2048; splits = clamp(min(floor(k / 1024), floor(2^20 / (m n))), 1, 64)
template <class T> static inline size_t gemmWorkspaceBytes(int64_t m, int64_t n, int64_t k, bool transposeB) {
  int64_t elements = k <= kGemmDepth || transposeB ? k * ceilTo(n, 16) : 0;
  if (k > kGemmDepth) elements += gemmSplits(m, n, k) * m * n;
  return static_cast<size_t>(ceilTo(elements * static_cast<int64_t>(sizeof(T)), 64));
}
template <class T> static inline size_t gemmSerialWorkspaceBytes(int64_t n, int64_t k) {
  return static_cast<size_t>(ceilTo(k * ceilTo(n, 16) * static_cast<int64_t>(sizeof(T)), 64));
}

// How a product is computed; depends on the problem and the instruction set only.
enum class GemmWay { kTiles, kSwappedTiles, kDots, kThin };

template <class T> static GemmWay gemmWay(const Gemm<T>& g) {
  if (g.pieces > 1) return GemmWay::kTiles;
  if (g.k > 0 && g.k <= kThinDepth) return GemmWay::kThin;
  if (!g.transposeA) return g.k <= kGemmDepth && dotPays<T>(g.n, g.k) ? GemmWay::kDots : GemmWay::kTiles;
  const bool emptier = 8 * vectorsOf<T>(g.m) * g.n < 7 * vectorsOf<T>(g.n) * g.m;
  return emptier && g.k >= 32 ? GemmWay::kSwappedTiles : GemmWay::kTiles;
}

// B as dot products want it: [n,k].
template <class T> struct TurnedB {
  const T* data;
  int64_t stride;

  explicit TurnedB(const Gemm<T>& g) : data(g.b), stride(g.ldb) {
    if (g.transposeB) return;
    T* turned = static_cast<T*>(g.work);
    for (int64_t k = 0; k < g.k; ++k)
      for (int64_t j = 0; j < g.n; ++j) turned[j * g.k + k] = g.b[k * g.ldb + j];
    data = turned;
    stride = g.k;
  }
};

// The product of a small block by the calling thread alone, for use inside a part: B is read where it stands if plain.
// K is not cut. work: gemmSerialWorkspaceBytes(n, k) of the part's own. `ahead`, if given, is fetched meanwhile.
template <class T> static void gemmSerial(const Gemm<T>& g, Ahead* ahead = nullptr) {
  if (g.m <= 0 || g.n <= 0) return;
  GemmWay way = gemmWay(g);
  // Columns of a plain B can only be turned where the caller gave room for it.
  if (way == GemmWay::kDots && !g.transposeB && !g.work) way = GemmWay::kTiles;
  const bool swapped = way == GemmWay::kSwappedTiles;
  T* work = static_cast<T*>(g.work);
  if (way == GemmWay::kThin) return Sweep<T>(g, false, nullptr).thinRows(0, g.m);
  if (way == GemmWay::kDots) {
    const TurnedB<T> turned(g);
    return Sweep<T>(g, false, nullptr).dots(0, g.m, turned.data, turned.stride);
  }
  const bool packed = !swapped && g.transposeB;
  if (packed) pack(g.b, g.ldb, true, g.n, g.k, 0, panelsOf<T>(g.n), work);
  Sweep<T> sweep(g, swapped, packed ? work : nullptr);
  sweep.ahead = ahead;
  sweep.intoC(0, sweep.rows, 0, sweep.panels());
}

// Rows of C in a part: enough to be worth handing out, few enough to share; whole tiles.
static inline int64_t gemmPartRows(int64_t m, int64_t vectors, double nsPerRow) {
  constexpr double kPartNs = 10e3;
  if (m < 16 * kGemmRows) return ceilTo((m + 15) / 16, kTileRows[vectors < 3 ? vectors : 3]);
  const double wanted = kPartNs / nsPerRow / static_cast<double>(kGemmRows);
  return kGemmRows * (wanted < 1 ? 1 : wanted > 8 ? 8 : static_cast<int64_t>(wanted));
}

// Parts of a product of few rows: blocks of whole tiles by groups of panels, about sixteen. Every block reads all of B
// and every group all of A, so the split is the one that makes them read least.
struct GemmGrid {
  int64_t rows = 0, groups = 0; // rows of a block, groups of panels

  GemmGrid(int64_t m, int64_t n, int64_t panels, int64_t tileRows) {
    constexpr int64_t kParts = 16;
    int64_t best = 0;
    for (int64_t split = 1; split <= kParts; ++split) {
      const int64_t high = ceilTo((m + split - 1) / split, tileRows), blocks = (m + high - 1) / high;
      const int64_t wanted = (kParts + blocks - 1) / blocks, wide = wanted < panels ? wanted : panels;
      const int64_t reads = blocks * n + wide * m;
      const bool enough = blocks * wide >= kParts / 2 || split == kParts;
      if (!enough || (groups > 0 && reads >= best)) continue;
      best = reads;
      rows = high;
      groups = wide;
    }
  }
};

template <class T> static void gemmGrid(const Call& call, const Sweep<T>& sweep, double nsPerRow) {
  const int64_t m = sweep.rows, panels = sweep.panels(), vectors = vectorsOf<T>(sweep.cols);
  const GemmGrid grid(m, sweep.cols, panels, kTileRows[vectors < 3 ? vectors : 3]);
  const int64_t parts = (m + grid.rows - 1) / grid.rows * grid.groups;
  blocks(call, parts, 1, nsPerRow * static_cast<double>(m) / static_cast<double>(parts), [&](int64_t part, int64_t) {
    const int64_t i0 = part / grid.groups * grid.rows, i1 = i0 + grid.rows < m ? i0 + grid.rows : m;
    const int64_t group = part % grid.groups;
    sweep.intoC(i0, i1, group * panels / grid.groups, (group + 1) * panels / grid.groups);
  });
}

// K cut into splits: partial sums of every split and block of rows, then their sum.
template <class T>
static void gemmSplit(const Call& call, const Gemm<T>& g, const Sweep<T>& sweep, T* sums, double nsPerRow) {
  const int64_t splits = gemmSplits(g.m, g.n, g.k), rowBlocks = (sweep.rows + kGemmRows - 1) / kGemmRows;
  const double nsPerPart = nsPerRow * static_cast<double>(g.m) / static_cast<double>(splits * rowBlocks);
  blocks(call, splits * rowBlocks, 1, nsPerPart, [&](int64_t part, int64_t) {
    const int64_t s = part / rowBlocks, i0 = part % rowBlocks * kGemmRows;
    const int64_t i1 = i0 + kGemmRows < sweep.rows ? i0 + kGemmRows : sweep.rows;
    sweep.intoSums(i0, i1, s * g.k / splits, (s + 1) * g.k / splits, sums + s * g.m * g.n);
  });
  blocks(call, g.m, 16, static_cast<double>(g.n * (splits + 4)) * 0.3,
         [&](int64_t i0, int64_t i1) { sweep.outOfSums(i0, i1, sums, splits); });
}

template <class T> static void gemm(const Call& call, const Gemm<T>& g) {
  if (g.m <= 0 || g.n <= 0) return;
  const double nsPerProduct = sizeof(T) == 4 ? 0.02 : 0.04;
  const double nsPerRow = static_cast<double>(g.n) * (static_cast<double>(g.k) * nsPerProduct + 0.3);
  const GemmWay way = gemmWay(g);
  const bool swapped = way == GemmWay::kSwappedTiles, split = g.k > kGemmDepth;
  T* work = static_cast<T*>(g.work);
  if (way == GemmWay::kDots) {
    const TurnedB<T> turned(g);
    const Sweep<T> sweep(g, false, nullptr);
    return blocks(call, g.m, ceilTo(gemmPartRows(g.m, vectorsOf<T>(g.n), nsPerRow), 16), nsPerRow,
                  [&](int64_t i0, int64_t i1) { sweep.dots(i0, i1, turned.data, turned.stride); });
  }
  if (way == GemmWay::kThin) {
    const Sweep<T> sweep(g, false, nullptr);
    return blocks(call, g.m, gemmPartRows(g.m, vectorsOf<T>(g.n), nsPerRow), nsPerRow,
                  [&](int64_t i0, int64_t i1) { sweep.thinRows(i0, i1); });
  }
  // Few rows pass over B too seldom to pay for its packing.
  const bool packed = !swapped && (g.transposeB || (!split && g.m >= 256));
  if (packed)
    blocks(call, panelsOf<T>(g.n), 1, static_cast<double>(2 * kLanes<T> * g.k) * 0.5,
           [&](int64_t begin, int64_t end) { pack(g.b, g.ldb, g.transposeB, g.n, g.k, begin, end, work); });
  const Sweep<T> sweep(g, swapped, packed ? work : nullptr);
  if (split) return gemmSplit(call, g, sweep, packed ? work + g.k * ceilTo(g.n, 16) : work, nsPerRow);
  if (swapped)
    return blocks(call, sweep.panels(), 1, nsPerRow * static_cast<double>(g.m) / static_cast<double>(sweep.panels()),
                  [&](int64_t p0, int64_t p1) { sweep.intoC(0, sweep.rows, p0, p1); });
  if (g.m < 16 * kGemmRows) return gemmGrid(call, sweep, nsPerRow);
  blocks(call, g.m, gemmPartRows(g.m, vectorsOf<T>(g.n), nsPerRow), nsPerRow,
         [&](int64_t i0, int64_t i1) { sweep.intoC(i0, i1, 0, sweep.panels()); });
}

} // namespace
} // namespace AG_ISA
} // namespace ag
