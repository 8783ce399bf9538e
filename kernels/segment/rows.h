// Sums of terms that are rows of F numbers, one after the other in a fixed order: to[f] = sum over k of term(k)[f].
//
// terms(k, f, width) is term k from column f on, of which `width` columns are wanted. It has
//   present()          false: the term adds nothing
//   add(sum, f)        sum + a register of the term
//   addPart(sum, f, n) the same with the first n lanes
//   addOne(sum)        sum + one number: terms of one column
// Columns are vector lanes, in wide strips because memory is fast along a row only.
#pragma once
#include "../../native/simd.h"
#include "../../native/team.h"
#include "chunks.h"

namespace ag {
namespace AG_ISA {
namespace {

// A row of a matrix.
template <class T> struct RowTerm {
  const T* x;
  static constexpr bool present() { return true; }
  AG_ALWAYS inline V<T> add(V<T> sum, int f) const { return sum + load(x + f); }
  AG_ALWAYS inline V<T> addPart(V<T> sum, int f, int n) const { return sum + loadPart(x + f, n); }
  AG_ALWAYS inline T addOne(T sum) const { return sum + *x; }
};

template <int W, class T, class Terms>
static inline void addStrip(T* to, int64_t f, int64_t first, int64_t last, Terms&& terms) {
  constexpr int L = kLanes<T>;
  V<T> sum[W];
  for (int w = 0; w < W; ++w) sum[w] = splat<T>(T(0));
  for (int64_t k = first; k < last; ++k) {
    const auto term = terms(k, f, W * L);
    if (!term.present()) continue;
    for (int w = 0; w < W; ++w) sum[w] = term.add(sum[w], w * L);
  }
  for (int w = 0; w < W; ++w) store(to + f + w * L, sum[w]);
}

template <class T, class Terms>
static inline void addRows(T* to, int64_t F, int64_t first, int64_t last, Terms&& terms) {
  constexpr int L = kLanes<T>;
  // Columns of one number: no lanes to fill, so the sum runs along the terms.
  if (F == 1) {
    T total = 0;
    for (int64_t k = first; k < last; ++k) {
      const auto term = terms(k, 0, 1);
      if (term.present()) total = term.addOne(total);
    }
    *to = total;
    return;
  }
  int64_t f = 0;
  for (; f + 8 * L <= F; f += 8 * L) addStrip<8>(to, f, first, last, terms);
  for (; f + 2 * L <= F; f += 2 * L) addStrip<2>(to, f, first, last, terms);
  for (; f < F; f += L) {
    const int n = static_cast<int>(F - f < L ? F - f : L);
    V<T> sum = splat<T>(T(0));
    for (int64_t k = first; k < last; ++k) {
      const auto term = terms(k, f, n);
      if (term.present()) sum = term.addPart(sum, 0, n);
    }
    storePart(to + f, sum, n);
  }
}

// to[r] = sum of the terms [ptr[r], ptr[r+1]) for all rows r, E terms in all or less; `partial` has room for
// chunkSlots(E) rows.
template <class T, class Terms> static inline void sumByRows(const Call& c, int64_t R, int64_t E, int64_t F,
                                                             const int32_t* ptr, T* to, T* partial, double nsPerNumber,
                                                             Terms&& terms) {
  const double ns = R ? static_cast<double>(E) / static_cast<double>(R) * static_cast<double>(F) * nsPerNumber + 4 : 0;
  int64_t longest = 0;
  for (int64_t r = 0; r < R; ++r) longest = ptr[r + 1] - ptr[r] > longest ? ptr[r + 1] - ptr[r] : longest;
  if (longest > kChunk)
    blocks(c, chunkSlots(E), 1, 0.5 * static_cast<double>(F * kChunk) * nsPerNumber, [&](int64_t slot, int64_t) {
      const Chunk chunk = chunkOf(slot, ptr, R);
      if (chunk.first < chunk.last) addRows(partial + slot * F, F, chunk.first, chunk.last, terms);
    });
  blocks(c, R, ns > 20000 ? 1 : 64, ns, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t first = ptr[r], count = ptr[r + 1] - first;
      if (count <= kChunk) addRows(to + r * F, F, first, first + count, terms);
      else
        addRows(to + r * F, F, 0, (count + kChunk - 1) / kChunk,
                [&](int64_t k, int64_t f, int) { return RowTerm<T>{partial + slotOf(first, k) * F + f}; });
    }
  });
}

} // namespace
} // namespace AG_ISA
} // namespace ag
