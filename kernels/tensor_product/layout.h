// The plan of a tensor product as op.ts writes it (plan.ts holds the same numbers), and rows in the kernels' own
// layout.
//
// Features lie as [mul][2l+1]. Inside, an entry is [2l+1][pad] with the multiplicity rounded up to 16, so that a
// register holds one component of as many copies as it has lanes; the rest are zeros.
#pragma once
#include "../../native/interleave.h"
#include "../../native/simd.h"

namespace ag {
namespace AG_ISA {
namespace {

// Which pairs (u, v) of copies meet, and which copy of the output a pair adds to (kDense: to all, by a matrix of
// weights).
enum Pairs { kAll, kDiagonal, kUpper };
enum Target { kFirst, kSecond, kPair, kSingle, kDense };

struct Entry {
  int32_t mul, dim, offset, padded;
};
struct Path {
  int32_t pairs, target, weights, mul1, mul2, mul3, dim1, dim2, dim3, offset1, offset2, offset3, first, count, padded1,
      padded3;
};
struct Index {
  int32_t i, j, k;
};
struct Plan {
  int32_t paths, entries1, entries3, width1, width3, terms, mostTerms, reserved;
  const Entry* entry1() const { return reinterpret_cast<const Entry*>(this + 1); }
  const Entry* entry3() const { return entry1() + entries1; }
  const Path* path() const { return reinterpret_cast<const Path*>(entry3() + entries3); }
  const Index* index() const { return reinterpret_cast<const Index*>(path() + paths); }
};

AG_INLINE int32_t padOf(int32_t mul) { return (mul + 15) / 16 * 16; }

template <class T, int D> static void rowIn(T* to, const T* from, int32_t mul, int32_t pad) {
  int32_t u = 0;
  for (; u + kLanes<T> <= mul; u += kLanes<T>) {
    V<T> block[D];
    deinterleave<T, D>(block, from + u * D);
    for (int i = 0; i < D; ++i) store(to + i * pad + u, block[i]);
  }
  for (; u < mul; ++u)
    for (int i = 0; i < D; ++i) to[i * pad + u] = from[u * D + i];
}
template <class T, int D, bool kPast> static void rowOut(T* to, const T* from, int32_t mul, int32_t pad) {
  int32_t u = 0;
  for (; u + kLanes<T> <= mul; u += kLanes<T>) {
    V<T> block[D];
    for (int i = 0; i < D; ++i) block[i] = load(from + i * pad + u);
    interleave<T, D, kPast>(to + u * D, block);
  }
  for (; u < mul; ++u)
    for (int i = 0; i < D; ++i) to[u * D + i] = from[i * pad + u];
}

// One row of features into the padded layout (whose padding is zero from the start), and back.
template <class T> static void loadRow(T* to, const T* from, const Entry* entries, int32_t count) {
  for (int32_t n = 0; n < count; ++n) {
    const Entry& e = entries[n];
    T* t = to + e.padded;
    const T* f = from + e.offset;
    const int32_t pad = padOf(e.mul);
    if (e.dim == 1) rowIn<T, 1>(t, f, e.mul, pad);
    else if (e.dim == 3) rowIn<T, 3>(t, f, e.mul, pad);
    else if (e.dim == 5) rowIn<T, 5>(t, f, e.mul, pad);
    else if (e.dim == 7) rowIn<T, 7>(t, f, e.mul, pad);
    else
      for (int32_t u = 0; u < e.mul; ++u)
        for (int32_t i = 0; i < e.dim; ++i) t[i * pad + u] = f[u * e.dim + i];
  }
}
template <class T, bool kPast> static void storeRowTo(T* to, const T* from, const Entry* entries, int32_t count) {
  for (int32_t n = 0; n < count; ++n) {
    const Entry& e = entries[n];
    T* t = to + e.offset;
    const T* f = from + e.padded;
    const int32_t pad = padOf(e.mul);
    if (e.dim == 1) rowOut<T, 1, kPast>(t, f, e.mul, pad);
    else if (e.dim == 3) rowOut<T, 3, kPast>(t, f, e.mul, pad);
    else if (e.dim == 5) rowOut<T, 5, kPast>(t, f, e.mul, pad);
    else if (e.dim == 7) rowOut<T, 7, kPast>(t, f, e.mul, pad);
    else
      for (int32_t u = 0; u < e.mul; ++u)
        for (int32_t i = 0; i < e.dim; ++i) t[u * e.dim + i] = f[i * pad + u];
  }
}
template <class T> static void storeRow(T* to, const T* from, const Entry* entries, int32_t count, bool past) {
  if (past) storeRowTo<T, true>(to, from, entries, count);
  else storeRowTo<T, false>(to, from, entries, count);
}

// Whether rows are written past the caches: many of them, and each entry a whole number of registers.
constexpr int64_t kStreamBytes = 16 << 20;
template <class T> static bool streams(int64_t rows, int64_t width, const Entry* entries, int32_t count) {
  if (rows * width * static_cast<int64_t>(sizeof(T)) < kStreamBytes) return false;
  for (int32_t n = 0; n < count; ++n)
    if (entries[n].mul % kLanes<T> != 0) return false;
  return true;
}

// Calls body(u, v, q) for the pairs of a path in the order of their weights.
template <class F> AG_INLINE void eachPair(const Path& p, F&& body) {
  int32_t q = 0;
  for (int32_t u = 0; u < p.mul1; ++u) {
    if (p.pairs == kDiagonal) body(u, u, q++);
    else
      for (int32_t v = p.pairs == kUpper ? u + 1 : 0; v < p.mul2; ++v) body(u, v, q++);
  }
}
AG_INLINE int32_t targetOf(const Path& p, int32_t u, int32_t v, int32_t q) {
  return p.target == kFirst ? u : p.target == kSecond ? v : p.target == kPair ? q : 0;
}

} // namespace
} // namespace AG_ISA
} // namespace ag
