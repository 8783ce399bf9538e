// Few columns, rows of A contiguous: sums along k in the lanes instead of columns in the lanes, so that a product with
// one column does not waste fifteen of sixteen lanes. L rows at a time; their L vectors of sums are then added up into
// one vector.
#pragma once
#include "pack.h"
#include "registers.h"

namespace ag {
namespace AG_ISA {
namespace {

// The even lanes of a and b, and the odd ones.
template <class T> AG_INLINE V<T> evens(V<T> a, V<T> b) {
  if constexpr (kLanes<T> == 16) return AG_SHUFFLE(T, a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  else if constexpr (kLanes<T> == 8) return AG_SHUFFLE(T, a, b, 0, 2, 4, 6, 8, 10, 12, 14);
  else if constexpr (kLanes<T> == 4) return AG_SHUFFLE(T, a, b, 0, 2, 4, 6);
  else return AG_SHUFFLE(T, a, b, 0, 2);
}
template <class T> AG_INLINE V<T> odds(V<T> a, V<T> b) {
  if constexpr (kLanes<T> == 16) return AG_SHUFFLE(T, a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  else if constexpr (kLanes<T> == 8) return AG_SHUFFLE(T, a, b, 1, 3, 5, 7, 9, 11, 13, 15);
  else if constexpr (kLanes<T> == 4) return AG_SHUFFLE(T, a, b, 1, 3, 5, 7);
  else return AG_SHUFFLE(T, a, b, 1, 3);
}

// Lane r of the result: the lanes of s[r] added in a fixed tree.
template <class T, int R> AG_INLINE V<T> sumEach(const V<T> (&s)[R]) {
  if constexpr (R == 1) {
    return s[0];
  } else {
    V<T> half[R / 2];
    unroll<R / 2>([&](auto r)
                      AG_ALWAYS { half[r] = evens<T>(s[2 * r], s[2 * r + 1]) + odds<T>(s[2 * r], s[2 * r + 1]); });
    return sumEach<T, R / 2>(half);
  }
}

// Lane r of the result: row r of a . b, for the first `rows` of L rows.
template <class T>
static __attribute__((noinline)) V<T> dotRows(const T* a, int64_t lda, int64_t rows, const T* b, int64_t depth) {
  constexpr int L = kLanes<T>;
  V<T> sum[L];
  unroll<L>([&](auto r) AG_ALWAYS { sum[r] = V<T>{}; });
  int64_t k = 0;
  if (rows >= L) {
    Rows<L> at(a, lda * static_cast<int64_t>(sizeof(T)));
    for (; k + L <= depth; k += L) {
      const V<T> y = load(b + k);
      unroll<L>([&](auto r) AG_ALWAYS { sum[r] = fma(load(at.template at<T, r>()), y, sum[r]); });
      at.advance(AG_VECTOR_BYTES);
    }
  }
  for (; k < depth; k += L) {
    const Tail<T> t = tailOf<T>(static_cast<int>(depth - k < L ? depth - k : L));
    const V<T> y = loadTail(b + k, t);
    unroll<L>([&](auto r) AG_ALWAYS {
      if (r < rows) sum[r] = fma(loadTail(a + r * lda + k, t), y, sum[r]);
    });
  }
  return sumEach<T, L>(sum);
}

// Columns in the lanes cost ceil(n / L) fused multiply-adds a k and row; lanes along k cost n of them every L k's, and
// the sums' sums.
template <class T> constexpr bool dotPays(int64_t n, int64_t k) {
  return n <= kLanes<T> && n * (vectorsOf<T>(k) + 3) < k;
}

} // namespace
} // namespace AG_ISA
} // namespace ag
