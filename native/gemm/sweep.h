// The loops around the register tile, for one part of a product: which rows and panels, what is fetched ahead, where
// sums go.
#pragma once
#include "dot.h"
#include "epilogue.h"
#include "thin.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T> struct Gemm {
  int64_t m, n, k;
  const T* a; // [m,k], or [k,m] if transposed; rows lda apart
  int64_t lda;
  bool transposeA;
  const T* b; // [k,n], or [n,k] if transposed; rows ldb apart
  int64_t ldb;
  bool transposeB;
  T* c; // [m,n], rows ldc apart; must not overlap a or b
  int64_t ldc;
  Epilogue<T> epilogue = {T(1), nullptr, kActNone, nullptr, 0, false};
  void* work = nullptr; // gemmWorkspaceBytes, 64-byte aligned
  // A may come as up to three matrices of k / pieces columns each, side by side: a, then these. For plain A and
  // k <= kGemmDepth.
  int64_t pieces = 1;
  const T* aNext[2] = {nullptr, nullptr};
};

// Rows of A and B that all tiles of a part pass over before the next ones come, where K is cut.
constexpr int64_t kGemmCacheBytes = 256 * 1024;
// Rows of C a part works on at a time: whole tiles of every height.
constexpr int64_t kGemmRows = 126;
// Rows of a panel of B that stay in the first-level cache while the tiles of a part pass over them.
constexpr int64_t kGemmChunk = 201;
// Rows between one of B that is multiplied and one that is fetched.
constexpr int64_t kRowsAhead = 24;

// Memory that is needed soon, fetched line by line while tiles compute.
class Ahead {
public:
  void add(const void* first, int64_t bytes) {
    if (!first || count == kMost) return;
    ranges[count++] = {static_cast<const char*>(first), bytes};
  }

  // Hands a tile the next piece, as much as it fetches; nothing is left at the end.
  template <class T> void give(TileJob<T>& job, int width) {
    while (at < count && ranges[at].bytes <= 0) ++at;
    if (at == count) return;
    Range& range = ranges[at];
    const int64_t step = fetchedLines<T>(width) * kLine, bytes = step * job.depth;
    job.next = reinterpret_cast<const T*>(range.first);
    job.nextStep = step / static_cast<int64_t>(sizeof(T));
    range.first += bytes;
    range.bytes -= bytes;
  }

private:
  static constexpr int kMost = 4;
  struct Range {
    const char* first;
    int64_t bytes;
  };
  Range ranges[kMost];
  int count = 0, at = 0;
};

