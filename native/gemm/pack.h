// Packs op(B)[K,N] into panels as wide as the register tile reads: panel after panel, in each k after k, zeros beyond
// N.
#pragma once
#include "registers.h"
#include "tile.h"

namespace ag {
namespace AG_ISA {
namespace {

// The lanes of a and b in turn, of their lower or upper halves.
template <class T> AG_INLINE V<T> interleaveLow(V<T> a, V<T> b) {
  if constexpr (kLanes<T> == 16) return AG_SHUFFLE(T, a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  else if constexpr (kLanes<T> == 8) return AG_SHUFFLE(T, a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  else if constexpr (kLanes<T> == 4) return AG_SHUFFLE(T, a, b, 0, 4, 1, 5);
  else return AG_SHUFFLE(T, a, b, 0, 2);
}
template <class T> AG_INLINE V<T> interleaveHigh(V<T> a, V<T> b) {
  if constexpr (kLanes<T> == 16)
    return AG_SHUFFLE(T, a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  else if constexpr (kLanes<T> == 8) return AG_SHUFFLE(T, a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  else if constexpr (kLanes<T> == 4) return AG_SHUFFLE(T, a, b, 2, 6, 3, 7);
  else return AG_SHUFFLE(T, a, b, 1, 3);
}

// Rows become columns by log2 L rounds, each interleaving every row with the one half the rows away.
template <class T> AG_INLINE void transposeSquare(V<T> (&row)[kLanes<T>]) {
  constexpr int L = kLanes<T>;
  constexpr int rounds = L == 16 ? 4 : L == 8 ? 3 : L == 4 ? 2 : 1;
  unroll<rounds>([&](auto) AG_ALWAYS {
    V<T> next[L];
    unroll<L / 2>([&](auto r) AG_ALWAYS {
      next[2 * r] = interleaveLow<T>(row[r], row[r + L / 2]);
      next[2 * r + 1] = interleaveHigh<T>(row[r], row[r + L / 2]);
    });
    unroll<L>([&](auto r) AG_ALWAYS { row[r] = next[r]; });
  });
}

// One panel of a transposed B: its columns are rows in memory, turned L x L elements at a time.
template <class T> static void packTurned(const T* b, int64_t ldb, int64_t depth, const Panel<T>& panel, T* out) {
  constexpr int L = kLanes<T>;
  const int64_t stride = panel.stride();
  for (int64_t j = 0; j < stride; j += L) {
    const int64_t have = panel.cols - j < L ? panel.cols - j : L;
    for (int64_t k = 0; k < depth; k += L) {
      const int64_t deep = depth - k < L ? depth - k : L;
      const Tail<T> t = tailOf<T>(static_cast<int>(deep));
      V<T> row[L];
      unroll<L>([&](auto r) AG_ALWAYS { row[r] = r < have ? loadTail(b + (j + r) * ldb + k, t) : V<T>{}; });
      transposeSquare<T>(row);
      T* to = out + k * stride + j;
      unroll<L>([&](auto r) AG_ALWAYS {
        if (r < deep) store(to + r * stride, row[r]);
      });
    }
  }
}

template <class T> static void packStraight(const T* b, int64_t ldb, int64_t depth, const Panel<T>& panel, T* out) {
  constexpr int L = kLanes<T>;
  const Tail<T> last = panel.last();
  for (int64_t k = 0; k < depth; ++k, b += ldb, out += panel.stride()) {
    for (int j = 0; j < panel.width - 1; ++j) store(out + j * L, load(b + j * L));
    store(out + (panel.width - 1) * L, loadTail(b + (panel.width - 1) * L, last));
  }
}

// Panels [begin, end) of op(B).
template <class T> static void pack(const T* b, int64_t ldb, bool transposed, int64_t n, int64_t depth, int64_t begin,
                                    int64_t end, T* out) {
  for (int64_t p = begin; p < end; ++p) {
    const Panel<T> panel(p, n);
    T* to = out + depth * panel.col;
    if (transposed) packTurned(b + panel.col * ldb, ldb, depth, panel, to);
    else packStraight(b + panel.col, ldb, depth, panel, to);
  }
}

} // namespace
} // namespace AG_ISA
} // namespace ag
