// The matrix product: C[M,N] = f(alpha op(A)[M,K] op(B)[K,N] + bias[N]) + residual[M,N] (+ C), row-major column windows.
//
// Made for tall and skinny operands. B is packed once; blocks of rows of C are shared by the team; the sums of a tile live in
// registers over all of K. A long K with a small C (weight gradients) is cut into splits fixed by the problem alone, whose partial
// sums are added in order. So the bits do not depend on the number of threads.
#pragma once
#include "gemm_epilogue.h"
#include "gemm_pack.h"
#include "gemm_tile.h"
#include "team.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T> struct Gemm {
  int64_t m, n, k;
  const T* a;  // [m,k], or [k,m] if transposed; rows lda apart
  int64_t lda;
  bool transposeA;
  const T* b;  // [k,n], or [n,k] if transposed; rows ldb apart
  int64_t ldb;
  bool transposeB;
  T* c;  // [m,n], rows ldc apart; must not overlap a or b
  int64_t ldc;
  Epilogue<T> epilogue = {T(1), nullptr, kActNone, nullptr, 0, false};
  void* work = nullptr;  // gemmWorkspaceBytes, 64-byte aligned
};

// K beyond this is cut into splits; up to it the sums of a tile never leave the registers.
constexpr int64_t kGemmDepth = 2048;
constexpr int64_t kGemmSplitDepth = 1024;         // no split is shorter than this
constexpr int64_t kGemmMaxSplits = 64;
constexpr int64_t kGemmSplitElements = 1 << 20;   // partial sums worth keeping beside the first

