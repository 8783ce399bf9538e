// Blocks of numbers between rows of D components (as features and vectors lie in memory) and one register a component
// (as kernels compute). Exact copies. With AVX-512 lanes move by masked permutations, D of them for each register;
// other sets copy number by number.
#pragma once
#include "simd.h"

// Loops over registers of an array, so that the array itself stays in registers.
#if defined(__clang__)
#define AG_UNROLL _Pragma("unroll")
#else
#define AG_UNROLL _Pragma("GCC unroll 16")
#endif

namespace ag {
namespace AG_ISA {
namespace {

#if defined(__AVX512F__)
// Lanes of `from` picked by `index` where the mask is set, `kept` elsewhere.
AG_INLINE V<float> pick(V<float> kept, uint32_t mask, const int32_t* index, V<float> from) {
  return (V<float>)_mm512_mask_permutexvar_ps((__m512)kept, static_cast<__mmask16>(mask), _mm512_loadu_si512(index),
                                              (__m512)from);
}
AG_INLINE V<double> pick(V<double> kept, uint32_t mask, const int64_t* index, V<double> from) {
  return (V<double>)_mm512_mask_permutexvar_pd((__m512d)kept, static_cast<__mmask8>(mask), _mm512_loadu_si512(index),
                                               (__m512d)from);
}

template <class T> struct LaneIndex;
template <> struct LaneIndex<float> {
  using type = int32_t;
};
template <> struct LaneIndex<double> {
  using type = int64_t;
};

// apart: lane u of component k is number u D + k of the block; together: number j L + e is component (j L + e) % D of
// lane (j L + e) / D.
template <class T, int D> struct Moves {
  typename LaneIndex<T>::type apart[D][kLanes<T>] = {}, together[D][kLanes<T>] = {};
  uint32_t apartMask[D][D] = {}, togetherMask[D][D] = {};
  constexpr Moves() {
    constexpr int L = kLanes<T>;
    for (int k = 0; k < D; ++k)
      for (int e = 0; e < L; ++e) {
        const int from = e * D + k, to = k * L + e;
        apart[k][e] = from % L;
        apartMask[k][from / L] |= 1u << e;
        together[k][e] = to / D;
        togetherMask[k][to % D] |= 1u << e;
      }
  }
};
template <class T, int D> constexpr Moves<T, D> kMoves{};

// kLanes rows of D numbers to D registers, and back.
template <class T, int D> AG_INLINE void deinterleave(V<T>* to, const T* from) {
  V<T> rows[D];
  for (int j = 0; j < D; ++j) rows[j] = load(from + j * kLanes<T>);
  for (int k = 0; k < D; ++k) {
    V<T> out = {};
    for (int j = 0; j < D; ++j) out = pick(out, kMoves<T, D>.apartMask[k][j], kMoves<T, D>.apart[k], rows[j]);
    to[k] = out;
  }
}
// kPast: past the caches (stream() of simd.h), `to` a multiple of the register's size.
template <class T, int D, bool kPast = false> AG_INLINE void interleave(T* to, const V<T>* from) {
  for (int j = 0; j < D; ++j) {
    V<T> out = {};
    for (int k = 0; k < D; ++k) out = pick(out, kMoves<T, D>.togetherMask[j][k], kMoves<T, D>.together[j], from[k]);
    if (kPast) stream(to + j * kLanes<T>, out);
    else store(to + j * kLanes<T>, out);
  }
}

// kLanes rows of kLanes numbers: rows become columns.
AG_INLINE V<float> pickTwo(V<float> a, const int32_t* index, V<float> b) {
  return (V<float>)_mm512_permutex2var_ps((__m512)a, _mm512_loadu_si512(index), (__m512)b);
}
AG_INLINE V<double> pickTwo(V<double> a, const int64_t* index, V<double> b) {
  return (V<double>)_mm512_permutex2var_pd((__m512d)a, _mm512_loadu_si512(index), (__m512d)b);
}
// Exchange of the off-diagonal quarters of 2h x 2h blocks, h = 2^k.
template <class T> struct Exchanges {
  typename LaneIndex<T>::type low[4][kLanes<T>] = {}, high[4][kLanes<T>] = {};
  constexpr Exchanges() {
    for (int k = 0; k < 4; ++k)
      for (int e = 0; e < kLanes<T>; ++e) {
        const int h = 1 << k;
        low[k][e] = e & h ? kLanes<T> + (e ^ h) : e;
        high[k][e] = e & h ? kLanes<T> + e : e ^ h;
      }
  }
};
template <class T> constexpr Exchanges<T> kExchanges{};
template <class T> AG_INLINE void transposeSquare(V<T>* v) {
  AG_UNROLL
  for (int k = 0; k < (kLanes<T> == 16 ? 4 : 3); ++k) {
    AG_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) {
      const int h = 1 << k;
      if (i & h) continue;
      const V<T> a = v[i], b = v[i | h];
      v[i] = pickTwo(a, kExchanges<T>.low[k], b);
      v[i | h] = pickTwo(a, kExchanges<T>.high[k], b);
    }
  }
}
// Lane e: the sum of the lanes of v[e], always in the same tree; v is used up.
template <class T> AG_INLINE V<T> sumsOfLanes(V<T>* v) {
  AG_UNROLL
  for (int k = 0; k < (kLanes<T> == 16 ? 4 : 3); ++k) {
    AG_UNROLL
    for (int i = 0; i < kLanes<T>; ++i) {
      const int h = 1 << k;
      if (i & (2 * h - 1)) continue;
      v[i] = pickTwo(v[i], kExchanges<T>.low[k], v[i + h]) + pickTwo(v[i], kExchanges<T>.high[k], v[i + h]);
    }
  }
  return v[0];
}
#else
template <class T> AG_INLINE void transposeSquare(V<T>* v) {
  for (int i = 0; i < kLanes<T>; ++i)
    for (int j = 0; j < i; ++j) {
      const T t = v[i][j];
      v[i][j] = v[j][i];
      v[j][i] = t;
    }
}
template <class T> AG_INLINE V<T> sumsOfLanes(V<T>* v) {
  transposeSquare<T>(v);
  for (int h = kLanes<T> / 2; h > 0; h /= 2)
    for (int k = 0; k < h; ++k) v[k] += v[k + h];
  return v[0];
}
template <class T, int D> AG_INLINE void deinterleave(V<T>* to, const T* from) {
  for (int k = 0; k < D; ++k) {
    T lanes[kLanes<T>];
    for (int e = 0; e < kLanes<T>; ++e) lanes[e] = from[e * D + k];
    to[k] = load(lanes);
  }
}
template <class T, int D, bool kPast = false> AG_INLINE void interleave(T* to, const V<T>* from) {
  for (int e = 0; e < kLanes<T>; ++e)
    for (int k = 0; k < D; ++k) to[e * D + k] = from[k][e];
}
#endif

// The first n rows of width W at `from`, a register a column (missing rows are zeros), and back.
template <class T> static void rowsToColumns(V<T>* to, const T* from, int64_t W, int n) {
  for (int64_t s = 0; s < W; s += kLanes<T>) {
    const int width = static_cast<int>(W - s < kLanes<T> ? W - s : kLanes<T>);
    V<T> block[kLanes<T>] = {};
    for (int e = 0; e < n; ++e) block[e] = loadPart(from + e * W + s, width);
    transposeSquare<T>(block);
    for (int k = 0; k < width; ++k) to[s + k] = block[k];
  }
}
template <class T> static void columnsToRows(T* to, const V<T>* from, int64_t W, int n) {
  for (int64_t s = 0; s < W; s += kLanes<T>) {
    const int width = static_cast<int>(W - s < kLanes<T> ? W - s : kLanes<T>);
    V<T> block[kLanes<T>] = {};
    for (int k = 0; k < width; ++k) block[k] = from[s + k];
    transposeSquare<T>(block);
    for (int e = 0; e < n; ++e) storePart(to + e * W + s, block[e], width);
  }
}

} // namespace
} // namespace AG_ISA
} // namespace ag