// The product the tiles compute: the caller's, or its transpose (A and B swapped) where that fills the lanes better.
template <class T> struct Sweep {
  const Gemm<T>& g;
  bool swapped;
  int64_t rows, cols, depth;
  const T* a;
  int64_t aRow, aCol;
  const T* b;
  int64_t ldb;
  const T* packed;        // panels of B, or nullptr: the rows of B themselves
  Ahead* ahead = nullptr; // what all panels but the first fetch instead of rows of A

  Sweep(const Gemm<T>& gemm, bool swap, const T* panels)
      : g(gemm), swapped(swap), rows(swap ? g.n : g.m), cols(swap ? g.m : g.n), depth(g.k), packed(panels) {
    const bool transposed = swap ? !g.transposeB : g.transposeA;
    const int64_t lda = swap ? g.ldb : g.lda;
    a = swap ? g.b : g.a;
    aRow = transposed ? 1 : lda;
    aCol = transposed ? lda : 1;
    b = swap ? g.a : g.b;
    ldb = swap ? g.lda : g.ldb;
  }
  int64_t panels() const { return panelsOf<T>(cols); }

  // Runs put(job, first row, height, panel) over rows [i0, i1), panels [p0, p1), k's [k0, k1).
  template <class Put>
  void tiles(int64_t i0, int64_t i1, int64_t p0, int64_t p1, int64_t k0, int64_t k1, Put&& put) const {
    TileJob<T> job;
    job.aRow = aRow;
    job.aCol = aCol;
    job.depth = k1 - k0;
    for (int64_t p = p0; p < p1; ++p) {
      const Panel<T> panel(p, cols);
      job.b = packed ? packed + depth * panel.col + k0 * panel.stride() : b + k0 * ldb + panel.col;
      job.bRow = packed ? panel.stride() : ldb;
      job.lastCols = static_cast<int>(panel.lastCols());
      job.whole = packed || panel.cols == panel.stride();
      const int64_t height = kTileRows[panel.width];
      for (int64_t i = i0; i < i1; i += height) {
        const int here = static_cast<int>(i1 - i < height ? i1 - i : height);
        job.a = a + i * aRow + k0 * aCol;
        // The next tile's rows; of long rows, or columns, a line each k.
        job.next = job.a + height * aRow;
        job.nextStep = aRow == 1 ? aCol : aRow < 2 * depth ? height : 0;
        if (ahead && p > p0) {
          ahead->give(job, panel.width);
        } else if (!packed && i == i0) {
          // Rows of B itself: the first tile of a panel would wait for each of them.
          job.next = job.b + kRowsAhead * ldb;
          job.nextStep = ldb;
        }
        put(job, i, here, panel);
      }
    }
  }

  void finishTile(const T* sums, int64_t i, int height, const Panel<T>& panel) const {
    const Sums<T> s = {sums, panel.stride(), 1, 0};
    if (swapped) finishTransposed<T>(g.epilogue, s, panel.cols, height, panel.col, i, g.c, g.ldc);
    else finish<T>(g.epilogue, s, height, panel.cols, i, panel.col, g.c, g.ldc);
  }

  // The tile's sums over the columns of one matrix of A after the other, in the order of k.
  void runPieces(TileJob<T> job, int64_t i, int height, int width) const {
    job.depth = depth / g.pieces;
    for (int64_t piece = 0; piece < g.pieces; ++piece) {
      runTile(job, height, width);
      if (piece + 1 == g.pieces) return;
      job.a = g.aNext[piece] + i * aRow;
      job.next = job.a + height * aRow;
      job.b += job.depth * job.bRow;
      job.add = true;
    }
  }

  // Whether a panel of B outgrows the first-level cache before the next tile comes to it.
  bool isDeep() const {
    return depth > 2 * kGemmChunk && !swapped && !ahead && g.pieces == 1 && !g.epilogue.accumulate;
  }

  // K in chunks, C holding the raw sums until the last one: they go on where they stood, so no bit depends on it.
  void deepIntoC(int64_t begin, int64_t end, int64_t p0, int64_t p1) const {
    const int64_t chunks = (depth + kGemmChunk - 1) / kGemmChunk;
    for (int64_t i0 = begin; i0 < end; i0 += kGemmRows) {
      const int64_t i1 = i0 + kGemmRows < end ? i0 + kGemmRows : end;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const bool isLast = chunk + 1 == chunks;
        const int64_t k0 = chunk * depth / chunks, k1 = (chunk + 1) * depth / chunks;
        tiles(i0, i1, p0, p1, k0, k1, [&](TileJob<T>& job, int64_t i, int height, const Panel<T>& panel) {
          job.add = chunk > 0;
          job.out = g.c + i * g.ldc + panel.col;
          job.outRow = g.ldc;
          job.c = job.out;
          job.cRow = g.ldc;
          runTile(job, height, panel.width);
          if (isLast && !g.epilogue.none())
            finish<T>(g.epilogue, {job.out, g.ldc, 1, 0}, height, panel.cols, i, panel.col, g.c, g.ldc);
        });
      }
    }
  }

  // All of K, through the epilogue into C.
  void intoC(int64_t begin, int64_t end, int64_t p0, int64_t p1) const {
    if (isDeep()) return deepIntoC(begin, end, p0, p1);
    alignas(64) T spill[kMaxTileSums * kLanes<T>];
    const bool direct = !swapped && g.epilogue.none();
    for (int64_t i0 = begin; i0 < end; i0 += kGemmRows) {
      const int64_t i1 = i0 + kGemmRows < end ? i0 + kGemmRows : end;
      tiles(i0, i1, p0, p1, 0, depth, [&](TileJob<T>& job, int64_t i, int height, const Panel<T>& panel) {
        job.add = false;
        job.out = direct ? g.c + i * g.ldc + panel.col : spill;
        job.outRow = direct ? g.ldc : panel.stride();
        job.c = swapped ? spill : g.c + i * g.ldc + panel.col;
        job.cRow = swapped ? 0 : g.ldc;
        if (g.pieces == 1) runTile(job, height, panel.width);
        else runPieces(job, i, height, panel.width);
        if (!direct) finishTile(spill, i, height, panel);
      });
    }
  }

  // The raw sums over k's [k0, k1) into out, `cols` apart.
  void intoSums(int64_t i0, int64_t i1, int64_t k0, int64_t k1, T* out) const {
    const int64_t fit = kGemmCacheBytes / ((i1 - i0 + cols) * static_cast<int64_t>(sizeof(T)));
    const int64_t chunk = fit < 64 ? 64 : fit > 512 ? 512 : fit / 8 * 8;
    for (int64_t k = k0; k < k1; k += chunk) {
      const int64_t end = k + chunk < k1 ? k + chunk : k1;
      const T* nextB = packed || ldb >= 2 * cols ? nullptr : b + end * ldb;
      tiles(i0, i1, 0, panels(), k, end, [&](TileJob<T>& job, int64_t i, int height, const Panel<T>& panel) {
        job.add = k > k0;
        job.out = out + i * cols + panel.col;
        job.outRow = cols;
        job.c = job.out;
        job.cRow = cols;
        // The next chunk: its A during the first panel, its B, spread over the tiles, during the others.
        if (panel.col == 0) {
          job.next = job.a + job.depth * aCol;
          job.nextStep = aRow == 1 ? aCol : 0;
        } else if (nextB) {
          job.next = nextB;
          job.nextStep = fetchedLines<T>(panel.width) * kLine / static_cast<int64_t>(sizeof(T));
          nextB += job.nextStep * job.depth;
        }
        runTile(job, height, panel.width);
      });
    }
  }

  // Adds up the partial sums of rows [begin, end) of C and finishes them.
  void outOfSums(int64_t begin, int64_t end, const T* sums, int64_t splits) const {
    const Sums<T> s = {swapped ? sums + begin : sums + begin * cols, cols, static_cast<int>(splits), rows * cols};
    if (swapped) finishTransposed<T>(g.epilogue, s, end - begin, g.n, begin, 0, g.c, g.ldc);
    else finish<T>(g.epilogue, s, end - begin, g.n, begin, 0, g.c, g.ldc);
  }

  // Few k's: rows [begin, end) of C, a block of whole rows after the other.
  void thinRows(int64_t begin, int64_t end) const {
    constexpr int64_t kWide = kThinWidth * kLanes<T>, kHigh = 64;
    alignas(64) T spill[16 * kWide];
    const bool direct = g.epilogue.none();
    const int64_t high = direct ? kHigh : 16;
    ThinJob<T> job;
    job.aRow = aRow;
    job.aCol = aCol;
    job.bRow = g.transposeB ? 1 : g.ldb;
    job.bCol = g.transposeB ? g.ldb : 1;
    for (int64_t i = begin; i < end; i += high) {
      for (int64_t col = 0; col < cols; col += kWide) {
        job.a = a + i * aRow;
        job.b = b + col * job.bCol;
        job.cols = cols - col < kWide ? cols - col : kWide;
        job.rows = end - i < high ? end - i : high;
        job.out = direct ? g.c + i * g.ldc + col : spill;
        job.outRow = direct ? g.ldc : kWide;
        runThin(job, depth);
        if (!direct) finish<T>(g.epilogue, {spill, kWide, 1, 0}, job.rows, job.cols, i, col, g.c, g.ldc);
      }
    }
  }

  // Few columns: rows [begin, end) of C as dot products with the columns of B, `turned` [n,k] (B itself if transposed).
  void dots(int64_t begin, int64_t end, const T* turned, int64_t stride) const {
    constexpr int L = kLanes<T>;
    alignas(64) T sums[L * L];
    const bool direct = g.epilogue.none();
    for (int64_t i = begin; i < end; i += L) {
      const int64_t high = end - i < L ? end - i : L;
      T* to = direct ? g.c + i * g.ldc : sums;
      const int64_t toRow = direct ? g.ldc : g.n;
      for (int64_t j = 0; j < g.n; ++j) {
        const V<T> x = dotRows<T>(g.a + i * g.lda, g.lda, high, turned + j * stride, g.k);
        for (int64_t r = 0; r < high; ++r) to[r * toRow + j] = x[r];
      }
      if (!direct) finish<T>(g.epilogue, {sums, g.n, 1, 0}, high, g.n, i, 0, g.c, g.ldc);
    }
  }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