constexpr int64_t ceilTo(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

static inline int64_t gemmSplits(int64_t m, int64_t n, int64_t k) {
  if (k <= kGemmDepth || m == 0 || n == 0) return 1;
  const int64_t byDepth = k / kGemmSplitDepth, bySize = kGemmSplitElements / (m * n);
  const int64_t splits = byDepth < bySize ? byDepth : bySize;
  return splits < 1 ? 1 : splits > kGemmMaxSplits ? kGemmMaxSplits : splits;
}

// k <= 2048:  k ceil16(n)                                            packed B
// k >  2048:  splits m n + (transposeB ? k ceil16(n) : 0)            partial sums, packed B
//             splits = clamp(min(floor(k / 1024), floor(2^20 / (m n))), 1, 64)
// elements of T, rounded up to 64 bytes.
template <class T> static inline size_t gemmWorkspaceBytes(int64_t m, int64_t n, int64_t k, bool transposeB) {
  int64_t elements = k <= kGemmDepth || transposeB ? k * ceilTo(n, 16) : 0;
  if (k > kGemmDepth) elements += gemmSplits(m, n, k) * m * n;
  return static_cast<size_t>(ceilTo(elements * static_cast<int64_t>(sizeof(T)), 64));
}
template <class T> static inline size_t gemmSerialWorkspaceBytes(int64_t n, int64_t k) {
  return static_cast<size_t>(ceilTo(k * ceilTo(n, 16) * static_cast<int64_t>(sizeof(T)), 64));
}

// op(B) as the tiles read it: panels of a packed copy, or the caller's rows.
template <class T> struct Columns {
  const T* data;
  int64_t stride;  // between rows of B; 0: packed
  int64_t depth;   // k's in a packed panel
};

// Sums over k in [k0, k1) of rows [i0, i1): written raw to out (all columns, first row at out), or finished into C.
template <class T> struct Sweep {
  const Gemm<T>& g;
  Columns<T> b;

  template <class Put> void tiles(int64_t i0, int64_t i1, int64_t k0, int64_t k1, Put&& put) const {
    TileJob<T> job;
    job.aRow = g.transposeA ? 1 : g.lda;
    job.aCol = g.transposeA ? g.lda : 1;
    job.depth = k1 - k0;
    for (int64_t p = 0; p < panelsOf<T>(g.n); ++p) {
      const Panel<T> panel(p, g.n);
      job.b = b.stride ? b.data + k0 * b.stride + panel.col : b.data + b.depth * panel.col + k0 * panel.stride();
      job.bRow = b.stride ? b.stride : panel.stride();
      job.last = panel.last();
      const int64_t height = kTileRows[panel.width];
      for (int64_t i = i0; i < i1; i += height) {
        const int rows = static_cast<int>(i1 - i < height ? i1 - i : height);
        job.a = g.a + i * job.aRow + k0 * job.aCol;
        put(job, i, rows, panel);
      }
    }
  }

  void intoC(int64_t i0, int64_t i1) const {
    alignas(64) T spill[kMaxTileSums * kLanes<T>];
    const bool direct = g.epilogue.none();
    tiles(i0, i1, 0, g.k, [&](TileJob<T>& job, int64_t i, int rows, const Panel<T>& panel) {
      job.add = false;
      job.out = direct ? g.c + i * g.ldc + panel.col : spill;
      job.outRow = direct ? g.ldc : panel.stride();
      runTile(job, rows, panel.width);
      if (!direct)
        finish<T>(g.epilogue, {spill, panel.stride(), 1, 0}, rows, panel.cols, i, panel.col, g.c, g.ldc);
    });
  }

  void intoPartial(int64_t i0, int64_t i1, int64_t k0, int64_t k1, T* out) const {
    constexpr int64_t kChunk = 256;  // rows of A and B that stay in the cache while all tiles pass over them
    for (int64_t k = k0; k < k1; k += kChunk) {
      tiles(i0, i1, k, k + kChunk < k1 ? k + kChunk : k1,
            [&](TileJob<T>& job, int64_t i, int rows, const Panel<T>& panel) {
              job.add = k > k0;
              job.out = out + i * g.n + panel.col;
              job.outRow = g.n;
              runTile(job, rows, panel.width);
            });
    }
  }
};

template <class T> static void packColumns(const Gemm<T>& g, int64_t begin, int64_t end, T* out) {
  for (int64_t p = begin; p < end; ++p) {
    const Panel<T> panel(p, g.n);
    packPanel(g.transposeB ? g.b + panel.col * g.ldb : g.b + panel.col, g.ldb, g.transposeB, g.k, panel.cols,
              panel.stride(), out + g.k * panel.col);
  }
}

// The product of a small block by the calling thread alone, for use inside a part; work: gemmSerialWorkspaceBytes(n, k) of the
// part's own, needed only where b is transposed.
template <class T> static void gemmSerial(const Gemm<T>& g) {
  if (g.m <= 0 || g.n <= 0) return;
  if (g.transposeB) {
    packColumns(g, 0, panelsOf<T>(g.n), static_cast<T*>(g.work));
    Sweep<T>{g, {static_cast<T*>(g.work), 0, g.k}}.intoC(0, g.m);
  } else {
    Sweep<T>{g, {g.b, g.ldb, 0}}.intoC(0, g.m);
  }
}

template <class T> static void gemm(const Call& call, const Gemm<T>& g) {
  if (g.m <= 0 || g.n <= 0) return;
  constexpr double kNsPerProduct = sizeof(T) == 4 ? 0.012 : 0.024;
  const double nsPerRow = static_cast<double>(g.n) * (static_cast<double>(g.k) * kNsPerProduct + 1.0);
  const bool split = g.k > kGemmDepth, packed = g.transposeB || (!split && g.m >= 64);
  T* work = static_cast<T*>(g.work);
  if (packed)
    blocks(call, panelsOf<T>(g.n), 1, static_cast<double>(2 * kLanes<T> * g.k),
           [&](int64_t begin, int64_t end) { packColumns(g, begin, end, work); });
  const Sweep<T> sweep{g, packed ? Columns<T>{work, 0, g.k} : Columns<T>{g.b, g.ldb, 0}};
  const int64_t rowsPerPart = 126;  // whole tiles of every height
  if (!split) return blocks(call, g.m, rowsPerPart, nsPerRow, [&](int64_t i0, int64_t i1) { sweep.intoC(i0, i1); });
  T* sums = work + (packed ? g.k * ceilTo(g.n, 16) : 0);
  const int64_t splits = gemmSplits(g.m, g.n, g.k), rowBlocks = (g.m + rowsPerPart - 1) / rowsPerPart;
  const double nsPerPart = nsPerRow * static_cast<double>(g.m) / static_cast<double>(splits * rowBlocks);
  blocks(call, splits * rowBlocks, 1, nsPerPart, [&](int64_t part, int64_t) {
    const int64_t s = part / rowBlocks, i0 = part % rowBlocks * rowsPerPart;
    const int64_t i1 = i0 + rowsPerPart < g.m ? i0 + rowsPerPart : g.m;
    sweep.intoPartial(i0, i1, s * g.k / splits, (s + 1) * g.k / splits, sums + s * g.m * g.n);
  });
  blocks(call, g.m, rowsPerPart, static_cast<double>(g.n * splits), [&](int64_t i0, int64_t i1) {
    finish<T>(g.epilogue, {sums + i0 * g.n, g.n, static_cast<int>(splits), g.m * g.n}, i1 - i0, g.n, i0, 0, g.c, g.ldc);
  });
}

}  // namespace
}  // namespace AG_ISA
}  // namespace ag
